package people

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/passwords"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
)

// passwordSetupTime is how long a link to set a password may be used.
const passwordSetupTime = 24 * time.Hour

// UserPassword is the password of an administrator, as a PHC string.
type UserPassword struct {
	UserID         string               `gorm:"primaryKey"`
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	Hash           string
	CreatedAt      model.Time `gorm:"autoCreateTime:false"`
}

// PasswordSetup is a link with which an administrator sets their password, once.
type PasswordSetup struct {
	UserID         string               `gorm:"primaryKey"`
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	Hash           []byte
	CreatedAt      model.Time `gorm:"autoCreateTime:false"`
	ExpiresAt      model.Time
}

// PasswordSetupObject is the public form of a PasswordSetup. URL holds the token
// only in the answer that makes it.
type PasswordSetupObject struct {
	Object         string     `json:"object"`
	OrganizationID string     `json:"organization_id"`
	UserID         string     `json:"user_id"`
	URL            string     `json:"url,omitempty"`
	ExpiresAt      model.Time `json:"expires_at"`
}

// PublicForm returns the object that the API and events show.
func (p *PasswordSetup) PublicForm() PasswordSetupObject {
	return PasswordSetupObject{
		Object:         "password_setup",
		OrganizationID: model.OrganizationPrefix.ID(string(p.OrganizationID)),
		UserID:         model.UserPrefix.ID(p.UserID),
		ExpiresAt:      p.ExpiresAt,
	}
}

// MayHavePassword answers Conflict unless the user is an active administrator with an e-mail
// address, and the organization allows passwords (docs/design/identity.md, "Administrators"). With
// a password an administrator can still sign in while the identity provider is down.
func (u *User) MayHavePassword(s organization.Settings) error {
	switch {
	case u.Role != Admin:
		return model.Conflictf("user_id",
			"only administrators have passwords; all others sign in with "+
				"the organization's identity provider. Make the user an administrator first")
	case !u.Active:
		return model.Conflictf("user_id", "the user is inactive; activate them first")
	case !s.AllowAdminPasswords:
		return model.Conflictf("user_id",
			"the organization does not allow passwords; switch allow_admin_passwords on first")
	case u.EmailFolded == "":
		return model.Conflictf("user_id", "a password needs an e-mail address to sign in with; give the user one first")
	}
	return nil
}

// CreatePasswordSetup makes the link by which an administrator sets a password,
// and returns its token this once. A link that was there before is void.
func (o Org) CreatePasswordSetup(ctx context.Context, userID string) (p *PasswordSetup, token string, err error) {
	err = o.Tx(ctx, func(org Org) error {
		u, err := org.inner().FindUser(ctx, userID, true)
		if err != nil {
			return err
		}
		g, err := organization.In(org).Organization(ctx)
		if err != nil {
			return err
		}
		if err := u.MayHavePassword(g.Settings); err != nil {
			return err
		}
		if err := org.voidPasswordSetups(ctx, u.ID); err != nil {
			return err
		}
		p = &PasswordSetup{UserID: u.ID, OrganizationID: org.ID, CreatedAt: tenant.Now(org),
			ExpiresAt: tenant.Now(org) + model.Time(passwordSetupTime.Milliseconds())}
		token, p.Hash, _ = tenant.NewToken("rc_pw_")
		if err := tenant.DB(ctx, org).Create(p).Error; err != nil {
			return fmt.Errorf("create password setup: %w", err)
		}
		return tenant.Record(org, UserPasswordSetup, model.UserPrefix.ID(u.ID), p.PublicForm())
	})
	if err != nil {
		return nil, "", err
	}
	return p, token, nil
}

// errPasswordSetup is one answer for whatever is wrong with a link.
func errPasswordSetup() error {
	return model.NotFoundf("This link was used already, has expired or is damaged. Ask whoever sent it for a new one.")
}

// PasswordSetup returns whose password a link sets, without using it: programs
// that scan mail follow links. It answers NotFound for a link that sets nothing.
func (s Store) PasswordSetup(ctx context.Context, token string) (*User, *organization.Organization, error) {
	var p PasswordSetup
	links := across.Read(ctx, s).Where("hash = ? AND expires_at > ?", tenant.HashToken(token), model.TimeOf(s.Now()))
	r := links.Limit(1).Find(&p)
	if r.Error != nil {
		return nil, nil, tenant.Translate(s, fmt.Errorf("read password setup: %w", r.Error))
	}
	if r.RowsAffected == 0 {
		return nil, nil, errPasswordSetup()
	}
	org := In(s.Org(p.OrganizationID, model.System))
	u, err := org.User(ctx, p.UserID)
	if err != nil {
		return nil, nil, err
	}
	g, err := organization.In(org).Organization(ctx)
	if err != nil {
		return nil, nil, err
	}
	if u.MayHavePassword(g.Settings) != nil {
		return nil, nil, errPasswordSetup()
	}
	return u, g, nil
}

// SetPassword uses a link: the password is stored, and everything that was opened
// with an old one is void. It answers Invalid for a password that is too weak,
// which leaves the link as it is.
func (s Store) SetPassword(ctx context.Context, token, password string) error {
	u, g, err := s.PasswordSetup(ctx, token)
	if err != nil {
		return err
	}
	hash, err := passwords.Hash(ctx, s, password, u.Email, u.DisplayName, g.Name, g.Slug)
	if err != nil {
		return err
	}
	org := In(s.Org(g.ID, model.Actor("user:"+model.UserPrefix.ID(u.ID))))
	_, err = org.inner().ChangeUser(ctx, u.ID, func(org Org, u *User) error {
		return org.usePasswordSetup(ctx, u, token, hash)
	})
	if err != nil {
		return err
	}
	return passwords.Forget(ctx, s, passwords.UserAccount(g.ID, u.EmailFolded))
}

// KnownBrowser returns by what a browser is known in which a user set a password, and the name
// under which it keeps that. Strangers' guesses at the account do not hold such a browser up.
func (s Store) KnownBrowser(u *User) (name, known string) {
	account := passwords.UserAccount(u.OrganizationID, u.EmailFolded)
	return passwords.KnownName(account), passwords.Known(s, account)
}

// usePasswordSetup uses a link to store the hash of a password. The caller has locked the user.
func (o Org) usePasswordSetup(ctx context.Context, u *User, token, hash string) error {
	// The lock serializes this with a change of the settings that forbids passwords.
	g, err := organization.Inside(tenant.Inside(o)).LockOrganization(ctx, "SHARE")
	if err != nil {
		return err
	}
	if u.MayHavePassword(g.Settings) != nil {
		return errPasswordSetup()
	}
	db := tenant.DB(ctx, o)
	link := db.Where("user_id = ? AND hash = ? AND expires_at > ?", u.ID, tenant.HashToken(token), tenant.Now(o))
	used := link.Delete(&PasswordSetup{})
	if used.Error != nil {
		return fmt.Errorf("use password setup: %w", used.Error)
	}
	if used.RowsAffected == 0 {
		return errPasswordSetup() // another request was first
	}
	old := db.Where("user_id = ?", u.ID).Delete(&UserPassword{})
	if old.Error != nil {
		return fmt.Errorf("replace password: %w", old.Error)
	}
	if err := db.Create(&UserPassword{UserID: u.ID, Hash: hash, CreatedAt: tenant.Now(o)}).Error; err != nil {
		return fmt.Errorf("create password: %w", err)
	}
	if err := o.recordUserBecause(ctx, UserPasswordSet, u, ""); err != nil || old.RowsAffected == 0 {
		return err
	}
	return o.revokeAccess(ctx, u, EndedRevoked)
}

// HasPasswords tells whether somebody of the organization can sign in by a password.
func (o Org) HasPasswords(ctx context.Context) (bool, error) {
	var some []string
	err := tenant.Read(ctx, o).Model(&UserPassword{}).Limit(1).Pluck("user_id", &some).Error
	if err != nil {
		return false, tenant.Translate(o, fmt.Errorf("look for passwords: %w", err))
	}
	return len(some) > 0, nil
}

// passwordCause is why a password was removed.
type passwordCause string

// The causes of user.password_removed.
const (
	passwordsForbidden passwordCause = "passwords_forbidden" // allow_admin_passwords was switched off
	ssoRequiredNow     passwordCause = "sso_required"        // sso_required was switched on
	noAdminAnymore     passwordCause = "role_changed"
	deactivated        passwordCause = "deactivated"
)

// voidPasswordSetups voids the links of users, who are an id or a query of ids.
func (o Org) voidPasswordSetups(ctx context.Context, users any) error {
	if err := tenant.DB(ctx, o).Where("user_id IN (?)", users).Delete(&PasswordSetup{}).Error; err != nil {
		return fmt.Errorf("void password setups: %w", err)
	}
	return nil
}

// removePassword removes the password and the link of a user who is locked and
// may have neither any more.
func (o Org) removePassword(ctx context.Context, u *User, cause passwordCause) error {
	if err := o.voidPasswordSetups(ctx, u.ID); err != nil {
		return err
	}
	r := tenant.DB(ctx, o).Where("user_id = ?", u.ID).Delete(&UserPassword{})
	if r.Error != nil {
		return fmt.Errorf("delete password: %w", r.Error)
	}
	if r.RowsAffected == 0 {
		return nil
	}
	return o.recordUserBecause(ctx, UserPasswordRemoved, u, cause)
}

// EnforcePasswords removes the passwords that the settings of the organization,
// whose row the caller has locked, allow no more, with the links to set one, and
// ends the sessions that began by one.
//
// Users are not locked here: others lock the organization after a user. A login
// or a link that is on its way holds the organization's row, and is through or refused.
func (o Inner) EnforcePasswords(ctx context.Context, before, after organization.Settings) error {
	var whose *gorm.DB
	cause := passwordsForbidden
	switch {
	case before.AllowAdminPasswords && !after.AllowAdminPasswords:
		whose = tenant.DB(ctx, o).Model(&User{}).Select("id")
	case !before.SSORequired && after.SSORequired:
		whose, cause = tenant.DB(ctx, o).Model(&User{}).Select("id").Where("role <> ?", Admin), ssoRequiredNow
	default:
		return nil
	}
	users, err := o.removePasswordsOf(ctx, whose, cause)
	for i := 0; i < len(users) && err == nil; i++ {
		err = o.endPasswordSessions(ctx, &users[i])
	}
	return err
}

// removePasswordsOf removes the passwords of users, who are a query of ids, with the links to set
// one. It returns who had a password. The caller ends their sessions.
func (o Org) removePasswordsOf(ctx context.Context, whose *gorm.DB, cause passwordCause) (users []User, err error) {
	if err := o.voidPasswordSetups(ctx, whose); err != nil {
		return nil, err
	}
	holders := tenant.DB(ctx, o).Model(&UserPassword{}).Select("user_id").Where("user_id IN (?)", whose)
	if err := tenant.DB(ctx, o).Where("id IN (?)", holders).Order("id").Find(&users).Error; err != nil {
		return nil, fmt.Errorf("read users with passwords: %w", err)
	}
	for i := range users {
		u := &users[i]
		if err := tenant.DB(ctx, o).Where("user_id = ?", u.ID).Delete(&UserPassword{}).Error; err != nil {
			return nil, fmt.Errorf("delete password: %w", err)
		}
		if err := o.recordUserBecause(ctx, UserPasswordRemoved, u, cause); err != nil {
			return nil, err
		}
	}
	return users, nil
}
