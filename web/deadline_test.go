package web_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/urgent"
	"rollcall/web"
)

// Each request ends in its time, with 503 and never with 500, whatever its handler makes of the end
// of its context.
func TestRequestsHaveDeadlines(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]time.Duration{
		"/sso/profile":            5 * time.Second,
		"/sso/session":            5 * time.Second,
		"/oauth2/userinfo":        5 * time.Second,
		"/oauth2/token":           5 * time.Second,
		"/sso/authorize":          15 * time.Second,
		"/login":                  15 * time.Second,
		"/console/organizations":  15 * time.Second,
		"/scim/v2/directory_1/Us": 25 * time.Second,
		"/scim/v2/d/Bulk":         60 * time.Second,
		"/scim/v2/d/bulk":         60 * time.Second,
		"/scim":                   25 * time.Second,
		"/Bulk":                   25 * time.Second,
		"/directories":            25 * time.Second,
		"/":                       25 * time.Second,
	} {
		for name, failure := range map[string]func(error) error{
			"as it is": func(err error) error { return err },
			"as a failure of the server": func(err error) error {
				return echo.NewHTTPError(500, "broken").SetInternal(err)
			},
			"as what cannot be done now": func(err error) error {
				return &model.Error{Kind: model.Unavailable, Message: "the database is away", Err: err}
			},
		} {
			t.Run(path+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s, _ := newServer(t, web.Options{})
					s.Echo.GET(path, func(c echo.Context) error {
						ctx := c.Request().Context()
						<-ctx.Done()
						return failure(ctx.Err())
					})
					begun, w := time.Now(), httptest.NewRecorder()
					s.Echo.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
					if took := time.Since(begun); took != want {
						t.Errorf("answered after %v, want %v", took, want)
					}
					if w.Code != 503 || w.Header().Get("Retry-After") != "5" {
						t.Errorf("status %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
					}
				})
			})
		}
	}
}

// What lets people sign in, and the question whether the server is ready, go on while the database
// is busy with other work.
func TestUrgentRequests(t *testing.T) {
	t.Parallel()
	var marked bool
	look := func(ctx context.Context) error { marked = urgent.Is(ctx); return nil }
	s, _ := newServer(t, web.Options{Ready: look})
	for path, want := range map[string]bool{
		"/sso/profile": true, "/sso/session": true, "/readyz": true, "/oauth2/userinfo": true,
		"/oauth2/token": false, "/sso/token": false, "/users": false, "/scim/v2/d/Users": false,
	} {
		if path != "/readyz" {
			s.Echo.GET(path, func(c echo.Context) error { return look(c.Request().Context()) })
		}
		marked = !want
		s.Echo.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
		if marked != want {
			t.Errorf("%s is urgent: %v, want %v", path, marked, want)
		}
	}
}
