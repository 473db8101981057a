package signon

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/entitle"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/refusal"
)

// SignIn is a login whose response was verified.
type SignIn struct {
	Connection  *connection.Connection // as it was when the response was verified; see useConnection
	Login       *Login
	AssertionID string     // unique among the assertions and ID tokens of the connection
	ReplayUntil model.Time // from then on the assertion's age refuses it
	IDToken     string     // over OpenID Connect; stored sealed with the session
	// AuthenticatedAt is when the person authenticated, as the identity provider says; zero when it
	// does not say.
	AuthenticatedAt model.Time
	NotAfter        *model.Time // when the identity provider wants the session to end
	AtProvider      ProviderSession
	Claims          Claims
	Attempt         LoginAttempt // the caller sets Address, UserAgent, Reference and Notes
	Present         string       // the session that the browser has now; empty for the login's
	Agreed          string       // the session that the person agreed to replace by this sign-in
}

// SignInResult is what a login leads to.
type SignInResult struct {
	Session      *people.Session
	SessionToken string // for the browser's cookie
	Code         string // for the application; empty without one
	User         *people.User
	// After a password: by what the browser is known from now on, and the name under which it keeps
	// that. Strangers' guesses at the account do not hold such a browser up.
	KnownName, Known string
}

// SignIn signs a person in, in one transaction: it finds or creates the user, opens the session,
// and creates the application's code. The error is a *refusal.Error when the login is refused, and
// an *OtherPerson when somebody else is signed in and must be asked; nothing was written then.
func (o Org) SignIn(ctx context.Context, in SignIn) (out *SignInResult, err error) {
	var notes []string
	err = tenant.Again(2, repeatable, func(int) error {
		try := in
		try.Attempt.Notes = slices.Clone(in.Attempt.Notes)
		out, err = o.signIn(ctx, &try)
		notes = try.Attempt.Notes
		return err
	})
	if model.KindOf(err) == model.Conflict {
		err = errAmbiguous(in.Claims.Email)
	}
	return out, withNotes(err, notes)
}

// repeatable tells whether an error of a sign-in may go away by a second try. Two first logins of
// one person both find no user: the second try finds the user that the other login created. Two
// logins that update one user can deadlock, and the database ends one. And a user can change
// between the search and the lock.
func repeatable(err error) bool {
	return model.KindOf(err) == model.Conflict || model.KindOf(err) == model.Busy
}

// errAmbiguous refuses a person whose e-mail address is somebody else's userName.
func errAmbiguous(email string) error {
	return &refusal.Error{Reason: refusal.Ambiguous,
		Expected: "nobody else with this e-mail address as userName", Received: describeEmail(email)}
}

// withNotes adds to a refusal what the login log has noted so far: where a login fails, the notes
// are needed most.
func withNotes(err error, notes []string) error {
	r, ok := errors.AsType[*refusal.Error](err)
	if !ok || len(notes) == 0 {
		return err
	}
	noted := *r
	noted.Notes = notes
	return &noted
}

// signIn is one try of SignIn.
func (o Org) signIn(ctx context.Context, in *SignIn) (*SignInResult, error) {
	out := &SignInResult{}
	err := o.Tx(ctx, func(org Org) error {
		c, err := org.useConnection(ctx, in.Connection)
		if err != nil {
			return err
		}
		if err := org.RememberAssertion(ctx, c.ID, in.AssertionID, in.ReplayUntil); err != nil {
			return err
		}
		if err := org.useLogin(ctx, in.Login); err != nil {
			return err
		}
		g, err := organization.In(org).Organization(ctx)
		if err != nil {
			return err
		}
		found, err := org.findUser(ctx, in, g, c)
		if err != nil {
			return err
		}
		identity := found.identity
		out.User = found.user
		if err := org.openSession(ctx, in, g, identity, out); err != nil {
			return err
		}
		if err := org.activateConnection(ctx, c); err != nil {
			return err
		}
		return org.recordSuccess(ctx, in.Attempt, out.Session, out.User, &in.Claims)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// findUser finds or creates the user of the claims, stores the claims, and gives the user the
// licenses that follow from the login.
func (o Org) findUser(
	ctx context.Context, in *SignIn, g *organization.Organization, c *connection.Connection,
) (*matched, error) {
	in.Claims.chooseEmail(g.Domains)
	in.Attempt.Notes = append(in.Attempt.Notes, in.Claims.limit()...)
	m := matcher{org: o, organization: g, connection: c, claims: &in.Claims}
	u, identity, err := m.match(ctx)
	in.Attempt.Notes = append(in.Attempt.Notes, m.notes...)
	if err != nil {
		return nil, err
	}
	if err := o.storeClaims(ctx, identity, &in.Claims); err != nil {
		return nil, err
	}
	return &matched{u, identity, m.how}, entitle.Inside(tenant.Inside(o)).EntitleSignedIn(ctx, c, u)
}

// openSession opens the user's session in place of the one that the browser had, and creates the
// code for the application at which the login began.
func (o Org) openSession(
	ctx context.Context, in *SignIn, g *organization.Organization, identity *people.Identity, out *SignInResult,
) (err error) {
	u, login := out.User, in.Login
	if err := o.replaceSession(ctx, in, g, u); err != nil {
		return err
	}
	out.Session = &people.Session{UserID: u.ID, ConnectionID: identity.ConnectionID, IdentityID: identity.ID,
		Epoch: u.Epoch, AuthenticatedAt: in.AuthenticatedAt,
		ExpiresAt:   tenant.Now(o) + model.Time(g.Settings.SessionLifetimeSeconds)*1000,
		IdleSeconds: int64(g.Settings.SessionIdleSeconds)}
	if in.NotAfter != nil {
		out.Session.ExpiresAt = min(out.Session.ExpiresAt, *in.NotAfter)
	}
	if out.SessionToken, err = o.createSession(ctx, out.Session, in.IDToken, in.AtProvider); err != nil {
		return err
	}
	if login.ApplicationID != nil {
		out.Code, err = o.createCode(ctx, g, u, out.Session, login.codeRequest())
	}
	return err
}

// useConnection locks the connection until the login is committed, so that its identity provider
// cannot be replaced meanwhile. It refuses the login when it was replaced before.
func (o Org) useConnection(ctx context.Context, verified *connection.Connection) (*connection.Connection, error) {
	strength := "SHARE"
	if verified.State == connection.ConnectionDraft || verified.TestedAt == nil {
		// The row is updated later. Two transactions with a shared lock would deadlock then.
		strength = tenant.ToChange
	}
	c, err := connection.Inside(tenant.Inside(o)).LockConnection(ctx, verified.ID, strength)
	if err != nil {
		return nil, err
	}
	if c.State == connection.ConnectionInactive {
		return nil, &refusal.Error{Reason: refusal.ConnectionIsInactive,
			Expected: "a connection that is switched on", Received: "one that is switched off"}
	}
	if c.State == connection.ConnectionDraft && c.ActivatedByHand {
		return nil, &refusal.Error{Reason: refusal.ConnectionIsDraft,
			Expected: "a connection that is switched on", Received: "a draft"}
	}
	if !c.UnderstoodAs(verified) {
		return nil, &refusal.Error{Reason: refusal.ConnectionReplaced,
			Expected: "a response as the connection is set up now",
			Received: "one that was verified before it was changed"}
	}
	return c, nil
}

// activateConnection notes the first login at a connection as it is set up, and ends the draft
// state.
func (o Org) activateConnection(ctx context.Context, c *connection.Connection) error {
	activates := c.State == connection.ConnectionDraft
	if c.TestedAt != nil && !activates {
		return nil
	}
	now := tenant.Now(o)
	if c.UpdatedAt = now; c.TestedAt == nil {
		c.TestedAt = &now
	}
	if activates {
		c.State = connection.ConnectionActive
		tenant.RuleInputChanged(o) // rules can depend on which connections are active
	}
	err := tenant.DB(ctx, o).Model(&connection.Connection{}).Where("id = ?", c.ID).
		Select("State", "TestedAt", "UpdatedAt").UpdateColumns(c).Error
	if err != nil {
		return fmt.Errorf("activate connection: %w", err)
	}
	if !activates {
		return nil
	}
	if _, err := connection.Inside(tenant.Inside(o)).WithDomains(ctx, c); err != nil {
		return err
	}
	return connection.Inside(tenant.Inside(o)).RecordActivated(c)
}
