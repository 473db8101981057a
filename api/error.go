package api

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/web"
)

// problem is one input that was refused.
type problem struct {
	Field   string `json:"field"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// The codes of problems. The code is all that the reference's node SDK shows of a problem, so that
// the code of a refused field contains the field's name: invalid_name.
const (
	codeRequired = "required"
	codeTaken    = "taken"
)

func codeInvalid(field string) string { return "invalid_" + strings.ReplaceAll(field, ".", "_") }

// invalid is refused input whose problems were found before the store was called.
type invalid struct{ problems []problem }

func (e *invalid) Error() string {
	messages := make([]string, len(e.problems))
	for i, p := range e.problems {
		messages[i] = p.Message
	}
	return strings.Join(messages, "; ")
}

// Unwrap returns a model.Error, for which package web knows the status.
func (e *invalid) Unwrap() error { return model.Invalidf(e.problems[0].Field, "%s", e.Error()) }

func invalidf(field, format string, args ...any) *invalid {
	return &invalid{[]problem{{field, codeInvalid(field), fmt.Sprintf(format, args...)}}}
}

// coded is an error whose status and code the reference defines.
type coded struct {
	status int
	code   string
	err    error
}

func (e *coded) Error() string { return e.err.Error() }
func (e *coded) Unwrap() error { return e.err }

// errorObject is the JSON form of an error.
type errorObject struct {
	Message string    `json:"message"`
	Code    string    `json:"code"`
	Errors  []problem `json:"errors"`
}

// renderError is the web.Renderer of the API. The reference answers 422 to invalid input, and 400
// only where it says so.
func renderError(c echo.Context, f web.Failure) error {
	o := errorObject{Message: texts[f.Status], Errors: []problem{}}
	if o.Message == "" {
		o.Message = f.Message
	}
	known, isKnown := errors.AsType[*model.Error](f.Err)
	if isKnown && known.Kind != model.Internal {
		o.Message = known.Message
		if known.Kind == model.Invalid && f.Status == http.StatusBadRequest {
			f.Status = http.StatusUnprocessableEntity
		}
		if known.Kind == model.NotFound {
			o.Code = "entity_not_found"
		}
		if known.Field != "" {
			code := codeInvalid(known.Field)
			if known.Kind == model.Conflict {
				code = codeTaken
			}
			o.Errors = append(o.Errors, problem{known.Field, code, known.Message})
		}
	}
	if input, ok := errors.AsType[*invalid](f.Err); ok {
		o.Errors = input.problems
	}
	if area, ok := notServed[firstSegment(c.Request().URL.Path)]; ok && f.Status == http.StatusNotFound {
		o.Code = "not_served"
		o.Message = fmt.Sprintf("Rollcall does not serve the reference's %s; docs/application.md has the calls that "+
			"it serves", area)
	}
	if o.Code == "" {
		o.Code = codes[f.Status]
	}
	if fixed, ok := errors.AsType[*coded](f.Err); ok {
		f.Status, o.Code = fixed.status, fixed.code
	}
	switch f.Status {
	case http.StatusUnauthorized:
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, "Bearer") // RFC 6750, section 3
	case http.StatusInternalServerError:
		o.Message += " Reference: " + f.Reference
	}
	return c.JSON(f.Status, o)
}

// notServed are the parts of the reference that this server does not have, by the first segments of
// their paths.
var notServed = map[string]string{
	"agents": "Agents", "api_keys": "API Keys", "audit_logs": "Audit Logs", "auth": "Multi-Factor Authentication",
	"authkit": "AuthKit", "authorization": "Authorization, except the roles of an organization", "client": "Client API",
	"connect": "Connect", "data-integrations": "Pipes", "feature-flags": "Feature Flags", "fga": "FGA", "mfa": "MFA",
	"passwordless": "Passwordless", "platform": "Platform", "radar": "Radar", "user_management": "User Management",
	"vault": "Vault", "waitlists": "Waitlists", "widgets": "Widgets",
}

// codes are the codes of errors for which the reference defines none.
var codes = map[int]string{
	http.StatusBadRequest:            "invalid_request",
	http.StatusUnauthorized:          "unauthorized",
	http.StatusForbidden:             "forbidden",
	http.StatusNotFound:              "not_found",
	http.StatusMethodNotAllowed:      "method_not_allowed",
	http.StatusConflict:              "conflict",
	http.StatusRequestEntityTooLarge: "too_large",
	http.StatusUnsupportedMediaType:  "unsupported_media_type",
	http.StatusUnprocessableEntity:   "invalid_request_parameters",
	http.StatusTooManyRequests:       "rate_limited",
	http.StatusServiceUnavailable:    "unavailable",
	http.StatusInternalServerError:   "internal_error",
}

// texts are the messages of errors that have none of their own.
var texts = map[int]string{
	http.StatusBadRequest:            "the request cannot be read",
	http.StatusNotFound:              "there is nothing at this path; compare it with the API's reference",
	http.StatusMethodNotAllowed:      "this path does not take that method; the Allow header lists those it takes",
	http.StatusRequestEntityTooLarge: "the request body is too large; send less at once",
	http.StatusTooManyRequests:       "too many requests at once; wait as long as Retry-After says",
	http.StatusServiceUnavailable:    "the server cannot do this now; nothing was changed, try again soon",
	http.StatusInternalServerError:   "the server failed and has recorded why; send its operator this reference.",
}

// fieldOf returns the input that an error of the store is about.
func fieldOf(err error) string {
	if known, ok := errors.AsType[*model.Error](err); ok {
		return known.Field
	}
	return ""
}
