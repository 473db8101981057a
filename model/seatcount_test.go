package model_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/modeltest"
)

// One transaction gives back two seats, has the only one who waits take the one, and
// takes the other itself.
func TestSeatsGivenBackAndTakenAtOnce(t *testing.T) {
	t.Parallel()
	eachSuite(t, 2, func(t *testing.T, h suite) {
		ctx := t.Context()
		ada, grace := createUser(t, h.org, h.d, h.mail("ada")), createUser(t, h.org, h.d, h.mail("grace"))
		alan := createUser(t, h.org, h.d, h.mail("alan"))
		h.want(t, alan, "Workspace waiting")
		var new *model.User
		must(t, h.org.Tx(ctx, func(org *model.Org) (err error) {
			for _, u := range []*model.User{ada, grace} {
				if _, err := org.UpdateDirectoryUser(ctx, h.d.ID, u.ID, setActive(false)); err != nil {
					return err
				}
			}
			new, err = org.CreateDirectoryUser(ctx, h.d.ID, person(h.mail("new")))
			return err
		}))
		h.want(t, alan, "Workspace granted")
		h.want(t, new, "Workspace granted")
		a, err := h.org.Account(ctx, h.account.ID)
		must(t, err)
		if a.SeatsUsed != 2 {
			t.Errorf("%d seats are counted as in use, and 2 are", a.SeatsUsed)
		}
		h.want(t, createUser(t, h.org, h.d, h.mail("late")), "Workspace waiting")
	})
}

// A replica that is busy with the rules of one organization learns all the same
// that another one has got some.
func TestRulesAreLearnedWhileOthersAreCarriedOut(t *testing.T) {
	t.Parallel()
	db := modeltest.Postgres(t)
	clock := modeltest.NewClock()
	a := modeltest.Open(t, db, model.Options{Now: clock.Now})
	b := modeltest.Open(t, db, model.Options{Now: clock.Now})
	busy := suite{house: open(t, a, "busy"), clock: clock}
	other := suite{house: open(t, a, "other"), clock: clock}
	held := createUser(t, busy.org, busy.d, busy.mail("held"))
	configure := func(h suite) {
		h.account = h.newAccount(t, "Workspace", -1)
		must(t, h.org.SetConnectionAccounts(t.Context(), h.c.ID, []string{h.account.ID}))
	}
	configure(busy)
	clock.Advance(3 * time.Second)

	ctx, cancel := context.WithCancel(t.Context())
	locked, ended := make(chan struct{}), make(chan error, 2)
	release := make(chan struct{})
	go func() {
		ended <- busy.org.Tx(ctx, func(org *model.Org) error {
			_, err := org.UpdateDirectoryUser(ctx, busy.d.ID, held.ID, setActive(false))
			close(locked)
			<-release
			return err
		})
	}()
	<-locked
	go func() { ended <- model.NewRecomputer(b).Run(ctx) }()
	defer func() {
		close(release)
		cancel()
		<-ended
		<-ended
	}()
	modeltest.Eventually(t, func() bool { // the replica waits for that user
		r, err := busy.org.Recompute(t.Context())
		must(t, err)
		return r.State != model.RecomputePending || r.Holder != ""
	})
	configure(other)
	there := b.Org(other.org.ID, "system")
	modeltest.Eventually(t, func() bool { // it knows the rules that are about to be carried out
		return other.has(t, createUser(t, there, other.d, other.mail(model.NewID()))) != ""
	})
}

// A transaction that began before there were rules is not overlooked, however
// late it ends, and what it asks for waits as long as the rules do.
func TestRulesThatAreMadeWhileOthersWrite(t *testing.T) {
	t.Parallel()
	clock := modeltest.NewClock()
	s := modeltest.Open(t, modeltest.Postgres(t), model.Options{Now: clock.Now})
	h := suite{house: open(t, s, "contoso"), clock: clock}
	var late *model.User
	must(t, h.org.Tx(t.Context(), func(org *model.Org) (err error) {
		if late, err = org.CreateDirectoryUser(t.Context(), h.d.ID, person(h.mail("late"))); err != nil {
			return err
		}
		h.account = h.newAccount(t, "Workspace", -1)
		must(t, h.org.SetConnectionAccounts(t.Context(), h.c.ID, []string{h.account.ID}))
		n, err := model.NewRecomputer(s).RunOnce(t.Context())
		if n != 0 {
			t.Errorf("%d changes were carried out before each replica knows the rules", n)
		}
		clock.Advance(3 * time.Second)
		if _, err := model.NewRecomputer(s).RunOnce(t.Context()); err != nil {
			return err
		}
		return err
	}))
	h.work(t)
	h.want(t, late, "Workspace granted")

	two := suite{house: open(t, s, "two"), clock: clock}
	must(t, two.org.Tx(t.Context(), func(org *model.Org) (err error) {
		if _, err = org.CreateDirectoryUser(t.Context(), two.d.ID, person(two.mail("late"))); err != nil {
			return err
		}
		two.account = two.newAccount(t, "Workspace", -1)
		return nil
	}))
	r, err := two.org.Recompute(t.Context())
	must(t, err)
	if r.DueAt != model.TimeOf(clock.Now())+2000 {
		t.Errorf("it is due %d ms from now", r.DueAt-model.TimeOf(clock.Now()))
	}
}

// A group of an account that is deleted just when somebody is put into it is no
// reason to refuse the identity provider's request.
func TestGroupThatGoesWhileSomebodyComes(t *testing.T) {
	t.Parallel()
	db := modeltest.Postgres(t)
	clock := modeltest.NewClock()
	var meanwhile func()
	s := modeltest.Open(t, db, model.Options{Now: clock.Now, Statement: func(query string) {
		if run := meanwhile; run != nil && strings.HasPrefix(query, `INSERT INTO "group_assignments"`) {
			meanwhile = nil
			run()
		}
	}})
	h := suite{house: open(t, s, "contoso"), clock: clock}
	h.account = h.newAccount(t, "Workspace", -1)
	must(t, h.org.SetConnectionAccounts(t.Context(), h.c.ID, []string{h.account.ID}))
	there := modeltest.Open(t, db, model.Options{Now: clock.Now}).Org(h.org.ID, "system")
	for name, come := range map[string]func() (*model.User, error){
		"by SCIM": func() (*model.User, error) {
			return h.org.CreateDirectoryUser(t.Context(), h.d.ID, person(h.mail("ada")))
		},
		"by a login": func() (*model.User, error) {
			out, err := signIn(t, h.org, h.c, claimsOf("grace", h.mail("grace")))
			if err != nil {
				return nil, err
			}
			return out.User, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := h.newGroup(t, name, true)
			meanwhile = func() { must(t, there.DeleteAccountGroup(t.Context(), h.account.ID, g.ID)) }
			u, err := come()
			if err != nil || meanwhile != nil {
				t.Fatalf("%v, %v", err, meanwhile == nil)
			}
			h.want(t, u, "Workspace granted")
		})
	}
}

// A seat that comes while the license of who waits is being written finds them all the same.
func TestSeatThatComesWhileReasonsChange(t *testing.T) {
	t.Parallel()
	db := modeltest.Postgres(t)
	clock := modeltest.NewClock()
	var meanwhile func()
	s := modeltest.Open(t, db, model.Options{Now: clock.Now, Statement: func(query string) {
		accounts := strings.Contains(query, `FROM "accounts"`) && strings.Contains(query, "FOR NO KEY UPDATE")
		users := strings.HasPrefix(query, `UPDATE "users" SET "entitlement_version"`)
		if run := meanwhile; run != nil && (accounts || users) {
			meanwhile = nil
			run()
		}
	}})
	h := suite{house: open(t, s, "contoso"), clock: clock}
	h.settings(t, func(s *model.Settings) { s.AllowManualAssignments = true })
	h.account = h.newAccount(t, "Workspace", 1)
	must(t, h.org.SetConnectionAccounts(t.Context(), h.c.ID, []string{h.account.ID}))
	h.work(t) // the one seat is that of who made the connection active
	ada := createUser(t, h.org, h.d, h.mail("ada"))
	h.want(t, ada, "Workspace waiting")
	_, err := h.org.AssignLicense(t.Context(), ada.ID, h.account.ID)
	must(t, err)
	first, _, err := h.org.Users(t.Context(), model.UserQuery{Email: h.mail("first"), Page: model.Page{Limit: 1}})
	must(t, err)
	_, err = h.org.AssignLicense(t.Context(), first[0].ID, h.account.ID)
	must(t, err)
	must(t, h.org.SetConnectionAccounts(t.Context(), h.c.ID, nil))
	there, two := modeltest.Open(t, db, model.Options{Now: clock.Now}).Org(h.org.ID, "system"), int64(2)
	meanwhile = func() {
		_, err := there.UpdateAccount(t.Context(), h.account.ID, func(a *model.AccountFields) error {
			a.Seats = &two
			return nil
		})
		must(t, err)
	}
	h.work(t)
	if meanwhile != nil {
		t.Error("nothing happened meanwhile")
	}
	h.want(t, ada, "Workspace granted (by hand)")
}
