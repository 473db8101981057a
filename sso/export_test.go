package sso

import (
	"log/slog"
	"testing"

	"github.com/labstack/echo/v4"

	"rollcall/model/store"
	"rollcall/web"
)

// Routes are those that a Server mounts.
func Routes(t testing.TB, store *store.Store) []*echo.Route {
	t.Helper()
	ground, err := web.New(web.Options{})
	if err != nil {
		t.Fatal(err)
	}
	before := map[string]bool{}
	for _, r := range ground.Echo.Routes() {
		before[r.Method+r.Path] = true
	}
	if err := (&Server{Store: store, Pages: ground.Pages, PublicURL: "https://rollcall.example",
		Log: slog.New(slog.DiscardHandler)}).Mount(ground.Echo); err != nil {
		t.Fatal(err)
	}
	var out []*echo.Route
	for _, r := range ground.Echo.Routes() {
		if !before[r.Method+r.Path] {
			out = append(out, r)
		}
	}
	return out
}
