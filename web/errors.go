package web

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"rollcall/model"
)

// Status is the HTTP status of each kind of error for pages and JSON. SCIM and OAuth have others.
func Status(k model.Kind) int {
	switch k {
	case model.Invalid:
		return http.StatusBadRequest
	case model.NotFound:
		return http.StatusNotFound
	case model.Conflict, model.Stale, model.Full:
		return http.StatusConflict
	case model.Denied:
		return http.StatusForbidden
	case model.TooLarge:
		return http.StatusRequestEntityTooLarge
	case model.Busy, model.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// Failure is an error as it is answered.
type Failure struct {
	Status    int    // 400 to 599
	Field     string // the input that is wrong, as model.Error names it; often empty
	Message   string // a sentence that may be shown; never empty
	Reference string // the id of the request, for the user to quote and the operator to look up
	Err       error  // what the handler returned; its text is never shown
}

// Renderer writes a failure in the form of one protocol. The status, Retry-After where the kind of
// the error asks for it, and Allow with 405 are decided before, and it may change them.
type Renderer func(c echo.Context, f Failure) error

// Errors has render answer every error on the paths below the prefixes, whoever raises it: the
// router for want of a route or a method, the middleware, a panic or a handler. A prefix ends at a
// slash: /scim takes /scim and /scim/v2 and leaves /scimitar. The one added last goes first.
func Errors(e *echo.Echo, render Renderer, prefixes ...string) {
	next := e.HTTPErrorHandler
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		if below(c.Request().URL.Path, prefixes) {
			answer(c, err, render)
			return
		}
		next(err, c)
	}
}

func below(path string, prefixes []string) bool {
	for _, p := range prefixes {
		p = strings.TrimSuffix(p, "/")
		if rest, ok := strings.CutPrefix(path, p); ok && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}

// brokenRender is where answer leaves a renderer's own error for the log.
const brokenRender = "web.broken"

// answer writes the failure by render, and a bare 500 when that cannot.
func answer(c echo.Context, err error, render Renderer) {
	if c.Response().Committed {
		return
	}
	f := describe(c.Request().Context(), err)
	// What the handler prepared was meant for another body.
	h := c.Response().Header()
	for _, name := range []string{echo.HeaderContentType, echo.HeaderContentLength,
		echo.HeaderContentEncoding, echo.HeaderContentDisposition, echo.HeaderLastModified, "Etag"} {
		h.Del(name)
	}
	h.Set(echo.HeaderCacheControl, "no-store")
	if wait := retryAfter(err); wait != "" {
		h.Set(echo.HeaderRetryAfter, wait)
	}
	broken := contained(func() error { return render(c, f) })
	if broken == nil {
		return
	}
	c.Set(brokenRender, broken)
	if !c.Response().Committed {
		h.Del(echo.HeaderContentType)
		_ = c.String(http.StatusInternalServerError, "Internal error. Reference: "+f.Reference+"\n")
	}
}

// statusAbandoned is nginx's status, which nobody reads, for a client that did not wait.
const statusAbandoned = 499

// describe finds the status and the words for an error. Of an echo.HTTPError only the status is
// used, for its message may come from a decoder and speak of Go types.
func describe(ctx context.Context, err error) Failure {
	f := Failure{Status: http.StatusInternalServerError, Reference: RequestID(ctx), Err: err}
	known, isKnown := errors.AsType[*model.Error](err)
	if isKnown {
		f.Status = Status(known.Kind)
		if known.Kind != model.Internal {
			f.Field, f.Message = known.Field, known.Message
		}
	}
	// The outer one of the two decides: a handler says more with a status around a model.Error, or
	// with a model.Error around what the router or a decoder said.
	bare, isBare := errors.AsType[*echo.HTTPError](err)
	if isBare && !(isKnown && errors.As(known.Err, new(*echo.HTTPError))) {
		f.Status = bare.Code
	}
	if f.Status < 400 || f.Status > 599 {
		f.Status = http.StatusInternalServerError
	}
	// A handler that takes the end of a body cut off here for a mistake in it is corrected.
	if errors.As(err, new(*http.MaxBytesError)) && !(isKnown && known.Kind == model.TooLarge) {
		f.Status, f.Field, f.Message = http.StatusRequestEntityTooLarge, "", ""
	}
	if _, ok := errors.AsType[*panicked](err); !ok && f.Status >= 500 && ctx.Err() != nil {
		f.Status, f.Message = statusAbandoned, ""
	}
	if f.Message == "" {
		f.Message = wording(f.Status).text
	}
	return f
}

// retryAfter is how many seconds help: a lock is soon free, a database takes a while to return.
func retryAfter(err error) string {
	switch model.KindOf(err) {
	case model.Busy:
		return "1"
	case model.Unavailable:
		return "5"
	}
	return ""
}

// words are what a page says about a status.
type words struct{ title, text string }

var wordings = map[int]words{
	http.StatusBadRequest:            {"Not understood", "The request cannot be understood. Go back and check what was entered."},
	http.StatusUnauthorized:          {"Sign in first", "This needs a sign-in, or the one there was has ended."},
	http.StatusForbidden:             {"Not allowed", "You are signed in, but not allowed to do this. Ask an administrator of your organization."},
	http.StatusNotFound:              {"Nothing here", "There is nothing at this address. Check the link, or ask whoever gave it to you for a new one."},
	http.StatusMethodNotAllowed:      {"Not possible here", "This address does not take that kind of request."},
	http.StatusRequestTimeout:        {"Too slow", "The request took too long to arrive. Send it again."},
	http.StatusConflict:              {"Not possible now", "This collides with what is already there. Reload the page and look at it again."},
	http.StatusRequestEntityTooLarge: {"Too large", "The request is larger than this server takes. Send less at once."},
	http.StatusUnsupportedMediaType:  {"Wrong type", "This address does not take content of that type."},
	http.StatusTooManyRequests:       {"Too many requests", "Too many requests came at once. Wait a little and try again."},
	http.StatusServiceUnavailable:    {"Back in a moment", "The server cannot do this at the moment. Try again shortly."},
	statusAbandoned:                  {"Abandoned", "The connection was closed before there was an answer."},
}

func wording(status int) words {
	if w, ok := wordings[status]; ok {
		return w
	}
	if status >= 500 {
		return words{"Something went wrong", "The mistake is on our side and was recorded. " +
			"Try again; if it stays, send the reference to whoever runs this server."}
	}
	return words{"Refused", "The server did not take this request."}
}
