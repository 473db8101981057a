package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"rollcall/model"
	"rollcall/web"
)

// record is a log that a test can read while the server writes to it.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// lines are the entries of the log with the message "request".
func (r *record) lines(t *testing.T) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range strings.Lines(r.String()) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("log line %q: %v", line, err)
		}
		if entry["msg"] == "request" {
			all = append(all, entry)
		}
	}
	return all
}

func newServer(t *testing.T, o web.Options) (*web.Server, *record) {
	t.Helper()
	log := &record{}
	o.Log = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s, err := web.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s, log
}

// serve starts a server with the handler on a loopback address.
func serve(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server
}

// answer is an answer as a client receives it.
type answer struct {
	status int
	header http.Header
	body   string
}

func do(t *testing.T, method, url string, body io.Reader, header ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Body.Close() }()
	text, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{w.StatusCode, w.Header, string(text)}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	var problem error
	s, log := newServer(t, web.Options{Ready: func(ctx context.Context) error {
		if _, ok := ctx.Deadline(); !ok {
			t.Error("the check is given no time limit")
		}
		return problem
	}})
	server := serve(t, s.Echo)
	tests := []struct {
		name, method, path string
		problem            error
		status             int
		body               string
	}{
		{"alive", "GET", "/healthz", nil, 200, `{"status":"ok"}`},
		{"alive although not ready", "GET", "/healthz", errText(private), 200, `{"status":"ok"}`},
		{"alive by HEAD", "HEAD", "/healthz", nil, 200, ""},
		{"ready", "GET", "/readyz", nil, 200, `{"status":"ok"}`},
		{"not ready for a reason that may be told", "GET", "/readyz",
			unavailable("The database does not answer.", errText(private)),
			503, `{"status":"unavailable","reason":"The database does not answer."}`},
		{"not ready for an internal reason", "GET", "/readyz", errText(private),
			503, `{"status":"unavailable","reason":"The server cannot do its work at the moment."}`},
		{"not ready for an internal reason with a message", "GET", "/readyz", &model.Error{Message: private},
			503, `{"status":"unavailable","reason":"The server cannot do its work at the moment."}`},
		{"not ready by HEAD", "HEAD", "/readyz", errText(private), 503, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			problem = test.problem
			got := do(t, test.method, server.URL+test.path, nil)
			if got.status != test.status || strings.TrimSpace(got.body) != test.body {
				t.Errorf("answer %d %s, want %d %s", got.status, got.body, test.status, test.body)
			}
			if cache := got.header.Get("Cache-Control"); cache != "no-store" {
				t.Errorf("Cache-Control %q", cache)
			}
		})
	}
	if !strings.Contains(log.String(), private) {
		t.Error("the log does not tell the operator why the server is not ready")
	}
	for _, line := range log.lines(t) {
		if line["level"] != "DEBUG" {
			t.Errorf("a probe fills the log: %v", line)
		}
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	always := map[string]string{
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "DENY",
		"Referrer-Policy":              "same-origin",
		"Permissions-Policy":           "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Cache-Control":                "no-store",
	}
	for publicURL, hsts := range map[string]string{
		"https://id.example.com": "max-age=31536000",
		"http://127.0.0.1:8080":  "",
	} {
		t.Run(publicURL, func(t *testing.T) {
			s, _ := newServer(t, web.Options{PublicURL: publicURL})
			server := serve(t, s.Echo)
			for _, path := range []string{"/healthz", "/nothing/here"} {
				got := do(t, "GET", server.URL+path, nil).header
				for name, want := range always {
					if got.Get(name) != want {
						t.Errorf("%s: %s is %q, want %q", path, name, got.Get(name), want)
					}
				}
				if got.Get("Strict-Transport-Security") != hsts {
					t.Errorf("%s: Strict-Transport-Security is %q, want %q", path,
						got.Get("Strict-Transport-Security"), hsts)
				}
				policy := got.Get("Content-Security-Policy")
				for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"} {
					if !strings.Contains(policy, want) {
						t.Errorf("%s: policy %q lacks %s", path, policy, want)
					}
				}
				if strings.Contains(policy, "unsafe") {
					t.Errorf("%s: policy %q lets inline code run", path, policy)
				}
			}
		})
	}
}
