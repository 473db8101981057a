package portal

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/setup"
	"rollcall/model/store"
	"rollcall/web"
)

// level says how far sign-on by the identity provider is turned on.
type level string

// The levels. What was chosen before is one of them, too.
const (
	levelOff      level = "off"      // only tests work
	levelOffered  level = "offered"  // people are sent to the identity provider
	levelRequired level = "required" // and there is no other way, but for administrators' passwords
)

// level is how far sign-on by the connection is turned on.
func (f *facts) level() level {
	c := f.connection()
	switch {
	case c == nil || c.State != connection.ConnectionActive:
		return levelOff
	case f.settings.SSORequired:
		return levelRequired
	}
	return levelOffered
}

func enforceState(f *facts) (state, note string) {
	switch f.level() {
	case levelOffered:
		return stateDone, "offered"
	case levelRequired:
		return stateDone, "required"
	}
	return stateOpen, ""
}

// gate is something that must be so before sign-on is turned on.
type gate struct {
	What, Note, URL string
	Passed          bool
}

// enforcePage is the view of setup_enforce.html.
type enforcePage struct {
	frame
	Connection *connection.Connection
	Level      level
	Wanted     level
	Passwords  bool // administrators may sign in by a password
	Gates      []gate
	Required   []gate // besides, for levelRequired
	Domains    string
	Outside    []string // who cannot sign in any more when it is required
	More       bool     // and there are more of them
	Since      *model.Time
	Undo       level // what the last change can be taken back to; empty when that is long ago
}

const (
	// undoTime is how long the page offers to take the last change back, in milliseconds.
	undoTime = 86_400_000
	// listedPeople is how many people the page names.
	listedPeople = 20
)

// enforcePageOf reads what must be known before sign-on is turned on.
func (s *Server) enforcePageOf(ctx context.Context, v *visit) (*enforcePage, error) {
	f, err := s.frame(ctx, v, setup.StepEnforce)
	if err != nil {
		return nil, err
	}
	page := &enforcePage{frame: f, Connection: v.facts.connection(), Level: v.facts.level(),
		Passwords: v.facts.settings.AllowAdminPasswords}
	page.Wanted = page.Level
	last := v.facts.steps[setup.StepEnforce]
	if was := level(last.Choice); was != "" {
		page.Since = &last.UpdatedAt
		if v.facts.now-last.UpdatedAt < undoTime && was != page.Level {
			page.Undo = was
		}
	}
	page.Gates = v.facts.gates()
	var verified []string
	for _, d := range v.facts.domains {
		if d.State == organization.DomainStateVerified {
			verified = append(verified, d.Domain)
		}
	}
	page.Domains = strings.Join(verified, ", ")
	outside, _, err := people.In(v.org).Users(ctx, people.UserQuery{Outside: true,
		Page: model.Page{Limit: listedPeople + 1}})
	if err != nil {
		return nil, err
	}
	for i, u := range outside {
		if page.More = i == listedPeople; !page.More {
			page.Outside = append(page.Outside, u.UserName)
		}
	}
	way, err := s.wayIn(ctx, v.org, v.facts)
	page.Required = append(page.Required, way)
	return page, err
}

// gates are what must be so before sign-on is turned on at all.
func (f *facts) gates() []gate {
	domain, test := gate{What: "A verified domain", URL: "/setup/domains"},
		gate{What: "A test login that passed within the last 24 hours, by the settings as they are now",
			URL: "/setup/test"}
	domains, note := domainsState(f)
	if domain.Passed = domains == stateDone; domain.Passed {
		domain.Note = note
	}
	if test.Passed = f.proof != nil; test.Passed {
		test.Note = f.proof.CreatedAt.Time().Format("2 January, 15:04 UTC")
	}
	return []gate{domain, test}
}

// wayIn is the gate that somebody can still administer the organization when sign-on is required.
func (s *Server) wayIn(ctx context.Context, org *store.Org, f *facts) (gate, error) {
	way := gate{What: "An administrator who can still get in"}
	admins, _, err := people.In(org).Users(ctx, people.UserQuery{Admins: true, Page: model.Page{Limit: maxListed}})
	if err != nil {
		return way, err
	}
	for i := range admins {
		if admins[i].EmailUnder(f.domains) {
			way.Passed, way.Note = true, "by the identity provider"
			return way, nil
		}
	}
	passwords, err := people.In(org).HasPasswords(ctx)
	if way.Passed = passwords && f.settings.AllowAdminPasswords; way.Passed {
		way.Note = "by a password"
	} else {
		way.Note = "Ask whoever sent you this link to make somebody with an address under your domains an " +
			"administrator."
	}
	return way, err
}

// missing lists what stands in the way of a level.
func (p *enforcePage) missing(wanted level) (out []string) {
	gates := p.Gates
	switch wanted {
	case levelOff:
		gates = nil
	case levelRequired:
		gates = append(gates[:len(gates):len(gates)], p.Required...)
	}
	if p.Level == levelRequired && wanted == levelOffered {
		gates = nil // it is on already, and becomes less
	}
	for _, g := range gates {
		if !g.Passed {
			out = append(out, g.What)
		}
	}
	return out
}

func (s *Server) enforce(c echo.Context, v *visit) error {
	page, err := s.enforcePageOf(c.Request().Context(), v)
	if err != nil {
		return err
	}
	return s.Pages.Render(c, http.StatusOK, "setup_enforce", page)
}

// wanted reads the level of a form, and refuses one that something stands in the way of.
func (s *Server) wanted(c echo.Context, v *visit) (values, *enforcePage, error) {
	sent, err := form(c)
	if err != nil {
		return sent, nil, err
	}
	page, err := s.enforcePageOf(c.Request().Context(), v)
	if err != nil {
		return sent, nil, err
	}
	page.Wanted, page.Passwords = level(sent.text("level")), sent.text("passwords") != "no"
	switch page.Wanted {
	case levelOff, levelOffered, levelRequired:
	default:
		page.Problem = "Choose how far sign-on shall be turned on."
		return sent, page, nil
	}
	if page.Connection == nil {
		page.Problem = "There is no connection to turn on. Choose the identity provider first."
	} else if missing := page.missing(page.Wanted); len(missing) > 0 {
		page.Problem = "Not yet. Missing: " + strings.Join(missing, "; ") + "."
	}
	return sent, page, nil
}

// askEnforce says what a level means in numbers, and asks.
func (s *Server) askEnforce(c echo.Context, v *visit) error {
	_, page, err := s.wanted(c, v)
	if err != nil {
		return err
	}
	if page.Problem != "" {
		return s.Pages.Render(c, http.StatusConflict, "setup_enforce", page)
	}
	return s.Pages.Render(c, http.StatusOK, "setup_enforce_ask", page)
}

// confirmEnforce turns sign-on on or off. For levelRequired the name of the organization is typed.
func (s *Server) confirmEnforce(c echo.Context, v *visit) error {
	sent, page, err := s.wanted(c, v)
	if err != nil {
		return err
	}
	if page.Problem != "" {
		return s.Pages.Render(c, http.StatusConflict, "setup_enforce", page)
	}
	if page.Wanted == levelRequired && !strings.EqualFold(sent.text("name"), page.Organization) {
		page.Problems = web.Problems{"name": fmt.Sprintf("Type %s to go on.", page.Organization)}
		return s.Pages.Render(c, http.StatusBadRequest, "setup_enforce_ask", page)
	}
	err = s.turn(c.Request().Context(), v, page)
	if problem := refusal(err); problem != nil {
		page.Problem = problem.Message
		return s.Pages.Render(c, web.Status(problem.Kind), "setup_enforce", page)
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/setup/enforce")
}

// turn sets the level of the page in one transaction, and remembers the one before.
func (s *Server) turn(ctx context.Context, v *visit, page *enforcePage) error {
	others := 0
	for _, c := range v.facts.connections {
		if c.State == connection.ConnectionActive && c.ID != page.Connection.ID {
			others++
		}
	}
	return setup.In(v.org).Tx(ctx, func(org setup.Org) error {
		if page.Wanted != levelOff {
			_, err := connection.In(org).SwitchConnection(ctx, page.Connection.ID, connection.ConnectionActive)
			if err != nil {
				return err
			}
		}
		_, err := operator.In(org).UpdateOrganization(ctx, func(g *organization.OrganizationFields) error {
			g.Settings.SSORequired = page.Wanted == levelRequired
			if page.Wanted == levelRequired {
				g.Settings.AllowAdminPasswords = page.Passwords
			}
			if others > 0 && page.Wanted != levelOff {
				g.Settings.DefaultConnection = organization.ConnectionRef(page.Connection.ID)
			}
			return nil
		})
		if err != nil {
			return err
		}
		if page.Wanted == levelOff && page.Level != levelOff {
			_, err := connection.In(org).SwitchConnection(ctx, page.Connection.ID, connection.ConnectionInactive)
			if err != nil {
				return err
			}
		}
		return setup.In(org).Choose(ctx, setup.StepEnforce, string(page.Level), false)
	})
}
