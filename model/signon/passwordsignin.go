package signon

import (
	"context"
	"fmt"
	"rollcall/model/internal/passwords"
	"strings"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
	"rollcall/model/people"
)

// PasswordSignIn is what somebody enters who signs in by a password.
type PasswordSignIn struct {
	Email, Password string
	// Organization counts when the e-mail address is under no verified domain. It comes from the
	// page's URL or from a cookie, and can be nil.
	Organization         *organization.Organization
	Pending              *PendingAuthorization // the request to answer, or nil
	Present              string                // the session that the browser has, or empty
	IPAddress, UserAgent string
	// Known returns what the browser keeps by a name, see SignInResult.Known; nil for nothing.
	Known func(name string) string
}

// errWrongPassword is the same for everything that is wrong, so that nobody learns which accounts
// exist.
var errWrongPassword error = model.Deniedf("The e-mail address or the password is wrong.")

// SignInByPassword signs an administrator in. The error is Denied for everything that is wrong,
// after the same statements and the same hashing. It is Busy while the account or the browser's
// address must wait, Unavailable when too many wait to be checked, and a *refusal.Error when the
// application may not get the profile.
func (s Store) SignInByPassword(ctx context.Context, in PasswordSignIn) (*SignInResult, error) {
	g, err := s.organizationOfEmail(ctx, in.Email, in.Organization)
	if err != nil {
		return nil, err
	}
	account, _ := model.FoldEmail(in.Email)
	if account == "" {
		account = tenant.Clipped(strings.ToLower(in.Email))
	}
	org := In(s.Org(g.ID, model.System))
	named := passwords.UserAccount(g.ID, account)
	attempt, err := passwords.Begin(ctx, s, named, passwords.Sender{Address: in.IPAddress, Known: in.Known})
	if err != nil {
		return nil, err
	}
	defer attempt.Leave()
	user, password, err := org.findPassword(ctx, in.Email)
	if err != nil {
		return nil, err
	}
	equal, outdated, err := attempt.Compare(ctx, password.Hash, in.Password)
	if err != nil {
		return nil, err
	}
	if !equal || user.MayHavePassword(g.Settings) != nil {
		return nil, errWrongPassword
	}
	newHash := ""
	if outdated {
		if newHash, err = passwords.Rehash(ctx, s, in.Password); err != nil {
			return nil, err
		}
	}
	out, err := In(s.Org(g.ID, model.Actor("user:"+model.UserPrefix.ID(user.ID)))).
		openPasswordSession(ctx, in, password, newHash)
	if err != nil {
		return nil, err
	}
	out.KnownName, out.Known = passwords.KnownName(named), passwords.Known(s, named)
	return out, attempt.Succeed(ctx)
}

// organizationOfEmail returns the organization that has verified the domain of the address.
// Otherwise it returns meant, or without that an empty organization (docs/design/identity.md,
// "Login page").
func (s Store) organizationOfEmail(
	ctx context.Context, email string, meant *organization.Organization,
) (*organization.Organization, error) {
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

// findPassword reads the user with an e-mail address and the user's password, in two statements
// whether they exist or not. When two users have the address, it returns none.
func (o Org) findPassword(ctx context.Context, email string) (*people.User, *people.UserPassword, error) {
	folded, _ := model.FoldEmail(email)
	holders := tenant.Read(ctx, o).Model(&people.UserPassword{}).Select("user_id")
	var users []people.User
	err := tenant.Read(ctx, o).
		Where("email_folded = ? AND email_folded <> '' AND active = ? AND role = ? AND id IN (?)",
			folded, true, people.Admin, holders).
		Limit(2).Find(&users).Error
	if err != nil {
		return nil, nil, tenant.Translate(o, fmt.Errorf("find user of password: %w", err))
	}
	user := &people.User{}
	if len(users) == 1 {
		user = &users[0]
	}
	var p people.UserPassword
	if err := tenant.Read(ctx, o).Where("user_id = ?", user.ID).Limit(1).Find(&p).Error; err != nil {
		return nil, nil, tenant.Translate(o, fmt.Errorf("read password: %w", err))
	}
	return user, &p, nil
}

// openPasswordSession opens the session of a user whose password was right, and answers the
// application that waits. It checks again, under locks, what may have changed since the password
// was compared.
func (o Org) openPasswordSession(
	ctx context.Context, in PasswordSignIn, compared *people.UserPassword, newHash string,
) (*SignInResult, error) {
	out := &SignInResult{}
	err := o.change(ctx, func(org Org) error {
		u, err := people.Inside(tenant.Inside(org)).FindUser(ctx, compared.UserID, true)
		if model.KindOf(err) == model.NotFound {
			return errWrongPassword
		}
		if err != nil {
			return err
		}
		// The lock serializes this login with a change of the settings for passwords.
		g, err := organization.Inside(tenant.Inside(org)).LockOrganization(ctx, "SHARE")
		if err != nil {
			return err
		}
		if g.Domains, err = organization.In(org).Domains(ctx); err != nil {
			return err
		}
		if u.MayHavePassword(g.Settings) != nil {
			return errWrongPassword
		}
		if err := org.usePassword(ctx, compared, newHash); err != nil {
			return err
		}
		out.User = u
		out.Session = &people.Session{UserID: u.ID, Epoch: u.Epoch, AuthenticatedAt: tenant.Now(org),
			ExpiresAt:   tenant.Now(org) + model.Time(g.Settings.SessionLifetimeSeconds)*1000,
			IdleSeconds: int64(g.Settings.SessionIdleSeconds)}
		if out.SessionToken, err = org.createSession(ctx, out.Session, "", ProviderSession{}); err != nil {
			return err
		}
		// Who types a password into our page wants to be signed in. Nobody else is asked.
		if _, err := org.endPresent(ctx, in.Present, ""); err != nil {
			return err
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

// usePassword makes sure that the stored hash is still the one that was compared. newHash replaces
// it, unless it is empty.
func (o Org) usePassword(ctx context.Context, compared *people.UserPassword, newHash string) error {
	if newHash == "" {
		newHash = compared.Hash
	}
	r := tenant.DB(ctx, o).Model(&people.UserPassword{}).
		Where("user_id = ? AND hash = ?", compared.UserID, compared.Hash).UpdateColumn("hash", newHash)
	if r.Error != nil {
		return fmt.Errorf("use password: %w", r.Error)
	}
	if r.RowsAffected == 0 {
		return errWrongPassword
	}
	return nil
}

// answerPending creates the code for the application that waits. Of several requests at once, one
// gets it.
func (o Org) answerPending(
	ctx context.Context, p *PendingAuthorization, g *organization.Organization, out *SignInResult,
) error {
	if p == nil || p.OrganizationID != o.ID {
		return nil
	}
	used, err := o.useToken(ctx, p.ID, p.ExpiresAt)
	if err != nil {
		return fmt.Errorf("use authorization: %w", err)
	}
	if !used {
		return nil // another request has answered it; the session is good without a code
	}
	out.Code, err = o.createCode(ctx, g, out.User, out.Session, p.codeRequest())
	return err
}

// recordPasswordSignIn records the login. Where the organization requires SSO, it also records the
// alert (docs/design/identity.md, "Administrators").
func (o Org) recordPasswordSignIn(
	ctx context.Context, in PasswordSignIn, g *organization.Organization, out *SignInResult,
) error {
	user, session := model.UserPrefix.ID(out.User.ID), model.SessionPrefix.ID(out.Session.ID)
	address, agent := model.OrNull(tenant.Clipped(in.IPAddress)), model.OrNull(tenant.Clipped(in.UserAgent))
	err := tenant.Record(o, PasswordSucceeded, user,
		passwordAuthentication{"password", "succeeded", address, agent, user, out.User.Email, session})
	if err != nil || !g.Settings.SSORequired {
		return err
	}
	form, err := people.Inside(tenant.Inside(o)).UserForm(ctx, out.User)
	if err != nil {
		return err
	}
	return tenant.Record(o, BreakGlassUsed, user, breakGlass{form, session, address, agent, "sso_required", true})
}
