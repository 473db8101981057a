package model_test

import (
	"strings"
	"testing"

	"rollcall/model"
	"rollcall/model/modeltest"
)

func TestTombstones(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		org, d := contoso(t, s)
		departed := func(t *testing.T, traces model.Traces, want bool) {
			t.Helper()
			if got, err := org.Departed(t.Context(), traces); err != nil || got != want {
				t.Errorf("departed is %t, want %t: %+v %v", got, want, traces, err)
			}
		}
		bury := func(t *testing.T, userName string) (*model.User, *model.Identity) {
			t.Helper()
			document := person(userName)
			document["emails"] = append(document["emails"].([]any), map[string]any{"value": "home." + userName})
			u, err := org.CreateDirectoryUser(t.Context(), d.ID, document)
			must(t, err)
			id, err := org.LinkIdentity(t.Context(), model.Identity{ConnectionID: "connection", Issuer: "https://idp.example", Subject: "subject-" + userName, UserID: u.ID})
			must(t, err)
			must(t, org.DeleteDirectoryUser(t.Context(), d.ID, u.ID))
			return u, id
		}
		t.Run("the departed are recognized by each of their traces, in any spelling", func(t *testing.T) {
			_, id := bury(t, "ada@contoso.example")
			for _, traces := range []model.Traces{
				{UserName: "ADA@contoso.example"}, {Emails: []string{"Ada@CONTOSO.example"}},
				{Emails: []string{"someone@contoso.example", "HOME.ada@contoso.example"}}, {Identities: []model.Identity{*id}},
			} {
				departed(t, traces, true)
			}
			for _, traces := range []model.Traces{
				{}, {UserName: "grace@contoso.example"}, {Emails: []string{"", "x", "grace@contoso.example"}},
				{Identities: []model.Identity{{ConnectionID: "connection", Issuer: "https://idp.example", Subject: "subject-ada"}}},
				{Identities: []model.Identity{{ConnectionID: "another", Issuer: id.Issuer, Subject: id.Subject}}},
				{UserName: "home.ada@contoso.example"}, // an e-mail of the departed is not their userName
			} {
				departed(t, traces, false)
			}
		})
		t.Run("another organization does not know them", func(t *testing.T) {
			other, _ := organization(t, s, "Fabrikam", "fabrikam.example")
			if got, err := other.Departed(t.Context(), model.Traces{UserName: "ada@contoso.example"}); err != nil || got {
				t.Error(got, err)
			}
		})
		t.Run("the same person's hashes in two organizations cannot be compared", func(t *testing.T) {
			other, otherDirectory := organization(t, s, "Northwind", "northwind.example")
			u := createUser(t, other, otherDirectory, "ada@contoso.example")
			must(t, other.DeleteDirectoryUser(t.Context(), otherDirectory.ID, u.ID))
			seen := map[string]bool{}
			for _, org := range []*model.Org{org, other} {
				var keys []model.TombstoneKey
				must(t, model.Within(org, t.Context()).Find(&keys).Error)
				for _, k := range keys {
					if seen[string(k.Hash)] || len(k.Hash) != 32 {
						t.Errorf("%x occurs twice", k.Hash)
					}
					seen[string(k.Hash)] = true
				}
			}
			if len(seen) < 5 {
				t.Errorf("there are %d hashes", len(seen))
			}
		})
		t.Run("nothing personal is left in any row but the events'", func(t *testing.T) {
			u, id := bury(t, "Very.Personal@contoso.example")
			found := 0
			for _, row := range dump(t, s, nil) {
				if strings.HasPrefix(row, "tombstone") && strings.Contains(row, string(org.ID)) {
					found++
				}
				if strings.HasPrefix(row, "events ") {
					continue
				}
				for _, personal := range []string{"personal", id.Subject, u.ExternalID, u.DisplayName} {
					if strings.Contains(strings.ToLower(row), strings.ToLower(personal)) {
						t.Errorf("%q stands in %s", personal, row)
					}
				}
			}
			if found < 5 {
				t.Errorf("there are %d rows of tombstones", found)
			}
		})
		t.Run("an administrator clears one", func(t *testing.T) {
			bury(t, "cleared@contoso.example")
			stones, _, err := org.Tombstones(t.Context(), model.Page{Limit: 1})
			must(t, err)
			must(t, org.DeleteTombstone(t.Context(), stones[0].ID))
			departed(t, model.Traces{UserName: "cleared@contoso.example"}, false)
			departed(t, model.Traces{UserName: "ada@contoso.example"}, true)
			wantKind(t, org.DeleteTombstone(t.Context(), stones[0].ID), model.NotFound)
			wantKind(t, org.DeleteTombstone(t.Context(), "\x00"), model.NotFound)
		})
		t.Run("a directory that creates the person again clears theirs, by userName or e-mail", func(t *testing.T) {
			_, id := bury(t, "back@contoso.example")
			createUser(t, org, d, "BACK@contoso.example")
			departed(t, model.Traces{Identities: []model.Identity{*id}}, false)
			bury(t, "renamed@contoso.example")
			_, err := org.CreateDirectoryUser(t.Context(), d.ID, withEmail("new-name", "home.renamed@contoso.example"))
			must(t, err)
			departed(t, model.Traces{UserName: "renamed@contoso.example"}, false)
			departed(t, model.Traces{UserName: "ada@contoso.example"}, true)
		})
		t.Run("without any directory left nobody is departed", func(t *testing.T) {
			departed(t, model.Traces{UserName: "ada@contoso.example"}, true)
			must(t, org.DeleteDirectory(t.Context(), d.ID))
			departed(t, model.Traces{UserName: "ada@contoso.example"}, false)
			directory(t, org)
			departed(t, model.Traces{UserName: "ada@contoso.example"}, true)
		})
	})
}

func TestIdentities(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		org, d := contoso(t, s)
		u, other := createUser(t, org, d, "ada@contoso.example"), createUser(t, org, d, "alan@contoso.example")
		id := model.Identity{ConnectionID: "c", Issuer: "i", Subject: "s", UserID: u.ID}
		var first *model.Identity
		got := newEvents(t, s, org, func() {
			var err error
			first, err = org.LinkIdentity(t.Context(), id)
			must(t, err)
		})
		if len(got) != 1 || got[0] != model.UserIdentityLinked {
			t.Error(got)
		}
		t.Run("the user lists what is linked", func(t *testing.T) {
			id.Subject = "S" // subjects are compared exactly
			second, err := org.LinkIdentity(t.Context(), id)
			must(t, err)
			linked, err := org.Identities(t.Context(), u.ID)
			must(t, err)
			u := stored(t, org, u.ID)
			if len(linked) != 2 || len(u.ProfileIDs) != 2 || u.ProfileIDs[0] != first.ID || u.ProfileIDs[1] != second.ID || linked[0].ID != first.ID {
				t.Errorf("%+v %+v", linked, u.ProfileIDs)
			}
		})
		t.Run("an identity links once, to nobody else", func(t *testing.T) {
			unchanged(t, s, func() {
				id := *first
				id.UserID = other.ID
				_, err := org.LinkIdentity(t.Context(), id)
				wantKind(t, err, model.Conflict)
			})
		})
	})
}
