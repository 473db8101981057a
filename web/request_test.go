package web_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/web"
)

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// from answers a request from the address peer, which a test with a real connection cannot choose.
func from(h http.Handler, peer string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/who", nil)
	r.RemoteAddr = peer
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestClientAddress(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t, web.Options{TrustedProxies: []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8"),
	}})
	s.Echo.GET("/who", func(c echo.Context) error {
		return c.String(http.StatusOK, web.ClientAddress(c.Request().Context()).String()+" "+c.RealIP())
	})
	const header = "X-Forwarded-For"
	tests := []struct {
		name, peer string
		forwarded  []string
		want       string
	}{
		{"no proxy", "198.51.100.7:1234", nil, "198.51.100.7"},
		{"a client that writes the header itself", "198.51.100.7:1234", []string{"203.0.113.9"}, "198.51.100.7"},
		{"a proxy that is not trusted, though private", "192.168.0.1:1", []string{"203.0.113.9"}, "192.168.0.1"},
		{"a loopback peer is no trusted proxy", "127.0.0.1:1", []string{"203.0.113.9"}, "127.0.0.1"},
		{"a trusted proxy", "10.0.0.1:1", []string{"203.0.113.9"}, "203.0.113.9"},
		{"a trusted proxy by IPv6", "[fd00::1]:1", []string{"2001:db8::9"}, "2001:db8::9"},
		{"a trusted proxy on a socket that maps IPv4", "[::ffff:10.0.0.1]:1", []string{"203.0.113.9"}, "203.0.113.9"},
		{"what the client wrote left of its own address", "10.0.0.1:1",
			[]string{"10.0.0.9, 1.2.3.4, 203.0.113.9"}, "203.0.113.9"},
		{"a chain of trusted proxies", "10.0.0.1:1", []string{"203.0.113.9, 10.0.0.3,10.0.0.2"}, "203.0.113.9"},
		{"a chain in several headers", "10.0.0.1:1", []string{"1.2.3.4", "203.0.113.9", "10.0.0.2"}, "203.0.113.9"},
		{"only trusted proxies", "10.0.0.1:1", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"an entry that is no address ends the walk", "10.0.0.1:1",
			[]string{"203.0.113.9, unknown, 10.0.0.2"}, "10.0.0.2"},
		{"an empty header", "10.0.0.1:1", []string{""}, "10.0.0.1"},
		{"ports behind the addresses", "10.0.0.1:1", []string{"203.0.113.9:4711, [fd00::2]:80"}, "203.0.113.9"},
		{"a bracketed address and a zone", "10.0.0.1:1", []string{"[fe80::1%eth0]"}, "fe80::1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var headers []string
			for _, value := range test.forwarded {
				headers = append(headers, header, value)
			}
			headers = append(headers, "X-Real-Ip", "8.8.8.8", "Forwarded", "for=8.8.8.8")
			if got := from(s.Echo, test.peer, headers...).Body.String(); got != test.want+" "+test.want {
				t.Errorf("client %s, want %s", got, test.want)
			}
		})
	}
	if got := web.ClientAddress(context.Background()); got.IsValid() {
		t.Errorf("outside a request the client is %s", got)
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t, web.Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	s.Echo.GET("/who", func(c echo.Context) error {
		return c.String(http.StatusOK, web.RequestID(c.Request().Context()))
	})
	tests := []struct {
		name, peer, sent string
		kept             bool
	}{
		{"made when none is sent", "10.0.0.1:1", "", false},
		{"kept from a trusted proxy", "10.0.0.1:1", "edge-0123.4567_89", true},
		{"not kept from anyone else", "198.51.100.7:1", "edge-0123.4567_89", false},
		{"not kept when it could be markup", "10.0.0.1:1", "<b>0123456</b>", false},
		{"not kept when it is long", "10.0.0.1:1", strings.Repeat("a", 65), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := from(s.Echo, test.peer, "X-Request-Id", test.sent)
			got := w.Header().Get("X-Request-Id")
			if got != w.Body.String() {
				t.Errorf("the header says %q, the context %q", got, w.Body.String())
			}
			if test.kept && got != test.sent {
				t.Errorf("id %q, want %q", got, test.sent)
			}
			if !test.kept && !uuid.MatchString(got) {
				t.Errorf("id %q is no UUIDv7", got)
			}
		})
	}
	first, second := from(s.Echo, "10.0.0.1:1"), from(s.Echo, "10.0.0.1:1")
	if first.Body.String() == second.Body.String() {
		t.Error("two requests have the same id")
	}
	if got := web.RequestID(context.Background()); got != "" {
		t.Errorf("outside a request the id is %q", got)
	}
}

func TestLog(t *testing.T) {
	t.Parallel()
	const person = "anna@example.com"
	s, log := newServer(t, web.Options{})
	handlers := map[string]echo.HandlerFunc{
		"fine":     func(c echo.Context) error { return c.String(http.StatusOK, "12345") },
		"wrong":    func(echo.Context) error { return model.Conflictf("email", "%s is taken.", person) },
		"down":     func(echo.Context) error { return unavailable("Away.", errText("connection refused")) },
		"internal": func(echo.Context) error { return errText("disk on fire") },
		"panic":    func(echo.Context) error { panic("index out of range") },
		"gone":     func(c echo.Context) error { return c.Request().Context().Err() },
	}
	for name, handler := range handlers {
		s.Echo.GET("/"+name+"/:token", handler)
	}
	tests := []struct {
		path  string
		want  map[string]any
		stack bool
	}{
		{"/fine/", map[string]any{"level": "INFO", "route": "/fine/:token", "status": 200., "bytes": 5.}, false},
		{"/wrong/", map[string]any{"level": "INFO", "route": "/wrong/:token", "status": 409.}, false},
		{"/down/", map[string]any{"level": "WARN", "route": "/down/:token", "status": 503.,
			"error": "Away.: connection refused"}, false},
		{"/internal/", map[string]any{"level": "ERROR", "route": "/internal/:token", "status": 500.,
			"error": "disk on fire"}, false},
		{"/panic/", map[string]any{"level": "ERROR", "route": "/panic/:token", "status": 500.,
			"error": "panic: index out of range"}, true},
		{"/gone/", map[string]any{"level": "INFO", "route": "/gone/:token", "status": 499.}, false},
		{"/nowhere/", map[string]any{"level": "INFO", "route": "", "status": 404.}, false},
	}
	for i, test := range tests {
		t.Run(test.path, func(t *testing.T) {
			r := httptest.NewRequest("GET", test.path+"hunter2secret?email="+person, nil)
			r.Header.Set("User-Agent", person)
			r.Header.Set("Authorization", "Bearer hunter2secret")
			if test.path == "/gone/" {
				ctx, cancel := context.WithCancel(r.Context())
				cancel()
				r = r.WithContext(ctx)
			}
			w := httptest.NewRecorder()
			s.Echo.ServeHTTP(w, r)
			lines := log.lines(t)
			if len(lines) != i+1 {
				t.Fatalf("%d lines after %d requests", len(lines), i+1)
			}
			got := lines[i]
			stack, _ := got["stack"].(string)
			if test.stack != strings.Contains(stack, "request_test.go") {
				t.Errorf("stack: %q", stack)
			}
			if duration, ok := got["duration"].(float64); !ok || duration <= 0 {
				t.Errorf("duration %v", got["duration"])
			}
			if test.want["bytes"] == nil {
				delete(got, "bytes")
			}
			for _, name := range []string{"time", "duration", "stack"} {
				delete(got, name)
			}
			test.want["msg"], test.want["method"] = "request", "GET"
			test.want["request"] = w.Header().Get("X-Request-Id")
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, never := range []string{person, "anna", "hunter2secret", "192.0.2.1"} {
		if strings.Contains(log.String(), never) {
			t.Errorf("the log contains %q", never)
		}
	}
}
