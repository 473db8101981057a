package signon

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
	"rollcall/model/people"
)

// SignedIn is a live session with its user and identity.
type SignedIn struct {
	Session people.Session
	User    people.User // without the values of the document, and without the version
	// Identity is that of the session. After a password it is the user's first one. A user who
	// never signed in by an identity provider has one with the user's id.
	Identity       people.Identity
	ConnectionType string // empty after a password
}

// SessionByToken returns the live session of a browser by the value of its cookie. Without one it
// returns Denied.
func (s Store) SessionByToken(ctx context.Context, token string) (*SignedIn, error) {
	in, err := s.readSession(across.Read(ctx, s), sessionByCookie, tenant.HashToken(token), model.TimeOf(s.Now()))
	if err != nil {
		return nil, err
	}
	return s.noteUse(ctx, in), nil
}

// SessionByAccessToken returns the live session for which an application got an access token.
// Without one it returns Denied. It also returns Denied when the application no longer serves the
// organization, and when the user's profile may no longer be disclosed to it (see Org.HandOver).
func (s Store) SessionByAccessToken(ctx context.Context, token string) (*SignedIn, error) {
	now := model.TimeOf(s.Now())
	in, err := s.readSession(across.Read(ctx, s), sessionByAccessToken, tenant.HashToken(token), now, now)
	if err != nil {
		return nil, err
	}
	return s.noteUse(ctx, in), nil
}

// readSession runs one of the statements below. When it finds nothing, the error is Denied and does
// not say why.
func (s Store) readSession(db *gorm.DB, query func(tenant.Dialect) string, args ...any) (*SignedIn, error) {
	var rows []SignedInRow
	if err := db.Raw(query(tenant.DialectOf(s)), args...).Scan(&rows).Error; err != nil {
		return nil, tenant.Translate(s, fmt.Errorf("read session: %w", err))
	}
	if len(rows) == 0 || rows[0].idle(model.TimeOf(s.Now())) {
		return nil, model.Deniedf("the session is unknown or has ended")
	}
	return rows[0].SignedIn(), nil
}

// idleStep is how far idle_until must move before the new value is written. A session in use then
// costs one write a minute.
const idleStep = model.Time(60_000)

// noteUse moves the end of the idle time. When that cannot be written, the request goes on: the
// session is still good.
func (s Store) noteUse(ctx context.Context, in *SignedIn) *SignedIn {
	now := model.TimeOf(s.Now())
	until := in.Session.IdleFrom(now)
	if until == nil || in.Session.IdleUntil != nil && *until-*in.Session.IdleUntil < idleStep {
		return in
	}
	in.Session.IdleUntil = until
	if err := In(s.Org(in.Session.OrganizationID, model.System)).storeIdleUntil(ctx, &in.Session); err != nil {
		tenant.Log(s).WarnContext(ctx, "use of session not noted", "error", err)
	}
	return in
}

// storeIdleUntil writes idle_until. It never writes an earlier time over a later one, since several
// replicas write.
func (o Org) storeIdleUntil(ctx context.Context, s *people.Session) error {
	err := tenant.DB(ctx, o).Model(&people.Session{}).
		Where("id = ? AND idle_until < ?", s.ID, *s.IdleUntil).UpdateColumn("idle_until", *s.IdleUntil).Error
	if err != nil {
		return fmt.Errorf("note use of session: %w", err)
	}
	return nil
}

// SignedInRow is a SignedIn as one statement reads it.
type SignedInRow struct {
	SessionID, OrganizationID, UserID, ConnectionID, IdentityID string
	Epoch                                                       int64
	AuthenticatedAt, CreatedAt, ExpiresAt                       model.Time
	IdleSeconds                                                 int64
	IdleUntil                                                   *model.Time
	DirectoryID                                                 *string
	UserName, Email, EmailFolded, EmailDomain, Document         string
	Role                                                        people.Role
	ConnectionType, IdentityConnectionID                        string
	Issuer, Subject, RawAttributes                              string
}

// idle tells whether the session was unused for too long.
func (r *SignedInRow) idle(now model.Time) bool { return r.IdleUntil != nil && *r.IdleUntil <= now }

// SignedIn makes a SignedIn of the row.
func (r *SignedInRow) SignedIn() *SignedIn {
	organization := model.OrganizationID(r.OrganizationID)
	sessionIdentity := r.IdentityID
	if r.ConnectionID == "" {
		sessionIdentity = ""
	}
	if r.IdentityID == "" { // the user never signed in by an identity provider
		r.IdentityID, r.Subject = r.UserID, r.UserID
	}
	return &SignedIn{
		Session: people.Session{ID: r.SessionID, OrganizationID: organization, UserID: r.UserID,
			ConnectionID: r.ConnectionID, IdentityID: sessionIdentity, Epoch: r.Epoch,
			AuthenticatedAt: r.AuthenticatedAt, CreatedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt,
			IdleSeconds: r.IdleSeconds, IdleUntil: r.IdleUntil},
		User: people.User{ID: r.UserID, OrganizationID: organization, DirectoryID: r.DirectoryID,
			UserName: r.UserName, Email: r.Email, EmailFolded: r.EmailFolded, EmailDomain: r.EmailDomain,
			Document: r.Document, Role: r.Role, Active: true, Epoch: r.Epoch},
		Identity: people.Identity{ID: r.IdentityID, OrganizationID: organization,
			ConnectionID: r.IdentityConnectionID, Issuer: r.Issuer, Subject: r.Subject, UserID: r.UserID,
			RawAttributes: r.RawAttributes},
		ConnectionType: r.ConnectionType,
	}
}

// The statements that find a live session by a secret, one for each kind of secret. The
// organization is known only afterwards. So each statement is limited by the hash of the secret,
// joins only rows of the session's organization, and demands that the session is live: this is the
// one place that decides whether access has ended (docs/design/identity.md, "Ended access").
//   - users: a session is live while its user is active and has the epoch of the session.
//   - identities, connections: a session that began with a password has no connection. Its
//     identity is the user's first, by which applications know the user. A session that began at
//     an identity provider needs both.
//   - applications, organizations: a code or a token is good while the application serves the
//     organization and may see the user. A directory can change the user's address later.
const (
	signedInColumns = `
	SELECT s.id AS session_id, s.organization_id, s.user_id, COALESCE(s.connection_id, '') AS connection_id,
		COALESCE(i.id, '') AS identity_id, s.epoch, s.authenticated_at, s.created_at, s.expires_at, s.idle_seconds,
		s.idle_until, u.directory_id, u.user_name, u.email, u.email_folded, u.email_domain, u.document, u.role,
		COALESCE(c.type, '') AS connection_type, COALESCE(i.connection_id, '') AS identity_connection_id,
		COALESCE(i.issuer, '') AS issuer, COALESCE(i.subject, '') AS subject,
		COALESCE(i.raw_attributes, '{}') AS raw_attributes`

	byHash = " WHERE t.hash = ? AND t.expires_at > ?" + liveSession

	liveSession = ` AND s.ended_at IS NULL AND s.expires_at > ?
		AND (s.identity_id IS NULL OR i.id IS NOT NULL AND c.id IS NOT NULL)`
)

// whose joins the user, the identity and the connection of the session s.
func whose(d tenant.Dialect) string {
	return d.Join("JOIN", "users", "u",
		"u.directory_id, u.user_name, u.email, u.email_folded, u.email_domain, u.document, u.role, u.updated_at",
		"u.organization_id = s.organization_id AND u.id = s.user_id AND u.epoch = s.epoch AND u.active") +
		d.Join("LEFT JOIN", "identities", "i", "i.id, i.connection_id, i.issuer, i.subject, i.raw_attributes",
			`i.organization_id = s.organization_id AND i.user_id = s.user_id AND i.id = COALESCE(s.identity_id,
			(SELECT MIN(f.id) FROM identities f
				WHERE f.organization_id = s.organization_id AND f.user_id = s.user_id))`) +
		d.Join("LEFT JOIN", "connections", "c", "c.id, c.type",
			"c.organization_id = s.organization_id AND c.id = s.connection_id")
}

// issued joins the session of the token or code t, and what its application may see.
func issued(d tenant.Dialect) string {
	return d.Join("JOIN", "sessions", "s", "s.id, s.organization_id, s.user_id, s.connection_id, s.identity_id, "+
		"s.epoch, s.authenticated_at, s.created_at, s.expires_at, s.idle_seconds, s.idle_until, s.ended_at",
		"s.organization_id = t.organization_id AND s.id = t.session_id") + whose(d) +
		d.Join("JOIN", "applications", "a", "a.id", `a.id = t.application_id AND (a.all_organizations OR EXISTS (
			SELECT 1 FROM application_organizations o
			WHERE o.application_id = t.application_id AND o.organization_id = t.organization_id))`) +
		d.Join("JOIN", "organizations", "g", "g.id, g.name",
			`g.id = t.organization_id AND (g.allow_profiles_outside_organization OR EXISTS (
			SELECT 1 FROM organization_domains d
			WHERE d.organization_id = t.organization_id AND d.domain = u.email_domain AND d.state = 'verified'))`)
}

// sessionByCookie finds the session of a browser.
func sessionByCookie(d tenant.Dialect) string {
	return signedInColumns + " FROM sessions s" + whose(d) + " WHERE s.token_hash = ?" + liveSession
}

// IssuedQuery is a statement that finds the session of what was issued to an application, with
// more about it.
type IssuedQuery struct {
	Columns string // besides those of SignedInRow; t is the issued row, s, u and g are its session's
	From    string // the table and its alias t, which must have organization_id, session_id, application_id
	Where   string // what bounds it
	Lock    bool   // the issued row, until the transaction ends
}

// FindIssued runs the query of what was issued, in the caller's transaction, which is db. It scans
// what it finds into the given slice of rows, each with a SignedInRow in it, and it finds nothing
// where access has ended (see the statements below).
func (s InnerStore) FindIssued(db *gorm.DB, q IssuedQuery, rows any, args ...any) error {
	d, now := tenant.DialectOf(s), model.TimeOf(s.Now())
	text := signedInColumns + q.Columns + " FROM " + q.From + issued(d) + " WHERE " + q.Where + liveSession +
		" AND (s.idle_until IS NULL OR s.idle_until > ?)"
	if q.Lock && d == tenant.PostgresDialect {
		text += " FOR UPDATE OF t"
	}
	if err := db.Raw(text, append(slices.Clip(args), now, now)...).Scan(rows).Error; err != nil {
		return tenant.Translate(s, fmt.Errorf("read session: %w", err))
	}
	return nil
}

// Use returns the SignedIn of a row that was found, and notes that its session is in use.
func (s InnerStore) Use(ctx context.Context, r *SignedInRow) *SignedIn {
	return s.noteUse(ctx, r.SignedIn())
}

// sessionByAccessToken finds the session that an access token was issued for. Tokens with a scope
// are those of the OpenID provider.
func sessionByAccessToken(d tenant.Dialect) string {
	return signedInColumns + " FROM access_tokens t" + issued(d) + byHash + " AND t.scope = ''"
}

// sessionByCode finds the session that an authorization code was made for.
func sessionByCode(d tenant.Dialect) string {
	return signedInColumns + " FROM authorization_codes t" + issued(d) + byHash
}
