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

// Operator is a person who runs this installation. Operators belong to no organization: no
// directory creates one, no identity provider signs one in, and no role of an organization makes
// one.
type Operator struct {
	ID           string `gorm:"primaryKey"`
	Email        string
	EmailFolded  string
	PasswordHash string
	// OneTime is set while the password is the one that the command line printed. Until
	// PasswordExpiresAt it lets the operator choose another one.
	OneTime           bool
	PasswordExpiresAt *model.Time
	LastSignedInAt    *model.Time
	CreatedAt         model.Time `gorm:"autoCreateTime:false"`
	UpdatedAt         model.Time `gorm:"autoUpdateTime:false"`
}

// oneTimePasswordTime is how long a one-time password may be used.
const oneTimePasswordTime = 24 * time.Hour

// CreateOperator adds an operator and returns the one-time password, which is not stored. It
// answers Conflict when there is an operator with this address.
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
		return nil, "", model.Conflictf("email",
			"%s is an operator already; rollcall operator reset-password is the way back in", email)
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

// oneTimePassword returns a password of 130 random bits, and its hash.
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

// DeleteOperator removes an operator with their sessions. It answers NotFound when there is none
// with this address.
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

// ResetOperatorPassword gives an operator a new one-time password, ends their sessions, and forgets
// their wrong passwords. It answers NotFound when there is none with this address.
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

// lockedOperator locks the operator that a query finds; nil for none.
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

// putPassword writes an operator's password and ends all sessions of the operator.
func (s Store) putPassword(db *gorm.DB, op *Operator) error {
	op.UpdatedAt = model.TimeOf(s.Now())
	err := db.Model(&Operator{}).Where("id = ?", op.ID).
		Select("PasswordHash", "OneTime", "PasswordExpiresAt", "UpdatedAt").UpdateColumns(op).Error
	if err != nil {
		return fmt.Errorf("write password: %w", err)
	}
	if err := db.Where("operator_id = ?", op.ID).Delete(&OperatorSession{}).Error; err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	return nil
}
