package web

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

// Bearer returns the bearer token of the Authorization header, or nothing. The name of the scheme
// is in any case (RFC 9110, section 11.1).
func Bearer(h http.Header) string {
	scheme, token, _ := strings.Cut(strings.TrimSpace(h.Get(echo.HeaderAuthorization)), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// Cookies names and reads the cookies of a server. Over https they have the prefix that keeps other
// hosts of the domain from setting them. Browsers refuse that prefix over http, which is for
// loopback.
type Cookies struct {
	// Secure tells whether browsers reach the server over https.
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

// Read returns the value of a cookie, or nothing.
func (k Cookies) Read(c echo.Context, name string) string {
	cookie, err := c.Cookie(k.Name(name))
	if err != nil {
		return ""
	}
	return cookie.Value
}
