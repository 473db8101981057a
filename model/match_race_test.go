package model_test

import (
	"context"
	"fmt"
	"testing"

	"rollcall/model"
	"rollcall/model/modeltest"
)

// Whom a login finds can be changed before it locks them. What it found by must hold under the lock:
// else the address of somebody who has just become an administrator would do to be signed in as one.
func TestRecognizedUserChangesBeforeTheLink(t *testing.T) {
	t.Parallel()
	db := modeltest.Postgres(t)
	p := newPause()
	paused, other := modeltest.Open(t, db, p.options()), modeltest.Open(t, db, model.Options{})
	rename := func(userName, externalID, email string) func(context.Context, house, *model.User) error {
		return func(ctx context.Context, h house, u *model.User) error {
			_, err := h.org.UpdateDirectoryUser(ctx, h.d.ID, u.ID, func(u *model.UserDraft) error {
				return u.SetDocument(withAddress(userName, externalID, h.mail(email)))
			})
			return err
		}
	}
	for i, c := range []struct {
		name      string
		given     func(t testing.TB, h house) *model.User
		meanwhile func(ctx context.Context, h house, u *model.User) error
		refused   model.RefusalReason
	}{
		{"by e-mail, and becomes an administrator", func(t testing.TB, h house) *model.User { return h.unowned(t, "ada", h.mail("ada")) },
			func(ctx context.Context, h house, u *model.User) error {
				_, err := h.org.SetRole(ctx, u.ID, model.Admin)
				return err
			}, model.AdminLinkRequired},
		{"by e-mail at a directory, and becomes an administrator", func(t testing.TB, h house) *model.User { return h.owned(t, h.d, "ada", "x", h.mail("ada")) },
			func(ctx context.Context, h house, u *model.User) error {
				_, err := h.org.SetRole(ctx, u.ID, model.Admin)
				return err
			}, model.AdminLinkRequired},
		{"by e-mail, and gets another one", func(t testing.TB, h house) *model.User { return h.owned(t, h.d, "ada", "x", h.mail("ada")) },
			rename("ada", "x", "lovelace"), model.NotProvisioned},
		{"by externalId, which is taken away", func(t testing.TB, h house) *model.User { return h.owned(t, h.d, "grace", "subject", h.mail("grace")) },
			rename("grace", "other", "grace"), model.NotProvisioned},
		{"by userName, which becomes another", func(t testing.TB, h house) *model.User { return h.owned(t, h.d, "name-id", "x", h.mail("grace")) },
			rename("grace", "x", "grace"), model.NotProvisioned},
		{"by e-mail, and only the name changes", func(t testing.TB, h house) *model.User { return h.owned(t, h.d, "ada", "x", h.mail("ada")) },
			rename("augusta", "x", "ada"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := open(t, other, fmt.Sprint("meanwhile-", i))
			h.settings(t, func(s *model.Settings) { s.JIT = false })
			u := c.given(t, h)
			claims := claimsOf("subject", h.mail("ada"))
			claims.NameID, claims.FirstName, claims.LastName = "name-id", "", ""
			in := response(h.c, begin(t, h.org, h.c), claims)
			p.at <- "FOR UPDATE" // the user's row, having been found
			var out *model.SignedUp
			signedIn := make(chan error, 1)
			go func() {
				var err error
				out, err = paused.Org(h.org.ID, model.System).SignIn(t.Context(), in)
				signedIn <- err
			}()
			<-p.stopped
			err := c.meanwhile(t.Context(), h, u)
			p.on <- true
			errIn := <-signedIn
			must(t, err)
			if c.refused != "" {
				refused(t, errIn, c.refused)
			} else if errIn != nil || out.User.ID != u.ID {
				t.Errorf("it is %+v: %v", out, errIn)
			}
			identities, err := h.org.Identities(t.Context(), u.ID)
			if err != nil || (len(identities) == 0) != (c.refused != "") {
				t.Errorf("%d identities are linked: %v", len(identities), err)
			}
		})
	}
}
