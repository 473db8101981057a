package api

import (
	"context"
	"errors"
	"strings"

	"rollcall/model"
	"rollcall/sso/oidc"
)

// oidcBody tells of an OpenID provider and of the client that Rollcall is to it.
type oidcBody struct {
	Issuer       *string            `json:"issuer"`
	ClientID     *string            `json:"client_id"`
	ClientSecret *string            `json:"client_secret"`
	Scopes       optional[[]string] `json:"scopes"`
	GroupsClaim  optional[string]   `json:"groups_claim"`
}

// fieldIssuer is what refusals name that are about the provider's own word.
const fieldIssuer = "oidc.issuer"

// oidcObject is both sides of a connection: what the provider is set up with, and what is known of it.
// The client's secret is never among it.
type oidcObject struct {
	RedirectURI           string   `json:"redirect_uri"`
	PostLogoutRedirectURI string   `json:"post_logout_redirect_uri"`
	InitiateLoginURI      string   `json:"initiate_login_uri"`
	Issuer                string   `json:"issuer"`
	ClientID              string   `json:"client_id"`
	Scopes                []string `json:"scopes"`
	GroupsClaim           *string  `json:"groups_claim"`
}

func (s *Server) oidcForm(c *model.Connection, id string) *oidcObject {
	base := strings.TrimSuffix(s.PublicURL, "/") + "/sso/oidc/" + id
	return &oidcObject{RedirectURI: base + "/callback", PostLogoutRedirectURI: base + "/logout", InitiateLoginURI: base + "/login", Issuer: c.IDPEntityID, ClientID: c.OIDCClientID,
		Scopes: append([]string{}, c.OIDCScopes...), GroupsClaim: orNull(c.OIDCGroupsClaim)}
}

// protocol refuses a body that speaks of the protocol which a connection does not speak.
func (b *connectionBody) protocol(c *model.Connection) error {
	switch {
	case c.OIDC() && b.SAML != nil:
		return invalidf("connection_type", "a connection of type %s speaks OpenID Connect; send oidc in place of saml", c.Type)
	case !c.OIDC() && b.OIDC != nil:
		return invalidf("oidc", "a connection of type %s speaks SAML; send saml, or a connection_type of OpenID Connect, such as GenericOIDC", c.Type)
	}
	return nil
}

// provider reads what a body tells of a connection's identity provider, and returns what that changes.
func (s *Server) provider(
	ctx context.Context, b *connectionBody, of *model.Connection,
) (describe func(*model.ConnectionFields) error, err error) {
	if b.OIDC != nil {
		return s.openIDProvider(ctx, b.OIDC, of)
	}
	overSAML, err := s.identityProvider(ctx, b.SAML)
	return func(c *model.ConnectionFields) error { overSAML(c); return nil }, err
}

// openIDProvider reads what a body tells of the OpenID provider, asking the provider itself where the
// issuer is sent, and returns what that changes about a connection. It is done before anything is locked.
func (s *Server) openIDProvider(
	ctx context.Context, b *oidcBody, of *model.Connection,
) (describe func(*model.ConnectionFields) error, err error) {
	if b.Issuer != nil {
		if err := s.discover(ctx, *b.Issuer, of.Type); err != nil {
			return nil, err
		}
	}
	return func(c *model.ConnectionFields) error {
		moved := b.Issuer != nil && *b.Issuer != c.IDPEntityID
		set(&c.IDPEntityID, b.Issuer)
		set(&c.OIDCClientID, b.ClientID)
		b.GroupsClaim.into(&c.OIDCGroupsClaim)
		if b.Scopes.given {
			c.OIDCScopes = []string{}
			set(&c.OIDCScopes, b.Scopes.value)
		}
		if b.ClientSecret != nil {
			return s.Store.SealClientSecret(of.ID, c, *b.ClientSecret)
		}
		if moved && len(c.OIDCClientSecret) > 0 {
			// Whoever may change the issuer must not have the secret sent to a provider of their own.
			return invalidf("oidc.client_secret", "oidc.client_secret is required with another issuer: it is the other provider's")
		}
		return nil
	}, nil
}

// discover demands that there is an OpenID provider with this issuer which can be used.
func (s *Server) discover(ctx context.Context, text, kind string) error {
	issuer, err := oidc.ParseIssuer(text, kind == model.EntraOIDC)
	if err == nil && s.Outbound == nil {
		return invalidf(fieldIssuer, "this server fetches nothing, so that no OpenID provider can be asked")
	}
	if err == nil {
		_, err = oidc.Discover(ctx, s.Outbound.Client(), issuer)
	}
	return unusable(err)
}

// unusable puts a refusal of package oidc into the API's words. What was there instead is told only
// where it is a provider's own word: anything else that an address answers is not the caller's to read.
func unusable(err error) error {
	r, ok := errors.AsType[*oidc.Refused](err)
	if !ok {
		return err
	}
	message := r.Reason.Advice()
	switch r.Reason {
	case oidc.DiscoveryIssuer, oidc.DiscoveryBadAddress, oidc.DiscoveryNoCode, oidc.DiscoveryNoAlgorithm:
		message += " It says: " + r.Received
	case oidc.DiscoveryIncomplete:
		message += " There is no " + r.Expected + "."
	case oidc.DiscoveryUnreachable:
		if guarded, isGuard := errors.AsType[*model.Error](r.Err); isGuard {
			message = guarded.Message
		}
	}
	return &model.Error{Kind: model.Invalid, Field: fieldIssuer, Message: message, Err: err}
}
