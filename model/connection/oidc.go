package connection

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/people"
)

// The types of connections over OpenID Connect, as the reference spells them. Those of it that demand
// a client's certificate or key instead of a secret are not among them.
const (
	EntraOIDC  = "EntraIdOIDC"
	GoogleOIDC = "GoogleOIDC"
	OktaOIDC   = "OktaOIDC"
)

// OIDCTypes are the ConnectionTypes that speak OpenID Connect.
var OIDCTypes = []string{"CleverOIDC", EntraOIDC, "GenericOIDC", GoogleOIDC, OktaOIDC}

// OIDC tells whether the connection speaks OpenID Connect. Its IDPEntityID is the issuer then.
func (c *Connection) OIDC() bool { return slices.Contains(OIDCTypes, c.Type) }

const (
	maxClientID     = 500
	maxClientSecret = 2000
	maxScopes       = 20
)

// validateOIDC answers Invalid, with the field's API name, for the first rule broken. The issuer was
// read by sso/oidc before; here it is only bounded.
func (c *Connection) validateOIDC() error {
	printable := func(text string, most int) bool {
		return len(text) <= most && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
	}
	switch {
	case c.IDPEntityID == "":
		return model.Invalidf("oidc.issuer", "oidc.issuer is required: send the field issuer of the provider's discovery document")
	case c.OIDCClientID == "":
		return model.Invalidf("oidc.client_id", "oidc.client_id is required: it is what the provider calls this connection")
	case !printable(c.OIDCClientID, maxClientID):
		return model.Invalidf("oidc.client_id", "oidc.client_id is ASCII text of at most %d characters", maxClientID)
	case len(c.OIDCClientSecret) == 0:
		return model.Invalidf("oidc.client_secret", "oidc.client_secret is required: the provider shows it beside the client_id")
	case len(c.OIDCScopes) > maxScopes || slices.ContainsFunc(c.OIDCScopes, func(s string) bool {
		return s == "" || strings.Contains(s, " ") || !printable(s, maxAttribute)
	}):
		return model.Invalidf("oidc.scopes", "oidc.scopes are at most %d words of ASCII characters", maxScopes)
	case len(c.OIDCScopes) > 0 && !slices.Contains(c.OIDCScopes, "openid"):
		return model.Invalidf("oidc.scopes", "oidc.scopes must have openid among them")
	case len(c.OIDCGroupsClaim) > maxAttribute || !model.Storable(c.OIDCGroupsClaim):
		return model.Invalidf("oidc.groups_claim", "oidc.groups_claim is text of at most %d characters", maxAttribute)
	case c.TrustEmail && c.IDPEntityID == "https://accounts.google.com":
		return model.Invalidf("trust_email", "trust_email is only for an issuer of one company: Google's is everybody's, and says itself whether an address is verified")
	case c.SubjectAttribute != "":
		return model.Invalidf("subject_attribute", "over OpenID Connect sub names a person, or at Entra ID the object id; leave subject_attribute out")
	case c.AllowIDPInitiated:
		return model.Invalidf("allow_idp_initiated", "over OpenID Connect no answer comes unasked; give the identity provider the connection's initiate_login_uri instead")
	}
	return nil
}

func clientSecretPurpose(connection string) string {
	return "connections/" + connection + "/oidc_client_secret"
}

// SealClientSecret gives a connection, whose id is known by now, the secret of its client.
func (s Store) SealClientSecret(connection string, c *ConnectionFields, secret string) error {
	if secret == "" || len(secret) > maxClientSecret || !model.Storable(secret) {
		return model.Invalidf("oidc.client_secret", "oidc.client_secret is text of 1 to %d bytes", maxClientSecret)
	}
	c.OIDCClientSecret = tenant.SealerOf(s).Seal([]byte(secret), clientSecretPurpose(connection))
	return nil
}

// ClientSecret opens the secret of a connection's client.
func (s Store) ClientSecret(c *Connection) (string, error) {
	text, err := tenant.SealerOf(s).Open(c.OIDCClientSecret, clientSecretPurpose(c.ID))
	return string(text), err
}

func LoginSecretPurpose(login string) string { return "logins/" + login + "/secret" }

func IdTokenPurpose(session string) string { return "sessions/" + session + "/id_token" }

// IDToken returns the ID token by which a session began, for the logout at its provider; empty when
// it began otherwise.
func (o Org) IDToken(ctx context.Context, sessionID string) (string, error) {
	var session people.Session
	if err := tenant.ByID(o, tenant.Read(o).WithContext(ctx).Select("id", "id_token"), &session, "session", sessionID); err != nil {
		return "", err
	}
	if len(session.SealedIDToken) == 0 {
		return "", nil
	}
	text, err := tenant.SealerOf(o).Open(session.SealedIDToken, IdTokenPurpose(session.ID))
	if err != nil {
		return "", fmt.Errorf("open ID token: %w", err)
	}
	return string(text), nil
}
