package trust

import (
	"cmp"

	"rollcall/model/connection"
	"rollcall/model/refusal"
	"rollcall/sso/oidc"
	"rollcall/sso/saml"
)

// Advice says what to change so that a login over the connection is no longer refused for the
// reason. It is a sentence for the administrators of the organization and of its identity provider.
// The reason is one of the login log: a refusal.Reason, saml.Reason or oidc.Reason.
func Advice(reason string, c *connection.Connection) string {
	if text := refusal.Reason(reason).Advice(); text != "" {
		return text
	}
	if c.OIDC() {
		return openIDAdvice[oidc.Reason(reason)]
	}
	return adviceSAML(saml.Reason(reason))
}

func adviceSAML(reason saml.Reason) string {
	if text, ok := samlAdvice[reason]; ok {
		return text
	}
	return "The message is not one that a SAML 2.0 identity provider sends."
}

// setting is something that an identity provider lets its administrators set for an application.
type setting string

const (
	settingAlgorithm  setting = "algorithm"
	settingAssignment setting = "assignment"
	settingAttributes setting = "attributes"
	settingAudience   setting = "audience"
	settingGroups     setting = "groups"
	settingIssuer     setting = "issuer"
	settingLog        setting = "log"

	// Settings of SAML alone.
	settingACS        setting = "acs"
	settingEncryption setting = "encryption"
	settingKey        setting = "key"
	settingLifetime   setting = "lifetime"
	settingNameID     setting = "name id"
	settingSigning    setting = "signing"
	settingStart      setting = "start"

	// Settings of OpenID Connect alone.
	settingFlow     setting = "flow"
	settingRedirect setting = "redirect"
	settingSecret   setting = "secret"
	settingTenant   setting = "tenant"
)

// personSettings are the settings that decide how a person is recognized here.
var personSettings = map[refusal.Reason]setting{
	refusal.NotProvisioned: settingAssignment, refusal.PersonDeprovisioned: settingAssignment,
	refusal.UserDeactivated: settingAssignment,
	refusal.ProfileOutside:  settingAttributes, refusal.AdminLinkRequired: settingAttributes,
	refusal.Ambiguous:      settingAttributes,
	refusal.SubjectMissing: settingNameID, refusal.SubjectTransient: settingNameID,
	refusal.LoginUnknown: settingStart,
}

// place is an administration console: where it is, and its screens by what is set there.
type place struct {
	base    string
	screens map[setting]string
}

// Screen names the screen of the identity provider's administration console, and the field in it,
// that a login refused for the reason is most often about. It is empty where no setting at the
// identity provider helps.
func Screen(reason string, c *connection.Connection) string {
	own, places := samlSettings[saml.Reason(reason)], []place{samlPlaces[c.Type], samlElsewhere}
	if c.OIDC() {
		own, places = openIDSettings[oidc.Reason(reason)], []place{openIDPlaces[c.Type], openIDElsewhere}
	}
	what := cmp.Or(personSettings[refusal.Reason(reason)], own)
	for _, p := range places {
		if text := p.screens[what]; text != "" {
			return p.base + text
		}
	}
	return ""
}
