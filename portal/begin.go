package portal

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/organization"
	"rollcall/model/setup"
	"rollcall/web"
)

// beginPage is the view of setup_begin.html.
type beginPage struct {
	site
	Token string
	Ends  model.Time
	Steps []string
	One   bool // the link is for one step only
}

// endedPage is the view of setup_ended.html. Reason is the state of a link that has ended, "left"
// for a browser that has not begun, and "busy" for one that tries too often.
type endedPage struct {
	site
	Reason string
}

// site is what the pages of one application have in common.
type site struct {
	Product      string // the application's name; empty where none is known
	Organization string
	ReturnURL    string
}

// Initial is the first letter of the application's name.
func (s site) Initial() string {
	for _, first := range s.Product {
		return strings.ToUpper(string(first))
	}
	return ""
}

// siteOf finds out for which application a link was made: the one whose key made it, or its parent,
// else the one that serves the organization if there is only one.
func (s *Server) siteOf(ctx context.Context, l, parent *setup.Link) (site, error) {
	g, err := organization.In(s.Store.Org(l.OrganizationID, model.System)).Organization(ctx)
	if err != nil {
		return site{}, err
	}
	out := site{Organization: g.Name, ReturnURL: l.ReturnURL}
	maker := l.CreatedBy
	if parent != nil {
		maker, out.ReturnURL = parent.CreatedBy, parent.ReturnURL
	}
	if kind, id, _ := strings.Cut(string(maker), ":"); kind == "application" {
		id, _ = model.ApplicationPrefix.Parse(id)
		a, err := organization.Across(s.Store).Application(ctx, id)
		if err == nil {
			out.Product = a.Name
		}
		return out, ignoring(err, model.NotFound)
	}
	serving, err := organization.Across(s.Store).ApplicationsServing(ctx, l.OrganizationID, 2)
	if err == nil && len(serving) == 1 {
		out.Product = serving[0].Name
	}
	return out, err
}

// ignoring returns nil for an error of one kind.
func ignoring(err error, kind model.Kind) error {
	if model.KindOf(err) == kind {
		return nil
	}
	return err
}

// begin shows what a link is for. It does not use the link: programs that scan mail follow links.
func (s *Server) begin(c echo.Context) error {
	ctx := c.Request().Context()
	l, parent, err := setup.Across(s.Store).LinkByToken(ctx, c.Param("token"))
	if err != nil {
		return err
	}
	if state := setup.StateOf(l, parent, model.TimeOf(s.Store.Now())); state != setup.LinkOpen {
		return s.ended(c, l, parent, string(state))
	}
	err = setup.In(s.Store.Org(l.OrganizationID, l.Actor())).NoteLook(ctx, l.ID, sender(c))
	if err != nil { // whoever looks is not held up by that
		s.Log.WarnContext(ctx, "visit of a set-up link not recorded", "error", err)
	}
	view := beginPage{Token: c.Param("token"), Ends: l.ExpiresAt}
	if view.site, err = s.siteOf(ctx, l, parent); err != nil {
		return err
	}
	for _, step := range steps {
		if step.shows(l.Scopes) && step.name != setup.StepSummary {
			view.Steps = append(view.Steps, step.about)
		}
	}
	view.One = len(view.Steps) == 1
	return s.Pages.Render(c, http.StatusOK, "setup_begin", view)
}

// ended tells that a link has ended, and nothing of the organization.
func (s *Server) ended(c echo.Context, l, parent *setup.Link, reason string) error {
	known, err := s.siteOf(c.Request().Context(), l, parent)
	if err != nil {
		return err
	}
	return s.Pages.Render(c, http.StatusGone, "setup_ended",
		endedPage{site{Product: known.Product, ReturnURL: known.ReturnURL}, reason})
}

// redeem lets the browser into the portal. From then on its cookie says which link it has, and no
// address has the token.
func (s *Server) redeem(c echo.Context) error {
	ctx := c.Request().Context()
	if !s.redeems.allows(web.ClientAddress(ctx), s.Store.Now()) {
		c.Response().Header().Set("Retry-After", "60")
		return s.Pages.Render(c, http.StatusTooManyRequests, "setup_ended", endedPage{Reason: "busy"})
	}
	_, token, err := setup.Across(s.Store).Redeem(ctx, c.Param("token"), sender(c))
	if model.KindOf(err) == model.Denied {
		return s.begin(c)
	}
	if err != nil {
		return err
	}
	if err := setup.Across(s.Store).EndVisit(ctx, s.cookies().Read(c, web.SetupCookie)); err != nil {
		return err
	}
	s.setCookie(c, token)
	return c.Redirect(http.StatusSeeOther, "/setup")
}

// leave ends this browser's use of the portal. The link stays as it is.
func (s *Server) leave(c echo.Context, v *visit) error {
	if err := setup.Across(s.Store).EndVisit(c.Request().Context(), s.cookies().Read(c, web.SetupCookie)); err != nil {
		return err
	}
	s.setCookie(c, "")
	return s.Pages.Render(c, http.StatusOK, "setup_ended", endedPage{v.facts.site, "away"})
}

// sender is who sends a request.
func sender(c echo.Context) setup.Sender {
	return setup.Sender{Address: web.ClientAddress(c.Request().Context()).String(),
		Browser: browserOf(c.Request().UserAgent())}
}

// families are the names of browsers, each with what its User-Agent has. Many claim to be others,
// so that the order matters.
var families = [][2]string{
	{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser", "Samsung Internet"}, {"Firefox/", "Firefox"},
	{"FxiOS", "Firefox"}, {"Chrome/", "Chrome"}, {"CriOS", "Chrome"}, {"Safari/", "Safari"},
}

// browserOf is the family of a browser. The exact version would be one more thing that is kept of a
// person.
func browserOf(agent string) string {
	i := slices.IndexFunc(families, func(f [2]string) bool { return strings.Contains(agent, f[0]) })
	if i < 0 {
		return "another program"
	}
	return families[i][1]
}
