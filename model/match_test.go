package model_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/modeltest"
)

// house is an organization with a directory and a connection at which somebody has signed in.
type house struct {
	s      *model.Store
	org    *model.Org
	d      *model.Directory
	c      *model.Connection
	domain string // verified
}

func open(t testing.TB, s *model.Store, name string) house {
	t.Helper()
	h := house{s: s, domain: name + ".example"}
	h.org, h.d = organization(t, s, name, h.domain)
	h.c = connect(t, h.org)
	_, err := signIn(t, h.org, h.c, claimsOf("first", h.mail("first")))
	must(t, err)
	h.c, err = h.org.Connection(t.Context(), h.c.ID)
	must(t, err)
	return h
}

func (h house) mail(local string) string { return local + "@" + h.domain }

func (h house) settings(t testing.TB, change func(*model.Settings)) {
	t.Helper()
	_, err := h.org.UpdateOrganization(t.Context(), func(g *model.OrganizationFields) error {
		change(&g.Settings)
		return nil
	})
	must(t, err)
}

// owned makes a user of a directory, with that externalId and e-mail address.
func (h house) owned(t testing.TB, d *model.Directory, userName, externalID, email string) *model.User {
	t.Helper()
	u, err := h.org.CreateDirectoryUser(t.Context(), d.ID, withAddress(userName, externalID, email))
	must(t, err)
	return u
}

func (h house) unowned(t testing.TB, userName, email string) *model.User {
	t.Helper()
	u, err := h.org.CreateUser(t.Context(), withAddress(userName, "", email))
	must(t, err)
	return u
}

func withAddress(userName, externalID, email string) map[string]any {
	document := person(userName)
	document["externalId"] = externalID
	document["emails"] = []any{map[string]any{"value": email, "type": "work", "primary": true}}
	return document
}

func (h house) admin(t testing.TB, u *model.User) *model.User {
	t.Helper()
	u, err := h.org.SetRole(t.Context(), u.ID, model.Admin)
	must(t, err)
	return u
}

func (h house) linked(t testing.TB, u *model.User) *model.User {
	t.Helper()
	_, err := h.org.LinkIdentity(t.Context(), model.Identity{ConnectionID: h.c.ID, Issuer: "https://idp.example", Subject: "subject", UserID: u.ID})
	must(t, err)
	return u
}

// jitOff and the others prepare an organization in which the login finds nobody.
func jitOff(t testing.TB, h house) *model.User {
	h.settings(t, func(s *model.Settings) { s.JIT = false })
	return nil
}

func nobody(testing.TB, house) *model.User { return nil }

// released is a user whose directory is gone; another one is still there.
func released(t testing.TB, h house, link bool) *model.User {
	t.Helper()
	old := directory(t, h.org)
	u := h.owned(t, old, "ada", "x", h.mail("ada"))
	if link {
		h.linked(t, u)
	}
	must(t, h.org.DeleteDirectory(t.Context(), old.ID))
	return u
}

func buried(t testing.TB, h house, link bool) {
	t.Helper()
	u := h.owned(t, h.d, "ada.l", "x", h.mail("ada"))
	if link {
		h.linked(t, u)
	}
	must(t, h.org.DeleteDirectoryUser(t.Context(), h.d.ID, u.ID))
}

// refused checks that a login is refused for a reason.
func refused(t testing.TB, err error, want model.RefusalReason) *model.SignInRefused {
	t.Helper()
	var r *model.SignInRefused
	if !errors.As(err, &r) || r.Reason != want {
		t.Fatalf("refused with %v, want %q", err, want)
	}
	wantKind(t, err, model.Denied)
	if r.Expected == "" || r.Received == "" {
		t.Errorf("the log is told too little: %+v", r)
	}
	return r
}

const (
	created = model.UserCreated
	updated = model.UserUpdated
	linked  = model.UserIdentityLinked
)

// matching is a row of docs/design/identity.md, "Matching", or a distinction within one. The
// login asserts ada@ the verified domain and the subject "subject", unless it says otherwise.
type matching struct {
	name     string
	given    func(t testing.TB, h house) *model.User // whom the login finds, if anybody
	asserted func(h house, c *model.Claims)
	refused  model.RefusalReason
	events   []model.EventType // before authentication.sso_succeeded
}

func TestMatching(t *testing.T) {
	t.Parallel()
	cases := append(matchingFound(), matchingNotFound()...)
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		for i, c := range cases {
			t.Run(c.name, func(t *testing.T) { c.run(t, open(t, s, fmt.Sprint("row", i))) })
		}
	})
}

func (m matching) run(t *testing.T, h house) {
	want := m.given(t, h)
	claims := claimsOf("subject", h.mail("ada"))
	if m.asserted != nil {
		m.asserted(h, &claims)
	}
	in := response(h.c, begin(t, h.org, h.c), claims)
	if m.refused != "" {
		before := dump(t, h.s, h.org)
		_, err := h.org.SignIn(t.Context(), in)
		if r := refused(t, err, m.refused); want != nil && r.UserID != want.ID {
			t.Errorf("the log names user %q, want %q", r.UserID, want.ID)
		}
		if diff := cmp.Diff(before, dump(t, h.s, h.org)); diff != "" {
			t.Errorf("a refused login wrote (-before +after):\n%s", diff)
		}
		return
	}
	var out *model.SignedUp
	got := newEvents(t, h.s, h.org, func() {
		var err error
		out, err = h.org.SignIn(t.Context(), in)
		must(t, err)
	})
	if diff := cmp.Diff(append(append([]model.EventType{}, m.events...), model.SSOSucceeded), got); diff != "" {
		t.Error(diff)
	}
	if want != nil && out.User.ID != want.ID {
		t.Errorf("it is %s, want %s", out.User.UserName, want.UserName)
	}
	if diff := cmp.Diff(out.User, stored(t, h.org, out.User.ID)); diff != "" || !out.User.Active {
		t.Error(diff)
	}
	live, err := h.s.SessionByToken(t.Context(), out.SessionToken)
	if err != nil || live.User.ID != out.User.ID || live.Identity.Subject != claims.Subject {
		t.Errorf("the session is of %+v: %v", live, err)
	}
	// Whoever was let in is known from now on, whatever else changes.
	in = response(h.c, begin(t, h.org, h.c), model.Claims{Issuer: claims.Issuer, Subject: claims.Subject})
	again, err := h.org.SignIn(t.Context(), in)
	if err != nil || again.User.ID != out.User.ID {
		t.Errorf("the next time it is %+v: %v", again, err)
	}
}

// Rows 1 to 5, and what is asked of a user who was found.
func matchingFound() []matching {
	elsewhere := func(_ house, c *model.Claims) { c.Email = "ada@elsewhere.example" }
	known := func(t testing.TB, h house) *model.User { return h.linked(t, h.owned(t, h.d, "ada", "x", h.mail("a"))) }
	shared := func(t testing.TB, h house) { h.owned(t, h.d, "twin", "t", h.mail("ada")) }
	return append([]matching{
		{name: "1: the identity, whatever the e-mail is", given: known, asserted: elsewhere},
		{name: "1: the identity beats another's externalId, userName and e-mail", given: func(t testing.TB, h house) *model.User {
			h.owned(t, h.d, "other", "subject", h.mail("ada"))
			return known(t, h)
		}, asserted: func(_ house, c *model.Claims) { c.NameID = "other" }},
		{name: "1: the identity of an administrator", given: func(t testing.TB, h house) *model.User { return h.admin(t, known(t, h)) }},
		{name: "1: the identity of a user whom no directory owns, whose names follow", events: []model.EventType{updated},
			given: func(t testing.TB, h house) *model.User { return h.linked(t, h.unowned(t, "ada", h.mail("ada"))) }},
		{name: "1: subjects are compared exactly", given: func(t testing.TB, h house) *model.User { known(t, h); return jitOff(t, h) },
			asserted: func(_ house, c *model.Claims) { c.Subject = "Subject" }, refused: model.NotProvisioned},
		{name: "1: another issuer's subject is another", given: func(t testing.TB, h house) *model.User { known(t, h); return jitOff(t, h) },
			asserted: func(_ house, c *model.Claims) { c.Issuer = "https://other.example" }, refused: model.NotProvisioned},
		{name: "1: another connection's identity is another", refused: model.NotProvisioned, given: func(t testing.TB, h house) *model.User {
			h.c = connect(t, h.org)
			known(t, h)
			return jitOff(t, h)
		}},
		{name: "2: the externalId is the subject", events: []model.EventType{linked}, asserted: elsewhere,
			given: func(t testing.TB, h house) *model.User { return h.owned(t, h.d, "ada", "subject", h.mail("a")) }},
		{name: "2: the externalId beats the userName", events: []model.EventType{linked}, given: func(t testing.TB, h house) *model.User {
			h.owned(t, h.d, "ada", "x", h.mail("b"))
			return h.owned(t, h.d, "other", "subject", h.mail("a"))
		}, asserted: func(_ house, c *model.Claims) { c.NameID, c.UserName = "ada", "ada" }},
		{name: "2: the externalId beats an e-mail that two share", events: []model.EventType{linked}, given: func(t testing.TB, h house) *model.User {
			shared(t, h)
			return h.owned(t, h.d, "ada", "subject", h.mail("ada"))
		}},
		{name: "2: the externalId is found behind a crowd that shares the e-mail", events: []model.EventType{linked}, given: func(t testing.TB, h house) *model.User {
			for i := range 12 {
				h.owned(t, h.d, fmt.Sprint("desk-", i), "", h.mail("ada"))
			}
			return h.owned(t, h.d, "ada", "subject", h.mail("ada"))
		}},
		{name: "2: the userName is found behind a crowd that shares the e-mail", events: []model.EventType{linked}, given: func(t testing.TB, h house) *model.User {
			for i := range 12 {
				h.owned(t, h.d, fmt.Sprint("desk-", i), "", h.mail("ada"))
			}
			return h.owned(t, h.d, "ada", "x", h.mail("ada"))
		}, asserted: func(_ house, c *model.Claims) { c.NameID = "ada" }},
		{name: "2: an administrator by externalId", events: []model.EventType{linked},
			given: func(t testing.TB, h house) *model.User {
				return h.admin(t, h.owned(t, h.d, "ada", "subject", h.mail("a")))
			}},
		{name: "2: externalIds are compared exactly", refused: model.NotProvisioned, given: func(t testing.TB, h house) *model.User {
			h.owned(t, h.d, "ada", "SUBJECT", h.mail("a"))
			return jitOff(t, h)
		}},
		{name: "2: an empty externalId is nobody's subject", refused: model.NotProvisioned, given: func(t testing.TB, h house) *model.User {
			h.owned(t, h.d, "ada", "", h.mail("a"))
			return jitOff(t, h)
		}, asserted: func(_ house, c *model.Claims) { c.Subject = "" }},
		{name: "2: the folded userName is the NameID", events: []model.EventType{linked}, asserted: func(_ house, c *model.Claims) { c.NameID, c.Email = "STRASSE", "" },
			given: func(t testing.TB, h house) *model.User { return h.owned(t, h.d, "straße", "x", h.mail("a")) }},
		{name: "2: the userName is the connection's attribute", events: []model.EventType{linked}, asserted: func(_ house, c *model.Claims) { c.NameID, c.UserName = "opaque", "Ada" },
			given: func(t testing.TB, h house) *model.User { return h.owned(t, h.d, "ada", "x", h.mail("a")) }},
		{name: "2: the e-mail is no userName", refused: model.NotProvisioned, given: func(t testing.TB, h house) *model.User {
			h.owned(t, h.d, h.mail("ada"), "x", h.mail("a"))
			return jitOff(t, h)
		}},
		{name: "2: nobody without a directory is found by externalId or userName", refused: model.NotProvisioned, given: func(t testing.TB, h house) *model.User {
			_, err := h.org.CreateUser(t.Context(), withAddress("ada", "subject", h.mail("a")))
			must(t, err)
			return nil
		}, asserted: func(_ house, c *model.Claims) { c.NameID, c.Email = "ada", "ada@elsewhere.example" }},
	}, append(matchingSeveral(shared), matchingByEmail()...)...)
}

// Row 3.
func matchingSeveral(shared func(t testing.TB, h house)) []matching {
	several := func(name string, given func(t testing.TB, h house), asserted func(house, *model.Claims)) matching {
		return matching{name: "3: " + name, given: func(t testing.TB, h house) *model.User { given(t, h); return nil }, asserted: asserted, refused: model.Ambiguous}
	}
	byNames := func(_ house, c *model.Claims) { c.NameID, c.UserName = "ada", "lovelace" }
	return []matching{
		several("two directories know the externalId", func(t testing.TB, h house) {
			h.owned(t, h.d, "ada", "subject", h.mail("a"))
			second := directory(t, h.org)
			deactivate(t, h.org, second, h.owned(t, second, "lovelace", "subject", h.mail("b")))
		}, nil),
		several("NameID and attribute name two users", func(t testing.TB, h house) {
			h.owned(t, h.d, "ada", "x", h.mail("ada"))
			h.owned(t, h.d, "lovelace", "y", h.mail("b"))
		}, byNames),
		several("two share the e-mail", func(t testing.TB, h house) { shared(t, h); h.owned(t, h.d, "ada", "x", h.mail("ada")) }, nil),
		several("one of two who share the e-mail is an administrator", func(t testing.TB, h house) { shared(t, h); h.admin(t, h.unowned(t, "ada", h.mail("Ada"))) }, nil),
		several("one of two who share the e-mail is inactive", func(t testing.TB, h house) {
			shared(t, h)
			deactivate(t, h.org, h.d, h.owned(t, h.d, "ada", "x", h.mail("ADA")))
		}, nil),
		several("somebody else has the e-mail as userName", func(t testing.TB, h house) { h.owned(t, h.d, h.mail("ada"), "x", h.mail("a")) }, nil),
	}
}

// Rows 4 and 5.
func matchingByEmail() []matching {
	unowned := func(t testing.TB, h house) *model.User { return h.unowned(t, "ada", h.mail("ada")) }
	unknown := func(given func(t testing.TB, h house)) func(t testing.TB, h house) *model.User {
		return func(t testing.TB, h house) *model.User { given(t, h); return jitOff(t, h) }
	}
	return []matching{
		{name: "4: the e-mail of a user of a directory", events: []model.EventType{linked},
			given: func(t testing.TB, h house) *model.User { return h.owned(t, h.d, "ada", "x", h.mail("ada")) }},
		{name: "4: the e-mail of a user whom no directory owns, in any spelling", events: []model.EventType{updated, linked}, given: unowned,
			asserted: func(_ house, c *model.Claims) { c.Email = strings.ToUpper(c.Email) }},
		{name: "4: not an e-mail that nobody verified", given: func(t testing.TB, h house) *model.User { unowned(t, h); return nil },
			asserted: func(_ house, c *model.Claims) { c.EmailVerified = false }, refused: model.NotProvisioned},
		{name: "4: not under a domain below the verified one", refused: model.NotProvisioned,
			given:    func(t testing.TB, h house) *model.User { h.unowned(t, "ada", "ada@sub."+h.domain); return nil },
			asserted: func(h house, c *model.Claims) { c.Email = "ada@sub." + h.domain }},
		{name: "4: not under a domain that is pending", refused: model.NotProvisioned, given: unknown(func(t testing.TB, h house) {
			_, err := h.org.CreateDomain(t.Context(), "pending."+h.domain, model.DomainStatePending)
			must(t, err)
			h.unowned(t, "ada", "ada@pending."+h.domain)
		}), asserted: func(h house, c *model.Claims) { c.Email = "ada@pending." + h.domain }},
		{name: "4: not under another organization's domain", refused: model.NotProvisioned, given: unknown(func(t testing.TB, h house) {
			organization(t, h.s, "Fabrikam", "of."+h.domain)
			h.unowned(t, "ada", "ada@of."+h.domain)
		}), asserted: func(h house, c *model.Claims) { c.Email = "ada@of." + h.domain }},
		{name: "4: a local part that is not ASCII is nobody's", refused: model.NotProvisioned,
			given:    func(t testing.TB, h house) *model.User { h.unowned(t, "ada", h.mail("adä")); return nil },
			asserted: func(h house, c *model.Claims) { c.Email = h.mail("adä") }},
		{name: "4: another organization's user with that e-mail is not there", given: unknown(func(t testing.TB, h house) {
			other, d := organization(t, h.s, "Northwind", "northwind-"+h.domain)
			createUser(t, other, d, h.mail("ada"))
		}), refused: model.NotProvisioned},
		{name: "5: an administrator is not linked by e-mail", refused: model.AdminLinkRequired,
			given: func(t testing.TB, h house) *model.User { return h.admin(t, unowned(t, h)) }},
		{name: "5: nor is one of a directory, inactive at that", refused: model.AdminLinkRequired, given: func(t testing.TB, h house) *model.User {
			return deactivate(t, h.org, h.d, h.admin(t, h.owned(t, h.d, "ada", "x", h.mail("ada"))))
		}},
	}
}
