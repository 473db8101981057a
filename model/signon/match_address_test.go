package signon_test

import (
	"strings"
	"testing"

	"rollcall/model"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/organization"
	"rollcall/model/refusal"
	"rollcall/model/signon"
	"rollcall/model/store"
)

// The e-mail addresses of a login are a set, and their order means nothing. The only one under a
// verified domain decides who signs in; of two, none may, or the sender would choose the person.
func TestSeveralAddressesOfALogin(t *testing.T) {
	t.Parallel()
	const outside = "ada@elsewhere.example"
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		h := storetest.Open(t, s, "contoso")
		ada := h.Owned(t, h.D, "ada", "x", h.Mail("ada"))
		h.Owned(t, h.D, "grace", "y", h.Mail("grace"))
		h.Settings(t, func(g *organization.Settings) { g.JIT = false })
		for name, c := range map[string]struct {
			emails []string
			found  bool
		}{
			"one":                          {[]string{h.Mail("ada")}, true},
			"one of ours first":            {[]string{h.Mail("ada"), outside}, true},
			"one of ours last":             {[]string{outside, h.Mail("ada")}, true},
			"one of ours in two spellings": {[]string{outside, h.Mail("ada"), strings.ToUpper(h.Mail("ada"))}, true},
			"two of ours":                  {[]string{outside, h.Mail("grace"), h.Mail("ada")}, false},
			"none of ours":                 {[]string{outside, "grace@elsewhere.example"}, false},
		} {
			t.Run(name, func(t *testing.T) {
				claims := storetest.ClaimsOf("subject of "+name, c.emails[0])
				claims.Emails = c.emails
				out, err := storetest.SignIn(t, h.Org, h.C, claims)
				if !c.found {
					if _, ok := err.(*refusal.Error); !ok || model.KindOf(err) != model.Denied {
						t.Errorf("%+v: %v", out, err)
					}
					return
				}
				storetest.Must(t, err)
				if out.User.ID != ada.ID {
					t.Errorf("it is %s", out.User.UserName)
				}
			})
		}
	})
}

// Where nobody is found, the log says by what somebody could have been: the customer's IT sees
// there which attribute is missing, or under which name it came.
func TestWhatALoginLacksIsTold(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		h := storetest.Open(t, s, "contoso")
		h.Settings(t, func(g *organization.Settings) { g.JIT = false })
		for name, c := range map[string]struct {
			change func(*signon.Claims)
			want   string
		}{
			"one address": {func(c *signon.Claims) { c.Email = "x@x.example" }, "x@x.example"},
			"several addresses": {func(c *signon.Claims) { c.Emails = []string{"a@x.example", "b@x.example"} },
				"a@x.example, b@x.example"},
			"one address in a list": {func(c *signon.Claims) { c.Emails = []string{"a@x.example"} },
				"no e-mail address, and no attributes"},
			"no attributes": {func(*signon.Claims) {}, "no e-mail address, and no attributes"},
			"no attributes, but a NameID": {func(c *signon.Claims) { c.NameID = "x" },
				"no e-mail address, and no attributes, a NameID without a format"},
			"other attributes": {func(c *signon.Claims) {
				c.Attributes = map[string][]string{"upn": {"x"}, "cn": {"y"}}
			},
				`no e-mail address; what came is "cn", "upn"`},
		} {
			t.Run(name, func(t *testing.T) {
				claims := signon.Claims{Issuer: "https://idp.example", Subject: "nobody"}
				c.change(&claims)
				in := storetest.Response(h.C, storetest.Begin(t, h.Org, h.C), claims)
				in.Attempt.Notes = []string{"a note"}
				_, err := signon.In(h.Org).SignIn(t.Context(), in)
				r, ok := err.(*refusal.Error)
				if !ok || r.Received != "somebody unknown: "+c.want || len(r.Notes) == 0 || r.Notes[0] != "a note" {
					t.Errorf("%q with the notes %q", r.Received, r.Notes)
				}
			})
		}
	})
}
