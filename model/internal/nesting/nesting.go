// Package nesting finds out how deep groups are nested, and how deep they would be.
package nesting

import "rollcall/model"

// The limits of nesting. Each user shows all groups above its own: without limits, one member more
// could make the answers about a thousand users longer by thousands of groups each.
const (
	mostLevels = 10   // of groups above a group
	mostAbove  = 1000 // groups above a group
)

// Most is how many memberships of groups in groups are looked through.
const Most = 100_000

// Graph is groups, numbered, and which of them are members of which.
type Graph struct {
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
func (n *Graph) of(id string) int {
	i, ok := n.number[id]
	if !ok {
		i = len(n.ids)
		n.number[id] = i
		n.ids, n.above, n.below = append(n.ids, id), append(n.above, nil), append(n.below, false)
	}
	return i
}

// New returns a graph of a group that gets new members, which are groups too.
func New(outer string, members []string) *Graph {
	n := &Graph{number: map[string]int{}, members: map[int]bool{}}
	n.outer = n.of(outer)
	for _, id := range members {
		n.members[n.of(id)] = true
	}
	return n
}

// Add adds a membership that is stored already.
func (n *Graph) Add(member, group string) {
	inner, outer := n.of(member), n.of(group)
	n.above[inner] = append(n.above[inner], outer)
	n.below[outer] = true
}

// Check answers Invalid where the new members make a group a member of itself, or take a group
// past a limit. What is past a limit already may stay so, and may not get further.
func (n *Graph) Check() error {
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
func (n *Graph) up(of int, joined bool) []int {
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
func (n *Graph) levels(of int, joined bool, known []int) int {
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
func (n *Graph) outerOf(i int, joined bool) []int {
	if joined && n.members[i] {
		return append(n.above[i][:len(n.above[i]):len(n.above[i])], n.outer)
	}
	return n.above[i]
}
