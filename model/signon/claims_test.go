package signon_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rollcall/model"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/people"
	"rollcall/model/signon"
	"rollcall/model/store"
)

func document(t testing.TB, u *people.User) map[string]any {
	t.Helper()
	d, err := u.DocumentMap()
	storetest.Must(t, err)
	return d
}

// A login updates the user whom no directory owns, and never takes another user's address.
func TestClaimsUpdateTheUser(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		t.Run("a new user is a member with the e-mail address as userName", func(t *testing.T) {
			h := storetest.Open(t, s, "new")
			out, err := storetest.SignIn(t, h.Org, h.C, storetest.ClaimsOf("subject", "Ada@"+h.Domain))
			storetest.Must(t, err)
			want := map[string]any{"userName": "Ada@" + h.Domain,
				"name":   map[string]any{"givenName": "Ada", "familyName": "Lovelace"},
				"emails": []any{map[string]any{"value": "Ada@" + h.Domain, "type": "work", "primary": true}}}
			if diff := cmp.Diff(want, document(t, out.User)); diff != "" {
				t.Error(diff)
			}
			if u := out.User; u.Role != people.Member || u.DirectoryID != nil || u.EmailFolded != h.Mail("ada") ||
				len(u.ProfileIDs) != 1 {
				t.Errorf("%+v", u)
			}
			us, _, err := people.In(h.Org).Users(t.Context(),
				people.UserQuery{Email: h.Mail("ADA"), Page: model.Page{Limit: 10}})
			if err != nil || len(us) != 1 {
				t.Errorf("by the e-mail there are %v: %v", us, err)
			}
		})
		t.Run("a user of a directory does not change, and the identity keeps the attributes", func(t *testing.T) {
			h := storetest.Open(t, s, "owned")
			u := h.Owned(t, h.D, "ada", "subject", h.Mail("ada"))
			claims := storetest.ClaimsOf("subject", h.Mail("augusta"))
			claims.DisplayName, claims.Attributes = "Augusta", map[string][]string{"mail": {h.Mail("augusta")},
				"roles": {"a", "b"}, "none": {}}
			for range 2 {
				_, err := storetest.SignIn(t, h.Org, h.C, claims)
				storetest.Must(t, err)
			}
			after := storetest.Stored(t, h.Org, u.ID)
			if diff := cmp.Diff(u, after, cmpopts.IgnoreFields(people.User{}, "ProfileIDs", "ConnectionID", "Version",
				"UpdatedAt")); diff != "" {
				t.Error(diff)
			}
			identities, err := people.In(h.Org).Identities(t.Context(), u.ID)
			storetest.Must(t, err)
			if want := `{"mail":"` + h.Mail("augusta") + `","none":[],"roles":["a","b"]}`; len(identities) != 1 ||
				identities[0].RawAttributes != want {
				t.Errorf("kept are %+v, want %s", identities, want)
			}
		})
		t.Run("another user gets the names and the trusted e-mail address", func(t *testing.T) {
			h := storetest.Open(t, s, "unowned")
			h.Linked(t, h.Unowned(t, "ada", h.Mail("ada")))
			sign := func(change func(*signon.Claims)) *people.User {
				claims := storetest.ClaimsOf("subject", h.Mail("ada"))
				change(&claims)
				out, err := storetest.SignIn(t, h.Org, h.C, claims)
				storetest.Must(t, err)
				return out.User
			}
			u := sign(func(c *signon.Claims) { c.Email, c.DisplayName = h.Mail("augusta"), "Augusta King" })
			want := storetest.WithAddress("ada", "", h.Mail("augusta"))
			want["displayName"], want["name"] = "Augusta King", map[string]any{"givenName": "Ada",
				"familyName": "Lovelace"}
			if diff := cmp.Diff(want, document(t, u)); diff != "" || u.Email != h.Mail("augusta") ||
				u.UserName != "ada" {
				t.Error(diff)
			}
			for _, change := range []func(*signon.Claims){
				func(c *signon.Claims) { c.Email = "ada@elsewhere.example" },
				func(c *signon.Claims) { c.Email, c.EmailVerified = h.Mail("x"), false },
				func(c *signon.Claims) { c.Email = h.Mail("AUGUSTA") },
				func(c *signon.Claims) { c.Email, c.FirstName, c.LastName = "", "", "" },
			} {
				if again := sign(change); again.Document != u.Document || again.Version != u.Version {
					t.Errorf("it became %s", again.Document)
				}
			}
		})
		t.Run("an e-mail address of another user is not taken over", func(t *testing.T) {
			h := storetest.Open(t, s, "envious")
			mallory := h.Linked(t, h.Unowned(t, "mallory", h.Mail("mallory")))
			h.Admin(t, h.Unowned(t, "chief", h.Mail("chief")))
			h.Owned(t, h.D, "ada", "x", h.Mail("ada"))
			for _, other := range []string{"chief", "Ada", "CHIEF"} {
				claims := storetest.ClaimsOf("subject", h.Mail(other))
				claims.DisplayName = other
				out, err := storetest.SignIn(t, h.Org, h.C, claims)
				storetest.Must(t, err)
				if out.User.ID != mallory.ID || out.User.Email != h.Mail("mallory") ||
					out.User.EmailFolded != h.Mail("mallory") || *out.User.FullName() != other {
					t.Errorf("the user is %s with %s: %s", out.User.UserName, out.User.Email, out.User.Document)
				}
				attempts, _, err := signon.In(h.Org).LoginAttempts(t.Context(), h.C.ID, model.Page{Limit: 1})
				if err != nil || len(attempts[0].Notes) != 1 ||
					!strings.Contains(attempts[0].Notes[0], "another user") {
					t.Errorf("the log says %+v: %v", attempts, err)
				}
			}
		})
		t.Run("a name that cannot be stored does not refuse the login", func(t *testing.T) {
			h := storetest.Open(t, s, "names")
			for i, name := range []string{strings.Repeat("x", 2000), "nul\x00", "\xff"} {
				claims := storetest.ClaimsOf(fmt.Sprint("subject-", i), h.Mail(fmt.Sprint("ada-", i)))
				claims.DisplayName, claims.FirstName = name, name
				out, err := storetest.SignIn(t, h.Org, h.C, claims)
				if err != nil {
					t.Errorf("%.10q: %v", name, err)
					continue
				}
				attempts, _, err := signon.In(h.Org).LoginAttempts(t.Context(), h.C.ID, model.Page{Limit: 1})
				if err != nil || len(attempts[0].Notes) == 0 || !strings.Contains(attempts[0].Notes[0], "name") ||
					out.User.DisplayName != "" {
					t.Errorf("the user is %s, the log says %+v: %v", out.User.Document, attempts, err)
				}
			}
		})
	})
}

func TestClaimsAreLimited(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		h := storetest.Open(t, s, "contoso")
		for _, c := range []struct {
			name       string
			attributes map[string][]string
			groups     []string
			kept       int
			note       string
		}{
			{"200 attributes are stored", many(200, "v"), nil, 200, ""},
			{"further attributes are dropped", many(203, "v"), nil, 200, "3 attributes were not kept"},
			{"64 KiB are stored", many(9, strings.Repeat("v", 8<<10)), nil, 7, "2 attributes were not kept"},
			{"as much as 64 KiB is stored", many(8, strings.Repeat("v", 8<<10-len("name-000"))), nil, 8, ""},
			{"an attribute that cannot be stored is dropped",
				map[string][]string{"a": {"\x00"}, "b\xff": {"v"}, "c": {"v"}}, nil, 1,
				"2 attributes were not kept"},
			{"a group whose name cannot be stored is dropped", nil,
				[]string{"", "x\x00", "\xff", strings.Repeat("x", 1025), "Staff"}, 0, "4 groups were not kept"},
		} {
			t.Run(c.name, func(t *testing.T) {
				claims := storetest.ClaimsOf("first", h.Mail("first"))
				claims.Attributes, claims.Groups = c.attributes, c.groups
				out, err := storetest.SignIn(t, h.Org, h.C, claims)
				storetest.Must(t, err)
				in, err := signon.Across(s).SessionByToken(t.Context(), out.SessionToken)
				storetest.Must(t, err)
				var kept map[string]any
				storetest.Must(t, json.Unmarshal([]byte(in.Identity.RawAttributes), &kept))
				attempts, _, err := signon.In(h.Org).LoginAttempts(t.Context(), h.C.ID, model.Page{Limit: 1})
				storetest.Must(t, err)
				if notes := strings.Join(attempts[0].Notes, " "); len(kept) != c.kept ||
					!strings.HasPrefix(notes, c.note) || (c.note == "") != (notes == "") {
					t.Errorf("%d are kept, with the note %q", len(kept), notes)
				}
				p, err := signon.In(h.Org).Profile(t.Context(), in)
				if err != nil || c.groups != nil && !cmp.Equal(p.Groups, []string{"Staff"}) {
					t.Errorf("%+v %v", p, err)
				}
			})
		}
	})
}

func many(n int, value string) map[string][]string {
	out := map[string][]string{}
	for i := range n {
		out[fmt.Sprintf("name-%03d", i)] = []string{value}
	}
	return out
}
