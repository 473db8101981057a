package entitle_test

import (
	"context"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/entitle"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/people"
	"rollcall/model/store"
)

// A replica learns the rules that another one has written before it carries them out.
func TestReplicasLearnRules(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		one := modeltest.Open(t, db, store.Options{Now: clock.Now})
		other := modeltest.Open(t, db, store.Options{Now: clock.Now})
		h := storetest.Suite{House: storetest.Open(t, one, "contoso"), Clock: clock}
		h.Account = h.NewAccount(t, "Workspace", -1)
		storetest.Must(t, entitle.In(h.Org).SetConnectionAccounts(t.Context(), h.C.ID, []string{h.Account.ID}))
		there := other.Org(h.Org.ID, h.D.Actor())
		u := storetest.CreateUser(t, there, h.D, h.Mail("early"))
		h.Want(t, u, "") // the other replica does not know the rules yet
		worker := entitle.NewRecomputer(entitle.Across(other))
		if n, err := worker.RunOnce(t.Context()); n != 0 || err != nil {
			t.Errorf("%d changes before the rules are known: %v", n, err)
		}
		h.Want(t, storetest.CreateUser(t, there, h.D, h.Mail("late")), "Workspace granted")
		clock.Advance(3 * time.Second)
		n, err := worker.RunOnce(t.Context())
		storetest.Must(t, err)
		m, err := entitle.NewRecomputer(entitle.Across(one)).RunOnce(t.Context())
		storetest.Must(t, err)
		if n != 2 || m != 0 {
			t.Errorf("%d changes by one replica and %d by the other", n, m)
		}
		h.Want(t, u, "Workspace granted")
	})
}

// A replica that carries out the rules of one organization still learns that another organization
// has got rules.
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
	modeltest.Eventually(t, func() bool { // the replica waits for the lock of that user
		r, err := entitle.In(busy.Org).Recompute(t.Context())
		storetest.Must(t, err)
		return r.State != entitle.RecomputePending || r.Holder != ""
	})
	configure(other)
	there := b.Org(other.Org.ID, "system")
	modeltest.Eventually(t, func() bool { // it knows the rules before they are carried out
		return other.Has(t, storetest.CreateUser(t, there, other.D, other.Mail(storetest.NewID()))) != ""
	})
}

// The worker also finds the users of a transaction that began before there were rules, however late
// it ends. What such a transaction requests is due no earlier than the rules are.
func TestRulesReachTransactionsThatBeganBefore(t *testing.T) {
	t.Parallel()
	clock := modeltest.NewClock()
	s := modeltest.Open(t, modeltest.Postgres(t), store.Options{Now: clock.Now})
	h := storetest.Suite{House: storetest.Open(t, s, "contoso"), Clock: clock}
	var late *people.User
	storetest.Must(t, h.Org.Tx(t.Context(), func(org *store.Org) (err error) {
		late, err = directory.Of(org, h.D.ID).CreateUser(t.Context(), storetest.Person(h.Mail("late")))
		if err != nil {
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
		_, err = directory.Of(org, two.D.ID).CreateUser(t.Context(), storetest.Person(two.Mail("late")))
		if err != nil {
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
