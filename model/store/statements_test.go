package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/people"
	"rollcall/model/search"
)

// The numbers of docs/design/store.md, "Statements": each is one Execute at the driver.
func TestStatements(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		var counter modeltest.Statements
		s := modeltest.Open(t, db, counter.Options())
		org, d := storetest.Contoso(t, s)
		u, other := storetest.CreateUser(t, org, d, "ada@contoso.example"), storetest.CreateUser(t, org, d, "alan@contoso.example")
		g := storetest.CreateGroup(t, org, d, "Engineers", other)
		storetest.CreateUnowned(t, org, "unowned@contoso.example")
		for _, c := range []struct {
			what string
			most int
			run  func() error
		}{
			{"create a user", 4, func() error {
				_, err := directory.Of(org, d.ID).CreateUser(t.Context(), storetest.Person("grace@contoso.example"))
				return err
			}},
			{"userName eq", 1, func() error {
				us, extent, err := directory.Of(org, d.ID).Users(t.Context(), storetest.Query(t, `userName eq "ada@contoso.example"`))
				if err == nil && (len(us) != 1 || extent.Total != 1) {
					err = fmt.Errorf("%d users of %d", len(us), extent.Total)
				}
				return err
			}},
			{"userName eq nobody", 1, func() error {
				_, _, err := directory.Of(org, d.ID).Users(t.Context(), storetest.Query(t, `userName eq "nobody"`))
				return err
			}},
			{"the groups of a page", 1, func() error { _, err := people.In(org).GroupsOf(t.Context(), storetest.Ids(u, other)...); return err }},
			{"a page and its total", 2, func() error {
				_, extent, err := directory.Of(org, d.ID).Users(t.Context(), search.Query{Limit: 1})
				if err == nil && extent.Total != 3 {
					err = fmt.Errorf("%d users", extent.Total)
				}
				return err
			}},
			{"a page by cursor", 1, func() error {
				_, extent, err := directory.Of(org, d.ID).Users(t.Context(), search.Query{Limit: 1, Cursor: &search.Cursor{Place: `[0, ""]`, Total: 3}})
				if err == nil && extent.Next == nil {
					err = errors.New("there is no next page")
				}
				return err
			}},
			{"a sorted page by cursor", 2, func() error {
				_, _, err := directory.Of(org, d.ID).Users(t.Context(), search.Query{Limit: 1, Sort: &search.Sort{By: storetest.Attribute("title")},
					Cursor: &search.Cursor{Place: storetest.SortedStart(s), Total: 3}})
				return err
			}},
			{"change nothing", 1, func() error {
				_, err := directory.Of(org, d.ID).UpdateUser(t.Context(), u.ID, storetest.SetActive(true))
				return err
			}},
			{"deactivate", 3, func() error {
				_, err := directory.Of(org, d.ID).UpdateUser(t.Context(), u.ID, storetest.SetActive(false))
				return err
			}},
			{"change an e-mail", 5, func() error {
				_, err := directory.Of(org, d.ID).UpdateUser(t.Context(), u.ID, func(u *people.UserDraft) error {
					return u.SetDocument(storetest.WithEmail("ada@contoso.example", "new@contoso.example"))
				})
				return err
			}},
			{"add a member", 4, func() error {
				_, err := directory.Of(org, d.ID).UpdateGroup(t.Context(), g.ID, storetest.Unaltered, directory.MembersChange{Op: directory.AddMembers, UserIDs: storetest.Ids(u)})
				return err
			}},
			{"remove a member", 4, func() error {
				_, err := directory.Of(org, d.ID).UpdateGroup(t.Context(), g.ID, storetest.Unaltered, directory.MembersChange{Op: directory.RemoveMembers, UserIDs: storetest.Ids(u)})
				return err
			}},
			{"change no member", 3, func() error {
				_, err := directory.Of(org, d.ID).UpdateGroup(t.Context(), g.ID, storetest.Unaltered, directory.MembersChange{Op: directory.AddMembers, UserIDs: storetest.Ids(other)})
				return err
			}},
			{"read a group without its members", 1, func() error { _, err := directory.Of(org, d.ID).Group(t.Context(), g.ID); return err }},
			{"delete a user without groups", 6, func() error { return directory.Of(org, d.ID).DeleteUser(t.Context(), u.ID) }},
		} {
			t.Run(c.what, func(t *testing.T) {
				var err error
				got := counter.During(func() { err = c.run() })
				storetest.Must(t, err)
				if len(got) > c.most || len(got) == 0 {
					t.Errorf("%d statements, %d at most:\n%s", len(got), c.most, strings.Join(got, "\n"))
				}
				for _, q := range got {
					if word, _, _ := strings.Cut(q, " "); word == "BEGIN" || word == "COMMIT" {
						t.Errorf("%s is counted", q)
					}
				}
				t.Logf("%s: %d statements", c.what, len(got))
			})
		}
	})
}
