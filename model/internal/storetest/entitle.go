package storetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/entitle"
	"rollcall/model/modeltest"
	"rollcall/model/people"
	"rollcall/model/store"
)

// Suite is a house with one account that its connection is configured for, and a worker.
type Suite struct {
	House
	Clock   *modeltest.Clock
	Account *entitle.Account
}

func (h Suite) NewAccount(t testing.TB, name string, seats int64) *entitle.Account {
	t.Helper()
	a := &entitle.Account{AccountFields: entitle.AccountFields{Name: name}}
	if seats >= 0 {
		a.Seats = &seats
	}
	Must(t, entitle.In(h.Org).CreateAccount(t.Context(), a))
	return a
}

func (h Suite) NewGroup(t testing.TB, name string, byDefault bool, mappings ...entitle.DirectoryGroupRef) *entitle.AccountGroup {
	t.Helper()
	g := &entitle.AccountGroup{AccountID: h.Account.ID, AccountGroupFields: entitle.AccountGroupFields{
		Name: name, AssignByDefault: byDefault,
	}}
	for _, m := range mappings {
		g.Mappings = append(g.Mappings, entitle.GroupMapping{DirectoryGroupRef: m})
	}
	Must(t, entitle.In(h.Org).CreateAccountGroup(t.Context(), g))
	return g
}

func ByName(name string) entitle.DirectoryGroupRef { return entitle.DirectoryGroupRef{Name: name} }

func ByID(g *people.DirectoryGroup) entitle.DirectoryGroupRef {
	return entitle.DirectoryGroupRef{DirectoryGroupID: &g.ID}
}

// Work carries out what is due, and tells how many changes that was.
func (h Suite) Work(t testing.TB) int {
	t.Helper()
	h.Clock.Advance(3 * time.Second)
	n, err := entitle.NewRecomputer(entitle.Across(h.S)).RunOnce(t.Context())
	Must(t, err)
	if r, err := entitle.In(h.Org).Recompute(t.Context()); err == nil && r.State != entitle.RecomputeDone {
		t.Fatalf("the work is not done: %+v", r)
	}
	return n
}

// Has is what a user has: "Workspace granted, Editors" and so on.
func (h Suite) Has(t testing.TB, u *people.User) string {
	t.Helper()
	var out []string
	ls, _, err := entitle.In(h.Org).Licenses(t.Context(), entitle.LicenseQuery{UserID: u.ID, Page: model.Page{Limit: 100}})
	Must(t, err)
	for _, l := range ls {
		a, err := entitle.In(h.Org).Account(t.Context(), l.AccountID)
		Must(t, err)
		out = append(out, fmt.Sprint(a.Name, " ", l.State, by(l.ByHand)))
	}
	as, _, err := entitle.In(h.Org).GroupAssignments(t.Context(), entitle.AssignmentQuery{UserID: u.ID, Page: model.Page{Limit: 100}})
	Must(t, err)
	for _, a := range as {
		g, err := entitle.In(h.Org).AccountGroup(t.Context(), a.AccountID, a.GroupID)
		Must(t, err)
		out = append(out, g.Name+by(a.ByHand))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

func by(hand bool) string {
	if hand {
		return " (by hand)"
	}
	return ""
}

func (h Suite) Want(t testing.TB, u *people.User, want string) {
	t.Helper()
	if got := h.Has(t, u); got != want {
		t.Errorf("%s has %q, want %q", u.UserName, got, want)
	}
}

// Told are the license, group and role events since a mark, with their causes.
func (h Suite) Told(t testing.TB, since int) []string {
	t.Helper()
	out := []string{}
	for _, e := range feed(t, h.S, h.Org)[since:] {
		var data struct {
			Cause     string `json:"cause"`
			LastAdmin bool   `json:"last_admin"`
		}
		Must(t, json.Unmarshal([]byte(e.Data), &data))
		if strings.HasPrefix(string(e.Type), "license.") || strings.HasPrefix(string(e.Type), "group.") || e.Type == people.UserRoleChanged {
			line := fmt.Sprint(e.Type, " ", data.Cause)
			if data.LastAdmin {
				line += " last"
			}
			out = append(out, line)
		}
	}
	return out
}

func feed(t testing.TB, s *store.Store, org *store.Org) []model.Event {
	t.Helper()
	var all []model.Event
	page := model.Page{Ascending: true, Limit: 1000}
	for {
		es, info, err := s.Events(t.Context(), model.Everywhere(), store.EventQuery{OrganizationID: org.ID, Page: page})
		Must(t, err)
		all = append(all, es...)
		if info.After == "" {
			return all
		}
		page.After = info.After
	}
}

func (h Suite) Mark(t testing.TB) int { t.Helper(); return len(feed(t, h.S, h.Org)) }

func (h Suite) Enter(t testing.TB, name string, groups ...string) *people.User {
	t.Helper()
	claims := ClaimsOf(name, h.Mail(name))
	claims.Groups = groups
	out, err := SignIn(t, h.Org, h.C, claims)
	Must(t, err)
	return out.User
}
