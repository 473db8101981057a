package web_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/web"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// run starts the server. It returns a function that ends it, and a channel with the result of Run.
func run(t *testing.T, s *web.Server) (stop func(), ended <-chan error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	result := make(chan error, 1)
	go func() { result <- s.Run(ctx) }()
	return cancel, result
}

func TestRunFinishesRequestsInFlight(t *testing.T) {
	t.Parallel()
	l := listen(t)
	s, _ := newServer(t, web.Options{Listener: l})
	arrived, release := make(chan struct{}), make(chan struct{})
	s.Echo.GET("/slow", func(c echo.Context) error {
		close(arrived)
		<-release
		if err := c.Request().Context().Err(); err != nil {
			return err
		}
		return c.String(http.StatusOK, "done")
	})
	s.Open()
	stop, ended := run(t, s)
	got := make(chan string, 1)
	go func() {
		w, err := http.Get("http://" + l.Addr().String() + "/slow")
		if err != nil {
			got <- err.Error()
			return
		}
		defer func() { _ = w.Body.Close() }()
		text, err := io.ReadAll(w.Body)
		got <- fmt.Sprint(w.StatusCode, " ", string(text), " ", err)
	}()
	<-arrived
	stop()
	// A connection is refused once the listener is closed. Then the server accepts no more.
	for {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			break
		}
		_ = conn.Close()
	}
	select {
	case err := <-ended:
		t.Fatalf("Run returned %v with a request in flight", err)
	default:
	}
	close(release)
	if answer := <-got; answer != "200 done <nil>" {
		t.Errorf("the request in flight got %q", answer)
	}
	if err := <-ended; err != nil {
		t.Errorf("Run returned %v", err)
	}
}

func TestRunEndsWithItsListener(t *testing.T) {
	t.Parallel()
	l := listen(t)
	s, _ := newServer(t, web.Options{Listener: l})
	_, ended := run(t, s)
	_ = l.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Run returned %v, want that the listener is closed", err)
	}
	s, _ = newServer(t, web.Options{})
	if err := s.Run(context.Background()); err == nil {
		t.Error("Run without a listener returned nil")
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	l := listen(t)
	s, _ := newServer(t, web.Options{Listener: l})
	run(t, s)
	url := "http://" + l.Addr().String()
	expect := func(path string, status int, want string) {
		t.Helper()
		got := do(t, "POST", url+path, nil)
		if path != "/" && path != "/users" {
			got = do(t, "GET", url+path, nil)
		}
		if got.status != status || !strings.Contains(got.body, want) {
			t.Errorf("%s: %d %s, want %d with %q", path, got.status, got.body, status, want)
		}
		if status == 503 && path == "/users" && got.header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", path)
		}
	}
	expect("/healthz", 200, "ok")
	expect("/readyz", 503, "The server is starting.")
	expect("/users", 503, "The server is starting.")
	expect("/", 503, "The server is starting.")

	s.Echo.POST("/users", func(c echo.Context) error { return c.String(http.StatusOK, "made") })
	s.Open()
	expect("/healthz", 200, "ok")
	expect("/readyz", 200, "ok")
	expect("/users", 200, "made")
	expect("/", 404, "nothing at this address")
}

// pipes is a listener without a network, so that synctest knows when all goroutines wait.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipes() *pipes { return &pipes{make(chan net.Conn), make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

func (p *pipes) Close() error {
	select {
	case <-p.closed:
	default:
		close(p.closed)
	}
	return nil
}

func (p *pipes) dial() net.Conn {
	near, far := net.Pipe()
	p.conns <- far
	return near
}

// TestRunCutsOffSlowClients sends requests byte by byte, in the time of synctest.
func TestRunCutsOffSlowClients(t *testing.T) {
	tests := []struct {
		name, sent string
		within     time.Duration
		status     int // 0: closed without an answer
	}{
		{"a header that never ends", "GET / HTTP/1.1\r\nX: ", 10 * time.Second, 0},
		{"a request line that never ends", "GET /", 10 * time.Second, 400},
		{"a body that never ends", "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n",
			60 * time.Second, 400},
		{"a header without measure", "GET / HTTP/1.1\r\nX: " + strings.Repeat("x", 80<<10), time.Second, 431},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newPipes()
				s, _ := newServer(t, web.Options{Listener: l})
				s.Echo.POST("/body", func(c echo.Context) error {
					_, err := io.Copy(io.Discard, c.Request().Body)
					return err
				})
				s.Open()
				stop, ended := run(t, s)
				conn := l.dial()
				var client sync.WaitGroup
				client.Go(func() {
					_, err := io.WriteString(conn, test.sent)
					for err == nil {
						time.Sleep(time.Second)
						_, err = conn.Write([]byte("x"))
					}
				})
				start := time.Now()
				status := 0
				r := bufio.NewReader(conn)
				if w, err := http.ReadResponse(r, nil); err == nil {
					status = w.StatusCode
				}
				if took := time.Since(start); status != test.status || took > test.within+time.Second {
					t.Errorf("status %d after %s, want %d within %s", status, took, test.status, test.within)
				}
				_ = conn.Close()
				client.Wait()
				stop()
				if err := <-ended; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestRunCutsOffAfterGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		s, log := newServer(t, web.Options{Listener: l, Grace: 5 * time.Second})
		s.Echo.GET("/endless", func(c echo.Context) error {
			<-c.Request().Context().Done()
			return c.Request().Context().Err()
		})
		s.Open()
		stop, ended := run(t, s)
		conn := l.dial()
		if _, err := io.WriteString(conn, "GET /endless HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		start := time.Now()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("Run ended after %s", took)
		}
		if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the connection ended with %v", err)
		}
		synctest.Wait()
		if !strings.Contains(log.String(), "requests cut off") {
			t.Error("the log does not tell that requests were cut off")
		}
	})
}
