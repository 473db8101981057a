package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/people"
	"rollcall/model/store"
	"rollcall/model/urgent"
)

// A connection that was left to a commit keeps its place: while a standby stays away, clients that
// leave and come again must not use up the connections of PostgreSQL. Some places are kept for what
// lets people sign in.
func TestConnectionLeftToACommitKeepsItsPlace(t *testing.T) {
	t.Parallel()
	const places, reserved = 16, 4
	w, db := newWire(t, modeltest.Postgres(t))
	s := modeltest.Open(t, db, store.Options{})
	org, d := storetest.Contoso(t, s)
	of := directory.Of(org, d.ID)
	var ids []string
	for i := range places {
		ids = append(ids, storetest.CreateUser(t, org, d, fmt.Sprintf("ada%d", i)).ID)
	}
	var gates []chan struct{}
	hang := func(within context.Context, id string) {
		t.Helper()
		w.at("commit")
		ctx, leave := context.WithCancel(within)
		ended := make(chan error, 1)
		go func() { ended <- of.DeleteUser(ctx, id) }()
		select {
		case <-w.stopped:
		case err := <-ended:
			t.Fatalf("the commit never came: %v", err)
		}
		gates = append(gates, w.goOn)
		leave()
		storetest.WantKind(t, <-ended, model.Unavailable)
	}
	read := func(ctx context.Context) error { _, err := of.User(ctx, ids[places-1]); return err }
	refused := func(ctx context.Context) {
		t.Helper()
		begun := time.Now()
		err := read(ctx)
		storetest.WantKind(t, err, model.Unavailable)
		checkMessage(t, err)
		if took := time.Since(begun); took < 2*time.Second || took > 8*time.Second {
			t.Errorf("it waited for %v", took)
		}
	}

	for _, id := range ids[:places-reserved] {
		hang(t.Context(), id)
	}
	refused(t.Context())
	must := urgent.Mark(t.Context())
	storetest.Must(t, read(must))
	for _, id := range ids[places-reserved : places-1] {
		hang(must, id)
	}
	storetest.Must(t, read(must))
	if n := w.open.Load(); n != places {
		t.Errorf("there are %d connections, want %d", n, places)
	}
	hang(must, ids[places-1])
	refused(must)
	if n := w.open.Load(); n != places {
		t.Errorf("there are %d connections, want %d", n, places)
	}

	for _, gate := range gates {
		close(gate)
	}
	modeltest.Eventually(t, func() bool { return w.open.Load() == 0 })
	for range 2 * places { // nobody has a place any more
		storetest.WantKind(t, read(t.Context()), model.NotFound)
	}
}

// Whatever a use of a connection ends with, its place is free again.
func TestPlacesAreFreeAgain(t *testing.T) {
	t.Parallel()
	w, db := newWire(t, modeltest.Postgres(t))
	s := modeltest.Open(t, db, store.Options{})
	org, d := storetest.Contoso(t, s)
	u := storetest.CreateUser(t, org, d, "ada")
	of := directory.Of(org, d.ID)
	for range 20 {
		gone, leave := context.WithCancel(t.Context())
		leave()
		_, err := of.User(gone, u.ID)
		storetest.WantKind(t, err, model.Unavailable)
		_, err = of.UpdateUser(t.Context(), u.ID, func(*people.UserDraft) error { return model.Invalidf("", "no") })
		storetest.WantKind(t, err, model.Invalid)
		storetest.WantKind(t, of.DeleteUser(t.Context(), model.NewID()), model.NotFound)
		w.cut()
		_ = s.Ready(t.Context()) // on a connection that is dead
		_, err = of.User(t.Context(), u.ID)
		storetest.Must(t, err)
	}
}

// On SQLite nobody waits for long either: readers for one of their four connections, of which one
// is kept for urgent requests, and writers for the one that writes.
func TestPlacesOfSQLite(t *testing.T) {
	t.Parallel()
	s := modeltest.Open(t, modeltest.SQLite(t), store.Options{})
	org, d := storetest.Contoso(t, s)
	u := storetest.CreateUser(t, org, d, "ada")
	of := directory.Of(org, d.ID)
	read := func(ctx context.Context) error { _, err := of.User(ctx, u.ID); return err }
	write := func() error { _, err := of.UpdateUser(t.Context(), u.ID, storetest.Count); return err }
	refused := func(use func() error, least, most time.Duration) {
		t.Helper()
		begun := time.Now()
		err := use()
		storetest.WantKind(t, err, model.Unavailable)
		checkMessage(t, err)
		if took := time.Since(begun); took < least || took > most {
			t.Errorf("it waited for %v", took)
		}
	}
	for range 3 {
		rows, err := storetest.ReadAcross(s, t.Context()).Raw("SELECT 1").Rows()
		storetest.Must(t, err)
		defer rows.Close()
	}
	refused(func() error { return read(t.Context()) }, 2*time.Second, 8*time.Second)
	storetest.Must(t, read(urgent.Mark(t.Context())))
	held := storetest.Across(s, t.Context()).Begin()
	refused(write, 9*time.Second, 20*time.Second)
	storetest.Must(t, held.Rollback().Error)
	storetest.Must(t, write())
}
