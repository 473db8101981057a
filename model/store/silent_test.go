package store_test

import (
	"context"
	"io"
	"net"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/store"
)

// newSilence is a listener in front of PostgreSQL that is silent while the returned value is true:
// it accepts connections, and nothing passes any more.
func newSilence(t *testing.T, db modeltest.Database) (*atomic.Bool, modeltest.Database) {
	u, err := url.Parse(db.URL)
	storetest.Must(t, err)
	q := u.Query()
	socket := q.Get("host") + "/.s.PGSQL.5432"
	l, err := net.Listen("tcp", "127.0.0.1:0")
	storetest.Must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	silent := new(atomic.Bool)
	pass := func(to, from net.Conn) {
		defer to.Close()
		b := make([]byte, 64<<10)
		for {
			n, err := from.Read(b)
			if silent.Load() {
				_, _ = io.Copy(io.Discard, from) // until the other side leaves
				return
			}
			if _, failed := to.Write(b[:n]); err != nil || failed != nil {
				return
			}
		}
	}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("unix", socket)
			if err != nil {
				_ = client.Close()
				continue
			}
			go pass(server, client)
			go pass(client, server)
		}
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	q.Set("host", "127.0.0.1")
	q.Set("port", port)
	q.Set("sslmode", "disable")
	u.RawQuery = q.Encode()
	return silent, modeltest.Database{Name: db.Name, URL: u.String()}
}

// Whatever is asked of a database that accepts and is silent ends with its deadline, with an error
// that tells to try again, on connections of before and on new ones.
func TestSilentDatabase(t *testing.T) {
	t.Parallel()
	silent, db := newSilence(t, modeltest.Postgres(t))
	s := modeltest.Open(t, db, store.Options{})
	org, d := storetest.Contoso(t, s)
	u := storetest.CreateUser(t, org, d, "ada@contoso.example")
	silent.Store(true)
	for name := range uses(t.Context(), s, org, d, u) {
		begun := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		err := uses(ctx, s, org, d, u)[name]()
		cancel()
		if model.KindOf(err) != model.Unavailable {
			t.Errorf("%s: kind %d, %v", name, model.KindOf(err), err)
		} else {
			checkMessage(t, err)
		}
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("%s took %v", name, took)
		}
	}
	silent.Store(false)
	for name, use := range uses(t.Context(), s, org, d, u) {
		if err := use(); err != nil && model.KindOf(err) != model.Denied {
			t.Errorf("%s after the database's return: %v", name, err)
		}
	}
}
