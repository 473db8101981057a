package trust

import "rollcall/model/refusal"

// personAdvice has the texts of package refusal that differ between the protocols: what the sender
// calls the things is different. A reason or cause without a text here has one for both.
type personAdvice struct{ saml, openID explanation }

// personByReason are the reasons of package refusal by which the protocols differ.
var personByReason = map[refusal.Reason]personAdvice{
	refusal.LoginUnknown: {
		saml: explanation{"The response came back with a RelayState that names no login of this connection, or " +
			"without one. Have the identity provider return RelayState unchanged, or allow logins that it starts " +
			"(allow_idp_initiated).", settingStart},
		openID: explanation{"The answer came back with a state that names no login of this connection, or without " +
			"one. Have the provider return state unchanged, and begin at the application; for a tile at the " +
			"provider, set its initiate login URI to the connection's (initiate_login_uri) instead of the " +
			"redirect URI.",
			settingStart},
	},
	refusal.StaleAuthentication: {
		saml: explanation{"The application asked for a new authentication, and the assertion's AuthnInstant is " +
			"older. Have the identity provider honor ForceAuthn; if it cannot, set the connection's reauthentication " +
			"to requested.", ""},
		openID: explanation{"The application asked for a new authentication, and the ID token's auth_time is older " +
			"or missing. Have the provider honor prompt=login and max_age and send auth_time; if it cannot, set the " +
			"connection's reauthentication to requested.", ""},
	},
	refusal.LogoutUnknown: {
		saml: explanation{"The answer to a logout came back with a RelayState that is not ours. Have the identity " +
			"provider return RelayState unchanged. The session here has ended all the same.", ""},
		openID: explanation{"The browser came back from a logout with a state that is not ours, or without one. Have " +
			"the provider return state unchanged to the post-logout redirect URI. The session here has ended all " +
			"the same.", ""},
	},
}

// personByCause tells apart why nobody in the organization is the person of a login.
var personByCause = map[refusal.Cause]personAdvice{
	refusal.CauseNoEmail: {
		saml: explanation{"Nobody in the organization is this person, and the assertion has no e-mail address by " +
			"which one could be found or made. Send the attribute email (or mail), or set attribute_mapping.email to " +
			"the attribute that has it.", settingAttributes},
		openID: explanation{"Nobody in the organization is this person, and neither ID token nor userinfo has an " +
			"e-mail address by which one could be found or made. Send the claim email (scope email), or set " +
			"attribute_mapping.email to the claim that has it.", settingAttributes},
	},
	refusal.CauseUnverified: {
		saml: explanation{"Nobody in the organization is this person, and the e-mail address does not count as " +
			"verified. Set the connection's trust_email.", settingAttributes},
		openID: explanation{"Nobody in the organization is this person by another sign than the e-mail address, and " +
			"the provider does not say that the address is verified. Have it send email_verified (Entra: the " +
			"optional claim xms_edov; Google: an account of the company, which has hd), or set the " +
			"connection's trust_email.", settingAttributes},
	},
	refusal.CauseNoCreation: {
		saml: explanation{"Nobody in the organization is this person, and logins make no users there (jit is off). " +
			"Assign the person in the provisioning application, or switch jit on.", settingAssignment},
		openID: explanation{"Nobody in the organization is this person, and logins make no users there (jit is off). " +
			"Assign the person in the provisioning application, or switch jit on.", settingAssignment},
	},
	refusal.CauseDomain: {
		saml: explanation{"Nobody in the organization is this person, and their e-mail address is under no verified " +
			"domain of the organization. Verify the domain, or send the address under one in the attribute email.",
			settingAttributes},
		openID: explanation{"Nobody in the organization is this person, and their e-mail address is under no " +
			"verified domain of the organization. Verify the domain, or send the address under one in the claim email.",
			settingAttributes},
	},
	refusal.CauseSubject: {
		saml: explanation{"The NameID, or the attribute that subject_attribute names, is too long or has characters " +
			"that cannot be stored. Choose another attribute as NameID.", settingNameID},
		openID: explanation{"The sub or issuer is too long or has characters that cannot be stored. Choose another " +
			"attribute as subject at the provider.", settingAttributes},
	},
}

// of returns the text for a protocol.
func (p personAdvice) of(openID bool) explanation {
	if openID {
		return p.openID
	}
	return p.saml
}
