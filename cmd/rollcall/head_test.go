package main

import (
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"rollcall/config"
	"rollcall/model/modeltest"
	"rollcall/model/store"
	"rollcall/web"
)

// TestHEADStandsWhereverGETDoes walks every route of the program (RFC 9110, section 9.1). HEAD
// answers as GET does, without its content, except where GET uses something up.
func TestHEADStandsWhereverGETDoes(t *testing.T) {
	t.Parallel()
	w, err := web.New(web.Options{Log: slog.New(slog.DiscardHandler), PublicURL: "http://127.0.0.1:8080"})
	if err != nil {
		t.Fatal(err)
	}
	s := server{config: config.Config{APIKey: testKey, PublicURL: &url.URL{Scheme: "http", Host: "127.0.0.1:8080"}},
		log: slog.New(slog.DiscardHandler)}
	s.mount(w, modeltest.Open(t, modeltest.SQLite(t), store.Options{}))
	w.Open()
	base := serveHTTP(t, w)
	onlyGET := []string{"/sso/oidc/:connection/callback", "/sso/oidc/:connection/logout", "/sso/saml/:connection/slo",
		"/sso/saml/:connection/test", "/sso/oidc/:connection/test", "/oauth2/logout"}
	walked := 0
	for _, route := range w.Echo.Routes() {
		if route.Method != http.MethodGet || strings.HasSuffix(route.Path, "/*") {
			continue
		}
		walked++
		path := base + strings.NewReplacer(":connection", "conn_x", ":", "").Replace(route.Path)
		get, head := request(t, http.MethodGet, path, testKey, ""), request(t, http.MethodHead, path, testKey, "")
		want := get.status
		if slices.Contains(onlyGET, route.Path) {
			want = http.StatusMethodNotAllowed
		}
		if head.status != want || head.body != "" {
			t.Errorf("HEAD %s: %d with %d bytes, and GET %d", route.Path, head.status, len(head.body), get.status)
		}
	}
	if walked < 50 {
		t.Errorf("only %d routes of GET", walked)
	}
}
