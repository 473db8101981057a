package patch

import (
	"slices"
	"strings"
	"testing"

	fp "github.com/scim2/filter-parser/v2"
)

// crew is a group with two users and a group, which answers as the store does.
type crew struct{}

func (crew) All() ([]map[string]any, error) {
	return []map[string]any{{"value": "a", "type": "User", "display": "Ada"}, {"value": "b", "type": "User"},
		{"value": "g", "type": "Group", "display": "Gang"}}, nil
}

func (c crew) Has(filter fp.Expression) (bool, error) {
	all, err := c.All()
	return slices.ContainsFunc(all, func(e map[string]any) bool {
		return groups.scopes[0].attrs["members"].matches(filter, e)
	}), err
}

func TestSplitMembers(t *testing.T) {
	t.Parallel()
	const a, b = `{"op":"add","path":"members","value":["a"]}`, `{"op":"add","path":"members","value":["b","b","a"]}`
	const noA, none = `{"op":"remove","path":"members[value eq \"a\"]"}`, `{"op":"remove","path":"members"}`
	const name = `{"op":"replace","path":"displayName","value":"N"}`
	for _, c := range []struct {
		name, ops, rest string
		want            Members
	}{
		{"no members", name, `replace displayName "N"`, Members{}},
		{"added", a, ``, Members{Add: []string{"a"}}},
		{"added twice", a + "," + b, ``, Members{Add: []string{"a", "b"}}},
		{"removed", noA, ``, Members{Remove: []string{"a"}}},
		{"removed with an empty list", `{"op":"remove","path":"members","value":[]}`, ``, Members{}},
		{"added, then removed", a + "," + noA, ``, Members{Remove: []string{"a"}}},
		{"removed, then added", noA + "," + a, ``, Members{Add: []string{"a"}}},
		{"with other changes", a + "," + name + "," + noA + "," + b, `replace displayName "N"`,
			Members{Add: []string{"a", "b"}}},
		{"all removed", none, ``, Members{Replace: true}},
		{"all replaced by none", `{"op":"replace","path":"members","value":[]}`, ``, Members{Replace: true}},
		{"all removed after others", a + "," + noA + "," + none, ``, Members{Replace: true}},
		{"all removed, then one added", none + "," + a, ``, Members{Replace: true, Add: []string{"a"}}},
		{"all removed, then one removed", none + "," + noA, ``, Members{Replace: true}},
		{"all replaced", b + `,{"op":"replace","path":"members","value":["c","a"]}`, ``,
			Members{Replace: true, Add: []string{"c", "a"}}},
		{"all replaced, then one removed", `{"op":"replace","path":"members","value":["c","a"]},` + noA, ``,
			Members{Replace: true, Add: []string{"c"}}},
		{"all replaced without a path", `{"op":"replace","value":{"members":["c"],"displayName":"N"}}`,
			`replace displayName "N"`, Members{Replace: true, Add: []string{"c"}}},
		{"selected by type", `{"op":"remove","path":"members[type eq \"Group\"]"}`, ``, Members{Remove: []string{"g"}}},
		{"selected by type in any case", `{"op":"remove","path":"members[type eq \"group\"]"}`, ``,
			Members{Remove: []string{"g"}}},
		{"selected by not", `{"op":"remove","path":"members[not (type eq \"Group\")]"}`, ``,
			Members{Remove: []string{"a", "b"}}},
		{"selected by pr", `{"op":"remove","path":"members[display pr]"}`, ``, Members{Remove: []string{"a", "g"}}},
		{"selected by value and type", `{"op":"remove","path":"members[value eq \"a\" and type eq \"User\"]"}`, ``,
			Members{Remove: []string{"a"}}},
		{"selected by value or type", `{"op":"remove","path":"members[value eq \"a\" or type eq \"Group\"]"}`, ``,
			Members{Remove: []string{"a", "g"}}},
		{"selected by another value and type", `{"op":"remove","path":"members[value ne \"a\" and type eq \"User\"]"}`,
			``, Members{Remove: []string{"b"}}},
		{"selected by value and another type", `{"op":"remove","path":"members[value eq \"a\" and type eq \"Group\"]"}`,
			``, Members{}},
		{"selected after an addition",
			`{"op":"add","path":"members","value":[{"value":"c","type":"User"},{"value":"d","type":"Group"}]},` +
				`{"op":"remove","path":"members[type eq \"User\"]"}`, ``,
			Members{Add: []string{"d"}, Remove: []string{"c", "a", "b"}}},
		{"selected, then added", `{"op":"remove","path":"members[type eq \"User\"]"},` + a, ``,
			Members{Add: []string{"a"}, Remove: []string{"b"}}},
		{"selected after all were replaced",
			`{"op":"replace","path":"members","value":["a",{"value":"b","type":"User"}]},` +
				`{"op":"remove","path":"members[type eq \"User\"]"}`, ``, Members{Replace: true, Add: []string{"a"}}},
		{"ids are exact", `{"op":"add","path":"members","value":["a","A"]}`, ``, Members{Add: []string{"a", "A"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ops, err := Normalize(body(c.ops), groups)
			if err != nil {
				t.Fatal(err)
			}
			rest, members, err := groups.SplitMembers(ops, crew{})
			if err != nil {
				t.Fatal(err)
			}
			diff(t, "wrong rest", lines(c.rest), show(rest))
			diff(t, "wrong members", c.want, members)
			if empty := len(c.want.Add)+len(c.want.Remove) == 0 && !c.want.Replace; members.Empty() != empty {
				t.Errorf("Empty is %v", members.Empty())
			}
		})
	}
}

// asked counts what a request asks of the members that are stored.
type asked struct {
	crew
	all, has int
}

func (a *asked) All() ([]map[string]any, error) {
	a.all++
	return a.crew.All()
}

func (a *asked) Has(filter fp.Expression) (bool, error) {
	a.has++
	return a.crew.Has(filter)
}

// A group may have a hundred thousand members. A few of them are asked for by their ids; for more,
// or for any other filter, all are read, and once.
func TestStoredMembersAreAskedSparingly(t *testing.T) {
	t.Parallel()
	const typed = `{"op":"remove","path":"members[type eq \"Group\"]"}`
	named := func(n int, id string) string {
		return strings.Repeat(`,{"op":"remove","path":"members[value eq \"`+id+`\" and type eq \"User\"]"}`, n)[1:]
	}
	for _, c := range []struct {
		name, ops string
		all, has  int
		want      Members
	}{
		{"ids alone", `{"op":"remove","path":"members[value eq \"a\"]"}`, 0, 0, Members{Remove: []string{"a"}}},
		{"one", named(1, "a"), 0, 1, Members{Remove: []string{"a"}}},
		{"as many as are asked for", named(5, "a"), 0, 5, Members{Remove: []string{"a"}}},
		{"one more", named(5, "x") + "," + named(1, "a"), 1, 5, Members{Remove: []string{"a"}}},
		{"many more", named(5, "x") + "," + named(9, "b"), 1, 5, Members{Remove: []string{"b"}}},
		{"one more of another type", named(5, "x") + "," + named(1, "g"), 1, 5, Members{}},
		{"one more that is not there", named(6, "x"), 1, 5, Members{}},
		{"another filter first", typed + "," + named(1, "a"), 1, 0, Members{Remove: []string{"g", "a"}}},
		{"another filter twice", typed + "," + typed, 1, 0, Members{Remove: []string{"g"}}},
		{"after all were removed", `{"op":"remove","path":"members"},` + typed, 0, 0, Members{Replace: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ops, err := Normalize(body(c.ops), groups)
			if err != nil {
				t.Fatal(err)
			}
			var stored asked
			_, members, err := groups.SplitMembers(ops, &stored)
			if err != nil {
				t.Fatal(err)
			}
			diff(t, "wrong members", c.want, members)
			if stored.all != c.all || stored.has != c.has {
				t.Errorf("all were read %d times, and %d were asked for", stored.all, stored.has)
			}
		})
	}
}

// Each comparison of a filter is made with each member, while a transaction waits.
func TestSelectionsAreLimited(t *testing.T) {
	t.Parallel()
	terms := func(n int) string { return strings.Repeat(` or type eq \"x\"`, n)[4:] }
	remove := func(filter string) string { return `{"op":"remove","path":"members[` + filter + `]"}` }
	for ops, refuses := range map[string]bool{
		remove(terms(50)): false,
		remove(terms(51)): true,
		remove(terms(25)) + "," + remove(terms(25)):                      false,
		remove(terms(25)) + "," + remove(terms(26)):                      true,
		remove(`value eq \"a\" and (` + terms(51) + ")"):                 false,
		remove(`value eq \"a\" or type eq \"x\" or (` + terms(49) + ")"): true,
	} {
		_, err := Normalize(body(ops), groups)
		if got := refused(t, err); (got != "") != refuses || refuses && !strings.HasPrefix(got, "tooMany: ") {
			t.Errorf("%.80s: %q", ops, got)
		}
	}
}
