package pool

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// hosts are the servers that a URL names, or the one. They take turns at being the leader.
type hosts struct {
	mu    sync.Mutex
	names map[string]string // the host that an IP address was looked up for
	all   map[string]*host  // by hostKey
	good  *host             // that the last connection was made to
}

// host is one server.
type host struct {
	silent atomic.Bool  // since it left some requests waiting, until a connection is made to it
	late   atomic.Int32 // how many requests ended by their deadline since it last answered
	mu     sync.Mutex
	conns  map[*conn]struct{}
}

// mostLate is after how many requests that ended by their deadline, one after the other and without
// an answer to anybody in between, a server counts as silent.
const mostLate = 2

// hostKey names a server as the URL does.
func hostKey(name string, port uint16) string {
	return net.JoinHostPort(name, strconv.Itoa(int(port)))
}

// lookup looks a host up and remembers its addresses.
func (h *hosts) lookup(inner pgconn.LookupFunc) pgconn.LookupFunc {
	return func(ctx context.Context, name string) ([]string, error) {
		addresses, err := inner(ctx, name)
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, a := range addresses {
			h.names[a] = name
		}
		return addresses, err
	}
}

// at returns the host that was dialed at an address: one of a socket by its path.
func (h *hosts) at(address string) *host {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := address
	if ip, port, err := net.SplitHostPort(address); err == nil && h.names[ip] != "" {
		key = net.JoinHostPort(h.names[ip], port)
	}
	return h.of(key)
}

// of returns the host with a key. The caller has the lock.
func (h *hosts) of(key string) *host {
	if h.all[key] == nil {
		h.all[key] = &host{conns: map[*conn]struct{}{}}
	}
	return h.all[key]
}

// order makes a connection try the host first that the last one was made to, and those last that
// are silent. Otherwise each new connection would wait for a server that is gone.
func (h *hosts) order(c *pgx.ConnConfig) {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := append([]*pgconn.FallbackConfig{{Host: c.Host, Port: c.Port, TLSConfig: c.TLSConfig}}, c.Fallbacks...)
	rank := func(f *pgconn.FallbackConfig) int {
		key := hostKey(f.Host, f.Port)
		if network, address := pgconn.NetworkAddress(f.Host, f.Port); network == "unix" {
			key = address
		}
		switch at := h.of(key); {
		case at.silent.Load():
			return 2
		case at == h.good:
			return 0
		}
		return 1
	}
	slices.SortStableFunc(all, func(a, b *pgconn.FallbackConfig) int { return rank(a) - rank(b) })
	c.Host, c.Port, c.TLSConfig, c.Fallbacks = all[0].Host, all[0].Port, all[0].TLSConfig, all[1:]
}

// connected notes a new connection.
func (h *hosts) connected(at *host, c *conn) {
	h.mu.Lock()
	h.good = at
	h.mu.Unlock()
	at.silent.Store(false)
	at.answered()
	at.mu.Lock()
	defer at.mu.Unlock()
	at.conns[c] = struct{}{}
}

// closed notes the end of a connection.
func (h *host) closed(c *conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.conns, c)
}

// answered notes that the server has answered something.
func (h *host) answered() {
	if h.late.Load() != 0 {
		h.late.Store(0)
	}
}

// expired notes a request that ended by its deadline. When there were several in a row, all
// connections to the server are given up, those too on which others still wait: each of them would
// have to find out by its own deadline. Closing a socket cancels nothing.
func (h *host) expired() {
	if h.late.Add(1) != mostLate {
		return
	}
	h.silent.Store(true)
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.conns {
		c.dead.Store(true)
		_ = c.guard.socket.Close()
	}
}

// look notes how a use of the connection went.
func (c *conn) look(ctx context.Context, err error) {
	code := Code(err)
	if code == ReadOnlyTransaction {
		c.standby = true
	}
	switch {
	case c.host == nil:
	case err == nil || code != "":
		c.host.answered()
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		c.host.expired()
	}
}
