package web

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// onlyGET is the name of a route that HEAD must not reach.
const onlyGET = "only GET"

// OnlyGET marks a route whose GET uses something up: HEAD is a question, and must not answer a
// login or a logout.
func OnlyGET(r *echo.Route) { r.Name = onlyGET }

// headKey marks a request that came as HEAD.
const headKey = "rollcall.head"

// IsHEAD reports whether a request that a handler of GET answers came as HEAD.
func IsHEAD(c echo.Context) bool { return c.Get(headKey) != nil }

// answerHEAD adds a route of HEAD for each one of GET that has none: every server supports both
// (RFC 9110, section 9.1), and link checkers and monitors ask by it. The answer is that of GET,
// without its content.
func answerHEAD(e *echo.Echo) {
	own := map[string]bool{}
	for _, r := range e.Routes() {
		own[r.Method+r.Path] = true
	}
	for _, r := range e.Routes() {
		if r.Method == http.MethodGet && r.Name != onlyGET && !own[http.MethodHead+r.Path] {
			e.HEAD(r.Path, asGET)
		}
	}
}

// asGET answers HEAD by the handler of GET for the path. net/http leaves the content out, as it
// keeps the request that came.
func asGET(c echo.Context) error {
	came := c.Request()
	asked := came.Clone(came.Context())
	asked.Method = http.MethodGet
	path := asked.URL.RawPath
	if path == "" {
		path = asked.URL.Path
	}
	c.Set(headKey, true)
	c.Echo().Router().Find(http.MethodGet, path, c)
	c.SetRequest(asked)
	err := c.Handler()(c)
	c.SetRequest(came)
	return err
}
