package sso

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"rollcall/model/signon"
	"rollcall/web"
)

// The session's cookie is Lax: other sites cannot make the browser act with it. The other cookies
// must come with the identity provider's cross-site POST, so they are None. They give no access.
// The login's cookie only proves that the response reached the browser that began the login. Each
// login on its way has a cookie besides, which keeps the login. The marker tells which session
// there is.
const (
	sessionCookie = "rollcall"
	markerCookie  = "rollcall-session"
	loginCookie   = "rollcall-login"
	// loginCookieTime is the age of the login's cookie in seconds. It is longer than a login lasts.
	// All tabs share one cookie.
	loginCookieTime = 3600
	// keptLoginTime is the age of the cookie that keeps a login, in seconds. A login lasts ten
	// minutes; one that is over can still be explained.
	keptLoginTime = 1200

	maxCookie     = 3500 // bytes of one cookie, of which browsers take 4096 with its name
	maxLoginParts = 3    // cookies of one login, whose state may have 4096 bytes
	// maxLoginCookies is how long the cookies of all logins together are, in bytes. Common proxies
	// refuse a header of 8 KiB: a page of another site that begins logins in a row would lock the
	// browser out.
	maxLoginCookies = 6500
)

func (s *Server) cookies() web.Cookies { return web.CookiesAt(s.PublicURL) }

// setSession gives the browser a new session.
func (s *Server) setSession(c echo.Context, token, id string) {
	s.setLoginCookie(c, markerCookie, signon.Across(s.Store).Marker(id), 0)
	c.SetCookie(&http.Cookie{Name: s.cookies().Name(sessionCookie), Value: token, Path: "/", HttpOnly: true,
		Secure: s.cookies().Secure, SameSite: http.SameSiteLaxMode})
}

func (s *Server) dropSession(c echo.Context) {
	s.setLoginCookie(c, markerCookie, "", -1)
	c.SetCookie(&http.Cookie{Name: s.cookies().Name(sessionCookie), Path: "/", HttpOnly: true,
		Secure: s.cookies().Secure, SameSite: http.SameSiteLaxMode, MaxAge: -1})
}

// keepLogin has the browser keep a login on its way. Other logins stay, for other tabs, as long as
// all of them fit into the headers that proxies take: the oldest go first.
func (s *Server) keepLogin(c echo.Context, id string, kept []byte) {
	value := base64.RawURLEncoding.EncodeToString(kept)
	room := maxLoginCookies - len(value)
	older := s.keptLogins(c)
	for _, n := range slices.Backward(older) { // an id begins with its time
		if room -= n.size; room < 0 {
			s.setLoginCookie(c, n.name, "", -1)
		}
	}
	for part := 0; part == 0 || value != ""; part++ {
		n := min(len(value), maxCookie)
		s.setLoginCookie(c, keptName(id, part), value[:n], keptLoginTime)
		value = value[n:]
	}
}

// keptCookie is a cookie of a login in a request.
type keptCookie struct {
	name string // without the prefix of the host
	size int
}

// keptLogins are the cookies of logins in a request, the oldest first.
func (s *Server) keptLogins(c echo.Context) (out []keptCookie) {
	prefix := s.cookies().Name(loginCookie + "-")
	for _, cookie := range c.Cookies() {
		if id, ok := strings.CutPrefix(cookie.Name, prefix); ok {
			out = append(out, keptCookie{loginCookie + "-" + id, len(cookie.Name) + len(cookie.Value)})
		}
	}
	slices.SortFunc(out, func(a, b keptCookie) int { return strings.Compare(a.name, b.name) })
	return out
}

// keptLogin returns what the browser keeps of a login.
func (s *Server) keptLogin(c echo.Context, id string) []byte {
	var value strings.Builder
	for part := range maxLoginParts {
		value.WriteString(s.cookies().Read(c, keptName(id, part)))
	}
	raw, err := base64.RawURLEncoding.DecodeString(value.String())
	if err != nil {
		return nil
	}
	return raw
}

// keptName is the name of the cookie with one part of a login.
func keptName(id string, part int) string {
	name := loginCookie + "-" + id
	if part > 0 {
		name += "." + strconv.Itoa(part)
	}
	return name
}

// setLoginCookie sets a cookie that comes with the identity provider's POST. Browsers accept
// SameSite=None only together with Secure, and accept Secure from loopback over http, too.
func (s *Server) setLoginCookie(c echo.Context, name, value string, age int) {
	c.SetCookie(&http.Cookie{Name: s.cookies().Name(name), Value: value, Path: "/", HttpOnly: true,
		Secure: true, SameSite: http.SameSiteNoneMode, MaxAge: age})
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
	s.setLoginCookie(c, loginCookie, value, loginCookieTime)
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
