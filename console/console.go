// Package console is the web interface for operators.
//
// Server.Mount adds the pages below /console. An operator signs in at /console/login with a
// password. After a sign-in with the one-time password that the command line printed, the operator
// must choose a password before any other page opens. The pages show the organizations, and for
// each organization its domains, connections, directories and set-up links, its members, its login
// logs and events, and the users who wait for a seat. An operator makes and revokes set-up links.
package console

import (
	"embed"
	"fmt"
	"io/fs"
	"net/http"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/operator"
	"rollcall/model/store"
	"rollcall/web"
)

// Server is the console.
type Server struct {
	Store *store.Store
	Pages *web.Pages

	// PublicURL is the URL by which browsers reach this server. It decides whether cookies are
	// secure, as web.CookiesAt says.
	PublicURL string
}

//go:embed templates/*.html
var templates embed.FS

// Mount adds the routes and the pages. The error says which of the pages is broken.
func (s *Server) Mount(e *echo.Echo) error {
	pages, err := fs.Sub(templates, "templates")
	if err != nil {
		return fmt.Errorf("open templates: %w", err)
	}
	if err := s.Pages.Add(pages, nil); err != nil {
		return err
	}
	e.GET("/", s.start)
	console := e.Group("/console", web.OwnForms)
	console.GET("/login", s.loginPage)
	console.POST("/login", s.login)
	console.POST("/logout", s.logout)
	console.GET("", s.operators(s.home))
	console.GET("/organizations/:id", s.organizations(s.overview))
	console.POST("/organizations/:id/links", s.organizations(s.makeLink))
	console.POST("/organizations/:id/links/:link/revoke", s.organizations(s.revokeLink))
	console.GET("/organizations/:id/members", s.organizations(s.members))
	console.GET("/organizations/:id/connections/:connection/logins", s.organizations(s.logins))
	console.GET("/organizations/:id/events", s.organizations(s.events))
	console.GET("/organizations/:id/waiting", s.organizations(s.waiting))
	console.GET("/password", s.operators(s.passwordPage))
	console.POST("/password", s.operators(s.setPassword))
	return nil
}

// start leads from the bare address of the server to where a browser belongs: operators to the
// console, anyone else to the page where members sign in.
func (s *Server) start(c echo.Context) error {
	_, err := operator.Across(s.Store).OperatorByToken(c.Request().Context(), s.readSession(c))
	switch {
	case err == nil:
		return c.Redirect(http.StatusSeeOther, "/console")
	case model.KindOf(err) == model.Denied:
		return c.Redirect(http.StatusSeeOther, "/login")
	}
	return err
}

// page is what every page of the console shows.
type page struct {
	Operator *operator.Operator
	Side     []web.Link
}

// pageOf is the page of an operator in the part of the console that is at a URL.
func pageOf(op *operator.Operator, current string) page {
	p := page{Operator: op, Side: []web.Link{
		{Name: "Organizations", URL: "/console", Icon: "building-2"},
		{Name: "Password", URL: "/console/password", Icon: "key-round"},
	}}
	for i := range p.Side {
		p.Side[i].Current = p.Side[i].URL == current
	}
	return p
}

// operators calls serve for a signed-in operator and redirects anyone else to the login page. An
// operator with a one-time password is redirected to the page that changes it.
func (s *Server) operators(serve func(c echo.Context, op *operator.Operator) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		op, err := operator.Across(s.Store).OperatorByToken(c.Request().Context(), s.readSession(c))
		if model.KindOf(err) == model.Denied {
			return c.Redirect(http.StatusSeeOther, "/console/login")
		}
		if err != nil {
			return err
		}
		if op.OneTime && c.Path() != "/console/password" {
			return c.Redirect(http.StatusSeeOther, "/console/password")
		}
		return serve(c, op)
	}
}

// sessionCookie is the cookie of an operator's session.
const sessionCookie = "rollcall-console"

func (s *Server) cookies() web.Cookies { return web.CookiesAt(s.PublicURL) }

func (s *Server) readSession(c echo.Context) string { return s.cookies().Read(c, sessionCookie) }

// setSession sets the cookie of a session. It deletes the cookie when token is empty. Browsers keep
// the cookie until they are closed. The session may end earlier in the store.
func (s *Server) setSession(c echo.Context, token string) {
	age := 0
	if token == "" {
		age = -1
	}
	c.SetCookie(&http.Cookie{Name: s.cookies().Name(sessionCookie), Value: token, Path: "/", HttpOnly: true,
		Secure: s.cookies().Secure, SameSite: http.SameSiteStrictMode, MaxAge: age})
}
