package model_test

import (
	"testing"

	"rollcall/model"
	"rollcall/model/modeltest"
)

// organization makes an organization with a verified domain and a directory.
func organization(t testing.TB, s *model.Store, name, domain string) (*model.Org, *model.Directory) {
	t.Helper()
	g := &model.Organization{Name: name, Settings: model.DefaultSettings()}
	err := s.CreateOrganization(t.Context(), "operator:test", model.Everywhere(), g, map[string]model.DomainState{domain: model.DomainStateVerified})
	if err != nil {
		t.Fatal(err)
	}
	org := s.Org(g.ID, "operator:test")
	d, _, err := org.CreateDirectory(t.Context(), "Okta", "okta scim v2.0")
	if err != nil {
		t.Fatal(err)
	}
	return s.Org(g.ID, d.Actor()), d
}

func person(userName string) map[string]any {
	return map[string]any{
		"userName": userName, "displayName": "Person " + userName, "externalId": "x-" + userName,
		"name":   map[string]any{"givenName": "Given", "familyName": userName},
		"emails": []any{map[string]any{"value": userName, "type": "work", "primary": true}},
	}
}

func TestSmoke(t *testing.T) {
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		org, d := organization(t, s, "Contoso", "contoso.example")
		u, err := org.CreateDirectoryUser(t.Context(), d.ID, person("ada@contoso.example"))
		if err != nil {
			t.Fatal(err)
		}
		g, err := org.CreateDirectoryGroup(t.Context(), d.ID, map[string]any{"displayName": "Everyone"}, []string{u.ID})
		if err != nil {
			t.Fatal(err)
		}
		members, err := org.GroupMembers(t.Context(), g.ID)
		if err != nil || len(members[g.ID]) != 1 {
			t.Fatal(members, err)
		}
		u, err = org.UpdateDirectoryUser(t.Context(), d.ID, u.ID, func(u *model.User) error { u.Active = false; return nil })
		if err != nil || u.Active || u.Epoch != 2 || u.InactiveReason != model.Deprovisioned {
			t.Fatalf("%+v %v", u, err)
		}
		g2, err := org.UpdateDirectoryGroup(t.Context(), d.ID, g.ID, func(*model.DirectoryGroup) error { return nil }, model.MembersChange{Op: model.RemoveMembers, UserIDs: []string{u.ID}})
		if err != nil || g2.Version != 2 {
			t.Fatal(g2, err)
		}
		if err := org.DeleteDirectoryUser(t.Context(), d.ID, u.ID); err != nil {
			t.Fatal(err)
		}
		es, _, err := s.Events(t.Context(), model.Everywhere(), model.EventQuery{Page: model.Page{Ascending: true, Limit: 100}})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range es {
			t.Log(e.Type, e.Actor, e.Subject, e.Data)
		}
	})
}
