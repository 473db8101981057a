package entitle

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model/people"
)

// randomCases is how many random rules and users each property is tried with.
const randomCases = 20_000

// some returns random texts with a prefix, in random order, some of them twice.
func some(r *rand.Rand, prefix string, of int) []string {
	out := []string{}
	for range r.IntN(of + 1) {
		out = append(out, fmt.Sprint(prefix, r.IntN(of)))
	}
	return out
}

func randomGroups(r *rand.Rand) []groupName {
	var out []groupName
	for _, name := range some(r, "d", 5) {
		switch r.IntN(3) {
		case 0:
			out = append(out, groupName{Folded: name})
		default:
			out = append(out, groupName{ID: "id-" + name, Folded: name})
		}
	}
	return out
}

func randomRules(r *rand.Rand) *ruleSet {
	rules := &ruleSet{Accounts: map[string][]string{}, Manual: r.IntN(2) == 0}
	for _, c := range some(r, "c", 3) {
		rules.Accounts[c] = some(r, "a", 4)
	}
	if r.IntN(2) == 0 {
		rules.OnlyConnection = fmt.Sprint("c", r.IntN(3))
	}
	for i := range r.IntN(8) {
		g := ruleGroup{ID: fmt.Sprint("g", i), AccountID: fmt.Sprint("a", r.IntN(5)), ByDefault: r.IntN(3) == 0}
		for _, n := range randomGroups(r) {
			if n.ID != "" && r.IntN(2) == 0 {
				n = groupName{ID: n.ID}
			} else {
				n = groupName{Folded: n.Folded}
			}
			g.Mapped = append(g.Mapped, n)
		}
		rules.Groups = append(rules.Groups, g)
	}
	if r.IntN(2) == 0 {
		rules.Admin = &groupName{Folded: fmt.Sprint("d", r.IntN(5))}
	}
	return rules
}

func randomClaimant(r *rand.Rand) claimant {
	c := claimant{Active: r.IntN(5) > 0, Groups: randomGroups(r)}
	if r.IntN(2) == 0 {
		c.Connection = fmt.Sprint("c", r.IntN(3))
	}
	return c
}

// Each row of the table of ruleSet.decide has its cases.
func TestDecide(t *testing.T) {
	t.Parallel()
	rules := &ruleSet{
		Accounts:       map[string][]string{"okta": {"b", "a"}, "entra": {"c"}},
		OnlyConnection: "okta",
		Groups: []ruleGroup{
			{ID: "everybody", AccountID: "a", ByDefault: true},
			{ID: "by name", AccountID: "a", Mapped: []groupName{{Folded: "staff"}, {Folded: "crew"}}},
			{ID: "by id", AccountID: "b", Mapped: []groupName{{ID: "1"}}},
			{ID: "elsewhere", AccountID: "c", ByDefault: true},
		},
		Admin: &groupName{Folded: "chiefs"},
	}
	none := *rules
	none.OnlyConnection = ""
	for _, c := range []struct {
		what  string
		rules *ruleSet
		who   claimant
		want  entitlement
	}{
		{"an inactive user has nothing, and keeps the role", rules, claimant{Connection: "okta"}, entitlement{}},
		{"before the first login the only active connection counts", rules, claimant{Active: true},
			entitlement{Licenses: []string{"a", "b"}, Groups: []string{"everybody"}, Role: people.Member}},
		{"the last login's connection counts", rules,
			claimant{Active: true, Connection: "entra", Groups: []groupName{{Folded: "staff"}}},
			entitlement{Licenses: []string{"c"}, Groups: []string{"elsewhere"}, Role: people.Member}},
		{"without any connection there is nothing", &none,
			claimant{Active: true, Groups: []groupName{{Folded: "chiefs"}}},
			entitlement{Role: people.Admin}},
		{"a connection that is configured for no account gives none", rules,
			claimant{Active: true, Connection: "google"},
			entitlement{Role: people.Member}},
		{"a group is known by its name", rules,
			claimant{Active: true, Groups: []groupName{{ID: "9", Folded: "crew"}, {Folded: "staff"}}},
			entitlement{Licenses: []string{"a", "b"}, Groups: []string{"by name", "everybody"}, Role: people.Member}},
		{"a group is known by its id, whatever its name", rules,
			claimant{Active: true, Groups: []groupName{{ID: "1", Folded: "renamed"}}},
			entitlement{Licenses: []string{"a", "b"}, Groups: []string{"by id", "everybody"}, Role: people.Member}},
		{"an asserted name is no id", rules, claimant{Active: true, Groups: []groupName{{Folded: "1"}}},
			entitlement{Licenses: []string{"a", "b"}, Groups: []string{"everybody"}, Role: people.Member}},
	} {
		t.Run(c.what, func(t *testing.T) {
			if diff := cmp.Diff(c.want, c.rules.decide(c.who)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The result depends on the rules and the user's groups, but not on their order. It grants what a
// rule grants, and nothing else.
func TestDecideDependsOnTheSetOnly(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range randomCases {
		rules, who := randomRules(r), randomClaimant(r)
		want := rules.decide(who)
		shuffled, other := *rules, who
		shuffled.Accounts, shuffled.Groups = map[string][]string{}, slices.Clone(rules.Groups)
		for c, accounts := range rules.Accounts {
			shuffled.Accounts[c] = mixed(r, accounts)
		}
		for i := range shuffled.Groups {
			shuffled.Groups[i].Mapped = mixed(r, shuffled.Groups[i].Mapped)
		}
		shuffled.Groups, other.Groups = mixed(r, shuffled.Groups), mixed(r, who.Groups)
		if diff := cmp.Diff(want, shuffled.decide(other)); diff != "" {
			t.Fatalf("another order decides otherwise:\n%s\n%+v %+v", diff, rules, who)
		}
		checkGranted(t, rules, who, want)
	}
}

// mixed returns a list in another order, with some of its items twice.
func mixed[T any](r *rand.Rand, list []T) []T {
	out := slices.Clone(list)
	for _, item := range list {
		if r.IntN(3) == 0 {
			out = append(out, item)
		}
	}
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// checkGranted checks the result of decide against a second formulation: it asks for each account
// and each group whether the user is to have it.
func checkGranted(t *testing.T, rules *ruleSet, who claimant, got entitlement) {
	t.Helper()
	connection := who.Connection
	if connection == "" {
		connection = rules.OnlyConnection
	}
	is := func(rule, group groupName) bool {
		return rule.ID != "" && rule.ID == group.ID || rule.ID == "" && rule.Folded == group.Folded
	}
	in := func(rule groupName) bool {
		return slices.ContainsFunc(who.Groups, func(g groupName) bool { return is(rule, g) })
	}
	for i := range 5 {
		account := fmt.Sprint("a", i)
		want := who.Active && connection != "" && slices.Contains(rules.Accounts[connection], account)
		if slices.Contains(got.Licenses, account) != want {
			t.Fatalf("a license for %s: %v, want %v\n%+v %+v", account, !want, want, rules, who)
		}
	}
	for _, g := range rules.Groups {
		want := slices.Contains(got.Licenses, g.AccountID) && (g.ByDefault || slices.ContainsFunc(g.Mapped, in))
		if slices.Contains(got.Groups, g.ID) != want {
			t.Fatalf("in %s: %v, want %v\n%+v %+v", g.ID, !want, want, rules, who)
		}
	}
	admin := who.Active && rules.Admin != nil && in(*rules.Admin)
	if (got.Role == people.Admin) != admin || (got.Role == "") == who.Active {
		t.Fatalf("the role is %q\n%+v %+v", got.Role, rules, who)
	}
}

// To settle twice is to settle once. What no rule grants is taken away. What a person assigned
// stays.
func TestSettle(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for range randomCases {
		held := map[string]holding{}
		for _, id := range some(r, "x", 6) {
			held[id] = holding{ByRule: r.IntN(2) == 0, ByHand: r.IntN(2) == 0}
		}
		want, manual := some(r, "x", 6), r.IntN(2) == 0
		after := settle(want, held, manual)
		if diff := cmp.Diff(after, settle(mixed(r, want), after, manual)); diff != "" {
			t.Fatalf("settling again changes something:\n%s", diff)
		}
		for i := range 6 {
			id := fmt.Sprint("x", i)
			expected := holding{ByRule: slices.Contains(want, id), ByHand: held[id].ByHand && manual}
			if after[id] != expected {
				t.Fatalf("%s is %+v, want %+v: held %+v, wanted %v, manual %v",
					id, after[id], expected, held[id], want, manual)
			}
		}
	}
	t.Logf("%d cases of each property", randomCases)
}
