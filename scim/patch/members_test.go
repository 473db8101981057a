package patch

import (
	"slices"
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
