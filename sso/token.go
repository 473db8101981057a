package sso

import (
	"crypto/subtle"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/organization"
	"rollcall/model/signon"
	"rollcall/sso/provider"
	"rollcall/web"
)

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
		return provider.Refused("invalid_request",
			"send client_id, client_secret and code in the body, not in the URL; make a new key, since this one has "+
				"been in a URL")
	}
	values, err := provider.Parameters(c)
	if err != nil {
		return err
	}
	application, err := s.client(c, values.Get("client_id"), values.Get("client_secret"))
	if err != nil {
		return err
	}
	switch {
	case values.Get("grant_type") != "authorization_code":
		return provider.Refused("unsupported_grant_type", "grant_type must be authorization_code")
	case values.Get("code") == "":
		return provider.Refused("invalid_request", "code is missing")
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
		return provider.Refused("invalid_grant", known.Message)
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
	refused := provider.Refused("invalid_client",
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
var errUnauthorized error = &provider.Error{Status: http.StatusUnauthorized, Code: "Unauthorized",
	Description: "send the access token as Authorization: Bearer rc_at_…"}

// unauthorized is the error for a token of an application or of a browser that is not good. It says
// why a token has ended, and says nothing more about one that never was.
func (s *Server) unauthorized(c echo.Context, token, unknown string) error {
	ending, err := signon.Across(s.Store).EndingOf(c.Request().Context(), token)
	if err != nil {
		return err
	}
	if ending == nil {
		return &provider.Error{Status: http.StatusUnauthorized, Code: "Unauthorized", Description: unknown}
	}
	return &provider.Error{Status: http.StatusUnauthorized, Code: "Unauthorized",
		Description: "access has ended: " + ending.Reason, Ending: ending}
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

// jwks answers with the keys of an application's ID tokens, which are those of all applications.
func (s *Server) jwks(c echo.Context) error {
	id, ok := model.ApplicationPrefix.Parse(c.Param("client"))
	if !ok {
		return model.NotFoundf("there is no application %.64q", c.Param("client"))
	}
	if _, err := organization.Across(s.Store).Application(c.Request().Context(), id); err != nil {
		return err
	}
	return s.openID.KeySet(c)
}
