package web

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

// Bearer returns the bearer token of the Authorization header, or "" if it has none. The name of
// the scheme is case-insensitive (RFC 9110, section 11.1).
func Bearer(h http.Header) string {
	scheme, token, _ := strings.Cut(strings.TrimSpace(h.Get(echo.HeaderAuthorization)), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// Cookies names and reads the cookies of a server. Over https their names have the prefix __Host-,
// so that no other host of the domain can set them. Browsers refuse that prefix over http, which is
// used on loopback only.
type Cookies struct {
	// Secure is true if browsers reach the server over https.
	Secure bool
}

// CookiesAt returns the cookies of the server at a public URL.
func CookiesAt(publicURL string) Cookies { return Cookies{strings.HasPrefix(publicURL, "https://")} }

// Name is the name under which browsers keep a cookie.
func (k Cookies) Name(name string) string {
	if k.Secure {
		return "__Host-" + name
	}
	return name
}

// SetupCookie is the cookie of a browser in the set-up portal. It comes along when the answer of an
// identity provider leads back here, as Lax cookies do after a redirect with 303.
const SetupCookie = "rollcall-setup"

// rememberTime is how long Remember's cookies are kept, in seconds: a year.
const rememberTime = 365 * 86400

// Remember has the browser keep a value for a year, which only comes with requests that our own
// pages or the person begin.
func (k Cookies) Remember(c echo.Context, name, value string) {
	c.SetCookie(&http.Cookie{Name: k.Name(name), Value: value, Path: "/", HttpOnly: true, Secure: k.Secure,
		SameSite: http.SameSiteStrictMode, MaxAge: rememberTime})
}

// Read returns the value of a cookie, or "" if there is none.
func (k Cookies) Read(c echo.Context, name string) string {
	cookie, err := c.Cookie(k.Name(name))
	if err != nil {
		return ""
	}
	return cookie.Value
}
