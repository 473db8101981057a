package refusal

import (
	"rollcall/model"
)

// RefusalReason says why a login was refused though the identity provider's
// message could be read. Its text is stable: it stands in the login log and in
// the API, beside the reasons of sso/saml, which are about the message itself.
type Reason string

// Why nobody is let in (docs/design/identity.md).
const (
	Ambiguous Reason = "ambiguous" // several users could be meant
	// an administrator, whom an e-mail address does not prove
	AdminLinkRequired   Reason = "admin_link_required"
	PersonDeprovisioned Reason = "deprovisioned" // a directory deleted the person
	// nobody knows the person, and the login may not make a user
	NotProvisioned  Reason = "not_provisioned"
	UserDeactivated Reason = "deactivated" // the user is inactive
	// the user's e-mail address is under no verified domain
	ProfileOutside Reason = "profile_outside_organization"
	// the application does not serve the organization any more
	ApplicationWithdrawn Reason = "application_withdrawn"
	// the application is not answered at this address any more
	RedirectURIWithdrawn Reason = "redirect_uri_withdrawn"
	SubjectMissing       Reason = "subject_missing"          // nothing in the assertion names the person for good
	SubjectTransient     Reason = "subject_transient"        // a NameID that is another one each time
	StaleAuthentication  Reason = "reauthentication_ignored" // the person was to authenticate anew and did not
	NoSeat               Reason = "no_seat"                  // no account of the connection has a seat left
)

// Why a response belongs to no login that is on its way.
const (
	LoginUnknown       Reason = "login_unknown"       // the RelayState or state names none at this connection
	LoginForeign       Reason = "login_foreign"       // it began in another browser
	LoginUsed          Reason = "login_used"          // it ended already, or ran out of time
	AssertionReplayed  Reason = "assertion_replayed"  // the assertion was accepted before
	ConnectionReplaced Reason = "connection_replaced" // the connection was changed while the person signed in
	ConnectionIsDraft  Reason = "connection_draft"    // nobody has tested the connection yet
)

// Why a logout message ends nothing, or goes on nowhere.
const (
	LogoutUnknown        Reason = "logout_unknown"         // the RelayState names none at this connection
	LogoutForeign        Reason = "logout_foreign"         // it began in another browser
	LogoutUsed           Reason = "logout_used"            // it ended already, or ran out of time
	LogoutReplayed       Reason = "logout_replayed"        // the request was carried out before
	LogoutSubjectUnknown Reason = "logout_subject_unknown" // the NameID is of nobody who was here
	LogoutSessionUnknown Reason = "logout_session_unknown" // the SessionIndex is of no session of the person
)

// advices are what the customer's IT can do about each.
var advices = map[Reason]string{
	Ambiguous: "Several users of the organization could be meant. Give each of them an externalId, " +
		"userName and e-mail address of their own, or remove all but one.",
	AdminLinkRequired: "An administrator is not recognized by an e-mail address alone. Let a directory " +
		"provision this person with an externalId that equals the subject, or make them a member first.",
	PersonDeprovisioned: "A directory has deleted this person. Assign them to the application again, or remove " +
		"the organization's tombstone of them.",
	NotProvisioned: "Nobody in the organization is this person. Assign them to the application, or switch " +
		"jit on and verify the domain of their e-mail address. Over OpenID Connect the address must be verified, " +
		"too: have the provider send email_verified (Entra: the optional claim xms_edov), or set the connection's " +
		"trust_email.",
	UserDeactivated: "The identity provider still signs in somebody whom the directory has unassigned or an " +
		"administrator has deactivated. Assign them again if they should have access.",
	ProfileOutside: "The user's stored e-mail address is under no verified domain of the organization. " +
		"Verify the domain, or correct the address in the directory.",
	ApplicationWithdrawn: "The application does not serve this organization any more. Ask the operator to add the " +
		"organization to it.",
	RedirectURIWithdrawn: "The application's redirect_uri was removed while the person signed in. Begin again at " +
		"the application.",
	SubjectMissing: "The assertion has nothing that names the person for good. Send a NameID, or the " +
		"attribute that the connection's subject_attribute names.",
	SubjectTransient: "The NameID is transient: another one at each login. Send a persistent one, or set the " +
		"connection's subject_attribute to an attribute that stays the same.",
	StaleAuthentication: "The application asked for a new authentication and the identity provider did not make " +
		"one. If it never does, set the connection's reauthentication to requested.",
	NoSeat: "The seats of the connection's accounts are all in use. Take somebody's license away, " +
		"or raise the number of seats.",
	LoginUnknown: "The answer came back with a RelayState or state that is not ours. Have the identity " +
		"provider return it unchanged, or allow logins that it starts (allow_idp_initiated).",
	LoginForeign: "The login began in another browser, or the browser did not keep our cookie. Begin " +
		"there, at the application; if it happens to everybody, check that nothing strips cookies.",
	LoginUsed: "A login is good once and for ten minutes. Begin again at the application; going back " +
		"in the browser does not help.",
	AssertionReplayed: "The same assertion came a second time. If nobody pressed a button twice, somebody has " +
		"copied it: look at the identity provider's log.",
	ConnectionReplaced: "The connection was changed while the person signed in. Start again.",
	LogoutUnknown: "The answer to a logout came back with a RelayState that is not ours. Have the identity " +
		"provider return it unchanged. The session here has ended all the same.",
	LogoutForeign: "The logout began in another browser, or the browser did not keep our cookie. The " +
		"session in that browser has ended all the same.",
	LogoutUsed: "A logout is good once and for ten minutes. The session here has ended all the same.",
	LogoutReplayed: "The same LogoutRequest came a second time, and ended nothing more. If nobody pressed a " +
		"button twice, somebody has copied it.",
	LogoutSubjectUnknown: "The LogoutRequest names somebody who never signed in here. Set the identity provider " +
		"to send the same NameID as in its assertions.",
	LogoutSessionUnknown: "The LogoutRequest names a session that is not here: it may have ended long ago, or the " +
		"SessionIndex is another than in the assertion. Leave it out to end all sessions of the person.",
	ConnectionIsDraft: "The connection was never tested. Open its login address once, as somebody of the " +
		"organization: one login makes it active.",
}

// Advice tells the customer's IT what to do about it; it is empty for what is no RefusalReason.
func (r Reason) Advice() string { return advices[r] }

// SignInRefused is the error of a login that is refused, for the organization's
// login log. Its words are for the customer's IT and not for the browser.
type Error struct {
	Reason             Reason
	Expected, Received string
	UserID             string // whom it was found to be; often empty
}

// Error is for the log of the server: it names nobody.
func (r *Error) Error() string { return "sign-in refused: " + string(r.Reason) }

// Unwrap makes it an error of the domain.
func (r *Error) Unwrap() error { return model.Deniedf("the sign-in was refused") }
