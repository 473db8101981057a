package signon

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/directory"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/refusal"
)

// matcher finds the user of a login (docs/design/identity.md, "Matching"). The rows that its
// comments name are those of the table there.
type matcher struct {
	org          Org
	organization *organization.Organization
	connection   *connection.Connection
	claims       *Claims

	byEmail      bool     // row 4 found the candidate
	addressTaken bool     // another user has the asserted address
	notes        []string // for the login log
	how          Match
}

// Match is how a login finds its user.
type Match string

// The ways to find the user.
const (
	Known   Match = "known"   // by an identity of before
	Linked  Match = "linked"  // a user who is there and gets the identity
	Created Match = "created" // a new user
)

// matched is who was found.
type matched struct {
	user     *people.User
	identity *people.Identity
	how      Match
}

// refuse makes the error of a login that is refused.
func (m *matcher) refuse(reason refusal.Reason, expected, received string, found ...people.User) error {
	r := &refusal.Error{Reason: reason, Expected: expected, Received: received}
	if len(found) == 1 {
		r.UserID = found[0].ID
	}
	return r
}

// match returns the user and the identity by the first row of the table that fits.
func (m *matcher) match(ctx context.Context) (*people.User, *people.Identity, error) {
	if !tenant.Keepable(m.claims.Subject) || !tenant.Keepable(m.claims.Issuer) {
		return nil, nil, m.unknown(refusal.CauseSubject, tenant.Clipped(m.claims.Subject))
	}
	var identities []people.Identity
	err := tenant.DB(ctx, m.org).
		Where("connection_id = ? AND issuer = ? AND subject = ?", m.connection.ID, m.claims.Issuer, m.claims.Subject).
		Limit(1).Find(&identities).Error
	if err != nil {
		return nil, nil, fmt.Errorf("read identity: %w", err)
	}
	if m.how = Known; len(identities) == 1 { // row 1
		var u people.User
		// The lock serializes this login with a deactivation of the user, and with other logins of
		// the user: two transactions with a shared lock could not both update the names.
		db := tenant.DB(ctx, m.org).Clauses(clause.Locking{Strength: tenant.ToChange})
		if err := tenant.ByID(m.org, db, &u, "user", identities[0].UserID); err != nil {
			return nil, nil, err
		}
		if err := m.checkAddress(ctx, &u); err != nil {
			return nil, nil, err
		}
		known, err := m.admit(ctx, &u)
		return known, &identities[0], err
	}
	candidate, err := m.candidate(ctx)
	if err != nil {
		return nil, nil, err
	}
	if m.how = Linked; candidate != nil { // row 2 or 4
		u, err := m.admit(ctx, candidate)
		if err != nil {
			return nil, nil, err
		}
		return m.linkUser(ctx, u)
	}
	if err := m.checkNew(ctx); err != nil {
		return nil, nil, err
	}
	m.how = Created
	return m.createUser(ctx)
}

// candidates are the ids of the users of rows 2 to 5: one sub-select for each index, since for a
// condition with OR all users might be read.
const candidates = `
	SELECT id FROM users WHERE organization_id = ? AND external_id = ? AND external_id <> ''
		AND NULLIF(directory_id, '') IS NOT NULL UNION ALL
	SELECT id FROM users WHERE organization_id = ? AND user_name_folded IN ?
		AND NULLIF(directory_id, '') IS NOT NULL UNION ALL
	SELECT id FROM users WHERE organization_id = ? AND ? AND email_folded = ? AND email_folded <> ''`

// candidate returns the user of row 2 or 4, and nil when there is none.
func (m *matcher) candidate(ctx context.Context) (*people.User, error) {
	email, trusted := m.email()
	names := m.userNames()
	db := tenant.DB(ctx, m.org).Where(tenant.DialectOf(m.org).In("id", candidates),
		m.org.ID, m.claims.Subject, m.org.ID, names, m.org.ID, trusted, email)
	// Many users can share an address. They must not displace the user of row 2.
	db = db.Order(clause.OrderBy{Expression: clause.Expr{
		SQL: "CASE WHEN directory_id IS NOT NULL AND external_id = ? THEN 0 " +
			"WHEN directory_id IS NOT NULL AND user_name_folded IN ? THEN 1 ELSE 2 END, id",
		Vars: []any{m.claims.Subject, names}}})
	var found []people.User
	if err := db.Limit(maxCandidates).Find(&found).Error; err != nil {
		return nil, fmt.Errorf("read candidates: %w", err)
	}
	var byExternalID, byUserName, byEmail []people.User
	for _, u := range found {
		if u.DirectoryID != nil && u.ExternalID != "" && u.ExternalID == m.claims.Subject {
			byExternalID = append(byExternalID, u)
		}
		if u.DirectoryID != nil && slices.Contains(names, u.UserNameFolded) {
			byUserName = append(byUserName, u)
		}
		if trusted && u.EmailFolded == email && email != "" {
			byEmail = append(byEmail, u)
		}
	}
	byDirectory := byExternalID
	if len(byDirectory) == 0 {
		byDirectory = byUserName
	}
	switch {
	case len(byDirectory) == 1: // row 2
		return &byDirectory[0], nil
	case len(byDirectory) > 1 || len(byEmail) > 1: // row 3
		return nil, m.refuse(refusal.Ambiguous, "one user with this externalId, userName or e-mail address",
			fmt.Sprint(max(len(byDirectory), len(byEmail)), " of them"))
	case len(byEmail) == 0:
		return nil, nil
	case byEmail[0].Role == people.Admin: // row 5
		return nil, m.refuse(refusal.AdminLinkRequired, "an administrator whose identity somebody has linked",
			"the e-mail address of an administrator", byEmail...)
	}
	m.byEmail = true
	return &byEmail[0], nil // row 4
}

// stillMatches tells whether row 2 or 4 still fits the candidate, whose row is locked now.
// Meanwhile a member can have become an administrator, and an address or a name can have moved to
// another user.
func (m *matcher) stillMatches(u *people.User) bool {
	if email, trusted := m.email(); m.byEmail {
		return trusted && u.EmailFolded == email && u.Role != people.Admin
	}
	return u.DirectoryID != nil && (u.ExternalID != "" && u.ExternalID == m.claims.Subject ||
		slices.Contains(m.userNames(), u.UserNameFolded))
}

// errUserChanged makes SignIn try again: the user was changed between the search and the lock.
var errUserChanged = &model.Error{Kind: model.Busy, Message: "the user was changed while they signed in; try again"}

// checkAddress looks whether another user has the asserted address. The login then keeps its user's
// old one: an application that knows people by address would take this user for the other, who may
// be an administrator. For a new user rows 3 and 5 refuse such an address.
func (m *matcher) checkAddress(ctx context.Context, u *people.User) error {
	email, trusted := m.email()
	if u.DirectoryID != nil || !trusted || email == u.EmailFolded {
		return nil
	}
	var others int64
	if err := tenant.DB(ctx, m.org).Model(&people.User{}).
		Where("email_folded = ? AND id <> ?", email, u.ID).Count(&others).Error; err != nil {
		return fmt.Errorf("count users with address: %w", err)
	}
	if m.addressTaken = others > 0; m.addressTaken {
		m.notes = append(m.notes,
			"the e-mail address was not changed: another user of the organization has the asserted one")
	}
	return nil
}

// maxCandidates is how many candidates are read. Two are enough to be ambiguous, but one user can
// fit several conditions.
const maxCandidates = 10

// userNames are the folded userNames by which a directory may know the person.
func (m *matcher) userNames() []string {
	names := []string{}
	for _, n := range []string{m.claims.NameID, m.claims.UserName} {
		if n != "" {
			names = append(names, tenant.FoldName(n))
		}
	}
	return names
}

// email returns the folded address, and whether it is trusted: the identity provider vouches for
// it, and it is under a verified domain of the organization.
func (m *matcher) email() (folded string, trusted bool) {
	folded, domain := model.FoldEmail(m.claims.Email)
	return folded, folded != "" && m.claims.EmailVerified && organization.UnderVerified(m.organization.Domains, domain)
}

// admit refuses an inactive user. One exception: a user whose directory was deleted becomes active
// again by a login, where the organization lets logins create users.
func (m *matcher) admit(ctx context.Context, u *people.User) (*people.User, error) {
	if u.Active {
		return m.update(ctx, u)
	}
	_, trusted := m.email()
	if u.InactiveReason != people.DirectoryRemoved || !m.organization.Settings.JIT || !trusted {
		return nil, m.refuse(refusal.UserDeactivated, "an active user",
			"one who is inactive: "+string(u.InactiveReason), *u)
	}
	return people.Inside(tenant.Inside(m.org)).ChangeUser(ctx, u.ID, func(org people.Org, u *people.User) error {
		if u.Active {
			return nil
		}
		if u.InactiveReason != people.DirectoryRemoved || u.DirectoryID != nil {
			return m.refuse(refusal.UserDeactivated, "an active user", "one who was deactivated meanwhile", *u)
		}
		return people.Inside(tenant.Inside(org)).ReviseByLogin(ctx, u, m.applyClaims)
	})
}

// update writes the names that the login asserts. It changes no user of a directory: the
// directory's data has priority.
func (m *matcher) update(ctx context.Context, u *people.User) (*people.User, error) {
	if u.DirectoryID != nil {
		return u, nil
	}
	updated := *u
	if err := m.applyClaims(&updated); err != nil || updated.Document == u.Document {
		return u, err
	}
	return people.Inside(tenant.Inside(m.org)).ChangeUser(ctx, u.ID, func(org people.Org, u *people.User) error {
		if !u.Active {
			return m.refuse(refusal.UserDeactivated, "an active user", "one who was deactivated meanwhile", *u)
		}
		if u.DirectoryID != nil {
			return nil // a directory has adopted the user meanwhile
		}
		return people.Inside(tenant.Inside(org)).ReviseByLogin(ctx, u, m.applyClaims)
	})
}

// applyClaims writes what the login asserts into the user's document.
func (m *matcher) applyClaims(u *people.User) error {
	d, err := u.DocumentMap()
	if err != nil {
		return err
	}
	if d["userName"] == nil {
		d["userName"] = m.claims.Email
	}
	name, _ := d["name"].(map[string]any)
	if name == nil {
		name = map[string]any{}
	}
	for key, value := range map[string]string{"givenName": m.claims.FirstName, "familyName": m.claims.LastName} {
		if value != "" && name[key] != value {
			name[key] = value
			delete(name, "formatted") // it has the old name
		}
	}
	if len(name) > 0 {
		d["name"] = name
	}
	if m.claims.DisplayName != "" {
		d["displayName"] = m.claims.DisplayName
	}
	if folded, trusted := m.email(); trusted && folded != u.EmailFolded && !m.addressTaken {
		d["emails"] = []any{map[string]any{"value": m.claims.Email, "type": "work", "primary": true}}
	}
	return u.SetDocument(d)
}

// newIdentity is the identity that the login asserts, for a user.
func (m *matcher) newIdentity(u *people.User) (people.Identity, error) {
	raw, err := m.claims.rawAttributes()
	return people.Identity{ConnectionID: m.connection.ID, Issuer: m.claims.Issuer, Subject: m.claims.Subject,
		UserID: u.ID, RawAttributes: raw}, err
}

// linkUser adds the identity to a user who was found.
func (m *matcher) linkUser(ctx context.Context, found *people.User) (*people.User, *people.Identity, error) {
	identity, err := m.newIdentity(found)
	if err != nil {
		return nil, nil, err
	}
	return people.Inside(tenant.Inside(m.org)).AddIdentity(ctx, identity, func(u *people.User) error {
		if !u.Active {
			return m.refuse(refusal.UserDeactivated, "an active user", "one who was deactivated meanwhile", *u)
		}
		if !m.stillMatches(u) {
			return errUserChanged
		}
		u.ConnectionID = &m.connection.ID
		return nil
	})
}

// checkNew is rows 6 and 8. It refuses a person with a tombstone, and one for whom the organization
// does not let a login create a user.
func (m *matcher) checkNew(ctx context.Context) error {
	departed, err := directory.In(m.org).Departed(ctx,
		people.Traces{UserName: m.claims.Email, Emails: []string{m.claims.Email}, Identities: []people.Identity{
			{ConnectionID: m.connection.ID, Issuer: m.claims.Issuer, Subject: m.claims.Subject}}},
		people.Traces{UserName: m.claims.NameID}, people.Traces{UserName: m.claims.UserName})
	if err != nil {
		return err
	}
	if departed {
		return m.refuse(refusal.PersonDeprovisioned,
			"a person whom no directory of the organization has deleted",
			"one whom a directory has deleted; it must provision the person again, or an administrator removes "+
				"the tombstone")
	}
	folded, trusted := m.email()
	_, domain := model.FoldEmail(m.claims.Email)
	switch {
	case folded != "" && !m.claims.EmailVerified && organization.UnderVerified(m.organization.Domains, domain):
		return m.unknown(refusal.CauseUnverified,
			describeEmail(m.claims.Email)+", which the identity provider does not call verified")
	case !m.organization.Settings.JIT:
		return m.unknown(refusal.CauseNoCreation, "somebody unknown: "+m.claims.describe())
	case m.claims.Email == "":
		return m.unknown(refusal.CauseNoEmail, m.claims.describe())
	case !trusted:
		return m.unknown(refusal.CauseDomain, m.claims.describe())
	}
	return nil
}

// unknown makes the error of a login that no user fits.
func (m *matcher) unknown(cause refusal.Cause, received string) error {
	return m.refuse(refusal.NotProvisioned, string(cause), received)
}

// createUser is row 7: it creates the user and the identity.
func (m *matcher) createUser(ctx context.Context) (*people.User, *people.Identity, error) {
	u := &people.User{Active: true, Role: people.Member, ConnectionID: &m.connection.ID}
	if err := m.applyClaims(u); err != nil {
		return nil, nil, err
	}
	identity, err := m.newIdentity(u)
	if err != nil {
		return nil, nil, err
	}
	identity.ID, identity.CreatedAt, identity.UpdatedAt = model.NewID(), tenant.Now(m.org), tenant.Now(m.org)
	u.ProfileIDs = []string{identity.ID}
	if err := people.Inside(tenant.Inside(m.org)).InsertUser(ctx, u); err != nil {
		return nil, nil, err
	}
	if err := people.Inside(tenant.Inside(m.org)).RecordUser(ctx, people.UserCreated, u); err != nil {
		return nil, nil, err
	}
	identity.UserID = u.ID
	if err := tenant.DB(ctx, m.org).Create(&identity).Error; err != nil {
		return nil, nil, fmt.Errorf("create identity: %w", err)
	}
	return u, &identity, nil
}
