package model

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// Claims is a person as an identity provider vouches for them at sign-on.
type Claims struct {
	Issuer, Subject string // name the person; see Identity
	NameID          string // as sent; empty when it was transient or missing
	UserName        string // by the connection's UsernameAttribute; empty without it
	Email           string
	EmailVerified   bool // the identity provider, or the connection for it, says that Email is the person's
	FirstName       string
	LastName        string
	DisplayName     string
	Groups          []string
	GroupsSent      bool                // a claim that is missing keeps the groups, an empty one strips them
	Attributes      map[string][]string // all of them, as sent
}

// SignIn is a login whose response was verified.
type SignIn struct {
	Connection  *Connection // as it was when the response was verified
	Login       *Login
	AssertionID string // which no other assertion or ID token of the connection has
	ReplayUntil Time   // when the assertion is refused for its age
	IDToken     string // over OpenID Connect; kept, sealed, with the session
	// AuthenticatedAt is when the identity provider says that the person authenticated; zero when it
	// does not say.
	AuthenticatedAt Time
	NotAfter        *Time // the identity provider wants the session to end then
	AtProvider      ProviderSession
	Claims          Claims
	Attempt         LoginAttempt // Address, Reference and Notes; the rest is filled in
}

// SignedUp is what a login leads to.
type SignedUp struct {
	Session      *Session
	SessionToken string // for the browser's cookie
	Code         string // for the application; empty without one
	User         *User
}

// SignIn signs a person in: it finds or makes the user, opens the session, and
// gives the application its code, all in one transaction. It answers
// *SignInRefused when it does not, and has then written nothing.
func (o *Org) SignIn(ctx context.Context, in SignIn) (out *SignedUp, err error) {
	// Two first logins of one user at once both find nobody: the second one tries again and finds the
	// user of the first. Two logins that both change the user's name wait for each other until the
	// database ends one of them. And a user who was changed meanwhile is looked for again.
	useful := func(err error) bool { return KindOf(err) == Conflict || KindOf(err) == Busy }
	err = again(2, useful, func(int) error {
		out, err = o.signIn(ctx, in)
		return err
	})
	if KindOf(err) == Conflict {
		return nil, &SignInRefused{Reason: Ambiguous, Expected: "nobody else with this e-mail address as userName",
			Received: describeEmail(in.Claims.Email)}
	}
	return out, err
}

func (o *Org) signIn(ctx context.Context, in SignIn) (*SignedUp, error) {
	out := &SignedUp{}
	err := o.Tx(ctx, func(org *Org) error {
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
		g, err := org.Organization(ctx)
		if err != nil {
			return err
		}
		identity, err := org.findUser(ctx, &in, g, c, out)
		if err != nil {
			return err
		}
		if err := org.openSession(ctx, &in, g, identity, out); err != nil {
			return err
		}
		if err := org.activateConnection(ctx, c); err != nil {
			return err
		}
		return org.noteSuccess(ctx, in.Attempt, out.Session, out.User, &in.Claims)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// findUser finds or makes the user that the claims name, keeps the claims, and gives the user the
// licenses that follow from them.
func (o *Org) findUser(ctx context.Context, in *SignIn, g *Organization, c *Connection, out *SignedUp) (*Identity, error) {
	in.Attempt.Notes = append(in.Attempt.Notes, in.Claims.bound()...)
	m := matcher{org: o, organization: g, connection: c, claims: &in.Claims}
	u, identity, err := m.match(ctx)
	if err != nil {
		return nil, err
	}
	out.User, in.Attempt.Notes = u, append(in.Attempt.Notes, m.notes...)
	if err := o.noteClaims(ctx, identity, &in.Claims); err != nil {
		return nil, err
	}
	return identity, o.entitleSignedIn(ctx, c, u)
}

// openSession opens the session of a user who was found, in place of the one that the browser had, and
// makes the code for the application that the login began at.
func (o *Org) openSession(ctx context.Context, in *SignIn, g *Organization, identity *Identity, out *SignedUp) (err error) {
	u, login := out.User, in.Login
	out.Session = &Session{UserID: u.ID, ConnectionID: identity.ConnectionID, IdentityID: identity.ID, Epoch: u.Epoch,
		AuthenticatedAt: in.AuthenticatedAt, ExpiresAt: o.now() + Time(g.Settings.SessionLifetimeSeconds)*1000,
		IdleSeconds: int64(g.Settings.SessionIdleSeconds)}
	if in.NotAfter != nil {
		out.Session.ExpiresAt = min(out.Session.ExpiresAt, *in.NotAfter)
	}
	if out.SessionToken, err = o.createSession(ctx, out.Session, in.IDToken, in.AtProvider); err != nil {
		return err
	}
	if login.ReplacesSessionID != nil {
		if err := o.endReplaced(ctx, *login.ReplacesSessionID); err != nil {
			return err
		}
	}
	if login.ApplicationID != nil {
		out.Code, err = o.handOver(ctx, g, u, out.Session, *login.ApplicationID, login.RedirectURI, login.CodeChallenge)
	}
	return err
}

// useConnection locks the connection until the login is stored, so that nobody
// replaces the identity provider meanwhile, and refuses when somebody has.
func (o *Org) useConnection(ctx context.Context, verified *Connection) (*Connection, error) {
	strength := "SHARE"
	if verified.State == ConnectionDraft {
		strength = toChange // it becomes active now; two who share the lock would wait for each other
	}
	c, err := o.lockConnection(ctx, verified.ID, strength)
	if err != nil {
		return nil, err
	}
	if !c.understoodAs(verified) {
		return nil, &SignInRefused{Reason: ConnectionReplaced, Expected: "a response as the connection is set up now", Received: "one that was verified before it was changed"}
	}
	return c, nil
}

// understoodAs tells whether a response means the same to two versions of a connection.
func (c *Connection) understoodAs(other *Connection) bool {
	return c.IDPEntityID == other.IDPEntityID && slices.Equal(c.IDPCertificates, other.IDPCertificates) &&
		c.OIDCClientID == other.OIDCClientID && c.OIDCGroupsClaim == other.OIDCGroupsClaim &&
		c.SubjectAttribute == other.SubjectAttribute && c.UsernameAttribute == other.UsernameAttribute && c.TrustEmail == other.TrustEmail &&
		maps.Equal(c.AttributeMapping, other.AttributeMapping)
}

// activateConnection ends the draft after its first login.
func (o *Org) activateConnection(ctx context.Context, c *Connection) error {
	if c.State != ConnectionDraft {
		return nil
	}
	c.State, c.UpdatedAt = ConnectionActive, o.now()
	o.ruleInputChanged() // it may be the only active one now
	err := o.db.WithContext(ctx).Model(&Connection{}).Where("id = ?", c.ID).Select("State", "UpdatedAt").UpdateColumns(c).Error
	if err != nil {
		return fmt.Errorf("activate connection: %w", err)
	}
	if _, err := o.withDomains(ctx, c); err != nil {
		return err
	}
	e := connectionEvent{c.PublicForm(), ConnectionPrefix.ID(c.ID)}
	return o.record(ConnectionActivated, e.ID, e)
}
