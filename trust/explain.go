package trust

import (
	"maps"

	"rollcall/guide"
	"rollcall/model/connection"
	"rollcall/model/refusal"
	"rollcall/sso/oidc"
	"rollcall/sso/saml"
)

// Fault is what the login log has about a refused login. Its reason is a refusal.Reason,
// saml.Reason or oidc.Reason.
type Fault struct{ Reason, Expected, Received string }

// Explain says what to change so that a login over the connection is no longer refused for the
// fault: a text for the administrators of the organization and of its identity provider. where
// names the screen of the identity provider's administration console, and the field in it, that the
// fault is about. It is empty where no setting at the identity provider helps.
//
// Some reasons have several causes. What was expected or received tells them apart.
func Explain(f Fault, c *connection.Connection) (advice, where string) {
	e := explain(f, c)
	return e.advice, screen(e.about, c)
}

// Advice is Explain for a reason alone.
func Advice(reason string, c *connection.Connection) string {
	advice, _ := Explain(Fault{Reason: reason}, c)
	return advice
}

// Screen is where the fault of a reason alone can be corrected.
func Screen(reason string, c *connection.Connection) string {
	_, where := Explain(Fault{Reason: reason}, c)
	return where
}

// Note is a line of the login log about a fault that was accepted. received is what came, where the
// fault says it.
func Note(reason, received string, c *connection.Connection) string {
	if received == "" {
		return Advice(reason, c)
	}
	return Advice(reason, c) + " (" + received + ")"
}

func explain(f Fault, c *connection.Connection) explanation {
	if e, ok := explainPerson(f, c.OIDC()); ok {
		return e
	}
	if c.OIDC() {
		return explainOpenID(f)
	}
	return explainSAML(f)
}

// explainPerson explains the reasons of package refusal.
func explainPerson(f Fault, openID bool) (explanation, bool) {
	reason := refusal.Reason(f.Reason)
	if p, ok := personByCause[refusal.Cause(f.Expected)]; ok && reason == refusal.NotProvisioned {
		return p.of(openID), true
	}
	if p, ok := personByReason[reason]; ok {
		return p.of(openID), true
	}
	return explanation{reason.Advice(), personSettings[reason]}, reason.Advice() != ""
}

func explainOpenID(f Fault) explanation {
	reason := oidc.Reason(f.Reason)
	if e, ok := openIDCodes[errorCode(f.Received)]; ok && reportedReasons[reason] {
		return e
	}
	return explanation{openIDAdvice[reason], openIDSettings[reason]}
}

func explainSAML(f Fault) explanation {
	reason := saml.Reason(f.Reason)
	if e, ok := ofStatus(f.Received); ok && reason == saml.BadStatus {
		return e
	}
	return explanation{adviceSAML(reason), samlSettings[reason]}
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
	settingStart      setting = "start"

	// Settings of SAML alone.
	settingACS        setting = "acs"
	settingEncryption setting = "encryption"
	settingKey        setting = "key"
	settingLifetime   setting = "lifetime"
	settingNameID     setting = "name id"
	settingRequests   setting = "requests"
	settingSigning    setting = "signing"

	// Settings of OpenID Connect alone.
	settingFlow     setting = "flow"
	settingRedirect setting = "redirect"
	settingScopes   setting = "scopes"
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
}

// places are the administration consoles of identity providers, by the type of the connection. The
// generic types have what is said of the identity providers whose screens are not known.
var places = func() map[string]guide.Place {
	all := map[string]guide.Place{}
	for _, p := range guide.Providers {
		maps.Copy(all, p.Screens)
	}
	return all
}()

// screen names the screen for a setting.
func screen(what setting, c *connection.Connection) string {
	generic := "GenericSAML"
	if c.OIDC() {
		generic = "GenericOIDC"
	}
	for _, kind := range []string{c.Type, generic} {
		if text := places[kind].Screens[string(what)]; text != "" {
			return places[kind].Base + text
		}
	}
	return ""
}
