// Package console is the web interface for operators, and for customers setting up their identity
// provider.
//
// So far it signs operators in: at /console/login with the password that the command line printed
// or one of their own, which a one-time password is exchanged for before anything else can be done.
// Then it shows the organizations, and for each one the accounts and who waits for a seat in them.
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

	// PublicURL is where browsers reach this server. Cookies are of the __Host- kind where it is
	// https; http is for loopback.
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
	console := e.Group("/console", web.OwnForms)
	console.GET("/login", s.loginPage)
	console.POST("/login", s.login)
	console.POST("/logout", s.logout)
	console.GET("", s.operators(s.home))
	console.GET("/organizations/:id/waiting", s.operators(s.waiting))
	console.GET("/password", s.operators(s.passwordPage))
	console.POST("/password", s.operators(s.setPassword))
	return nil
}

// page is what every page of the console shows.
type page struct {
	Operator *operator.Operator
	Problem  string // why a form was not taken; often empty
	Field    string // the input that the problem is about
}

// operators serves a page to a signed-in operator and sends everyone else to sign in. Whoever has a
// one-time password chooses another one first.
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

// setSession gives the browser a session, and takes it away when token is empty. The cookie lasts
// as long as the browser runs: the store knows when the session ends.
func (s *Server) setSession(c echo.Context, token string) {
	age := 0
	if token == "" {
		age = -1
	}
	c.SetCookie(&http.Cookie{Name: s.cookies().Name(sessionCookie), Value: token, Path: "/", HttpOnly: true,
		Secure: s.cookies().Secure, SameSite: http.SameSiteStrictMode, MaxAge: age})
}
