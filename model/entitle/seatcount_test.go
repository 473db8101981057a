package entitle_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/entitle"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/store"
)

// One transaction gives back two seats, has the only one who waits take the one, and
// takes the other itself.
func TestSeatsGivenBackAndTakenAtOnce(t *testing.T) {
	t.Parallel()
	eachSuite(t, 2, func(t *testing.T, h storetest.Suite) {
		ctx := t.Context()
		ada, grace := storetest.CreateUser(t, h.Org, h.D, h.Mail("ada")), storetest.CreateUser(t, h.Org, h.D, h.Mail("grace"))
		alan := storetest.CreateUser(t, h.Org, h.D, h.Mail("alan"))
		h.Want(t, alan, "Workspace waiting")
		var new *people.User
		storetest.Must(t, h.Org.Tx(ctx, func(org *store.Org) (err error) {
			for _, u := range []*people.User{ada, grace} {
				if _, err := directory.Of(org, h.D.ID).UpdateUser(ctx, u.ID, storetest.SetActive(false)); err != nil {
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

// A replica that is busy with the rules of one organization learns all the same
// that another one has got some.
func TestRulesAreLearnedWhileOthersAreCarriedOut(t *testing.T) {
	t.Parallel()
	db := modeltest.Postgres(t)
	clock := modeltest.NewClock()
	a := modeltest.Open(t, db, store.Options{Now: clock.Now})
	b := modeltest.Open(t, db, store.Options{Now: clock.Now})
	busy := storetest.Suite{House: storetest.Open(t, a, "busy"), Clock: clock}
	other := storetest.Suite{House: storetest.Open(t, a, "other"), Clock: clock}
	held := storetest.CreateUser(t, busy.Org, busy.D, busy.Mail("held"))
	configure := func(h storetest.Suite) {
		h.Account = h.NewAccount(t, "Workspace", -1)
		storetest.Must(t, entitle.In(h.Org).SetConnectionAccounts(t.Context(), h.C.ID, []string{h.Account.ID}))
	}
	configure(busy)
	clock.Advance(3 * time.Second)

	ctx, cancel := context.WithCancel(t.Context())
	locked, ended := make(chan struct{}), make(chan error, 2)
	release := make(chan struct{})
	go func() {
		ended <- busy.Org.Tx(ctx, func(org *store.Org) error {
			_, err := directory.Of(org, busy.D.ID).UpdateUser(ctx, held.ID, storetest.SetActive(false))
			close(locked)
			<-release
			return err
		})
	}()
	<-locked
	go func() { ended <- entitle.NewRecomputer(entitle.Across(b)).Run(ctx) }()
	defer func() {
		close(release)
		cancel()
		<-ended
		<-ended
	}()
	modeltest.Eventually(t, func() bool { // the replica waits for that user
		r, err := entitle.In(busy.Org).Recompute(t.Context())
		storetest.Must(t, err)
		return r.State != entitle.RecomputePending || r.Holder != ""
	})
	configure(other)
	there := b.Org(other.Org.ID, "system")
	modeltest.Eventually(t, func() bool { // it knows the rules that are about to be carried out
		return other.Has(t, storetest.CreateUser(t, there, other.D, other.Mail(storetest.NewID()))) != ""
	})
}

// A transaction that began before there were rules is not overlooked, however
// late it ends, and what it asks for waits as long as the rules do.
func TestRulesThatAreMadeWhileOthersWrite(t *testing.T) {
	t.Parallel()
	clock := modeltest.NewClock()
	s := modeltest.Open(t, modeltest.Postgres(t), store.Options{Now: clock.Now})
	h := storetest.Suite{House: storetest.Open(t, s, "contoso"), Clock: clock}
	var late *people.User
	storetest.Must(t, h.Org.Tx(t.Context(), func(org *store.Org) (err error) {
		if late, err = directory.Of(org, h.D.ID).CreateUser(t.Context(), storetest.Person(h.Mail("late"))); err != nil {
			return err
		}
		h.Account = h.NewAccount(t, "Workspace", -1)
		storetest.Must(t, entitle.In(h.Org).SetConnectionAccounts(t.Context(), h.C.ID, []string{h.Account.ID}))
		n, err := entitle.NewRecomputer(entitle.Across(s)).RunOnce(t.Context())
		if n != 0 {
			t.Errorf("%d changes were carried out before each replica knows the rules", n)
		}
		clock.Advance(3 * time.Second)
		if _, err := entitle.NewRecomputer(entitle.Across(s)).RunOnce(t.Context()); err != nil {
			return err
		}
		return err
	}))
	h.Work(t)
	h.Want(t, late, "Workspace granted")

	two := storetest.Suite{House: storetest.Open(t, s, "two"), Clock: clock}
	storetest.Must(t, two.Org.Tx(t.Context(), func(org *store.Org) (err error) {
		if _, err = directory.Of(org, two.D.ID).CreateUser(t.Context(), storetest.Person(two.Mail("late"))); err != nil {
			return err
		}
		two.Account = two.NewAccount(t, "Workspace", -1)
		return nil
	}))
	r, err := entitle.In(two.Org).Recompute(t.Context())
	storetest.Must(t, err)
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
			meanwhile = func() { storetest.Must(t, entitle.In(there).DeleteAccountGroup(t.Context(), h.Account.ID, g.ID)) }
			u, err := come()
			if err != nil || meanwhile != nil {
				t.Fatalf("%v, %v", err, meanwhile == nil)
			}
			h.Want(t, u, "Workspace granted")
		})
	}
}

// A seat that comes while the license of who waits is being written finds them all the same.
func TestSeatThatComesWhileReasonsChange(t *testing.T) {
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
	h.Work(t) // the one seat is that of who made the connection active
	ada := storetest.CreateUser(t, h.Org, h.D, h.Mail("ada"))
	h.Want(t, ada, "Workspace waiting")
	_, err := entitle.In(h.Org).AssignLicense(t.Context(), ada.ID, h.Account.ID)
	storetest.Must(t, err)
	first, _, err := people.In(h.Org).Users(t.Context(), people.UserQuery{Email: h.Mail("first"), Page: model.Page{Limit: 1}})
	storetest.Must(t, err)
	_, err = entitle.In(h.Org).AssignLicense(t.Context(), first[0].ID, h.Account.ID)
	storetest.Must(t, err)
	storetest.Must(t, entitle.In(h.Org).SetConnectionAccounts(t.Context(), h.C.ID, nil))
	there, two := modeltest.Open(t, db, store.Options{Now: clock.Now}).Org(h.Org.ID, "system"), int64(2)
	meanwhile = func() {
		_, err := entitle.In(there).UpdateAccount(t.Context(), h.Account.ID, func(a *entitle.AccountFields) error {
			a.Seats = &two
			return nil
		})
		storetest.Must(t, err)
	}
	h.Work(t)
	if meanwhile != nil {
		t.Error("nothing happened meanwhile")
	}
	h.Want(t, ada, "Workspace granted (by hand)")
}
