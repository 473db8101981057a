package store_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/people"
	"rollcall/model/store"
)

// together is a database that several listeners lead to, in their order.
func together(t *testing.T, through ...modeltest.Database) modeltest.Database {
	t.Helper()
	var hosts, ports []string
	var u *url.URL
	for _, db := range through {
		var err error
		u, err = url.Parse(db.URL)
		storetest.Must(t, err)
		hosts, ports = append(hosts, u.Query().Get("host")), append(ports, u.Query().Get("port"))
	}
	q := u.Query()
	q.Set("host", strings.Join(hosts, ","))
	q.Set("port", strings.Join(ports, ","))
	u.RawQuery = q.Encode()
	return modeltest.Database{Name: "postgres", URL: u.String()}
}

// Each host of the URL has two seconds. The one that was good the last time is tried first, so that
// a connection does not wait again for those that are silent.
func TestGoodHostIsTriedFirst(t *testing.T) {
	t.Parallel()
	db := modeltest.Postgres(t)
	silent, through := modeltest.NewSilence(t, db)
	silent.Store(true)
	w, last := newWire(t, db)
	begun := time.Now()
	s := modeltest.Open(t, together(t, through, last), store.Options{})
	if took := time.Since(begun); took < 2*time.Second || took > 6*time.Second {
		t.Errorf("the first connection took %v", took)
	}
	for range 3 {
		w.cut()
		_ = s.Ready(t.Context()) // on a connection that is dead
		begun := time.Now()
		storetest.Must(t, s.Ready(t.Context()))
		if took := time.Since(begun); took > 1500*time.Millisecond {
			t.Errorf("another connection took %v", took)
		}
	}
}

// All hosts together have six seconds.
func TestSilentHostsEnd(t *testing.T) {
	t.Parallel()
	db := modeltest.Postgres(t)
	var through []modeltest.Database
	for range 5 {
		silent, one := modeltest.NewSilence(t, db)
		silent.Store(true)
		through = append(through, one)
	}
	begun := time.Now()
	_, err := store.Open(t.Context(), together(t, through...).URL, storetest.Options())
	storetest.WantKind(t, err, model.Unavailable)
	if took := time.Since(begun); took < 5*time.Second || took > 8*time.Second {
		t.Errorf("it took %v", took)
	}
}

// After two requests in a row that a server let wait until their deadline, all connections to it
// are given up, and the next server answers.
func TestConnectionsToASilentServerAreGivenUp(t *testing.T) {
	t.Parallel()
	db := modeltest.Postgres(t)
	silent, first := modeltest.NewSilence(t, db)
	_, second := newWire(t, db)
	s := modeltest.Open(t, together(t, first, second), store.Options{})
	org, d := storetest.Contoso(t, s)
	u := storetest.CreateUser(t, org, d, "ada@contoso.example")
	read := func(limit time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		_, err := people.In(org).User(ctx, u.ID)
		return err
	}
	storetest.Must(t, errors.Join(storetest.Together(12, func(int) error { return read(10 * time.Second) })...))

	silent.Store(true)
	begun := time.Now()
	patient := make(chan error, 4)
	for range cap(patient) {
		go func() { patient <- read(30 * time.Second) }()
	}
	for range 2 {
		storetest.WantKind(t, read(500*time.Millisecond), model.Unavailable)
	}
	for range cap(patient) {
		if err := <-patient; err != nil { // it may have begun afterwards, on another connection
			storetest.WantKind(t, err, model.Unavailable)
			checkMessage(t, err)
		}
	}
	if took := time.Since(begun); took > 8*time.Second {
		t.Errorf("others waited for %v", took)
	}
	begun = time.Now()
	storetest.Must(t, errors.Join(storetest.Together(12, func(int) error { return read(10 * time.Second) })...))
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("the next server is asked after %v", took)
	}
}
