package entitle

import (
	"slices"

	"rollcall/model/people"
)

// This file decides who has what. It knows no database: what it is given is all
// that counts, and what it answers is the same in whatever order that comes.

// GroupName is how a rule or a user names a directory group. A rule has one of
// the two; what a user is in has the id only where it comes by SCIM.
type GroupName struct{ ID, Folded string }

// names tells whether a rule means a directory group.
func (n GroupName) names(g GroupName) bool {
	if n.ID != "" {
		return n.ID == g.ID
	}
	return n.Folded != "" && n.Folded == g.Folded
}

// RuleGroup is a group of an account as the rules see it.
type RuleGroup struct {
	ID, AccountID string
	ByDefault     bool
	Mapped        []GroupName
}

// Rules are an organization's configuration as far as it decides who has what.
type Rules struct {
	Accounts       map[string][]string // by connection: the accounts that it is configured for
	OnlyConnection string              // the only active one; empty where there is none or several
	Groups         []RuleGroup
	Admin          *GroupName // whose members are administrators; nil for nobody
	Manual         bool       // what a person assigned by hand is left alone
}

// Claimant is a user as far as it decides what they have.
type Claimant struct {
	Active     bool
	Connection string // where the user signed in last; empty before
	Groups     []GroupName
}

// Entitlement is what the rules grant a user. Both lists are sorted. An empty
// Role leaves the role as it is.
type Entitlement struct {
	Licenses, Groups []string
	Role             people.Role
}

// Decide is the whole of docs/design/identity.md, "Entitlement", as a table:
//
//	user      connection                          licenses              groups on these accounts             role
//	inactive  any                                 none                  none                                 as it is
//	active    of the last login                   for its accounts      a mapped directory group of the      admin where a directory
//	          before it: the only active one      for its accounts      user's, or assign by default         group of the user's is
//	          neither                             none                  none                                 the mapped one, else member
//
// That "member" takes only a role that a mapping gave: who is an administrator
// by a person's word stays one.
func (r *Rules) Decide(c Claimant) Entitlement {
	if !c.Active {
		return Entitlement{}
	}
	e := Entitlement{Role: people.Member}
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
		if _, licensed := slices.BinarySearch(e.Licenses, g.AccountID); licensed && (g.ByDefault || g.mapped(c.Groups)) {
			e.Groups = append(e.Groups, g.ID)
		}
	}
	slices.Sort(e.Groups)
	e.Groups = slices.Compact(e.Groups)
	return e
}

func (g *RuleGroup) mapped(groups []GroupName) bool {
	return slices.ContainsFunc(g.Mapped, func(n GroupName) bool { return slices.ContainsFunc(groups, n.names) })
}

// Holding is why a user has something. With neither reason they do not have it.
type Holding struct{ ByRule, ByHand bool }

func (h Holding) none() bool { return h == Holding{} }

// Settle is what becomes of all that a user holds of one kind: the rules' part
// is exactly what the rules want, and the part that a person assigned stays where
// the organization allows that. What is to go has neither.
func Settle(want []string, held map[string]Holding, manual bool) map[string]Holding {
	after := make(map[string]Holding, len(held)+len(want))
	for id, h := range held {
		after[id] = Holding{ByHand: h.ByHand && manual}
	}
	for _, id := range want {
		after[id] = Holding{ByRule: true, ByHand: after[id].ByHand}
	}
	return after
}
