package organization

import (
	"rollcall/model"
)

// ErrUntestedSSO keeps an organization from locking itself out.
func ErrUntestedSSO() error {
	return model.Invalidf("sso_required", "sso_required needs an active connection: create one, and sign in once at its login address to test it")
}
