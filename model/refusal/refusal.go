// Package refusal has the reasons for which a login or a logout is refused although the message of
// the identity provider could be read.
//
// A Reason is written to the login log and shown by the API, so that its text never changes. Each
// has an Advice for the customer's IT. The reasons of packages saml and oidc, which the same log
// has, are about the message itself.
package refusal

import (
	"rollcall/model"
)

// Reason says why a login or a logout was refused.
type Reason string

// Why a login lets nobody in (docs/design/identity.md).
const (
	// Ambiguous: several users fit.
	Ambiguous Reason = "ambiguous"
	// AdminLinkRequired: the user is an administrator, and an e-mail address alone does not prove
	// that.
	AdminLinkRequired Reason = "admin_link_required"
	// PersonDeprovisioned: a directory has deleted the person.
	PersonDeprovisioned Reason = "deprovisioned"
	// NotProvisioned: no user fits, and the login may not create one.
	NotProvisioned Reason = "not_provisioned"
	// UserDeactivated: the user is inactive.
	UserDeactivated Reason = "deactivated"
	// ProfileOutside: the user's e-mail address is under no verified domain.
	ProfileOutside Reason = "profile_outside_organization"
	// ApplicationWithdrawn: the application no longer serves the organization.
	ApplicationWithdrawn Reason = "application_withdrawn"
	// RedirectURIWithdrawn: the application no longer has this redirect_uri.
	RedirectURIWithdrawn Reason = "redirect_uri_withdrawn"
	// SubjectMissing: nothing in the assertion names the person permanently.
	SubjectMissing Reason = "subject_missing"
	// SubjectTransient: the NameID is another at each login.
	SubjectTransient Reason = "subject_transient"
	// StaleAuthentication: the person should have authenticated again and did not.
	StaleAuthentication Reason = "reauthentication_ignored"
	// NoSeat: no account of the connection has a free seat.
	NoSeat Reason = "no_seat"
)

// Why a response belongs to no login that waits for one.
const (
	// LoginUnknown: the RelayState or state names no login at this connection.
	LoginUnknown Reason = "login_unknown"
	// LoginForeign: the login began in another browser.
	LoginForeign Reason = "login_foreign"
	// LoginUsed: the login was used or has expired.
	LoginUsed Reason = "login_used"
	// AssertionReplayed: the assertion was accepted before.
	AssertionReplayed Reason = "assertion_replayed"
	// ConnectionReplaced: the connection was changed while the person signed in.
	ConnectionReplaced Reason = "connection_replaced"
	// ConnectionIsDraft: nobody has tested the connection yet.
	ConnectionIsDraft Reason = "connection_draft"
	// ConnectionIsInactive: somebody has switched the connection off.
	ConnectionIsInactive Reason = "connection_inactive"
	// ConnectionUnfinished: the connection does not know its identity provider yet.
	ConnectionUnfinished Reason = "connection_unfinished"
)

// Why a logout message ends no session, or leads to no page.
const (
	// LogoutUnknown: the RelayState names no logout at this connection.
	LogoutUnknown Reason = "logout_unknown"
	// LogoutForeign: the logout began in another browser.
	LogoutForeign Reason = "logout_foreign"
	// LogoutUsed: the logout was used or has expired.
	LogoutUsed Reason = "logout_used"
	// LogoutReplayed: the request was carried out before.
	LogoutReplayed Reason = "logout_replayed"
	// LogoutSubjectUnknown: nobody with this NameID ever signed in here.
	LogoutSubjectUnknown Reason = "logout_subject_unknown"
	// LogoutSessionUnknown: no session of the person has this SessionIndex.
	LogoutSessionUnknown Reason = "logout_session_unknown"
)

// Cause tells apart why nobody in the organization is the person of a login (NotProvisioned). It is
// the text of what was expected.
type Cause string

// The causes of NotProvisioned.
const (
	CauseSubject    Cause = "a subject and an issuer that can be stored: text of at most 1,024 bytes"
	CauseUnverified Cause = "a verified e-mail address (OpenID Connect: email_verified, Entra: xms_edov), " +
		"or trust_email at the connection"
	CauseNoCreation Cause = "a user of the organization: logins do not make users here (jit is off)"
	CauseNoEmail    Cause = "a user of the organization, or an e-mail address"
	CauseDomain     Cause = "a user of the organization, or an e-mail address under one of its verified domains"
)

// advices are what the customer's IT can do about each Reason.
var advices = map[Reason]string{
	Ambiguous: "Several users of the organization fit this login by externalId, userName or e-mail address. Give " +
		"each of them an externalId, userName and e-mail address of their own, or remove all but one.",
	AdminLinkRequired: "An administrator is not recognized by an e-mail address alone. Let a directory " +
		"provision this person with an externalId that equals the subject, or make them a member first.",
	PersonDeprovisioned: "A directory has deleted this person. Assign them to the provisioning application again, " +
		"or remove the organization's tombstone of them.",
	NotProvisioned: "Nobody in the organization is this person. Assign them to the provisioning application, or " +
		"switch jit on and verify the domain of their e-mail address.",
	UserDeactivated: "The user is inactive here. If they should have access, assign them to the provisioning " +
		"application again, or have an administrator activate them; if not, end their access at the identity " +
		"provider, too.",
	ProfileOutside: "The user's stored e-mail address is under no verified domain of the organization. " +
		"Verify the domain, or correct the address in the directory.",
	ApplicationWithdrawn: "The application does not serve this organization any more. Ask the operator to add the " +
		"organization to it.",
	RedirectURIWithdrawn: "The application's redirect_uri was removed while the person signed in. Begin again at " +
		"the application; if it stays, register the redirect_uri again.",
	SubjectMissing: "The assertion has nothing that names the person for good. Send a NameID, or the " +
		"attribute that the connection's subject_attribute names.",
	SubjectTransient: "The NameID is transient: another one at each login. Send a persistent one, or set the " +
		"connection's subject_attribute to an attribute that stays the same.",
	StaleAuthentication: "The application asked for a new authentication and the identity provider did not make " +
		"one. If it never does, set the connection's reauthentication to requested.",
	NoSeat: "The seats of the connection's accounts are all in use. Take somebody's license away, " +
		"or raise the number of seats.",
	LoginUnknown: "The answer came back with a RelayState or state that names no login of this connection. Have the " +
		"identity provider return it unchanged.",
	LoginForeign: "The answer reached a browser that does not have the cookie of this login: another browser, or " +
		"one that did not keep it. Begin at the application, in the browser that is used; if it happens to " +
		"everybody, check that no proxy strips cookies.",
	LoginUsed: "A login is good once and for ten minutes. Begin again at the application; going back " +
		"in the browser does not help.",
	AssertionReplayed: "The same assertion or ID token came a second time. A page that was loaded again or a button " +
		"that was pressed twice does that. Where neither happened, look at the identity provider's log for who " +
		"got it.",
	ConnectionReplaced: "Somebody changed the settings of the connection while the person signed in. Begin again at " +
		"the application.",
	LogoutUnknown: "The answer to a logout came back with a RelayState or state that is not ours. Have the identity " +
		"provider return it unchanged. The session here has ended all the same.",
	LogoutForeign: "The answer to a logout reached a browser that does not have the cookie of it: another browser, " +
		"or one that did not keep it. The session that the logout began with has ended all the same; sign " +
		"out at the identity provider to end the one there.",
	LogoutUsed: "A logout is good once and for ten minutes. The session here has ended all the same; sign out at the " +
		"identity provider to end the one there.",
	LogoutReplayed: "The same LogoutRequest came a second time, and ended nothing more. A page that was loaded again " +
		"does that. Where nobody did, look at the identity provider's log for who got it.",
	LogoutSubjectUnknown: "The NameID of the LogoutRequest is of nobody who ever signed in here. Set the identity " +
		"provider to send the same NameID as in its assertions.",
	LogoutSessionUnknown: "The SessionIndex of the LogoutRequest is of no session here: that session has ended, or " +
		"the SessionIndex is another than in the assertion. Leave SessionIndex out to end all sessions of the person.",
	ConnectionIsDraft: "The connection was not tested, or not switched on since. Open its login address once, as " +
		"somebody of the organization. If it is a draft after that, set its state to active.",
	ConnectionIsInactive: "The connection is switched off. Set its state to active if people should sign in by it " +
		"again.",
	ConnectionUnfinished: "The connection does not know the identity provider yet. Give it the identity provider's " +
		"metadata or discovery document, then open its login address once.",
}

// Advice says what the customer's IT can do. It is empty for a text that is no Reason.
func (r Reason) Advice() string { return advices[r] }

// Error is the error of a login or a logout that was refused. Its texts are for the customer's IT,
// who reads them in the login log. They are not for the browser.
type Error struct {
	Reason   Reason
	Expected string   // what would have been right
	Received string   // what came instead
	UserID   string   // the user who was found; often empty
	Notes    []string // what was wrong besides, and accepted
}

// Error is for the log of the server. It has no personal data.
func (r *Error) Error() string { return "sign-in refused: " + string(r.Reason) }

// Unwrap makes the refusal a model.Error of the kind Denied.
func (r *Error) Unwrap() error { return model.Deniedf("the sign-in was refused") }
