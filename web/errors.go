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

// Renderer writes a failure in the form of one protocol. It may change what is set before it runs:
// the status, Retry-After for some kinds of errors, and Allow with status 405.
type Renderer func(c echo.Context, f Failure) error

// Errors makes render answer every error on the paths below the prefixes. Such an error comes from
// a handler, from a panic, from the middleware, or from the router when it finds no route or
// method. A prefix ends at a slash: /scim matches /scim and /scim/v2, but not /scimitar. When two
// calls have matching prefixes, the later call decides.
func Errors(e *echo.Echo, render Renderer, prefixes ...string) {
	ErrorsWhere(e, render, func(r *http.Request) bool { return below(r.URL.Path, prefixes) })
}

// ErrorsWhere is Errors for the requests to which applies.
func ErrorsWhere(e *echo.Echo, render Renderer, applies func(r *http.Request) bool) {
	next := e.HTTPErrorHandler
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		if applies(c.Request()) {
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

// brokenRender is the key under which answer keeps an error of the renderer for the log.
const brokenRender = "web.broken"

// answer writes the failure with render, and a bare 500 when render fails.
func answer(c echo.Context, err error, render Renderer) {
	if c.Response().Committed {
		return
	}
	f := describe(c.Request().Context(), err)
	// These headers of the handler describe a body that is not sent.
	h := c.Response().Header()
	for _, name := range []string{echo.HeaderContentType, echo.HeaderContentLength,
		echo.HeaderContentEncoding, echo.HeaderContentDisposition, echo.HeaderLastModified, "Etag"} {
		h.Del(name)
	}
	h.Set(echo.HeaderCacheControl, "no-store")
	wait := retryAfter(err)
	if wait == "" && late(c.Request().Context(), f.Status) {
		wait = unavailableWait
	}
	if wait != "" {
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

// statusAbandoned is nginx's status for a client that closed its connection before the answer.
const statusAbandoned = 499

// describe finds the status and the message of an error. It does not use the message of an
// echo.HTTPError, which may come from a decoder and contain the names of Go types.
func describe(ctx context.Context, err error) Failure {
	f := Failure{Status: http.StatusInternalServerError, Reference: RequestID(ctx), Err: err}
	known, isKnown := errors.AsType[*model.Error](err)
	if isKnown {
		f.Status = Status(known.Kind)
		if known.Kind != model.Internal {
			f.Field, f.Message = known.Field, known.Message
		}
	}
	// When a model.Error and an echo.HTTPError wrap each other, the outer one decides, because the
	// handler added it on purpose.
	bare, isBare := errors.AsType[*echo.HTTPError](err)
	if isBare && !(isKnown && errors.As(known.Err, new(*echo.HTTPError))) {
		f.Status = bare.Code
	}
	if f.Status < 400 || f.Status > 599 {
		f.Status = http.StatusInternalServerError
	}
	// A handler may report a body that was cut off at the limit as malformed. It was too large.
	if errors.As(err, new(*http.MaxBytesError)) && !(isKnown && known.Kind == model.TooLarge) {
		f.Status, f.Field, f.Message = http.StatusRequestEntityTooLarge, "", ""
	}
	if _, ok := errors.AsType[*panicked](err); !ok && f.Status >= 500 && ctx.Err() != nil {
		switch {
		case !late(ctx, f.Status):
			f.Status, f.Message = statusAbandoned, ""
		case f.Status != http.StatusServiceUnavailable:
			f.Status, f.Message = http.StatusServiceUnavailable, ""
		}
	}
	if f.Message == "" {
		f.Message = wording(f.Status).text
	}
	return f
}

// retryAfter is the value of the Retry-After header, in seconds. A lock is free again soon; a
// database that is down needs longer.
func retryAfter(err error) string {
	if IsCrowded(err) {
		return "1"
	}
	switch model.KindOf(err) {
	case model.Busy:
		return "1"
	case model.Unavailable:
		return unavailableWait
	}
	return ""
}

// unavailableWait is when to try again what could not be done now, in seconds.
const unavailableWait = "5"

// words are the title and the text of a page about a status.
type words struct{ title, text string }

var wordings = map[int]words{
	http.StatusBadRequest: {"Not understood",
		"The request cannot be understood. Go back and check what was entered."},
	http.StatusUnauthorized: {"Sign in first", "This needs a sign-in, or the one there was has ended."},
	http.StatusForbidden: {"Not allowed",
		"You are signed in, but not allowed to do this. Ask an administrator of your organization."},
	http.StatusNotFound: {"Nothing here",
		"There is nothing at this address. Check the link, or ask whoever gave it to you for a new one."},
	http.StatusMethodNotAllowed: {"Not possible here", "This address does not take that kind of request."},
	http.StatusRequestTimeout:   {"Too slow", "The request took too long to arrive. Send it again."},
	http.StatusConflict: {"Not possible now",
		"This collides with what is already there. Reload the page and look at it again."},
	http.StatusRequestEntityTooLarge: {"Too large", "The request is larger than this server takes. Send less at once."},
	http.StatusUnsupportedMediaType:  {"Wrong type", "This address does not take content of that type."},
	http.StatusTooManyRequests: {"Too many requests",
		"Too many requests came at once. Wait a little and try again."},
	http.StatusServiceUnavailable: {"Back in a moment", "The server cannot do this at the moment. Try again shortly."},
	statusAbandoned:               {"Abandoned", "The connection was closed before there was an answer."},
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
