package entitle

import (
	"slices"

	"rollcall/model/people"
)

// This file decides what one user has. It reads no database: the result depends on the arguments
// alone, and not on their order. decide_sql.go says the same in SQL, for all users at once.

// groupName names a directory group. In a rule it has one of the two fields. A user's group has
// the name, and the id as well where it comes by SCIM.
type groupName struct{ ID, Folded string }

// names tells whether n, which is a rule's, means the directory group g.
func (n groupName) names(g groupName) bool {
	if n.ID != "" {
		return n.ID == g.ID
	}
	return n.Folded != "" && n.Folded == g.Folded
}

// ruleGroup is a group of an account as the rules see it.
type ruleGroup struct {
	ID, AccountID string
	ByDefault     bool
	Mapped        []groupName
}

// mapped tells whether one of the directory groups is mapped to g.
func (g *ruleGroup) mapped(groups []groupName) bool {
	return slices.ContainsFunc(g.Mapped, func(n groupName) bool { return slices.ContainsFunc(groups, n.names) })
}

// ruleSet is an organization's configuration as far as it decides what users have.
type ruleSet struct {
	Accounts       map[string][]string // the accounts that each connection is configured for
	OnlyConnection string              // the only active one; empty where there is none or several
	Groups         []ruleGroup
	Admin          *groupName // the directory group of administrators; nil for none
	Manual         bool       // what a person assigned by hand stays
}

// accountOf returns the account of a group, or "" for a group that the rules do not have.
func (r *ruleSet) accountOf(group string) string {
	i := slices.IndexFunc(r.Groups, func(g ruleGroup) bool { return g.ID == group })
	if i < 0 {
		return ""
	}
	return r.Groups[i].AccountID
}

// claimant is a user, as far as the rules look at it.
type claimant struct {
	Active     bool
	Connection string // of the last login; empty before the first
	Groups     []groupName
}

// entitlement is what the rules grant a user. Both lists are sorted. With an empty Role the user
// keeps the role.
type entitlement struct {
	Licenses, Groups []string
	Role             people.Role
}

// decide is all of docs/design/identity.md, "Entitlement", as a table:
//
//	user      connection                       licenses          role
//	inactive  any                              none              the same as before
//	active    that of the last login           for its accounts  admin or member, see below
//	active    before the first login:
//	          the only active connection       for its accounts  admin or member, see below
//	active    neither                          none              admin or member, see below
//
// Of the groups of the licensed accounts, the user is in those that everybody is in by default, and
// in those that one of the user's directory groups is mapped to.
//
// The role is admin for a user in the directory group that is mapped to it, and else member. That
// "member" only takes back a role that the mapping gave: a person may have made the user an
// administrator, and that stays.
func (r *ruleSet) decide(c claimant) entitlement {
	if !c.Active {
		return entitlement{}
	}
	e := entitlement{Role: people.Member}
	if r.Admin != nil && slices.ContainsFunc(c.Groups, r.Admin.names) {
		e.Role = people.Admin
	}
	connection := c.Connection
	if connection == "" {
		connection = r.OnlyConnection
	}
	if connection == "" {
		return e
	}
	e.Licenses = slices.Compact(slices.Sorted(slices.Values(r.Accounts[connection])))
	for _, g := range r.Groups {
		_, licensed := slices.BinarySearch(e.Licenses, g.AccountID)
		if licensed && (g.ByDefault || g.mapped(c.Groups)) {
			e.Groups = append(e.Groups, g.ID)
		}
	}
	slices.Sort(e.Groups)
	e.Groups = slices.Compact(e.Groups)
	return e
}

// holding says why a user has a license or a place in a group. With neither reason the user does
// not have it.
type holding struct{ ByRule, ByHand bool }

func (h holding) none() bool { return h == holding{} }

// settle returns what a user is to hold of one kind. ByRule is true for exactly what the rules
// want. ByHand stays where manual says that the organization allows it. What the user loses is in
// the result with neither reason.
func settle(want []string, held map[string]holding, manual bool) map[string]holding {
	after := make(map[string]holding, len(held)+len(want))
	for id, h := range held {
		after[id] = holding{ByHand: h.ByHand && manual}
	}
	for _, id := range want {
		after[id] = holding{ByRule: true, ByHand: after[id].ByHand}
	}
	return after
}
