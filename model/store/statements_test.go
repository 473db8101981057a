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

// The limits of docs/design/store.md, "Statements". The driver counts.
func TestCallsNeedFewStatements(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		var counter modeltest.Statements
		s := modeltest.Open(t, db, counter.Options())
		org, d := storetest.Contoso(t, s)
		u := storetest.CreateUser(t, org, d, "ada@contoso.example")
		other := storetest.CreateUser(t, org, d, "alan@contoso.example")
		g := storetest.CreateGroup(t, org, d, "Engineers", other)
		storetest.CreateUnowned(t, org, "unowned@contoso.example")
		list := func(q search.Query) ([]people.User, search.Extent, error) {
			return directory.Of(org, d.ID).Users(t.Context(), q)
		}
		change := func(change func(*people.UserDraft) error) error {
			_, err := directory.Of(org, d.ID).UpdateUser(t.Context(), u.ID, change)
			return err
		}
		members := func(op directory.MembersOp, member *people.User) error {
			members := directory.MembersChange{Op: op, UserIDs: storetest.Ids(member)}
			_, err := directory.Of(org, d.ID).UpdateGroup(t.Context(), g.ID, storetest.Unaltered, members)
			return err
		}
		for _, c := range []struct {
			what string
			most int
			run  func() error
		}{
			{"create a user", 4, func() error {
				grace := storetest.Person("grace@contoso.example")
				_, err := directory.Of(org, d.ID).CreateUser(t.Context(), grace)
				return err
			}},
			{"userName eq", 1, func() error {
				us, extent, err := list(storetest.Query(t, `userName eq "ada@contoso.example"`))
				if err == nil && (len(us) != 1 || extent.Total != 1) {
					err = fmt.Errorf("%d users of %d", len(us), extent.Total)
				}
				return err
			}},
			{"userName eq nobody", 1, func() error {
				_, _, err := list(storetest.Query(t, `userName eq "nobody"`))
				return err
			}},
			{"the groups of a page", 1, func() error {
				_, err := people.In(org).GroupsOf(t.Context(), storetest.Ids(u, other)...)
				return err
			}},
			{"a page and its total", 2, func() error {
				_, extent, err := list(search.Query{Limit: 1})
				if err == nil && extent.Total != 3 {
					err = fmt.Errorf("%d users", extent.Total)
				}
				return err
			}},
			{"a page by cursor", 1, func() error {
				start := &search.Cursor{Place: `[0, ""]`, Total: 3}
				_, extent, err := list(search.Query{Limit: 1, Cursor: start})
				if err == nil && extent.Next == nil {
					err = errors.New("there is no next page")
				}
				return err
			}},
			{"a sorted page by cursor", 2, func() error {
				sort := &search.Sort{By: storetest.Attribute("title")}
				start := &search.Cursor{Place: storetest.SortedStart(s), Total: 3}
				_, _, err := list(search.Query{Limit: 1, Sort: sort, Cursor: start})
				return err
			}},
			{"change nothing", 1, func() error { return change(storetest.SetActive(true)) }},
			{"deactivate", 3, func() error { return change(storetest.SetActive(false)) }},
			{"change an e-mail", 5, func() error {
				return change(func(u *people.UserDraft) error {
					return u.SetDocument(storetest.WithEmail("ada@contoso.example", "new@contoso.example"))
				})
			}},
			{"add a member", 4, func() error { return members(directory.AddMembers, u) }},
			{"remove a member", 4, func() error { return members(directory.RemoveMembers, u) }},
			{"change no member", 3, func() error { return members(directory.AddMembers, other) }},
			{"read a group without its members", 1, func() error {
				_, err := people.In(org).DirectoryGroup(t.Context(), d.ID, g.ID)
				return err
			}},
			{"delete a user without groups", 7, func() error {
				return directory.Of(org, d.ID).DeleteUser(t.Context(), u.ID)
			}},
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
