package organization

import (
	"rollcall/model"
)

// Application is the SaaS product that Rollcall signs people in to: an OAuth
// client. Its API keys reach its organizations.
type Application struct {
	ID string `gorm:"primaryKey"`
	ApplicationFields
	CreatedAt model.Time `gorm:"autoCreateTime:false"`
	UpdatedAt model.Time `gorm:"autoUpdateTime:false"`
}

// ApplicationFields are those of an application that UpdateApplication changes.
type ApplicationFields struct {
	Name                   string
	RedirectURIs           []string `gorm:"column:redirect_uris;serializer:json"`
	PostLogoutRedirectURIs []string `gorm:"column:post_logout_redirect_uris;serializer:json"`
	BackchannelLogoutURI   string   `gorm:"column:backchannel_logout_uri"`
	InitiateLoginURI       string   `gorm:"column:initiate_login_uri"`
	AllOrganizations       bool     // otherwise only Organizations
	// Organizations are those that the application serves, or would without
	// AllOrganizations, oldest first; filled by reads.
	Organizations []model.OrganizationID `gorm:"-"`
}

// ApplicationOrganization says that an application serves an organization.
type ApplicationOrganization struct {
	ApplicationID  string               `gorm:"primaryKey"`
	OrganizationID model.OrganizationID `gorm:"primaryKey"`
}

// APIKey is a key of an application for the management API: its hash, never itself.
type APIKey struct {
	ID            string `gorm:"primaryKey"`
	ApplicationID string
	Hash          []byte
	Suffix        string
	CreatedAt     model.Time `gorm:"autoCreateTime:false"`
}

// Actor is the application as the one who acts.
func (k *APIKey) Actor() model.Actor {
	return model.Actor("application:" + model.ApplicationPrefix.ID(k.ApplicationID))
}

// Scope is the organizations that the application serves.
func (a *Application) Scope() model.Scope { return model.ScopeOf(a.ID, a.AllOrganizations) }

// validate answers Invalid, with the field's API name, for the first rule broken.
func (a *Application) validate() error {
	if err := model.ValidName(a.Name); err != nil {
		return err
	}
	for _, f := range []struct {
		field string
		uris  []string
	}{
		{"redirect_uris", a.RedirectURIs},
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

func Optional(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// fillEmpty makes missing lists empty ones, as they are stored and shown.
func (a *Application) fillEmpty() {
	if a.RedirectURIs == nil {
		a.RedirectURIs = []string{}
	}
	if a.PostLogoutRedirectURIs == nil {
		a.PostLogoutRedirectURIs = []string{}
	}
}
