package entitle_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/entitle"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/refusal"
	"rollcall/model/signon"
	"rollcall/model/store"
)

// withSeats changes the number of an account's seats.
func withSeats(n int64) func(*entitle.AccountFields) error {
	return func(a *entitle.AccountFields) error { a.Seats = &n; return nil }
}

func TestSeats(t *testing.T) {
	t.Parallel()
	eachSuite(t, 1, func(t *testing.T, h storetest.Suite) {
		ctx := t.Context()
		h.NewGroup(t, "Everybody", true)
		ada := storetest.CreateUser(t, h.Org, h.D, h.Mail("ada"))
		h.Want(t, ada, "Everybody, Workspace granted")
		mark := h.Mark(t)
		grace := storetest.CreateUser(t, h.Org, h.D, h.Mail("grace"))
		h.Clock.Advance(time.Minute)
		alan := storetest.CreateUser(t, h.Org, h.D, h.Mail("alan"))
		h.Want(t, grace, "Everybody, Workspace waiting")
		if told := h.Told(t, mark); told[0] != "license.waiting directory" {
			t.Errorf("the events are %v", told)
		}
		accounts, err := signon.In(h.Org).ProfileAccounts(ctx, grace.ID)
		storetest.Must(t, err)
		if len(accounts) != 0 {
			t.Errorf("a user who waits for a seat has %+v", accounts)
		}
		for _, name := range []string{"grace", "new"} {
			claims := storetest.ClaimsOf("x-"+h.Mail(name), h.Mail(name))
			_, err := storetest.SignIn(t, h.Org, h.C, claims)
			storetest.Refused(t, err, refusal.NoSeat)
		}
		query := people.UserQuery{Email: h.Mail("new"), Page: model.Page{Limit: 1}}
		if us, _, err := people.In(h.Org).Users(ctx, query); err != nil || len(us) > 0 {
			t.Errorf("a refused login made %+v: %v", us, err)
		}
		_, err = entitle.In(h.Org).UpdateAccount(ctx, h.Account.ID, withSeats(0))
		if model.KindOf(err) != model.Conflict {
			t.Errorf("fewer seats than are in use: %v", err)
		}
		mark = h.Mark(t)
		_, err = directory.Of(h.Org, h.D.ID).UpdateUser(ctx, ada.ID, storetest.SetActive(false))
		storetest.Must(t, err)
		h.Want(t, ada, "")
		h.Want(t, grace, "Everybody, Workspace granted") // grace has waited longest
		h.Want(t, alan, "Everybody, Workspace waiting")
		wantToldInAnyOrder(t, h, mark,
			"group.unassigned directory", "license.granted seat", "license.revoked directory")
		a, err := entitle.In(h.Org).UpdateAccount(ctx, h.Account.ID, withSeats(2))
		storetest.Must(t, err)
		h.Want(t, alan, "Everybody, Workspace granted")
		if a.SeatsUsed != 2 {
			t.Errorf("%d seats are in use", a.SeatsUsed)
		}
		storetest.Must(t, directory.Of(h.Org, h.D.ID).DeleteUser(ctx, grace.ID))
		u := h.Enter(t, "new")
		h.Want(t, u, "Everybody, Workspace granted")
		a, err = entitle.In(h.Org).Account(ctx, h.Account.ID)
		storetest.Must(t, err)
		if a.SeatsUsed != 2 {
			t.Errorf("%d seats are in use", a.SeatsUsed)
		}
	})
}

// Of many logins at once, as many succeed as there are seats.
func TestSeatsAtOnce(t *testing.T) {
	t.Parallel()
	eachSuite(t, 5, func(t *testing.T, h storetest.Suite) {
		const people = 20
		var in []signon.SignIn
		for i := range people {
			claims := storetest.ClaimsOf(fmt.Sprint("s", i), h.Mail(fmt.Sprint("u", i)))
			in = append(in, storetest.Response(h.C, storetest.Begin(t, h.Org, h.C), claims))
		}
		errs := make([]error, people)
		var wait sync.WaitGroup
		for i := range in {
			wait.Add(1)
			go func() {
				defer wait.Done()
				_, errs[i] = signon.In(h.Org).SignIn(t.Context(), in[i])
			}()
		}
		wait.Wait()
		let := 0
		for _, err := range errs {
			if err == nil {
				let++
				continue
			}
			storetest.Refused(t, err, refusal.NoSeat)
		}
		query := entitle.LicenseQuery{State: entitle.LicenseStateGranted, Page: model.Page{Limit: 100}}
		granted, _, err := entitle.In(h.Org).Licenses(t.Context(), query)
		storetest.Must(t, err)
		a, err := entitle.In(h.Org).Account(t.Context(), h.Account.ID)
		storetest.Must(t, err)
		if let != 5 || len(granted) != 5 || a.SeatsUsed != 5 {
			t.Errorf("%d logins, %d licenses, %d seats in use", let, len(granted), a.SeatsUsed)
		}
	})
}

// One transaction gives back two seats. The only waiting license gets the one, and a new user of
// the transaction the other.
func TestSeatsGivenBackAndTakenAtOnce(t *testing.T) {
	t.Parallel()
	eachSuite(t, 2, func(t *testing.T, h storetest.Suite) {
		ctx := t.Context()
		ada := storetest.CreateUser(t, h.Org, h.D, h.Mail("ada"))
		grace := storetest.CreateUser(t, h.Org, h.D, h.Mail("grace"))
		alan := storetest.CreateUser(t, h.Org, h.D, h.Mail("alan"))
		h.Want(t, alan, "Workspace waiting")
		var new *people.User
		storetest.Must(t, h.Org.Tx(ctx, func(org *store.Org) (err error) {
			for _, u := range []*people.User{ada, grace} {
				_, err := directory.Of(org, h.D.ID).UpdateUser(ctx, u.ID, storetest.SetActive(false))
				if err != nil {
					return err
				}
			}
			new, err = directory.Of(org, h.D.ID).CreateUser(ctx, storetest.Person(h.Mail("new")))
			return err
		}))
		h.Want(t, alan, "Workspace granted")
		h.Want(t, new, "Workspace granted")
		a, err := entitle.In(h.Org).Account(ctx, h.Account.ID)
		storetest.Must(t, err)
		if a.SeatsUsed != 2 {
			t.Errorf("%d seats are counted as in use, and 2 are", a.SeatsUsed)
		}
		h.Want(t, storetest.CreateUser(t, h.Org, h.D, h.Mail("late")), "Workspace waiting")
	})
}

// A request of an identity provider succeeds even when the group that the user would be put into is
// deleted at the same moment.
func TestGroupDeletedWhileUserIsAssigned(t *testing.T) {
	t.Parallel()
	db := modeltest.Postgres(t)
	clock := modeltest.NewClock()
	var meanwhile func()
	s := modeltest.Open(t, db, store.Options{Now: clock.Now, Statement: func(query string) {
		if run := meanwhile; run != nil && strings.HasPrefix(query, `INSERT INTO "group_assignments"`) {
			meanwhile = nil
			run()
		}
	}})
	h := storetest.Suite{House: storetest.Open(t, s, "contoso"), Clock: clock}
	h.Account = h.NewAccount(t, "Workspace", -1)
	storetest.Must(t, entitle.In(h.Org).SetConnectionAccounts(t.Context(), h.C.ID, []string{h.Account.ID}))
	there := modeltest.Open(t, db, store.Options{Now: clock.Now}).Org(h.Org.ID, "system")
	for name, come := range map[string]func() (*people.User, error){
		"by SCIM": func() (*people.User, error) {
			return directory.Of(h.Org, h.D.ID).CreateUser(t.Context(), storetest.Person(h.Mail("ada")))
		},
		"by a login": func() (*people.User, error) {
			out, err := storetest.SignIn(t, h.Org, h.C, storetest.ClaimsOf("grace", h.Mail("grace")))
			if err != nil {
				return nil, err
			}
			return out.User, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := h.NewGroup(t, name, true)
			meanwhile = func() {
				storetest.Must(t, entitle.In(there).DeleteAccountGroup(t.Context(), h.Account.ID, g.ID))
			}
			u, err := come()
			if err != nil || meanwhile != nil {
				t.Fatalf("%v, %v", err, meanwhile == nil)
			}
			h.Want(t, u, "Workspace granted")
		})
	}
}

// A waiting license gets a new seat even when the seat comes while the license is being written.
func TestSeatFreedWhileReasonsChange(t *testing.T) {
	t.Parallel()
	db := modeltest.Postgres(t)
	clock := modeltest.NewClock()
	var meanwhile func()
	s := modeltest.Open(t, db, store.Options{Now: clock.Now, Statement: func(query string) {
		accounts := strings.Contains(query, `FROM "accounts"`) && strings.Contains(query, "FOR NO KEY UPDATE")
		users := strings.HasPrefix(query, `UPDATE "users" SET "entitlement_version"`)
		if run := meanwhile; run != nil && (accounts || users) {
			meanwhile = nil
			run()
		}
	}})
	h := storetest.Suite{House: storetest.Open(t, s, "contoso"), Clock: clock}
	h.Settings(t, func(s *organization.Settings) { s.AllowManualAssignments = true })
	h.Account = h.NewAccount(t, "Workspace", 1)
	storetest.Must(t, entitle.In(h.Org).SetConnectionAccounts(t.Context(), h.C.ID, []string{h.Account.ID}))
	h.Work(t) // the first user has the only seat
	ada := storetest.CreateUser(t, h.Org, h.D, h.Mail("ada"))
	h.Want(t, ada, "Workspace waiting")
	_, err := entitle.In(h.Org).AssignLicense(t.Context(), ada.ID, h.Account.ID)
	storetest.Must(t, err)
	_, err = entitle.In(h.Org).AssignLicense(t.Context(), firstUser(t, h).ID, h.Account.ID)
	storetest.Must(t, err)
	storetest.Must(t, entitle.In(h.Org).SetConnectionAccounts(t.Context(), h.C.ID, nil))
	there := modeltest.Open(t, db, store.Options{Now: clock.Now}).Org(h.Org.ID, "system")
	meanwhile = func() {
		_, err := entitle.In(there).UpdateAccount(t.Context(), h.Account.ID, withSeats(2))
		storetest.Must(t, err)
	}
	h.Work(t)
	if meanwhile != nil {
		t.Error("nothing happened meanwhile")
	}
	h.Want(t, ada, "Workspace granted (by hand)")
}
