package storetest

import (
	"testing"

	"rollcall/model/people"
	"rollcall/model/signon"
	"rollcall/model/store"
)

// Passwords that are good enough.
const (
	GoodPassword  = "glacier tuba 41 window"
	OtherPassword = "seven herons argued over marmalade"
)

// SetPassword gives a user a password by a link.
func SetPassword(t testing.TB, s *store.Store, org *store.Org, u *people.User, password string) {
	t.Helper()
	_, token, err := people.In(org).CreatePasswordSetup(t.Context(), u.ID)
	Must(t, err)
	Must(t, people.Across(s).SetPassword(t.Context(), token, password))
}

// Enter signs a user in by a password.
func Enter(t testing.TB, s *store.Store, email, password string) (*signon.SignInResult, error) {
	t.Helper()
	return signon.Across(s).SignInByPassword(t.Context(), signon.PasswordSignIn{
		Email: email, Password: password, IPAddress: "192.0.2.1",
	})
}

// Passwords counts the stored passwords and links.
func Passwords(t testing.TB, s *store.Store) (stored, links int64) {
	t.Helper()
	Must(t, Across(s, t.Context()).Model(&UserPassword{}).Count(&stored).Error)
	Must(t, Across(s, t.Context()).Model(&people.PasswordSetup{}).Count(&links).Error)
	return stored, links
}
