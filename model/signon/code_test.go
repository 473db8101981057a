package signon_test

import (
	"crypto/sha256"
	"encoding/base64"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/organization"
	"rollcall/model/signon"
	"rollcall/model/store"
)

func TestRedeemCode(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		stores := replicas(t, db, store.Options{Now: clock.Now})
		s := stores[0]
		h := storetest.Open(t, s, "contoso")
		o := h.SignOn(t, "ada")
		code := func(challenge string) string {
			in, err := signon.Across(s).SessionByToken(t.Context(), o.Out.SessionToken)
			storetest.Must(t, err)
			c, err := signon.In(h.Org).HandOver(t.Context(), in,
				signon.CodeRequest{ApplicationID: o.Application.ID, RedirectURI: storetest.Callback,
					CodeChallenge: challenge})
			storetest.Must(t, err)
			return c
		}
		redeem := func(code string, change ...func(*signon.Redemption)) (string, error) {
			r := signon.Redemption{ApplicationID: o.Application.ID, Code: code}
			for _, change := range change {
				change(&r)
			}
			_, token, err := signon.Across(stores[1]).RedeemCode(t.Context(), r)
			return token, err
		}
		spent := func(t *testing.T, err error) {
			t.Helper()
			storetest.WantKind(t, err, model.Invalid, "code")
		}
		t.Run("it returns the session with the session's end", func(t *testing.T) {
			clock.Advance(time.Hour)
			in, token, err := signon.Across(stores[1]).RedeemCode(t.Context(),
				signon.Redemption{ApplicationID: o.Application.ID, Code: code("")})
			storetest.Must(t, err)
			if in.User.ID != o.User.ID || in.Session.ID != o.Out.Session.ID ||
				in.Session.ExpiresAt != o.Out.Session.ExpiresAt || in.ConnectionType != "OktaSAML" {
				t.Errorf("%+v", in)
			}
			again, err := signon.Across(s).SessionByAccessToken(t.Context(), token)
			if err != nil || again.User.ID != o.User.ID || again.Identity.ID != in.Identity.ID {
				t.Error(again, err)
			}
		})
		t.Run("it expires after a minute", func(t *testing.T) {
			in, late := code(""), code("")
			clock.Advance(time.Minute - time.Millisecond)
			_, err := redeem(in)
			storetest.Must(t, err)
			clock.Advance(time.Millisecond)
			_, err = redeem(late)
			spent(t, err)
		})
		t.Run("a second use revokes the token of the first use and no other, at any time", func(t *testing.T) {
			for _, wait := range []time.Duration{0, time.Hour} {
				c := code("")
				token, err := redeem(c)
				storetest.Must(t, err)
				other, err := redeem(code(""))
				storetest.Must(t, err)
				clock.Advance(wait)
				// Another application cannot revoke what it was never given.
				_, err = redeem(c, func(r *signon.Redemption) { r.ApplicationID = storetest.Application(t, s).ID })
				spent(t, err)
				_, err = signon.Across(s).SessionByAccessToken(t.Context(), token)
				storetest.Must(t, err)
				_, err = redeem(c)
				spent(t, err)
				_, err = signon.Across(s).SessionByAccessToken(t.Context(), token)
				storetest.WantKind(t, err, model.Denied)
				_, err = signon.Across(s).SessionByAccessToken(t.Context(), other)
				storetest.Must(t, err)
			}
		})
		t.Run("two uses at the same time leave no live token", func(t *testing.T) {
			for range 5 {
				c := code("")
				tokens := make([]string, 2)
				failed := 0
				for _, err := range storetest.Together(2, func(i int) (err error) {
					_, tokens[i], err = signon.Across(stores[i]).
						RedeemCode(t.Context(), signon.Redemption{ApplicationID: o.Application.ID, Code: c})
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
					_, err := signon.Across(s).SessionByAccessToken(t.Context(), token)
					storetest.WantKind(t, err, model.Denied)
				}
			}
		})
		sum := sha256.Sum256([]byte("verifier"))
		challenge := base64.RawURLEncoding.EncodeToString(sum[:])
		address := func(uri string) func(*signon.Redemption) {
			return func(r *signon.Redemption) { r.RedirectURI = &uri }
		}
		verifier := func(text string) func(*signon.Redemption) {
			return func(r *signon.Redemption) { r.CodeVerifier = text }
		}
		t.Run("a wrong request is refused, and the code is still good", func(t *testing.T) {
			plain, proven := code(""), code(challenge)
			for name, err := range map[string]func() error{
				"another application": func() error {
					_, err := redeem(plain, func(r *signon.Redemption) {
						r.ApplicationID = storetest.Application(t, s).ID
					})
					return err
				},
				"another address": func() error {
					_, err := redeem(plain, address("https://app.example/callback/"))
					return err
				},
				"an empty address": func() error { _, err := redeem(plain, address("")); return err },
				"a verifier without challenge": func() error {
					_, err := redeem(plain, verifier("verifier"))
					return err
				},
				"a challenge without verifier": func() error { _, err := redeem(proven); return err },
				"another verifier": func() error {
					_, err := redeem(proven, verifier("Verifier"))
					return err
				},
				"the challenge as verifier": func() error {
					_, err := redeem(proven, verifier(challenge))
					return err
				},
				"no code":           func() error { _, err := redeem(""); return err },
				"no code of ours":   func() error { _, err := redeem("rc_code_\x00\xff"); return err },
				"a session's token": func() error { _, err := redeem(o.Out.SessionToken); return err },
			} {
				if err := err(); model.KindOf(err) != model.Invalid {
					t.Errorf("%s: %v", name, err)
				}
			}
			_, err := redeem(plain, address(storetest.Callback))
			storetest.Must(t, err)
			_, err = redeem(proven, verifier("verifier"), address(storetest.Callback))
			storetest.Must(t, err)
		})
		t.Run("the redirect_uri is compared exactly", func(t *testing.T) {
			_, err := redeem(code(""), address("HTTPS://app.example/callback"))
			spent(t, err)
		})
		t.Run("a deleted application's codes and tokens end", func(t *testing.T) {
			c := code("")
			storetest.Must(t, organization.Across(s).DeleteApplication(t.Context(), o.Application.ID))
			_, err := redeem(c)
			spent(t, err)
			_, err = signon.Across(s).SessionByAccessToken(t.Context(), o.Token)
			storetest.WantKind(t, err, model.Denied)
			_, err = signon.Across(s).SessionByToken(t.Context(), o.Out.SessionToken)
			storetest.Must(t, err)
		})
	})
}
