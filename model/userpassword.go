package model

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// passwordSetupTime is how long a link to set a password may be used.
const passwordSetupTime = 24 * time.Hour

// userPassword is the password of an administrator, as a PHC string.
type userPassword struct {
	UserID         string         `gorm:"primaryKey"`
	OrganizationID OrganizationID `gorm:"<-:create"`
	Hash           string
	CreatedAt      Time `gorm:"autoCreateTime:false"`
}

// PasswordSetup is a link with which an administrator sets their password, once.
type PasswordSetup struct {
	UserID         string         `gorm:"primaryKey"`
	OrganizationID OrganizationID `gorm:"<-:create"`
	Hash           []byte
	CreatedAt      Time `gorm:"autoCreateTime:false"`
	ExpiresAt      Time
}

// PasswordSetupObject is the public form of a PasswordSetup. URL holds the token
// only in the answer that makes it.
type PasswordSetupObject struct {
	Object         string `json:"object"`
	OrganizationID string `json:"organization_id"`
	UserID         string `json:"user_id"`
	URL            string `json:"url,omitempty"`
	ExpiresAt      Time   `json:"expires_at"`
}

// PublicForm returns the object that the API and events show.
func (p *PasswordSetup) PublicForm() PasswordSetupObject {
	return PasswordSetupObject{Object: "password_setup", OrganizationID: OrganizationPrefix.ID(string(p.OrganizationID)),
		UserID: UserPrefix.ID(p.UserID), ExpiresAt: p.ExpiresAt}
}

// mayHavePassword is docs/design/identity.md, "Administrators": an administrator may,
// as the way in that is left when the identity provider is down, where the
// organization allows that; nobody else may, whoever manages them.
func (u *User) mayHavePassword(s Settings) error {
	switch {
	case u.Role != Admin:
		return Conflictf("user_id", "only administrators have passwords; all others sign in with the organization's identity provider. Make the user an administrator first")
	case !u.Active:
		return Conflictf("user_id", "the user is inactive; activate them first")
	case !s.AllowAdminPasswords:
		return Conflictf("user_id", "the organization does not allow passwords; switch allow_admin_passwords on first")
	case u.EmailFolded == "":
		return Conflictf("user_id", "a password needs an e-mail address to sign in with; give the user one first")
	}
	return nil
}

// CreatePasswordSetup makes the link by which an administrator sets a password,
// and returns its token this once. A link that was there before is void.
func (o *Org) CreatePasswordSetup(ctx context.Context, userID string) (p *PasswordSetup, token string, err error) {
	err = o.Tx(ctx, func(org *Org) error {
		u, err := org.user(ctx, userID, true)
		if err != nil {
			return err
		}
		g, err := org.Organization(ctx)
		if err != nil {
			return err
		}
		if err := u.mayHavePassword(g.Settings); err != nil {
			return err
		}
		if err := org.voidPasswordSetups(ctx, u.ID); err != nil {
			return err
		}
		p = &PasswordSetup{UserID: u.ID, OrganizationID: org.ID, CreatedAt: org.now(), ExpiresAt: org.now() + Time(passwordSetupTime.Milliseconds())}
		token, p.Hash, _ = newToken("rc_pw_")
		if err := org.db.WithContext(ctx).Create(p).Error; err != nil {
			return fmt.Errorf("create password setup: %w", err)
		}
		return org.record(UserPasswordSetup, UserPrefix.ID(u.ID), p.PublicForm())
	})
	if err != nil {
		return nil, "", err
	}
	return p, token, nil
}

// errPasswordSetup is one answer for whatever is wrong with a link.
func errPasswordSetup() error {
	return NotFoundf("This link was used already, has expired or is damaged. Ask whoever sent it for a new one.")
}

// PasswordSetup returns whose password a link sets, without using it: programs
// that scan mail follow links. It answers NotFound for a link that sets nothing.
func (s *Store) PasswordSetup(ctx context.Context, token string) (*User, *Organization, error) {
	var p PasswordSetup
	r := s.readAcross(ctx).Where("hash = ? AND expires_at > ?", hashToken(token), TimeOf(s.now())).Limit(1).Find(&p)
	if r.Error != nil {
		return nil, nil, s.translate(fmt.Errorf("read password setup: %w", r.Error))
	}
	if r.RowsAffected == 0 {
		return nil, nil, errPasswordSetup()
	}
	org := s.Org(p.OrganizationID, System)
	u, err := org.User(ctx, p.UserID)
	if err != nil {
		return nil, nil, err
	}
	g, err := org.Organization(ctx)
	if err != nil {
		return nil, nil, err
	}
	if u.mayHavePassword(g.Settings) != nil {
		return nil, nil, errPasswordSetup()
	}
	return u, g, nil
}

// SetPassword uses a link: the password is stored, and everything that was opened
// with an old one is void. It answers Invalid for a password that is too weak,
// which leaves the link as it is.
func (s *Store) SetPassword(ctx context.Context, token, password string) error {
	u, g, err := s.PasswordSetup(ctx, token)
	if err != nil {
		return err
	}
	hash, err := s.hashPassword(ctx, password, u.Email, u.DisplayName, g.Name, g.Slug)
	if err != nil {
		return err
	}
	org := s.Org(g.ID, Actor("user:"+UserPrefix.ID(u.ID)))
	_, err = org.changeUser(ctx, u.ID, func(org *Org, u *User) error {
		// Whoever switches passwords off waits for this one, or this one for them.
		g, err := org.lockOrganization(ctx, "SHARE")
		if err != nil {
			return err
		}
		if u.mayHavePassword(g.Settings) != nil {
			return errPasswordSetup()
		}
		r := org.db.WithContext(ctx).Where("user_id = ? AND hash = ? AND expires_at > ?", u.ID, hashToken(token), org.now()).Delete(&PasswordSetup{})
		if r.Error != nil {
			return fmt.Errorf("use password setup: %w", r.Error)
		}
		if r.RowsAffected == 0 {
			return errPasswordSetup() // somebody was first
		}
		old := org.db.WithContext(ctx).Where("user_id = ?", u.ID).Delete(&userPassword{})
		if old.Error != nil {
			return fmt.Errorf("replace password: %w", old.Error)
		}
		if err := org.db.WithContext(ctx).Create(&userPassword{UserID: u.ID, Hash: hash, CreatedAt: org.now()}).Error; err != nil {
			return fmt.Errorf("create password: %w", err)
		}
		if err := org.recordUserBecause(ctx, UserPasswordSet, u, ""); err != nil || old.RowsAffected == 0 {
			return err
		}
		return org.revokeAccess(ctx, u, EndedRevoked)
	})
	if err != nil {
		return err
	}
	return s.forgetGuesses(ctx, userAccount(g.ID, u.EmailFolded))
}

// HasPasswords tells whether somebody of the organization can sign in by a password.
func (o *Org) HasPasswords(ctx context.Context) (bool, error) {
	var some []string
	err := o.read.WithContext(ctx).Model(&userPassword{}).Limit(1).Pluck("user_id", &some).Error
	if err != nil {
		return false, o.store.translate(fmt.Errorf("look for passwords: %w", err))
	}
	return len(some) > 0, nil
}

// PasswordCause is why a password was removed.
type PasswordCause string

// The causes of user.password_removed.
const (
	PasswordsForbidden PasswordCause = "passwords_forbidden" // allow_admin_passwords was switched off
	SSORequiredNow     PasswordCause = "sso_required"        // sign-on became required, and the user is no administrator
	NoAdminAnymore     PasswordCause = "role_changed"
)

// voidPasswordSetups voids the links of users, who are an id or a query of ids.
func (o *Org) voidPasswordSetups(ctx context.Context, users any) error {
	if err := o.db.WithContext(ctx).Where("user_id IN (?)", users).Delete(&PasswordSetup{}).Error; err != nil {
		return fmt.Errorf("void password setups: %w", err)
	}
	return nil
}

// removePassword removes the password and the link of a user who is locked and
// may have neither any more.
func (o *Org) removePassword(ctx context.Context, u *User, cause PasswordCause) error {
	if err := o.voidPasswordSetups(ctx, u.ID); err != nil {
		return err
	}
	r := o.db.WithContext(ctx).Where("user_id = ?", u.ID).Delete(&userPassword{})
	if r.Error != nil {
		return fmt.Errorf("delete password: %w", r.Error)
	}
	if r.RowsAffected == 0 {
		return nil
	}
	return o.recordUserBecause(ctx, UserPasswordRemoved, u, cause)
}

// enforcePasswords removes the passwords that the settings of the organization,
// whose row the caller has locked, allow no more, with the links to set one, and
// ends the sessions that began by one.
//
// Users are not locked here: others lock the organization after a user. A login
// or a link that is on its way holds the organization's row, and is through or refused.
func (o *Org) enforcePasswords(ctx context.Context, before, after Settings) error {
	var whose *gorm.DB
	cause := PasswordsForbidden
	switch {
	case before.AllowAdminPasswords && !after.AllowAdminPasswords:
		whose = o.db.Model(&User{}).Select("id")
	case !before.SSORequired && after.SSORequired:
		whose, cause = o.db.Model(&User{}).Select("id").Where("role <> ?", Admin), SSORequiredNow
	default:
		return nil
	}
	if err := o.voidPasswordSetups(ctx, whose); err != nil {
		return err
	}
	var users []User
	holders := o.db.Model(&userPassword{}).Select("user_id").Where("user_id IN (?)", whose)
	if err := o.db.WithContext(ctx).Where("id IN (?)", holders).Order("id").Find(&users).Error; err != nil {
		return fmt.Errorf("read users with passwords: %w", err)
	}
	for i := range users {
		u := &users[i]
		if err := o.db.WithContext(ctx).Where("user_id = ?", u.ID).Delete(&userPassword{}).Error; err != nil {
			return fmt.Errorf("delete password: %w", err)
		}
		if err := o.recordUserBecause(ctx, UserPasswordRemoved, u, cause); err != nil {
			return err
		}
		ended := o.db.WithContext(ctx).Model(&Session{}).Where("user_id = ? AND identity_id IS NULL AND ended_at IS NULL AND expires_at > ?", u.ID, o.now()).
			UpdateColumn("ended_at", o.now())
		if ended.Error != nil {
			return fmt.Errorf("end sessions: %w", ended.Error)
		}
		if ended.RowsAffected > 0 {
			if err := o.recordAccessEnded(u, EndedRevoked); err != nil {
				return err
			}
		}
	}
	return nil
}

// recordUserBecause is recordUser with the cause, where there is one.
func (o *Org) recordUserBecause(ctx context.Context, t EventType, u *User, cause PasswordCause) error {
	form, err := o.userForm(ctx, u)
	if err != nil {
		return err
	}
	return o.record(t, form.ID, struct {
		UserObject
		Cause PasswordCause `json:"cause,omitempty"`
	}{form, cause})
}
