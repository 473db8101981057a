package portal

import (
	"context"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/directory"
	"rollcall/model/organization"
	"rollcall/model/setup"
	"rollcall/model/store"
	"rollcall/model/testlogin"
	"rollcall/web"
)

// The states of a step, as the rail shows them.
const (
	stateOpen    = "open"
	stateWaiting = "waiting" // for something that was begun
	stateDone    = "done"
	stateSkipped = "skipped"
	stateBroken  = "broken"
)

// step is a page of the portal in the rail.
type step struct {
	name   setup.StepName
	title  string
	about  string        // what is done in it, for the page that the link opens
	scopes []setup.Scope // one of them opens it; any does when there is none
	// state tells how far the step is, from what is stored, with a few words about it.
	state func(f *facts) (state, note string)
}

// steps are the steps in the order of the rail.
var steps = []step{
	{setup.StepProvider, "Identity provider", "Choose your identity provider.", []setup.Scope{setup.ScopeSSO},
		providerState},
	{setup.StepDomains, "Domains", "Enter the e-mail domains of your people, and prove them by a DNS record.",
		[]setup.Scope{setup.ScopeDomains}, domainsState},
	{setup.StepSSO, "Single sign-on", "Connect your identity provider, so that your people sign in by it.",
		[]setup.Scope{setup.ScopeSSO, setup.ScopeCertificate}, ssoState},
	{setup.StepTest, "Test login", "Sign in as a test. Nobody is created, and nothing changes.",
		[]setup.Scope{setup.ScopeSSO, setup.ScopeCertificate}, testState},
	{setup.StepDirectory, "Directory sync", "Have your identity provider send who joins and who leaves.",
		[]setup.Scope{setup.ScopeDirectory, setup.ScopeToken}, directoryState},
	{setup.StepEnforce, "Turn on", "Turn sign-on by your identity provider on.", []setup.Scope{setup.ScopeEnforce},
		enforceState},
	{setup.StepSummary, "Summary", "", nil, summaryState},
}

// shows tells whether a link with some scopes has the step.
func (s *step) shows(scopes []setup.Scope) bool {
	return len(s.scopes) == 0 ||
		slices.ContainsFunc(s.scopes, func(one setup.Scope) bool { return slices.Contains(scopes, one) })
}

// url is the address of the step's page.
func (s *step) url() string { return "/setup/" + string(s.name) }

// stepOf returns the step with a name; nil for one that there is not.
func stepOf(name setup.StepName) *step {
	i := slices.IndexFunc(steps, func(s step) bool { return s.name == name })
	if i < 0 {
		return nil
	}
	return &steps[i]
}

// shows tells whether a visitor's link has a step.
func shows(v *setup.Visitor, name setup.StepName) bool {
	s := stepOf(name)
	return s != nil && s.shows(v.Link.Scopes)
}

// facts are what the states of the steps follow from.
type facts struct {
	site
	now         model.Time
	steps       map[setup.StepName]setup.Step
	domains     []organization.Domain
	connections []connection.Connection // oldest first
	directories []directory.Directory   // oldest first
	settings    organization.Settings
	test        *testlogin.Test // the newest of the connection
	// Proof is the newest test that passed by the connection as it is set up now, not older than a
	// day.
	proof *testlogin.Test
}

// maxListed is how many connections and directories of an organization the portal knows.
const maxListed = 100

// gather reads the facts about an organization.
func (s *Server) gather(ctx context.Context, org *store.Org) (*facts, error) {
	f := &facts{now: model.TimeOf(s.Store.Now())}
	var err error
	if f.steps, err = setup.In(org).Steps(ctx); err != nil {
		return nil, err
	}
	f.connections, _, err = connection.Across(s.Store).Connections(ctx, model.Everywhere(), connection.ConnectionQuery{
		OrganizationID: org.ID, Page: model.Page{Limit: maxListed, Ascending: true}})
	if err != nil {
		return nil, err
	}
	f.directories, _, err = directory.Across(s.Store).Directories(ctx, model.Everywhere(), directory.DirectoryQuery{
		OrganizationID: org.ID, Page: model.Page{Limit: maxListed, Ascending: true}})
	if err != nil {
		return nil, err
	}
	if f.domains, err = organization.In(org).Domains(ctx); err != nil {
		return nil, err
	}
	g, err := organization.In(org).Organization(ctx)
	if err != nil {
		return nil, err
	}
	f.settings = g.Settings
	return f, f.readTests(ctx, org)
}

// readTests reads the tests of the connection that is being set up.
func (f *facts) readTests(ctx context.Context, org *store.Org) error {
	c := f.connection()
	if c == nil || !c.HasProvider() {
		return nil
	}
	tests, err := testlogin.In(org).Tests(ctx, c.ID, 1)
	if err != nil {
		return err
	}
	if len(tests) > 0 {
		f.test = &tests[0]
	}
	f.proof, err = testlogin.In(org).Proof(ctx, c)
	return err
}

// note records the steps that are done now and were not done before, with the visitor's link as who
// did it.
func (v *visit) note(ctx context.Context) error {
	for _, s := range steps {
		if !s.shows(v.Link.Scopes) || s.name == setup.StepSummary || v.facts.steps[s.name].DoneAt != nil {
			continue
		}
		if state, _ := s.state(v.facts); state != stateDone {
			continue
		}
		if err := setup.In(v.org).Complete(ctx, s.name); err != nil {
			return err
		}
	}
	return nil
}

// frame is what every page of a step shows around it.
type frame struct {
	site
	Title    string
	Step     setup.StepName
	Rail     []web.Step
	Ends     model.Time
	EndsSoon bool
	// Problem is why a form was refused, where no field is to blame. Problems are those of fields.
	Problem  string
	Problems web.Problems
	// MayHandOn tells whether the step can be given to a colleague, and Handed are the links that
	// were made for that.
	MayHandOn bool
	Handed    []handed
	Done      string // what has just been done; often empty
}

// Wrong tells whether the page is about something that went wrong.
func (f *frame) Wrong() bool { return f.Problem != "" || len(f.Problems) > 0 }

// endsSoon is how long before its end a link's pages say what to do about it, in milliseconds.
const endsSoon = 3 * 86_400_000

// frame makes the frame of a step's page.
func (s *Server) frame(ctx context.Context, v *visit, name setup.StepName) (frame, error) {
	f := frame{Step: name, Title: stepOf(name).title, Ends: v.Link.ExpiresAt}
	f.EndsSoon = f.Ends-v.facts.now < endsSoon
	var err error
	if v.facts.site, err = s.siteOf(ctx, &v.Link, v.Parent); err != nil {
		return f, err
	}
	f.site = v.facts.site
	for _, one := range steps {
		if !one.shows(v.Link.Scopes) {
			continue
		}
		state, note := one.state(v.facts)
		f.Rail = append(f.Rail, web.Step{Name: one.title, URL: one.url(), State: state, Note: note,
			Current: one.name == name})
	}
	if v.Link.ParentID == nil && len(stepOf(name).scopes) > 0 {
		f.MayHandOn = true
		f.Handed, err = s.handedFor(ctx, v, name)
	}
	return f, err
}

// next leads to the first step that is not done.
func (s *Server) next(c echo.Context, v *visit) error {
	for _, one := range steps {
		if !one.shows(v.Link.Scopes) || one.name == setup.StepSummary {
			continue
		}
		if state, _ := one.state(v.facts); state == stateOpen || state == stateBroken {
			return c.Redirect(http.StatusSeeOther, one.url())
		}
	}
	return c.Redirect(http.StatusSeeOther, stepOf(setup.StepSummary).url())
}
