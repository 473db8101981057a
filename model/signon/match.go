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

// matcher finds out who a person is (docs/design/identity.md, "Matching").
type matcher struct {
	org          Org
	organization *organization.Organization
	connection   *connection.Connection
	claims       *Claims

	byEmail bool     // the candidate was recognized by the e-mail address alone
	taken   bool     // the asserted address is somebody else's
	notes   []string // for the login log
}

func (m *matcher) refuse(reason refusal.Reason, expected, received string, who ...people.User) error {
	r := &refusal.Error{Reason: reason, Expected: expected, Received: received}
	if len(who) == 1 {
		r.UserID = who[0].ID
	}
	return r
}

// match is the table of docs/design/identity.md, "Matching": the first row that fits decides.
func (m *matcher) match(ctx context.Context) (*people.User, *people.Identity, error) {
	if !tenant.Keepable(m.claims.Subject) || !tenant.Keepable(m.claims.Issuer) {
		return nil, nil, m.refuse(refusal.NotProvisioned, fmt.Sprintf("a subject of at most %d bytes of text", tenant.MaxIndexed), tenant.Clipped(m.claims.Subject))
	}
	var identities []people.Identity
	err := tenant.DB(m.org).WithContext(ctx).Where("connection_id = ? AND issuer = ? AND subject = ?", m.connection.ID, m.claims.Issuer, m.claims.Subject).
		Limit(1).Find(&identities).Error
	if err != nil {
		return nil, nil, fmt.Errorf("read identity: %w", err)
	}
	if len(identities) == 1 { // row 1
		var u people.User
		// Whoever deactivates this user now waits for this login, or this login for them. So do other
		// logins of the same person: two that shared the lock could not both go on to change the names.
		db := tenant.DB(m.org).WithContext(ctx).Clauses(clause.Locking{Strength: tenant.ToChange})
		if err := tenant.ByID(m.org, db, &u, "user", identities[0].UserID); err != nil {
			return nil, nil, err
		}
		if err := m.checkAddress(ctx, &u); err != nil {
			return nil, nil, err
		}
		known, err := m.admit(ctx, &u)
		return known, &identities[0], err
	}
	who, err := m.candidate(ctx)
	if err != nil {
		return nil, nil, err
	}
	if who != nil {
		u, err := m.admit(ctx, who)
		if err != nil {
			return nil, nil, err
		}
		return m.link(ctx, u)
	}
	return m.create(ctx)
}

// candidate is the user whom rows 2 and 4 recognize, and nil when there is none.
func (m *matcher) candidate(ctx context.Context) (*people.User, error) {
	email, trusted := m.email()
	names := m.userNames()
	db := tenant.DB(m.org).WithContext(ctx).Where(
		"(directory_id IS NOT NULL AND external_id = ? AND external_id <> '') OR (directory_id IS NOT NULL AND user_name_folded IN ?) OR (? AND email_folded = ? AND email_folded <> '')",
		m.claims.Subject, names, trusted, email)
	// A crowd that shares an address must not hide whom row 2 recognizes.
	db = db.Order(clause.OrderBy{Expression: clause.Expr{
		SQL:  "CASE WHEN directory_id IS NOT NULL AND external_id = ? THEN 0 WHEN directory_id IS NOT NULL AND user_name_folded IN ? THEN 1 ELSE 2 END, id",
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
		return nil, m.refuse(refusal.Ambiguous, "one user with this externalId, userName or e-mail address", fmt.Sprint(max(len(byDirectory), len(byEmail)), " of them"))
	case len(byEmail) == 0:
		return nil, nil
	case byEmail[0].Role == people.Admin: // row 5
		return nil, m.refuse(refusal.AdminLinkRequired, "an administrator whose identity somebody has linked",
			"the e-mail address of an administrator", byEmail...)
	}
	m.byEmail = true
	return &byEmail[0], nil // row 4
}

// recognizes tells whether a candidate, who is locked by now, still is the one that rows 2 and 4
// recognized: a member may have become an administrator, and an address or a name somebody else's.
func (m *matcher) recognizes(u *people.User) bool {
	if email, trusted := m.email(); m.byEmail {
		return trusted && u.EmailFolded == email && u.Role != people.Admin
	}
	return u.DirectoryID != nil && (u.ExternalID != "" && u.ExternalID == m.claims.Subject || slices.Contains(m.userNames(), u.UserNameFolded))
}

// errRecognizedAnew is what a login gets whose user was changed between being found and being locked.
var errRecognizedAnew = &model.Error{Kind: model.Busy, Message: "the user was changed while they signed in; try again"}

// checkAddress keeps a login from giving its user the address of somebody else. Who is new with that
// address is refused by rows 3 and 5; who is known would else pass for the other one, an administrator
// perhaps, at every application that keys by e-mail.
func (m *matcher) checkAddress(ctx context.Context, u *people.User) error {
	email, trusted := m.email()
	if u.DirectoryID != nil || !trusted || email == u.EmailFolded {
		return nil
	}
	var others int64
	if err := tenant.DB(m.org).WithContext(ctx).Model(&people.User{}).Where("email_folded = ? AND id <> ?", email, u.ID).Count(&others).Error; err != nil {
		return fmt.Errorf("count users with address: %w", err)
	}
	if m.taken = others > 0; m.taken {
		m.notes = append(m.notes, "the e-mail address was not changed: another user of the organization has the asserted one")
	}
	return nil
}

// maxCandidates are read to tell one from several.
const maxCandidates = 10

// userNames are the folded userNames by which a directory may know the person.
func (m *matcher) userNames() []string {
	names := []string{}
	for _, n := range []string{m.claims.NameID, m.claims.UserName} {
		if n != "" {
			names = append(names, model.Fold(n))
		}
	}
	return names
}

// email is the asserted address as it is matched, and whether it is trusted:
// vouched for, and under a verified domain of the organization.
func (m *matcher) email() (folded string, trusted bool) {
	folded, domain := model.FoldEmail(m.claims.Email)
	return folded, folded != "" && m.claims.EmailVerified && people.UnderVerified(m.organization.Domains, domain)
}

// admit refuses a user who is inactive, except one whose directory is gone: they
// may come back by a login where the organization lets logins make users.
func (m *matcher) admit(ctx context.Context, u *people.User) (*people.User, error) {
	if u.Active {
		return m.refresh(ctx, u)
	}
	if _, trusted := m.email(); u.InactiveReason != people.DirectoryRemoved || !m.organization.Settings.JIT || !trusted {
		return nil, m.refuse(refusal.UserDeactivated, "an active user", "one who is inactive: "+string(u.InactiveReason), *u)
	}
	return people.In(m.org).ChangeUser(ctx, u.ID, func(org people.Org, u *people.User) error {
		if u.Active {
			return nil
		}
		if u.InactiveReason != people.DirectoryRemoved || u.DirectoryID != nil {
			return m.refuse(refusal.UserDeactivated, "an active user", "one who was deactivated meanwhile", *u)
		}
		u.Active, u.InactiveReason = true, ""
		if err := m.describe(u); err != nil {
			return err
		}
		return org.RecordUser(ctx, people.UserUpdated, u)
	})
}

// refresh takes the names that the login asserts, for a user whom no directory
// owns: a directory's word counts for more.
func (m *matcher) refresh(ctx context.Context, u *people.User) (*people.User, error) {
	if u.DirectoryID != nil {
		return u, nil
	}
	described := *u
	if err := m.describe(&described); err != nil || described.Document == u.Document {
		return u, err
	}
	return people.In(m.org).ChangeUser(ctx, u.ID, func(org people.Org, u *people.User) error {
		if !u.Active {
			return m.refuse(refusal.UserDeactivated, "an active user", "one who was deactivated meanwhile", *u)
		}
		if u.DirectoryID != nil {
			return nil // adopted meanwhile
		}
		if err := m.describe(u); err != nil {
			return err
		}
		return org.RecordUser(ctx, people.UserUpdated, u)
	})
}

// describe writes what the login asserts into a user's document.
func (m *matcher) describe(u *people.User) error {
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
			delete(name, "formatted") // it told the old name
		}
	}
	if len(name) > 0 {
		d["name"] = name
	}
	if m.claims.DisplayName != "" {
		d["displayName"] = m.claims.DisplayName
	}
	if folded, trusted := m.email(); trusted && folded != u.EmailFolded && !m.taken {
		d["emails"] = []any{map[string]any{"value": m.claims.Email, "type": "work", "primary": true}}
	}
	return u.SetDocument(d)
}

// identity is the one that the login asserts.
func (m *matcher) identity(u *people.User) (people.Identity, error) {
	raw, err := m.claims.raw()
	return people.Identity{ConnectionID: m.connection.ID, Issuer: m.claims.Issuer, Subject: m.claims.Subject, UserID: u.ID, RawAttributes: raw}, err
}

// link makes the identity one of the user's.
func (m *matcher) link(ctx context.Context, found *people.User) (*people.User, *people.Identity, error) {
	identity, err := m.identity(found)
	if err != nil {
		return nil, nil, err
	}
	return people.In(m.org).AddIdentity(ctx, identity, func(u *people.User) error {
		if !u.Active {
			return m.refuse(refusal.UserDeactivated, "an active user", "one who was deactivated meanwhile", *u)
		}
		if !m.recognizes(u) {
			return errRecognizedAnew
		}
		u.ConnectionID = &m.connection.ID
		return nil
	})
}

// create is rows 6 to 8: whoever is left is new, and may come in where nothing
// speaks against it.
func (m *matcher) create(ctx context.Context) (*people.User, *people.Identity, error) {
	departed, err := directory.In(m.org).Departed(ctx,
		people.Traces{UserName: m.claims.Email, Emails: []string{m.claims.Email}, Identities: []people.Identity{
			{ConnectionID: m.connection.ID, Issuer: m.claims.Issuer, Subject: m.claims.Subject}}},
		people.Traces{UserName: m.claims.NameID}, people.Traces{UserName: m.claims.UserName})
	if err != nil {
		return nil, nil, err
	}
	if departed {
		return nil, nil, m.refuse(refusal.PersonDeprovisioned, "a person whom no directory of the organization has deleted",
			"one whom a directory has deleted; it must provision the person again, or an administrator removes the tombstone")
	}
	folded, trusted := m.email()
	_, domain := model.FoldEmail(m.claims.Email)
	switch {
	case folded != "" && !m.claims.EmailVerified && people.UnderVerified(m.organization.Domains, domain):
		return nil, nil, m.refuse(refusal.NotProvisioned, "a verified e-mail address (OpenID Connect: email_verified, Entra: xms_edov), or trust_email at the connection",
			describeEmail(m.claims.Email)+", which the identity provider does not call verified")
	case !m.organization.Settings.JIT:
		return nil, nil, m.refuse(refusal.NotProvisioned, "a user of the organization: logins do not make users here (jit is off)", "somebody unknown")
	case !trusted:
		return nil, nil, m.refuse(refusal.NotProvisioned, "a user of the organization, or an e-mail address under one of its verified domains", describeEmail(m.claims.Email))
	}
	u := &people.User{Active: true, Role: people.Member, ConnectionID: &m.connection.ID}
	if err := m.describe(u); err != nil {
		return nil, nil, err
	}
	identity, err := m.identity(u)
	if err != nil {
		return nil, nil, err
	}
	identity.ID, identity.CreatedAt, identity.UpdatedAt = model.NewID(), tenant.Now(m.org), tenant.Now(m.org)
	u.ProfileIDs = []string{identity.ID}
	if err := people.In(m.org).InsertUser(ctx, u); err != nil {
		return nil, nil, err
	}
	if err := people.In(m.org).RecordUser(ctx, people.UserCreated, u); err != nil {
		return nil, nil, err
	}
	identity.UserID = u.ID
	if err := tenant.DB(m.org).WithContext(ctx).Create(&identity).Error; err != nil {
		return nil, nil, fmt.Errorf("create identity: %w", err)
	}
	return u, &identity, nil
}
