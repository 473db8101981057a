package signon_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/signon"
	"rollcall/model/store"
)

// ending is a way in which access ends (docs/design/identity.md, "Leaving" and "Ended access").
type ending struct {
	name   string
	end    func(t *testing.T, o storetest.Opened)
	reason people.EndingReason // of the event; empty when there is no event
}

var endings = []ending{
	{"deactivated by the directory", func(t *testing.T, o storetest.Opened) {
		storetest.Deactivate(t, o.Org, o.D, o.User)
	}, people.EndedDeprovisioned},
	{"deleted by the directory", func(t *testing.T, o storetest.Opened) {
		storetest.Must(t, directory.Of(o.Org, o.D.ID).DeleteUser(t.Context(), o.User.ID))
	}, people.EndedDeleted},
	{"deleted by an operator", func(t *testing.T, o storetest.Opened) {
		storetest.Must(t, directory.In(o.Org).DeleteUser(t.Context(), o.User.ID))
	}, people.EndedDeleted},
	{"the directory deleted", func(t *testing.T, o storetest.Opened) {
		storetest.Must(t, directory.In(o.Org).DeleteDirectory(t.Context(), o.D.ID))
	}, people.EndedDirectoryDeleted},
	{"revoked", func(t *testing.T, o storetest.Opened) {
		_, err := people.In(o.Org).RevokeSessions(t.Context(), o.User.ID)
		storetest.Must(t, err)
	}, people.EndedRevoked},
	{"the role taken away", func(t *testing.T, o storetest.Opened) {
		o.Admin(t, o.User)
		// the last administrator cannot be demoted
		o.Admin(t, o.House.Owned(t, o.House.D, "stand-in", "id-of-stand-in", o.House.Mail("stand-in")))
		_, err := people.In(o.Org).SetRole(t.Context(), o.User.ID, people.Member)
		storetest.Must(t, err)
	}, people.EndedRoleChanged},
	{"the connection deleted", func(t *testing.T, o storetest.Opened) {
		storetest.Must(t, connection.In(o.Org).DeleteConnection(t.Context(), o.C.ID))
	}, people.EndedConnectionChanged},
	{"the connection changed to another identity provider", func(t *testing.T, o storetest.Opened) {
		_, err := connection.In(o.Org).UpdateConnection(t.Context(), o.C.ID,
			func(c *connection.ConnectionFields) error {
				c.IDPEntityID = "https://other.example"
				return nil
			})
		storetest.Must(t, err)
	}, people.EndedConnectionChanged},
	{"signed out", func(t *testing.T, o storetest.Opened) {
		storetest.Must(t, signon.In(o.Org).EndSession(t.Context(), o.Out.Session.ID))
	}, ""},
	{"signed out by the identity provider", func(t *testing.T, o storetest.Opened) {
		id := o.Out.Session.IdentityID
		if n, err := signon.In(o.Org).EndSessionsOf(t.Context(), id, 1<<60); err != nil || n != 1 {
			t.Errorf("%d sessions ended: %v", n, err)
		}
	}, ""},
	{"replaced by another login of the browser", func(t *testing.T, o storetest.Opened) {
		l := storetest.Begin(t, o.Org, o.C)
		l.SessionID = o.Out.Session.ID
		_, err := signon.In(o.Org).SignIn(t.Context(), storetest.Response(o.C, l,
			storetest.ClaimsOf("id-of-"+o.User.UserName, o.User.Email)))
		storetest.Must(t, err)
	}, ""},
}

// Access ends on all replicas at once, also on one that has just used the session.
func TestAccessEndsOnAllReplicas(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		stores := replicas(t, db, store.Options{})
		for i, e := range endings {
			t.Run(e.name, func(t *testing.T) {
				h := storetest.Open(t, stores[0], fmt.Sprint("ending-", i))
				o := h.SignOn(t, "ada")
				other := h.SignOn(t, "grace")
				o.Opens(t, stores[1], true)
				o.Code = o.HandOver(t, o.Out)
				before := len(storetest.Events(t, h.S, h.Org))
				e.end(t, o)
				o.Opens(t, stores[1], false)
				var got []people.EndingReason
				for _, event := range storetest.Events(t, h.S, h.Org)[before:] {
					if reason := storetest.EndingOf(t, event); reason != "" &&
						event.Subject == model.UserPrefix.ID(o.User.ID) {
						got = append(got, reason)
					}
				}
				if want := slices.DeleteFunc([]people.EndingReason{e.reason}, func(r people.EndingReason) bool {
					return r == ""
				}); !slices.Equal(got, want) {
					t.Errorf("it ended for %v, want %v", got, want)
				}
				if !strings.Contains(e.name, "connection") && !strings.Contains(e.name, "directory deleted") {
					other.Opens(t, stores[1], true)
				}
			})
		}
		t.Run("a user who is active again has no old session", func(t *testing.T) {
			h := storetest.Open(t, stores[0], "revived")
			o := h.SignOn(t, "ada")
			storetest.Deactivate(t, h.Org, h.D, o.User)
			_, err := directory.Of(h.Org, h.D.ID).UpdateUser(t.Context(), o.User.ID, storetest.SetActive(true))
			storetest.Must(t, err)
			o.Opens(t, stores[1], false)
			o.Out, o.Code, o.Token = o.Again(t)
			o.Opens(t, stores[1], true)
		})
		t.Run("a login after the directory was deleted revives no old session", func(t *testing.T) {
			h := storetest.Open(t, stores[0], "returned")
			o := h.SignOn(t, "ada")
			storetest.Must(t, directory.In(h.Org).DeleteDirectory(t.Context(), h.D.ID))
			out, err := storetest.SignIn(t, h.Org, h.C, storetest.ClaimsOf("id-of-ada", h.Mail("ada")))
			if err != nil || out.User.ID != o.User.ID {
				t.Fatal(out, err)
			}
			_, err = signon.Across(stores[1]).SessionByToken(t.Context(), o.Out.SessionToken)
			storetest.WantKind(t, err, model.Denied)
			_, err = signon.Across(stores[1]).SessionByAccessToken(t.Context(), o.Token)
			storetest.WantKind(t, err, model.Denied)
		})
		t.Run("a session that has ended keeps its time", func(t *testing.T) {
			h := storetest.Open(t, stores[0], "ended")
			o := h.SignOn(t, "ada")
			storetest.Must(t, signon.In(h.Org).EndSession(t.Context(), o.Out.Session.ID))
			before := storetest.Dump(t, h.S, h.Org)
			storetest.Must(t, signon.In(h.Org).EndSession(t.Context(), o.Out.Session.ID))
			if diff := cmp.Diff(before, storetest.Dump(t, h.S, h.Org)); diff != "" {
				t.Error(diff)
			}
			storetest.WantKind(t, signon.In(h.Org).EndSession(t.Context(), storetest.NewID()), model.NotFound)
			storetest.WantKind(t, signon.In(h.Org).EndSession(t.Context(), "\x00"), model.NotFound)
		})
		t.Run("the browser's session of another organization stays",
			func(t *testing.T) {
				h, other := storetest.Open(t, stores[0], "one"), storetest.Open(t, stores[0], "two")
				o := other.SignOn(t, "ada")
				l := storetest.Begin(t, h.Org, h.C)
				l.SessionID = o.Out.Session.ID
				_, err := signon.In(h.Org).SignIn(t.Context(), storetest.Response(h.C, l,
					storetest.ClaimsOf("subject", h.Mail("ada"))))
				storetest.Must(t, err)
				o.Opens(t, stores[1], true)
			})
	})
}

// A login that was verified before access ended, and is committed after that, leaves no live
// session, whatever statement it has reached.
func TestLoginAfterEndedAccessLeavesNoSession(t *testing.T) {
	t.Parallel()
	end := map[string]func(ctx context.Context, org *store.Org, d *directory.Directory, u *people.User) error{
		"deactivated": func(ctx context.Context, org *store.Org, d *directory.Directory, u *people.User) error {
			_, err := directory.Of(org, d.ID).UpdateUser(ctx, u.ID, storetest.SetActive(false))
			return err
		},
		"deleted": func(ctx context.Context, org *store.Org, d *directory.Directory, u *people.User) error {
			return directory.Of(org, d.ID).DeleteUser(ctx, u.ID)
		},
		"revoked": func(ctx context.Context, org *store.Org, _ *directory.Directory, u *people.User) error {
			_, err := people.In(org).RevokeSessions(ctx, u.ID)
			return err
		},
		"connection replaced": func(ctx context.Context, org *store.Org, _ *directory.Directory, _ *people.User) error {
			cs, err := connection.In(org).ActiveConnections(ctx)
			if err == nil {
				_, err = connection.In(org).UpdateConnection(ctx, cs[0].ID, func(c *connection.ConnectionFields) error {
					c.IDPEntityID = "https://other.example"
					return nil
				})
			}
			return err
		},
		"directory deleted": func(ctx context.Context, org *store.Org, d *directory.Directory, _ *people.User) error {
			return directory.In(org).DeleteDirectory(ctx, d.ID)
		},
	}
	db := modeltest.Postgres(t)
	p := storetest.NewPause()
	paused, other := modeltest.Open(t, db, p.Options()), modeltest.Open(t, db, store.Options{})
	n := 0
	for name, end := range end {
		for _, at := range []string{`INSERT INTO "used_tokens"`, `FROM "identities"`, `FROM "users"`,
			`INSERT INTO "sessions"`, `INSERT INTO "authorization_codes"`, `INSERT INTO "events"`} {
			for _, known := range []bool{true, false} {
				t.Run(fmt.Sprint(name, ", the login before ", at, ", known: ", known), func(t *testing.T) {
					n++
					h := storetest.Open(t, other, fmt.Sprint("paused-", n))
					h.Settings(t, func(s *organization.Settings) { s.JIT = false })
					o := storetest.Opened{House: h, Application: storetest.Application(t, h.S),
						User: h.Owned(t, h.D, "ada", "id-of-ada", h.Mail("ada"))}
					if known {
						o.Again(t)
					}
					l := storetest.Begin(t, h.Org, h.C)
					l.ApplicationID = &o.Application.ID
					in := storetest.Response(h.C, l, storetest.ClaimsOf("id-of-ada", h.Mail("ada")))

					p.At <- at
					signedIn, ended := make(chan error, 1), make(chan error, 1)
					go func() {
						out, err := signon.In(paused.Org(h.Org.ID, model.System)).SignIn(t.Context(), in)
						o.Out = out
						signedIn <- err
					}()
					<-p.Stopped
					go func() { ended <- end(t.Context(), h.Org, h.D, o.User) }()
					select { // the end is committed, or waits for a lock of the login
					case err := <-ended:
						ended <- err
					case <-time.After(50 * time.Millisecond):
					}
					p.On <- true
					started := time.Now()
					errIn, errEnd := <-signedIn, <-ended
					if waited := time.Since(started); errEnd != nil || waited > 5*time.Second {
						t.Fatalf("access ended after %v: %v", waited, errEnd)
					}
					if errIn != nil {
						if kind := model.KindOf(errIn); kind != model.Denied &&
							(kind != model.NotFound || name != "deleted") {
							t.Fatalf("the login failed: %v", errIn)
						}
						return
					}
					early := !strings.HasPrefix(at, "INSERT") || strings.Contains(at, "used_tokens")
					if name == "revoked" && early {
						return // the login reads the user after that, and opens a new session
					}
					o.Dead(t, other)
				})
			}
		}
	}
}
