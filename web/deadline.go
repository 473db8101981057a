package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/model/urgent"
)

// The deadlines of requests. What a request asks of a database that does not answer ends with it,
// and the client is told before it gives up on its own.
const (
	checkTime = 5 * time.Second // whether somebody is signed in, which the application's users wait for
	pageTime  = 15 * time.Second
	callTime  = 25 * time.Second // Okta and Entra wait longer
	bulkTime  = 60 * time.Second
)

// userinfoPath is where an application asks who is signed in, by GET or POST.
const userinfoPath = "/oauth2/userinfo"

// deadline returns how long a request may take, and whether it is urgent.
func deadline(path string) (limit time.Duration, first bool) {
	switch {
	case path == "/sso/profile" || path == "/sso/session" || path == userinfoPath || path == readyPath:
		return checkTime, true
	case below(path, []string{"/oauth2"}):
		return checkTime, false
	case below(path, []string{"/scim"}) && strings.EqualFold(path[strings.LastIndexByte(path, '/'):], "/Bulk"):
		return bulkTime, false
	case below(path, []string{"/sso", "/login", "/password", "/console"}):
		return pageTime, false
	}
	return callTime, false
}

// limitTime gives the request its deadline. It runs outside of what answers errors, because the
// context ends with it.
func limitTime(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		limit, first := deadline(r.URL.Path)
		ctx, cancel := context.WithTimeout(r.Context(), limit)
		defer cancel()
		if first {
			ctx = urgent.Mark(ctx)
		}
		c.SetRequest(r.WithContext(ctx))
		return next(c)
	}
}

// late tells whether a failure that the server caused came of the end of the request's time. Then
// it is 503, and trying again may help.
func late(ctx context.Context, status int) bool {
	return status >= http.StatusInternalServerError && errors.Is(ctx.Err(), context.DeadlineExceeded)
}
