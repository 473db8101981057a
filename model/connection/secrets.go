package connection

import (
	"context"
	"fmt"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/people"
)

// clientSecretPurpose is the purpose for which the secret of a client is sealed.
func clientSecretPurpose(connection string) string {
	return "connections/" + connection + "/oidc_client_secret"
}

// SealClientSecret sets the secret of a connection's client. connection is the id of the
// connection.
func (s Store) SealClientSecret(connection string, c *ConnectionFields, secret string) error {
	if secret == "" || len(secret) > maxClientSecret || !model.Storable(secret) {
		return model.Invalidf("oidc.client_secret", "oidc.client_secret is text of 1 to %d bytes", maxClientSecret)
	}
	if model.Trimmed(secret) != secret {
		return model.Invalidf("oidc.client_secret", "oidc.client_secret begins or ends with white space, which a "+
			"provider compares, too; copy it again without the space")
	}
	c.OIDCClientSecret = tenant.SealerOf(s).Seal([]byte(secret), clientSecretPurpose(connection))
	return nil
}

// ClientSecret opens the secret of a connection's client.
func (s Store) ClientSecret(c *Connection) (string, error) {
	text, err := tenant.SealerOf(s).Open(c.OIDCClientSecret, clientSecretPurpose(c.ID))
	return string(text), err
}

// IDTokenPurpose is the purpose for which package signon seals the ID token of a session.
func IDTokenPurpose(session string) string { return "sessions/" + session + "/id_token" }

// IDToken opens the ID token of the login by which a session began: the logout at its provider
// needs it. It is empty for a session that began in another way.
func (o Org) IDToken(ctx context.Context, sessionID string) (string, error) {
	var session people.Session
	row := tenant.Read(ctx, o).Select("id", "id_token")
	if err := tenant.ByID(o, row, &session, "session", sessionID); err != nil {
		return "", err
	}
	if len(session.SealedIDToken) == 0 {
		return "", nil
	}
	text, err := tenant.SealerOf(o).Open(session.SealedIDToken, IDTokenPurpose(session.ID))
	if err != nil {
		return "", fmt.Errorf("open ID token: %w", err)
	}
	return string(text), nil
}
