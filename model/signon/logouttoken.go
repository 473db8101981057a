package signon

import (
	"encoding/base64"
	"time"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// logoutTime is how long a browser has to follow an application's logout link.
const logoutTime = 10 * time.Minute

// Logout is a profile that an application signs out.
type Logout struct {
	OrganizationID model.OrganizationID `json:"o"`
	IdentityID     string               `json:"i"`
	ApplicationID  string               `json:"a"`
	Until          model.Time           `json:"t"`
}

// logoutPurpose is what logout tokens are sealed for.
const logoutPurpose = "logout"

// LogoutToken makes a token that says so for ten minutes. It is sealed: nobody
// but this installation makes or reads one.
func (s Store) LogoutToken(l Logout) string {
	l.Until = model.TimeOf(s.Now().Add(logoutTime))
	text, _ := tenant.Encode(l) // texts and a number
	return base64.RawURLEncoding.EncodeToString(tenant.SealerOf(s).Seal([]byte(text), logoutPurpose))
}

// OpenLogoutToken reads what LogoutToken made. It answers NotFound for anything else, and once it
// is late.
func (s Store) OpenLogoutToken(token string) (*Logout, error) {
	gone := model.NotFoundf("The link to sign out has expired or is damaged. Go back to the application and sign " +
		"out there again.")
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
