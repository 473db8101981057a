package model

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// loginTime is how long a login may take at the identity provider.
const loginTime = 10 * time.Minute

// Login is a login on its way to an identity provider and back. Its id travels
// as the RelayState; it is bound to one browser and used once, on any replica.
type Login struct {
	ID                string         `gorm:"primaryKey"`
	OrganizationID    OrganizationID `gorm:"<-:create"`
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
	Secret       []byte `gorm:"-"`
	SealedSecret []byte `gorm:"column:secret"`
	CreatedAt    Time   `gorm:"autoCreateTime:false"`
	ExpiresAt    Time
	UsedAt       *Time
}

// StartLogin stores a login, with its id and times. It answers NotFound when the
// connection has just been deleted.
func (o *Org) StartLogin(ctx context.Context, l *Login) error {
	l.ID, l.CreatedAt, l.UsedAt = newID(), o.now(), nil
	l.ExpiresAt = l.CreatedAt + Time(loginTime.Milliseconds())
	if len(l.Secret) > 0 {
		l.SealedSecret = o.store.seal.seal(l.Secret, loginSecretPurpose(l.ID))
	}
	if err := o.db.WithContext(ctx).Create(l).Error; err != nil {
		return o.store.translate(errConnectionGone(fmt.Errorf("start login: %w", err)))
	}
	return nil
}

// Login returns a login at a connection, used or not, late or not.
func (o *Org) Login(ctx context.Context, connectionID, id string) (*Login, error) {
	var l Login
	db := o.read.WithContext(ctx).Where("connection_id = ?", connectionID)
	if err := o.one(db, &l, "login", id); err != nil {
		return nil, err
	}
	return &l, nil
}

// useLogin uses a login up. Of several who try, on whatever replica, one does.
func (o *Org) useLogin(ctx context.Context, l *Login) error {
	r := o.db.WithContext(ctx).Model(&Login{}).
		Where("id = ? AND used_at IS NULL AND expires_at > ?", l.ID, o.now()).UpdateColumn("used_at", o.now())
	if r.Error != nil {
		return fmt.Errorf("use login: %w", r.Error)
	}
	if r.RowsAffected != 1 {
		return &SignInRefused{Reason: LoginUsed, Expected: "a login that is used once, within ten minutes", Received: "one that was used or has expired"}
	}
	return nil
}

// assertion is the mark of an assertion that was accepted.
type assertion struct {
	OrganizationID OrganizationID `gorm:"<-:create"`
	ConnectionID   string         `gorm:"primaryKey"`
	Hash           []byte         `gorm:"primaryKey"`
	ExpiresAt      Time
}

// RememberAssertion notes that an assertion is accepted now. It refuses one that
// was accepted before, as long as until, after which the assertion is refused
// for its age.
func (o *Org) RememberAssertion(ctx context.Context, connectionID, assertionID string, until Time) error {
	row := assertion{ConnectionID: connectionID, Hash: hashToken(assertionID), ExpiresAt: until}
	r := o.db.WithContext(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&row)
	if r.Error != nil {
		return o.store.translate(errConnectionGone(fmt.Errorf("remember assertion: %w", r.Error)))
	}
	if r.RowsAffected == 0 {
		return &SignInRefused{Reason: AssertionReplayed, Expected: "an assertion that was not used before", Received: "the ID of one that was"}
	}
	return nil
}

// Session is a signed-in user of one browser. It is live while it has not ended
// or expired, the user is active, and the user's epoch is the session's
// (docs/design/identity.md, "Ended access").
type Session struct {
	ID             string         `gorm:"primaryKey"`
	OrganizationID OrganizationID `gorm:"<-:create"`
	UserID         string
	ConnectionID   string `gorm:"default:null"` // empty, as IdentityID, when it began with a password
	IdentityID     string `gorm:"default:null"`
	Epoch          int64
	TokenHash      []byte
	// AuthenticatedAt is when the person proved to the identity provider who they are, as it says:
	// often long before CreatedAt.
	AuthenticatedAt Time
	CreatedAt       Time `gorm:"autoCreateTime:false"` // when the identity provider's answer was accepted
	ExpiresAt       Time
	EndedAt         *Time
	SealedIDToken   []byte `gorm:"column:id_token"` // Org.IDToken opens it

	IdleSeconds int64 // how long it may be unused; 0 for as long as it lives
	IdleUntil   *Time // nil when it may be idle

	IDPSession       []byte `gorm:"column:idp_session"` // sealed; Org.ProviderSession opens it
	NameIDHash       []byte `gorm:"column:name_id_hash"`
	SessionIndexHash []byte
}

// SignInMethod is how a session began.
type SignInMethod string

// The methods of a sign-in.
const (
	BySSO      SignInMethod = "sso"
	ByPassword SignInMethod = "password"
)

// Method tells how the session began.
func (s *Session) Method() SignInMethod {
	if s.ConnectionID == "" {
		return ByPassword
	}
	return BySSO
}

// createSession opens a session and returns the token that the browser keeps. idToken and at are what
// its identity provider knows it by, where it is of the one kind or the other.
func (o *Org) createSession(ctx context.Context, s *Session, idToken string, at ProviderSession) (token string, err error) {
	s.ID, s.CreatedAt = newID(), o.now()
	s.IdleUntil = s.idleFrom(s.CreatedAt)
	if err := s.remember(o, at); err != nil {
		return "", err
	}
	if idToken != "" {
		s.SealedIDToken = o.store.seal.seal([]byte(idToken), idTokenPurpose(s.ID))
	}
	token, s.TokenHash, _ = newToken("rc_sess_")
	if err := o.db.WithContext(ctx).Create(s).Error; err != nil {
		return "", errConnectionGone(fmt.Errorf("create session: %w", err))
	}
	return token, nil
}

// EndSession ends a session with its codes and tokens. One that has ended
// already stays as it is.
func (o *Org) EndSession(ctx context.Context, id string) error {
	if !isID(id) {
		return NotFoundf("there is no session %.64q here", id)
	}
	r := o.db.WithContext(ctx).Model(&Session{}).Where("id = ?", id).
		UpdateColumn("ended_at", gorm.Expr("COALESCE(ended_at, ?)", o.now()))
	if r.Error != nil {
		return o.store.translate(fmt.Errorf("end session: %w", r.Error))
	}
	if r.RowsAffected == 0 {
		return NotFoundf("there is no session %.64q here", id)
	}
	return nil
}

// EndSessionsOf ends the sessions of an identity, and those that its user, or the
// user of this id who has none, began with a password. It tells how many they were.
func (o *Org) EndSessionsOf(ctx context.Context, identityID string) (ended int64, err error) {
	user := identityID
	var linked []string
	if err := o.read.WithContext(ctx).Model(&Identity{}).Where("id = ?", identityID).Pluck("user_id", &linked).Error; err != nil {
		return 0, o.store.translate(fmt.Errorf("read identity: %w", err))
	}
	if len(linked) == 1 {
		user = linked[0]
	}
	r := o.db.WithContext(ctx).Model(&Session{}).Where("user_id = ? AND (identity_id = ? OR identity_id IS NULL) AND ended_at IS NULL", user, identityID).
		UpdateColumn("ended_at", o.now())
	if r.Error != nil {
		return 0, o.store.translate(fmt.Errorf("end sessions: %w", r.Error))
	}
	return r.RowsAffected, nil
}

// Sessions lists the live sessions of a user, of all users when userID is empty.
func (o *Org) Sessions(ctx context.Context, userID string, p Page) ([]Session, PageInfo, error) {
	db := o.liveSessions(o.read.WithContext(ctx).Model(&Session{}))
	if userID != "" {
		db = db.Where("user_id = ?", userID)
	}
	return paged(o, db, p, func(s Session) string { return s.ID })
}

// SessionObject is the public form of a Session.
type SessionObject struct {
	Object         string       `json:"object"`
	ID             string       `json:"id"`
	OrganizationID string       `json:"organization_id"`
	UserID         string       `json:"user_id"`
	Method         SignInMethod `json:"method"`
	ConnectionID   *string      `json:"connection_id"` // null, as profile_id, after a password
	ProfileID      *string      `json:"profile_id"`
	CreatedAt      Time         `json:"created_at"`
	ExpiresAt      Time         `json:"expires_at"`
}

// PublicForm returns the object that the API shows.
func (s *Session) PublicForm() SessionObject {
	return SessionObject{
		Object: "session", ID: SessionPrefix.ID(s.ID), OrganizationID: OrganizationPrefix.ID(string(s.OrganizationID)),
		UserID: UserPrefix.ID(s.UserID), Method: s.Method(), ConnectionID: ConnectionPrefix.orNull(s.ConnectionID), ProfileID: ProfilePrefix.orNull(s.IdentityID),
		CreatedAt: s.CreatedAt, ExpiresAt: s.ExpiresAt,
	}
}
