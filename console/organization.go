package console

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/directory"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/setup"
	"rollcall/model/store"
	"rollcall/web"
)

// visit is a request of an operator for a page of one organization.
type visit struct {
	echo.Context
	operator     *operator.Operator
	org          *store.Org // as the operator acts in it
	organization *organization.Organization
	path         string // the URL of the organization's first page
}

// organizations calls serve for a signed-in operator and the organization that the path names.
func (s *Server) organizations(serve func(v *visit) error) echo.HandlerFunc {
	return s.operators(func(c echo.Context, op *operator.Operator) error {
		id, _ := model.OrganizationPrefix.Parse(c.Param("id"))
		org := s.Store.Org(model.OrganizationID(id), model.Actor("operator:"+op.ID))
		o, err := organization.In(org).Organization(c.Request().Context())
		if err != nil {
			return err
		}
		return serve(&visit{Context: c, operator: op, org: org, organization: o,
			path: "/console/organizations/" + model.OrganizationPrefix.ID(string(o.ID))})
	})
}

// organizationPage is what every page of one organization shows.
type organizationPage struct {
	page
	Organization customer
	Path         string
}

// page is the page of the organization at a place below its first one.
func (v *visit) page(place string) organizationPage {
	p := organizationPage{page: pageOf(v.operator, ""), Path: v.path,
		Organization: customer{ID: model.OrganizationPrefix.ID(string(v.organization.ID)), Name: v.organization.Name}}
	own := []web.Link{{Name: v.organization.Name}}
	for _, link := range []web.Link{
		{Name: "Overview", URL: v.path, Icon: "house"},
		{Name: "Members", URL: v.path + "/members", Icon: "users"},
		{Name: "Events", URL: v.path + "/events", Icon: "history"},
		{Name: "Seats", URL: v.path + "/waiting", Icon: "ticket"},
	} {
		link.Current = link.URL == v.path+place
		own = append(own, link)
	}
	// After the list of organizations, where a phone has room for it.
	own = append(own, web.Link{Name: "Your account"})
	p.Side = slices.Insert(p.Side, 1, own...)
	return p
}

// overviewPage is the view of console_organization.html.
type overviewPage struct {
	organizationPage
	Domains         []organization.Domain
	Connections     []trusted
	MoreConnections bool
	Directories     []source
	MoreDirectories bool
	Links           []link
	MoreLinks       bool
	Form            linkForm
	URL             string // of the link that was just made, this once
}

// trusted is a connection as the overview lists it.
type trusted struct{ ID, Name, Type, State string }

// source is a directory as the overview lists it.
type source struct{ Name, Type, State string }

// link is a set-up link as the overview lists it.
type link struct {
	ID, Note, State    string
	Scopes             []setup.Scope
	CreatedAt, EndsAt  model.Time
	Opened, LookedOnly int // visits that used the link, and those that only saw its first page
}

// linkForm is what an operator enters for a link.
type linkForm struct {
	Scopes   []scopeChoice
	Note     string
	Days     string
	Problem  string
	Problems web.Problems
}

// scopeChoice is a check box of the form.
type scopeChoice struct {
	Scope   setup.Scope
	Means   string
	Checked bool
}

// meanings say what each scope lets the customer's IT do.
var meanings = map[setup.Scope]string{
	setup.ScopeDomains:     "Prove e-mail domains",
	setup.ScopeSSO:         "Describe the identity provider",
	setup.ScopeDirectory:   "Make a directory and see what it receives",
	setup.ScopeGroups:      "Say what groups give",
	setup.ScopeEnforce:     "Turn single sign-on on, and require it",
	setup.ScopeCertificate: "Add certificates that the metadata address serves",
	setup.ScopeToken:       "Make and remove tokens of the directory",
}

// defaultDays is how long a link is good for unless the operator says otherwise.
const defaultDays = "14"

// newLinkForm is the form with the scopes checked that checked names.
func newLinkForm(checked func(setup.Scope) bool) linkForm {
	f := linkForm{Days: defaultDays, Problems: web.Problems{}}
	for _, scope := range setup.Scopes {
		f.Scopes = append(f.Scopes, scopeChoice{scope, meanings[scope], checked(scope)})
	}
	return f
}

// wholeSetUp are the scopes of a link for a customer who begins.
func wholeSetUp(scope setup.Scope) bool {
	return scope != setup.ScopeCertificate && scope != setup.ScopeToken
}

func (s *Server) overview(v *visit) error {
	return s.showOverview(v, http.StatusOK, newLinkForm(wholeSetUp), "")
}

// shownAtOnce is how many connections, directories and links the overview has.
const shownAtOnce = 20

func (s *Server) showOverview(v *visit, status int, form linkForm, url string) error {
	ctx := v.Request().Context()
	view := overviewPage{organizationPage: v.page(""), Domains: v.organization.Domains, Form: form, URL: url}
	first := model.Page{Limit: shownAtOnce}
	connections, info, err := connection.Across(s.Store).Connections(ctx, model.Everywhere(),
		connection.ConnectionQuery{Page: first, OrganizationID: v.organization.ID})
	if err != nil {
		return err
	}
	view.MoreConnections = info.After != ""
	for _, c := range connections {
		view.Connections = append(view.Connections,
			trusted{model.ConnectionPrefix.ID(c.ID), c.Name, c.Type, string(c.State)})
	}
	directories, info, err := directory.Across(s.Store).Directories(ctx, model.Everywhere(),
		directory.DirectoryQuery{Page: first, OrganizationID: v.organization.ID})
	if err != nil {
		return err
	}
	view.MoreDirectories = info.After != ""
	for _, d := range directories {
		view.Directories = append(view.Directories, source{d.Name, d.Type, string(d.State)})
	}
	links, info, err := setup.In(v.org).Links(ctx, first)
	if err != nil {
		return err
	}
	view.MoreLinks = info.After != ""
	for i := range links {
		view.Links = append(view.Links, s.linkOf(&links[i]))
	}
	return s.Pages.Render(v, status, "console_organization", view)
}

func (s *Server) linkOf(l *setup.Link) link {
	shown := link{ID: setup.LinkPrefix.ID(l.ID), Note: l.Note, State: string(l.State(model.TimeOf(s.Store.Now()))),
		Scopes: l.Scopes, CreatedAt: l.CreatedAt, EndsAt: l.ExpiresAt}
	for i := range l.Visits {
		if l.Visits[i].Redeemed() {
			shown.Opened++
		} else {
			shown.LookedOnly++
		}
	}
	return shown
}

// makeLink makes a set-up link. The answer shows it this once, so it does not redirect.
func (s *Server) makeLink(v *visit) error {
	sent, err := form(v)
	if err != nil {
		return err
	}
	asked := map[setup.Scope]bool{}
	fields := setup.LinkFields{Note: model.Trimmed(sent.Get("note"))}
	for _, name := range sent["scopes"] {
		asked[setup.Scope(name)] = true
		fields.Scopes = append(fields.Scopes, setup.Scope(name))
	}
	entered := newLinkForm(func(scope setup.Scope) bool { return asked[scope] })
	entered.Note, entered.Days = fields.Note, model.Trimmed(sent.Get("days"))
	days, err := strconv.Atoi(entered.Days)
	if err != nil || days < 1 || days > 90 {
		entered.Problems["days"] = "a number of days from 1 to 90"
	}
	if len(fields.Scopes) == 0 {
		entered.Problems["scopes"] = "choose at least one"
	}
	if len(entered.Problems) > 0 {
		return s.showOverview(v, http.StatusBadRequest, entered, "")
	}
	fields.ExpiresAt = model.TimeOf(s.Store.Now().Add(time.Duration(days) * 24 * time.Hour))
	_, token, err := setup.In(v.org).CreateLink(v.Request().Context(), fields)
	if refused, ok := errors.AsType[*model.Error](err); ok && refused.Kind == model.Invalid {
		if refused.Field == "" {
			entered.Problem = refused.Message
		} else {
			entered.Problems[refused.Field] = refused.Message
		}
		return s.showOverview(v, http.StatusBadRequest, entered, "")
	}
	if err != nil {
		return err
	}
	url := strings.TrimSuffix(s.PublicURL, "/") + "/setup/" + token
	return s.showOverview(v, http.StatusCreated, newLinkForm(wholeSetUp), url)
}

// revokeLink ends a link at once, for the browsers that use it, too.
func (s *Server) revokeLink(v *visit) error {
	id, ok := setup.LinkPrefix.Parse(v.Param("link"))
	if !ok {
		return echo.ErrNotFound
	}
	if _, err := setup.In(v.org).RevokeLink(v.Request().Context(), id); err != nil {
		return err
	}
	return v.Redirect(http.StatusSeeOther, v.path+"#links")
}
