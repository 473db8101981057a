package signon_test

import (
	"context"
	"fmt"
	"testing"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/refusal"
	"rollcall/model/signon"
	"rollcall/model/store"
)

// A user can change between the search of a login and its lock. The row of the table must still fit
// then. Otherwise the e-mail address of a member who has just become an administrator would be
// enough to sign in as one.
func TestCandidateChangesBeforeTheLock(t *testing.T) {
	t.Parallel()
	db := modeltest.Postgres(t)
	p := storetest.NewPause()
	paused, other := modeltest.Open(t, db, p.Options()), modeltest.Open(t, db, store.Options{})
	rename := func(userName, externalID, email string) func(context.Context, storetest.House, *people.User) error {
		return func(ctx context.Context, h storetest.House, u *people.User) error {
			_, err := directory.Of(h.Org, h.D.ID).UpdateUser(ctx, u.ID, func(u *people.UserDraft) error {
				return u.SetDocument(storetest.WithAddress(userName, externalID, h.Mail(email)))
			})
			return err
		}
	}
	for i, c := range []struct {
		name      string
		given     func(t testing.TB, h storetest.House) *people.User
		meanwhile func(ctx context.Context, h storetest.House, u *people.User) error
		refused   refusal.Reason
	}{
		{"by e-mail, and becomes an administrator", func(t testing.TB, h storetest.House) *people.User {
			return h.Unowned(t, "ada", h.Mail("ada"))
		},
			func(ctx context.Context, h storetest.House, u *people.User) error {
				_, err := people.In(h.Org).SetRole(ctx, u.ID, people.Admin)
				return err
			}, refusal.AdminLinkRequired},
		{"by e-mail at a directory, and becomes an administrator", func(t testing.TB, h storetest.House) *people.User {
			return h.Owned(t, h.D, "ada", "x", h.Mail("ada"))
		},
			func(ctx context.Context, h storetest.House, u *people.User) error {
				_, err := people.In(h.Org).SetRole(ctx, u.ID, people.Admin)
				return err
			}, refusal.AdminLinkRequired},
		{"by e-mail, and gets another one", func(t testing.TB, h storetest.House) *people.User {
			return h.Owned(t, h.D, "ada", "x", h.Mail("ada"))
		},
			rename("ada", "x", "lovelace"), refusal.NotProvisioned},
		{"by externalId, which is taken away", func(t testing.TB, h storetest.House) *people.User {
			return h.Owned(t, h.D, "grace", "subject", h.Mail("grace"))
		},
			rename("grace", "other", "grace"), refusal.NotProvisioned},
		{"by userName, which becomes another", func(t testing.TB, h storetest.House) *people.User {
			return h.Owned(t, h.D, "name-id", "x", h.Mail("grace"))
		},
			rename("grace", "x", "grace"), refusal.NotProvisioned},
		{"by e-mail, and only the name changes", func(t testing.TB, h storetest.House) *people.User {
			return h.Owned(t, h.D, "ada", "x", h.Mail("ada"))
		},
			rename("augusta", "x", "ada"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := storetest.Open(t, other, fmt.Sprint("meanwhile-", i))
			h.Settings(t, func(s *organization.Settings) { s.JIT = false })
			u := c.given(t, h)
			claims := storetest.ClaimsOf("subject", h.Mail("ada"))
			claims.NameID, claims.FirstName, claims.LastName = "name-id", "", ""
			in := storetest.Response(h.C, storetest.Begin(t, h.Org, h.C), claims)
			p.At <- "FOR UPDATE" // the lock of the user's row
			var out *signon.SignInResult
			signedIn := make(chan error, 1)
			go func() {
				var err error
				out, err = signon.In(paused.Org(h.Org.ID, model.System)).SignIn(t.Context(), in)
				signedIn <- err
			}()
			<-p.Stopped
			err := c.meanwhile(t.Context(), h, u)
			p.On <- true
			errIn := <-signedIn
			storetest.Must(t, err)
			if c.refused != "" {
				storetest.Refused(t, errIn, c.refused)
			} else if errIn != nil || out.User.ID != u.ID {
				t.Errorf("it is %+v: %v", out, errIn)
			}
			identities, err := people.In(h.Org).Identities(t.Context(), u.ID)
			if err != nil || (len(identities) == 0) != (c.refused != "") {
				t.Errorf("%d identities are linked: %v", len(identities), err)
			}
		})
	}
}
