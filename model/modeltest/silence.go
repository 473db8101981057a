package modeltest

import (
	"io"
	"net"
	"net/url"
	"sync/atomic"
	"testing"
)

// NewSilence is a listener in front of PostgreSQL that is silent while the returned value is true:
// it accepts connections, and nothing passes any more.
func NewSilence(t testing.TB, db Database) (*atomic.Bool, Database) {
	t.Helper()
	u, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	socket := q.Get("host") + "/.s.PGSQL.5432"
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
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
	return silent, Database{Name: db.Name, URL: u.String()}
}
