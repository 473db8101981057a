package model

import (
	"context"
	"encoding/json"
	"fmt"
)

// EventType names what happened, as the events feed and webhooks spell it.
type EventType string

// The event types of this package (docs/design/store.md, "Events").
const (
	DirectoryActivated       EventType = "dsync.activated"
	DirectoryDeleted         EventType = "dsync.deleted"
	DirectoryTokenCreated    EventType = "dsync.token.created"
	DirectoryTokenRevoked    EventType = "dsync.token.revoked"
	DirectoryUserCreated     EventType = "dsync.user.created"
	DirectoryUserUpdated     EventType = "dsync.user.updated"
	DirectoryUserDeleted     EventType = "dsync.user.deleted"
	DirectoryGroupCreated    EventType = "dsync.group.created"
	DirectoryGroupUpdated    EventType = "dsync.group.updated"
	DirectoryGroupDeleted    EventType = "dsync.group.deleted"
	DirectoryGroupUserAdded  EventType = "dsync.group.user_added"
	DirectoryGroupUserRemove EventType = "dsync.group.user_removed"
	OrganizationCreated      EventType = "organization.created"
	OrganizationUpdated      EventType = "organization.updated"
	OrganizationDeleted      EventType = "organization.deleted"
	DomainCreated            EventType = "organization_domain.created"
	DomainDeleted            EventType = "organization_domain.deleted"
	DomainVerified           EventType = "organization_domain.verified"
	DomainUpdated            EventType = "organization_domain.updated"
	DomainVerificationFailed EventType = "organization_domain.verification_failed"
	ConnectionActivated      EventType = "connection.activated"
	ConnectionDeactivated    EventType = "connection.deactivated"
	ConnectionDeleted        EventType = "connection.deleted"
	CertificatesChanged      EventType = "connection.certificates_changed"
	CertificateRenewed       EventType = "connection.saml_certificate_renewed"
	CertificateRenewalNeeded EventType = "connection.saml_certificate_renewal_required"
	LoginResponseRead        EventType = "connection.login_response_read"
	SSOSucceeded             EventType = "authentication.sso_succeeded"
	SSOFailed                EventType = "authentication.sso_failed"
	UserCreated              EventType = "user.created"
	UserUpdated              EventType = "user.updated"
	UserDeleted              EventType = "user.deleted"
	UserAdopted              EventType = "user.adopted"
	UserIdentityLinked       EventType = "user.identity_linked"
	UserRoleChanged          EventType = "user.role_changed"
	UserAccessEnded          EventType = "user.access_ended"
	DirectoryMassChange      EventType = "directory.mass_change"
	UserPasswordSetup        EventType = "user.password_setup_created"
	UserPasswordSet          EventType = "user.password_set"
	UserPasswordRemoved      EventType = "user.password_removed"
	PasswordSucceeded        EventType = "authentication.password_succeeded"
	BreakGlassUsed           EventType = "break_glass.used"
	OrganizationWithoutAdmin EventType = "organization.without_admin"
	LicenseGrantedEvent      EventType = "license.granted"
	LicenseRevokedEvent      EventType = "license.revoked"
	LicenseWaitingEvent      EventType = "license.waiting"
	GroupAssigned            EventType = "group.assigned"
	GroupUnassigned          EventType = "group.unassigned"
)

// Actor is who did something: kind:id, such as directory:directory_01J…,
// application:app_01J…, operator:bootstrap, or system.
type Actor string

// System acts where nobody asked: sweeping, expiring, migrating.
const System Actor = "system"

// Event is something that happened in an organization. Events are never
// changed. Data is the JSON that the API and webhooks show, without secrets.
type Event struct {
	ID             string         `gorm:"primaryKey"`
	OrganizationID OrganizationID `gorm:"<-:create"`
	Type           EventType
	Actor          Actor
	Subject        string // what it happened to, as an API id
	Data           string
	Restore        int64
	Tx             int64 `gorm:"->"` // given by the database; with Restore and ID the feed's order
	CreatedAt      Time  `gorm:"autoCreateTime:false"`
}

// record notes an event of the running transaction. A transaction's events are
// written at its end by one INSERT, and those of a large one by spill before.
func (o *Org) record(t EventType, subject string, data any) error {
	b, err := encode(data)
	if err != nil {
		return fmt.Errorf("encode event %s: %w", t, err)
	}
	o.tx.events = append(o.tx.events, Event{
		ID: newID(), Type: t, Actor: o.by, Subject: subject, Data: b, Restore: o.store.restore, CreatedAt: o.tx.at,
	})
	o.tx.size += len(b)
	return nil
}

// eventMemory is how many bytes of events a transaction keeps in memory.
const eventMemory = 4 << 20

// spill writes the events so far when they have grown large: a change of many
// members has an event for each of them, with all that is known of that user.
func (o *Org) spill(ctx context.Context) error {
	if o.tx.size < eventMemory {
		return nil
	}
	return o.writeEvents(ctx)
}

// eventColumns are those that an INSERT of an event has.
const eventColumns = 8

func (o *Org) writeEvents(ctx context.Context) error {
	if len(o.tx.events) == 0 {
		return nil
	}
	if err := o.db.WithContext(ctx).CreateInBatches(o.tx.events, o.store.dialect.batch(eventColumns)).Error; err != nil {
		return fmt.Errorf("write events: %w", err)
	}
	o.tx.events, o.tx.size = nil, 0
	return nil
}

// accessEnded is the data of user.access_ended.
type accessEnded struct {
	UserID          string       `json:"user_id"`
	DirectoryUserID *string      `json:"directory_user_id"`
	ProfileIDs      []string     `json:"profile_ids"`
	OrganizationID  string       `json:"organization_id"`
	Reason          EndingReason `json:"reason"`
	Actor           Actor        `json:"actor"`
}

// EndingReason is why a user's access ended.
type EndingReason string

// The reasons of user.access_ended.
const (
	EndedDeprovisioned     EndingReason = "deprovisioned"
	EndedDeleted           EndingReason = "deleted"
	EndedDirectoryDeleted  EndingReason = "directory_deleted"
	EndedRevoked           EndingReason = "revoked"
	EndedRoleChanged       EndingReason = "role_changed"
	EndedConnectionChanged EndingReason = "connection_changed"
)

func (o *Org) recordAccessEnded(u *User, reason EndingReason) error {
	data := accessEnded{
		UserID: UserPrefix.ID(u.ID), ProfileIDs: []string{}, OrganizationID: OrganizationPrefix.ID(string(o.ID)),
		Reason: reason, Actor: o.by,
	}
	if u.DirectoryID != nil {
		id := DirectoryUserPrefix.ID(u.ID)
		data.DirectoryUserID = &id
	}
	for _, id := range u.ProfileIDs {
		data.ProfileIDs = append(data.ProfileIDs, ProfilePrefix.ID(id))
	}
	return o.record(UserAccessEnded, UserPrefix.ID(u.ID), data)
}

// encode writes v as compact JSON as JSON.stringify does: no escapes for <, >
// and &, since receivers sign their own re-serialization of it (docs/design/store.md, "Events").
func encode(v any) (string, error) {
	b, err := marshal(v)
	return string(b), err
}

// decode reads a stored JSON column, which this package wrote.
func decode(text string, into any) error {
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fmt.Errorf("stored JSON: %w", err)
	}
	return nil
}
