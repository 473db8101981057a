package web_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"rollcall/web"
)

// ofAssets finds the assets that a page names.
var ofAssets = regexp.MustCompile(`/assets/[a-z]+\.[0-9a-f]{16}\.[a-z]+`)

// TestTextsAreCompressed asks for an asset as clients do that take gzip and that do not.
func TestTextsAreCompressed(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t, web.Options{})
	server := serve(t, s.Echo)
	page := do(t, "GET", server.URL+"/nothing", nil, "Accept", "text/html").body
	found := ofAssets.FindAllString(page, -1)
	if len(found) != 5 { // the icon twice
		t.Fatalf("assets %q", found)
	}
	style := regexp.MustCompile(`/assets/rollcall\.[0-9a-f]+\.css`).FindString(page)
	plain := do(t, "GET", server.URL+style, nil, "Accept-Encoding", "identity")
	for accept, compressed := range map[string]bool{
		"gzip": true, "deflate, gzip;q=0.5": true, "br, GZIP ; q=1": true, "*": true, "gzip, *;q=0": true,
		"x-gzip": true,
		"":       false, "br": false, "gzip;q=0": false, "*;q=0": false, "gzip;q=0, *": false, "gzip;q=much": false,
		"identity": false,
	} {
		got := do(t, "GET", server.URL+style, nil, "Accept-Encoding", accept)
		if got.status != 200 || got.header.Get("Vary") != "Accept-Encoding" ||
			got.header.Get("Content-Type") != "text/css; charset=utf-8" ||
			got.header.Get("Content-Encoding") == "gzip" != compressed {
			t.Errorf("Accept-Encoding %q: %d %v", accept, got.status, got.header)
			continue
		}
		body := got.body
		if compressed {
			if len(body) > len(plain.body)/3 {
				t.Errorf("%d bytes of %d", len(body), len(plain.body))
			}
			body = unzipped(t, body)
		}
		if body != plain.body {
			t.Errorf("Accept-Encoding %q: another text", accept)
		}
	}
}

func unzipped(t *testing.T, body string) string {
	t.Helper()
	r, err := gzip.NewReader(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestFirstVisitIsSmall adds up a page and all that it names. A later visit has the page alone,
// since browsers keep the assets.
func TestFirstVisitIsSmall(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t, web.Options{})
	server := serve(t, s.Echo)
	page := do(t, "GET", server.URL+"/nothing", nil, "Accept", "text/html")
	sum := len(page.body)
	for _, name := range ofAssets.FindAllString(page.body, -1) {
		got := do(t, "GET", server.URL+name, nil, "Accept-Encoding", "gzip")
		if got.status != http.StatusOK || !strings.Contains(got.header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d, Cache-Control %q", name, got.status, got.header.Get("Cache-Control"))
		}
		sum += len(got.body)
	}
	if sum > 100<<10 {
		t.Errorf("%d bytes", sum)
	}
	t.Logf("%d bytes, %d of them the page", sum, len(page.body))
}
