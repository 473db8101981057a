package model_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rollcall/model"
	"rollcall/model/modeltest"
)

func document(t testing.TB, u *model.User) map[string]any {
	t.Helper()
	d, err := u.DocumentMap()
	must(t, err)
	return d
}

// What a login may change of a user, and what it may not.
func TestLoginAttributes(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		t.Run("somebody new is a member, called by the e-mail", func(t *testing.T) {
			h := open(t, s, "new")
			out, err := signIn(t, h.org, h.c, claimsOf("subject", "Ada@"+h.domain))
			must(t, err)
			want := map[string]any{"userName": "Ada@" + h.domain, "name": map[string]any{"givenName": "Ada", "familyName": "Lovelace"},
				"emails": []any{map[string]any{"value": "Ada@" + h.domain, "type": "work", "primary": true}}}
			if diff := cmp.Diff(want, document(t, out.User)); diff != "" {
				t.Error(diff)
			}
			if u := out.User; u.Role != model.Member || u.DirectoryID != nil || u.EmailFolded != h.mail("ada") || len(u.ProfileIDs) != 1 {
				t.Errorf("%+v", u)
			}
			us, _, err := h.org.Users(t.Context(), model.UserQuery{Email: h.mail("ADA"), Page: model.Page{Limit: 10}})
			if err != nil || len(us) != 1 {
				t.Errorf("by the e-mail there are %v: %v", us, err)
			}
		})
		t.Run("a directory's user stays as the directory has it, the login's values stay beside", func(t *testing.T) {
			h := open(t, s, "owned")
			u := h.owned(t, h.d, "ada", "subject", h.mail("ada"))
			claims := claimsOf("subject", h.mail("augusta"))
			claims.DisplayName, claims.Attributes = "Augusta", map[string][]string{"mail": {h.mail("augusta")}, "roles": {"a", "b"}, "none": {}}
			for range 2 {
				_, err := signIn(t, h.org, h.c, claims)
				must(t, err)
			}
			after := stored(t, h.org, u.ID)
			if diff := cmp.Diff(u, after, cmpopts.IgnoreFields(model.User{}, "ProfileIDs", "ConnectionID", "Version", "UpdatedAt")); diff != "" {
				t.Error(diff)
			}
			identities, err := h.org.Identities(t.Context(), u.ID)
			must(t, err)
			if want := `{"mail":"` + h.mail("augusta") + `","none":[],"roles":["a","b"]}`; len(identities) != 1 || identities[0].RawAttributes != want {
				t.Errorf("kept are %+v, want %s", identities, want)
			}
		})
		t.Run("another user takes the names and the trusted e-mail", func(t *testing.T) {
			h := open(t, s, "unowned")
			h.linked(t, h.unowned(t, "ada", h.mail("ada")))
			sign := func(change func(*model.Claims)) *model.User {
				claims := claimsOf("subject", h.mail("ada"))
				change(&claims)
				out, err := signIn(t, h.org, h.c, claims)
				must(t, err)
				return out.User
			}
			u := sign(func(c *model.Claims) { c.Email, c.DisplayName = h.mail("augusta"), "Augusta King" })
			want := withAddress("ada", "", h.mail("augusta"))
			want["displayName"], want["name"] = "Augusta King", map[string]any{"givenName": "Ada", "familyName": "Lovelace"}
			if diff := cmp.Diff(want, document(t, u)); diff != "" || u.Email != h.mail("augusta") || u.UserName != "ada" {
				t.Error(diff)
			}
			for _, change := range []func(*model.Claims){
				func(c *model.Claims) { c.Email = "ada@elsewhere.example" },
				func(c *model.Claims) { c.Email, c.EmailVerified = h.mail("x"), false },
				func(c *model.Claims) { c.Email = h.mail("AUGUSTA") },
				func(c *model.Claims) { c.Email, c.FirstName, c.LastName = "", "", "" },
			} {
				if again := sign(change); again.Document != u.Document || again.Version != u.Version {
					t.Errorf("it became %s", again.Document)
				}
			}
		})
		t.Run("nobody takes the e-mail of somebody else", func(t *testing.T) {
			h := open(t, s, "envious")
			mallory := h.linked(t, h.unowned(t, "mallory", h.mail("mallory")))
			h.admin(t, h.unowned(t, "chief", h.mail("chief")))
			h.owned(t, h.d, "ada", "x", h.mail("ada"))
			for _, other := range []string{"chief", "Ada", "CHIEF"} {
				claims := claimsOf("subject", h.mail(other))
				claims.DisplayName = other
				out, err := signIn(t, h.org, h.c, claims)
				must(t, err)
				if out.User.ID != mallory.ID || out.User.Email != h.mail("mallory") || out.User.EmailFolded != h.mail("mallory") || *out.User.FullName() != other {
					t.Errorf("the user is %s with %s: %s", out.User.UserName, out.User.Email, out.User.Document)
				}
				attempts, _, err := h.org.LoginAttempts(t.Context(), h.c.ID, model.Page{Limit: 1})
				if err != nil || len(attempts[0].Notes) != 1 || !strings.Contains(attempts[0].Notes[0], "another user") {
					t.Errorf("the log says %+v: %v", attempts, err)
				}
			}
		})
		t.Run("a name that cannot be stored does not keep its owner out", func(t *testing.T) {
			h := open(t, s, "names")
			for i, name := range []string{strings.Repeat("x", 2000), "nul\x00", "\xff"} {
				claims := claimsOf(fmt.Sprint("subject-", i), h.mail(fmt.Sprint("ada-", i)))
				claims.DisplayName, claims.FirstName = name, name
				out, err := signIn(t, h.org, h.c, claims)
				if err != nil {
					t.Errorf("%.10q: %v", name, err)
					continue
				}
				attempts, _, err := h.org.LoginAttempts(t.Context(), h.c.ID, model.Page{Limit: 1})
				if err != nil || len(attempts[0].Notes) == 0 || !strings.Contains(attempts[0].Notes[0], "name") || out.User.DisplayName != "" {
					t.Errorf("the user is %s, the log says %+v: %v", out.User.Document, attempts, err)
				}
			}
		})
	})
}

func TestBoundedAttributes(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		h := open(t, s, "contoso")
		for _, c := range []struct {
			name       string
			attributes map[string][]string
			groups     []string
			kept       int
			note       string
		}{
			{"200 names are kept", many(200, "v"), nil, 200, ""},
			{"the others are not", many(203, "v"), nil, 200, "3 attributes were not kept"},
			{"64 KiB are kept", many(9, strings.Repeat("v", 8<<10)), nil, 7, "2 attributes were not kept"},
			{"what cannot be stored is not", map[string][]string{"a": {"\x00"}, "b\xff": {"v"}, "c": {"v"}}, nil, 1, "2 attributes were not kept"},
			{"groups without a name that can be stored are not", nil, []string{"", "x\x00", "\xff", strings.Repeat("x", 1025), "Staff"}, 0, "4 groups were not kept"},
		} {
			t.Run(c.name, func(t *testing.T) {
				claims := claimsOf("first", h.mail("first"))
				claims.Attributes, claims.Groups = c.attributes, c.groups
				out, err := signIn(t, h.org, h.c, claims)
				must(t, err)
				in, err := s.SessionByToken(t.Context(), out.SessionToken)
				must(t, err)
				var kept map[string]any
				must(t, json.Unmarshal([]byte(in.Identity.RawAttributes), &kept))
				attempts, _, err := h.org.LoginAttempts(t.Context(), h.c.ID, model.Page{Limit: 1})
				must(t, err)
				if notes := strings.Join(attempts[0].Notes, " "); len(kept) != c.kept || !strings.HasPrefix(notes, c.note) || (c.note == "") != (notes == "") {
					t.Errorf("%d are kept, with the note %q", len(kept), notes)
				}
				p, err := h.org.Profile(t.Context(), in)
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

// twice are two stores on one database, as two servers have them; on SQLite they are one.
func twice(t testing.TB, db modeltest.Database, o model.Options) []*model.Store {
	t.Helper()
	first := modeltest.Open(t, db, o)
	if !model.OnPostgres(first) {
		return []*model.Store{first, first}
	}
	return []*model.Store{first, modeltest.Open(t, db, o)}
}

// People sign in at the same moment: nobody is made twice, and nobody waits for anybody in a circle.
func TestSignInAtOnce(t *testing.T) {
	t.Parallel()
	const at = 4
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		stores := twice(t, db, model.Options{})
		at1 := func(t *testing.T, h house, claims func(i int) model.Claims) []*model.SignedUp {
			t.Helper()
			outs, ins := make([]*model.SignedUp, at), make([]model.SignIn, at)
			a := application(t, h.s)
			for i := range ins {
				ins[i] = response(h.c, begin(t, h.org, h.c), claims(i))
				ins[i].Login.ApplicationID = &a.ID
			}
			started := time.Now()
			for i, err := range together(at, func(i int) (err error) {
				outs[i], err = stores[i%2].Org(h.org.ID, model.System).SignIn(t.Context(), ins[i])
				return err
			}) {
				if err != nil {
					t.Fatalf("login %d: %v", i, err)
				}
				if outs[i].User.ID != outs[0].User.ID {
					t.Errorf("login %d is another user's", i)
				}
			}
			if waited := time.Since(started); waited > 5*time.Second {
				t.Errorf("they waited %v", waited)
			}
			return outs
		}
		t.Run("the first logins of one person make one user", func(t *testing.T) {
			for round := range 3 {
				h := open(t, stores[0], fmt.Sprint("first-", round))
				at1(t, h, func(int) model.Claims { return claimsOf("subject", h.mail("ada")) })
				us, _, err := h.org.Users(t.Context(), model.UserQuery{Page: model.Page{Limit: 10}})
				if err != nil || len(us) != 2 {
					t.Errorf("there are %d users: %v", len(us), err)
				}
			}
		})
		t.Run("the first logins of a directory's user make one identity", func(t *testing.T) {
			h := open(t, stores[0], "linked")
			u := h.owned(t, h.d, "ada", "subject", h.mail("ada"))
			at1(t, h, func(int) model.Claims { return claimsOf("subject", h.mail("ada")) })
			if identities, err := h.org.Identities(t.Context(), u.ID); err != nil || len(identities) != 1 {
				t.Error(identities, err)
			}
		})
		t.Run("logins that all change the person's name succeed", func(t *testing.T) {
			for round := range 3 {
				h := open(t, stores[0], fmt.Sprint("renamed-", round))
				h.linked(t, h.unowned(t, "ada", h.mail("ada")))
				at1(t, h, func(i int) model.Claims {
					claims := claimsOf("subject", h.mail("ada"))
					claims.FirstName = fmt.Sprint("Ada ", i)
					return claims
				})
			}
		})
		t.Run("the first logins at a draft make it active once", func(t *testing.T) {
			h := open(t, stores[0], "drafted")
			h.c = connect(t, h.org)
			got := newEvents(t, stores[0], h.org, func() {
				at1(t, h, func(int) model.Claims { return claimsOf("subject", h.mail("ada")) })
			})
			if n := strings.Count(fmt.Sprint(got), string(model.ConnectionActivated)); n != 1 {
				t.Errorf("%v", got)
			}
		})
	})
}

// More people than the store has connections sign in to an application at once.
func TestCrowd(t *testing.T) {
	t.Parallel()
	const people = 40
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		h := open(t, s, "contoso")
		a := application(t, s)
		ins := make([]model.SignIn, people)
		for i := range ins {
			ins[i] = response(h.c, begin(t, h.org, h.c), claimsOf(fmt.Sprint("subject-", i), h.mail(fmt.Sprint("person-", i))))
			ins[i].Login.ApplicationID = &a.ID
		}
		started := time.Now()
		for i, err := range together(people, func(i int) error { _, err := h.org.SignIn(t.Context(), ins[i]); return err }) {
			if err != nil {
				t.Errorf("login %d: %v", i, err)
			}
		}
		if waited := time.Since(started); waited > 20*time.Second {
			t.Errorf("they waited %v", waited)
		}
	})
}
