package provider

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/grant"
	"rollcall/model/organization"
	"rollcall/web"
)

// The grants (RFC 6749, section 1.3).
const (
	grantCode    = "authorization_code"
	grantRefresh = "refresh_token"
)

// tokenAnswer is the answer with tokens (RFC 6749, section 5.1).
type tokenAnswer struct {
	TokenType   string `json:"token_type"`
	AccessToken string `json:"access_token"`
	ExpiresIn   int64  `json:"expires_in"` // seconds
	Scope       string `json:"scope"`
	IDToken     string `json:"id_token,omitempty"`

	RefreshToken string `json:"refresh_token,omitempty"`
}

// asked reads a request of a client, and who the client is. Its parameters may not be in the
// address: addresses are written into logs.
func (s *Server) asked(c echo.Context) (*organization.Application, url.Values, error) {
	if c.Request().URL.RawQuery != "" {
		return nil, nil, Refused("invalid_request", "send the parameters in the body, not in the address")
	}
	form, err := Form(c)
	if err != nil {
		return nil, nil, err
	}
	a, err := s.client(c, form)
	return a, form, err
}

// token exchanges a code or a refresh token.
func (s *Server) token(c echo.Context) error {
	application, form, err := s.asked(c)
	if err != nil {
		return err
	}
	var tokens *grant.Tokens
	switch form.Get("grant_type") {
	case "":
		return Refused("invalid_request", "grant_type is missing")
	case grantCode:
		tokens, err = s.redeem(c, application, form)
	case grantRefresh:
		tokens, err = s.refresh(c, application, form)
	default:
		return Refused("unsupported_grant_type", "grant_type must be "+grantCode+" or "+grantRefresh)
	}
	switch {
	case errors.Is(err, grant.ErrScope):
		return Refused("invalid_scope", describe(grant.ErrScope))
	case errors.Is(err, grant.ErrGrant):
		return Refused("invalid_grant", "this cannot be exchanged: "+describe(grant.ErrGrant))
	case err != nil:
		return err
	}
	return s.answer(c, application, tokens)
}

// describe is the text of an error of the model.
func describe(err error) string {
	known, _ := errors.AsType[*model.Error](err)
	return known.Message
}

// redeem exchanges a code.
func (s *Server) redeem(
	c echo.Context, a *organization.Application, form url.Values,
) (*grant.Tokens, error) {
	for _, name := range []string{"code", "redirect_uri"} {
		if form.Get(name) == "" {
			return nil, Refused("invalid_request", name+" is missing")
		}
	}
	if form.Has("code_verifier") && !validVerifier(form.Get("code_verifier")) {
		return nil, Refused("invalid_request", "code_verifier has 43 to 128 letters, digits and -._~")
	}
	return grant.Across(s.Store).Redeem(c.Request().Context(), grant.Redemption{ApplicationID: a.ID,
		Code: form.Get("code"), RedirectURI: form.Get("redirect_uri"), CodeVerifier: form.Get("code_verifier"),
		AlwaysRefresh: a.RefreshTokens == organization.RefreshAlways})
}

// refresh exchanges a refresh token (RFC 6749, section 6).
func (s *Server) refresh(
	c echo.Context, a *organization.Application, form url.Values,
) (*grant.Tokens, error) {
	token := form.Get("refresh_token")
	if token == "" {
		return nil, Refused("invalid_request", "refresh_token is missing")
	}
	return grant.Across(s.Store).Refresh(c.Request().Context(), grant.Refresh{ApplicationID: a.ID, Token: token,
		Scope: form.Get("scope"), Leeway: a.RefreshLeeway()})
}

// validVerifier tells whether a text can be a code_verifier (RFC 7636, section 4.1).
func validVerifier(text string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyz"
	const known = letters + "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + "0123456789-._~"
	return len(text) >= 43 && len(text) <= 128 && strings.Trim(text, known) == ""
}

// answer signs the ID token and answers with the tokens.
func (s *Server) answer(c echo.Context, a *organization.Application, t *grant.Tokens) error {
	out := tokenAnswer{TokenType: "Bearer", AccessToken: t.Access, RefreshToken: t.Refresh, Scope: t.Scope,
		ExpiresIn: int64(t.AccessEnd-model.TimeOf(s.Store.Now())) / 1000}
	if !hasScope(t.Grant, ScopeOpenID) { // which a refresh may leave out
		return c.JSON(http.StatusOK, out)
	}
	said, err := s.idToken(a, t)
	if err != nil {
		return err
	}
	if out.IDToken, err = s.sign(c.Request().Context(), a.IDTokenAlgorithm, "JWT", said); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, out)
}

// userinfo says who signed in, as long as access lasts (OpenID Connect Core, section 5.3).
func (s *Server) userinfo(c echo.Context) error {
	token, err := accessToken(c)
	if err != nil {
		return err
	}
	g, err := grant.Across(s.Store).Access(c.Request().Context(), token)
	if model.KindOf(err) == model.Denied {
		return &Error{Status: http.StatusUnauthorized, Code: "invalid_token",
			Description: "the access token is unknown or has ended"}
	}
	if err != nil {
		return err
	}
	if !hasScope(g, ScopeOpenID) {
		return &Error{Status: http.StatusForbidden, Code: "insufficient_scope",
			Description: "the access token has no scope openid; one of /sso/token is for /sso/profile",
			Challenge:   `Bearer error="insufficient_scope", scope="openid"`}
	}
	said, err := userClaims(g)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, said)
}

// accessToken reads the token of a request from the header, or from a form (RFC 6750, section 2).
func accessToken(c echo.Context) (string, error) {
	r := c.Request()
	if r.URL.Query().Has("access_token") {
		return "", Refused("invalid_request", "send the access token in the header Authorization, not in the address")
	}
	token := web.Bearer(r.Header)
	if r.Method == http.MethodPost && r.ContentLength != 0 {
		form, err := Form(c)
		if err != nil {
			return "", err
		}
		if token != "" && form.Has("access_token") {
			return "", Refused("invalid_request", "send the access token once")
		}
		token += form.Get("access_token")
	}
	if token == "" { // without an error code (RFC 6750, section 3.1)
		return "", &Error{Status: http.StatusUnauthorized, Code: "invalid_token",
			Description: "send the access token as Authorization: Bearer rc_at_…", Challenge: `Bearer realm="Rollcall"`}
	}
	return token, nil
}
