package operator

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
	"rollcall/model/people"
)

// errPasswordWrong is one answer for all that is wrong: it must not tell whose addresses there are.
var errPasswordWrong error = model.Deniedf("the e-mail address or the password is wrong, or the one-time password has run out")

// SignInOperator opens a session for an operator from a network address. It answers Denied for
// whatever is wrong, after the same work, and Busy while the account or the address must wait.
func (s Store) SignInOperator(ctx context.Context, email, password, address string) (op *Operator, token string, err error) {
	folded, _ := model.FoldEmail(email)
	guessing, err := people.Across(s).Guess(ctx, people.OperatorAccount(folded), address)
	if err != nil {
		return nil, "", err
	}
	var found Operator
	r := across.Read(ctx, s).Where("email_folded = ?", folded).Limit(1).Find(&found)
	if r.Error != nil {
		return nil, "", tenant.Translate(s, fmt.Errorf("read operator: %w", r.Error))
	}
	equal, outdated, err := people.Across(s).ComparePassword(ctx, found.PasswordHash, password)
	if err != nil {
		return nil, "", err
	}
	now := model.TimeOf(s.Now())
	if !equal || found.OneTime && (found.PasswordExpiresAt == nil || *found.PasswordExpiresAt <= now) {
		return nil, "", errPasswordWrong
	}
	if err := guessing.Right(ctx); err != nil {
		return nil, "", err
	}
	better := found.PasswordHash
	if outdated {
		if better, err = people.Across(s).RehashPassword(ctx, password); err != nil {
			return nil, "", err
		}
	}
	session := &OperatorSession{OperatorID: found.ID, CreatedAt: now, UsedAt: now, ExpiresAt: now + model.Time(consoleTime.Milliseconds())}
	token, session.Hash, _ = tenant.NewToken("rc_os_")
	err = across.DB(ctx, s).Transaction(func(db *gorm.DB) error {
		// Whoever changed the password since it was compared has shut this login out.
		r := db.Model(&Operator{}).Where("id = ? AND password_hash = ?", found.ID, found.PasswordHash).
			UpdateColumns(map[string]any{"last_signed_in_at": now, "password_hash": better})
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
	if err != nil {
		return nil, "", tenant.Translate(s, err)
	}
	return &found, token, nil
}

// OperatorByToken returns who is signed in by a cookie's value. It answers Denied when the session
// is unknown, idle for half an hour, or twelve hours old.
func (s Store) OperatorByToken(ctx context.Context, token string) (*Operator, error) {
	now := model.TimeOf(s.Now())
	hash := tenant.HashToken(token)
	var session OperatorSession
	r := across.Read(ctx, s).Where("hash = ? AND expires_at > ? AND used_at > ?", hash, now, now-model.Time(consoleIdle.Milliseconds())).Limit(1).Find(&session)
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
		if err := across.DB(ctx, s).Model(&OperatorSession{}).Where("hash = ?", hash).UpdateColumn("used_at", now).Error; err != nil {
			return nil, tenant.Translate(s, fmt.Errorf("note use of session: %w", err))
		}
	}
	return &op, nil
}

// EndOperatorSession signs a browser out. One that was not signed in is no error.
func (s Store) EndOperatorSession(ctx context.Context, token string) error {
	err := across.DB(ctx, s).Where("hash = ?", tenant.HashToken(token)).Delete(&OperatorSession{}).Error
	if err != nil {
		return tenant.Translate(s, fmt.Errorf("end session: %w", err))
	}
	return nil
}

// SetOperatorPassword changes the password of a signed-in operator, who proves that they know the
// old one; all their sessions end, and token is of a new one. It answers Invalid for a password that
// is too weak, Denied for a wrong old one, Busy after too many of those.
func (s Store) SetOperatorPassword(ctx context.Context, op *Operator, old, password, address string) (token string, err error) {
	guessing, err := people.Across(s).Guess(ctx, people.OperatorAccount(op.EmailFolded), address)
	if err != nil {
		return "", err
	}
	equal, _, err := people.Across(s).ComparePassword(ctx, op.PasswordHash, old)
	if err != nil {
		return "", err
	}
	if !equal {
		return "", &model.Error{Kind: model.Denied, Field: "old", Message: "the old password is wrong"}
	}
	if err := guessing.Right(ctx); err != nil {
		return "", err
	}
	if old == password {
		return "", model.Invalidf("password", "this is the old password; choose another one")
	}
	hash, err := people.Across(s).HashPassword(ctx, password, op.Email)
	if err != nil {
		return "", err
	}
	now := model.TimeOf(s.Now())
	session := &OperatorSession{OperatorID: op.ID, CreatedAt: now, UsedAt: now, ExpiresAt: now + model.Time(consoleTime.Milliseconds())}
	token, session.Hash, _ = tenant.NewToken("rc_os_")
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
