package signon

import (
	"encoding/base64"
	"time"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// logoutTime is how long a link to sign out is good.
const logoutTime = 10 * time.Minute

// Logout is what a link says with which an application signs a profile out.
type Logout struct {
	OrganizationID model.OrganizationID `json:"o"`
	IdentityID     string               `json:"i"`
	ApplicationID  string               `json:"a"`
	Until          model.Time           `json:"t"`
}

// logoutPurpose is what logout tokens are sealed for.
const logoutPurpose = "logout"

// LogoutToken seals a Logout for ten minutes. Only this installation can make or read the token.
func (s Store) LogoutToken(l Logout) string {
	l.Until = model.TimeOf(s.Now().Add(logoutTime))
	text, _ := tenant.Encode(l) // texts and a number
	return base64.RawURLEncoding.EncodeToString(tenant.SealerOf(s).Seal([]byte(text), logoutPurpose))
}

// OpenLogoutToken reads a token of LogoutToken. It returns NotFound for anything else, and after
// the ten minutes.
func (s Store) OpenLogoutToken(token string) (*Logout, error) {
	gone := model.NotFoundf("The link to sign out has expired or is damaged. " +
		"Go back to the application and sign out there again.")
	sealed, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return nil, gone
	}
	text, err := tenant.SealerOf(s).Open(sealed, logoutPurpose)
	if err != nil {
		return nil, gone
	}
	var l Logout
	if err := tenant.Decode(string(text), &l); err != nil || l.Until <= model.TimeOf(s.Now()) {
		return nil, gone
	}
	return &l, nil
}
