package signon_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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

// jitOff switches off that logins create users.
func jitOff(t testing.TB, h storetest.House) *people.User {
	h.Settings(t, func(s *organization.Settings) { s.JIT = false })
	return nil
}

// nobody prepares an organization without the person.
func nobody(testing.TB, storetest.House) *people.User { return nil }

// released creates a user whose directory was deleted. The organization has another one.
func released(t testing.TB, h storetest.House, link bool) *people.User {
	t.Helper()
	old := storetest.Directory(t, h.Org)
	u := h.Owned(t, old, "ada", "x", h.Mail("ada"))
	if link {
		h.Linked(t, u)
	}
	storetest.Must(t, directory.In(h.Org).DeleteDirectory(t.Context(), old.ID))
	return u
}

// buried leaves the tombstone of a user whom the directory deleted.
func buried(t testing.TB, h storetest.House, link bool) {
	t.Helper()
	u := h.Owned(t, h.D, "ada.l", "x", h.Mail("ada"))
	if link {
		h.Linked(t, u)
	}
	storetest.Must(t, directory.Of(h.Org, h.D.ID).DeleteUser(t.Context(), u.ID))
}

const (
	created = people.UserCreated
	updated = people.UserUpdated
	linked  = people.UserIdentityLinked
)

// matching is a case of a row of docs/design/identity.md, "Matching". The login asserts ada@ the
// verified domain and the subject "subject", unless asserted changes that.
type matching struct {
	name     string
	given    func(t testing.TB, h storetest.House) *people.User // returns the user whom the login finds, or nil
	asserted func(h storetest.House, c *signon.Claims)
	refused  refusal.Reason
	events   []model.EventType // before authentication.sso_succeeded
}

func TestMatching(t *testing.T) {
	t.Parallel()
	cases := append(matchingFound(), matchingNotFound()...)
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		for i, c := range cases {
			t.Run(c.name, func(t *testing.T) { c.run(t, storetest.Open(t, s, fmt.Sprint("row", i))) })
		}
	})
}

func (m matching) run(t *testing.T, h storetest.House) {
	want := m.given(t, h)
	claims := storetest.ClaimsOf("subject", h.Mail("ada"))
	if m.asserted != nil {
		m.asserted(h, &claims)
	}
	in := storetest.Response(h.C, storetest.Begin(t, h.Org, h.C), claims)
	if m.refused != "" {
		before := storetest.Dump(t, h.S, h.Org)
		_, err := signon.In(h.Org).SignIn(t.Context(), in)
		if r := storetest.Refused(t, err, m.refused); want != nil && r.UserID != want.ID {
			t.Errorf("the log names user %q, want %q", r.UserID, want.ID)
		}
		if diff := cmp.Diff(before, storetest.Dump(t, h.S, h.Org)); diff != "" {
			t.Errorf("a refused login wrote (-before +after):\n%s", diff)
		}
		return
	}
	var out *signon.SignInResult
	got := storetest.NewEvents(t, h.S, h.Org, func() {
		var err error
		out, err = signon.In(h.Org).SignIn(t.Context(), in)
		storetest.Must(t, err)
	})
	if diff := cmp.Diff(append(append([]model.EventType{}, m.events...), signon.SSOSucceeded), got); diff != "" {
		t.Error(diff)
	}
	if want != nil && out.User.ID != want.ID {
		t.Errorf("it is %s, want %s", out.User.UserName, want.UserName)
	}
	if diff := cmp.Diff(out.User, storetest.Stored(t, h.Org, out.User.ID)); diff != "" || !out.User.Active {
		t.Error(diff)
	}
	live, err := signon.Across(h.S).SessionByToken(t.Context(), out.SessionToken)
	if err != nil || live.User.ID != out.User.ID || live.Identity.Subject != claims.Subject {
		t.Errorf("the session is of %+v: %v", live, err)
	}
	// The next login needs the identity alone.
	in = storetest.Response(h.C, storetest.Begin(t, h.Org, h.C),
		signon.Claims{Issuer: claims.Issuer, Subject: claims.Subject})
	again, err := signon.In(h.Org).SignIn(t.Context(), in)
	if err != nil || again.User.ID != out.User.ID {
		t.Errorf("the next time it is %+v: %v", again, err)
	}
}

// Rows 1 to 5.
func matchingFound() []matching {
	elsewhere := func(_ storetest.House, c *signon.Claims) { c.Email = "ada@elsewhere.example" }
	known := func(t testing.TB, h storetest.House) *people.User {
		return h.Linked(t, h.Owned(t, h.D, "ada", "x", h.Mail("a")))
	}
	shared := func(t testing.TB, h storetest.House) { h.Owned(t, h.D, "twin", "t", h.Mail("ada")) }
	return append([]matching{
		{name: "1: the identity, whatever the e-mail is", given: known, asserted: elsewhere},
		{name: "1: the identity beats another's externalId, userName and e-mail",
			given: func(t testing.TB, h storetest.House) *people.User {
				h.Owned(t, h.D, "other", "subject", h.Mail("ada"))
				return known(t, h)
			}, asserted: func(_ storetest.House, c *signon.Claims) { c.NameID = "other" }},
		{name: "1: the identity of an administrator", given: func(t testing.TB, h storetest.House) *people.User {
			return h.Admin(t, known(t, h))
		}},
		{name: "1: the identity of a user whom no directory owns, whose names are updated",
			events: []model.EventType{updated},
			given: func(t testing.TB, h storetest.House) *people.User {
				return h.Linked(t, h.Unowned(t, "ada", h.Mail("ada")))
			}},
		{name: "1: a subject is compared exactly", given: func(t testing.TB, h storetest.House) *people.User {
			known(t, h)
			return jitOff(t, h)
		},
			asserted: func(_ storetest.House, c *signon.Claims) {
				c.Subject = "Subject"
			}, refused: refusal.NotProvisioned},
		{name: "1: the subject of another issuer", given: func(t testing.TB, h storetest.House) *people.User {
			known(t, h)
			return jitOff(t, h)
		},
			asserted: func(_ storetest.House, c *signon.Claims) {
				c.Issuer = "https://other.example"
			}, refused: refusal.NotProvisioned},
		{name: "1: the identity of another connection", refused: refusal.NotProvisioned,
			given: func(t testing.TB, h storetest.House) *people.User {
				h.C = storetest.Connect(t, h.Org)
				known(t, h)
				return jitOff(t, h)
			}},
		{name: "2: the externalId is the subject", events: []model.EventType{linked}, asserted: elsewhere,
			given: func(t testing.TB, h storetest.House) *people.User {
				return h.Owned(t, h.D, "ada", "subject", h.Mail("a"))
			}},
		{name: "2: the externalId beats the userName", events: []model.EventType{linked},
			given: func(t testing.TB, h storetest.House) *people.User {
				h.Owned(t, h.D, "ada", "x", h.Mail("b"))
				return h.Owned(t, h.D, "other", "subject", h.Mail("a"))
			}, asserted: func(_ storetest.House, c *signon.Claims) { c.NameID, c.UserName = "ada", "ada" }},
		{name: "2: the externalId beats an e-mail that two share", events: []model.EventType{linked},
			given: func(t testing.TB, h storetest.House) *people.User {
				shared(t, h)
				return h.Owned(t, h.D, "ada", "subject", h.Mail("ada"))
			}},
		{name: "2: the externalId beats an e-mail that many share", events: []model.EventType{linked},
			given: func(t testing.TB, h storetest.House) *people.User {
				for i := range 12 {
					h.Owned(t, h.D, fmt.Sprint("desk-", i), "", h.Mail("ada"))
				}
				return h.Owned(t, h.D, "ada", "subject", h.Mail("ada"))
			}},
		{name: "2: the userName beats an e-mail that many share", events: []model.EventType{linked},
			given: func(t testing.TB, h storetest.House) *people.User {
				for i := range 12 {
					h.Owned(t, h.D, fmt.Sprint("desk-", i), "", h.Mail("ada"))
				}
				return h.Owned(t, h.D, "ada", "x", h.Mail("ada"))
			}, asserted: func(_ storetest.House, c *signon.Claims) { c.NameID = "ada" }},
		{name: "2: an administrator by externalId", events: []model.EventType{linked},
			given: func(t testing.TB, h storetest.House) *people.User {
				return h.Admin(t, h.Owned(t, h.D, "ada", "subject", h.Mail("a")))
			}},
		{name: "2: an externalId is compared exactly", refused: refusal.NotProvisioned,
			given: func(t testing.TB, h storetest.House) *people.User {
				h.Owned(t, h.D, "ada", "SUBJECT", h.Mail("a"))
				return jitOff(t, h)
			}},
		{name: "2: an empty externalId is no subject", refused: refusal.NotProvisioned,
			given: func(t testing.TB, h storetest.House) *people.User {
				h.Owned(t, h.D, "ada", "", h.Mail("a"))
				return jitOff(t, h)
			}, asserted: func(_ storetest.House, c *signon.Claims) { c.Subject = "" }},
		{name: "2: the folded userName is the NameID", events: []model.EventType{linked},
			asserted: func(_ storetest.House, c *signon.Claims) {
				c.NameID, c.Email = "STRASSE", ""
			},
			given: func(t testing.TB, h storetest.House) *people.User {
				return h.Owned(t, h.D, "straße", "x", h.Mail("a"))
			}},
		{name: "2: the userName is the connection's attribute", events: []model.EventType{linked},
			asserted: func(_ storetest.House, c *signon.Claims) {
				c.NameID, c.UserName = "opaque", "Ada"
			},
			given: func(t testing.TB, h storetest.House) *people.User {
				return h.Owned(t, h.D, "ada", "x", h.Mail("a"))
			}},
		{name: "2: the e-mail is no userName", refused: refusal.NotProvisioned,
			given: func(t testing.TB, h storetest.House) *people.User {
				h.Owned(t, h.D, h.Mail("ada"), "x", h.Mail("a"))
				return jitOff(t, h)
			}},
		{name: "2: not the externalId or userName of a user without a directory", refused: refusal.NotProvisioned,
			given: func(t testing.TB, h storetest.House) *people.User {
				_, err := people.In(h.Org).CreateUser(t.Context(), storetest.WithAddress("ada", "subject", h.Mail("a")))
				storetest.Must(t, err)
				return nil
			}, asserted: func(_ storetest.House, c *signon.Claims) {
				c.NameID, c.Email = "ada", "ada@elsewhere.example"
			}},
	}, append(matchingSeveral(shared), matchingByEmail()...)...)
}

// Row 3.
func matchingSeveral(shared func(t testing.TB, h storetest.House)) []matching {
	several := func(name string, given func(t testing.TB, h storetest.House),
		asserted func(storetest.House, *signon.Claims)) matching {
		return matching{name: "3: " + name, given: func(t testing.TB, h storetest.House) *people.User {
			given(t, h)
			return nil
		}, asserted: asserted, refused: refusal.Ambiguous}
	}
	byNames := func(_ storetest.House, c *signon.Claims) { c.NameID, c.UserName = "ada", "lovelace" }
	return []matching{
		several("two directories know the externalId", func(t testing.TB, h storetest.House) {
			h.Owned(t, h.D, "ada", "subject", h.Mail("a"))
			second := storetest.Directory(t, h.Org)
			storetest.Deactivate(t, h.Org, second, h.Owned(t, second, "lovelace", "subject", h.Mail("b")))
		}, nil),
		several("NameID and attribute name two users", func(t testing.TB, h storetest.House) {
			h.Owned(t, h.D, "ada", "x", h.Mail("ada"))
			h.Owned(t, h.D, "lovelace", "y", h.Mail("b"))
		}, byNames),
		several("two share the e-mail", func(t testing.TB, h storetest.House) {
			shared(t, h)
			h.Owned(t, h.D, "ada", "x", h.Mail("ada"))
		}, nil),
		several("one of two who share the e-mail is an administrator", func(t testing.TB, h storetest.House) {
			shared(t, h)
			h.Admin(t, h.Unowned(t, "ada", h.Mail("Ada")))
		}, nil),
		several("one of two who share the e-mail is inactive", func(t testing.TB, h storetest.House) {
			shared(t, h)
			storetest.Deactivate(t, h.Org, h.D, h.Owned(t, h.D, "ada", "x", h.Mail("ADA")))
		}, nil),
		several("somebody else has the e-mail as userName", func(t testing.TB, h storetest.House) {
			h.Owned(t, h.D, h.Mail("ada"), "x", h.Mail("a"))
		}, nil),
	}
}

// Rows 4 and 5.
func matchingByEmail() []matching {
	unowned := func(t testing.TB, h storetest.House) *people.User { return h.Unowned(t, "ada", h.Mail("ada")) }
	unknown := func(given func(t testing.TB, h storetest.House)) func(t testing.TB, h storetest.House) *people.User {
		return func(t testing.TB, h storetest.House) *people.User { given(t, h); return jitOff(t, h) }
	}
	return []matching{
		{name: "4: the e-mail of a user of a directory", events: []model.EventType{linked},
			given: func(t testing.TB, h storetest.House) *people.User {
				return h.Owned(t, h.D, "ada", "x", h.Mail("ada"))
			}},
		{name: "4: the e-mail of a user whom no directory owns, in any spelling",
			events: []model.EventType{updated, linked}, given: unowned,
			asserted: func(_ storetest.House, c *signon.Claims) { c.Email = strings.ToUpper(c.Email) }},
		{name: "4: not an e-mail that nobody verified", given: func(t testing.TB, h storetest.House) *people.User {
			unowned(t, h)
			return nil
		},
			asserted: func(_ storetest.House, c *signon.Claims) {
				c.EmailVerified = false
			}, refused: refusal.NotProvisioned},
		{name: "4: not under a domain below the verified one", refused: refusal.NotProvisioned,
			given: func(t testing.TB, h storetest.House) *people.User {
				h.Unowned(t, "ada", "ada@sub."+h.Domain)
				return nil
			},
			asserted: func(h storetest.House, c *signon.Claims) { c.Email = "ada@sub." + h.Domain }},
		{name: "4: not under a domain that is pending", refused: refusal.NotProvisioned,
			given: unknown(func(t testing.TB, h storetest.House) {
				_, err := organization.In(h.Org).CreateDomain(t.Context(), "pending."+h.Domain,
					organization.DomainStatePending)
				storetest.Must(t, err)
				h.Unowned(t, "ada", "ada@pending."+h.Domain)
			}), asserted: func(h storetest.House, c *signon.Claims) { c.Email = "ada@pending." + h.Domain }},
		{name: "4: not under another organization's domain", refused: refusal.NotProvisioned,
			given: unknown(func(t testing.TB, h storetest.House) {
				storetest.Organization(t, h.S, "Fabrikam", "of."+h.Domain)
				h.Unowned(t, "ada", "ada@of."+h.Domain)
			}), asserted: func(h storetest.House, c *signon.Claims) { c.Email = "ada@of." + h.Domain }},
		{name: "4: not a local part that is not ASCII", refused: refusal.NotProvisioned,
			given: func(t testing.TB, h storetest.House) *people.User {
				h.Unowned(t, "ada", h.Mail("adä"))
				return nil
			},
			asserted: func(h storetest.House, c *signon.Claims) { c.Email = h.Mail("adä") }},
		{name: "4: not a user of another organization",
			given: unknown(func(t testing.TB, h storetest.House) {
				other, d := storetest.Organization(t, h.S, "Northwind", "northwind-"+h.Domain)
				storetest.CreateUser(t, other, d, h.Mail("ada"))
			}), refused: refusal.NotProvisioned},
		{name: "5: an administrator is not linked by e-mail", refused: refusal.AdminLinkRequired,
			given: func(t testing.TB, h storetest.House) *people.User { return h.Admin(t, unowned(t, h)) }},
		{name: "5: nor is an inactive one of a directory", refused: refusal.AdminLinkRequired,
			given: func(t testing.TB, h storetest.House) *people.User {
				return storetest.Deactivate(t, h.Org, h.D, h.Admin(t, h.Owned(t, h.D, "ada", "x", h.Mail("ada"))))
			}},
	}
}
