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
	SCIMURL string  // the base URL, without /Users and /Groups; empty to push nobody
	Token   string  // the bearer token; it is kept in memory, and never shown or logged
	Dialect Dialect // Okta or Entra
	// Domain is the e-mail domain of this application's people. The default is northwind.example.
	Domain string

	// Personality is the form of SAML responses. The default is that of the Dialect, or plain.
	Personality Personality
	// EntityID and ACSURL are the SAML service provider. ConnectSAML may set them later.
	EntityID, ACSURL string
	// Key signs the SAML responses. The default is a new RSA key of 2048 bits.
	Key *rsa.PrivateKey
}

// State is the state of a person or group at an application.
type State string

// The states. A group is never Unassigned.
const (
	NeverPushed State = "never pushed" // the next Provision pushes it
	Assigned    State = "assigned"     // pushed, and active there
	Unassigned  State = "unassigned"   // deactivated there; Provision leaves it alone
	Deleted     State = "deleted"      // deleted there; Provision leaves it alone
)

// PersonState is a person with the state at an application.
type PersonState struct {
	Person
	State  State  `json:"state"`
	SCIMID string `json:"scim_id"` // the id at the server; empty if it has no such user
}

// GroupState is a group with the state at an application.
type GroupState struct {
	Group
	State  State  `json:"state"`
	SCIMID string `json:"scim_id"` // the id at the server; empty if it has no such group
}

// Application is an application whose users come from the directory: it pushes people and groups to
// a SCIM server. Its methods are safe for concurrent use. Operations run one after the other.
//
// Every operation returns the requests that it sent, also if it fails. Profiles, group names and
// members change in the directory first and at the server afterwards. If the server refuses, the
// directory keeps the change and the next Provision tries again, like real identity providers. If a
// change of access is refused, the State does not change.
type Application struct {
	number      int
	name        string
	base        string // the identity provider's own URL, without a slash at its end
	scimURL     string // empty if there is no SCIM server
	domain      string
	dialect     dialect
	personality personality
	keys        func() (keyPair, error) // always returns the same pair
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

// personLink is the state of a person at the server.
type personLink struct {
	state   State
	scimID  string
	manager string // the SCIM id of the manager that was sent last
}

// groupLink is the state of a group at the server.
type groupLink struct {
	state   State
	scimID  string
	members map[string]bool // SCIM ids that are known to be members at the server
	unknown bool            // the group existed before the first push, so it may have other members
	created bool            // created in this operation, so it has no members yet
}

// newApplication returns the application with a number. The error names every option that cannot be
// used.
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
	// Following a redirect would send the token to another address.
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

// check parses the SCIM options. The error names every option that cannot be used.
func (ao ApplicationOptions) check() (*url.URL, dialect, error) {
	if ao.SCIMURL == "" && ao.Token == "" && ao.Dialect == "" {
		// No request is ever sent, so any dialect will do.
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

// checkDomain checks the e-mail domain.
func (ao ApplicationOptions) checkDomain() error {
	if strings.ContainsAny(ao.Domain, "@ /:") {
		return errors.New("domain: write an e-mail domain, such as northwind.example")
	}
	return nil
}

// Number returns the application's position in Options, from 1. The paths of its pages begin with
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

// SCIMURL returns the base URL of the SCIM server. It is empty if there is none.
func (a *Application) SCIMURL() string { return a.scimURL }

// Domain returns the e-mail domain of the application's people.
func (a *Application) Domain() string { return a.domain }

// DeletesPeople reports whether this identity provider ever sends DELETE for a person.
func (a *Application) DeletesPeople() bool { return a.scimURL != "" && a.dialect.deletesUsers }

// People returns all people of the directory, with their states.
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

// Groups returns all groups of the directory, with their states.
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

// Operations returns the latest operations with their exchanges, the newest first. At most 50
// operations and 300 exchanges are kept, in memory only.
func (a *Application) Operations() []Operation {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.journal.copies()
}

// record adds an exchange to the running operation.
func (a *Application) record(x Exchange) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.journal.add(x)
}

// operate runs work as one operation, after the operations before it.
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

// test is Test without an operation.
func (a *Application) test(ctx context.Context) error {
	_, err := a.client.read(ctx, "/Users", a.dialect.testQuery())
	return err
}

// Provision pushes all people that are not unassigned or deleted, then their managers if the
// dialect has them, then the groups and their members. It matches existing users and groups of the
// server first, so that a second run creates nothing twice. progress, if not nil, is called before
// the first step and after each one.
//
// If the server refuses a person or group, the run goes on. The error has all refusals, each with
// the name of the person or group. A refused token, an unreachable server or the end of ctx stop
// the run.
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

// provisionSteps returns the steps of Provision.
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
		people = append(people, named(p.Name(), func(ctx context.Context) error {
			return a.pushPerson(ctx, p.Person)
		}))
		if a.dialect.setManager != nil && p.Manager != "" {
			managers = append(managers, named(p.Name(), func(ctx context.Context) error {
				return a.pushManager(ctx, p.Person)
			}))
		}
	}
	for _, g := range a.Groups() {
		if g.State == NeverPushed || g.State == Assigned {
			groups = append(groups, named(g.Name, func(ctx context.Context) error {
				return a.pushGroup(ctx, g.Group)
			}))
		}
	}
	return append(append(people, managers...), groups...)
}
