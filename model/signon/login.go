package signon

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/internal/tenant"
	"rollcall/model/people"
	"rollcall/model/refusal"
)

// loginTime is how long a login may take at the identity provider.
const loginTime = 10 * time.Minute

// Login is a login on its way to an identity provider and back. Its id travels
// as the RelayState; it is bound to one browser and used once, on any replica.
type Login struct {
	ID                string               `gorm:"primaryKey"`
	OrganizationID    model.OrganizationID `gorm:"<-:create"`
	ConnectionID      string
	RequestID         string  // which the response names in InResponseTo
	BrowserHash       []byte  // SHA-256 of the value in the browser's cookie
	ApplicationID     *string // nil for a login that ends on a page of ours
	RedirectURI       string  `gorm:"column:redirect_uri"`
	State             string  // the application's, handed back as it came
	CodeChallenge     string  // S256; empty when the application sent none (RFC 7636)
	ForceAuthn        bool    // prompt=login: the authentication must be newer than CreatedAt
	MaxAge            *int64  // seconds; the authentication must not be older when the response arrives
	ReplacesSessionID *string // the session that this browser had: the new one ends it
	// Secret is what a request over OpenID Connect is made of; only its sealed form is stored.
	Secret       []byte     `gorm:"-"`
	SealedSecret []byte     `gorm:"column:secret"`
	CreatedAt    model.Time `gorm:"autoCreateTime:false"`
	ExpiresAt    model.Time
	UsedAt       *model.Time
}

// StartLogin stores a login, with its id and times. It answers NotFound when the
// connection has just been deleted.
func (o Org) StartLogin(ctx context.Context, l *Login) error {
	l.ID, l.CreatedAt, l.UsedAt = model.NewID(), tenant.Now(o), nil
	l.ExpiresAt = l.CreatedAt + model.Time(loginTime.Milliseconds())
	if len(l.Secret) > 0 {
		l.SealedSecret = tenant.SealerOf(o).Seal(l.Secret, connection.LoginSecretPurpose(l.ID))
	}
	if err := tenant.DB(o).WithContext(ctx).Create(l).Error; err != nil {
		return tenant.Translate(o, connection.ErrConnectionGone(fmt.Errorf("start login: %w", err)))
	}
	return nil
}

// Login returns a login at a connection, used or not, late or not.
func (o Org) Login(ctx context.Context, connectionID, id string) (*Login, error) {
	var l Login
	db := tenant.Read(o).WithContext(ctx).Where("connection_id = ?", connectionID)
	if err := tenant.ByID(o, db, &l, "login", id); err != nil {
		return nil, err
	}
	return &l, nil
}

// useLogin uses a login up. Of several who try, on whatever replica, one does.
func (o Org) useLogin(ctx context.Context, l *Login) error {
	r := tenant.DB(o).WithContext(ctx).Model(&Login{}).
		Where("id = ? AND used_at IS NULL AND expires_at > ?", l.ID, tenant.Now(o)).UpdateColumn("used_at", tenant.Now(o))
	if r.Error != nil {
		return fmt.Errorf("use login: %w", r.Error)
	}
	if r.RowsAffected != 1 {
		return &refusal.Error{Reason: refusal.LoginUsed, Expected: "a login that is used once, within ten minutes", Received: "one that was used or has expired"}
	}
	return nil
}

// Assertion is the mark of an assertion that was accepted.
type Assertion struct {
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	ConnectionID   string               `gorm:"primaryKey"`
	Hash           []byte               `gorm:"primaryKey"`
	ExpiresAt      model.Time
}

// RememberAssertion notes that an assertion is accepted now. It refuses one that
// was accepted before, as long as until, after which the assertion is refused
// for its age.
func (o Org) RememberAssertion(ctx context.Context, connectionID, assertionID string, until model.Time) error {
	row := Assertion{ConnectionID: connectionID, Hash: tenant.HashToken(assertionID), ExpiresAt: until}
	r := tenant.DB(o).WithContext(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&row)
	if r.Error != nil {
		return tenant.Translate(o, connection.ErrConnectionGone(fmt.Errorf("remember assertion: %w", r.Error)))
	}
	if r.RowsAffected == 0 {
		return &refusal.Error{Reason: refusal.AssertionReplayed, Expected: "an assertion that was not used before", Received: "the ID of one that was"}
	}
	return nil
}

// createSession opens a session and returns the token that the browser keeps. idToken and at are what
// its identity provider knows it by, where it is of the one kind or the other.
func (o Org) createSession(ctx context.Context, s *people.Session, idToken string, at ProviderSession) (token string, err error) {
	s.ID, s.CreatedAt = model.NewID(), tenant.Now(o)
	s.IdleUntil = s.IdleFrom(s.CreatedAt)
	if err := remember(s, o, at); err != nil {
		return "", err
	}
	if idToken != "" {
		s.SealedIDToken = tenant.SealerOf(o).Seal([]byte(idToken), connection.IdTokenPurpose(s.ID))
	}
	token, s.TokenHash, _ = tenant.NewToken("rc_sess_")
	if err := tenant.DB(o).WithContext(ctx).Create(s).Error; err != nil {
		return "", connection.ErrConnectionGone(fmt.Errorf("create session: %w", err))
	}
	return token, nil
}

// EndSession ends a session with its codes and tokens. One that has ended
// already stays as it is.
func (o Org) EndSession(ctx context.Context, id string) error {
	if !model.IsID(id) {
		return model.NotFoundf("there is no session %.64q here", id)
	}
	r := tenant.DB(o).WithContext(ctx).Model(&people.Session{}).Where("id = ?", id).
		UpdateColumn("ended_at", gorm.Expr("COALESCE(ended_at, ?)", tenant.Now(o)))
	if r.Error != nil {
		return tenant.Translate(o, fmt.Errorf("end session: %w", r.Error))
	}
	if r.RowsAffected == 0 {
		return model.NotFoundf("there is no session %.64q here", id)
	}
	return nil
}

// EndSessionsOf ends the sessions of an identity, and those that its user, or the
// user of this id who has none, began with a password. It tells how many they were.
func (o Org) EndSessionsOf(ctx context.Context, identityID string) (ended int64, err error) {
	user := identityID
	var linked []string
	if err := tenant.Read(o).WithContext(ctx).Model(&people.Identity{}).Where("id = ?", identityID).Pluck("user_id", &linked).Error; err != nil {
		return 0, tenant.Translate(o, fmt.Errorf("read identity: %w", err))
	}
	if len(linked) == 1 {
		user = linked[0]
	}
	r := tenant.DB(o).WithContext(ctx).Model(&people.Session{}).Where("user_id = ? AND (identity_id = ? OR identity_id IS NULL) AND ended_at IS NULL", user, identityID).
		UpdateColumn("ended_at", tenant.Now(o))
	if r.Error != nil {
		return 0, tenant.Translate(o, fmt.Errorf("end sessions: %w", r.Error))
	}
	return r.RowsAffected, nil
}

// Sessions lists the live sessions of a user, of all users when userID is empty.
func (o Org) Sessions(ctx context.Context, userID string, p model.Page) ([]people.Session, model.PageInfo, error) {
	db := people.In(o).LiveSessions(tenant.Read(o).WithContext(ctx).Model(&people.Session{}))
	if userID != "" {
		db = db.Where("user_id = ?", userID)
	}
	return tenant.Paged(o, db, p, func(s people.Session) string { return s.ID })
}
