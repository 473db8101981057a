package signon

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/internal/tenant"
	"rollcall/model/people"
)

// createSession stores a session and returns the token for the browser. idToken is the identity
// provider's ID token, if any, and at is how a SAML identity provider knows the session.
func (o Org) createSession(
	ctx context.Context, s *people.Session, idToken string, at ProviderSession,
) (token string, err error) {
	s.ID, s.CreatedAt = model.NewID(), tenant.Now(o)
	s.IdleUntil = s.IdleFrom(s.CreatedAt)
	if err := sealProviderSession(o, s, at); err != nil {
		return "", err
	}
	if idToken != "" {
		s.SealedIDToken = tenant.SealerOf(o).Seal([]byte(idToken), connection.IDTokenPurpose(s.ID))
	}
	of := trace{organization: string(o.ID), user: s.UserID, session: s.ID, at: s.CreatedAt}
	if token, s.TokenHash, err = newTracedToken(o, "rc_sess_", of); err != nil {
		return "", err
	}
	if err := tenant.DB(ctx, o).Create(s).Error; err != nil {
		return "", connection.ErrConnectionGone(fmt.Errorf("create session: %w", err))
	}
	return token, nil
}

// Sessions lists the live sessions of a user, or those of all users when userID is empty.
func (o Org) Sessions(ctx context.Context, userID string, p model.Page) ([]people.Session, model.PageInfo, error) {
	db := people.Inside(tenant.Inside(o)).LiveSessions(tenant.Read(ctx, o).Model(&people.Session{}))
	if userID != "" {
		db = db.Where("user_id = ?", userID)
	}
	return tenant.Paged(o, db, p, func(s people.Session) string { return s.ID })
}

// EndSession ends a session with its codes and tokens. A session that has already ended keeps the
// time at which it did.
func (o Org) EndSession(ctx context.Context, id string) error {
	if !model.IsID(id) {
		return model.NotFoundf("there is no session %.64q here", id)
	}
	r := tenant.DB(ctx, o).Model(&people.Session{}).Where("id = ?", id).
		UpdateColumn("ended_at", gorm.Expr("COALESCE(ended_at, ?)", tenant.Now(o)))
	if r.Error != nil {
		return tenant.Translate(o, fmt.Errorf("end session: %w", r.Error))
	}
	if r.RowsAffected == 0 {
		return model.NotFoundf("there is no session %.64q here", id)
	}
	return nil
}

// EndSessionsOf ends the sessions of an identity that began until a time, and those that its user
// began with a password.
// For a user without an identity, identityID is the user's id. It returns how many it ended.
func (o Org) EndSessionsOf(ctx context.Context, identityID string, until model.Time) (ended int64, err error) {
	user := identityID
	var linked []string
	err = tenant.Read(ctx, o).Model(&people.Identity{}).Where("id = ?", identityID).
		Pluck("user_id", &linked).Error
	if err != nil {
		return 0, tenant.Translate(o, fmt.Errorf("read identity: %w", err))
	}
	if len(linked) == 1 {
		user = linked[0]
	}
	r := tenant.DB(ctx, o).Model(&people.Session{}).
		Where("user_id = ? AND (identity_id = ? OR identity_id IS NULL) AND ended_at IS NULL AND created_at <= ?",
			user, identityID, until).
		UpdateColumn("ended_at", tenant.Now(o))
	if r.Error != nil {
		return 0, tenant.Translate(o, fmt.Errorf("end sessions: %w", r.Error))
	}
	return r.RowsAffected, nil
}

// SetIdle gives the live sessions a new idle time, which begins now. A setting that is switched on
// then also counts for those who are already signed in.
func (o Inner) SetIdle(ctx context.Context, seconds int) error {
	s := people.Session{IdleSeconds: int64(seconds)}
	s.IdleUntil = s.IdleFrom(tenant.Now(o))
	err := people.Inside(tenant.Inside(o)).LiveSessions(tenant.DB(ctx, o).Model(&people.Session{})).
		Select("IdleSeconds", "IdleUntil").UpdateColumns(&s).Error
	if err != nil {
		return fmt.Errorf("set idle time: %w", err)
	}
	return nil
}
