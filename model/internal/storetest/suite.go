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

// Suite is a house with an account that the connection is configured for, and with a clock.
type Suite struct {
	House
	Clock   *modeltest.Clock
	Account *entitle.Account
}

// NewAccount makes an account. A negative number of seats means that there is no limit.
func (h Suite) NewAccount(t testing.TB, name string, seats int64) *entitle.Account {
	t.Helper()
	a := &entitle.Account{AccountFields: entitle.AccountFields{Name: name}}
	if seats >= 0 {
		a.Seats = &seats
	}
	Must(t, entitle.In(h.Org).CreateAccount(t.Context(), a))
	return a
}

// NewGroup makes a group of the account.
func (h Suite) NewGroup(
	t testing.TB, name string, byDefault bool, mappings ...entitle.DirectoryGroupRef,
) *entitle.AccountGroup {
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

// ByName refers to a directory group by its name.
func ByName(name string) entitle.DirectoryGroupRef { return entitle.DirectoryGroupRef{Name: name} }

// ByID refers to a directory group by its id.
func ByID(g *people.DirectoryGroup) entitle.DirectoryGroupRef {
	return entitle.DirectoryGroupRef{DirectoryGroupID: &g.ID}
}

// Work carries out what is due, and returns the number of changes.
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

// hundred is a page that has all licenses or groups of one user.
var hundred = model.Page{Limit: 100}

// Has returns what a user has, such as "Workspace granted, Editors".
func (h Suite) Has(t testing.TB, u *people.User) string {
	t.Helper()
	var out []string
	ls, _, err := entitle.In(h.Org).Licenses(t.Context(), entitle.LicenseQuery{UserID: u.ID, Page: hundred})
	Must(t, err)
	for _, l := range ls {
		a, err := entitle.In(h.Org).Account(t.Context(), l.AccountID)
		Must(t, err)
		out = append(out, fmt.Sprint(a.Name, " ", l.State, by(l.ByHand)))
	}
	as, _, err := entitle.In(h.Org).GroupAssignments(t.Context(), entitle.AssignmentQuery{UserID: u.ID, Page: hundred})
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

// Want checks what a user has, see Has.
func (h Suite) Want(t testing.TB, u *people.User, want string) {
	t.Helper()
	if got := h.Has(t, u); got != want {
		t.Errorf("%s has %q, want %q", u.UserName, got, want)
	}
}

// Told returns the license, group and role events since a mark, with their causes.
func (h Suite) Told(t testing.TB, since int) []string {
	t.Helper()
	out := []string{}
	for _, e := range feed(t, h.S, h.Org)[since:] {
		var data struct {
			Cause     string `json:"cause"`
			LastAdmin bool   `json:"last_admin"`
		}
		Must(t, json.Unmarshal([]byte(e.Data), &data))
		subject, _, _ := strings.Cut(string(e.Type), ".")
		if subject == "license" || subject == "group" || e.Type == people.UserRoleChanged {
			line := fmt.Sprint(e.Type, " ", data.Cause)
			if data.LastAdmin {
				line += " last"
			}
			out = append(out, line)
		}
	}
	return out
}

// feed returns all events of an organization, page by page.
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

// Mark returns the number of events so far.
func (h Suite) Mark(t testing.TB) int { t.Helper(); return len(feed(t, h.S, h.Org)) }

// Enter signs a user in whose groups the identity provider asserts.
func (h Suite) Enter(t testing.TB, name string, groups ...string) *people.User {
	t.Helper()
	claims := ClaimsOf(name, h.Mail(name))
	claims.Groups = groups
	out, err := SignIn(t, h.Org, h.C, claims)
	Must(t, err)
	return out.User
}

// belongings is what a user has, by id.
type belongings struct {
	Licenses, Groups map[string]bool
	Admin            bool
}

// After returns what the user has after a previewed change.
func (b belongings) After(c entitle.UserPreview) belongings {
	for _, id := range c.LicensesGained {
		b.Licenses[id] = true
	}
	for _, id := range c.LicensesLost {
		delete(b.Licenses, id)
	}
	for _, id := range c.GroupsGained {
		b.Groups[id] = true
	}
	for _, id := range c.GroupsLost {
		delete(b.Groups, id)
	}
	b.Admin = b.Admin && !c.RoleLost || c.RoleGained
	return b
}

// Everything returns what each user has.
func (h Suite) Everything(t *testing.T) map[string]belongings {
	t.Helper()
	out := map[string]belongings{}
	us, _, err := people.In(h.Org).Users(t.Context(), people.UserQuery{Page: model.Page{Limit: 1000}})
	Must(t, err)
	for _, u := range us {
		b := belongings{map[string]bool{}, map[string]bool{}, u.Role == people.Admin}
		ls, _, err := entitle.In(h.Org).Licenses(t.Context(), entitle.LicenseQuery{UserID: u.ID, Page: hundred})
		Must(t, err)
		for _, l := range ls {
			b.Licenses[l.AccountID] = true
		}
		held := entitle.AssignmentQuery{UserID: u.ID, Page: hundred}
		as, _, err := entitle.In(h.Org).GroupAssignments(t.Context(), held)
		Must(t, err)
		for _, a := range as {
			b.Groups[a.GroupID] = true
		}
		out[u.ID] = b
	}
	return out
}
