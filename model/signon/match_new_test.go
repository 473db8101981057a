package signon_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/people"
	"rollcall/model/refusal"
	"rollcall/model/signon"
)

// Rows 6 to 8, and users who are found inactive.
func matchingNotFound() []matching {
	gone := func(link bool) func(t testing.TB, h storetest.House) *people.User {
		return func(t testing.TB, h storetest.House) *people.User { buried(t, h, link); return nil }
	}
	elsewhere := func(_ storetest.House, c *signon.Claims) { c.Email = "ada@elsewhere.example" }
	return append([]matching{
		{name: "6: a tombstone fits by the e-mail", given: gone(false),
			refused: refusal.PersonDeprovisioned},
		{name: "6: by the identity", given: gone(true), refused: refusal.PersonDeprovisioned, asserted: elsewhere},
		{name: "6: by the NameID", given: gone(false), refused: refusal.PersonDeprovisioned,
			asserted: func(h storetest.House, c *signon.Claims) { c.NameID, c.Email = "ADA.L", h.Mail("new") }},
		{name: "6: by the connection's attribute", given: gone(false), refused: refusal.PersonDeprovisioned,
			asserted: func(h storetest.House, c *signon.Claims) { c.UserName, c.Email = "Ada.L", h.Mail("new") }},
		{name: "6: also when logins create no users", refused: refusal.PersonDeprovisioned,
			given: func(t testing.TB, h storetest.House) *people.User { buried(t, h, false); return jitOff(t, h) }},
		{name: "6: not when the organization has no directory", events: []model.EventType{created},
			given: func(t testing.TB, h storetest.House) *people.User {
				buried(t, h, true)
				storetest.Must(t, directory.In(h.Org).DeleteDirectory(t.Context(), h.D.ID))
				return nil
			}},
		{name: "6: not when an administrator removed the tombstone", events: []model.EventType{created},
			given: func(t testing.TB, h storetest.House) *people.User {
				buried(t, h, true)
				stones, _, err := directory.In(h.Org).Tombstones(t.Context(), model.Page{Limit: 10})
				storetest.Must(t, err)
				for _, stone := range stones {
					storetest.Must(t, directory.In(h.Org).DeleteTombstone(t.Context(), stone.ID))
				}
				return nil
			}},
		{name: "6: not when a directory created the person again", events: []model.EventType{linked},
			given: func(t testing.TB, h storetest.House) *people.User {
				buried(t, h, true)
				return h.Owned(t, h.D, "ada.l", "x", h.Mail("ada"))
			}},
		{name: "7: somebody new", given: nobody, events: []model.EventType{created}},
		{name: "7: somebody new, and the tombstone of another", events: []model.EventType{created}, given: gone(true),
			asserted: func(h storetest.House, c *signon.Claims) { c.Subject, c.Email = "new", h.Mail("new") }},
		{name: "8: logins create no users", given: jitOff, refused: refusal.NotProvisioned},
		{name: "8: a subject too long for an index", given: nobody, refused: refusal.NotProvisioned,
			asserted: func(_ storetest.House, c *signon.Claims) {
				c.Subject = rand.Text() + strings.Repeat("x", 4000)
			}},
		{name: "8: a subject that is no text", given: nobody, refused: refusal.NotProvisioned,
			asserted: func(_ storetest.House, c *signon.Claims) { c.Subject = "nul\x00\xff" }},
		{name: "8: an e-mail too long for an index", given: nobody, refused: refusal.NotProvisioned,
			asserted: func(h storetest.House, c *signon.Claims) { c.Email = h.Mail(strings.Repeat("x", 4000)) }},
		{name: "8: an e-mail outside", given: nobody, asserted: elsewhere, refused: refusal.NotProvisioned},
		{name: "8: an e-mail that nobody verified", given: nobody, refused: refusal.NotProvisioned,
			asserted: func(_ storetest.House, c *signon.Claims) { c.EmailVerified = false }},
		{name: "8: no e-mail", given: nobody, refused: refusal.NotProvisioned,
			asserted: func(_ storetest.House, c *signon.Claims) {
				c.Email = ""
			}},
		{name: "8: no address", given: nobody, refused: refusal.NotProvisioned,
			asserted: func(h storetest.House, c *signon.Claims) {
				c.Email = "@" + h.Domain
			}},
		{name: "8: a local part that is not ASCII", given: nobody, refused: refusal.NotProvisioned,
			asserted: func(h storetest.House, c *signon.Claims) { c.Email = h.Mail("adä") }},
	}, matchingInactive()...)
}

func matchingInactive() []matching {
	elsewhere := func(_ storetest.House, c *signon.Claims) { c.Email = "ada@elsewhere.example" }
	inactive := func(make func(t testing.TB, h storetest.House) *people.User) func(t testing.TB,
		h storetest.House) *people.User {
		return func(t testing.TB, h storetest.House) *people.User {
			return storetest.Deactivate(t, h.Org, h.D, make(t, h))
		}
	}
	back := func(link bool) func(t testing.TB, h storetest.House) *people.User {
		return func(t testing.TB, h storetest.House) *people.User { return released(t, h, link) }
	}
	return []matching{
		{name: "inactive: found by identity", refused: refusal.UserDeactivated,
			given: inactive(func(t testing.TB, h storetest.House) *people.User {
				return h.Linked(t, h.Owned(t, h.D, "ada", "x", h.Mail("a")))
			})},
		{name: "inactive: found by externalId", refused: refusal.UserDeactivated,
			given: inactive(func(t testing.TB, h storetest.House) *people.User {
				return h.Owned(t, h.D, "ada", "subject", h.Mail("a"))
			})},
		{name: "inactive: found by e-mail", refused: refusal.UserDeactivated,
			given: inactive(func(t testing.TB, h storetest.House) *people.User {
				return h.Owned(t, h.D, "ada", "x", h.Mail("ada"))
			})},
		{name: "inactive: deprovisioned before its directory was deleted", refused: refusal.UserDeactivated,
			given: func(t testing.TB, h storetest.House) *people.User {
				old := storetest.Directory(t, h.Org)
				u := storetest.Deactivate(t, h.Org, old, h.Owned(t, old, "ada", "x", h.Mail("ada")))
				storetest.Must(t, directory.In(h.Org).DeleteDirectory(t.Context(), old.ID))
				return u
			}},
		{name: "inactive: its directory deleted, then adopted without active",
			refused: refusal.UserDeactivated, given: func(t testing.TB, h storetest.House) *people.User {
				u := released(t, h, true)
				_, err := directory.Of(h.Org, h.D.ID).UpdateUser(t.Context(), u.ID,
					func(*people.UserDraft) error {
						return nil
					})
				storetest.Must(t, err)
				return u
			}},
		{name: "inactive: its directory deleted, found by identity, active again", events: []model.EventType{updated},
			given: back(true)},
		{name: "inactive: its directory deleted, found by e-mail, active again",
			events: []model.EventType{updated, linked}, given: back(false)},
		{name: "inactive: its directory deleted, not when logins create no users", refused: refusal.UserDeactivated,
			given: func(t testing.TB, h storetest.House) *people.User {
				jitOff(t, h)
				return released(t, h, true)
			}},
		{name: "inactive: its directory deleted, not with an e-mail outside", given: back(true), asserted: elsewhere,
			refused: refusal.UserDeactivated},
		{name: "inactive: its directory deleted, not with an e-mail that nobody verified", given: back(true),
			refused:  refusal.UserDeactivated,
			asserted: func(_ storetest.House, c *signon.Claims) { c.EmailVerified = false }},
		{name: "inactive: an administrator whose directory was deleted is not linked by e-mail",
			refused: refusal.AdminLinkRequired, given: func(t testing.TB, h storetest.House) *people.User {
				old := storetest.Directory(t, h.Org)
				u := h.Admin(t, h.Owned(t, old, "ada", "x", h.Mail("ada")))
				storetest.Must(t, directory.In(h.Org).DeleteDirectory(t.Context(), old.ID))
				return u
			}},
	}
}
