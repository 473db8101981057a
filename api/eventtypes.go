package api

import (
	"fmt"
	"slices"
	"strings"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/directory"
	"rollcall/model/entitle"
	"rollcall/model/grant"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/setup"
	"rollcall/model/signon"
	"rollcall/model/spelling"
)

// ownEvents are the types of the events that this server records.
var ownEvents = []model.EventType{
	connection.ConnectionActivated, connection.ConnectionDeactivated, connection.ConnectionDeleted,
	connection.CertificatesChanged, connection.MetadataIncomplete, connection.CertificateRenewed,
	connection.CertificateRenewalNeeded,
	directory.DirectoryActivated, directory.DirectoryDeleted, directory.DirectoryTokenCreated,
	directory.DirectoryTokenRevoked, directory.DirectoryGroupCreated, directory.DirectoryGroupUpdated,
	directory.DirectoryGroupDeleted, directory.DirectoryGroupUserAdded, directory.DirectoryGroupUserRemoved,
	directory.DirectoryMassChange,
	entitle.LicenseGranted, entitle.LicenseRevoked, entitle.LicenseWaiting, entitle.GroupAssigned,
	entitle.GroupUnassigned,
	organization.OrganizationCreated, organization.OrganizationUpdated, organization.OrganizationDeleted,
	organization.DomainCreated, organization.DomainDeleted, organization.DomainVerified,
	organization.DomainUpdated, organization.DomainVerificationFailed,
	people.DirectoryUserCreated, people.DirectoryUserUpdated, people.DirectoryUserDeleted, people.UserCreated,
	people.UserUpdated, people.UserDeleted, people.UserAdopted, people.UserIdentityLinked,
	people.UserRoleChanged, people.UserAccessEnded, people.UserPasswordSetup, people.UserPasswordSet,
	people.UserPasswordRemoved, people.OrganizationWithoutAdmin,
	setup.LinkCreated, setup.LinkRedeemed, setup.LinkWithdrawn, setup.LinkEnded, setup.StepCompleted,
	signon.LoginResponseRead, signon.SSOSucceeded, signon.SSOFailed, signon.PasswordSucceeded,
	signon.BreakGlassUsed, grant.RefreshReused, grant.LogoutUndeliverable,
}

// theirEvents are the other types of the reference. This server has no such events, but an
// application that moves here may ask for them.
const theirEvents = `
action.authentication.denied action.user_registration.denied agent.blueprint.created
agent.blueprint.deleted agent.blueprint.updated agent.instance.created agent.instance.deleted
agent.instance.session.created agent.instance.session.revoked
agent.registration.claim.attempt.created agent.registration.claim.completed
agent.registration.created agent.registration.credential.issued agent.registration.deleted
agent.registration.expired agent.registration.organization.switched agent.registration.refreshed
agent.registration.revoked api_key.created api_key.revoked api_key.updated
authentication.email_verification_failed authentication.email_verification_succeeded
authentication.magic_auth_failed authentication.magic_auth_succeeded authentication.mfa_failed
authentication.mfa_succeeded authentication.oauth_failed authentication.oauth_succeeded
authentication.passkey_failed authentication.passkey_succeeded authentication.password_failed
authentication.radar_risk_detected authentication.reauthentication_succeeded
authentication.sso_started authentication.sso_timed_out email_verification.created
feature_flags.flag.created feature_flags.flag.deleted feature_flags.flag.updated
feature_flags.flag_rule.created feature_flags.flag_rule.deleted feature_flags.flag_rule.updated
feature_flags.flag_target.created feature_flags.flag_target.deleted flag.created flag.deleted
flag.rule_updated flag.updated group.created group.deleted group.member_added group.member_removed
group.updated invitation.accepted invitation.created invitation.resent invitation.revoked
magic_auth.created organization_membership.created organization_membership.deleted
organization_membership.updated organization_role.created organization_role.deleted
organization_role.updated password_reset.created password_reset.succeeded permission.created
permission.deleted permission.updated pipes.account_connection.add_failed
pipes.account_connection.connected pipes.account_connection.connection_failed
pipes.account_connection.disconnected pipes.account_connection.reauthorization_needed
pipes.connected_account.connected pipes.connected_account.connection_failed
pipes.connected_account.disconnected pipes.connected_account.reauthorization_needed
radar.challenge_created resource_export.completed resource_export.created resource_export.downloaded
resource_export.failed role.created role.deleted role.updated session.created session.revoked
vault.byok_key.deleted vault.byok_key.verification_completed vault.data.created vault.data.deleted
vault.data.read vault.data.updated vault.dek.decrypted vault.dek.read vault.dek.rekeyed
vault.kek.created vault.kek.deleted vault.metadata.read vault.names.listed waitlist_user.approved
waitlist_user.created waitlist_user.denied`

// knownEvents are the types that a query may name.
var knownEvents = func() []string {
	known := strings.Fields(theirEvents)
	for _, t := range ownEvents {
		known = append(known, string(t))
	}
	return known
}()

// suggested is how many names an error suggests for one that is not known.
const suggested = 3

// eventTypes reads the types of events that a query names. A misspelt one would be an empty list
// for ever.
func (p *params) eventTypes(name string) []model.EventType {
	return p.knownEvents(name, codeInvalid(name), p.list(name))
}

// knownEvents reads types of events. code is that of the problem with one that is not known.
func (p *params) knownEvents(name, code string, list []string) (types []model.EventType) {
	for _, t := range list {
		if !slices.Contains(knownEvents, t) {
			message := fmt.Sprintf("there is no event %.100q", t)
			if near := spelling.Suggest(t, knownEvents, suggested); len(near) > 0 {
				message += "; did you mean " + strings.Join(near, ", ") + "?"
			} else {
				message += "; docs/application.md lists the events"
			}
			p.problems = append(p.problems, problem{name, code, message})
			continue
		}
		types = append(types, model.EventType(t))
	}
	return types
}
