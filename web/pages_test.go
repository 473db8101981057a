package web_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/labstack/echo/v4"

	"rollcall/web"
)

func files(pairs ...string) fstest.MapFS {
	all := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		all[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return all
}

func TestPages(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t, web.Options{})
	err := s.Pages.Add(files(
		"users.html", `{{define "title"}}Users{{end}}{{define "content"}}{{template "_row.html" .}}{{end}}`,
		"_row.html", `<td>{{.Name}}</td><link href="{{asset "console.css"}}">`,
		"half.html", `{{define "title"}}Half{{end}}{{define "content"}}first half {{.Missing}}{{end}}`,
		"lost.html", `{{define "title"}}Lost{{end}}{{define "content"}}{{asset "none.css"}}{{end}}`,
	), files("console.css", "td { color: red }"))
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range []string{"users", "half", "lost", "absent"} {
		s.Echo.GET("/"+page, func(c echo.Context) error {
			return s.Pages.Render(c, http.StatusAccepted, page, struct{ Name string }{"<Anna>"})
		})
	}
	server := serve(t, s.Echo)

	t.Run("a page is rendered in the layout, with partials, assets and escaped text", func(t *testing.T) {
		got := do(t, "GET", server.URL+"/users", nil)
		if got.status != http.StatusAccepted {
			t.Errorf("status %d", got.status)
		}
		for _, want := range []string{"<title>Users – Rollcall</title>", "<td>&lt;Anna&gt;</td>",
			`<main id="main" class="centered">`} {
			if !strings.Contains(got.body, want) {
				t.Errorf("the page lacks %q:\n%s", want, got.body)
			}
		}
	})
	for _, page := range []string{"half", "lost", "absent"} {
		t.Run("a page that cannot be rendered is an error and not half a page: "+page, func(t *testing.T) {
			got := do(t, "GET", server.URL+"/"+page, nil)
			if got.status != 500 || strings.Contains(got.body, "first half") {
				t.Errorf("answer %d %s", got.status, got.body)
			}
		})
	}
	t.Run("every asset of a page may be cached forever", func(t *testing.T) {
		body := do(t, "GET", server.URL+"/users", nil).body
		urls := regexp.MustCompile(`/assets/[a-z]+\.[0-9a-f]{16}\.(css|svg)`).FindAllString(body, -1)
		if len(urls) < 3 {
			t.Fatalf("assets %q in:\n%s", urls, body)
		}
		for _, url := range urls {
			for _, method := range []string{"GET", "HEAD"} {
				got := do(t, method, server.URL+url, nil)
				if got.status != 200 || got.header.Get("Cache-Control") != "public, max-age=31536000, immutable" {
					t.Errorf("%s %s: %d, Cache-Control %q", method, url, got.status, got.header.Get("Cache-Control"))
				}
				kind := map[string]string{".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}[url[len(url)-4:]]
				if got.header.Get("Content-Type") != kind {
					t.Errorf("%s: Content-Type %q, want %q", url, got.header.Get("Content-Type"), kind)
				}
			}
		}
	})
	t.Run("an asset by a name without its hash is not there, and that is not cached", func(t *testing.T) {
		for _, path := range []string{"/assets/console.css", "/assets/console.0000000000000000.css",
			"/assets/..%2fweb.go"} {
			got := do(t, "GET", server.URL+path, nil)
			if got.status != 404 || got.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %d, Cache-Control %q", path, got.status, got.header.Get("Cache-Control"))
			}
		}
	})
}

func TestAddRefuses(t *testing.T) {
	t.Parallel()
	const page = `{{define "title"}}{{end}}{{define "content"}}{{end}}`
	tests := map[string]struct {
		templates, assets fstest.MapFS
		want              string
	}{
		"a page whose name is taken": {files("error.html", page), nil, "page error is there already"},
		"a page without content": {files("x.html", `{{define "title"}}{{end}}`), nil,
			"page x.html does not define both"},
		"a page without a title": {files("x.html", `{{define "content"}}{{end}}`), nil,
			"page x.html does not define both"},
		"a page that cannot be read":   {files("x.html", `{{define`), nil, "parse page x.html"},
		"a partial that is broken":     {files("_x.html", `{{define`), nil, "parse partial _x.html"},
		"an asset whose name is taken": {nil, files("rollcall.css", ""), "asset rollcall.css is there already"},
		"an asset of an unknown type":  {nil, files("x.unheard-of", ""), "asset x.unheard-of has an unknown extension"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, _ := newServer(t, web.Options{})
			// A nil map would make an interface that is not nil.
			var err error
			if test.assets == nil {
				err = s.Pages.Add(test.templates, nil)
			} else {
				err = s.Pages.Add(nil, test.assets)
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}
