package web_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/web"
)

// private is a text that no answer may contain.
const private = "SELECT secret FROM users"

func errText(text string) error { return errors.New(text) }

func unavailable(message string, cause error) error {
	return &model.Error{Kind: model.Unavailable, Message: message, Err: cause}
}

// failures are the ways in which a handler fails, by the last segment of its path.
var failures = map[string]func(c echo.Context) error{
	"plain":    func(echo.Context) error { return errText(private) },
	"panic":    func(echo.Context) error { panic(private) },
	"internal": func(echo.Context) error { return &model.Error{Message: private, Err: errText(private)} },
	"wrapped": func(echo.Context) error {
		return fmt.Errorf("%s: %w", private, model.Invalidf("name", "The name is empty; give one."))
	},
	"conflict": func(echo.Context) error {
		return &model.Error{Kind: model.Conflict, Field: "name", Message: "The name is taken.", Err: errText(private)}
	},
	"busy":   func(echo.Context) error { return &model.Error{Kind: model.Busy, Message: "Somebody else writes."} },
	"down":   func(echo.Context) error { return unavailable("The database does not answer.", errText(private)) },
	"bare":   func(echo.Context) error { return echo.NewHTTPError(http.StatusTooManyRequests, private) },
	"teapot": func(echo.Context) error { return echo.NewHTTPError(http.StatusTeapot, private) },
	"status-of-its-own": func(echo.Context) error {
		return echo.NewHTTPError(http.StatusUnauthorized, private).SetInternal(model.Deniedf("The key is not known."))
	},
	"around-a-decoder": func(echo.Context) error {
		return &model.Error{Kind: model.Invalid, Message: "The body is no JSON.", Err: echo.NewHTTPError(415, private)}
	},
	"impossible-status": func(echo.Context) error { return echo.NewHTTPError(200, private) },
	"prepared-another-answer": func(c echo.Context) error {
		c.Response().Header().Set("Content-Type", "text/csv")
		c.Response().Header().Set("Cache-Control", "public")
		c.Response().Header().Set("Content-Disposition", "attachment")
		return errText(private)
	},
	"body": func(c echo.Context) error {
		if _, err := io.ReadAll(c.Request().Body); err != nil {
			return fmt.Errorf("read: %w", err)
		}
		return c.NoContent(http.StatusNoContent)
	},
	"body-taken-for-json": func(c echo.Context) error {
		var v any
		if err := json.NewDecoder(c.Request().Body).Decode(&v); err != nil {
			return &model.Error{Kind: model.Invalid, Message: "The body is no JSON.", Err: err}
		}
		return c.NoContent(http.StatusNoContent)
	},
}

// shout is a renderer of its own.
func shout(protocol string) web.Renderer {
	return func(c echo.Context, f web.Failure) error {
		return c.String(f.Status, fmt.Sprintf("%s %d %s|%s", protocol, f.Status, f.Field, f.Message))
	}
}

// TestErrors has every failure answered by the default renderer, by the renderer of a prefix, and
// by that of a prefix inside it.
func TestErrors(t *testing.T) {
	t.Parallel()
	s, log := newServer(t, web.Options{BodyLimit: 1000})
	for name, handler := range failures {
		for _, prefix := range []string{"/scim/v2", "/scim/oauth2", "/page"} {
			s.Echo.POST(prefix+"/"+name, handler)
		}
	}
	s.Echo.GET("/broken/error", func(echo.Context) error { return model.Invalidf("", "Bad.") })
	s.Echo.GET("/broken/panic", func(echo.Context) error { return model.Invalidf("", "Bad.") })
	web.Errors(s.Echo, shout("scim"), "/scim/")
	web.Errors(s.Echo, shout("oauth"), "/scim/oauth2", "/elsewhere")
	web.Errors(s.Echo, func(echo.Context, web.Failure) error { return errText("cannot render") }, "/broken/error")
	web.Errors(s.Echo, func(echo.Context, web.Failure) error { panic("cannot render") }, "/broken/panic")
	server := serve(t, s.Echo)

	const (
		ours = "The mistake is on our side and was recorded. Try again; if it stays, send the reference to whoever " +
			"runs this server."
		none = "There is nothing at this address. Check the link, or ask whoever gave it to you for a new one."
	)
	big := strings.Repeat(" ", 1001)
	chunked := func() io.Reader { return io.MultiReader(strings.NewReader(big)) }
	tests := []struct {
		name   string
		method string // POST when empty
		path   string
		body   io.Reader
		status int
		text   string // what a renderer of its own says
		header string // one that must be there, as NAME: VALUE
	}{
		{name: "an unknown error", path: "plain", status: 500, text: "|" + ours},
		{name: "a panic", path: "panic", status: 500, text: "|" + ours},
		{name: "an internal error", path: "internal", status: 500, text: "|" + ours},
		{name: "bad input", path: "wrapped", status: 400, text: "name|The name is empty; give one."},
		{name: "a conflict", path: "conflict", status: 409, text: "name|The name is taken."},
		{name: "a lock", path: "busy", status: 503, text: "|Somebody else writes.", header: "Retry-After: 1"},
		{name: "a database that is away", path: "down", status: 503, text: "|The database does not answer.",
			header: "Retry-After: 5"},
		{name: "a bare status", path: "bare", status: 429,
			text: "|Too many requests came at once. Wait a little and try again."},
		{name: "a rare status", path: "teapot", status: 418, text: "|The server did not take this request."},
		{name: "a status around a model.Error", path: "status-of-its-own", status: 401, text: "|The key is not known."},
		{name: "a model.Error around a status", path: "around-a-decoder", status: 400, text: "|The body is no JSON."},
		{name: "a status that is no error", path: "impossible-status", status: 500, text: "|" + ours},
		{name: "an error after headers were set", path: "prepared-another-answer", status: 500, text: "|" + ours,
			header: "Cache-Control: no-store"},
		{name: "no route", path: "nothing/here", status: 404, text: "|" + none},
		{name: "no such method", method: "DELETE", path: "plain", status: 405,
			text: "|This address does not take that kind of request.", header: "Allow: OPTIONS, POST"},
		{name: "a body too large by its length", path: "body", body: strings.NewReader(big), status: 413,
			text: "|The request body is larger than 1000 bytes; send less at once."},
		{name: "a body too large for a handler that does not read it", path: "plain", body: strings.NewReader(big),
			status: 413,
			text:   "|The request body is larger than 1000 bytes; send less at once."},
		{name: "a chunked body too large", path: "body", body: chunked(), status: 413,
			text: "|The request body is larger than 1000 bytes; send less at once."},
		{name: "a chunked body too large, taken for bad input", path: "body-taken-for-json", body: chunked(),
			status: 413,
			text:   "|The request is larger than this server takes. Send less at once."},
	}
	for _, test := range tests {
		if test.method == "" {
			test.method = http.MethodPost
		}
		for prefix, protocol := range map[string]string{"/scim/v2/": "scim", "/scim/oauth2/": "oauth", "/page/": ""} {
			t.Run(test.name+" below "+prefix, func(t *testing.T) {
				body := test.body
				if seeker, ok := body.(io.Seeker); ok {
					_, _ = seeker.Seek(0, io.SeekStart)
				} else if body != nil {
					body = chunked()
				}
				got := do(t, test.method, server.URL+prefix+test.path, body)
				if got.status != test.status {
					t.Errorf("status %d, want %d", got.status, test.status)
				}
				if name, value, ok := strings.Cut(test.header, ": "); ok && got.header.Get(name) != value {
					t.Errorf("%s is %q, want %q", name, got.header.Get(name), value)
				}
				if got.header.Get("Content-Disposition") != "" {
					t.Error("the headers of the answer that was not given stayed")
				}
				if strings.Contains(got.body, private) {
					t.Errorf("the answer tells internals: %s", got.body)
				}
				if protocol != "" {
					if want := fmt.Sprintf("%s %d %s", protocol, test.status, test.text); got.body != want {
						t.Errorf("body %q, want %q", got.body, want)
					}
					return
				}
				_, detail, _ := strings.Cut(test.text, "|")
				checkProblem(t, got, test.status, detail)
			})
		}
	}

	for _, path := range []string{"/broken/error", "/broken/panic"} {
		t.Run("a renderer that fails: "+path, func(t *testing.T) {
			got := do(t, "GET", server.URL+path, nil)
			want := "Internal error. Reference: " + got.header.Get("X-Request-Id") + "\n"
			if got.status != 500 || got.body != want {
				t.Errorf("answer %d %q, want 500 %q", got.status, got.body, want)
			}
		})
	}
	if !strings.Contains(log.String(), "cannot render") {
		t.Error("the log does not tell that a renderer failed")
	}
	t.Run("a prefix ends at a slash", func(t *testing.T) {
		checkProblem(t, do(t, "GET", server.URL+"/scimitar", nil), 404, none)
		if got := do(t, "GET", server.URL+"/scim", nil); got.body != "scim 404 |"+none {
			t.Errorf("the prefix itself answers %q", got.body)
		}
		if got := do(t, "GET", server.URL+"/elsewhere/x", nil); got.body != "oauth 404 |"+none {
			t.Errorf("the second prefix answers %q", got.body)
		}
	})
}

// checkProblem compares with a problem document of RFC 9457.
func checkProblem(t *testing.T, got answer, status int, detail string) {
	t.Helper()
	if kind := got.header.Get("Content-Type"); kind != "application/problem+json" {
		t.Errorf("Content-Type %q", kind)
	}
	var document map[string]any
	if err := json.Unmarshal([]byte(got.body), &document); err != nil {
		t.Fatalf("body %q: %v", got.body, err)
	}
	if document["title"] == "" {
		t.Error("the problem has no title")
	}
	delete(document, "title")
	want := map[string]any{"status": float64(status), "detail": detail, "reference": got.header.Get("X-Request-Id")}
	if diff := cmp.Diff(want, document); diff != "" {
		t.Error(diff)
	}
}

func TestErrorPage(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t, web.Options{})
	s.Echo.GET("/fail", func(echo.Context) error {
		return model.NotFoundf(`There is no "<script>alert(1)</script>".`)
	})
	server := serve(t, s.Echo)
	const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	tests := map[string]bool{
		browser:                               true,
		"text/html":                           true,
		"application/xhtml+xml":               true,
		"text/html;q=0.5, application/json":   false,
		"application/json;q=0.5, text/html":   true,
		"text/html;q=0":                       false,
		"text/html;q=much":                    false,
		"application/scim+json, text/html":    true,
		"application/json":                    false,
		"*/*":                                 false,
		"":                                    false,
		";;;,,,":                              false,
		"text/html;q=0.4, application/*+json": false,
	}
	for accept, page := range tests {
		t.Run("Accept: "+accept, func(t *testing.T) {
			got := do(t, "GET", server.URL+"/fail", nil, "Accept", accept)
			if got.status != 404 || got.header.Get("Vary") != "Accept" {
				t.Errorf("status %d, Vary %q", got.status, got.header.Get("Vary"))
			}
			if !page {
				checkProblem(t, got, 404, `There is no "<script>alert(1)</script>".`)
				return
			}
			if kind := got.header.Get("Content-Type"); kind != "text/html; charset=UTF-8" {
				t.Errorf("Content-Type %q", kind)
			}
			for _, want := range []string{"<!doctype html>", `<html lang="en">`, "<h1>Nothing here</h1>",
				"<title>Nothing here – Rollcall</title>", "&lt;script&gt;", got.header.Get("X-Request-Id")} {
				if !strings.Contains(got.body, want) {
					t.Errorf("the page lacks %q:\n%s", want, got.body)
				}
			}
			for _, never := range []string{"<script>", "<style", "style="} {
				if strings.Contains(got.body, never) {
					t.Errorf("the page has %q, which its policy forbids", never)
				}
			}
		})
	}
}

// TestBrokenOffAnswer expects the client to notice that an answer is incomplete.
func TestBrokenOffAnswer(t *testing.T) {
	t.Parallel()
	s, log := newServer(t, web.Options{})
	s.Echo.GET("/panic", func(c echo.Context) error {
		_ = c.String(http.StatusOK, "first half")
		c.Response().Flush()
		panic(private)
	})
	s.Echo.GET("/error", func(c echo.Context) error {
		_ = c.String(http.StatusOK, "first half")
		return errText(private)
	})
	server := serve(t, s.Echo)
	for _, path := range []string{"/panic", "/error"} {
		t.Run(path, func(t *testing.T) {
			w, err := http.Get(server.URL + path)
			if err != nil {
				return
			}
			defer func() { _ = w.Body.Close() }()
			if text, err := io.ReadAll(w.Body); err == nil {
				t.Errorf("the client takes %q for the whole answer", text)
			}
		})
	}
	if got := strings.Count(log.String(), private); got < 2 {
		t.Errorf("the log has %d of 2 errors:\n%s", got, log.String())
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	want := map[model.Kind]int{
		model.Internal: 500, model.Invalid: 400, model.NotFound: 404, model.Conflict: 409, model.Stale: 409,
		model.Denied: 403, model.Full: 409, model.TooLarge: 413, model.Busy: 503, model.Unavailable: 503,
	}
	for kind := model.Internal; kind <= model.Unavailable; kind++ {
		if got := web.Status(kind); got != want[kind] {
			t.Errorf("kind %d has status %d, want %d", kind, got, want[kind])
		}
	}
}
