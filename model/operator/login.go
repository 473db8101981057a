package operator

import (
	"context"
	"fmt"
	"rollcall/model/internal/passwords"
	"time"

	"gorm.io/gorm"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
)

// OperatorSession is the session of an operator in a browser. Only the hash of its token is stored.
type OperatorSession struct {
	Hash       []byte `gorm:"primaryKey"`
	OperatorID string
	CreatedAt  model.Time `gorm:"autoCreateTime:false"`
	UsedAt     model.Time
	ExpiresAt  model.Time
}

const (
	// An operator's session ends after consoleIdle without a request and after consoleTime in any
	// case (docs/design/identity.md, "Sessions").
	consoleIdle = 30 * time.Minute
	consoleTime = 12 * time.Hour
	// usedEvery is how old the stored last use of a session may be: a request does not write it
	// each time.
	usedEvery = time.Minute
)

// errPasswordWrong is the one answer for each fault. It does not tell which addresses there are.
var errPasswordWrong error = model.Deniedf(
	"the e-mail address or the password is wrong, or the one-time password has run out")

// Browser is who sends an operator's password: the network address, and a function that returns
// what the browser keeps by a name, see Store.KnownOperator. The function may be nil.
type Browser = passwords.Sender

// KnownOperator returns by what a browser is known in which an operator signed in, and the name
// under which it keeps that. Strangers' guesses at the account do not hold such a browser up.
func (s Store) KnownOperator(op *Operator) (name, known string) {
	account := passwords.OperatorAccount(op.EmailFolded)
	return passwords.KnownName(account), passwords.Known(s, account)
}

// SignInOperator creates a session for an operator and returns its token. It answers Denied for
// each fault, after the same work, Busy while the account or the network address must wait, and
// Unavailable when too many wait to be checked.
func (s Store) SignInOperator(
	ctx context.Context, email, password string, from Browser,
) (op *Operator, token string, err error) {
	folded, _ := model.FoldEmail(email)
	attempt, err := passwords.Begin(ctx, s, passwords.OperatorAccount(folded), from)
	if err != nil {
		return nil, "", err
	}
	defer attempt.Leave()
	var found Operator
	r := across.Read(ctx, s).Where("email_folded = ?", folded).Limit(1).Find(&found)
	if r.Error != nil {
		return nil, "", tenant.Translate(s, fmt.Errorf("read operator: %w", r.Error))
	}
	equal, outdated, err := attempt.Compare(ctx, found.PasswordHash, password)
	if err != nil {
		return nil, "", err
	}
	now := model.TimeOf(s.Now())
	if !equal || found.OneTime && (found.PasswordExpiresAt == nil || *found.PasswordExpiresAt <= now) {
		return nil, "", errPasswordWrong
	}
	if err := attempt.Succeed(ctx); err != nil {
		return nil, "", err
	}
	better := found.PasswordHash
	if outdated {
		if better, err = passwords.Rehash(ctx, s, password); err != nil {
			return nil, "", err
		}
	}
	session, token := newSession(found.ID, now)
	if err := s.insertSession(ctx, &found, better, session); err != nil {
		return nil, "", tenant.Translate(s, err)
	}
	return &found, token, nil
}

// insertSession stores the session of a login with the time of the login and the operator's new
// hash, which may be the old one. It answers Denied when the password was changed after it was
// compared.
func (s Store) insertSession(ctx context.Context, op *Operator, hash string, session *OperatorSession) error {
	return across.DB(ctx, s).Transaction(func(db *gorm.DB) error {
		r := db.Model(&Operator{}).Where("id = ? AND password_hash = ?", op.ID, op.PasswordHash).
			UpdateColumns(map[string]any{"last_signed_in_at": session.CreatedAt, "password_hash": hash})
		if r.Error != nil {
			return fmt.Errorf("note sign-in: %w", r.Error)
		}
		if r.RowsAffected == 0 {
			return errPasswordWrong
		}
		if err := db.Create(session).Error; err != nil {
			return fmt.Errorf("create session: %w", err)
		}
		return nil
	})
}

// newSession returns a new session of an operator, and its token.
func newSession(operator string, now model.Time) (*OperatorSession, string) {
	token, hash, _ := tenant.NewToken("rc_os_")
	return &OperatorSession{Hash: hash, OperatorID: operator, CreatedAt: now, UsedAt: now,
		ExpiresAt: now + model.Time(consoleTime.Milliseconds())}, token
}

// OperatorByToken returns the operator of a session. It answers Denied when the session is unknown,
// idle for half an hour, or twelve hours old.
func (s Store) OperatorByToken(ctx context.Context, token string) (*Operator, error) {
	now := model.TimeOf(s.Now())
	hash := tenant.HashToken(token)
	var session OperatorSession
	idle := now - model.Time(consoleIdle.Milliseconds())
	r := across.Read(ctx, s).Where("hash = ? AND expires_at > ? AND used_at > ?", hash, now, idle).
		Limit(1).Find(&session)
	if r.Error != nil {
		return nil, tenant.Translate(s, fmt.Errorf("read session: %w", r.Error))
	}
	var op Operator
	if r.RowsAffected == 1 {
		if r = across.Read(ctx, s).Where("id = ?", session.OperatorID).Limit(1).Find(&op); r.Error != nil {
			return nil, tenant.Translate(s, fmt.Errorf("read operator: %w", r.Error))
		}
	}
	if r.RowsAffected == 0 {
		return nil, model.Deniedf("the session is unknown or has ended")
	}
	if session.UsedAt <= now-model.Time(usedEvery.Milliseconds()) {
		row := across.DB(ctx, s).Model(&OperatorSession{}).Where("hash = ?", hash)
		if err := row.UpdateColumn("used_at", now).Error; err != nil {
			return nil, tenant.Translate(s, fmt.Errorf("note use of session: %w", err))
		}
	}
	return &op, nil
}

// EndOperatorSession deletes the session of a token. An unknown token is no error.
func (s Store) EndOperatorSession(ctx context.Context, token string) error {
	err := across.DB(ctx, s).Where("hash = ?", tenant.HashToken(token)).Delete(&OperatorSession{}).Error
	if err != nil {
		return tenant.Translate(s, fmt.Errorf("end session: %w", err))
	}
	return nil
}

// SetOperatorPassword changes the password of an operator who knows the old one, ends all their
// sessions, and returns the token of a new one. It answers Invalid for a password that is too weak,
// Denied for a wrong old password, and Busy after too many of those.
func (s Store) SetOperatorPassword(
	ctx context.Context, op *Operator, old, password string, from Browser,
) (token string, err error) {
	attempt, err := passwords.Begin(ctx, s, passwords.OperatorAccount(op.EmailFolded), from)
	if err != nil {
		return "", err
	}
	defer attempt.Leave()
	equal, _, err := attempt.Compare(ctx, op.PasswordHash, old)
	if err != nil {
		return "", err
	}
	if !equal {
		return "", &model.Error{Kind: model.Denied, Field: "old", Message: "the old password is wrong"}
	}
	if err := attempt.Succeed(ctx); err != nil {
		return "", err
	}
	if old == password {
		return "", model.Invalidf("password", "this is the old password; choose another one")
	}
	hash, err := passwords.Hash(ctx, s, password, op.Email)
	if err != nil {
		return "", err
	}
	session, token := newSession(op.ID, model.TimeOf(s.Now()))
	err = across.DB(ctx, s).Transaction(func(db *gorm.DB) error {
		current, err := lockedOperator(db.Where("id = ? AND password_hash = ?", op.ID, op.PasswordHash))
		if err != nil {
			return err
		}
		if current == nil {
			return model.Deniedf("the password was changed meanwhile; sign in again")
		}
		current.PasswordHash, current.OneTime, current.PasswordExpiresAt = hash, false, nil
		if err := s.putPassword(db, current); err != nil {
			return err
		}
		if err := db.Create(session).Error; err != nil {
			return fmt.Errorf("create session: %w", err)
		}
		return nil
	})
	if err != nil {
		return "", tenant.Translate(s, err)
	}
	return token, nil
}
