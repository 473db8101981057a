package sso

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/organization"
	"rollcall/model/signon"
	"rollcall/web"
)

// tokenError is an error of the endpoints that applications call (RFC 6749, section 5.2). The
// reference answers all of them with status 400.
type tokenError struct {
	status            int
	code, description string
	ending            *signon.Ending // why a token has ended; nil where that is not told
}

func (e *tokenError) Error() string { return e.code + ": " + e.description }

// Unwrap returns the status. By the status the log distinguishes errors of a client from errors of
// this server.
func (e *tokenError) Unwrap() error { return echo.NewHTTPError(e.status) }

func badRequest(code, description string) error {
	return &tokenError{http.StatusBadRequest, code, description, nil}
}

// renderOAuthError is the web.Renderer of the endpoints that applications call.
func renderOAuthError(c echo.Context, f web.Failure) error {
	answer := map[string]string{"error": "invalid_request", "error_description": f.Message}
	known, isKnown := errors.AsType[*tokenError](f.Err)
	switch {
	case isKnown:
		f.Status, answer["error"], answer["error_description"] = known.status, known.code, known.description
		if known.ending != nil {
			answer["reason"] = known.ending.Reason
			if known.ending.Event != "" {
				answer["event_id"] = known.ending.Event
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
	if f.Status == http.StatusUnauthorized {
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, `Bearer error="invalid_token"`) // RFC 6750, section 3
	}
	return c.JSON(f.Status, answer)
}

// maxTokenRequest is the longest body that an application may send, in bytes.
const maxTokenRequest = 64 << 10

// parameters reads a form, or a JSON object of strings.
func parameters(c echo.Context) (url.Values, error) {
	r := c.Request()
	text, err := io.ReadAll(http.MaxBytesReader(c.Response(), r.Body, maxTokenRequest))
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
		return nil, badRequest("invalid_request",
			"send the parameters as a form or as a JSON object, with its Content-Type")
	}
	if err != nil {
		return nil, badRequest("invalid_request", "the body cannot be read as its Content-Type says")
	}
	for name, v := range values {
		if len(v) > 1 {
			return nil, badRequest("invalid_request", name+" is sent twice")
		}
	}
	return values, nil
}

// tokenAnswer is the reference's SsoTokenResponse.
type tokenAnswer struct {
	TokenType   string                `json:"token_type"`
	AccessToken string                `json:"access_token"`
	ExpiresIn   int64                 `json:"expires_in"` // seconds
	Profile     *signon.ProfileObject `json:"profile"`
}

// token exchanges a code.
func (s *Server) token(c echo.Context) error {
	if query := c.Request().URL.Query(); query.Has("client_secret") || query.Has("code") {
		// URLs are written into logs.
		return badRequest("invalid_request",
			"send client_id, client_secret and code in the body, not in the URL; make a new key, since this one has "+
				"been in a URL")
	}
	values, err := parameters(c)
	if err != nil {
		return err
	}
	application, err := s.client(c, values.Get("client_id"), values.Get("client_secret"))
	if err != nil {
		return err
	}
	switch {
	case values.Get("grant_type") != "authorization_code":
		return badRequest("unsupported_grant_type", "grant_type must be authorization_code")
	case values.Get("code") == "":
		return badRequest("invalid_request", "code is missing")
	}
	r := signon.Redemption{ApplicationID: application, Code: values.Get("code"),
		CodeVerifier: values.Get("code_verifier")}
	if values.Has("redirect_uri") {
		uri := values.Get("redirect_uri")
		r.RedirectURI = &uri
	}
	ctx := c.Request().Context()
	in, token, err := signon.Across(s.Store).RedeemCode(ctx, r)
	if known, ok := errors.AsType[*model.Error](err); ok && known.Kind == model.Invalid {
		return badRequest("invalid_grant", known.Message)
	}
	if err != nil {
		return err
	}
	profile, err := signon.In(s.Store.Org(in.Session.OrganizationID, model.System)).Profile(ctx, in)
	if err != nil {
		return err
	}
	left := (in.Session.ExpiresAt - model.TimeOf(s.Store.Now())) / 1000
	return c.JSON(http.StatusOK, tokenAnswer{"Bearer", token, int64(left), profile})
}

// client authenticates an application by its API key, which is its client_secret. The operator's
// bootstrap key is not accepted.
func (s *Server) client(c echo.Context, id, secret string) (application string, err error) {
	refused := badRequest("invalid_client",
		"client_id or client_secret is wrong; the secret is an API key (sk_…) of the application that client_id names")
	key, _, err := organization.Across(s.Store).APIKey(c.Request().Context(), secret)
	if model.KindOf(err) == model.Denied {
		return "", refused
	}
	if err != nil {
		return "", err
	}
	own := model.ApplicationPrefix.ID(key.ApplicationID)
	if subtle.ConstantTimeCompare([]byte(own), []byte(model.Trimmed(id))) != 1 {
		return "", refused
	}
	return key.ApplicationID, nil
}

// errUnauthorized is the error for a request without a token. It has the words of the reference,
// which does not use invalid_token.
var errUnauthorized error = &tokenError{http.StatusUnauthorized, "Unauthorized",
	"send the access token as Authorization: Bearer rc_at_…", nil}

// unauthorized is the error for a token of an application or of a browser that is not good. It says
// why a token has ended, and says nothing more about one that never was.
func (s *Server) unauthorized(c echo.Context, token, unknown string) error {
	ending, err := signon.Across(s.Store).EndingOf(c.Request().Context(), token)
	if err != nil {
		return err
	}
	if ending == nil {
		return &tokenError{http.StatusUnauthorized, "Unauthorized", unknown, nil}
	}
	return &tokenError{http.StatusUnauthorized, "Unauthorized", "access has ended: " + ending.Reason, ending}
}

// profile shows an application who signed in, as long as the session is live.
func (s *Server) profile(c echo.Context) error {
	ctx := c.Request().Context()
	token := web.Bearer(c.Request().Header)
	if token == "" {
		return errUnauthorized
	}
	in, err := signon.Across(s.Store).SessionByAccessToken(ctx, token)
	if model.KindOf(err) == model.Denied {
		return s.unauthorized(c, token, "the access token is unknown or has ended")
	}
	if err != nil {
		return err
	}
	profile, err := signon.In(s.Store.Org(in.Session.OrganizationID, model.System)).Profile(ctx, in)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, profile)
}

// jwks answers with the keys of an application's ID tokens. This server issues no ID tokens and its
// access tokens are opaque, so the set is empty.
func (s *Server) jwks(c echo.Context) error {
	id, ok := model.ApplicationPrefix.Parse(c.Param("client"))
	if !ok {
		return model.NotFoundf("there is no application %.64q", c.Param("client"))
	}
	if _, err := organization.Across(s.Store).Application(c.Request().Context(), id); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]any{"keys": []any{}})
}
