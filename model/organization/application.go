package organization

import (
	"rollcall/model"
)

// Application is a product that Rollcall signs people in to: an OAuth client. Its API keys reach
// the organizations that it serves.
type Application struct {
	ID string `gorm:"primaryKey"`
	ApplicationFields
	CreatedAt model.Time `gorm:"autoCreateTime:false"`
	UpdatedAt model.Time `gorm:"autoUpdateTime:false"`
}

// ApplicationFields are the fields of an application that UpdateApplication changes.
type ApplicationFields struct {
	Name                   string
	RedirectURIs           []string `gorm:"column:redirect_uris;serializer:json"`
	PostLogoutRedirectURIs []string `gorm:"column:post_logout_redirect_uris;serializer:json"`
	BackchannelLogoutURI   string   `gorm:"column:backchannel_logout_uri"`
	InitiateLoginURI       string   `gorm:"column:initiate_login_uri"`
	AllOrganizations       bool     // it serves all organizations, and not only Organizations
	// Organizations are the listed organizations, oldest first; filled by reads.
	Organizations []model.OrganizationID `gorm:"-"`
	Client
}

// ApplicationOrganization is the row that lists an organization for an application.
type ApplicationOrganization struct {
	ApplicationID  string               `gorm:"primaryKey"`
	OrganizationID model.OrganizationID `gorm:"primaryKey"`
}

// Scope is the organizations that the application serves.
func (a *Application) Scope() model.Scope { return model.ScopeOf(a.ID, a.AllOrganizations) }

// validate answers Invalid, with the field's API name, for the first broken rule.
func (a *Application) validate() error {
	if err := model.ValidName(a.Name); err != nil {
		return err
	}
	if err := a.Client.validate(); err != nil {
		return err
	}
	for _, u := range a.RedirectURIs {
		if err := a.validRedirect("redirect_uris", u); err != nil {
			return err
		}
	}
	for _, f := range []struct {
		field string
		uris  []string
	}{
		{"post_logout_redirect_uris", a.PostLogoutRedirectURIs},
		{"backchannel_logout_uri", Optional(a.BackchannelLogoutURI)},
		{"initiate_login_uri", Optional(a.InitiateLoginURI)},
	} {
		for _, u := range f.uris {
			if err := model.ValidURI(f.field, u); err != nil {
				return err
			}
		}
	}
	return nil
}

// Optional returns a list of the text, which is empty when the text is.
func Optional(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// fillEmpty replaces nil lists by empty ones, which JSON shows as [], and sets defaults.
func (a *Application) fillEmpty() {
	a.Client.fillEmpty()
	if a.RedirectURIs == nil {
		a.RedirectURIs = []string{}
	}
	if a.PostLogoutRedirectURIs == nil {
		a.PostLogoutRedirectURIs = []string{}
	}
}
