package directory_test

import (
	"strings"
	"testing"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/people"
	"rollcall/model/store"
)

func TestTombstones(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		departed := func(t *testing.T, traces people.Traces, want bool) {
			t.Helper()
			if got, err := directory.In(org).Departed(t.Context(), traces); err != nil || got != want {
				t.Errorf("departed is %t, want %t: %+v %v", got, want, traces, err)
			}
		}
		bury := func(t *testing.T, userName string) (*people.User, *people.Identity) {
			t.Helper()
			document := storetest.Person(userName)
			document["emails"] = append(document["emails"].([]any), map[string]any{"value": "home." + userName})
			u, err := directory.Of(org, d.ID).CreateUser(t.Context(), document)
			storetest.Must(t, err)
			id, err := people.In(org).LinkIdentity(t.Context(), people.Identity{ConnectionID: "connection",
				Issuer: "https://idp.example", Subject: "subject-" + userName, UserID: u.ID})
			storetest.Must(t, err)
			storetest.Must(t, directory.Of(org, d.ID).DeleteUser(t.Context(), u.ID))
			return u, id
		}
		t.Run("the departed are recognized by each of their traces, in any spelling", func(t *testing.T) {
			_, id := bury(t, "ada@contoso.example")
			for _, traces := range []people.Traces{
				{UserName: "ADA@contoso.example"}, {Emails: []string{"Ada@CONTOSO.example"}},
				{Emails: []string{"someone@contoso.example", "HOME.ada@contoso.example"}},
				{Identities: []people.Identity{*id}},
			} {
				departed(t, traces, true)
			}
			for _, traces := range []people.Traces{
				{}, {UserName: "grace@contoso.example"}, {Emails: []string{"", "x", "grace@contoso.example"}},
				{Identities: []people.Identity{{ConnectionID: "connection", Issuer: "https://idp.example",
					Subject: "subject-ada"}}},
				{Identities: []people.Identity{{ConnectionID: "another", Issuer: id.Issuer, Subject: id.Subject}}},
				{UserName: "home.ada@contoso.example"}, // an e-mail of the departed is not their userName
			} {
				departed(t, traces, false)
			}
		})
		t.Run("another organization does not know them", func(t *testing.T) {
			other, _ := storetest.Organization(t, s, "Fabrikam", "fabrikam.example")
			if got, err := directory.In(other).Departed(t.Context(),
				people.Traces{UserName: "ada@contoso.example"}); err != nil || got {
				t.Error(got, err)
			}
		})
		t.Run("the same person's hashes in two organizations cannot be compared", func(t *testing.T) {
			other, otherDirectory := storetest.Organization(t, s, "Northwind", "northwind.example")
			u := storetest.CreateUser(t, other, otherDirectory, "ada@contoso.example")
			storetest.Must(t, directory.Of(other, otherDirectory.ID).DeleteUser(t.Context(), u.ID))
			seen := map[string]bool{}
			for _, org := range []*store.Org{org, other} {
				var keys []storetest.TombstoneKey
				storetest.Must(t, storetest.Within(org, t.Context()).Find(&keys).Error)
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
			for _, row := range storetest.Dump(t, s, nil) {
				if strings.HasPrefix(row, "tombstone") && strings.Contains(row, string(org.ID)) {
					found++
				}
				if strings.HasPrefix(row, "events ") {
					continue
				}
				for _, personal := range []string{"personal", id.Subject, u.ExternalID, u.DisplayName} {
					if strings.Contains(strings.ToLower(row), strings.ToLower(personal)) {
						t.Errorf("%q is in %s", personal, row)
					}
				}
			}
			if found < 5 {
				t.Errorf("there are %d rows of tombstones", found)
			}
		})
		t.Run("an administrator clears one", func(t *testing.T) {
			bury(t, "cleared@contoso.example")
			stones, _, err := directory.In(org).Tombstones(t.Context(), model.Page{Limit: 1})
			storetest.Must(t, err)
			storetest.Must(t, directory.In(org).DeleteTombstone(t.Context(), stones[0].ID))
			departed(t, people.Traces{UserName: "cleared@contoso.example"}, false)
			departed(t, people.Traces{UserName: "ada@contoso.example"}, true)
			storetest.WantKind(t, directory.In(org).DeleteTombstone(t.Context(), stones[0].ID), model.NotFound)
			storetest.WantKind(t, directory.In(org).DeleteTombstone(t.Context(), "\x00"), model.NotFound)
		})
		t.Run("a directory that creates the person again clears theirs, by userName or e-mail", func(t *testing.T) {
			_, id := bury(t, "back@contoso.example")
			storetest.CreateUser(t, org, d, "BACK@contoso.example")
			departed(t, people.Traces{Identities: []people.Identity{*id}}, false)
			bury(t, "renamed@contoso.example")
			_, err := directory.Of(org, d.ID).CreateUser(t.Context(), storetest.WithEmail("new-name",
				"home.renamed@contoso.example"))
			storetest.Must(t, err)
			departed(t, people.Traces{UserName: "renamed@contoso.example"}, false)
			departed(t, people.Traces{UserName: "ada@contoso.example"}, true)
		})
		t.Run("without any directory no tombstone counts", func(t *testing.T) {
			departed(t, people.Traces{UserName: "ada@contoso.example"}, true)
			storetest.Must(t, directory.In(org).DeleteDirectory(t.Context(), d.ID))
			departed(t, people.Traces{UserName: "ada@contoso.example"}, false)
			storetest.Directory(t, org)
			departed(t, people.Traces{UserName: "ada@contoso.example"}, true)
		})
	})
}

func TestIdentities(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		u, other := storetest.CreateUser(t, org, d, "ada@contoso.example"), storetest.CreateUser(t, org, d,
			"alan@contoso.example")
		id := people.Identity{ConnectionID: "c", Issuer: "i", Subject: "s", UserID: u.ID}
		var first *people.Identity
		got := storetest.NewEvents(t, s, org, func() {
			var err error
			first, err = people.In(org).LinkIdentity(t.Context(), id)
			storetest.Must(t, err)
		})
		if len(got) != 1 || got[0] != people.UserIdentityLinked {
			t.Error(got)
		}
		t.Run("the user lists what is linked", func(t *testing.T) {
			id.Subject = "S" // subjects are compared exactly
			second, err := people.In(org).LinkIdentity(t.Context(), id)
			storetest.Must(t, err)
			linked, err := people.In(org).Identities(t.Context(), u.ID)
			storetest.Must(t, err)
			u := storetest.Stored(t, org, u.ID)
			if len(linked) != 2 || len(u.ProfileIDs) != 2 || u.ProfileIDs[0] != first.ID ||
				u.ProfileIDs[1] != second.ID || linked[0].ID != first.ID {
				t.Errorf("%+v %+v", linked, u.ProfileIDs)
			}
		})
		t.Run("an identity links to one user only", func(t *testing.T) {
			storetest.Unchanged(t, s, func() {
				id := *first
				id.UserID = other.ID
				_, err := people.In(org).LinkIdentity(t.Context(), id)
				storetest.WantKind(t, err, model.Conflict)
			})
		})
	})
}
