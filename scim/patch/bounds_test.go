package patch

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// Each limit lets its own number through and refuses the next, so that what an error says is true.
func TestLimitsOfABody(t *testing.T) {
	t.Parallel()
	list := func(n int) string { return "[" + strings.Repeat(",1", n)[1:] + "]" }
	nested := func(n int) string { return strings.Repeat("[", n-1) + "1" + strings.Repeat("]", n-1) }
	values := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,{"value":"%d"}`, i)
		}
		return "[" + b.String()[1:] + "]"
	}
	names := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"a%d":1`, i)
		}
		return "{" + b.String()[1:] + "}"
	}
	const other = `"urn:example:other:1.0:Thing":`
	for _, c := range []struct{ name, body, want string }{
		{"the most values", `{"userName":"a","x":` + list(maxNodes-3) + `}`, ""},
		{"one value more", `{"userName":"a","x":` + list(maxNodes-2) + `}`,
			"tooMany: the body has more than 500000 values; send less at once"},
		{"the deepest nesting", `{"userName":"a","x":` + nested(MaxDepth) + `}`, ""},
		{"nested once more", `{"userName":"a","x":` + nested(MaxDepth+1) + `}`,
			"invalidSyntax: the body is nested deeper than 32"},
		{"the most attributes", `{"userName":"a",` + other + names(maxNames) + `}`, ""},
		{"one attribute more", `{"userName":"a",` + other + names(maxNames+1) + `}`,
			"tooMany: an object has more than 5000 attributes"},
		{"the longest number", `{"userName":"a","x":` + strings.Repeat("1", maxDigits) + `}`, ""},
		{"a longer number", `{"userName":"a","x":` + strings.Repeat("1", maxDigits+1) + `}`,
			`invalidValue: "x" is a number out of range`},
		{"the least exponent", `{"userName":"a","x":1e-400}`, ""},
		{"a smaller exponent", `{"userName":"a","x":1e-401}`, `invalidValue: "x" is a number out of range`},
		{"a number that begins with a digit of nine", `{"userName":"a","x":9}`, ""},
		{"a zero character first", `{"userName":"\u0000a"}`, `invalidValue: "userName" must not contain \u0000`},
		{"the most photos", `{"userName":"a","photos":` + values(MaxValues) + `}`, ""},
		{"one photo more", `{"userName":"a","photos":` + values(MaxValues+1) + `}`,
			"invalidValue: photos has more than 1000 values"},
		{"the most values of an unknown attribute",
			`{"userName":"a",` + other + `{"x":` + values(MaxValues) + `}}`, ""},
		{"one value of it more", `{"userName":"a",` + other + `{"x":` + values(MaxValues+1) + `}}`,
			"invalidValue: X:x has more than 1000 values"},
		{"sixteen attributes and one twice", `{` + names(16)[1:len(names(16))-1] + `,"a3":1}`,
			`invalidSyntax: "a3" is there twice; send it once`},
		{"seventeen attributes and one twice", `{` + names(17)[1:len(names(17))-1] + `,"a16":1}`,
			`invalidSyntax: "a16" is there twice; send it once`},
		{"thirty attributes and the first twice", `{` + names(30)[1:len(names(30))-1] + `,"a0":1}`,
			`invalidSyntax: "a0" is there twice; send it once`},
		{"a name that is just short enough to be told", `{"` + strings.Repeat("n", 80) + `":1e-401}`,
			`invalidValue: "` + strings.Repeat("n", 80) + `" is a number out of range`},
		{"a longer name", `{"` + strings.Repeat("n", 81) + `":1e-401}`,
			`invalidValue: "` + strings.Repeat("n", 80) + `…" is a number out of range`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := Document([]byte(c.body), users)
			got := ""
			if err != nil {
				got = refused(t, err)
			}
			diff(t, "wrong error", c.want, got)
		})
	}
}

// A PATCH may fill an attribute up to its limit, and no further.
func TestPatchFillsAnAttributeToItsLimit(t *testing.T) {
	t.Parallel()
	full := make([]any, MaxValues-1)
	for i := range full {
		full[i] = map[string]any{"value": fmt.Sprint(i)}
	}
	for added, want := range map[string]string{
		`[{"value":"x1"}]`:                "",
		`[{"value":"x1"},{"value":"x2"}]`: "invalidValue: photos would have more than 1000 values",
	} {
		ops, err := Normalize(body(`{"op":"add","path":"photos","value":`+added+`}`), users)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = Apply(map[string]any{"userName": "a", "photos": full}, ops, users)
		got := ""
		if err != nil {
			got = refused(t, err)
		}
		diff(t, "wrong error", want, got)
	}
}

// The element that was made primary last is the primary one, at every place of the list.
func TestOnePrimaryAtAnyPlace(t *testing.T) {
	t.Parallel()
	two := `{"op":"add","path":"emails","value":[{"value":"a@x.example"},{"value":"b@x.example"}]}`
	for _, c := range []struct{ name, ops, want string }{
		{"the first, by its value",
			two + `,{"op":"replace","path":"emails[value eq \"b@x.example\"].primary","value":true},` +
				`{"op":"replace","path":"emails[value eq \"a@x.example\"].primary","value":true}`, "a@x.example"},
		{"the first, by adding it again",
			two + `,{"op":"replace","path":"emails[value eq \"b@x.example\"].primary","value":true},` +
				`{"op":"add","path":"emails","value":[{"value":"a@x.example","primary":true}]}`, "a@x.example"},
		{"a new one", two + `,{"op":"replace","path":"emails[value eq \"a@x.example\"].primary","value":true},` +
			`{"op":"add","path":"emails","value":[{"value":"c@x.example","primary":true}]}`, "c@x.example"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ops, err := Normalize(body(c.ops), users)
			if err != nil {
				t.Fatal(err)
			}
			doc, _, err := Apply(map[string]any{"userName": "a"}, ops, users)
			if err != nil {
				t.Fatal(err)
			}
			list, _ := doc["emails"].([]any)
			var primary []any
			for _, e := range list {
				if m, _ := e.(map[string]any); m["primary"] == true {
					primary = append(primary, m["value"])
				}
			}
			if len(primary) != 1 || primary[0] != c.want {
				t.Errorf("primary are %v", primary)
			}
		})
	}
}

// Numbers are compared by their value, and neither bound is the other.
func TestComparisonsOfNumbers(t *testing.T) {
	t.Parallel()
	for filter, matches := range map[string]bool{
		"level gt 1": true, "level gt 2": false, "level ge 2": true, "level ge 3": false,
		"level lt 3": true, "level lt 2": false, "level le 2": true, "level le 1": false,
	} {
		ops, err := Normalize(body(`{"op":"remove","path":"urn:example:other:1.0:Thing:xs[`+filter+`]"}`), users)
		if err != nil {
			t.Fatal(err)
		}
		doc := map[string]any{"userName": "a", unknownURN: map[string]any{
			"xs": []any{map[string]any{"level": json.Number("2"), "value": "v"}},
		}}
		doc, _, err = Apply(doc, ops, users)
		if err != nil {
			t.Fatal(err)
		}
		if _, there := doc[unknownURN]; there == matches {
			t.Errorf("%s: %v", filter, doc)
		}
	}
}
