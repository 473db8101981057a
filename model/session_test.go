package model_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/modeltest"
)

// opened is everything that one sign-in to an application opens.
type opened struct {
	house
	application *model.Application
	user        *model.User
	out         *model.SignedUp
	code        string // not exchanged yet
	token       string // an access token
}

const callback = "https://app.example/callback"

// signOn signs a directory's user in to an application, which exchanges one code and keeps another.
func (h house) signOn(t testing.TB, name string) opened {
	t.Helper()
	o := opened{house: h, application: application(t, h.s), user: h.owned(t, h.d, name, "id-of-"+name, h.mail(name))}
	o.out, o.code, o.token = o.again(t)
	return o
}

func (o opened) again(t testing.TB) (out *model.SignedUp, code, token string) {
	t.Helper()
	l := begin(t, o.org, o.c)
	l.ApplicationID = &o.application.ID
	out, err := o.org.SignIn(t.Context(), response(o.c, l, claimsOf("id-of-"+o.user.UserName, o.user.Email)))
	must(t, err)
	_, token, err = o.s.RedeemCode(t.Context(), model.Redemption{ApplicationID: o.application.ID, Code: out.Code})
	must(t, err)
	return out, o.handOver(t, out), token
}

func (o opened) handOver(t testing.TB, out *model.SignedUp) (code string) {
	t.Helper()
	in, err := o.s.SessionByToken(t.Context(), out.SessionToken)
	must(t, err)
	code, err = o.org.HandOver(t.Context(), in, o.application.ID, callback, "")
	must(t, err)
	return code
}

// opens checks whether a store still opens something for the session, the code and the token. The code
// is used up when it does.
func (o opened) opens(t testing.TB, s *model.Store, want bool) {
	t.Helper()
	_, bySession := s.SessionByToken(t.Context(), o.out.SessionToken)
	_, byToken := s.SessionByAccessToken(t.Context(), o.token)
	_, _, byCode := s.RedeemCode(t.Context(), model.Redemption{ApplicationID: o.application.ID, Code: o.code})
	live, _, err := s.Org(o.org.ID, model.System).Sessions(t.Context(), o.user.ID, model.Page{Limit: 100})
	must(t, err)
	listed := slices.ContainsFunc(live, func(l model.Session) bool { return l.ID == o.out.Session.ID })
	if want {
		must(t, errors.Join(bySession, byToken, byCode))
	} else {
		wantKind(t, bySession, model.Denied)
		wantKind(t, byToken, model.Denied)
		wantKind(t, byCode, model.Invalid, "code")
	}
	if listed != want {
		t.Errorf("the session is listed: %t", listed)
	}
}

// ends is a way in which access ends (docs/design/identity.md, "Leaving" and "Ended access").
type ends struct {
	name   string
	end    func(t *testing.T, o opened)
	reason model.EndingReason // of the event; empty for those that tell nobody
}

var endings = []ends{
	{"deactivated by the directory", func(t *testing.T, o opened) { deactivate(t, o.org, o.d, o.user) }, model.EndedDeprovisioned},
	{"deleted by the directory", func(t *testing.T, o opened) {
		must(t, o.org.DeleteDirectoryUser(t.Context(), o.d.ID, o.user.ID))
	}, model.EndedDeleted},
	{"deleted by an operator", func(t *testing.T, o opened) { must(t, o.org.DeleteUser(t.Context(), o.user.ID)) }, model.EndedDeleted},
	{"the directory deleted", func(t *testing.T, o opened) { must(t, o.org.DeleteDirectory(t.Context(), o.d.ID)) }, model.EndedDirectoryDeleted},
	{"revoked", func(t *testing.T, o opened) { _, err := o.org.RevokeSessions(t.Context(), o.user.ID); must(t, err) }, model.EndedRevoked},
	{"an administrator no longer", func(t *testing.T, o opened) {
		o.admin(t, o.user)
		o.admin(t, o.house.owned(t, o.house.d, "stand-in", "id-of-stand-in", o.house.mail("stand-in"))) // the last one stays
		_, err := o.org.SetRole(t.Context(), o.user.ID, model.Member)
		must(t, err)
	}, model.EndedRoleChanged},
	{"the connection deleted", func(t *testing.T, o opened) { must(t, o.org.DeleteConnection(t.Context(), o.c.ID)) }, model.EndedConnectionChanged},
	{"the connection to another identity provider", func(t *testing.T, o opened) {
		_, err := o.org.UpdateConnection(t.Context(), o.c.ID, func(c *model.ConnectionFields) error {
			c.IDPEntityID = "https://other.example"
			return nil
		})
		must(t, err)
	}, model.EndedConnectionChanged},
	{"signed out", func(t *testing.T, o opened) { must(t, o.org.EndSession(t.Context(), o.out.Session.ID)) }, ""},
	{"signed out by the identity provider", func(t *testing.T, o opened) {
		if n, err := o.org.EndSessionsOf(t.Context(), o.out.Session.IdentityID); err != nil || n != 1 {
			t.Errorf("%d sessions ended: %v", n, err)
		}
	}, ""},
	{"replaced in the browser", func(t *testing.T, o opened) {
		l := begin(t, o.org, o.c)
		l.ReplacesSessionID = &o.out.Session.ID
		_, err := o.org.SignIn(t.Context(), response(o.c, l, claimsOf("id-of-"+o.user.UserName, o.user.Email)))
		must(t, err)
	}, ""},
}

// Two servers agree, the second having served that session just before.
func TestEndedAccess(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		stores := twice(t, db, model.Options{})
		for i, e := range endings {
			t.Run(e.name, func(t *testing.T) {
				h := open(t, stores[0], fmt.Sprint("ending-", i))
				o := h.signOn(t, "ada")
				other := h.signOn(t, "grace")
				o.opens(t, stores[1], true)
				o.code = o.handOver(t, o.out)
				before := len(events(t, h.s, h.org))
				e.end(t, o)
				o.opens(t, stores[1], false)
				var got []model.EndingReason
				for _, event := range events(t, h.s, h.org)[before:] {
					if reason := endingOf(t, event); reason != "" && event.Subject == model.UserPrefix.ID(o.user.ID) {
						got = append(got, reason)
					}
				}
				if want := slices.DeleteFunc([]model.EndingReason{e.reason}, func(r model.EndingReason) bool { return r == "" }); !slices.Equal(got, want) {
					t.Errorf("it ended for %v, want %v", got, want)
				}
				if !strings.Contains(e.name, "connection") && !strings.Contains(e.name, "directory deleted") {
					other.opens(t, stores[1], true)
				}
			})
		}
		t.Run("re-activation revives nothing", func(t *testing.T) {
			h := open(t, stores[0], "revived")
			o := h.signOn(t, "ada")
			deactivate(t, h.org, h.d, o.user)
			_, err := h.org.UpdateDirectoryUser(t.Context(), h.d.ID, o.user.ID, setActive(true))
			must(t, err)
			o.opens(t, stores[1], false)
			o.out, o.code, o.token = o.again(t)
			o.opens(t, stores[1], true)
		})
		t.Run("nor does a login after the directory is gone", func(t *testing.T) {
			h := open(t, stores[0], "returned")
			o := h.signOn(t, "ada")
			must(t, h.org.DeleteDirectory(t.Context(), h.d.ID))
			out, err := signIn(t, h.org, h.c, claimsOf("id-of-ada", h.mail("ada")))
			if err != nil || out.User.ID != o.user.ID {
				t.Fatal(out, err)
			}
			_, err = stores[1].SessionByToken(t.Context(), o.out.SessionToken)
			wantKind(t, err, model.Denied)
			_, err = stores[1].SessionByAccessToken(t.Context(), o.token)
			wantKind(t, err, model.Denied)
		})
		t.Run("a session that has ended already ended then", func(t *testing.T) {
			h := open(t, stores[0], "ended")
			o := h.signOn(t, "ada")
			must(t, h.org.EndSession(t.Context(), o.out.Session.ID))
			before := dump(t, h.s, h.org)
			must(t, h.org.EndSession(t.Context(), o.out.Session.ID))
			if diff := cmp.Diff(before, dump(t, h.s, h.org)); diff != "" {
				t.Error(diff)
			}
			wantKind(t, h.org.EndSession(t.Context(), model.NewID()), model.NotFound)
			wantKind(t, h.org.EndSession(t.Context(), "\x00"), model.NotFound)
		})
		t.Run("a browser's session of another organization is replaced, too: its cookie is overwritten", func(t *testing.T) {
			h, other := open(t, stores[0], "one"), open(t, stores[0], "two")
			o := other.signOn(t, "ada")
			l := begin(t, h.org, h.c)
			l.ReplacesSessionID = &o.out.Session.ID
			_, err := h.org.SignIn(t.Context(), response(h.c, l, claimsOf("subject", h.mail("ada"))))
			must(t, err)
			o.opens(t, stores[1], false)
		})
	})
}

// pause stops a store's next statement that contains a text until it is told to go on.
type pause struct {
	at      chan string // the text to stop at
	stopped chan bool
	on      chan bool
}

func newPause() pause { return pause{make(chan string, 1), make(chan bool), make(chan bool)} }

func (p pause) options() model.Options {
	return model.Options{Statement: func(query string) {
		select {
		case text := <-p.at:
			if !strings.Contains(query, text) {
				p.at <- text
				return
			}
			p.stopped <- true
			<-p.on
		default:
		}
	}}
}

// A login that verified before, and commits after access ended, opens nothing: wherever it is when that happens.
func TestDeadOnArrival(t *testing.T) {
	t.Parallel()
	end := map[string]func(ctx context.Context, org *model.Org, d *model.Directory, u *model.User) error{
		"deactivated": func(ctx context.Context, org *model.Org, d *model.Directory, u *model.User) error {
			_, err := org.UpdateDirectoryUser(ctx, d.ID, u.ID, setActive(false))
			return err
		},
		"deleted": func(ctx context.Context, org *model.Org, d *model.Directory, u *model.User) error {
			return org.DeleteDirectoryUser(ctx, d.ID, u.ID)
		},
		"revoked": func(ctx context.Context, org *model.Org, _ *model.Directory, u *model.User) error {
			_, err := org.RevokeSessions(ctx, u.ID)
			return err
		},
		"connection replaced": func(ctx context.Context, org *model.Org, _ *model.Directory, _ *model.User) error {
			cs, err := org.ActiveConnections(ctx)
			if err == nil {
				_, err = org.UpdateConnection(ctx, cs[0].ID, func(c *model.ConnectionFields) error {
					c.IDPEntityID = "https://other.example"
					return nil
				})
			}
			return err
		},
		"directory deleted": func(ctx context.Context, org *model.Org, d *model.Directory, _ *model.User) error {
			return org.DeleteDirectory(ctx, d.ID)
		},
	}
	db := modeltest.Postgres(t)
	p := newPause()
	paused, other := modeltest.Open(t, db, p.options()), modeltest.Open(t, db, model.Options{})
	n := 0
	for name, end := range end {
		for _, at := range []string{`UPDATE "logins"`, `FROM "identities"`, `FROM "users"`, `INSERT INTO "sessions"`, `INSERT INTO "authorization_codes"`, `INSERT INTO "events"`} {
			for _, known := range []bool{true, false} {
				t.Run(fmt.Sprint(name, ", the login before ", at, ", known: ", known), func(t *testing.T) {
					n++
					h := open(t, other, fmt.Sprint("paused-", n))
					h.settings(t, func(s *model.Settings) { s.JIT = false })
					o := opened{house: h, application: application(t, h.s), user: h.owned(t, h.d, "ada", "id-of-ada", h.mail("ada"))}
					if known {
						o.again(t)
					}
					l := begin(t, h.org, h.c)
					l.ApplicationID = &o.application.ID
					in := response(h.c, l, claimsOf("id-of-ada", h.mail("ada")))

					p.at <- at
					signedIn, ended := make(chan error, 1), make(chan error, 1)
					go func() {
						out, err := paused.Org(h.org.ID, model.System).SignIn(t.Context(), in)
						o.out = out
						signedIn <- err
					}()
					<-p.stopped
					go func() { ended <- end(t.Context(), h.org, h.d, o.user) }()
					select { // it ends at once, or waits for the login: then the login goes on
					case err := <-ended:
						ended <- err
					case <-time.After(50 * time.Millisecond):
					}
					p.on <- true
					started := time.Now()
					errIn, errEnd := <-signedIn, <-ended
					if waited := time.Since(started); errEnd != nil || waited > 5*time.Second {
						t.Fatalf("access ended after %v: %v", waited, errEnd)
					}
					if errIn != nil {
						if kind := model.KindOf(errIn); kind != model.Denied && (kind != model.NotFound || name != "deleted") {
							t.Fatalf("the login failed: %v", errIn)
						}
						return
					}
					if name == "revoked" && !strings.HasPrefix(at, "INSERT") {
						return // it had not looked who it is: it signs in anew
					}
					o.dead(t, other)
				})
			}
		}
	}
}

func (o opened) dead(t testing.TB, s *model.Store) {
	t.Helper()
	in, err := s.SessionByToken(t.Context(), o.out.SessionToken)
	if model.KindOf(err) != model.Denied {
		t.Errorf("the session opens %+v: %v", in, err)
	}
	_, _, err = s.RedeemCode(t.Context(), model.Redemption{ApplicationID: o.application.ID, Code: o.out.Code})
	if model.KindOf(err) != model.Invalid {
		t.Errorf("the code opens something: %v", err)
	}
}
