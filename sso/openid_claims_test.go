package sso_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"

	"rollcall/model/refusal"
	"rollcall/testidp"
)

// claimsOfBoth makes the claims of an ID token and of userinfo anew: what a provider puts into
// which of the two is a setting there.
func claimsOfBoth(token, userInfo map[string]any) testidp.TokenOptions {
	only := func(want map[string]any) func(map[string]any) {
		return func(c map[string]any) {
			for _, name := range []string{"email", "email_verified", "groups", "name", "given_name", "family_name"} {
				delete(c, name)
			}
			maps.Copy(c, want)
		}
	}
	return testidp.TokenOptions{Edit: only(token), UserInfo: only(userInfo)}
}

// TestClaimsAreTakenFromBothPlaces: claims of the ID token and of userinfo are of the same sub
// (OpenID Connect Core, sections 5.3 and 5.4). What userinfo says of an address counts for the same
// address only, and never against the ID token.
func TestClaimsAreTakenFromBothPlaces(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		o := w.newOpenID("contoso-oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
		groups := []string{"a"}
		with := func(pairs ...any) map[string]any {
			c := map[string]any{"groups": groups}
			for i := 0; i < len(pairs); i += 2 {
				c[pairs[i].(string)] = pairs[i+1]
			}
			return c
		}
		for i, c := range []struct {
			name            string
			token, userInfo map[string]any
			refused         bool
		}{
			{"userinfo verifies the address of the token", with("email", "A@oidc.example"),
				with("email", "A@oidc.example", "email_verified", true), false},
			{"in another spelling", with("email", "B@OIDC.example"),
				with("email", "b@oidc.example", "email_verified", true), false},
			{"as a text", with("email", "c@oidc.example"),
				with("email", "c@oidc.example", "email_verified", "true"), false},
			{"the token says null", with("email", "d@oidc.example", "email_verified", nil),
				with("email", "d@oidc.example", "email_verified", true), false},
			{"the token says false", with("email", "e@oidc.example", "email_verified", false),
				with("email", "e@oidc.example", "email_verified", true), true},
			{"another address is verified", with("email", "f@oidc.example"),
				with("email", "g@oidc.example", "email_verified", true), true},
			{"no address is verified", with("email", "g@oidc.example"), with("email_verified", true), true},
			{"neither says anything", with("email", "h@oidc.example"), with("email", "h@oidc.example"), true},
			{"userinfo says false", with("email", "i@oidc.example"),
				with("email", "i@oidc.example", "email_verified", false), true},
			{"the token verifies without an address", with("email_verified", true),
				with("email", "j@oidc.example"), true},
		} {
			t.Run(c.name, func(t *testing.T) {
				o.idp.VaryTokens(claimsOfBoth(c.token, c.userInfo))
				a := o.signIn(w.browser(), person(o.tenant, 10+i), w.authorize(o.tenant))
				if c.refused {
					w.refused(o.tenant, a, string(refusal.NotProvisioned))
				} else {
					a.code(t)
				}
			})
		}
		verified := with("email", ada(o.tenant).UserName, "email_verified", true)
		for name, more := range map[string]map[string]any{
			"names that are in userinfo alone": {"given_name": "Anna", "family_name": "Case"},
			"one name of the two":              {"name": "Anna Case"},
		} {
			t.Run(name, func(t *testing.T) {
				o.idp.VaryTokens(claimsOfBoth(verified, more))
				got := o.profileOf(ada(o.tenant))
				if more["given_name"] != nil && (got["first_name"] != "Anna" || got["last_name"] != "Case") ||
					more["name"] != nil && got["name"] != "Anna Case" {
					t.Errorf("%v", got)
				}
			})
		}
	})
}

// TestClaimThatNobodySendsIsNoted: a claim that the connection names and that is not there changes
// nothing in silence.
func TestClaimThatNobodySendsIsNoted(t *testing.T) {
	t.Parallel()
	w := one(t)
	o := w.newOpenID("contoso-oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
	o.idp.VaryTokens(testidp.TokenOptions{Edit: func(c map[string]any) {
		c["realm_access"] = map[string]any{"roles": []string{"Writer"}}
	}})
	for _, c := range []struct {
		name string
		body map[string]any
		says []string
	}{
		{"a path", map[string]any{"oidc": map[string]any{"groups_claim": "realm_access.roles"}},
			[]string{`oidc.groups_claim names "realm_access.roles"`, `the claim "realm_access" came`, "no path"}},
		{"a claim that is not there", map[string]any{"oidc": map[string]any{"groups_claim": "roles"}},
			[]string{`oidc.groups_claim names "roles"`, `"email"`, `"realm_access"`}},
		{"a mapped claim", map[string]any{"oidc": map[string]any{"groups_claim": nil},
			"attribute_mapping": map[string]any{"first_name": "vorname"}},
			[]string{`attribute_mapping.first_name names "vorname"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.api(http.MethodPatch, "/connections/"+o.id, c.body)
			o.signIn(w.browser(), ada(o.tenant), w.authorize(o.tenant)).code(t)
			notes := o.attempt().Notes
			for _, want := range c.says {
				if len(notes) != 1 || !strings.Contains(notes[0], want) {
					t.Errorf("the log notes %q, and not %s", notes, want)
				}
			}
		})
	}
}
