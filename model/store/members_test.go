package store_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/people"
)

// The members of large groups are read by statements of their own on PostgreSQL, which must agree
// with a plain join, whether most of an organization or a small part of it is in the group.
func TestMembersOfLargeGroups(t *testing.T) {
	t.Parallel()
	var sent modeltest.Statements
	c := newCrowd(t, modeltest.Postgres(t), sent.Options())
	c.surround(t)
	c.grow(t)
	db := storetest.Across(c.S, t.Context())
	names := "UPDATE users SET display_name = display_name || ? WHERE id LIKE '%7'"
	storetest.Must(t, db.Exec(names, " ‚é, \"\\, \t").Error)
	storetest.Must(t, db.Exec("UPDATE users SET display_name = '' WHERE id LIKE '%8'").Error)
	nested := storetest.Nested(t, c.Org, c.D, "nested")
	_, err := directory.Of(c.Org, c.D.ID).UpdateGroup(t.Context(), c.big.ID, storetest.Unaltered,
		directory.MembersChange{Op: directory.AddMembers, UserIDs: []string{nested.ID}})
	storetest.Must(t, err)
	// One of seven users.
	storetest.Must(t, db.Exec(`INSERT INTO directory_group_members (organization_id, group_id, user_id)
		SELECT organization_id, ?, user_id FROM (SELECT *, row_number() OVER (ORDER BY user_id) AS n
			FROM directory_group_members WHERE group_id = ?) m WHERE n % 7 = 0`, c.small.ID, c.big.ID).Error)

	want := map[string][]people.MemberOf{}
	for _, g := range []*people.DirectoryGroup{c.big, c.small} {
		var members []people.MemberOf
		storetest.Must(t, db.Raw(`SELECT u.id, u.display_name FROM directory_group_members m
			JOIN users u ON u.id = m.user_id WHERE m.group_id = ? ORDER BY u.id`, g.ID).Scan(&members).Error)
		want[g.ID] = members
	}
	want[c.big.ID] = append(want[c.big.ID], people.MemberOf{ID: nested.ID, DisplayName: "nested", IsGroup: true})
	if n := len(want[c.small.ID]); n <= 500 {
		t.Fatalf("%d members are few", n)
	}
	for _, groups := range [][]string{{c.big.ID}, {c.small.ID}, {c.big.ID, c.small.ID}} {
		total, expected := 0, map[string][]people.MemberOf{}
		for _, id := range groups {
			total, expected[id] = total+len(want[id]), want[id]
		}
		for _, most := range []int{0, total, total - 1, 501, 10} {
			t.Run(fmt.Sprint(len(groups), " groups, ", total, " members, at most ", most), func(t *testing.T) {
				var got map[string][]people.MemberOf
				var all bool
				statements := sent.During(func() {
					got, all, err = people.In(c.Org).SomeGroupMembers(t.Context(), most, groups...)
				})
				storetest.Must(t, err)
				if fits := most == 0 || most >= total; all != fits {
					t.Fatalf("all is %v", all)
				}
				if len(statements) > 4 {
					t.Errorf("%d statements", len(statements))
				}
				if !all {
					return
				}
				if diff := cmp.Diff(expected, got); diff != "" {
					t.Error(diff[:min(len(diff), 2000)])
				}
			})
		}
	}
}
