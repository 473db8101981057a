package testidp

import (
	"cmp"
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ApplicationOptions connect the directory to one application: to its SCIM server, to which people
// are pushed, and to its SAML service provider, to which they sign in. Either may be missing.
type ApplicationOptions struct {
	Name    string  // shown on the pages
	SCIMURL string  // the base URL, to which /Users and /Groups are added; empty pushes nobody
	Token   string  // the bearer token; kept in memory, never shown or logged
	Dialect Dialect // Okta or Entra
	// Domain is the e-mail domain of this application's people; northwind.example when empty.
	Domain string

	// Personality is how SAML responses look; when empty, as the Dialect's maker's, or plain.
	Personality Personality
	// EntityID and ACSURL are the SAML service provider, which ConnectSAML may name later.
	EntityID, ACSURL string
	// Key signs the SAML responses; nil makes an RSA key of 2048 bits when it is first needed.
	Key *rsa.PrivateKey
}

// State says where a person or a group stands towards an application.
type State string

// The states. A group is never Unassigned.
const (
	NeverPushed State = "never pushed" // the next Provision pushes it
	Assigned    State = "assigned"     // pushed, and active there
	Unassigned  State = "unassigned"   // deactivated there; Provision leaves it alone
	Deleted     State = "deleted"      // deleted there; Provision leaves it alone
)

// PersonState is a person as an application knows them.
type PersonState struct {
	Person
	State  State  `json:"state"`
	SCIMID string `json:"scim_id"` // the id that the server gave, empty if it knows nobody
}

// GroupState is a group as an application knows it.
type GroupState struct {
	Group
	State  State  `json:"state"`
	SCIMID string `json:"scim_id"`
}

// Application is an application whose users come from the directory: it pushes people and groups to
// a SCIM server. Its methods are safe for concurrent use; operations run one after the other.
//
// Every operation returns what it sent, also when it fails after sending something. Profiles, group
// names and members change in the directory first and at the server afterwards; if the server
// refuses, the directory keeps the change and the next Provision tries again, as real identity
// providers do. A refused change of access leaves the State as it was.
type Application struct {
	number      int
	name        string
	base        string // the identity provider's own URL, without a slash at its end
	scimURL     string // empty if there is no SCIM server
	domain      string
	dialect     dialect
	personality personality
	keys        func() (keyPair, error) // the same each time
	newID       func(kind, seed string) string
	dir         *directory
	client      *client
	openID      openID
	log         *slog.Logger

	busy chan struct{} // holds one value while an operation runs

	mu         sync.Mutex // guards what follows
	sp         serviceProvider
	journal    journal
	rollover   rollover
	encryption encryption
	people     map[string]*personLink
	groups     map[string]*groupLink
}

// personLink is what an application remembers of a person it pushed.
type personLink struct {
	state   State
	scimID  string
	manager string // the SCIM id of the manager that was sent last
}

// groupLink is what an application remembers of a group it pushed.
type groupLink struct {
	state   State
	scimID  string
	members map[string]bool // SCIM ids that the server has as members, as far as is known
	unknown bool            // the group was there before us: it may have other members
	fresh   bool            // created in this operation: nobody can be a member yet
}

func newApplication(number int, ao ApplicationOptions, o Options) (*Application, error) {
	if ao.Domain == "" {
		ao.Domain = "northwind.example"
	}
	base, d, err := ao.check()
	personality, badPersonality := findPersonality(ao.Personality, ao.Dialect)
	var sp serviceProvider
	var badProvider error
	if ao.EntityID != "" || ao.ACSURL != "" {
		sp, badProvider = checkServiceProvider(ao.EntityID, ao.ACSURL)
	}
	if err := errors.Join(err, badPersonality, badProvider); err != nil {
		return nil, err
	}
	if ao.Name == "" {
		ao.Name = cmp.Or(base.Host, "Application "+strconv.Itoa(number))
	}
	newID := d.newID
	if ao.SCIMURL == "" {
		newID = personality.objectID
	}
	a := &Application{
		number: number, name: ao.Name, base: o.BaseURL, scimURL: ao.SCIMURL, domain: ao.Domain, dialect: d,
		personality: personality, sp: sp, newID: newID,
		keys: sync.OnceValues(func() (keyPair, error) {
			return newKeyPair(ao.Key, "Northwind Directory, "+ao.Domain, o.Now())
		}),
		dir:    newDirectory(ao.Domain, newID),
		log:    o.Log.With("application", number),
		busy:   make(chan struct{}, 1),
		people: map[string]*personLink{},
		groups: map[string]*groupLink{},
	}
	h := http.Client{}
	if o.Client != nil {
		h = *o.Client
	}
	// A redirect would carry the token to wherever the server points.
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	a.client = &client{base: base, token: ao.Token, header: d.header, http: &h, now: o.Now, record: a.record}
	for _, p := range a.dir.allPeople() {
		a.people[p.ID] = &personLink{state: NeverPushed}
	}
	for _, g := range a.dir.allGroups() {
		a.groups[g.ID] = &groupLink{state: NeverPushed}
	}
	return a, nil
}

// check parses the options. Its error names every one that cannot be used.
func (ao ApplicationOptions) check() (*url.URL, dialect, error) {
	if ao.SCIMURL == "" && ao.Token == "" && ao.Dialect == "" {
		// Nothing is ever sent, so it does not matter how.
		return &url.URL{}, okta(), ao.checkDomain()
	}
	var problems []error
	base, err := url.Parse(ao.SCIMURL)
	switch {
	case err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https":
		base = &url.URL{}
		problems = append(problems, errors.New("SCIM URL: write an http or https URL, "+
			"such as https://app.example/scim/v2"))
	case base.User != nil || base.Fragment != "":
		problems = append(problems, errors.New("SCIM URL: leave out user name, password and fragment; "+
			"the token is given apart"))
	}
	unprintable := func(r rune) bool { return r <= ' ' || r > '~' }
	if ao.Token == "" || strings.ContainsFunc(ao.Token, unprintable) {
		problems = append(problems, errors.New("token: give the bearer token of the SCIM server, in one line"))
	}
	if err := ao.checkDomain(); err != nil {
		problems = append(problems, err)
	}
	var d dialect
	switch ao.Dialect {
	case Okta:
		d = okta()
	case Entra:
		// Entra ID reads its flags from the query of the tenant URL.
		d = entra(strings.Contains(base.RawQuery, "aadOptscim062020"))
	default:
		problems = append(problems, fmt.Errorf("dialect: write %s or %s", Okta, Entra))
	}
	return base, d, errors.Join(problems...)
}

func (ao ApplicationOptions) checkDomain() error {
	if strings.ContainsAny(ao.Domain, "@ /:") {
		return errors.New("domain: write an e-mail domain, such as northwind.example")
	}
	return nil
}

// Number is the application's place in Options, from 1; the pages' paths begin with
// /applications/{number}.
func (a *Application) Number() int { return a.number }

// Name returns the application's name.
func (a *Application) Name() string { return a.name }

// Dialect returns the name of the identity provider that the application speaks as.
func (a *Application) Dialect() string {
	if a.scimURL == "" {
		return a.personality.label
	}
	return a.dialect.label
}

// SCIMURL returns the base URL of the SCIM server; empty if there is none.
func (a *Application) SCIMURL() string { return a.scimURL }

// Domain returns the e-mail domain of the application's people.
func (a *Application) Domain() string { return a.domain }

// DeletesPeople says whether this identity provider ever sends DELETE for a person.
func (a *Application) DeletesPeople() bool { return a.scimURL != "" && a.dialect.deletesUsers }

// People returns everyone in the directory, with their state.
func (a *Application) People() []PersonState {
	people := a.dir.allPeople()
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]PersonState, len(people))
	for i, p := range people {
		out[i] = PersonState{p, a.people[p.ID].state, a.people[p.ID].scimID}
	}
	return out
}

// Groups returns the groups of the directory, with their state.
func (a *Application) Groups() []GroupState {
	groups := a.dir.allGroups()
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]GroupState, len(groups))
	for i, g := range groups {
		out[i] = GroupState{g, a.groups[g.ID].state, a.groups[g.ID].scimID}
	}
	return out
}

// Operations returns the last operations with their exchanges, the newest first. Old ones are
// forgotten: at most 50 operations and 300 exchanges are kept, in memory only.
func (a *Application) Operations() []Operation {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.journal.copies()
}

func (a *Application) record(x Exchange) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.journal.add(x)
}

// operate runs work as one operation, once those before it are done.
func (a *Application) operate(
	ctx context.Context, title string, work func(ctx context.Context) error,
) (*Operation, error) {
	select {
	case a.busy <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-a.busy }()
	begin := a.client.now()
	a.mu.Lock()
	o := a.journal.begin(title, begin)
	a.mu.Unlock()

	err := work(ctx)

	a.mu.Lock()
	a.journal.end()
	if err != nil {
		o.Problem = a.client.redact(err.Error())
	}
	done := *o
	done.Exchanges = slices.Clone(o.Exchanges)
	a.mu.Unlock()
	a.log.Info("operation", "number", done.Number, "requests", len(done.Exchanges), "failed", err != nil,
		"duration", a.client.now().Sub(begin).Round(time.Millisecond))
	return &done, err
}

// Test sends the request that this identity provider sends when an administrator tests the
// connection.
func (a *Application) Test(ctx context.Context) (*Operation, error) {
	return a.operate(ctx, "Test the connection", a.test)
}

func (a *Application) test(ctx context.Context) error {
	_, err := a.client.read(ctx, "/Users", a.dialect.testQuery())
	return err
}

// Provision pushes everyone who is not unassigned or deleted, then their managers where the dialect
// has them, then the groups and their members. What the server already has is matched first, so
// that a second run doubles nothing. Progress, if not nil, is called before the first step and
// after each one.
//
// A person or group that the server refuses does not stop the others; all refusals are in the
// error, each with the name of whom or what it concerns. A refused token, an unreachable server or the end of ctx stop the run.
func (a *Application) Provision(ctx context.Context, progress func(done, total int)) (*Operation, error) {
	if progress == nil {
		progress = func(int, int) {}
	}
	return a.operate(ctx, "Push everyone", func(ctx context.Context) error {
		if err := a.test(ctx); err != nil {
			return err
		}
		steps := a.provisionSteps()
		progress(0, len(steps))
		var problems []error
		for i, step := range steps {
			if err := step(ctx); err != nil {
				problems = append(problems, err)
				if refused := new(Refused); !errors.As(err, &refused) || refused.fatal() {
					break
				}
			}
			progress(i+1, len(steps))
		}
		return errors.Join(problems...)
	})
}

func (a *Application) provisionSteps() []func(context.Context) error {
	var people, managers, groups []func(context.Context) error
	named := func(name string, push func(context.Context) error) func(context.Context) error {
		return func(ctx context.Context) error {
			if err := push(ctx); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		}
	}
	for _, p := range a.People() {
		if p.State != NeverPushed && p.State != Assigned {
			continue
		}
		people = append(people, named(p.Name(), func(ctx context.Context) error { return a.pushPerson(ctx, p.Person) }))
		if a.dialect.setManager != nil && p.Manager != "" {
			managers = append(managers, named(p.Name(), func(ctx context.Context) error { return a.pushManager(ctx, p.Person) }))
		}
	}
	for _, g := range a.Groups() {
		if g.State == NeverPushed || g.State == Assigned {
			groups = append(groups, named(g.Name, func(ctx context.Context) error { return a.pushGroup(ctx, g.Group) }))
		}
	}
	return append(append(people, managers...), groups...)
}
