package connection

import (
	"context"
	"fmt"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/people"
)

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
	if err := tenant.One(o, tenant.Read(o).WithContext(ctx).Select("id", "id_token"), &session, "session",
		sessionID); err != nil {
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
