package storetest

import (
	"testing"

	"rollcall/model"
	"rollcall/model/entitle"
	"rollcall/model/people"
)

// belongings is what a user has, by id.
type belongings struct {
	Licenses, Groups map[string]bool
	Admin            bool
}

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

// Everything is what everybody has.
func (h Suite) Everything(t *testing.T) map[string]belongings {
	t.Helper()
	out := map[string]belongings{}
	us, _, err := people.In(h.Org).Users(t.Context(), people.UserQuery{Page: model.Page{Limit: 1000}})
	Must(t, err)
	for _, u := range us {
		b := belongings{map[string]bool{}, map[string]bool{}, u.Role == people.Admin}
		ls, _, err := entitle.In(h.Org).Licenses(t.Context(), entitle.LicenseQuery{UserID: u.ID, Page: model.Page{Limit: 100}})
		Must(t, err)
		for _, l := range ls {
			b.Licenses[l.AccountID] = true
		}
		as, _, err := entitle.In(h.Org).GroupAssignments(t.Context(), entitle.AssignmentQuery{UserID: u.ID, Page: model.Page{Limit: 100}})
		Must(t, err)
		for _, a := range as {
			b.Groups[a.GroupID] = true
		}
		out[u.ID] = b
	}
	return out
}
