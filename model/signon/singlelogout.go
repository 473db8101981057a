package signon

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/internal/tenant"
	"rollcall/model/people"
	"rollcall/model/refusal"
)

// ProviderSession is how an identity provider knows a session: the NameID of its assertion as it
// came, and the SessionIndex. A LogoutRequest must repeat them (SAML Core, section 3.7.1).
type ProviderSession struct {
	NameID          string `json:"n"`
	Format          string `json:"f,omitempty"`
	NameQualifier   string `json:"q,omitempty"`
	SPNameQualifier string `json:"s,omitempty"`
	SessionIndex    string `json:"i,omitempty"`
}

// providerSessionPurpose is what the ProviderSession of a session is sealed for.
func providerSessionPurpose(id string) string { return "sessions/" + id + "/idp_session" }

// sealProviderSession sets the columns of a new session for its ProviderSession. The names are
// sealed, since they are personal data, and found by hashes.
func sealProviderSession(o Org, s *people.Session, p ProviderSession) error {
	if p.NameID == "" {
		return nil
	}
	text, err := tenant.Encode(p)
	if err != nil {
		return fmt.Errorf("keep identity provider's session: %w", err)
	}
	s.IDPSession = tenant.SealerOf(o).Seal([]byte(text), providerSessionPurpose(s.ID))
	s.NameIDHash = o.logoutHash(s.ConnectionID, "name", p.NameID)
	if p.SessionIndex != "" {
		s.SessionIndexHash = o.logoutHash(s.ConnectionID, "index", p.SessionIndex)
	}
	return nil
}

// logoutHash is the hash by which a LogoutRequest finds a session. It has a key, because an e-mail
// address can be guessed. It depends on the connection, so that it is worthless at another.
func (o Org) logoutHash(connectionID, what, value string) []byte {
	mac := hmac.New(sha256.New, tenant.HashKey(o))
	fmt.Fprintf(mac, "single logout\x00%s\x00%s\x00%s\x00%s", o.ID, connectionID, what, value)
	return mac.Sum(nil)
}

// ProviderSession returns how the identity provider knows a session, live or ended. It is nil for a
// session without a NameID. The error is NotFound when there is no such session.
func (o Org) ProviderSession(ctx context.Context, id string) (*ProviderSession, error) {
	var s people.Session
	db := tenant.Read(ctx, o).Select("id", "idp_session")
	if err := tenant.ByID(o, db, &s, "session", id); err != nil {
		return nil, err
	}
	if len(s.IDPSession) == 0 {
		return nil, nil
	}
	text, err := tenant.SealerOf(o).Open(s.IDPSession, providerSessionPurpose(s.ID))
	if err != nil {
		return nil, fmt.Errorf("read identity provider's session: %w", err)
	}
	var p ProviderSession
	if err := tenant.Decode(string(text), &p); err != nil {
		return nil, fmt.Errorf("read identity provider's session: %w", err)
	}
	return &p, nil
}

// SingleLogout is a logout on its way to an identity provider and back. Its id is the RelayState.
// It belongs to one browser. It is accepted once, whatever replica gets the answer.
type SingleLogout struct {
	ID             string               `gorm:"primaryKey"`
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	ConnectionID   string
	RequestID      string     // the InResponseTo of the answer
	BrowserHash    []byte     // SHA-256 of the value in the browser's cookie
	NextURI        string     `gorm:"column:next_uri"` // of an application; empty for a page of Rollcall
	CreatedAt      model.Time `gorm:"autoCreateTime:false"`
	ExpiresAt      model.Time
	UsedAt         *model.Time
}

// StartLogout stores a logout and sets its id and times. It returns NotFound when the connection
// was just deleted.
func (o Org) StartLogout(ctx context.Context, l *SingleLogout) error {
	l.ID, l.CreatedAt, l.UsedAt = model.NewID(), tenant.Now(o), nil
	l.ExpiresAt = l.CreatedAt + model.Time(loginTime.Milliseconds())
	if err := tenant.DB(ctx, o).Create(l).Error; err != nil {
		return tenant.Translate(o, connection.ErrConnectionGone(fmt.Errorf("start logout: %w", err)))
	}
	return nil
}

// SingleLogout returns a logout at a connection, also when it was used or has expired.
func (o Org) SingleLogout(ctx context.Context, connectionID, id string) (*SingleLogout, error) {
	var l SingleLogout
	db := tenant.Read(ctx, o).Where(tenant.IsBeside("connection_id"), connectionID)
	if err := tenant.ByID(o, db, &l, "logout", id); err != nil {
		return nil, err
	}
	return &l, nil
}

// UseLogout marks a logout as used. Of several requests at once, on whatever replica, one succeeds.
// The others get a *refusal.Error.
func (o Org) UseLogout(ctx context.Context, id string) error {
	if !model.IsID(id) {
		return model.NotFoundf("there is no logout %.64q here", id)
	}
	used, err := o.useOnce(ctx, &SingleLogout{}, id)
	if err != nil {
		return tenant.Translate(o, fmt.Errorf("use logout: %w", err))
	}
	if !used {
		return &refusal.Error{Reason: refusal.LogoutUsed, Expected: "a logout that is used once, within ten minutes",
			Received: "one that was used or has expired"}
	}
	return nil
}

// ProviderLogout is a verified LogoutRequest of an identity provider.
type ProviderLogout struct {
	ConnectionID   string
	RequestID      string
	ReplayUntil    model.Time // from then on the request's age refuses it
	Issuer         string
	NameID         string
	SessionIndexes []string // empty for all sessions of that name
}

// LogoutByProvider ends the sessions that a LogoutRequest names, with their codes and tokens. It
// returns how many it found, including those that had already ended. The error is a *refusal.Error
// for a request that came before, and for one that names nobody who ever signed in here; no session
// has ended then.
func (o Org) LogoutByProvider(ctx context.Context, l ProviderLogout) (found int64, err error) {
	err = o.Tx(ctx, func(org Org) error {
		if err := org.rememberLogout(ctx, l); err != nil {
			return err
		}
		if found, err = org.endNamedSessions(ctx, l); err != nil || found > 0 {
			return err
		}
		return org.noSessionFound(ctx, l)
	})
	return found, err
}

// rememberLogout stores the request among the accepted assertions: it is accepted once, too.
func (o Org) rememberLogout(ctx context.Context, l ProviderLogout) error {
	row := Assertion{ConnectionID: l.ConnectionID, Hash: tenant.HashToken("LogoutRequest\x00" + l.RequestID),
		ExpiresAt: l.ReplayUntil}
	r := tenant.DB(ctx, o).Clauses(clause.OnConflict{DoNothing: true}).Create(&row)
	if r.Error != nil {
		return connection.ErrConnectionGone(fmt.Errorf("remember logout request: %w", r.Error))
	}
	if r.RowsAffected == 0 {
		return &refusal.Error{Reason: refusal.LogoutReplayed, Expected: "a LogoutRequest that was not used before",
			Received: "the ID of one that was"}
	}
	return nil
}

// whereNamed limits a statement to the sessions that a request names.
func (o Org) whereNamed(db *gorm.DB, l ProviderLogout) *gorm.DB {
	db = db.Where("connection_id = ? AND name_id_hash = ?",
		l.ConnectionID, o.logoutHash(l.ConnectionID, "name", l.NameID))
	if len(l.SessionIndexes) == 0 {
		return db
	}
	hashes := make([][]byte, len(l.SessionIndexes))
	for i, index := range l.SessionIndexes {
		hashes[i] = o.logoutHash(l.ConnectionID, "index", index)
	}
	return db.Where("session_index_hash IN ?", hashes)
}

// endNamedSessions ends these sessions and returns how many there are.
func (o Org) endNamedSessions(ctx context.Context, l ProviderLogout) (int64, error) {
	r := o.whereNamed(tenant.DB(ctx, o).Model(&people.Session{}), l).
		UpdateColumn("ended_at", gorm.Expr("COALESCE(ended_at, ?)", tenant.Now(o)))
	if r.Error != nil {
		return 0, fmt.Errorf("end sessions: %w", r.Error)
	}
	return r.RowsAffected, nil
}

// noSessionFound returns why a request found no session. It is nil for a person who is known: the
// rows of sessions are deleted a day after their end.
func (o Org) noSessionFound(ctx context.Context, l ProviderLogout) error {
	var known int64
	all := l
	all.SessionIndexes = nil
	err := o.whereNamed(tenant.Read(ctx, o).Model(&people.Session{}), all).Count(&known).Error
	if err != nil {
		return fmt.Errorf("find sessions: %w", err)
	}
	if known == 0 {
		err := tenant.Read(ctx, o).Model(&people.Identity{}).
			Where("connection_id = ? AND issuer = ? AND subject = ?", l.ConnectionID, l.Issuer, l.NameID).
			Count(&known).Error
		if err != nil {
			return fmt.Errorf("find identity: %w", err)
		}
	}
	if known == 0 {
		return &refusal.Error{Reason: refusal.LogoutSubjectUnknown,
			Expected: "the NameID of somebody who signed in at this connection", Received: "another"}
	}
	if len(l.SessionIndexes) > 0 {
		return &refusal.Error{Reason: refusal.LogoutSessionUnknown,
			Expected: "the SessionIndex of a session of this person", Received: "another"}
	}
	return nil
}

// RecordFailedLogout writes a line of the login log for a logout message that was refused. kept is
// false when the day already has too many.
func (o Org) RecordFailedLogout(ctx context.Context, a LoginAttempt) (kept bool, err error) {
	a.ID, a.Succeeded, a.Notes = model.NewID(), false, append([]string{"This was a logout."}, a.Notes...)
	a.clip()
	if kept, err = o.roomForFailure(ctx, &a); err != nil || !kept {
		return false, tenant.Translate(o, err)
	}
	a.CreatedAt = tenant.Now(o)
	if err := tenant.DB(ctx, o).Create(&a).Error; err != nil {
		return false, tenant.Translate(o, connection.ErrConnectionGone(fmt.Errorf("note failed logout: %w", err)))
	}
	return true, nil
}
