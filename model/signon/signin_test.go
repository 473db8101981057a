package signon_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/refusal"
	"rollcall/model/signon"
	"rollcall/model/store"
)

// replicas opens two stores on one database. On SQLite they are one store.
func replicas(t testing.TB, db modeltest.Database, o store.Options) []*store.Store {
	t.Helper()
	first := modeltest.Open(t, db, o)
	if !storetest.OnPostgres(first) {
		return []*store.Store{first, first}
	}
	return []*store.Store{first, modeltest.Open(t, db, o)}
}

// Logins at the same time create no user twice and do not deadlock.
func TestLoginsAtTheSameTime(t *testing.T) {
	t.Parallel()
	const at = 4
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		stores := replicas(t, db, store.Options{})
		at1 := func(t *testing.T, h storetest.House, claims func(i int) signon.Claims) []*signon.SignInResult {
			t.Helper()
			outs, ins := make([]*signon.SignInResult, at), make([]signon.SignIn, at)
			a := storetest.Application(t, h.S)
			for i := range ins {
				ins[i] = storetest.Response(h.C, storetest.Begin(t, h.Org, h.C), claims(i))
				ins[i].Login.ApplicationID = &a.ID
			}
			started := time.Now()
			for i, err := range storetest.Together(at, func(i int) (err error) {
				outs[i], err = signon.In(stores[i%2].Org(h.Org.ID, model.System)).SignIn(t.Context(), ins[i])
				return err
			}) {
				if err != nil {
					t.Fatalf("login %d: %v", i, err)
				}
				if outs[i].User.ID != outs[0].User.ID {
					t.Errorf("login %d is another user's", i)
				}
			}
			if waited := time.Since(started); waited > 5*time.Second {
				t.Errorf("they waited %v", waited)
			}
			return outs
		}
		t.Run("the first logins of one person create one user", func(t *testing.T) {
			for round := range 3 {
				h := storetest.Open(t, stores[0], fmt.Sprint("first-", round))
				at1(t, h, func(int) signon.Claims { return storetest.ClaimsOf("subject", h.Mail("ada")) })
				us, _, err := people.In(h.Org).Users(t.Context(), people.UserQuery{Page: model.Page{Limit: 10}})
				if err != nil || len(us) != 2 {
					t.Errorf("there are %d users: %v", len(us), err)
				}
			}
		})
		t.Run("the first logins of a directory's user create one identity", func(t *testing.T) {
			h := storetest.Open(t, stores[0], "linked")
			u := h.Owned(t, h.D, "ada", "subject", h.Mail("ada"))
			at1(t, h, func(int) signon.Claims { return storetest.ClaimsOf("subject", h.Mail("ada")) })
			if identities, err := people.In(h.Org).Identities(t.Context(), u.ID); err != nil || len(identities) != 1 {
				t.Error(identities, err)
			}
		})
		t.Run("logins that all change the person's name succeed", func(t *testing.T) {
			for round := range 3 {
				h := storetest.Open(t, stores[0], fmt.Sprint("renamed-", round))
				h.Linked(t, h.Unowned(t, "ada", h.Mail("ada")))
				at1(t, h, func(i int) signon.Claims {
					claims := storetest.ClaimsOf("subject", h.Mail("ada"))
					claims.FirstName = fmt.Sprint("Ada ", i)
					return claims
				})
			}
		})
		t.Run("the first logins at a draft activate it once", func(t *testing.T) {
			h := storetest.Open(t, stores[0], "drafted")
			h.C = storetest.Connect(t, h.Org)
			got := storetest.NewEvents(t, stores[0], h.Org, func() {
				at1(t, h, func(int) signon.Claims { return storetest.ClaimsOf("subject", h.Mail("ada")) })
			})
			if n := strings.Count(fmt.Sprint(got), string(connection.ConnectionActivated)); n != 1 {
				t.Errorf("%v", got)
			}
		})
	})
}

// More logins at the same time than the store has database connections succeed.
func TestMoreLoginsThanDatabaseConnections(t *testing.T) {
	t.Parallel()
	const people = 40
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		h := storetest.Open(t, s, "contoso")
		a := storetest.Application(t, s)
		ins := make([]signon.SignIn, people)
		for i := range ins {
			ins[i] = storetest.Response(h.C, storetest.Begin(t, h.Org, h.C),
				storetest.ClaimsOf(fmt.Sprint("subject-", i), h.Mail(fmt.Sprint("person-", i))))
			ins[i].Login.ApplicationID = &a.ID
		}
		started := time.Now()
		for i, err := range storetest.Together(people, func(i int) error {
			_, err := signon.In(h.Org).SignIn(t.Context(), ins[i])
			return err
		}) {
			if err != nil {
				t.Errorf("login %d: %v", i, err)
			}
		}
		if waited := time.Since(started); waited > 20*time.Second {
			t.Errorf("they waited %v", waited)
		}
	})
}

// A connection that is switched off while a response is verified signs nobody in.
func TestSwitchedOffWhileSomebodySignsIn(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		h := storetest.Open(t, s, "contoso")
		in := storetest.Response(h.C, storetest.Begin(t, h.Org, h.C), storetest.ClaimsOf("ada", h.Mail("ada")))
		_, err := connection.In(h.Org).SwitchConnection(t.Context(), h.C.ID, connection.ConnectionInactive)
		storetest.Must(t, err)
		_, err = signon.In(h.Org).SignIn(t.Context(), in)
		storetest.Refused(t, err, refusal.ConnectionIsInactive)
		_, err = connection.In(h.Org).SwitchConnection(t.Context(), h.C.ID, connection.ConnectionActive)
		storetest.Must(t, err)
		_, err = signon.In(h.Org).SignIn(t.Context(), in)
		storetest.Must(t, err)
	})
}

// A test before a change of the identity provider is no test of the new one.
func TestRequiringSSONeedsATestedConnection(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		h := storetest.Open(t, s, "contoso")
		switchTo := func(state connection.ConnectionState) {
			t.Helper()
			_, err := connection.In(h.Org).SwitchConnection(t.Context(), h.C.ID, state)
			storetest.Must(t, err)
		}
		switchTo(connection.ConnectionInactive)
		other := func(c *connection.ConnectionFields) error { c.IDPEntityID = "https://other.example"; return nil }
		c, err := connection.In(h.Org).UpdateConnection(t.Context(), h.C.ID, other)
		storetest.Must(t, err)
		switchTo(connection.ConnectionActive)
		require := func() error {
			required := func(g *organization.OrganizationFields) error { g.Settings.SSORequired = true; return nil }
			_, err := operator.In(h.Org).UpdateOrganization(t.Context(), required)
			return err
		}
		storetest.WantKind(t, require(), model.Invalid, "sso_required")
		c.State = connection.ConnectionActive
		claims := storetest.ClaimsOf("ada", h.Mail("ada"))
		claims.Issuer = "https://other.example"
		_, err = storetest.SignIn(t, h.Org, c, claims)
		storetest.Must(t, err)
		storetest.Must(t, require())
	})
}
