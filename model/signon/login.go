package signon

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/internal/tenant"
	"rollcall/model/refusal"
)

// loginTime is how long a login may take at the identity provider.
const loginTime = 10 * time.Minute

// Login is a sign-in on its way to an identity provider and back. Its id is the RelayState or the
// state. It belongs to one browser. It is accepted once, whatever replica gets the response.
type Login struct {
	ID                string               `gorm:"primaryKey"`
	OrganizationID    model.OrganizationID `gorm:"<-:create"`
	ConnectionID      string
	RequestID         string  // the InResponseTo of the response
	BrowserHash       []byte  // SHA-256 of the value in the browser's cookie
	ApplicationID     *string // nil for a login that ends on a page of Rollcall
	RedirectURI       string  `gorm:"column:redirect_uri"`
	State             string  // of the application, which gets it back unchanged
	CodeChallenge     string  // S256; empty when the application sent none (RFC 7636)
	ForceAuthn        bool    // prompt=login: the authentication must be newer than CreatedAt
	MaxAge            *int64  // seconds; the authentication must not be older when the response arrives
	ReplacesSessionID *string // the session that the browser had; the login ends it
	// Secret is what the values of an OpenID Connect request derive from. Only SealedSecret is
	// stored.
	Secret       []byte     `gorm:"-"`
	SealedSecret []byte     `gorm:"column:secret"`
	CreatedAt    model.Time `gorm:"autoCreateTime:false"`
	ExpiresAt    model.Time
	UsedAt       *model.Time
}

// StartLogin stores a login and sets its id and times. It returns NotFound when the connection was
// just deleted.
func (o Org) StartLogin(ctx context.Context, l *Login) error {
	l.ID, l.CreatedAt, l.UsedAt = model.NewID(), tenant.Now(o), nil
	l.ExpiresAt = l.CreatedAt + model.Time(loginTime.Milliseconds())
	if len(l.Secret) > 0 {
		l.SealedSecret = tenant.SealerOf(o).Seal(l.Secret, connection.LoginSecretPurpose(l.ID))
	}
	if err := tenant.DB(ctx, o).Create(l).Error; err != nil {
		return tenant.Translate(o, connection.ErrConnectionGone(fmt.Errorf("start login: %w", err)))
	}
	return nil
}

// Login returns a login at a connection, also when it was used or has expired.
func (o Org) Login(ctx context.Context, connectionID, id string) (*Login, error) {
	var l Login
	db := tenant.Read(ctx, o).Where("connection_id = ?", connectionID)
	if err := tenant.ByID(o, db, &l, "login", id); err != nil {
		return nil, err
	}
	return &l, nil
}

// useOnce marks a row that is good for one use as used. It returns false if the row was used before
// or has expired. Of several requests at once, on whatever replica, one gets true.
func (o Org) useOnce(ctx context.Context, row any, id string) (bool, error) {
	now := tenant.Now(o)
	r := tenant.DB(ctx, o).Model(row).Where("id = ? AND used_at IS NULL AND expires_at > ?", id, now).
		UpdateColumn("used_at", now)
	return r.RowsAffected == 1, r.Error
}

// useLogin marks a login as used. The second use of a login is refused.
func (o Org) useLogin(ctx context.Context, l *Login) error {
	used, err := o.useOnce(ctx, &Login{}, l.ID)
	if err != nil {
		return fmt.Errorf("use login: %w", err)
	}
	if !used {
		return &refusal.Error{Reason: refusal.LoginUsed, Expected: "a login that is used once, within ten minutes",
			Received: "one that was used or has expired"}
	}
	return nil
}

// Assertion is the row that remembers an accepted assertion by its hash.
type Assertion struct {
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	ConnectionID   string               `gorm:"primaryKey"`
	Hash           []byte               `gorm:"primaryKey"`
	ExpiresAt      model.Time
}

// RememberAssertion stores that an assertion is accepted. It refuses an assertion that was accepted
// before. The row is kept until the given time; after that the assertion's age refuses it.
func (o Org) RememberAssertion(ctx context.Context, connectionID, assertionID string, until model.Time) error {
	row := Assertion{ConnectionID: connectionID, Hash: tenant.HashToken(assertionID), ExpiresAt: until}
	r := tenant.DB(ctx, o).Clauses(clause.OnConflict{DoNothing: true}).Create(&row)
	if r.Error != nil {
		return tenant.Translate(o, connection.ErrConnectionGone(fmt.Errorf("remember assertion: %w", r.Error)))
	}
	if r.RowsAffected == 0 {
		return &refusal.Error{Reason: refusal.AssertionReplayed, Expected: "an assertion that was not used before",
			Received: "the ID of one that was"}
	}
	return nil
}

// LoginSecret opens the secret of a login that was read from the store.
func (s Store) LoginSecret(l *Login) ([]byte, error) {
	return tenant.SealerOf(s).Open(l.SealedSecret, connection.LoginSecretPurpose(l.ID))
}
