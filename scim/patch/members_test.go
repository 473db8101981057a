package patch

import "testing"

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
		{"ids are exact", `{"op":"add","path":"members","value":["a","A"]}`, ``, Members{Add: []string{"a", "A"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ops, err := Normalize(body(c.ops), groups)
			if err != nil {
				t.Fatal(err)
			}
			rest, members := SplitMembers(ops)
			diff(t, "wrong rest", lines(c.rest), show(rest))
			diff(t, "wrong members", c.want, members)
			if empty := len(c.want.Add)+len(c.want.Remove) == 0 && !c.want.Replace; members.Empty() != empty {
				t.Errorf("Empty is %v", members.Empty())
			}
		})
	}
}
