package signon_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/directory"
	"rollcall/model/entitle"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/people"
	"rollcall/model/signon"
	"rollcall/model/store"
)

// The groups of a profile (docs/design/identity.md, "Groups").
func TestGroupsOfProfile(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		var counter modeltest.Statements
		s := modeltest.Open(t, db, counter.Options())
		h := storetest.Open(t, s, "contoso")
		sign := func(t *testing.T, c *connection.Connection, sent bool, groups ...string) (*signon.SignedIn, []string) {
			t.Helper()
			claims := storetest.ClaimsOf("subject", h.Mail("ada"))
			claims.Groups, claims.GroupsSent = groups, sent
			in := storetest.Response(c, storetest.Begin(t, h.Org, c), claims)
			var out *signon.SignInResult
			var err error
			var written []string
			for _, q := range counter.During(func() { out, err = signon.In(h.Org).SignIn(t.Context(), in) }) {
				if strings.Contains(q, "asserted_groups") && !strings.HasPrefix(q, "SELECT") {
					written = append(written, strings.Fields(q)[0])
				}
			}
			storetest.Must(t, err)
			signedIn, err := signon.Across(s).SessionByToken(t.Context(), out.SessionToken)
			storetest.Must(t, err)
			return signedIn, written
		}
		groups := func(t *testing.T, in *signon.SignedIn) []string {
			t.Helper()
			p, err := signon.In(h.Org).Profile(t.Context(), in)
			storetest.Must(t, err)
			return p.Groups
		}
		for _, c := range []struct {
			name    string
			sent    bool
			groups  []string
			want    []string
			written []string
		}{
			{"the first groups", true, []string{"Staff", "Admins"}, []string{"Admins", "Staff"}, []string{"INSERT"}},
			{"the same groups, without a write", true, []string{"Admins", "Staff"}, []string{"Admins", "Staff"}, nil},
			{"no claim of groups keeps them", false, nil, []string{"Admins", "Staff"}, nil},
			{"a new group in two spellings", true, []string{"Admins", "Staff", "Émigrés", "ÉMIGRÉS"},
				[]string{"Admins", "Staff", "Émigrés"}, []string{"INSERT"}},
			{"a group in another spelling", true, []string{"ADMINS", "Staff", "Émigrés"},
				[]string{"ADMINS", "Staff", "Émigrés"},
				[]string{"DELETE", "INSERT"}},
			{"a group less", true, []string{"Staff"}, []string{"Staff"}, []string{"DELETE"}},
			{"an empty claim removes them", true, nil, []string{}, []string{"DELETE"}},
		} {
			t.Run(c.name, func(t *testing.T) {
				in, written := sign(t, h.C, c.sent, c.groups...)
				got := groups(t, in)
				slices.Sort(got)
				if diff := cmp.Diff(c.want, got); diff != "" || !slices.Equal(written, c.written) {
					t.Errorf("%s, written by %v", diff, written)
				}
			})
		}
		t.Run("each connection has its own groups", func(t *testing.T) {
			second := storetest.Connect(t, h.Org)
			first, _ := sign(t, h.C, true, "Here")
			other, _ := sign(t, second, true, "There")
			if a, b := groups(t, first), groups(t, other); a[0] != "Here" || b[0] != "There" || len(a)+len(b) != 2 {
				t.Error(a, b)
			}
			if first.User.ID != other.User.ID || first.Identity.ID == other.Identity.ID {
				t.Error("two connections that assert one e-mail have not one user with two identities")
			}
			u := storetest.Stored(t, h.Org, first.User.ID)
			if !slices.Equal(u.ProfileIDs, []string{first.Identity.ID, other.Identity.ID}) {
				t.Errorf("profiles are %v", u.ProfileIDs)
			}
		})
		t.Run("a user of a directory has the groups of the directory", func(t *testing.T) {
			u := h.Owned(t, h.D, "grace", "grace", h.Mail("grace"))
			storetest.CreateGroup(t, h.Org, h.D, "Engineers", u)
			storetest.CreateGroup(t, h.Org, h.D, "Admirals", u)
			out, err := storetest.SignIn(t, h.Org, h.C, storetest.ClaimsOf("grace", h.Mail("grace")))
			storetest.Must(t, err)
			in, err := signon.Across(s).SessionByToken(t.Context(), out.SessionToken)
			storetest.Must(t, err)
			if diff := cmp.Diff([]string{"Admirals", "Engineers"}, groups(t, in)); diff != "" {
				t.Error(diff)
			}
		})
	})
}

func TestProfile(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		h := storetest.Open(t, s, "contoso")
		claims := storetest.ClaimsOf("subject", h.Mail("ada"))
		claims.Attributes = map[string][]string{"mail": {h.Mail("ada")}}
		out, err := storetest.SignIn(t, h.Org, h.C, claims)
		storetest.Must(t, err)
		h.Admin(t, out.User)
		in, err := signon.Across(s).SessionByToken(t.Context(), out.SessionToken)
		storetest.Must(t, err)
		got, err := signon.In(h.Org).Profile(t.Context(), in)
		storetest.Must(t, err)
		text := func(s string) *string { return &s }
		want := &signon.ProfileObject{
			Object: "profile", ID: model.ProfilePrefix.ID(out.Session.IdentityID),
			OrganizationID: model.OrganizationPrefix.ID(string(h.Org.ID)),
			Method:         people.BySSO, ConnectionID: model.ConnectionPrefix.ID(h.C.ID),
			ConnectionType: "OktaSAML", IdpID: "subject", Email: h.Mail("ada"),
			FirstName: text("Ada"), LastName: text("Lovelace"), Name: text("Ada Lovelace"),
			Role:  people.RoleObject{Slug: people.Admin},
			Roles: []people.RoleObject{{Slug: people.Admin}}, Groups: []string{"Staff"},
			CustomAttributes: map[string]any{},
			RawAttributes: []byte(`{"mail":"` + h.Mail("ada") +
				`"}`), UserID: model.UserPrefix.ID(out.User.ID), Accounts: []signon.ProfileAccount{},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// A profile has the accounts in which the person has a seat, and of each the groups in which they
// are: an application gives access by it, so that one who waits for a seat has nothing yet.
func TestAccountsOfAProfile(t *testing.T) {
	t.Parallel()
	clock := modeltest.NewClock()
	modeltest.EachWith(t, store.Options{Now: clock.Now}, func(t *testing.T, s *store.Store) {
		h := storetest.Suite{House: storetest.Open(t, s, "contoso"), Clock: clock}
		u := h.Enter(t, "ada")
		accounts := func() []signon.ProfileAccount {
			got, err := signon.In(h.Org).ProfileAccounts(t.Context(), u.ID)
			storetest.Must(t, err)
			return got
		}
		if got := accounts(); len(got) != 0 {
			t.Errorf("without any account: %+v", got)
		}
		want := []signon.ProfileAccount{}
		for i, name := range []string{"Workspace", "Laboratory", "Full"} {
			h.Account = h.NewAccount(t, name, int64(2-i)) // nobody finds a seat in the third
			g := h.NewGroup(t, "All of "+name, true)
			h.NewGroup(t, "Nobody of "+name, false)
			if i < 2 {
				want = append(want, signon.ProfileAccount{ID: model.AccountPrefix.ID(h.Account.ID), Name: name,
					Groups: []signon.ProfileGroup{
						{ID: model.GroupPrefix.ID(g.ID), Name: "All of " + name, Permissions: []string{}},
					}})
			}
		}
		all, _, err := entitle.In(h.Org).Accounts(t.Context(), model.Page{Limit: 10})
		storetest.Must(t, err)
		ids := make([]string, len(all))
		for i := range all {
			ids[i] = all[i].ID
		}
		storetest.Must(t, entitle.In(h.Org).SetConnectionAccounts(t.Context(), h.C.ID, ids))
		query := people.UserQuery{Email: h.Mail("first"), Page: model.Page{Limit: 1}}
		first, _, err := people.In(h.Org).Users(t.Context(), query)
		storetest.Must(t, err)
		storetest.Must(t, directory.In(h.Org).DeleteUser(t.Context(), first[0].ID))
		h.Work(t)
		if diff := cmp.Diff(want, accounts()); diff != "" {
			t.Error(diff)
		}
	})
}
