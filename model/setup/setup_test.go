package setup_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/operator"
	"rollcall/model/setup"
	"rollcall/model/store"
)

// portal is an organization whose IT gets links, with a clock.
type portal struct {
	t     *testing.T
	s     *store.Store
	clock *modeltest.Clock
	org   setup.Org
}

func each(t *testing.T, test func(t *testing.T, p portal)) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		s := modeltest.Open(t, db, store.Options{Now: clock.Now})
		org, _ := storetest.Contoso(t, s)
		test(t, portal{t, s, clock, setup.In(s.Org(org.ID, "operator:test"))})
	})
}

// link makes a link with scopes.
func (p portal) link(scopes ...setup.Scope) (*setup.Link, string) {
	p.t.Helper()
	l, token, err := p.org.CreateLink(p.t.Context(), setup.LinkFields{Scopes: scopes})
	storetest.Must(p.t, err)
	return l, token
}

var firefox = setup.Sender{Address: "192.0.2.1", Browser: "Firefox"}

// redeem returns the token of a browser that begins with a link.
func (p portal) redeem(token string) string {
	p.t.Helper()
	_, visit, err := setup.Across(p.s).Redeem(p.t.Context(), token, firefox)
	storetest.Must(p.t, err)
	return visit
}

// in tells whether a browser is in the portal.
func (p portal) in(visit string) bool {
	p.t.Helper()
	v, err := setup.Across(p.s).Visitor(p.t.Context(), visit)
	if err != nil && model.KindOf(err) != model.Denied {
		p.t.Fatal(err)
	}
	return v != nil
}

// events lists the events of set-up links, with their actors.
func (p portal) events() (out []string) {
	p.t.Helper()
	es, _, err := p.s.Events(p.t.Context(), model.Everywhere(), store.EventQuery{OrganizationID: p.org.ID,
		Page: model.Page{Ascending: true, Limit: 100}})
	storetest.Must(p.t, err)
	for _, e := range es {
		if strings.HasPrefix(string(e.Type), "setup") {
			kind, _, _ := strings.Cut(string(e.Actor), ":")
			out = append(out, fmt.Sprint(e.Type, " by ", kind))
			if strings.Contains(e.Data, "token") && !strings.Contains(e.Data, `"scopes"`) {
				p.t.Errorf("an event shows a token: %s", e.Data)
			}
		}
	}
	return out
}

func TestLinkIsOpenedOftenAndKnowsWho(t *testing.T) {
	each(t, func(t *testing.T, p portal) {
		l, token := p.link(setup.ScopeSSO, setup.ScopeDomains, setup.ScopeSSO)
		if !slices.Equal(l.Scopes, []setup.Scope{setup.ScopeDomains, setup.ScopeSSO}) {
			t.Errorf("scopes %v", l.Scopes)
		}
		for range 3 { // a scanner looks, and looks again
			storetest.Must(t, p.org.NoteLook(t.Context(), l.ID, setup.Sender{Address: "192.0.2.9", Browser: "another"}))
		}
		first := p.redeem(token)
		second := p.redeem(token)
		if first == second || !p.in(first) || !p.in(second) || p.in("") || p.in(token) {
			t.Error("both browsers are in, and nobody else")
		}
		v, err := setup.Across(p.s).Visitor(t.Context(), first)
		storetest.Must(t, err)
		if !v.May(setup.ScopeSSO) || v.May(setup.ScopeEnforce) || v.Link.OrganizationID != p.org.ID ||
			v.Actor() != model.Actor("setup_link:"+setup.LinkPrefix.ID(l.ID)) {
			t.Errorf("the visitor is %+v", v)
		}
		links, _, err := p.org.Links(t.Context(), model.Page{Limit: 10})
		storetest.Must(t, err)
		var kinds []string
		for _, visit := range links[0].Visits {
			kinds = append(kinds, fmt.Sprint(visit.Redeemed(), visit.Browser))
		}
		if !slices.Equal(kinds, []string{"trueFirefox", "trueFirefox", "falseanother"}) {
			t.Errorf("visits %q", kinds)
		}
		text, err := json.Marshal(links[0].PublicForm(model.TimeOf(p.clock.Now())))
		storetest.Must(t, err)
		if strings.Contains(string(text), token) || strings.Contains(string(text), `"url"`) {
			t.Errorf("the list shows the token: %s", text)
		}
		want := []string{"setup_link.created by operator", "setup_link.redeemed by setup_link",
			"setup_link.redeemed by setup_link"}
		if got := p.events(); !slices.Equal(got, want) {
			t.Errorf("events %q", got)
		}
	})
}

func TestLooksAtALinkHaveALimit(t *testing.T) {
	each(t, func(t *testing.T, p portal) {
		l, token := p.link(setup.ScopeDomains)
		for i := range 60 {
			storetest.Must(t, p.org.NoteLook(t.Context(), l.ID, setup.Sender{Address: fmt.Sprint("192.0.2.", i)}))
		}
		var last string
		first := p.redeem(token)
		for range 55 {
			last = p.redeem(token)
		}
		links, _, err := p.org.Links(t.Context(), model.Page{Limit: 10})
		storetest.Must(t, err)
		if n := len(links[0].Visits); n != 100 {
			t.Errorf("%d visits are kept", n)
		}
		if p.in(first) || !p.in(last) {
			t.Error("of too many browsers the oldest goes")
		}
	})
}

// TestWhatEndsALink: each way ends the browsers that have begun with it at once, and those of its
// child.
func TestWhatEndsALink(t *testing.T) {
	each(t, func(t *testing.T, p portal) {
		for name, end := range map[string]struct {
			run   func(l *setup.Link) error
			state setup.LinkState
			event []string
		}{
			"revoked": {func(l *setup.Link) error {
				_, err := p.org.RevokeLink(t.Context(), l.ID)
				return err
			}, setup.LinkRevoked, []string{"setup_link.revoked by operator"}},
			"finished": {func(l *setup.Link) error {
				_, err := p.org.FinishLink(t.Context(), l.ID)
				return err
			}, setup.LinkFinished, []string{"setup_link.revoked by operator"}},
			"expired": {func(l *setup.Link) error {
				p.clock.Advance(time.Duration(l.ExpiresAt-model.TimeOf(p.clock.Now())) * time.Millisecond)
				n, err := setup.NewExpiryWatch(setup.Across(p.s)).RunOnce(t.Context())
				if n == 0 {
					t.Error("nothing expired")
				}
				return err
			}, setup.LinkExpired, []string{"setup_link.expired by system", "setup_link.expired by system"}},
		} {
			l, err := p.lateLink()
			storetest.Must(t, err)
			_, childToken, err := p.org.HandOn(t.Context(), l.link.ID, []setup.Scope{setup.ScopeDomains}, "DNS team")
			storetest.Must(t, err)
			mine, theirs := p.redeem(l.token), p.redeem(childToken)
			if !p.in(mine) || !p.in(theirs) {
				t.Fatalf("%s: both are in before", name)
			}
			before := len(p.events())
			storetest.Must(t, end.run(l.link))
			if p.in(mine) || p.in(theirs) {
				t.Errorf("%s: somebody is in after the end", name)
			}
			for _, token := range []string{l.token, childToken} {
				_, _, err := setup.Across(p.s).Redeem(t.Context(), token, firefox)
				if model.KindOf(err) != model.Denied {
					t.Errorf("%s: redeemed after its end: %v", name, err)
				}
			}
			got, err := p.org.Link(t.Context(), l.link.ID)
			storetest.Must(t, err)
			if state := got.State(model.TimeOf(p.clock.Now())); state != end.state {
				t.Errorf("%s: state %s", name, state)
			}
			_, _, err = p.org.HandOn(t.Context(), l.link.ID, []setup.Scope{setup.ScopeDomains}, "")
			if model.KindOf(err) != model.Denied {
				t.Errorf("%s: handed on after its end: %v", name, err)
			}
			if got := p.events()[before:]; !slices.Equal(got, end.event) {
				t.Errorf("%s: events %q", name, got)
			}
		}
	})
}

type made struct {
	link  *setup.Link
	token string
}

// lateLink makes a link that ends within the hour, while browsers do not end by themselves.
func (p portal) lateLink() (made, error) {
	l, token, err := p.org.CreateLink(p.t.Context(), setup.LinkFields{Scopes: setup.Scopes,
		ExpiresAt: model.TimeOf(p.clock.Now().Add(time.Hour))})
	return made{l, token}, err
}

func TestBrowsersEndByThemselves(t *testing.T) {
	each(t, func(t *testing.T, p portal) {
		_, token := p.link(setup.ScopeDomains)
		idle, busy := p.redeem(token), p.redeem(token)
		for range 7 {
			p.clock.Advance(100 * time.Minute)
			if !p.in(busy) {
				t.Fatal("who goes on is in")
			}
		}
		p.clock.Advance(19 * time.Minute)
		if !p.in(busy) || p.in(idle) {
			t.Error("two hours without a request end it, and twelve hours do")
		}
		p.clock.Advance(time.Minute)
		if p.in(busy) {
			t.Error("twelve hours have passed")
		}
		if !p.in(p.redeem(token)) {
			t.Error("the link can be opened again")
		}
	})
}

func TestHandOn(t *testing.T) {
	each(t, func(t *testing.T, p portal) {
		l, _ := p.link(setup.ScopeDomains, setup.ScopeSSO)
		child, _, err := p.org.HandOn(t.Context(), l.ID, []setup.Scope{setup.ScopeDomains}, "")
		storetest.Must(t, err)
		if child.ExpiresAt != *model.TimeOf(p.clock.Now()).Later(7 * 24 * time.Hour) {
			t.Errorf("ends %s", child.ExpiresAt)
		}
		for name, c := range map[string]struct {
			parent string
			scopes []setup.Scope
		}{
			"a scope that the parent has not": {l.ID, []setup.Scope{setup.ScopeEnforce}},
			"more than the parent has":        {l.ID, setup.Scopes},
			"a child of a child":              {child.ID, []setup.Scope{setup.ScopeDomains}},
		} {
			if _, _, err := p.org.HandOn(t.Context(), c.parent, c.scopes, ""); model.KindOf(err) != model.Denied {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, _, err := p.org.HandOn(t.Context(), l.ID, nil, ""); model.KindOf(err) != model.Invalid {
			t.Errorf("no scope: %v", err)
		}
		p.clock.Advance(10 * 24 * time.Hour)
		late, _, err := p.org.HandOn(t.Context(), l.ID, []setup.Scope{setup.ScopeDomains}, "")
		storetest.Must(t, err)
		if late.ExpiresAt != l.ExpiresAt {
			t.Error("a child lasts longer than its parent")
		}
	})
}

// TestChildrenAreLimited: whoever has a link must not fill the database, nor the page that lists
// them.
func TestChildrenAreLimited(t *testing.T) {
	each(t, func(t *testing.T, p portal) {
		l, _ := p.link(setup.ScopeDomains)
		other, _ := p.link(setup.ScopeDomains)
		handOn := func(parent *setup.Link) (*setup.Link, error) {
			child, _, err := p.org.HandOn(t.Context(), parent.ID, []setup.Scope{setup.ScopeDomains}, "")
			return child, err
		}
		first, err := handOn(l)
		storetest.Must(t, err)
		for range 19 {
			_, err := handOn(l)
			storetest.Must(t, err)
		}
		_, err = handOn(l)
		if model.KindOf(err) != model.Full || !strings.Contains(err.Error(), "Revoke one") {
			t.Errorf("one more than 20: %v", err)
		}
		_, err = handOn(other)
		storetest.Must(t, err)
		for range 60 { // in place of one that was revoked there is room for another
			children, err := p.org.Children(t.Context(), l.ID)
			storetest.Must(t, err)
			_, err = p.org.RevokeLink(t.Context(), children[0].ID)
			storetest.Must(t, err)
			_, err = handOn(l)
			storetest.Must(t, err)
		}
		children, err := p.org.Children(t.Context(), l.ID)
		storetest.Must(t, err)
		newest := slices.IsSortedFunc(children, func(a, b setup.Link) int { return strings.Compare(b.ID, a.ID) })
		oldest := children[len(children)-1]
		if len(children) != 40 || !newest || oldest.ID != first.ID || oldest.State(model.TimeOf(p.clock.Now())) !=
			setup.LinkOpen {
			t.Errorf("%d children, newest first: %t, the last %+v", len(children), newest, oldest)
		}
		p.clock.Advance(8 * 24 * time.Hour) // they have expired
		_, err = handOn(l)
		storetest.Must(t, err)
	})
}

func TestStepsAreCompletedOnce(t *testing.T) {
	each(t, func(t *testing.T, p portal) {
		for range 2 {
			storetest.Must(t, p.org.Complete(t.Context(), setup.StepDomains))
		}
		storetest.Must(t, p.org.Choose(t.Context(), setup.StepDirectory, "", true))
		steps, err := p.org.Steps(t.Context())
		storetest.Must(t, err)
		if len(steps) != 2 || steps[setup.StepDomains].DoneAt == nil || !steps[setup.StepDirectory].Skipped ||
			steps[setup.StepDirectory].Version != 1 {
			t.Errorf("steps %+v", steps)
		}
		if got := p.events(); !slices.Equal(got, []string{"setup.step_completed by operator"}) {
			t.Errorf("events %q", got)
		}
	})
}

func TestLinksAreSweptLongAfterTheirEnd(t *testing.T) {
	each(t, func(t *testing.T, p portal) {
		l, token := p.link(setup.ScopeDomains)
		p.redeem(token)
		for _, step := range []struct {
			after time.Duration
			there bool
		}{{14 * 24 * time.Hour, true}, {90 * 24 * time.Hour, true}, {time.Millisecond, false}} {
			p.clock.Advance(step.after)
			_, err := operator.Across(p.s).Sweep(t.Context())
			storetest.Must(t, err)
			if _, err := p.org.Link(t.Context(), l.ID); (err == nil) != step.there {
				t.Errorf("after %s: %v", step.after, err)
			}
		}
	})
}
