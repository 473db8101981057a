package model_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/modeltest"
)

func TestRedeemCode(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		stores := twice(t, db, model.Options{Now: clock.Now})
		s := stores[0]
		h := open(t, s, "contoso")
		o := h.signOn(t, "ada")
		code := func(challenge string) string {
			in, err := s.SessionByToken(t.Context(), o.out.SessionToken)
			must(t, err)
			c, err := h.org.HandOver(t.Context(), in, o.application.ID, callback, challenge)
			must(t, err)
			return c
		}
		redeem := func(code string, change ...func(*model.Redemption)) (string, error) {
			r := model.Redemption{ApplicationID: o.application.ID, Code: code}
			for _, change := range change {
				change(&r)
			}
			_, token, err := stores[1].RedeemCode(t.Context(), r)
			return token, err
		}
		spent := func(t *testing.T, err error) {
			t.Helper()
			wantKind(t, err, model.Invalid, "code")
		}
		t.Run("it says who signed in, with what the session has left", func(t *testing.T) {
			clock.Advance(time.Hour)
			in, token, err := stores[1].RedeemCode(t.Context(), model.Redemption{ApplicationID: o.application.ID, Code: code("")})
			must(t, err)
			if in.User.ID != o.user.ID || in.Session.ID != o.out.Session.ID || in.Session.ExpiresAt != o.out.Session.ExpiresAt || in.ConnectionType != "OktaSAML" {
				t.Errorf("%+v", in)
			}
			again, err := s.SessionByAccessToken(t.Context(), token)
			if err != nil || again.User.ID != o.user.ID || again.Identity.ID != in.Identity.ID {
				t.Error(again, err)
			}
		})
		t.Run("it lives for a minute", func(t *testing.T) {
			in, late := code(""), code("")
			clock.Advance(time.Minute - time.Millisecond)
			_, err := redeem(in)
			must(t, err)
			clock.Advance(time.Millisecond)
			_, err = redeem(late)
			spent(t, err)
		})
		t.Run("the second use revokes the token of the first, at any time, and no other", func(t *testing.T) {
			for _, wait := range []time.Duration{0, time.Hour} {
				c := code("")
				token, err := redeem(c)
				must(t, err)
				other, err := redeem(code(""))
				must(t, err)
				clock.Advance(wait)
				// Another application cannot revoke what it was never given.
				_, err = redeem(c, func(r *model.Redemption) { r.ApplicationID = application(t, s).ID })
				spent(t, err)
				_, err = s.SessionByAccessToken(t.Context(), token)
				must(t, err)
				_, err = redeem(c)
				spent(t, err)
				_, err = s.SessionByAccessToken(t.Context(), token)
				wantKind(t, err, model.Denied)
				_, err = s.SessionByAccessToken(t.Context(), other)
				must(t, err)
			}
		})
		t.Run("of two at the same time neither has a token that lives", func(t *testing.T) {
			for range 5 {
				c := code("")
				tokens := make([]string, 2)
				failed := 0
				for _, err := range together(2, func(i int) (err error) {
					_, tokens[i], err = stores[i].RedeemCode(t.Context(), model.Redemption{ApplicationID: o.application.ID, Code: c})
					return err
				}) {
					if err != nil {
						spent(t, err)
						failed++
					}
				}
				if failed != 1 {
					t.Errorf("%d of two failed", failed)
				}
				for _, token := range tokens {
					_, err := s.SessionByAccessToken(t.Context(), token)
					wantKind(t, err, model.Denied)
				}
			}
		})
		sum := sha256.Sum256([]byte("verifier"))
		challenge := base64.RawURLEncoding.EncodeToString(sum[:])
		address := func(uri string) func(*model.Redemption) { return func(r *model.Redemption) { r.RedirectURI = &uri } }
		verifier := func(text string) func(*model.Redemption) { return func(r *model.Redemption) { r.CodeVerifier = text } }
		t.Run("what does not fit is refused, and the code is still good for its owner", func(t *testing.T) {
			plain, proven := code(""), code(challenge)
			for name, err := range map[string]func() error{
				"another application": func() error {
					_, err := redeem(plain, func(r *model.Redemption) { r.ApplicationID = application(t, s).ID })
					return err
				},
				"another address":              func() error { _, err := redeem(plain, address("https://app.example/callback/")); return err },
				"an empty address":             func() error { _, err := redeem(plain, address("")); return err },
				"a verifier without challenge": func() error { _, err := redeem(plain, verifier("verifier")); return err },
				"a challenge without verifier": func() error { _, err := redeem(proven); return err },
				"another verifier":             func() error { _, err := redeem(proven, verifier("Verifier")); return err },
				"the challenge as verifier":    func() error { _, err := redeem(proven, verifier(challenge)); return err },
				"no code":                      func() error { _, err := redeem(""); return err },
				"no code of ours":              func() error { _, err := redeem("rc_code_\x00\xff"); return err },
				"a session's token":            func() error { _, err := redeem(o.out.SessionToken); return err },
			} {
				if err := err(); model.KindOf(err) != model.Invalid {
					t.Errorf("%s: %v", name, err)
				}
			}
			_, err := redeem(plain, address(callback))
			must(t, err)
			_, err = redeem(proven, verifier("verifier"), address(callback))
			must(t, err)
		})
		t.Run("its address is compared exactly", func(t *testing.T) {
			_, err := redeem(code(""), address("HTTPS://app.example/callback"))
			spent(t, err)
		})
		t.Run("a deleted application has nothing left", func(t *testing.T) {
			c := code("")
			must(t, s.DeleteApplication(t.Context(), o.application.ID))
			_, err := redeem(c)
			spent(t, err)
			_, err = s.SessionByAccessToken(t.Context(), o.token)
			wantKind(t, err, model.Denied)
			_, err = s.SessionByToken(t.Context(), o.out.SessionToken)
			must(t, err)
		})
	})
}

// What lives as long as the session, and how long that is.
func TestSessionLifetime(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		s := modeltest.Open(t, db, model.Options{Now: clock.Now})
		for i, c := range []struct {
			name     string
			settings int // seconds
			notAfter time.Duration
			lives    time.Duration
		}{
			{"a day", 86400, 0, 24 * time.Hour},
			{"the organization's time", 600, 0, 10 * time.Minute},
			{"until the identity provider wants it to end", 86400, time.Hour, time.Hour},
			{"not longer than the organization wants", 600, time.Hour, 10 * time.Minute},
		} {
			t.Run(c.name, func(t *testing.T) {
				h := open(t, s, fmt.Sprint("lifetime-", i))
				h.settings(t, func(g *model.Settings) { g.SessionLifetimeSeconds = c.settings })
				a := application(t, s)
				l := begin(t, h.org, h.c)
				l.ApplicationID = &a.ID
				clock.Advance(time.Minute) // at the identity provider
				in := response(h.c, l, claimsOf("subject", h.mail("ada")))
				if c.notAfter > 0 {
					at := model.TimeOf(clock.Now().Add(c.notAfter))
					in.NotAfter = &at
				}
				out, err := h.org.SignIn(t.Context(), in)
				must(t, err)
				_, token, err := s.RedeemCode(t.Context(), model.Redemption{ApplicationID: a.ID, Code: out.Code})
				must(t, err)
				if at := model.TimeOf(clock.Now().Add(c.lives)); out.Session.ExpiresAt != at {
					t.Errorf("it expires at %s, want %s", out.Session.ExpiresAt, at)
				}
				clock.Advance(c.lives - time.Millisecond)
				live, err := s.SessionByToken(t.Context(), out.SessionToken)
				must(t, err)
				_, err = s.SessionByAccessToken(t.Context(), token)
				must(t, err)
				late, err := h.org.HandOver(t.Context(), live, a.ID, callback, "")
				must(t, err)
				clock.Advance(time.Millisecond)
				_, err = s.SessionByToken(t.Context(), out.SessionToken)
				wantKind(t, err, model.Denied)
				_, err = s.SessionByAccessToken(t.Context(), token)
				wantKind(t, err, model.Denied)
				_, _, err = s.RedeemCode(t.Context(), model.Redemption{ApplicationID: a.ID, Code: late})
				wantKind(t, err, model.Invalid, "code")
			})
		}
		t.Run("a session that the identity provider has ended already opens nothing", func(t *testing.T) {
			h := open(t, s, "past")
			in := response(h.c, begin(t, h.org, h.c), claimsOf("subject", h.mail("ada")))
			at := model.TimeOf(clock.Now().Add(-time.Minute))
			in.NotAfter = &at
			out, err := h.org.SignIn(t.Context(), in)
			must(t, err)
			_, err = s.SessionByToken(t.Context(), out.SessionToken)
			wantKind(t, err, model.Denied)
		})
	})
}

// docs/design/identity.md, "Disclosure": whom an application is told of.
func TestHandOver(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		h := open(t, s, "contoso")
		u := h.owned(t, h.d, "ada", "subject", "ada@elsewhere.example")
		serving := func() *model.Application {
			a := &model.Application{ApplicationFields: model.ApplicationFields{
				Name: "Payroll", RedirectURIs: []string{callback},
			}}
			_, err := s.CreateApplication(t.Context(), a, []model.OrganizationID{h.org.ID})
			must(t, err)
			return a
		}
		a := serving()
		sign := func(email string) (*model.SignedUp, error) {
			l := begin(t, h.org, h.c)
			l.ApplicationID = &a.ID
			return h.org.SignIn(t.Context(), response(h.c, l, claimsOf("subject", email)))
		}
		t.Run("not of somebody whose stored e-mail is outside, whatever the login says", func(t *testing.T) {
			_, err := sign(h.mail("ada"))
			if r := refused(t, err, model.ProfileOutside); r.UserID != u.ID {
				t.Errorf("%+v", r)
			}
			out, err := signIn(t, h.org, h.c, claimsOf("subject", h.mail("ada"))) // a page of ours tells no application
			must(t, err)
			in, err := s.SessionByToken(t.Context(), out.SessionToken)
			must(t, err)
			_, err = h.org.HandOver(t.Context(), in, a.ID, callback, "")
			refused(t, err, model.ProfileOutside)
		})
		t.Run("of everybody where an operator allowed it", func(t *testing.T) {
			_, err := h.org.UpdateOrganization(t.Context(), func(g *model.OrganizationFields) error {
				g.AllowProfilesOutsideOrganization = true
				return nil
			})
			must(t, err)
			out, err := sign(h.mail("ada"))
			if err != nil || out.Code == "" {
				t.Error(out, err)
			}
		})
		t.Run("not at an address that was taken from the application", func(t *testing.T) {
			out, err := signIn(t, h.org, h.c, claimsOf("subject", h.mail("ada")))
			must(t, err)
			in, err := s.SessionByToken(t.Context(), out.SessionToken)
			must(t, err)
			moved := func(uris ...string) {
				_, err := s.UpdateApplication(t.Context(), a.ID, func(a *model.ApplicationFields) error {
					a.RedirectURIs = uris
					return nil
				})
				must(t, err)
			}
			moved("https://new.example/callback", callback+"/", callback+"?x")
			_, err = sign(h.mail("ada"))
			if r := refused(t, err, model.RedirectURIWithdrawn); r.Received != callback {
				t.Errorf("%+v", r)
			}
			_, err = h.org.HandOver(t.Context(), in, a.ID, callback, "")
			refused(t, err, model.RedirectURIWithdrawn)
			moved(callback)
			_, err = h.org.HandOver(t.Context(), in, a.ID, callback, "")
			must(t, err)
		})
		t.Run("not when the application serves the organization no longer, or is gone", func(t *testing.T) {
			must(t, s.SetApplicationOrganization(t.Context(), a.ID, h.org.ID, false))
			_, err := sign(h.mail("ada"))
			refused(t, err, model.ApplicationWithdrawn)
			out, err := signIn(t, h.org, h.c, claimsOf("subject", h.mail("ada")))
			must(t, err)
			in, err := s.SessionByToken(t.Context(), out.SessionToken)
			must(t, err)
			gone := serving()
			must(t, s.DeleteApplication(t.Context(), gone.ID))
			for _, id := range []string{a.ID, gone.ID, "\x00"} {
				_, err = h.org.HandOver(t.Context(), in, id, callback, "")
				refused(t, err, model.ApplicationWithdrawn)
			}
		})
	})
}
