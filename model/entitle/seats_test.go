package entitle_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/entitle"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/people"
	"rollcall/model/refusal"
	"rollcall/model/signon"
)

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
			t.Errorf("told is %v", told)
		}
		accounts, err := signon.In(h.Org).ProfileAccounts(ctx, grace.ID)
		storetest.Must(t, err)
		if len(accounts) != 0 {
			t.Errorf("who waits has %+v", accounts)
		}
		for _, name := range []string{"grace", "new"} {
			claims := storetest.ClaimsOf("x-"+h.Mail(name), h.Mail(name))
			_, err := storetest.SignIn(t, h.Org, h.C, claims)
			storetest.Refused(t, err, refusal.NoSeat)
		}
		if us, _, err := people.In(h.Org).Users(ctx, people.UserQuery{Email: h.Mail("new"), Page: model.Page{Limit: 1}}); err != nil || len(us) > 0 {
			t.Errorf("a refused login made %+v: %v", us, err)
		}
		one, two := int64(0), int64(2)
		_, err = entitle.In(h.Org).UpdateAccount(ctx, h.Account.ID, func(a *entitle.AccountFields) error { a.Seats = &one; return nil })
		if model.KindOf(err) != model.Conflict {
			t.Errorf("fewer seats than are in use: %v", err)
		}
		mark = h.Mark(t)
		_, err = directory.Of(h.Org, h.D.ID).UpdateUser(ctx, ada.ID, storetest.SetActive(false))
		storetest.Must(t, err)
		h.Want(t, ada, "")
		h.Want(t, grace, "Everybody, Workspace granted") // who waits longest
		h.Want(t, alan, "Everybody, Workspace waiting")
		if diff := cmp.Diff([]string{"group.unassigned directory", "license.granted seat", "license.revoked directory"}, sorted(h.Told(t, mark))); diff != "" {
			t.Error(diff)
		}
		a, err := entitle.In(h.Org).UpdateAccount(ctx, h.Account.ID, func(a *entitle.AccountFields) error { a.Seats = &two; return nil })
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

// Of many who come at once, as many get in as there are seats.
func TestSeatsAtOnce(t *testing.T) {
	t.Parallel()
	eachSuite(t, 5, func(t *testing.T, h storetest.Suite) {
		const people = 20
		var in []signon.SignIn
		for i := range people {
			in = append(in, storetest.Response(h.C, storetest.Begin(t, h.Org, h.C), storetest.ClaimsOf(fmt.Sprint("s", i), h.Mail(fmt.Sprint("u", i)))))
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
		granted, _, err := entitle.In(h.Org).Licenses(t.Context(), entitle.LicenseQuery{State: entitle.LicenseStateGranted, Page: model.Page{Limit: 100}})
		storetest.Must(t, err)
		a, err := entitle.In(h.Org).Account(t.Context(), h.Account.ID)
		storetest.Must(t, err)
		if let != 5 || len(granted) != 5 || a.SeatsUsed != 5 {
			t.Errorf("%d came in, %d have licenses, %d seats are in use", let, len(granted), a.SeatsUsed)
		}
	})
}

// What it costs that an organization has rules, in statements at the driver.
func TestEntitlementStatements(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		var counter modeltest.Statements
		clock := modeltest.NewClock()
		options := counter.Options()
		options.Now = clock.Now
		s := modeltest.Open(t, db, options)
		h := storetest.Suite{House: storetest.Open(t, s, "contoso"), Clock: clock}
		h.Account = h.NewAccount(t, "Workspace", 100)
		h.NewGroup(t, "Editors", true)
		storetest.Must(t, entitle.In(h.Org).SetConnectionAccounts(t.Context(), h.C.ID, []string{h.Account.ID}))
		h.Work(t)
		h.Enter(t, "ada", "Staff")
		in := func(name string) signon.SignIn {
			return storetest.Response(h.C, storetest.Begin(t, h.Org, h.C), storetest.ClaimsOf(name, h.Mail(name)))
		}
		again, create := in("ada"), in("new")
		u := storetest.CreateUser(t, h.Org, h.D, h.Mail("grace"))
		g := storetest.CreateGroup(t, h.Org, h.D, "Staff")
		for _, c := range []struct {
			what string
			most int
			run  func() error
		}{
			{"a login that changes nothing", 16, func() error { _, err := signon.In(h.Org).SignIn(t.Context(), again); return err }},
			{"a login that gives a license and a group", 30, func() error { _, err := signon.In(h.Org).SignIn(t.Context(), create); return err }},
			{"create a user, who gets both", 15, func() error {
				_, err := directory.Of(h.Org, h.D.ID).CreateUser(t.Context(), storetest.Person(h.Mail("alan")))
				return err
			}},
			{"add a member, for whom nothing changes", 9, func() error {
				_, err := directory.Of(h.Org, h.D.ID).UpdateGroup(t.Context(), g.ID, storetest.Unaltered, directory.MembersChange{UserIDs: storetest.Ids(u)})
				return err
			}},
		} {
			t.Run(c.what, func(t *testing.T) {
				var err error
				got := counter.During(func() { err = c.run() })
				storetest.Must(t, err)
				if len(got) > c.most || len(got) == 0 {
					t.Errorf("%d statements, %d at most:\n%s", len(got), c.most, strings.Join(got, "\n"))
				}
				t.Logf("%s: %d statements", c.what, len(got))
			})
		}
	})
}
