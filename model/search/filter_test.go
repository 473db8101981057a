package search_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/people"
	"rollcall/model/search"
	"rollcall/model/store"
)

// employee is a user with a value for each kind of attribute. The manager may be empty.
func employee(userName, manager string) map[string]any {
	d := storetest.Person(userName)
	d["emails"] = []any{
		map[string]any{"value": userName, "type": "work", "primary": true},
		map[string]any{"value": "Home." + userName, "type": "home"},
	}
	d["phoneNumbers"] = []any{map[string]any{"value": "+49 30 1", "type": "mobile"}}
	if manager != "" {
		d["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"] = map[string]any{
			"manager": map[string]any{"value": manager},
		}
	}
	return d
}

func TestFilterFindsResourcesOfItsDirectoryOnly(t *testing.T) {
	t.Parallel()
	const urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		type side struct {
			org                  *store.Org
			d                    *directory.Directory
			ada, alan            *people.User
			engineers, everybody *people.DirectoryGroup
		}
		fill := func(name string) (x side) {
			x.org, x.d = storetest.Organization(t, s, name, name+".example")
			var err error
			x.ada, err = directory.Of(x.org, x.d.ID).CreateUser(t.Context(),
				employee("ada@contoso.example", "the boss"))
			storetest.Must(t, err)
			x.alan, err = directory.Of(x.org, x.d.ID).CreateUser(t.Context(), employee("alan@contoso.example", ""))
			storetest.Must(t, err)
			x.alan = storetest.Deactivate(t, x.org, x.d, x.alan)
			x.engineers = storetest.CreateGroup(t, x.org, x.d, "Engineers", x.ada)
			x.everybody = storetest.CreateGroup(t, x.org, x.d, "Everybody", x.ada, x.alan)
			return x
		}
		// Two organizations have users and groups with the same values.
		a, b := fill("alpha"), fill("bravo")
		users := map[string][]*people.User{
			``:                                                          {a.ada, a.alan},
			`userName eq "ADA@Contoso.example"`:                         {a.ada},
			`userName eq "grace@contoso.example"`:                       {},
			`externalId eq "x-ada@contoso.example"`:                     {a.ada},
			`externalId eq "X-ada@contoso.example"`:                     {},
			`externalId eq ""`:                                          {},
			`displayName eq "PERSON ada@contoso.example"`:               {a.ada},
			`active eq true`:                                            {a.ada},
			`active eq false`:                                           {a.alan},
			`id eq "` + a.ada.ID + `"`:                                  {a.ada},
			`id eq "` + b.ada.ID + `"`:                                  {},
			`emails eq "ada@contoso.example"`:                           {a.ada},
			`emails.value eq "home.ADA@contoso.example"`:                {a.ada},
			`emails[type eq "work" and value eq "ada@contoso.example"]`: {a.ada},
			// One value must have both.
			`emails[type eq "home" and value eq "ada@contoso.example"]`:       {},
			`emails.type eq "home" and emails.value eq "ada@contoso.example"`: {a.ada},
			`emails.type eq "Work"`:  {a.ada, a.alan},
			`emails.primary eq true`: {a.ada, a.alan},
			`emails[primary eq false and value eq "ada@contoso.example"]`:             {},
			`phoneNumbers eq "+49 30 1"`:                                              {a.ada, a.alan},
			`phoneNumbers[type eq "work"]`:                                            {},
			`manager eq "The Boss"`:                                                   {a.ada},
			`manager.value eq "the boss"`:                                             {a.ada},
			urn + `:manager.value eq "the boss"`:                                      {a.ada},
			`userName eq "ada@contoso.example" or userName eq "alan@contoso.example"`: {a.ada, a.alan},
			`userName eq "ada@contoso.example" and active eq false`:                   {},
			`not (userName eq "ada@contoso.example")`:                                 {a.alan},
			`not (emails eq "ada@contoso.example")`:                                   {a.alan},
		}
		for text, want := range users {
			t.Run("users "+text, func(t *testing.T) {
				found := storetest.Filtered(t, a.org, a.d.ID, text, false)
				if diff := cmp.Diff(storetest.Ids(want...), found); diff != "" {
					t.Error(diff)
				}
				if found := storetest.Filtered(t, a.org, b.d.ID, text, false); len(found) > 0 {
					t.Errorf("another organization's directory shows %v", found)
				}
			})
		}
		for text, want := range map[string][]string{
			``:                                      {a.engineers.ID, a.everybody.ID},
			`displayName eq "engineers"`:            {a.engineers.ID},
			`externalId eq "none"`:                  {},
			`id eq "` + a.engineers.ID + `"`:        {a.engineers.ID},
			`id eq "` + b.engineers.ID + `"`:        {},
			`members eq "` + a.ada.ID + `"`:         {a.engineers.ID, a.everybody.ID},
			`members.value eq "` + a.alan.ID + `"`:  {a.everybody.ID},
			`members[value eq "` + a.alan.ID + `"]`: {a.everybody.ID},
			`members eq "` + b.ada.ID + `"`:         {},
			`id eq "` + a.engineers.ID + `" and members eq "` + a.alan.ID + `"`: {},
			`not (members eq "` + a.alan.ID + `")`:                              {a.engineers.ID},
		} {
			t.Run("groups "+text, func(t *testing.T) {
				if diff := cmp.Diff(want, storetest.Filtered(t, a.org, a.d.ID, text, true)); diff != "" {
					t.Error(diff)
				}
			})
		}
		for _, text := range []string{
			`userName eq true`, `active eq "true"`, `active gt true`, `active.value eq true and active.x eq true`,
			`emails[primary eq "true"]`, `emails[primary gt true]`,
			`userName[value eq "x"] and userName.foo eq "x"`, `meta.created gt "yesterday"`, `meta.created eq 5`,
			`meta.created co "2026-01-01T00:00:00Z"`, `meta eq "x"`, `meta.owner eq "x"`, `schemas eq true`,
			`title gt true`, `groups.owner eq "x"`, `groups[type eq 5]`, `not (meta.created eq "x")`,
			`title eq "x" or userName eq 5`,
		} {
			t.Run("refused "+text, func(t *testing.T) {
				_, _, err := directory.Of(a.org, a.d.ID).Users(t.Context(), storetest.Query(t, text))
				storetest.WantKind(t, err, model.Invalid, "filter")
			})
		}
		for _, text := range []string{
			`members.owner eq "x"`, `members[type eq 5]`, `displayName[value eq "x" and type eq "y"]`,
		} {
			t.Run("refused of groups "+text, func(t *testing.T) {
				_, _, err := directory.Of(a.org, a.d.ID).Groups(t.Context(), storetest.Query(t, text))
				storetest.WantKind(t, err, model.Invalid, "filter")
			})
		}
	})
}

func TestFilterThatTakesTooLongIsRefused(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		storetest.CreateUser(t, org, d, "ada@contoso.example")
		storetest.SetPatience(s, time.Nanosecond)
		_, _, err := directory.Of(org, d.ID).Users(t.Context(), storetest.Query(t, `title co "x"`))
		storetest.WantKind(t, err, model.TooLarge, "filter")
		_, _, err = directory.Of(org, d.ID).Groups(t.Context(), storetest.Query(t, `displayName co "x"`))
		storetest.WantKind(t, err, model.TooLarge, "filter")
		if found := storetest.Filtered(t, org, d.ID, "", false); len(found) != 1 {
			t.Errorf("a list without a filter is cut short: %v", found)
		}
		// A client that cancelled its request gets another error.
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		_, _, err = directory.Of(org, d.ID).Users(gone, storetest.Query(t, `title co "x"`))
		storetest.WantKind(t, err, model.Unavailable)
		t.Run("the database ends it", func(t *testing.T) {
			storetest.Fill(t, s, org, d, 5_000)
			storetest.SetPatience(s, 100*time.Millisecond)
			slow := storetest.Query(t,
				`title co "x"`+strings.Repeat(` or name.givenName co "x" or emails.display co "x"`, 90))
			at := time.Now()
			_, _, err := directory.Of(org, d.ID).Users(t.Context(), slow)
			storetest.WantKind(t, err, model.TooLarge, "filter")
			if took := time.Since(at); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
			storetest.SetPatience(s, time.Minute)
			soon, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			_, _, err = directory.Of(org, d.ID).Users(soon, slow)
			storetest.WantKind(t, err, model.Unavailable)
		})
		storetest.SetPatience(s, time.Minute)
		if found := storetest.Filtered(t, org, d.ID, `userName sw "ada"`, false); len(found) != 1 {
			t.Errorf("afterwards a filter finds %v", found)
		}
	})
}

func TestPagesByOffset(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		all := []string{}
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			all = append(all, storetest.CreateUser(t, org, d, name).ID)
		}
		for _, p := range []struct{ offset, limit int }{{0, 2}, {2, 2}, {4, 2}, {3, 2}, {5, 2}, {9, 2}, {0, 5},
			{0, 0}, {0, 100}, {2, 0}} {
			us, extent, err := directory.Of(org, d.ID).Users(t.Context(),
				search.Query{Offset: p.offset, Limit: p.limit})
			storetest.Must(t, err)
			total := extent.Total
			found := []string{}
			for _, u := range us {
				found = append(found, u.ID)
			}
			from := min(p.offset, 5)
			if want := all[from:min(from+p.limit, 5)]; total != 5 || !slices.Equal(want, found) {
				t.Errorf("offset %d, limit %d: %d of %d, want %s",
					p.offset, p.limit, len(found), total, strings.Join(want, " "))
			}
		}
	})
}
