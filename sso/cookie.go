package sso

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"

	"github.com/labstack/echo/v4"

	"rollcall/web"
)

// The session's cookie is Lax: other sites cannot make the browser act with it. The login's cookie
// must come with the identity provider's cross-site POST, so it is None. It gives no access, and
// only proves that the response reached the browser that began the login.
const (
	sessionCookie = "rollcall"
	loginCookie   = "rollcall-login"
	// loginCookieTime is the age of the login's cookie in seconds. It is longer than a login lasts.
	// All tabs share one cookie.
	loginCookieTime = 3600
)

func (s *Server) cookies() web.Cookies { return web.CookiesAt(s.PublicURL) }

func (s *Server) setSession(c echo.Context, token string) {
	c.SetCookie(&http.Cookie{Name: s.cookies().Name(sessionCookie), Value: token, Path: "/", HttpOnly: true,
		Secure: s.cookies().Secure, SameSite: http.SameSiteLaxMode})
}

func (s *Server) dropSession(c echo.Context) {
	c.SetCookie(&http.Cookie{Name: s.cookies().Name(sessionCookie), Path: "/", HttpOnly: true,
		Secure: s.cookies().Secure, SameSite: http.SameSiteLaxMode, MaxAge: -1})
}

// bindBrowser gives the browser a random value that identifies it to its logins, and returns the
// hash of the value.
func (s *Server) bindBrowser(c echo.Context) []byte {
	value := s.cookies().Read(c, loginCookie)
	if raw, err := base64.RawURLEncoding.DecodeString(value); err != nil || len(raw) != sha256.Size {
		raw = make([]byte, sha256.Size)
		rand.Read(raw)
		value = base64.RawURLEncoding.EncodeToString(raw)
	}
	// Browsers accept None only together with Secure, and accept Secure from loopback over http,
	// too.
	c.SetCookie(&http.Cookie{Name: s.cookies().Name(loginCookie), Value: value, Path: "/", HttpOnly: true,
		Secure: true, SameSite: http.SameSiteNoneMode, MaxAge: loginCookieTime})
	return browserHash(value)
}

func browserHash(value string) []byte {
	sum := sha256.Sum256([]byte(value))
	return sum[:]
}

// fromBrowser tells whether a login began in the browser that sends this request.
func (s *Server) fromBrowser(c echo.Context, hash []byte) bool {
	value := s.cookies().Read(c, loginCookie)
	return value != "" && subtle.ConstantTimeCompare(browserHash(value), hash) == 1
}

// knownBrowser tells whether some login began in the browser that sends this request.
func (s *Server) knownBrowser(c echo.Context) bool { return s.cookies().Read(c, loginCookie) != "" }
