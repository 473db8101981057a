package scim

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	scimerrors "github.com/elimity-com/scim/errors"
	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/scim/filter"
	"rollcall/scim/patch"
	"rollcall/web"
)

// Refused is the answer to a request that is not carried out (RFC 7644 §3.12).
type Refused struct {
	Status     int                 // 400 to 599
	ScimType   scimerrors.ScimType // empty where the RFC has none for the case
	Detail     string              // says what to change; the client sees it
	RetryAfter time.Duration       // when to try again; 0 if that is not known
	Err        error               // the cause, for the log; the client never sees it
}

// Error is the text for the log.
func (r *Refused) Error() string {
	if r.Err != nil {
		return fmt.Sprintf("%d %s: %v", r.Status, r.ScimType, r.Err)
	}
	return fmt.Sprintf("%d %s: %s", r.Status, r.ScimType, r.Detail)
}

// Unwrap returns the private cause.
func (r *Refused) Unwrap() error { return r.Err }

func refuse(status int, format string, args ...any) error {
	return &Refused{Status: status, Detail: fmt.Sprintf(format, args...)}
}

// fail is the only way out of this package with an error. It gives the error its status, in the
// form that web understands; web logs it if it has to, and has render answer it.
func fail(err error) error {
	r := refused(err)
	return echo.NewHTTPError(r.Status).SetInternal(r)
}

// tooMany returns whether an error is the answer to a directory that sends too much at once.
func tooMany(err error) bool {
	r, ok := errors.AsType[*Refused](err)
	return ok && r.Status == http.StatusTooManyRequests
}

// refused is the answer to an error. It is the one mapping from errors to SCIM.
func refused(err error) *Refused {
	if r, ok := errors.AsType[*Refused](err); ok {
		return r
	}
	r := &Refused{Status: http.StatusInternalServerError, Err: err}
	if e, ok := errors.AsType[*patch.Error](err); ok {
		r.Status, r.ScimType, r.Detail = http.StatusBadRequest, scimerrors.ScimType(e.ScimType), e.Detail
		return r
	}
	if e, ok := errors.AsType[*filter.Error](err); ok {
		r.Status, r.ScimType, r.Detail = http.StatusBadRequest, scimerrors.ScimTypeInvalidFilter, e.Error()
		return r
	}
	if e, ok := errors.AsType[*model.Error](err); ok && e.Kind != model.Internal {
		r.set(e)
	}
	return r
}

// set gives the answer the status and the detail of an error of the model.
func (r *Refused) set(e *model.Error) {
	r.Detail = e.Message
	switch e.Kind {
	case model.Invalid:
		r.Status, r.ScimType = http.StatusBadRequest, scimerrors.ScimTypeInvalidValue
		switch e.Field {
		case "filter":
			r.ScimType = scimerrors.ScimTypeInvalidFilter
		case "cursor":
			r.ScimType = invalidCursor
		}
	case model.NotFound:
		r.Status = http.StatusNotFound
	case model.Conflict:
		r.Status = http.StatusConflict
		if e.Field != "" { // without a field it is not about a value that the client sent
			r.ScimType = scimerrors.ScimTypeUniqueness
		}
	case model.Stale:
		r.Status = http.StatusPreconditionFailed
	case model.Denied:
		r.Status = http.StatusForbidden
		if e.Field == directory.TokenField {
			r.Status, r.Detail = http.StatusUnauthorized,
				"the bearer token is unknown, revoked or expired; create another one for the directory"
		}
	case model.TooLarge:
		r.Status = http.StatusRequestEntityTooLarge
		if e.Field == "filter" { // RFC 7644 §3.4.2.2: more work than the server is willing to do
			r.Status, r.ScimType = http.StatusBadRequest, scimerrors.ScimTypeTooMany
		}
	case model.Busy, model.Unavailable:
		r.Status = http.StatusServiceUnavailable
	case model.Full:
		// Provisioning takes no seat: a directory that gets this has found a fault of ours.
		r.Status, r.Detail = http.StatusInternalServerError, ""
	}
}

// contentType is the media type of every answer (RFC 7644 §8.1).
const contentType = "application/scim+json;charset=utf-8"

// render is the web.Renderer of all paths of SCIM. An error that did not come through fail is one
// of the router, of the middleware or a panic.
func render(c echo.Context, f web.Failure) error {
	r, ok := errors.AsType[*Refused](f.Err)
	if !ok || r.Status != f.Status {
		r = &Refused{Status: f.Status, Detail: f.Message}
		if f.Status == http.StatusNotFound {
			r.Detail = "there is nothing here; the base URL of a directory is " + root + "/ and the directory's id"
		}
	}
	if r.RetryAfter > 0 {
		c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(int(math.Ceil(r.RetryAfter.Seconds()))))
	}
	body, err := r.body(f.Reference)
	if err != nil {
		return err
	}
	return c.Blob(r.Status, contentType, body)
}

// body is the answer as JSON.
func (r *Refused) body(reference string) ([]byte, error) {
	answer := scimerrors.ScimError{Status: r.Status, ScimType: r.ScimType, Detail: r.Detail}
	if r.Status == http.StatusInternalServerError {
		answer.Detail = "internal error; its reference for the operator of this server is " + reference
	}
	body, err := answer.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("render error: %w", err)
	}
	return body, nil
}
