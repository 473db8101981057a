package directory

import (
	"context"
	"database/sql"
	"fmt"

	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/people"
)

// The limits of nesting. Each user shows all groups above its own: without limits, one member more
// could make the answers about a thousand users longer by thousands of groups each.
const (
	mostLevels = 10      // of groups above a group
	mostAbove  = 1000    // groups above a group
	mostNested = 100_000 // memberships of groups in groups that are looked through
)

// nestings are groups, numbered, and which of them are members of which.
type nestings struct {
	number  map[string]int
	ids     []string
	above   [][]int      // of each group: those that it is a member of
	below   []bool       // whether a group has members that are groups
	outer   int          // the group that gets new members
	members map[int]bool // those members

	seen []int // of each group, in which walk of up it was last seen
	walk int
}

// of returns the number of a group.
func (n *nestings) of(id string) int {
	i, ok := n.number[id]
	if !ok {
		i = len(n.ids)
		n.number[id] = i
		n.ids, n.above, n.below = append(n.ids, id), append(n.above, nil), append(n.below, false)
	}
	return i
}

// nestingsAround reads the memberships of groups above g, and above all groups that are in any of
// ids, directly or by way of others.
func (o Org) nestingsAround(ctx context.Context, g *people.DirectoryGroup, ids []string) (*nestings, error) {
	condition, list, err := tenant.OneOfIDs(o, ids)
	if err != nil {
		return nil, err
	}
	n := &nestings{number: map[string]int{}, members: map[int]bool{}}
	n.outer = n.of(g.ID)
	for _, id := range ids {
		n.members[n.of(id)] = true
	}
	found := 0
	organization := string(o.ID)
	err = tenant.Direct(ctx, o, clause.Expr{
		SQL: "WITH RECURSIVE down (id) AS (SELECT g.id FROM directory_groups g " +
			"WHERE g.organization_id = ? AND g.id" + condition +
			" UNION SELECT n.member_id FROM directory_group_groups n JOIN down ON n.group_id = down.id " +
			"WHERE n.organization_id = ?), " +
			"up (id) AS (SELECT id FROM (SELECT id FROM down UNION SELECT CAST(? AS text)) s " +
			"UNION SELECT n.group_id FROM directory_group_groups n JOIN up ON n.member_id = up.id " +
			"WHERE n.organization_id = ?) " +
			"SELECT n.member_id, n.group_id FROM directory_group_groups n JOIN up ON n.member_id = up.id " +
			"WHERE n.organization_id = ? LIMIT ?",
		Vars: []any{organization, list, organization, g.ID, organization, organization, mostNested + 1},
	}, func(rows *sql.Rows) error {
		var member, group string
		err := rows.Scan(&member, &group)
		inner, outer := n.of(member), n.of(group)
		n.above[inner] = append(n.above[inner], outer)
		n.below[outer] = true
		found++
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read nested groups: %w", err)
	}
	if found > mostNested {
		return nil, model.Invalidf("members", "the groups around this one have more than %d groups as members, "+
			"which is the limit; make users members instead of groups", mostNested)
	}
	return n, nil
}

// check answers Invalid where the new members make a group a member of itself, or take a group
// past a limit. What is past a limit already may stay so, and may not get further.
func (n *nestings) check() error {
	for _, i := range append(n.up(n.outer, false), n.outer) {
		if n.members[i] {
			return model.Invalidf("members", "the group %q is this group or has it as a member, directly or by way "+
				"of others; no group can be a member of itself", n.ids[i])
		}
	}
	before, after := make([]int, len(n.ids)), make([]int, len(n.ids))
	for i := range n.ids {
		if n.below[i] || i == n.outer {
			continue // a group in it has all groups above it, and more levels
		}
		if levels := n.levels(i, true, after); levels > mostLevels && levels > n.levels(i, false, before) {
			return model.Invalidf("members", "groups would be nested in more than %d levels above the group %q; "+
				"make its users members of the outer group instead", mostLevels, n.ids[i])
		}
		if above := len(n.up(i, true)); above > mostAbove && above > len(n.up(i, false)) {
			return model.Invalidf("members", "there would be more than %d groups above the group %q; "+
				"make its users members of the outer group instead", mostAbove, n.ids[i])
		}
	}
	return nil
}

// up lists the groups above a group, with the new memberships or without.
func (n *nestings) up(of int, joined bool) []int {
	var list []int
	n.walk++
	n.seen = append(n.seen, make([]int, len(n.ids)-len(n.seen))...)
	for next := []int{of}; len(next) > 0; {
		i := next[len(next)-1]
		next = next[:len(next)-1]
		for _, outer := range n.outerOf(i, joined) {
			if n.seen[outer] != n.walk {
				n.seen[outer] = n.walk
				list, next = append(list, outer), append(next, outer)
			}
		}
	}
	return list
}

// levels is the length of the longest chain of groups above a group. known has the lengths that
// were found before, plus one.
func (n *nestings) levels(of int, joined bool, known []int) int {
	if known[of] == 0 {
		most := 0
		for _, outer := range n.outerOf(of, joined) {
			most = max(most, 1+n.levels(outer, joined, known))
		}
		known[of] = most + 1
	}
	return known[of] - 1
}

// outerOf lists the groups that a group is a member of.
func (n *nestings) outerOf(i int, joined bool) []int {
	if joined && n.members[i] {
		return append(n.above[i][:len(n.above[i]):len(n.above[i])], n.outer)
	}
	return n.above[i]
}
