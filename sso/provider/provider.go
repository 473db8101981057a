package provider

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/model/grant"
	"rollcall/model/store"
	"rollcall/web"
)

// Server answers applications.
type Server struct {
	Store *store.Store

	// PublicURL is the address at which browsers and applications reach this server.
	PublicURL string

	keys     kept[[]grant.Key]
	old      kept[*sync.Map] // keys that are not published any more, by their ids
	origins  kept[map[string]bool]
	failures failures
}

// Mount adds the routes.
func (s *Server) Mount(e *echo.Echo) {
	s.failures.init()
	for _, path := range []string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"} {
		e.GET(path, s.discovery)
	}
	e.GET("/oauth2/jwks", s.KeySet)
	for _, r := range []struct {
		method, path string
		handler      echo.HandlerFunc
	}{
		{http.MethodPost, "/oauth2/token", s.token},
		{http.MethodGet, "/oauth2/userinfo", s.userinfo},
		{http.MethodPost, "/oauth2/userinfo", s.userinfo},
		{http.MethodPost, "/oauth2/introspect", s.introspect},
		{http.MethodPost, "/oauth2/revoke", s.revoke},
		{http.MethodOptions, "/oauth2/token", preflight},
		{http.MethodOptions, "/oauth2/revoke", preflight},
		{http.MethodOptions, "/oauth2/userinfo", preflight},
	} {
		e.Add(r.method, r.path, r.handler, s.forScripts)
	}
	web.Errors(e, RenderError, "/oauth2/token", "/oauth2/userinfo", "/oauth2/introspect", "/oauth2/revoke",
		"/oauth2/jwks", "/.well-known/openid-configuration",
		"/.well-known/oauth-authorization-server")
}

// Issuer is the name of this provider, and the beginning of all its addresses.
func (s *Server) Issuer() string { return strings.TrimSuffix(s.PublicURL, "/") }

// forScripts lets scripts of public applications read the answers: those of the origins of their
// redirect URIs. Every other application calls from its server.
func (s *Server) forScripts(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Add(echo.HeaderVary, echo.HeaderOrigin)
		origin := c.Request().Header.Get(echo.HeaderOrigin)
		if origin == "" {
			return next(c)
		}
		known, err := s.isPublic(c.Request().Context(), origin)
		if err != nil {
			return err
		}
		if known {
			h.Set(echo.HeaderAccessControlAllowOrigin, origin)
			h.Set(echo.HeaderAccessControlAllowHeaders, "Authorization, Content-Type")
			h.Set(echo.HeaderAccessControlAllowMethods, "GET, POST")
			h.Set(echo.HeaderAccessControlExposeHeaders, "WWW-Authenticate, Retry-After")
			h.Set(echo.HeaderAccessControlMaxAge, "300")
		}
		return next(c)
	}
}

const (
	// originsKept is how long the origins are used before they are read again.
	originsKept = time.Minute
	// originsMissed is how long for an origin that is not among them. It may be a new one, or one
	// that a stranger made up.
	originsMissed = time.Second
)

// isPublic tells whether an origin is one of a public application.
func (s *Server) isPublic(ctx context.Context, origin string) (bool, error) {
	read := func() (map[string]bool, error) { return s.clients().PublicOrigins(ctx) }
	known, err := s.origins.get(s.Store.Now(), originsKept, read)
	if err == nil && !known[origin] {
		known, err = s.origins.get(s.Store.Now(), originsMissed, read)
	}
	return known[origin], err
}

// preflight answers the question of a browser whether a script may call (the Fetch standard,
// "CORS-preflight fetch"). The headers say it.
func preflight(c echo.Context) error { return c.NoContent(http.StatusNoContent) }
