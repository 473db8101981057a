package connection

import (
	"rollcall/model"
	"rollcall/model/organization"
)

// LogoutMode says how far signing out reaches.
type LogoutMode string

// Signing out ends the session here, or at the identity provider as well, where that takes it.
const (
	LogoutLocal LogoutMode = "local"
	LogoutIDP   LogoutMode = "idp"
)

// LogoutOffered tells whether the identity provider takes logout messages at all.
func (c *Connection) LogoutOffered() bool { return c.IDPSLORedirectURL != "" || c.IDPSLOPostURL != "" }

// validateLogout and validateSLO answer Invalid for the first rule broken of what concerns logout.
func (c *Connection) validateLogout() error {
	if c.Logout != LogoutLocal && c.Logout != LogoutIDP {
		return model.Invalidf("logout", "logout is %q or %q", LogoutLocal, LogoutIDP)
	}
	return nil
}

func (c *Connection) validateSLO() error {
	for _, address := range []string{c.IDPSLORedirectURL, c.IDPSLORedirectResponseURL, c.IDPSLOPostURL, c.IDPSLOPostResponseURL} {
		for _, u := range organization.Optional(address) {
			if err := model.ValidURI("saml.idp_slo_url", u); err != nil {
				return err
			}
		}
	}
	return nil
}
