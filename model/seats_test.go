package model_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/modeltest"
)

func TestSeats(t *testing.T) {
	t.Parallel()
	eachSuite(t, 1, func(t *testing.T, h suite) {
		ctx := t.Context()
		h.newGroup(t, "Everybody", true)
		ada := createUser(t, h.org, h.d, h.mail("ada"))
		h.want(t, ada, "Everybody, Workspace granted")
		mark := h.mark(t)
		grace := createUser(t, h.org, h.d, h.mail("grace"))
		h.clock.Advance(time.Minute)
		alan := createUser(t, h.org, h.d, h.mail("alan"))
		h.want(t, grace, "Everybody, Workspace waiting")
		if told := h.told(t, mark); told[0] != "license.waiting directory" {
			t.Errorf("told is %v", told)
		}
		accounts, err := h.org.ProfileAccounts(ctx, grace.ID)
		must(t, err)
		if len(accounts) != 0 {
			t.Errorf("who waits has %+v", accounts)
		}
		for _, name := range []string{"grace", "new"} {
			claims := claimsOf("x-"+h.mail(name), h.mail(name))
			_, err := signIn(t, h.org, h.c, claims)
			refused(t, err, model.NoSeat)
		}
		if us, _, err := h.org.Users(ctx, model.UserQuery{Email: h.mail("new"), Page: model.Page{Limit: 1}}); err != nil || len(us) > 0 {
			t.Errorf("a refused login made %+v: %v", us, err)
		}
		one, two := int64(0), int64(2)
		_, err = h.org.UpdateAccount(ctx, h.account.ID, func(a *model.AccountFields) error { a.Seats = &one; return nil })
		if model.KindOf(err) != model.Conflict {
			t.Errorf("fewer seats than are in use: %v", err)
		}
		mark = h.mark(t)
		_, err = h.org.UpdateDirectoryUser(ctx, h.d.ID, ada.ID, setActive(false))
		must(t, err)
		h.want(t, ada, "")
		h.want(t, grace, "Everybody, Workspace granted") // who waits longest
		h.want(t, alan, "Everybody, Workspace waiting")
		if diff := cmp.Diff([]string{"group.unassigned directory", "license.granted seat", "license.revoked directory"}, sorted(h.told(t, mark))); diff != "" {
			t.Error(diff)
		}
		a, err := h.org.UpdateAccount(ctx, h.account.ID, func(a *model.AccountFields) error { a.Seats = &two; return nil })
		must(t, err)
		h.want(t, alan, "Everybody, Workspace granted")
		if a.SeatsUsed != 2 {
			t.Errorf("%d seats are in use", a.SeatsUsed)
		}
		must(t, h.org.DeleteDirectoryUser(ctx, h.d.ID, grace.ID))
		u := h.enter(t, "new")
		h.want(t, u, "Everybody, Workspace granted")
		a, err = h.org.Account(ctx, h.account.ID)
		must(t, err)
		if a.SeatsUsed != 2 {
			t.Errorf("%d seats are in use", a.SeatsUsed)
		}
	})
}

// Of many who come at once, as many get in as there are seats.
func TestSeatsAtOnce(t *testing.T) {
	t.Parallel()
	eachSuite(t, 5, func(t *testing.T, h suite) {
		const people = 20
		var in []model.SignIn
		for i := range people {
			in = append(in, response(h.c, begin(t, h.org, h.c), claimsOf(fmt.Sprint("s", i), h.mail(fmt.Sprint("u", i)))))
		}
		errs := make([]error, people)
		var wait sync.WaitGroup
		for i := range in {
			wait.Add(1)
			go func() {
				defer wait.Done()
				_, errs[i] = h.org.SignIn(t.Context(), in[i])
			}()
		}
		wait.Wait()
		let := 0
		for _, err := range errs {
			if err == nil {
				let++
				continue
			}
			refused(t, err, model.NoSeat)
		}
		granted, _, err := h.org.Licenses(t.Context(), model.LicenseQuery{State: model.LicenseStateGranted, Page: model.Page{Limit: 100}})
		must(t, err)
		a, err := h.org.Account(t.Context(), h.account.ID)
		must(t, err)
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
		h := suite{house: open(t, s, "contoso"), clock: clock}
		h.account = h.newAccount(t, "Workspace", 100)
		h.newGroup(t, "Editors", true)
		must(t, h.org.SetConnectionAccounts(t.Context(), h.c.ID, []string{h.account.ID}))
		h.work(t)
		h.enter(t, "ada", "Staff")
		in := func(name string) model.SignIn {
			return response(h.c, begin(t, h.org, h.c), claimsOf(name, h.mail(name)))
		}
		again, create := in("ada"), in("new")
		u := createUser(t, h.org, h.d, h.mail("grace"))
		g := createGroup(t, h.org, h.d, "Staff")
		for _, c := range []struct {
			what string
			most int
			run  func() error
		}{
			{"a login that changes nothing", 16, func() error { _, err := h.org.SignIn(t.Context(), again); return err }},
			{"a login that gives a license and a group", 30, func() error { _, err := h.org.SignIn(t.Context(), create); return err }},
			{"create a user, who gets both", 15, func() error {
				_, err := h.org.CreateDirectoryUser(t.Context(), h.d.ID, person(h.mail("alan")))
				return err
			}},
			{"add a member, for whom nothing changes", 9, func() error {
				_, err := h.org.UpdateDirectoryGroup(t.Context(), h.d.ID, g.ID, unaltered, model.MembersChange{UserIDs: ids(u)})
				return err
			}},
		} {
			t.Run(c.what, func(t *testing.T) {
				var err error
				got := counter.During(func() { err = c.run() })
				must(t, err)
				if len(got) > c.most || len(got) == 0 {
					t.Errorf("%d statements, %d at most:\n%s", len(got), c.most, strings.Join(got, "\n"))
				}
				t.Logf("%s: %d statements", c.what, len(got))
			})
		}
	})
}
