package signon

import (
	"context"
	"crypto/subtle"
	"fmt"
	"strings"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
	"rollcall/model/people"
)

// PendingAuthorization is a request of an application that waits at the login
// page. It is bound to one browser, for ten minutes, and answered once.
type PendingAuthorization struct {
	ID             string               `gorm:"primaryKey"`
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	ApplicationID  string
	BrowserHash    []byte
	RedirectURI    string `gorm:"column:redirect_uri"`
	State          string
	CodeChallenge  string
	ForceAuthn     bool
	MaxAge         *int64
	CreatedAt      model.Time `gorm:"autoCreateTime:false"`
	ExpiresAt      model.Time
	UsedAt         *model.Time
}

// StartAuthorization stores what an application asked for, with its id and times.
func (o Org) StartAuthorization(ctx context.Context, p *PendingAuthorization) error {
	p.ID, p.CreatedAt, p.UsedAt = model.NewID(), tenant.Now(o), nil
	p.ExpiresAt = p.CreatedAt + model.Time(loginTime.Milliseconds())
	if err := tenant.DB(o).WithContext(ctx).Create(p).Error; err != nil {
		return tenant.Translate(o, fmt.Errorf("start authorization: %w", err))
	}
	return nil
}

// PendingAuthorization returns what waits in a browser. It answers NotFound for
// what is another browser's, was answered or came too late.
func (s Store) PendingAuthorization(ctx context.Context, id string, browserHash []byte) (*PendingAuthorization, error) {
	var p PendingAuthorization
	if model.IsID(id) {
		r := across.Read(ctx, s).Where("id = ? AND used_at IS NULL AND expires_at > ?", id, model.TimeOf(s.Now())).Limit(1).Find(&p)
		if r.Error != nil {
			return nil, tenant.Translate(s, fmt.Errorf("read authorization: %w", r.Error))
		}
		if r.RowsAffected == 1 && subtle.ConstantTimeCompare(p.BrowserHash, browserHash) == 1 {
			return &p, nil
		}
	}
	return nil, model.NotFoundf("no application waits for this sign-in any more")
}

// PasswordSignIn is somebody who wants to sign in by a password.
type PasswordSignIn struct {
	Email, Password string
	// Organization is meant where the e-mail address is under no verified domain: by the address of the
	// page, or because the browser remembers it. It is nil for none.
	Organization         *organization.Organization
	Pending              *PendingAuthorization // which is answered; nil for none
	ReplacesSessionID    *string               // the session that this browser had
	IPAddress, UserAgent string
}

// errWrongPassword is one answer for all that is wrong: it must not tell who there is.
var errWrongPassword error = model.Deniedf("The e-mail address or the password is wrong.")

// SignInByPassword signs an administrator in. It answers Denied for whatever is
// wrong, after the same look-ups and the same hashing, and Busy while the account
// or the address must wait; *SignInRefused where the application may not be told.
func (s Store) SignInByPassword(ctx context.Context, in PasswordSignIn) (*SignedUp, error) {
	g, err := s.organizationOfEmail(ctx, in.Email, in.Organization)
	if err != nil {
		return nil, err
	}
	account, _ := model.FoldEmail(in.Email)
	if account == "" {
		account = tenant.Clipped(strings.ToLower(in.Email))
	}
	org := In(s.Org(g.ID, model.System))
	guessing, err := people.Across(s).Guess(ctx, people.UserAccount(g.ID, account), in.IPAddress)
	if err != nil {
		return nil, err
	}
	who, password, err := org.passwordOf(ctx, in.Email)
	if err != nil {
		return nil, err
	}
	equal, outdated, err := people.Across(s).ComparePassword(ctx, password.Hash, in.Password)
	if err != nil {
		return nil, err
	}
	if !equal || who.MayHavePassword(g.Settings) != nil {
		return nil, errWrongPassword
	}
	better := ""
	if outdated {
		if better, err = people.Across(s).RehashPassword(ctx, in.Password); err != nil {
			return nil, err
		}
	}
	out, err := In(s.Org(g.ID, model.Actor("user:"+model.UserPrefix.ID(who.ID)))).enterByPassword(ctx, in, password, better)
	if err != nil {
		return nil, err
	}
	return out, guessing.Right(ctx)
}

// organizationOfEmail is the organization that has the domain of an address
// verified, else the one that is meant, else one that has nobody (docs/design/identity.md,
// "Login page").
func (s Store) organizationOfEmail(ctx context.Context, email string, meant *organization.Organization) (*organization.Organization, error) {
	_, domain := model.FoldEmail(email)
	g, err := organization.Across(s).OrganizationByDomain(ctx, domain)
	if model.KindOf(err) == model.NotFound {
		g, err = meant, nil
		if g == nil {
			g = &organization.Organization{}
		}
	}
	return g, err
}

// passwordOf reads whose password an e-mail address signs in with, in two
// statements whoever there is. Two with one address are nobody.
func (o Org) passwordOf(ctx context.Context, email string) (*people.User, *people.UserPassword, error) {
	folded, _ := model.FoldEmail(email)
	holders := tenant.Read(o).Model(&people.UserPassword{}).Select("user_id")
	var users []people.User
	err := tenant.Read(o).WithContext(ctx).Where("email_folded = ? AND email_folded <> '' AND active = ? AND role = ? AND id IN (?)", folded, true, people.Admin, holders).
		Limit(2).Find(&users).Error
	if err != nil {
		return nil, nil, tenant.Translate(o, fmt.Errorf("find user of password: %w", err))
	}
	who := &people.User{}
	if len(users) == 1 {
		who = &users[0]
	}
	var p people.UserPassword
	if err := tenant.Read(o).WithContext(ctx).Where("user_id = ?", who.ID).Limit(1).Find(&p).Error; err != nil {
		return nil, nil, tenant.Translate(o, fmt.Errorf("read password: %w", err))
	}
	return who, &p, nil
}

// enterByPassword opens the session of a user whose password was right, and
// answers the application that waits. What has changed since the comparison refuses it.
func (o Org) enterByPassword(ctx context.Context, in PasswordSignIn, compared *people.UserPassword, better string) (*SignedUp, error) {
	out := &SignedUp{}
	err := o.change(ctx, func(org Org) error {
		u, err := people.In(org).FindUser(ctx, compared.UserID, true)
		if model.KindOf(err) == model.NotFound {
			return errWrongPassword
		}
		if err != nil {
			return err
		}
		// Whoever switches passwords off waits for this login, or this login for them.
		g, err := organization.In(org).LockOrganization(ctx, "SHARE")
		if err != nil {
			return err
		}
		if g.Domains, err = organization.In(org).Domains(ctx); err != nil {
			return err
		}
		if u.MayHavePassword(g.Settings) != nil {
			return errWrongPassword
		}
		if err := org.usePassword(ctx, compared, better); err != nil {
			return err
		}
		out.User = u
		out.Session = &people.Session{UserID: u.ID, Epoch: u.Epoch, AuthenticatedAt: tenant.Now(org),
			ExpiresAt: tenant.Now(org) + model.Time(g.Settings.SessionLifetimeSeconds)*1000, IdleSeconds: int64(g.Settings.SessionIdleSeconds)}
		if out.SessionToken, err = org.createSession(ctx, out.Session, "", ProviderSession{}); err != nil {
			return err
		}
		if in.ReplacesSessionID != nil {
			if err := org.endReplaced(ctx, *in.ReplacesSessionID); err != nil {
				return err
			}
		}
		if err := org.answerPending(ctx, in.Pending, g, out); err != nil {
			return err
		}
		return org.recordPasswordSignIn(ctx, in, g, out)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// usePassword makes sure that the password is still the one that was compared,
// and stores its hash under better parameters, where one is given.
func (o Org) usePassword(ctx context.Context, compared *people.UserPassword, better string) error {
	if better == "" {
		better = compared.Hash
	}
	r := tenant.DB(o).WithContext(ctx).Model(&people.UserPassword{}).Where("user_id = ? AND hash = ?", compared.UserID, compared.Hash).UpdateColumn("hash", better)
	if r.Error != nil {
		return fmt.Errorf("use password: %w", r.Error)
	}
	if r.RowsAffected == 0 {
		return errWrongPassword
	}
	return nil
}

// answerPending makes the code of the application that waits, of several who try once.
func (o Org) answerPending(ctx context.Context, p *PendingAuthorization, g *organization.Organization, out *SignedUp) error {
	if p == nil || p.OrganizationID != o.ID {
		return nil
	}
	r := tenant.DB(o).WithContext(ctx).Model(&PendingAuthorization{}).Where("id = ? AND used_at IS NULL AND expires_at > ?", p.ID, tenant.Now(o)).UpdateColumn("used_at", tenant.Now(o))
	if r.Error != nil {
		return fmt.Errorf("use authorization: %w", r.Error)
	}
	if r.RowsAffected == 0 {
		return nil // the session is good without it
	}
	var err error
	out.Code, err = o.handOver(ctx, g, out.User, out.Session, p.ApplicationID, p.RedirectURI, p.CodeChallenge)
	return err
}

// passwordAuthentication is the reference's authentication.password_succeeded event.
type passwordAuthentication struct {
	Type      string  `json:"type"`
	Status    string  `json:"status"`
	IPAddress *string `json:"ip_address"`
	UserAgent *string `json:"user_agent"`
	UserID    string  `json:"user_id"`
	Email     string  `json:"email"`
	SessionID string  `json:"session_id"` // Rollcall's addition
}

// breakGlass is the data of break_glass.used.
type breakGlass struct {
	people.UserObject
	SessionID string  `json:"session_id"`
	IPAddress *string `json:"ip_address"`
	UserAgent *string `json:"user_agent"`
	Cause     string  `json:"cause"`
	Alert     bool    `json:"alert"`
}

// recordPasswordSignIn notes the login, and raises the alert where everybody else
// must come by the identity provider (docs/design/identity.md, "Administrators").
func (o Org) recordPasswordSignIn(ctx context.Context, in PasswordSignIn, g *organization.Organization, out *SignedUp) error {
	user, session := model.UserPrefix.ID(out.User.ID), model.SessionPrefix.ID(out.Session.ID)
	address, agent := tenant.OrNull(tenant.Clipped(in.IPAddress)), tenant.OrNull(tenant.Clipped(in.UserAgent))
	err := tenant.Record(o, PasswordSucceeded, user, passwordAuthentication{"password", "succeeded", address, agent, user, out.User.Email, session})
	if err != nil || !g.Settings.SSORequired {
		return err
	}
	form, err := people.In(o).UserForm(ctx, out.User)
	if err != nil {
		return err
	}
	return tenant.Record(o, BreakGlassUsed, user, breakGlass{form, session, address, agent, "sso_required", true})
}
