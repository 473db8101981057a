package store_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/store"
)

// A wire is a proxy in front of PostgreSQL. It holds back the answers to what contains a text, and
// notes each request to cancel something.
type wire struct {
	mu      sync.Mutex
	stop    string        // the text
	stopped chan struct{} // closed when it came
	goOn    chan struct{}
	cancels int
	open    atomic.Int32          // connections
	clients map[net.Conn]struct{} // of the program
}

func newWire(t *testing.T, db modeltest.Database) (*wire, modeltest.Database) {
	u, err := url.Parse(db.URL)
	storetest.Must(t, err)
	q := u.Query()
	socket := filepath.Join(q.Get("host"), ".s.PGSQL.5432")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	storetest.Must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	w := &wire{clients: map[net.Conn]struct{}{}}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go w.serve(client, socket)
		}
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	q.Set("host", "127.0.0.1")
	q.Set("port", port)
	q.Set("sslmode", "disable")
	q.Set("default_query_exec_mode", "exec") // sends the text each time
	u.RawQuery = q.Encode()
	return w, modeltest.Database{Name: db.Name, URL: u.String()}
}

// serve passes one connection on.
func (w *wire) serve(client net.Conn, socket string) {
	defer client.Close()
	server, err := net.Dial("unix", socket)
	if err != nil {
		return
	}
	defer server.Close()
	w.open.Add(1)
	defer w.open.Add(-1)
	w.mu.Lock()
	w.clients[client] = struct{}{}
	w.mu.Unlock()
	held := make(chan chan struct{}, 1) // has the gate while answers are held back
	go func() {
		b := make([]byte, 64<<10)
		for {
			n, err := server.Read(b)
			select {
			case gate := <-held:
				<-gate
			default:
			}
			if _, failed := client.Write(b[:n]); err != nil || failed != nil {
				return
			}
		}
	}()
	b := make([]byte, 1<<20)
	for {
		n, err := client.Read(b)
		if n >= 8 && binary.BigEndian.Uint32(b[4:]) == 80877102 {
			w.mu.Lock()
			w.cancels++
			w.mu.Unlock()
		}
		w.mu.Lock()
		if w.stop != "" && strings.Contains(string(b[:n]), w.stop) {
			w.stop = ""
			held <- w.goOn
			close(w.stopped)
		}
		w.mu.Unlock()
		if _, failed := server.Write(b[:n]); err != nil || failed != nil {
			_, _ = io.Copy(io.Discard, client)
			w.mu.Lock()
			delete(w.clients, client)
			w.mu.Unlock()
			return
		}
	}
}

// cut ends all connections.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.clients {
		_ = c.Close()
	}
}

// at holds back the answer to what contains a text.
func (w *wire) at(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stop, w.stopped, w.goOn = text, make(chan struct{}), make(chan struct{})
}

// Whoever leaves while a write is on its way never cancels its commit: PostgreSQL would show a
// change that a failover undoes, and a retry would be told that nothing had to change.
func TestLeavingNeverCancelsACommit(t *testing.T) {
	t.Parallel()
	w, db := newWire(t, modeltest.Postgres(t))
	s := modeltest.Open(t, db, store.Options{})
	org, d := storetest.Contoso(t, s)
	u := storetest.CreateUser(t, org, d, "ada")
	of := directory.Of(org, d.ID)
	change := func(ctx context.Context) error {
		_, err := of.UpdateUser(ctx, u.ID, storetest.Count)
		return err
	}
	read := func(ctx context.Context) error { _, err := of.User(ctx, u.ID); return err }
	remove := func(ctx context.Context) error { return of.DeleteUser(ctx, u.ID) }
	for _, c := range []struct {
		name, at string
		run      func(context.Context) error
		cancels  int
		done     func() bool
	}{
		{"a read", "users.email_domain", read, 1, nil},
		{"the read before a write", "xmin::text", change, 1, nil},
		{"a write in one statement", "WITH written AS", change, 0, func() bool {
			return storetest.Stored(t, org, u.ID).Version == 2
		}},
		{"a commit", "commit", remove, 0, func() bool {
			_, err := of.User(t.Context(), u.ID)
			return model.KindOf(err) == model.NotFound
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.mu.Lock()
			w.cancels = 0
			w.mu.Unlock()
			w.at(c.at)
			ctx, leave := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- c.run(ctx) }()
			select {
			case <-w.stopped:
			case err := <-ended:
				t.Fatalf("the statement never came: %v", err)
			}
			leave()
			select { // whoever leaves is not kept
			case err := <-ended:
				if model.KindOf(err) != model.Unavailable {
					t.Errorf("the answer is %v", err)
				}
			case <-time.After(10 * time.Second):
				t.Fatal("whoever left is kept")
			}
			seen := func() int {
				w.mu.Lock()
				defer w.mu.Unlock()
				return w.cancels
			}
			if c.cancels > 0 {
				modeltest.Eventually(t, func() bool { return seen() == c.cancels })
			}
			close(w.goOn)
			if c.done != nil {
				modeltest.Eventually(t, c.done)
			}
			if n := seen(); n != c.cancels {
				t.Errorf("PostgreSQL was asked to cancel %d times, want %d", n, c.cancels)
			}
		})
	}
}

// The end of a process waits for the commits that nobody waits for any more.
func TestCloseWaitsForCommits(t *testing.T) {
	t.Parallel()
	w, db := newWire(t, modeltest.Postgres(t))
	s := modeltest.Open(t, db, store.Options{})
	org, d := storetest.Contoso(t, s)
	u := storetest.CreateUser(t, org, d, "ada")
	w.at("commit")
	ctx, leave := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- directory.Of(org, d.ID).DeleteUser(ctx, u.ID) }()
	<-w.stopped
	leave()
	storetest.WantKind(t, <-ended, model.Unavailable)
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	select {
	case err := <-closed:
		t.Errorf("closed before the commit: %v", err)
	case <-time.After(300 * time.Millisecond):
		close(w.goOn)
		storetest.Must(t, <-closed)
	}
}
