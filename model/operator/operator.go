package operator

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/passwords"
	"rollcall/model/internal/tenant"
)

// Operator is somebody who runs this installation. Operators belong to no organization: no directory
// makes one, no identity provider signs one in, and no role of an organization leads here.
type Operator struct {
	ID           string `gorm:"primaryKey"`
	Email        string
	EmailFolded  string
	PasswordHash string
	// OneTime says that the password was printed by the command line, good for choosing another one
	// until PasswordExpiresAt.
	OneTime           bool
	PasswordExpiresAt *model.Time
	LastSignedInAt    *model.Time
	CreatedAt         model.Time `gorm:"autoCreateTime:false"`
	UpdatedAt         model.Time `gorm:"autoUpdateTime:false"`
}

// OperatorSession is an operator's signed-in browser.
type OperatorSession struct {
	Hash       []byte `gorm:"primaryKey"`
	OperatorID string
	CreatedAt  model.Time `gorm:"autoCreateTime:false"`
	UsedAt     model.Time
	ExpiresAt  model.Time
}

const (
	// oneTimePasswordTime is how long a printed password may be used.
	oneTimePasswordTime = 24 * time.Hour
	// An operator's session ends after consoleIdle without a request and after consoleTime in any
	// case (docs/design/identity.md, "Sessions").
	consoleIdle = 30 * time.Minute
	consoleTime = 12 * time.Hour
	// usedEvery is how exactly a session's last use is written: not with each request.
	usedEvery = time.Minute
)

// CreateOperator adds an operator with a one-time password, which is returned this once. It answers
// Conflict when the address has one.
func (s Store) CreateOperator(ctx context.Context, email string) (*Operator, string, error) {
	address, err := foldOperatorEmail(email)
	if err != nil {
		return nil, "", err
	}
	password, hash, err := s.oneTimePassword(ctx)
	if err != nil {
		return nil, "", err
	}
	now := model.TimeOf(s.Now())
	expires := now + model.Time(oneTimePasswordTime.Milliseconds())
	op := &Operator{ID: model.NewID(), Email: email, EmailFolded: address, PasswordHash: hash, OneTime: true,
		PasswordExpiresAt: &expires, CreatedAt: now, UpdatedAt: now}
	r := across.DB(ctx, s).Clauses(clause.OnConflict{DoNothing: true}).Create(op)
	if r.Error != nil {
		return nil, "", tenant.Translate(s, fmt.Errorf("create operator: %w", r.Error))
	}
	if r.RowsAffected == 0 {
		return nil, "", model.Conflictf("email", "%s is an operator already; rollcall operator reset-password is the way back in", email)
	}
	return op, password, nil
}

func foldOperatorEmail(email string) (string, error) {
	address, _ := model.FoldEmail(email)
	if address == "" {
		return "", model.Invalidf("email", "%.100q is no e-mail address", email)
	}
	return address, nil
}

// oneTimePassword makes a password of 130 random bits.
func (s Store) oneTimePassword(ctx context.Context) (password, hash string, err error) {
	password = rand.Text()
	hash, err = passwords.Rehash(ctx, s, password)
	return password, hash, err
}

// Operators lists the operators by e-mail address.
func (s Store) Operators(ctx context.Context) ([]Operator, error) {
	var all []Operator
	if err := across.Read(ctx, s).Order("email_folded").Find(&all).Error; err != nil {
		return nil, tenant.Translate(s, fmt.Errorf("read operators: %w", err))
	}
	return all, nil
}

// DeleteOperator removes an operator; the sessions end with them. It answers NotFound for nobody.
func (s Store) DeleteOperator(ctx context.Context, email string) error {
	address, _ := model.FoldEmail(email)
	r := across.DB(ctx, s).Where("email_folded = ?", address).Delete(&Operator{})
	if r.Error != nil {
		return tenant.Translate(s, fmt.Errorf("delete operator: %w", r.Error))
	}
	if r.RowsAffected == 0 {
		return errNoOperator(email)
	}
	return nil
}

func errNoOperator(email string) error { return model.NotFoundf("%.100q is no operator", email) }

// ResetOperatorPassword gives an operator a new one-time password and ends their sessions: the way
// back in, for whoever has the machine.
func (s Store) ResetOperatorPassword(ctx context.Context, email string) (string, error) {
	password, hash, err := s.oneTimePassword(ctx)
	if err != nil {
		return "", err
	}
	address, _ := model.FoldEmail(email)
	err = across.DB(ctx, s).Transaction(func(db *gorm.DB) error {
		op, err := lockedOperator(db.Where("email_folded = ?", address))
		if err != nil {
			return err
		}
		if op == nil {
			return errNoOperator(email)
		}
		expires := model.TimeOf(s.Now()) + model.Time(oneTimePasswordTime.Milliseconds())
		op.PasswordHash, op.OneTime, op.PasswordExpiresAt = hash, true, &expires
		return s.putPassword(db, op)
	})
	if err != nil {
		return "", tenant.Translate(s, err)
	}
	return password, passwords.Forget(ctx, s, passwords.OperatorAccount(address))
}

func lockedOperator(db *gorm.DB) (*Operator, error) {
	var op Operator
	r := db.Clauses(clause.Locking{Strength: tenant.ToChange}).Limit(1).Find(&op)
	if r.Error != nil {
		return nil, fmt.Errorf("read operator: %w", r.Error)
	}
	if r.RowsAffected == 0 {
		return nil, nil
	}
	return &op, nil
}

// putPassword writes an operator's password and ends all sessions: whoever knew the old one is out.
func (s Store) putPassword(db *gorm.DB, op *Operator) error {
	op.UpdatedAt = model.TimeOf(s.Now())
	err := db.Model(&Operator{}).Where("id = ?", op.ID).Select("PasswordHash", "OneTime", "PasswordExpiresAt", "UpdatedAt").UpdateColumns(op).Error
	if err != nil {
		return fmt.Errorf("write password: %w", err)
	}
	if err := db.Where("operator_id = ?", op.ID).Delete(&OperatorSession{}).Error; err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	return nil
}
