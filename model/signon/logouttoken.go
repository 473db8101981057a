package signon

import (
	"context"
	"fmt"
	"time"

	"rollcall/model"
)

// logoutTime is how long a link to sign out is good.
const logoutTime = 10 * time.Minute

// Logout is what a link says with which an application signs a profile out.
type Logout struct {
	OrganizationID model.OrganizationID `json:"o"`
	IdentityID     string               `json:"i"`
	ApplicationID  string               `json:"a"`
	ID             string               `json:"n"` // for one use
	IssuedAt       model.Time           `json:"f"`
	Until          model.Time           `json:"t"`
}

// logoutPurpose is what logout tokens are sealed for.
const logoutPurpose = "logout"

// LogoutToken seals a Logout for ten minutes. Only this installation can make or read the token.
func (s Store) LogoutToken(l Logout) string {
	l.ID, l.IssuedAt, l.Until = model.NewID(), model.TimeOf(s.Now()), model.TimeOf(s.Now().Add(logoutTime))
	return s.seal(l, logoutPurpose)
}

// errLogoutGone is one answer for whatever is wrong with a link to sign out.
func errLogoutGone() error {
	return model.NotFoundf("The link to sign out was used already, has expired or is damaged. " +
		"Go back to the application and sign out there again.")
}

// OpenLogoutToken reads a token of LogoutToken. It returns NotFound for anything else, and after
// the ten minutes. That it was used is seen by FollowLogout.
func (s Store) OpenLogoutToken(token string) (*Logout, error) {
	var l Logout
	if !s.open(token, logoutPurpose, &l) || l.Until <= model.TimeOf(s.Now()) {
		return nil, errLogoutGone()
	}
	return &l, nil
}

// nextPurpose is what the addresses after a sign-out are sealed for.
const nextPurpose = "address after a sign-out"

// SealNext seals a registered address of an application for the page that asks whether to sign out.
func (s Store) SealNext(address string) string { return s.seal(address, nextPurpose) }

// OpenNext opens what SealNext returned, and returns nothing for any other text.
func (s Store) OpenNext(sealed string) (address string) {
	if !s.open(sealed, nextPurpose, &address) {
		return ""
	}
	return address
}

// FollowLogout uses a link to sign out. It ends one session, if own is not empty, and else all
// sessions of the identity that are as old as the link. It returns NotFound when the link was used
// before: whoever finds it in a history must not sign the person out again.
func (o Org) FollowLogout(ctx context.Context, l *Logout, own string) error {
	return o.Tx(ctx, func(org Org) error {
		used, err := org.useToken(ctx, l.ID, l.Until)
		if err != nil {
			return fmt.Errorf("use logout link: %w", err)
		}
		if !used {
			return errLogoutGone()
		}
		if own != "" {
			return org.EndSession(ctx, own)
		}
		_, err = org.EndSessionsOf(ctx, l.IdentityID, l.IssuedAt)
		return err
	})
}
