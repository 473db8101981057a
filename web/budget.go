package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"sync"

	"github.com/labstack/echo/v4"
)

// Budget bounds the bytes that requests keep in memory at once: of all of them together, and of
// those of each holder, so that one customer cannot take the memory from the others.
type Budget struct {
	all, each int64

	mu    sync.Mutex
	used  int64
	by    map[string]int64
	given chan struct{} // closed when something is given back; nil while nobody waits for that
}

// NewBudget returns a budget of bytes for all holders together and for each of them.
func NewBudget(all, each int64) *Budget {
	return &Budget{all: all, each: each, by: map[string]int64{}}
}

// Take takes n bytes for a holder and returns true, or takes nothing where there is no room.
func (b *Budget) Take(holder string, n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used+n > b.all || b.by[holder]+n > b.each {
		return false
	}
	b.used += n
	b.by[holder] += n
	return true
}

// Wait is Take that waits for room until the context ends. Who has taken something must not wait
// for more: all could wait for each other.
func (b *Budget) Wait(ctx context.Context, holder string, n int64) bool {
	for {
		b.mu.Lock()
		if b.given == nil {
			b.given = make(chan struct{})
		}
		given := b.given
		b.mu.Unlock()
		if b.Take(holder, n) {
			return true
		}
		select {
		case <-given:
		case <-ctx.Done():
			return false
		}
	}
}

// Give gives n bytes of a holder back.
func (b *Budget) Give(holder string, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.given != nil {
		close(b.given)
		b.given = nil
	}
	b.used -= n
	if b.by[holder] -= n; b.by[holder] <= 0 {
		delete(b.by, holder)
	}
}

// bodies are the budgets of request bodies. A byte of a body becomes up to twelve while it is
// worked on. Small bodies have a budget of their own: large ones never keep them waiting.
type bodies struct {
	strangers *Budget // by network, until a handler knows the sender
	small     *Budget // of known senders, for the first bytes of each body
	large     *Budget // of known senders, for the rest
}

const (
	smallBody = 64 << 10
	bodyStep  = 32 << 10 // is taken at a time where the length of a body is not known
)

func newBodies() *bodies {
	return &bodies{
		strangers: NewBudget(8<<20, 2<<20),
		small:     NewBudget(8<<20, 2<<20),
		large:     NewBudget(24<<20, 8<<20),
	}
}

// Crowded is the error of a request for which there is no memory at the moment.
type Crowded struct{}

// Error is the text for the log.
func (*Crowded) Error() string { return "too many bytes are in flight" }

// Unwrap returns the status.
func (*Crowded) Unwrap() error { return echo.NewHTTPError(http.StatusTooManyRequests) }

// IsCrowded tells whether an error is, or comes from, a Crowded.
func IsCrowded(err error) bool { return errors.As(err, new(*Crowded)) }

// heldBody is a body that takes bytes of a budget before it is read.
type heldBody struct {
	io.ReadCloser
	of     *bodies
	holder string
	known  bool
	length int64 // as announced; -1 when it is not known
	read   int64
	taken  [3]int64 // of strangers, small and large
}

// Read reads as much as there is room for.
func (b *heldBody) Read(p []byte) (int, error) {
	for b.read >= b.taken[0]+b.taken[1]+b.taken[2] && b.read != b.length {
		if !b.take(bodyStep) {
			return 0, &Crowded{}
		}
	}
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	return n, err
}

// take takes room for n bytes more.
func (b *heldBody) take(n int64) bool {
	if !b.known {
		return b.from(b.of.strangers, 0, n)
	}
	first := min(n, max(0, smallBody-b.taken[1]))
	return b.from(b.of.small, 1, first) && b.from(b.of.large, 2, n-first)
}

func (b *heldBody) from(budget *Budget, kind int, n int64) bool {
	if n > 0 && !budget.Take(b.holder, n) {
		return false
	}
	b.taken[kind] += n
	return true
}

// release gives back what the body has taken.
func (b *heldBody) release() {
	for i, budget := range []*Budget{b.of.strangers, b.of.small, b.of.large} {
		if b.taken[i] > 0 {
			budget.Give(b.holder, b.taken[i])
		}
	}
	b.taken = [3]int64{}
}

// KnownSender takes room for all of the body of a request, whose sender the handler knows by now,
// before any of it is read. The error is a Crowded where there is none.
func KnownSender(r *http.Request, holder string) error {
	b, ok := r.Body.(*heldBody)
	if !ok {
		return nil
	}
	b.release()
	b.holder, b.known = holder, true
	if b.length > 0 && !b.take(b.length) {
		return &Crowded{}
	}
	return nil
}

// holdBody has bodies take room before they are read, and gives it back after the answer.
func (s *Server) holdBody(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if r.Body == nil || r.Body == http.NoBody {
			return next(c)
		}
		b := &heldBody{ReadCloser: r.Body, of: s.bodies, holder: network(ClientAddress(r.Context())),
			length: r.ContentLength}
		defer b.release()
		r.Body = b
		return next(c)
	}
}

// network is the part of an address that one customer of a provider has for itself.
func network(a netip.Addr) string {
	bits := 32
	if a.Is6() {
		bits = 56
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}
