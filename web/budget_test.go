package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
)

func TestBudgetHasRoomForAllAndForEach(t *testing.T) {
	t.Parallel()
	b := NewBudget(10, 6)
	for _, step := range []struct {
		holder string
		n      int64
		taken  bool
	}{{"a", 4, true}, {"a", 3, false}, {"a", 2, true}, {"b", 5, false}, {"b", 4, true}, {"c", 1, false}} {
		if got := b.Take(step.holder, step.n); got != step.taken {
			t.Errorf("%s takes %d: %t", step.holder, step.n, got)
		}
	}
	b.Give("a", 6)
	if !b.Take("c", 6) || b.Take("c", 1) {
		t.Error("what was given back is not there once")
	}
	b.Give("b", 4)
	b.Give("c", 6)
	if b.used != 0 || len(b.by) != 0 {
		t.Errorf("%d bytes of %d holders are left", b.used, len(b.by))
	}
}

// TestBodiesTakeRoom sends bodies with and without an announced length to a handler that reads
// them, as a stranger's or as those of a known sender, while others have left that much room.
// Who waits gets the room that is given back, and no room after the end of their patience.
func TestBudgetIsWaitedFor(t *testing.T) {
	t.Parallel()
	b := NewBudget(10, 10)
	if !b.Wait(t.Context(), "a", 8) {
		t.Fatal("there was room")
	}
	done := make(chan bool)
	go func() { done <- b.Wait(t.Context(), "b", 4) }()
	b.Give("a", 1)
	b.Give("a", 7)
	if !<-done {
		t.Error("there was room after the first gave it back")
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if b.Wait(ended, "a", 8) || !b.Take("a", 6) || b.Take("a", 1) {
		t.Error("who gave up waiting took something")
	}
}

func TestBodiesTakeRoom(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	tests := []struct {
		name   string
		known  bool
		length int   // of the body
		room   int64 // that the budget in question has left
		status int
	}{
		{"a stranger's", false, mib, 2 * mib, 200},
		{"a stranger's, without room for all of it", false, mib, mib / 2, 429},
		{"a stranger's small one", false, 100, bodyStep, 200},
		{"of a known sender", true, 5 * mib, 5 * mib, 200},
		{"of a known sender, without room", true, 5 * mib, 4 * mib, 429},
		{"a small one of a known sender, without room for large ones", true, smallBody - 1, 0, 200},
	}
	for _, test := range tests {
		for _, announced := range []bool{true, false} {
			t.Run(test.name, func(t *testing.T) {
				s, err := New(Options{})
				if err != nil {
					t.Fatal(err)
				}
				read := 0
				s.Echo.POST("/", func(c echo.Context) error {
					if test.known {
						if err := KnownSender(c.Request(), "somebody"); err != nil {
							return err
						}
					}
					text, err := io.ReadAll(c.Request().Body)
					read = len(text)
					return err
				})
				budget := s.bodies.strangers
				if test.known {
					budget = s.bodies.large
				}
				budget.used = budget.all - test.room
				r := httptest.NewRequest("POST", "/", strings.NewReader(strings.Repeat("x", test.length)))
				if !announced {
					r.ContentLength = -1
				}
				w := httptest.NewRecorder()
				s.Echo.ServeHTTP(w, r)
				refused := test.status == 429
				if wait := w.Header().Get("Retry-After"); w.Code != test.status || (wait == "1") != refused {
					t.Errorf("announced %t: status %d, Retry-After %q", announced, w.Code, wait)
				}
				if !refused && read != test.length || refused && announced && test.known && read > 0 {
					t.Errorf("announced %t: %d bytes were read", announced, read)
				}
				left := budget.all - budget.used
				if left != test.room || len(budget.by) != 0 || s.bodies.small.used != 0 {
					t.Errorf("announced %t: room for %d bytes is left, want %d", announced, left, test.room)
				}
			})
		}
	}
}

func TestCrowdedIsSeenThroughWrapping(t *testing.T) {
	t.Parallel()
	if err := errors.Join(errors.New("read"), &Crowded{}); !IsCrowded(err) || IsCrowded(http.ErrBodyNotAllowed) {
		t.Error("it is not")
	}
}
