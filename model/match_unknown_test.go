package model_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"rollcall/model"
)

// Rows 6 to 8, and users who are found inactive.
func matchingNotFound() []matching {
	gone := func(link bool) func(t testing.TB, h house) *model.User {
		return func(t testing.TB, h house) *model.User { buried(t, h, link); return nil }
	}
	elsewhere := func(_ house, c *model.Claims) { c.Email = "ada@elsewhere.example" }
	return append([]matching{
		{name: "6: who was deleted is recognized by the e-mail", given: gone(false), refused: model.PersonDeprovisioned},
		{name: "6: by the identity", given: gone(true), refused: model.PersonDeprovisioned, asserted: elsewhere},
		{name: "6: by the NameID", given: gone(false), refused: model.PersonDeprovisioned,
			asserted: func(h house, c *model.Claims) { c.NameID, c.Email = "ADA.L", h.mail("new") }},
		{name: "6: by the connection's attribute", given: gone(false), refused: model.PersonDeprovisioned,
			asserted: func(h house, c *model.Claims) { c.UserName, c.Email = "Ada.L", h.mail("new") }},
		{name: "6: also where logins make no users", refused: model.PersonDeprovisioned,
			given: func(t testing.TB, h house) *model.User { buried(t, h, false); return jitOff(t, h) }},
		{name: "6: not when the organization has no directory", events: []model.EventType{created}, given: func(t testing.TB, h house) *model.User {
			buried(t, h, true)
			must(t, h.org.DeleteDirectory(t.Context(), h.d.ID))
			return nil
		}},
		{name: "6: not when an administrator removed the tombstone", events: []model.EventType{created}, given: func(t testing.TB, h house) *model.User {
			buried(t, h, true)
			stones, _, err := h.org.Tombstones(t.Context(), model.Page{Limit: 10})
			must(t, err)
			for _, stone := range stones {
				must(t, h.org.DeleteTombstone(t.Context(), stone.ID))
			}
			return nil
		}},
		{name: "6: not when a directory created the person again", events: []model.EventType{linked}, given: func(t testing.TB, h house) *model.User {
			buried(t, h, true)
			return h.owned(t, h.d, "ada.l", "x", h.mail("ada"))
		}},
		{name: "7: somebody new", given: nobody, events: []model.EventType{created}},
		{name: "7: somebody new, although another has left", events: []model.EventType{created}, given: gone(true),
			asserted: func(h house, c *model.Claims) { c.Subject, c.Email = "new", h.mail("new") }},
		{name: "8: logins make no users", given: jitOff, refused: model.NotProvisioned},
		{name: "8: a subject that no index holds", given: nobody, refused: model.NotProvisioned,
			asserted: func(_ house, c *model.Claims) { c.Subject = rand.Text() + strings.Repeat("x", 4000) }},
		{name: "8: a subject that is no text", given: nobody, refused: model.NotProvisioned,
			asserted: func(_ house, c *model.Claims) { c.Subject = "nul\x00\xff" }},
		{name: "8: an e-mail that no index holds", given: nobody, refused: model.NotProvisioned,
			asserted: func(h house, c *model.Claims) { c.Email = h.mail(strings.Repeat("x", 4000)) }},
		{name: "8: an e-mail outside", given: nobody, asserted: elsewhere, refused: model.NotProvisioned},
		{name: "8: an e-mail that nobody verified", given: nobody, refused: model.NotProvisioned,
			asserted: func(_ house, c *model.Claims) { c.EmailVerified = false }},
		{name: "8: no e-mail", given: nobody, refused: model.NotProvisioned, asserted: func(_ house, c *model.Claims) { c.Email = "" }},
		{name: "8: no address", given: nobody, refused: model.NotProvisioned, asserted: func(h house, c *model.Claims) { c.Email = "@" + h.domain }},
		{name: "8: a local part that is not ASCII", given: nobody, refused: model.NotProvisioned,
			asserted: func(h house, c *model.Claims) { c.Email = h.mail("adä") }},
	}, matchingInactive()...)
}

func matchingInactive() []matching {
	elsewhere := func(_ house, c *model.Claims) { c.Email = "ada@elsewhere.example" }
	inactive := func(make func(t testing.TB, h house) *model.User) func(t testing.TB, h house) *model.User {
		return func(t testing.TB, h house) *model.User { return deactivate(t, h.org, h.d, make(t, h)) }
	}
	back := func(link bool) func(t testing.TB, h house) *model.User {
		return func(t testing.TB, h house) *model.User { return released(t, h, link) }
	}
	return []matching{
		{name: "inactive: found by identity", refused: model.UserDeactivated, given: inactive(func(t testing.TB, h house) *model.User {
			return h.linked(t, h.owned(t, h.d, "ada", "x", h.mail("a")))
		})},
		{name: "inactive: found by externalId", refused: model.UserDeactivated, given: inactive(func(t testing.TB, h house) *model.User {
			return h.owned(t, h.d, "ada", "subject", h.mail("a"))
		})},
		{name: "inactive: found by e-mail", refused: model.UserDeactivated, given: inactive(func(t testing.TB, h house) *model.User {
			return h.owned(t, h.d, "ada", "x", h.mail("ada"))
		})},
		{name: "inactive: deprovisioned before its directory was deleted", refused: model.UserDeactivated, given: func(t testing.TB, h house) *model.User {
			old := directory(t, h.org)
			u := deactivate(t, h.org, old, h.owned(t, old, "ada", "x", h.mail("ada")))
			must(t, h.org.DeleteDirectory(t.Context(), old.ID))
			return u
		}},
		{name: "inactive: its directory deleted, then adopted without a word about active", refused: model.UserDeactivated, given: func(t testing.TB, h house) *model.User {
			u := released(t, h, true)
			_, err := h.org.UpdateDirectoryUser(t.Context(), h.d.ID, u.ID, func(*model.UserDraft) error { return nil })
			must(t, err)
			return u
		}},
		{name: "inactive: its directory deleted, found by identity, comes back", events: []model.EventType{updated}, given: back(true)},
		{name: "inactive: its directory deleted, found by e-mail, comes back", events: []model.EventType{updated, linked}, given: back(false)},
		{name: "inactive: its directory deleted, not where logins make no users", refused: model.UserDeactivated, given: func(t testing.TB, h house) *model.User {
			jitOff(t, h)
			return released(t, h, true)
		}},
		{name: "inactive: its directory deleted, not with an e-mail outside", given: back(true), asserted: elsewhere, refused: model.UserDeactivated},
		{name: "inactive: its directory deleted, not with an e-mail that nobody verified", given: back(true), refused: model.UserDeactivated,
			asserted: func(_ house, c *model.Claims) { c.EmailVerified = false }},
		{name: "inactive: an administrator whose directory was deleted is not linked by e-mail", refused: model.AdminLinkRequired, given: func(t testing.TB, h house) *model.User {
			old := directory(t, h.org)
			u := h.admin(t, h.owned(t, old, "ada", "x", h.mail("ada")))
			must(t, h.org.DeleteDirectory(t.Context(), old.ID))
			return u
		}},
	}
}
