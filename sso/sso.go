package sso

import (
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"rollcall/model/store"
	"rollcall/sso/provider"
	"rollcall/trust"
	"rollcall/web"
)

// Server signs people in.
type Server struct {
	Store *store.Store
	Pages *web.Pages

	// PublicURL is the address at which browsers and identity providers reach this server. Cookies
	// have the prefix __Host- if it is https. http is for loopback only.
	PublicURL string

	// Log is slog.Default when nil.
	Log *slog.Logger

	// Outbound sends requests to OpenID providers.
	Outbound *web.Outbound

	providers *trust.Providers
	parties   relyingParties
	openID    *provider.Server
}

//go:embed templates/*.html
var templates embed.FS

//go:embed assets
var assets embed.FS

// Mount adds the routes and the pages. Its error names the page that is broken.
func (s *Server) Mount(e *echo.Echo) error {
	pages, err := fs.Sub(templates, "templates")
	if err != nil {
		return fmt.Errorf("open templates: %w", err)
	}
	files, err := fs.Sub(assets, "assets")
	if err != nil {
		return fmt.Errorf("open assets: %w", err)
	}
	if err := s.Pages.Add(pages, files); err != nil {
		return err
	}
	if s.Log == nil {
		s.Log = slog.Default()
	}
	s.providers = trust.NewProviders(s.Store, s.PublicURL)
	s.parties.init()
	s.openID = &provider.Server{Store: s.Store, PublicURL: s.PublicURL}
	s.openID.Mount(e)
	s.mountForApplications(e)
	e.POST("/sso/go-on", s.goOn, web.OwnForms)
	e.POST("/sso/replace", s.replace, web.OwnForms)
	e.GET("/sso/session", s.session)
	e.GET("/sso/signed-in", s.signedIn)
	e.GET("/sso/logout", s.logoutPage)
	e.POST("/sso/logout", s.logout, web.OwnForms)
	e.POST("/sso/logout/authorize", s.authorizeLogout)
	e.GET("/sso/saml/:connection/metadata", s.metadata)
	e.GET("/sso/saml/:connection/login", s.connectionLogin)
	e.POST("/sso/saml/:connection/acs", s.acs)
	e.GET("/sso/saml/:connection/again", s.again)
	e.GET("/sso/oidc/:connection/again", s.again)
	web.OnlyGET(e.GET("/sso/saml/:connection/slo", s.slo))
	e.POST("/sso/saml/:connection/slo", s.slo)
	e.GET("/login", s.login)
	e.POST("/login", s.enterEmail, web.OwnForms)
	e.POST("/login/password", s.enterPassword, web.OwnForms)
	e.GET("/sso/oidc/:connection/login", s.oidcLogin)
	e.POST("/sso/oidc/:connection/login", s.oidcLogin)
	web.OnlyGET(e.GET("/sso/oidc/:connection/callback", s.callback))
	e.POST("/sso/oidc/:connection/callback", s.callback)
	web.OnlyGET(e.GET("/sso/oidc/:connection/logout", s.oidcLoggedOut))
	s.mountTests(e)
	e.GET("/login/:slug", s.organizationLogin)
	e.GET("/password/:token", s.newPassword)
	e.POST("/password/:token", s.setPassword, web.OwnForms)
	return nil
}

// mountForApplications adds the routes that applications call, or send browsers to.
func (s *Server) mountForApplications(e *echo.Echo) {
	e.GET("/sso/authorize", s.authorize)
	e.GET(openIDPath, s.authorizeOpenID)
	e.POST(openIDPath, s.repeatAsGET(authorizeFields))
	web.OnlyGET(e.GET("/oauth2/logout", s.openIDLogout))
	e.POST("/oauth2/logout", s.repeatAsGET(logoutFields))
	e.POST("/sso/token", s.token)
	e.GET("/sso/profile", s.profile)
	e.GET("/sso/jwks/:client", s.jwks)
	web.Errors(e, provider.RenderError, "/sso/token", "/sso/profile", "/sso/session", "/sso/jwks",
		"/sso/logout/authorize")
}

// public returns a URL of this server.
func (s *Server) public(path string) string { return strings.TrimSuffix(s.PublicURL, "/") + path }

// redirect sends the browser on. A POST becomes a GET, because the form is meant for this server.
func redirect(c echo.Context, location string) error {
	return c.Redirect(http.StatusSeeOther, location)
}

// withQuery adds parameters to a URL that may have some already.
func withQuery(location string, add url.Values) (string, error) {
	u, err := url.Parse(location)
	if err != nil {
		return "", fmt.Errorf("add to URL: %w", err)
	}
	query := add.Encode()
	if u.RawQuery != "" && query != "" {
		query = u.RawQuery + "&" + query
	} else if query == "" {
		query = u.RawQuery
	}
	u.RawQuery = query
	return u.String(), nil
}
