package model_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/modeltest"
)

// docs/design/identity.md, "Groups".
func TestAssertedGroups(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		var counter modeltest.Statements
		s := modeltest.Open(t, db, counter.Options())
		h := open(t, s, "contoso")
		sign := func(t *testing.T, c *model.Connection, sent bool, groups ...string) (*model.SignedIn, []string) {
			t.Helper()
			claims := claimsOf("subject", h.mail("ada"))
			claims.Groups, claims.GroupsSent = groups, sent
			in := response(c, begin(t, h.org, c), claims)
			var out *model.SignedUp
			var err error
			var written []string
			for _, q := range counter.During(func() { out, err = h.org.SignIn(t.Context(), in) }) {
				if strings.Contains(q, "asserted_groups") && !strings.HasPrefix(q, "SELECT") {
					written = append(written, strings.Fields(q)[0])
				}
			}
			must(t, err)
			signedIn, err := s.SessionByToken(t.Context(), out.SessionToken)
			must(t, err)
			return signedIn, written
		}
		groups := func(t *testing.T, in *model.SignedIn) []string {
			t.Helper()
			p, err := h.org.Profile(t.Context(), in)
			must(t, err)
			return p.Groups
		}
		for _, c := range []struct {
			name    string
			sent    bool
			groups  []string
			want    []string
			written []string
		}{
			{"the first ones", true, []string{"Staff", "Admins"}, []string{"Admins", "Staff"}, []string{"INSERT"}},
			{"the same, nothing is written", true, []string{"Admins", "Staff"}, []string{"Admins", "Staff"}, nil},
			{"missing, they are kept", false, nil, []string{"Admins", "Staff"}, nil},
			{"one more, twice in another spelling", true, []string{"Admins", "Staff", "Émigrés", "ÉMIGRÉS"}, []string{"Admins", "Staff", "Émigrés"}, []string{"INSERT"}},
			{"one spelt anew", true, []string{"ADMINS", "Staff", "Émigrés"}, []string{"ADMINS", "Staff", "Émigrés"}, []string{"DELETE", "INSERT"}},
			{"one less", true, []string{"Staff"}, []string{"Staff"}, []string{"DELETE"}},
			{"none, they are stripped", true, nil, []string{}, []string{"DELETE"}},
		} {
			t.Run(c.name, func(t *testing.T) {
				in, written := sign(t, h.c, c.sent, c.groups...)
				got := groups(t, in)
				slices.Sort(got)
				if diff := cmp.Diff(c.want, got); diff != "" || !slices.Equal(written, c.written) {
					t.Errorf("%s, written by %v", diff, written)
				}
			})
		}
		t.Run("each connection has its own", func(t *testing.T) {
			second := connect(t, h.org)
			first, _ := sign(t, h.c, true, "Here")
			other, _ := sign(t, second, true, "There")
			if a, b := groups(t, first), groups(t, other); a[0] != "Here" || b[0] != "There" || len(a)+len(b) != 2 {
				t.Error(a, b)
			}
			if first.User.ID != other.User.ID || first.Identity.ID == other.Identity.ID {
				t.Error("two connections that assert one e-mail have not one user with two identities")
			}
			u := stored(t, h.org, first.User.ID)
			if !slices.Equal(u.ProfileIDs, []string{first.Identity.ID, other.Identity.ID}) {
				t.Errorf("profiles are %v", u.ProfileIDs)
			}
		})
		t.Run("of a directory's user the directory says them", func(t *testing.T) {
			u := h.owned(t, h.d, "grace", "grace", h.mail("grace"))
			createGroup(t, h.org, h.d, "Engineers", u)
			createGroup(t, h.org, h.d, "Admirals", u)
			out, err := signIn(t, h.org, h.c, claimsOf("grace", h.mail("grace")))
			must(t, err)
			in, err := s.SessionByToken(t.Context(), out.SessionToken)
			must(t, err)
			if diff := cmp.Diff([]string{"Admirals", "Engineers"}, groups(t, in)); diff != "" {
				t.Error(diff)
			}
		})
	})
}

func TestProfile(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		h := open(t, s, "contoso")
		claims := claimsOf("subject", h.mail("ada"))
		claims.Attributes = map[string][]string{"mail": {h.mail("ada")}}
		out, err := signIn(t, h.org, h.c, claims)
		must(t, err)
		h.admin(t, out.User)
		in, err := s.SessionByToken(t.Context(), out.SessionToken)
		must(t, err)
		got, err := h.org.Profile(t.Context(), in)
		must(t, err)
		text := func(s string) *string { return &s }
		want := &model.ProfileObject{
			Object: "profile", ID: model.ProfilePrefix.ID(out.Session.IdentityID), OrganizationID: model.OrganizationPrefix.ID(string(h.org.ID)),
			Method: model.BySSO, ConnectionID: text(model.ConnectionPrefix.ID(h.c.ID)), ConnectionType: text("OktaSAML"), IdpID: "subject", Email: h.mail("ada"),
			FirstName: text("Ada"), LastName: text("Lovelace"), Name: text("Ada Lovelace"), Role: model.RoleObject{Slug: model.Admin},
			Roles: []model.RoleObject{{Slug: model.Admin}}, Groups: []string{"Staff"}, CustomAttributes: map[string]any{},
			RawAttributes: []byte(`{"mail":"` + h.mail("ada") + `"}`), UserID: model.UserPrefix.ID(out.User.ID), Accounts: []model.ProfileAccount{},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}
