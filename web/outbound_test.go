package web_test

import (
	"compress/gzip"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"rollcall/model"
	"rollcall/web"
)

// names answers every DNS question with the addresses that lookup gives for its name.
func names(t *testing.T, lookup func(name string) []string) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		packet := make([]byte, 1500)
		for {
			n, peer, err := conn.ReadFrom(packet)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(packet[:n]) != nil {
				continue
			}
			m.Response, m.Additionals = true, nil
			q := m.Questions[0]
			for _, text := range lookup(strings.ToLower(strings.TrimSuffix(q.Name.String(), "."))) {
				if q.Type == dnsmessage.TypeA {
					m.Answers = append(m.Answers, dnsmessage.Resource{
						Header: dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET},
						Body:   &dnsmessage.AResource{A: netip.MustParseAddr(text).As4()},
					})
				}
			}
			if answer, err := m.Pack(); err == nil {
				_, _ = conn.WriteTo(answer, peer)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// target is a server of the internal network that counts its requests.
type target struct {
	*httptest.Server
	hits atomic.Int32
	port string
}

func newTarget(t *testing.T, ip string, secure bool, handler http.HandlerFunc) *target {
	t.Helper()
	tg := &target{}
	tg.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tg.hits.Add(1)
		handler(w, r)
	}))
	l, err := net.Listen("tcp", net.JoinHostPort(ip, "0"))
	if err != nil {
		t.Fatal(err)
	}
	_ = tg.Listener.Close()
	tg.Listener = l
	if secure {
		tg.StartTLS()
	} else {
		tg.Start()
	}
	t.Cleanup(tg.Close)
	_, tg.port, _ = net.SplitHostPort(l.Addr().String())
	return tg
}

func hello(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }

// fetch gets a URL with the client of an Outbound.
func fetch(t *testing.T, client *http.Client, url string) (string, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	w, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = w.Body.Close() }()
	text, err := io.ReadAll(w.Body)
	return string(text), err
}

func TestOutbound(t *testing.T) {
	t.Parallel()
	secure := newTarget(t, "127.0.0.1", true, hello)
	plain := newTarget(t, "127.0.0.1", false, hello)
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	resolver := names(t, func(name string) []string {
		return map[string][]string{
			// The certificate of httptest is for example.com and its sub-domains.
			"example.com":          {"127.0.0.1"},
			"metadata.example.com": {"169.254.169.254"},
			"public.example.com":   {"8.8.8.8"},
			"twice.example.com":    {"127.0.0.9", "127.0.0.1"},
		}[name]
	})
	const nowhere, loopback, one = "", "127.0.0.0/8", "127.0.0.1/32"
	tests := []struct {
		allow, url string
		ok         bool
	}{
		{loopback, "https://127.0.0.1:SECURE/", true},
		{loopback, "https://example.com:SECURE/", true},
		{loopback, "http://127.0.0.1:PLAIN/", true},
		{loopback, "http://example.com:PLAIN/", true},
		{one, "https://twice.example.com:SECURE/", true},
		{one, "https://[::ffff:127.0.0.1]:SECURE/", true},

		{nowhere, "https://127.0.0.1:SECURE/", false},
		{nowhere, "https://example.com:SECURE/", false},
		{nowhere, "https://EXAMPLE.com.:SECURE/", false},
		{nowhere, "https://twice.example.com:SECURE/", false},
		{nowhere, "https://localhost:SECURE/", false},
		{nowhere, "https://0.0.0.0:SECURE/", false},
		{nowhere, "https://[::]:SECURE/", false},
		{nowhere, "https://[::1]:SECURE/", false},
		{nowhere, "https://[::ffff:127.0.0.1]:SECURE/", false},
		{nowhere, "https://[::ffff:7f00:1]:SECURE/", false},
		{nowhere, "https://metadata.example.com/", false},
		{nowhere, "http://169.254.169.254/latest/meta-data/", false},
		{nowhere, "http://127.0.0.1:PLAIN/", false},
		{nowhere, "http://example.com:PLAIN/", false},
		{nowhere, "http://8.8.8.8:PLAIN/", false},
		{nowhere, "http://public.example.com:PLAIN/", false},
		{loopback, "http://public.example.com:PLAIN/", false},
		{loopback, "https://metadata.example.com/", false},
		{"127.0.0.2/32", "https://127.0.0.1:SECURE/", false},
		{loopback, "https://anna:secret@127.0.0.1:SECURE/", false},
		{loopback, "https://anna@127.0.0.1:SECURE/", false},
		{loopback, "ftp://127.0.0.1:PLAIN/", false},
		{loopback, "file:///etc/passwd", false},
		{loopback, "127.0.0.1", false},
	}
	ports := strings.NewReplacer("SECURE", secure.port, "PLAIN", plain.port)
	for _, test := range tests {
		t.Run(fmt.Sprintf("%s with %q allowed", test.url, test.allow), func(t *testing.T) {
			o := web.OutboundOptions{Resolver: resolver, Roots: roots}
			if test.allow != "" {
				o.Allow = []netip.Prefix{netip.MustParsePrefix(test.allow)}
			}
			before := secure.hits.Load() + plain.hits.Load()
			got, err := fetch(t, web.NewOutbound(o).Client(), ports.Replace(test.url))
			if test.ok {
				if err != nil || got != "hello" {
					t.Errorf("got %q, %v", got, err)
				}
				return
			}
			if model.KindOf(err) != model.Invalid {
				t.Errorf("got %q, %v; want a refusal", got, err)
			}
			if secure.hits.Load()+plain.hits.Load() != before {
				t.Error("the request reached the server")
			}
			if known, ok := errors.AsType[*model.Error](err); ok && strings.ContainsAny(known.Message, "0123456789") {
				t.Errorf("the message tells an address: %s", known.Message)
			}
		})
	}
}

// TestOutboundRebinding has a name whose address is public when it is checked and private when it
// is used.
func TestOutboundRebinding(t *testing.T) {
	t.Parallel()
	inside := newTarget(t, "127.0.0.1", true, hello)
	var moved atomic.Bool
	resolver := names(t, func(string) []string {
		if moved.Load() {
			return []string{"127.0.0.1"}
		}
		return []string{"8.8.8.8"}
	})
	if first, err := resolver.LookupHost(t.Context(), "rebind.example.com"); err != nil || first[0] != "8.8.8.8" {
		t.Fatalf("first look-up: %v, %v", first, err)
	}
	moved.Store(true)
	client := web.NewOutbound(web.OutboundOptions{Resolver: resolver}).Client()
	if _, err := fetch(t, client, "https://rebind.example.com:"+inside.port); model.KindOf(err) != model.Invalid {
		t.Errorf("error %v, want a refusal", err)
	}
	if inside.hits.Load() != 0 {
		t.Error("the request reached the server")
	}
}

func TestOutboundRedirects(t *testing.T) {
	t.Parallel()
	inside := newTarget(t, "127.0.0.2", false, hello)
	plain := newTarget(t, "127.0.0.1", false, hello)
	var self *target
	self = newTarget(t, "127.0.0.1", true, func(w http.ResponseWriter, r *http.Request) {
		switch left := r.URL.Query().Get("left"); {
		case r.URL.Query().Get("to") != "":
			http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusFound)
		case left != "":
			http.Redirect(w, r, self.URL+"/?left="+left[1:], http.StatusFound)
		default:
			hello(w, r)
		}
	})
	roots := x509.NewCertPool()
	roots.AddCert(self.Certificate())
	o := web.NewOutbound(
		web.OutboundOptions{Roots: roots, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	unguarded := o.Client()
	unguarded.CheckRedirect = func(*http.Request, []*http.Request) error { return nil }
	tests := []struct {
		name   string
		client *http.Client
		query  string
		ok     bool
	}{
		{"three are followed", o.Client(), "left=xxx", true},
		{"four are not", o.Client(), "left=xxxx", false},
		{"to an address that is not allowed", o.Client(), "to=" + url.QueryEscape("https://127.0.0.2:"+inside.port),
			false},
		{"to an address that is not allowed, by a caller's own rule", unguarded,
			"to=" + url.QueryEscape(inside.URL), false},
		{"from https to http", o.Client(), "to=" + url.QueryEscape(plain.URL), false},
		{"to a user", o.Client(), "to=" + url.QueryEscape(strings.Replace(self.URL, "//", "//anna@", 1)), false},
		{"to a file", o.Client(), "to=" + url.QueryEscape("file:///etc/passwd"), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := fetch(t, test.client, self.URL+"/?"+test.query)
			if test.ok != (err == nil) || test.ok != (got == "hello") {
				t.Errorf("got %q, %v", got, err)
			}
			if !test.ok && model.KindOf(err) != model.Invalid {
				t.Errorf("error %v, want a refusal", err)
			}
		})
	}
	if inside.hits.Load()+plain.hits.Load() != 0 {
		t.Error("a redirect reached a server that it must not reach")
	}
}

func TestOutboundLimits(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	var cookies atomic.Int32
	server := newTarget(t, "127.0.0.1", false, func(w http.ResponseWriter, r *http.Request) {
		cookies.Add(int32(len(r.Cookies())))
		http.SetCookie(w, &http.Cookie{Name: "tracker", Value: "1"})
		switch r.URL.Path {
		case "/1000":
			_, _ = io.WriteString(w, strings.Repeat("x", 1000))
		case "/1001":
			_, _ = io.WriteString(w, strings.Repeat("x", 1001))
		case "/endless":
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, strings.Repeat("x", 100)); err != nil {
					return
				}
			}
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = io.WriteString(z, strings.Repeat("x", 1<<20))
			_ = z.Close()
		case "/hang":
			<-release
		case "/stall":
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			<-release
		}
	})
	defer close(release)
	options := web.OutboundOptions{MaxBytes: 1000, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	client := web.NewOutbound(options).Client()
	t.Run("an answer as large as allowed", func(t *testing.T) {
		if got, err := fetch(t, client, server.URL+"/1000"); len(got) != 1000 || err != nil {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	})
	for _, path := range []string{"/1001", "/endless", "/bomb"} {
		t.Run("an answer too large: "+path, func(t *testing.T) {
			got, err := fetch(t, client, server.URL+path)
			if len(got) > 1000 || model.KindOf(err) != model.TooLarge {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
	options.Timeout = 100 * time.Millisecond
	client = web.NewOutbound(options).Client()
	for _, path := range []string{"/hang", "/stall"} {
		t.Run("a server that is too slow: "+path, func(t *testing.T) {
			_, err := fetch(t, client, server.URL+path)
			if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() {
				t.Errorf("error %v, want a timeout", err)
			}
		})
	}
	if cookies.Load() != 0 {
		t.Error("a cookie came back")
	}
}
