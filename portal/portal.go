// Package portal is the set-up portal, in which a customer's IT connects its identity provider.
//
// Who opens a set-up link sees what it is for. Server.Mount adds that page and the pages below
// /setup, which need a browser that has begun with a link. Each page is a step. All steps that the
// link's scopes allow can be reached at any time, and the state of each follows from what is
// stored.
package portal

import (
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/organization"
	"rollcall/model/setup"
	"rollcall/model/store"
	"rollcall/web"
)

// Server is the set-up portal.
type Server struct {
	Store *store.Store
	Pages *web.Pages

	// PublicURL is the URL by which browsers and identity providers reach this server.
	PublicURL string

	// Domains checks the DNS records of domains.
	Domains *organization.DomainWatch

	// Outbound fetches metadata and discovery documents. Nothing is fetched when it is nil.
	Outbound *web.Outbound

	// Log records what no visitor can be told. It is slog.Default when nil.
	Log *slog.Logger

	redeems *limiter
}

//go:embed templates/*.html
var templates embed.FS

// Mount adds the routes and the pages. The error says which of the pages is broken.
func (s *Server) Mount(e *echo.Echo) error {
	if s.Log == nil {
		s.Log = slog.Default()
	}
	s.redeems = newLimiter()
	pages, err := fs.Sub(templates, "templates")
	if err != nil {
		return fmt.Errorf("open templates: %w", err)
	}
	if err := s.Pages.Add(pages, nil); err != nil {
		return err
	}
	e.GET("/setup/:token", s.begin)
	e.POST("/setup/:token", s.redeem, web.OwnForms)
	group := e.Group("/setup", web.OwnForms)
	for _, r := range s.routes() {
		group.Add(r.method, r.path, s.visitors(r.step, r.serve))
	}
	return nil
}

// route is a page of the portal. A visitor may use it whose link shows the step.
type route struct {
	method, path string
	step         setup.StepName
	serve        func(c echo.Context, v *visit) error
}

func (s *Server) routes() []route {
	return []route{
		{http.MethodGet, "", setup.StepSummary, s.next},
		{http.MethodPost, "/hand-on", setup.StepSummary, s.handOn},
		{http.MethodPost, "/handed/:id/revoke", setup.StepSummary, s.revokeHanded},
		{http.MethodPost, "/leave", setup.StepSummary, s.leave},
		{http.MethodGet, "/provider", setup.StepProvider, s.provider},
		{http.MethodPost, "/provider", setup.StepProvider, s.chooseProvider},
		{http.MethodGet, "/sso", setup.StepSSO, s.sso},
		{http.MethodPost, "/sso", setup.StepSSO, s.saveSSO},
		{http.MethodPost, "/sso/choose", setup.StepSSO, s.chooseOther},
		{http.MethodPost, "/sso/certificates/:fingerprint/remove", setup.StepSSO, s.removeCertificate},
		{http.MethodGet, "/domains", setup.StepDomains, s.domains},
		{http.MethodPost, "/domains", setup.StepDomains, s.addDomains},
		{http.MethodPost, "/domains/:id/check", setup.StepDomains, s.checkDomain},
		{http.MethodPost, "/domains/:id/remove", setup.StepDomains, s.removeDomain},
		{http.MethodGet, "/test", setup.StepTest, s.test},
		{http.MethodGet, "/enforce", setup.StepEnforce, s.enforce},
		{http.MethodPost, "/enforce", setup.StepEnforce, s.askEnforce},
		{http.MethodPost, "/enforce/confirm", setup.StepEnforce, s.confirmEnforce},
		{http.MethodGet, "/directory", setup.StepDirectory, s.directoryPage},
		{http.MethodPost, "/directory", setup.StepDirectory, scoped(setup.ScopeDirectory, s.makeDirectory)},
		{http.MethodPost, "/directory/choose", setup.StepDirectory, s.chooseDirectory},
		{http.MethodPost, "/directory/skip", setup.StepDirectory, scoped(setup.ScopeDirectory, s.skipDirectory)},
		{http.MethodPost, "/directory/tokens", setup.StepDirectory, scoped(setup.ScopeToken, s.makeToken)},
		{http.MethodPost, "/directory/tokens/:id/remove", setup.StepDirectory, scoped(setup.ScopeToken, s.removeToken)},
		{http.MethodGet, "/summary", setup.StepSummary, s.summary},
		{http.MethodGet, "/finish", setup.StepSummary, s.finishPage},
		{http.MethodPost, "/finish", setup.StepSummary, s.finish},
	}
}

// scoped admits only visitors whose link has a scope, where one of several shows the step.
func scoped(scope setup.Scope, serve func(c echo.Context, v *visit) error) func(c echo.Context, v *visit) error {
	return func(c echo.Context, v *visit) error {
		if !v.May(scope) {
			return errStep
		}
		return serve(c, v)
	}
}

var errStep = model.Deniedf("This set-up link is not for this step. Ask whoever sent it to you for one that is.")

func (s *Server) cookies() web.Cookies { return web.CookiesAt(s.PublicURL) }

// setCookie has the browser keep the token of a visit until it is closed. The visit may end earlier
// in the store. An empty token deletes the cookie.
func (s *Server) setCookie(c echo.Context, token string) {
	age := 0
	if token == "" {
		age = -1
	}
	c.SetCookie(&http.Cookie{Name: s.cookies().Name(web.SetupCookie), Value: token, Path: "/", HttpOnly: true,
		Secure: s.cookies().Secure, SameSite: http.SameSiteLaxMode, MaxAge: age})
}

// visit is a request of somebody in the portal.
type visit struct {
	*setup.Visitor
	org   *store.Org // with the link as the actor
	facts *facts
}

// visitors calls serve for a browser that has begun with a link that shows the step. Anyone else is
// told to open the link again, and a visitor whose link is for other steps is told so.
func (s *Server) visitors(step setup.StepName, serve func(c echo.Context, v *visit) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		ctx := c.Request().Context()
		found, err := setup.Across(s.Store).Visitor(ctx, s.cookies().Read(c, web.SetupCookie))
		if model.KindOf(err) == model.Denied {
			return s.Pages.Render(c, http.StatusForbidden, "setup_ended", endedPage{Reason: "left"})
		}
		if err != nil {
			return err
		}
		v := &visit{Visitor: found, org: s.Store.Org(found.Link.OrganizationID, found.Actor())}
		if !shows(found, step) {
			return errStep
		}
		if v.facts, err = s.gather(ctx, v.org); err != nil {
			return err
		}
		if err := v.note(ctx); err != nil {
			return err
		}
		return serve(c, v)
	}
}
