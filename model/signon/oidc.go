package signon

import (
	"rollcall/model/connection"
	"rollcall/model/internal/tenant"
)

// LoginSecret opens the secret that StartLogin was given with a login.
func (s Store) LoginSecret(l *Login) ([]byte, error) {
	return tenant.SealerOf(s).Open(l.SealedSecret, connection.LoginSecretPurpose(l.ID))
}
