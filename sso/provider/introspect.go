package provider

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/grant"
)

// introspection says what a token is good for (RFC 7662, section 2.2). For a token that is good for
// nothing it says nothing else.
type introspection struct {
	Active    bool   `json:"active"`
	Scope     string `json:"scope,omitempty"`
	ClientID  string `json:"client_id,omitempty"`
	TokenType string `json:"token_type,omitempty"` // of an access token
	Subject   string `json:"sub,omitempty"`
	Audience  string `json:"aud,omitempty"`
	Issuer    string `json:"iss,omitempty"`
	Session   string `json:"sid,omitempty"`
	IssuedAt  int64  `json:"iat,omitempty"`
	ExpiresAt int64  `json:"exp,omitempty"`
}

// introspect tells an application about its own tokens.
func (s *Server) introspect(c echo.Context) error {
	a, form, err := s.asked(c)
	if err != nil {
		return err
	}
	if a.Public {
		return errClient // anybody can say that they are it
	}
	token, err := tokenOf(form)
	if err != nil {
		return err
	}
	g, isRefresh, err := grant.Across(s.Store).Introspect(c.Request().Context(), a.ID, token, a.RefreshLeeway())
	if model.KindOf(err) == model.Denied {
		return c.JSON(http.StatusOK, introspection{})
	}
	if err != nil {
		return err
	}
	id := model.ApplicationPrefix.ID(a.ID)
	out := introspection{Active: true, Scope: g.Scope, ClientID: id, Audience: id, Issuer: s.Issuer(),
		Subject: model.UserPrefix.ID(g.User.ID), Session: model.SessionPrefix.ID(g.Session.ID),
		IssuedAt: g.IssuedAt.Time().Unix(), ExpiresAt: g.ExpiresAt.Time().Unix()}
	if !isRefresh {
		out.TokenType = "Bearer"
	}
	return c.JSON(http.StatusOK, out)
}

// revoke ends a token of an application (RFC 7009). The answer is the same whether it was one.
func (s *Server) revoke(c echo.Context) error {
	a, form, err := s.asked(c)
	if err != nil {
		return err
	}
	token, err := tokenOf(form)
	if err != nil {
		return err
	}
	if err := grant.Across(s.Store).Revoke(c.Request().Context(), a.ID, token); err != nil {
		return err
	}
	return c.NoContent(http.StatusOK)
}

// tokenOf is the token that a form is about.
func tokenOf(form url.Values) (string, error) {
	token := form.Get("token")
	if token == "" {
		return "", Refused("invalid_request", "token is missing")
	}
	return token, nil
}
