package people_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/people"
	"rollcall/model/store"
)

// A userName that was stored in an older form is found by its new one after the migration. Nobody
// is merged with another: the row of one of two who would have one name stays, and the operator is
// told. It is not parallel, as it reads the log of the process.
func TestStoredUserNamesAreFoldedAnew(t *testing.T) {
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		var log bytes.Buffer
		before := slog.Default()
		slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
		defer slog.SetDefault(before)
		org, d := storetest.Contoso(t, s)
		other := storetest.Open(t, s, "fabrikam")
		storetest.CreateUser(t, other.Org, other.D, "grace") // of another organization, and no clash
		write := func(u *people.User, userName, folded string) {
			t.Helper()
			storetest.Must(t, storetest.Across(s, t.Context()).Exec(
				"UPDATE users SET user_name = ?, user_name_folded = ? WHERE id = ?", userName, folded, u.ID).Error)
		}
		complete := func(want map[*people.User]string) {
			t.Helper()
			log.Reset()
			storetest.Must(t, people.Completions["0026_user_name_width"](storetest.Across(s, t.Context())))
			for u, folded := range want {
				if got := storetest.Stored(t, org, u.ID).UserNameFolded; got != folded {
					t.Errorf("%s is stored as %q, want %q", u.UserName, got, folded)
				}
			}
		}
		first := storetest.CreateUser(t, org, d, "plain")
		wide, wider := storetest.CreateUser(t, org, d, "one"), storetest.CreateUser(t, org, d, "two")
		write(wide, "Ｇrace", "ｇrace")
		write(wider, "Ａlan", "ａlan")
		complete(map[*people.User]string{first: "plain", wide: "grace", wider: "alan"})
		if strings.Contains(log.String(), "userNames") {
			t.Errorf("a clash that there is not: %s", log.String())
		}
		storetest.CreateUser(t, org, d, "same")
		twin := storetest.CreateUser(t, org, d, "three")
		write(twin, "Ｓame", "ｓame")
		complete(map[*people.User]string{twin: "ｓame", wide: "grace"})
		if !strings.Contains(log.String(), "userNames") || !strings.Contains(log.String(), "users=1") {
			t.Errorf("the operator hears of %q", log.String())
		}
	})
}

// Filters find users and groups that are older than the column which filters compare.
func TestStoredDocumentsAreFolded(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		storetest.CreateGroup(t, org, d, "Staff", storetest.CreateUser(t, org, d, "ada"))
		storetest.CreateGroup(t, org, d, "Others", storetest.CreateUser(t, org, d, "grace"))
		folded := func() (all []string) {
			t.Helper()
			for _, table := range []string{"users", "directory_groups"} {
				var some []string
				storetest.Must(t, storetest.Across(s, t.Context()).Raw(
					"SELECT CAST(document_folded AS text) FROM "+table+" ORDER BY id").Scan(&some).Error)
				all = append(all, some...)
			}
			return all
		}
		want := folded()
		for _, table := range []string{"users", "directory_groups"} {
			forget := "UPDATE " + table + " SET document_folded = '{}'"
			storetest.Must(t, storetest.Across(s, t.Context()).Exec(forget).Error)
		}
		storetest.Must(t, people.Completions["0003_filter_index"](storetest.Across(s, t.Context())))
		if diff := cmp.Diff(want, folded()); diff != "" {
			t.Error(diff)
		}
	})
}

// The folded document is as long as the document, and no request reads it: it would double a page.
func TestFoldedDocumentsAreNotRead(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		var sent modeltest.Statements
		s := modeltest.Open(t, db, sent.Options())
		org, d := storetest.Contoso(t, s)
		u := storetest.CreateUser(t, org, d, "ada")
		g := storetest.CreateGroup(t, org, d, "Staff", u)
		statements := sent.During(func() {
			storetest.Stored(t, org, u.ID)
			_, err := people.In(org).DirectoryGroup(t.Context(), "", g.ID)
			storetest.Must(t, err)
		})
		if len(statements) < 2 {
			t.Errorf("%d statements", len(statements))
		}
		for _, query := range statements {
			if strings.Contains(query, "document_folded") {
				t.Error(query)
			}
		}
	})
}

// The members of a group are its people and then its groups, each in the order of their ids, and
// all of them or none: an answer that lacks some would take away what these have.
func TestMembersOfGroups(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		inner := storetest.CreateGroup(t, org, d, "Inner")
		us := []*people.User{storetest.CreateUser(t, org, d, "ada"), storetest.CreateUser(t, org, d, "grace"),
			storetest.CreateUser(t, org, d, "alan")}
		outer := storetest.Nested(t, org, d, "Outer", inner.ID, us[2].ID, us[0].ID, us[1].ID)
		staff := storetest.CreateGroup(t, org, d, "Staff", us...)
		empty := storetest.CreateGroup(t, org, d, "Empty")
		crowd := storetest.CreateGroup(t, org, d, "Crowd")
		storetest.Crowd(t, org, crowd, 501)
		everyone := storetest.Ids(us...)
		andInner := append(storetest.Ids(us...), inner.ID)
		for name, c := range map[string]struct {
			most   int
			groups []string
			want   map[string][]string // nil where they are too many
		}{
			"no group":                       {0, nil, map[string][]string{}},
			"a group without members":        {0, []string{empty.ID}, map[string][]string{}},
			"people before groups":           {0, []string{outer.ID}, map[string][]string{outer.ID: andInner}},
			"as many as may be":              {3, []string{staff.ID}, map[string][]string{staff.ID: everyone}},
			"one too many":                   {2, []string{staff.ID}, nil},
			"two too many":                   {1, []string{staff.ID}, nil},
			"one too many, as it is a group": {3, []string{outer.ID}, nil},
			"two groups that are too many":   {6, []string{outer.ID, staff.ID}, nil},
			"two groups": {7, []string{outer.ID, staff.ID},
				map[string][]string{outer.ID: andInner, staff.ID: everyone}},
		} {
			members, all, err := people.In(org).SomeGroupMembers(t.Context(), c.most, c.groups...)
			storetest.Must(t, err)
			got := map[string][]string{}
			for g, list := range members {
				for _, m := range list {
					got[g] = append(got[g], m.ID)
				}
			}
			if all != (c.want != nil) || all && !cmp.Equal(c.want, got) || !all && members != nil {
				t.Errorf("%s: all %t, %v", name, all, got)
			}
		}
		for most, fits := range map[int]bool{0: true, 500: false, 501: true} {
			members, all, err := people.In(org).SomeGroupMembers(t.Context(), most, crowd.ID)
			if err != nil || all != fits || fits && len(members[crowd.ID]) != 501 {
				t.Errorf("at most %d: %d members, all %t, %v", most, len(members[crowd.ID]), all, err)
			}
		}
	})
}
