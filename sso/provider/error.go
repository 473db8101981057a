package provider

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"rollcall/model/signon"
	"rollcall/web"
)

// Error is an error of the endpoints that applications call (RFC 6749, section 5.2).
type Error struct {
	Status            int
	Code, Description string
	Challenge         string         // the header WWW-Authenticate; see RenderError
	Ending            *signon.Ending // why a token has ended; nil where that is not told
}

// Error names the code and the description.
func (e *Error) Error() string { return e.Code + ": " + e.Description }

// Unwrap returns the status. By the status the log distinguishes errors of a client from errors of
// this server.
func (e *Error) Unwrap() error { return echo.NewHTTPError(e.Status) }

// Refused returns an Error with status 400.
func Refused(code, description string) error {
	return &Error{Status: http.StatusBadRequest, Code: code, Description: description}
}

// RenderError is the web.Renderer of the endpoints that applications call.
func RenderError(c echo.Context, f web.Failure) error {
	answer := map[string]string{"error": "invalid_request", "error_description": f.Message}
	challenge := `Bearer error="invalid_token"` // RFC 6750, section 3
	known, isKnown := errors.AsType[*Error](f.Err)
	switch {
	case isKnown:
		f.Status, answer["error"], answer["error_description"] = known.Status, known.Code, known.Description
		if known.Challenge != "" {
			challenge = known.Challenge
		}
		if known.Ending != nil {
			answer["reason"] = known.Ending.Reason
			if known.Ending.Event != "" {
				answer["event_id"] = known.Ending.Event
			}
		}
	case f.Status == http.StatusServiceUnavailable:
		answer["error"] = "temporarily_unavailable"
	case f.Status == http.StatusNotFound:
		answer = map[string]string{"message": f.Message}
	case f.Status >= http.StatusInternalServerError:
		answer["error"] = "server_error"
		answer["error_description"] += " Reference: " + f.Reference
	}
	if f.Status == http.StatusUnauthorized || isKnown && known.Challenge != "" {
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, challenge)
	}
	return c.JSON(f.Status, answer)
}

// maxRequest is the longest body that an application may send, in bytes.
const maxRequest = 64 << 10

// Form reads the parameters of a form.
func Form(c echo.Context) (url.Values, error) {
	kind, _, _ := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType))
	if kind != echo.MIMEApplicationForm {
		return nil, Refused("invalid_request", "send the parameters as a form, with its Content-Type")
	}
	return Parameters(c)
}

// Parameters reads a form, or a JSON object of strings.
func Parameters(c echo.Context) (url.Values, error) {
	r := c.Request()
	text, err := io.ReadAll(http.MaxBytesReader(c.Response(), r.Body, maxRequest))
	if err != nil {
		return nil, err
	}
	values := url.Values{}
	kind, _, _ := mime.ParseMediaType(r.Header.Get(echo.HeaderContentType))
	switch kind {
	case echo.MIMEApplicationForm:
		values, err = url.ParseQuery(string(text))
	case echo.MIMEApplicationJSON:
		var members map[string]any
		err = json.Unmarshal(text, &members)
		for name, v := range members {
			if s, ok := v.(string); ok {
				values.Set(name, s)
			}
		}
	default:
		return nil, Refused("invalid_request",
			"send the parameters as a form or as a JSON object, with its Content-Type")
	}
	if err != nil {
		return nil, Refused("invalid_request", "the body cannot be read as its Content-Type says")
	}
	for name, v := range values {
		if len(v) > 1 {
			return nil, Refused("invalid_request", name+" is sent twice")
		}
	}
	return values, nil
}
