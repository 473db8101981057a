package api

import (
	"context"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/trust"
)

// oidcBody is what a call says about an OpenID provider, and about the client that Rollcall is at
// the provider.
type oidcBody struct {
	Issuer       *string            `json:"issuer"`
	Discovery    *string            `json:"-"` // in place of the issuer; see translate
	ClientID     *string            `json:"client_id"`
	ClientSecret *string            `json:"client_secret" space:"kept"`
	Scopes       optional[[]string] `json:"scopes"`
	GroupsClaim  optional[string]   `json:"groups_claim"`
}

// oidcObject is both sides of an OpenID connection: the endpoints that the provider is set up with,
// and what is stored about the provider. It never has the client's secret.
type oidcObject struct {
	RedirectURI           string   `json:"redirect_uri"`
	PostLogoutRedirectURI string   `json:"post_logout_redirect_uri"`
	InitiateLoginURI      string   `json:"initiate_login_uri"`
	Issuer                *string  `json:"issuer"` // null, as the client_id, until the provider is known
	ClientID              *string  `json:"client_id"`
	Scopes                []string `json:"scopes"`
	GroupsClaim           *string  `json:"groups_claim"`
}

func (s *Server) oidcForm(c *connection.Connection) *oidcObject {
	our := trust.OpenIDEndpointsOf(s.PublicURL, c)
	return &oidcObject{
		RedirectURI: our.Redirect, PostLogoutRedirectURI: our.PostLogout, InitiateLoginURI: our.InitiateLogin,
		Issuer: model.OrNull(c.IDPEntityID), ClientID: model.OrNull(c.OIDCClientID),
		Scopes: append([]string{}, c.OIDCScopes...), GroupsClaim: model.OrNull(c.OIDCGroupsClaim),
	}
}

// protocol refuses a body with the settings of the protocol that the connection does not speak.
func (b *connectionBody) protocol(c *connection.Connection) error {
	switch {
	case b.SAMLOptions != nil && b.OIDCOptions != nil:
		return invalidf("oidc_options", "send saml_options or oidc_options, not both: a connection speaks one protocol")
	case c.OIDC() && b.SAML != nil:
		return invalidf("connection_type",
			"a connection of type %s speaks OpenID Connect; send oidc in place of saml", c.Type)
	case !c.OIDC() && b.OIDC != nil:
		return invalidf("oidc",
			"a connection of type %s speaks SAML; send saml, or a connection_type of OpenID Connect, "+
				"such as GenericOIDC", c.Type)
	}
	return nil
}

func (s *Server) reader() *trust.Reader { return &trust.Reader{Store: s.Store, Outbound: s.Outbound} }

// provider reads what a body says about the identity provider of a connection.
func (s *Server) provider(ctx context.Context, b *connectionBody, of *connection.Connection) (trust.Change, error) {
	if b.OIDC != nil {
		return s.reader().OpenID(ctx, b.OIDC.said(), of)
	}
	return s.overSAML(ctx, b.SAML)
}

// said is the body as package trust takes it.
func (b *oidcBody) said() trust.OpenID {
	said := trust.OpenID{Issuer: b.Issuer, Discovery: b.Discovery, ClientID: b.ClientID, ClientSecret: b.ClientSecret,
		GroupsClaim: b.GroupsClaim.orZero()}
	if said.Scopes = b.Scopes.orZero(); said.Scopes != nil && *said.Scopes == nil {
		said.Scopes = &[]string{}
	}
	return said
}
