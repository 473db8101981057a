package web

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"rollcall/model/lasting"
)

// last makes the answer to a request that writes wait until a failover undoes nothing of what it
// rests on. Most such requests write, and their commit has waited. One that finds nothing to change
// is told so when the standby has what it saw. It is the innermost middleware, and holds the answer
// back where its status is written, whoever writes it.
func (s *Server) last(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		ctx, _ := lasting.Begin(c.Request().Context())
		c.SetRequest(c.Request().WithContext(ctx))
		if s.options.Lasts != nil && s.mayWrite(c) {
			w := c.Response()
			held := &heldAnswer{ResponseWriter: w.Writer, of: w,
				lasts: func() error { return s.options.Lasts(ctx) }}
			w.Writer = held
			c.Set(heldKey, held)
		}
		return next(c)
	}
}

// mayWrite tells whether a request is one that changes something: by its method, or because the
// route uses something up by GET. Some questions are sent with POST as well.
func (s *Server) mayWrite(c echo.Context) bool {
	switch r := c.Request(); r.Method {
	case http.MethodHead, http.MethodOptions, http.MethodTrace:
		return false
	case http.MethodGet:
		return s.opened.Load() && s.usedUp[c.Path()] // before Open there are health checks only
	default:
		return r.URL.Path != userinfoPath && !strings.HasSuffix(r.URL.Path, "/.search")
	}
}

// restsOnState tells whether an answer with the status tells the client that things are as they
// should be, or that something is there or gone. A refusal for another reason promises nothing, and
// strangers get most of those.
func restsOnState(status int) bool {
	switch status {
	case http.StatusNotFound, http.StatusConflict, http.StatusGone, http.StatusPreconditionFailed:
		return true
	}
	return status < 400
}

// heldKey is the key of the heldAnswer of a request.
const heldKey = "web.held"

// heldAnswer is the writer of an answer that must last.
type heldAnswer struct {
	http.ResponseWriter
	of    *echo.Response
	lasts func() error
	begun bool
	err   error // why the answer was not written
}

// Unwrap is for http.ResponseController.
func (h *heldAnswer) Unwrap() http.ResponseWriter { return h.ResponseWriter }

// WriteHeader waits, and then writes the status. What follows is dropped if the answer may not
// last.
func (h *heldAnswer) WriteHeader(status int) {
	if !h.begun && status >= 200 && restsOnState(status) {
		h.begun = true
		if h.err = h.lasts(); h.err != nil {
			h.of.Status = http.StatusServiceUnavailable
		}
	}
	if h.err == nil {
		h.ResponseWriter.WriteHeader(status)
	}
}

// Write writes a part of the answer.
func (h *heldAnswer) Write(b []byte) (int, error) {
	if h.err != nil {
		return len(b), nil
	}
	return h.ResponseWriter.Write(b)
}

// dropped returns why an answer was not written, and makes room for another.
func dropped(c echo.Context) error {
	held, _ := c.Get(heldKey).(*heldAnswer)
	if held == nil || held.err == nil {
		return nil
	}
	err := held.err
	held.err = nil
	w := c.Response()
	w.Committed, w.Size = false, 0
	for _, name := range []string{echo.HeaderLocation, echo.HeaderSetCookie} {
		w.Header().Del(name)
	}
	return err
}
