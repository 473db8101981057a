package people_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/people"
	"rollcall/model/store"
)

func TestUsersAreFoundAndCounted(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		owned := storetest.CreateUser(t, org, d, "ada@contoso.example")
		document := map[string]any{"userName": "nameless"}
		nameless, err := directory.Of(org, d.ID).CreateUser(t.Context(), document)
		storetest.Must(t, err)
		unowned := storetest.CreateUnowned(t, org, "alan@contoso.example")
		admin := storetest.CreateUnowned(t, org, "admin@contoso.example")
		guest := storetest.CreateUnowned(t, org, "guest@fabrikam.example")
		for _, u := range []*people.User{admin, guest, owned} {
			_, err := people.In(org).SetRole(t.Context(), u.ID, people.Admin)
			storetest.Must(t, err)
		}
		for _, c := range []struct {
			q    people.UserQuery
			want []*people.User
		}{
			{people.UserQuery{}, []*people.User{owned, nameless, unowned, admin, guest}},
			{people.UserQuery{DirectoryID: d.ID}, []*people.User{owned, nameless}},
			{people.UserQuery{Owned: true}, []*people.User{owned, nameless}},
			{people.UserQuery{Email: "ADA@Contoso.example"}, []*people.User{owned}},
			{people.UserQuery{Email: "no address"}, nil},
			{people.UserQuery{IdpID: "x-ada@contoso.example"}, []*people.User{owned}},
			{people.UserQuery{IdpID: nameless.ID}, []*people.User{nameless}},
			{people.UserQuery{IdpID: owned.ID}, nil},
			{people.UserQuery{IdpID: "x"}, nil},
			{people.UserQuery{Awaiting: true}, []*people.User{admin}},
			{people.UserQuery{Awaiting: true, Owned: true}, nil},
		} {
			c.q.Page = model.Page{Limit: 10, Ascending: true}
			us, _, err := people.In(org).Users(t.Context(), c.q)
			storetest.Must(t, err)
			got := []string{}
			for _, u := range us {
				got = append(got, u.ID)
			}
			if diff := cmp.Diff(storetest.Ids(c.want...), got); diff != "" {
				t.Errorf("%+v: %s", c.q, diff)
			}
		}
		counts := func(want directory.DirectoryCounts) {
			t.Helper()
			if c, err := directory.Of(org, d.ID).Counts(t.Context()); err != nil || c != want {
				t.Error(c, err)
			}
		}
		counts(directory.DirectoryCounts{ActiveUsers: 2})
		storetest.Deactivate(t, org, d, nameless)
		storetest.CreateGroup(t, org, d, "Engineers")
		counts(directory.DirectoryCounts{ActiveUsers: 1, InactiveUsers: 1, Groups: 1})
		t.Run("a userName without a directory is taken, an e-mail address may be shared", func(t *testing.T) {
			storetest.Unchanged(t, s, func() {
				_, err := people.In(org).CreateUser(t.Context(), storetest.Person("ALAN@contoso.example"))
				storetest.WantKind(t, err, model.Conflict, "userName")
				_, err = people.In(org).CreateUser(t.Context(), map[string]any{})
				storetest.WantKind(t, err, model.Invalid, "userName")
			})
			another := storetest.WithEmail("another", "alan@contoso.example")
			if u, err := people.In(org).CreateUser(t.Context(), another); err != nil || u.DirectoryID != nil {
				t.Error(u, err)
			}
		})
		t.Run("a user that is created inactive has the reason", func(t *testing.T) {
			u, err := people.In(org).CreateUser(t.Context(), map[string]any{"userName": "inactive", "active": false})
			if err != nil || u.Active || u.InactiveReason != people.Deprovisioned {
				t.Error(u, err)
			}
		})
	})
}
