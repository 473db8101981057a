package storetest

import (
	"context"
	"testing"

	"rollcall/model/people"
	"rollcall/model/signon"
	"rollcall/model/store"
)

const (
	OtherPassword = "seven herons argued over marmalade"
)

// setPassword gives the estate's administrator a password, and leaves a link to set another one.
func (e *Estate) setPassword(t testing.TB) {
	t.Helper()
	// Nobody signs in by it: hashing one for each of so many takes a while.
	Must(t, Within(e.Org, t.Context()).Create(&UserPassword{UserID: e.Unowned.ID, Hash: "hash"}).Error)
	_, _, err := people.In(e.Org).CreatePasswordSetup(t.Context(), e.Unowned.ID)
	Must(t, err)
}

func CreatePasswordSetup(ctx context.Context, org *store.Org, of Estate) (any, error) {
	p, _, err := people.In(org).CreatePasswordSetup(ctx, of.Unowned.ID)
	return p, err
}

func StartAuthorization(ctx context.Context, org *store.Org, of Estate) (any, error) {
	p := signon.PendingAuthorization{ApplicationID: *of.Login.ApplicationID, BrowserHash: []byte("hash")}
	return Done(signon.In(org).StartAuthorization(ctx, &p))
}

func SetPassword(t testing.TB, s *store.Store, org *store.Org, u *people.User, password string) {
	t.Helper()
	_, token, err := people.In(org).CreatePasswordSetup(t.Context(), u.ID)
	Must(t, err)
	Must(t, people.Across(s).SetPassword(t.Context(), token, password))
}

// Enter signs somebody in by a password.
func Enter(t testing.TB, s *store.Store, email, password string) (*signon.SignInResult, error) {
	t.Helper()
	return signon.Across(s).SignInByPassword(t.Context(), signon.PasswordSignIn{Email: email, Password: password, IPAddress: "192.0.2.1"})
}

// Passwords counts what is stored of passwords and links.
func Passwords(t testing.TB, s *store.Store) (stored, links int64) {
	t.Helper()
	Must(t, Across(s, t.Context()).Model(&UserPassword{}).Count(&stored).Error)
	Must(t, Across(s, t.Context()).Model(&people.PasswordSetup{}).Count(&links).Error)
	return stored, links
}
