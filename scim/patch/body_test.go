package patch

import (
	"fmt"
	"strings"
	"testing"
)

func TestNormalizeEnvelope(t *testing.T) {
	t.Parallel()
	const op = `{"op":"replace","path":"active","value":false}`
	for _, c := range []struct{ name, body, want string }{
		{"missing schemas", `{"Operations":[` + op + `]}`, `replace active false`},
		{"schemas with extra urn",
			`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp","urn:x"],"Operations":[` + op + `]}`,
			`replace active false`},
		{"operations lower-case", `{"schemas":[],"operations":[` + op + `]}`, `replace active false`},
		{"with other members", `{"Operations":[` + op + `],"x":{"y":1}}`, `replace active false`},
		{"operations twice", `{"operations":[` + op + `],"Operations":[` + op + `]}`,
			`invalidSyntax: "Operations" is there twice; send it once`},
		{"empty ops", `{"Operations":[]}`, ``},
		{"no ops", `{}`, `invalidSyntax: Operations must be a list of at least one operation`},
		{"ops no list", `{"Operations":` + op + `}`,
			`invalidSyntax: Operations must be a list of at least one operation`},
		{"no object", `[]`, `invalidSyntax: the body must be a JSON object`},
		{"nothing", ``, `invalidSyntax: the body is not valid JSON, near byte 0`},
		{"broken JSON", `{"Operations":[{"op":`, `invalidSyntax: the body is not valid JSON, near byte 21`},
		{"a comma too many", `{"Operations":[` + op + `,]}`, `invalidSyntax: the body is not valid JSON, near byte 63`},
		{"trailing garbage", `{"Operations":[` + op + `]} x`,
			`invalidSyntax: the body is not valid JSON, near byte 65`},
		{"two objects", `{"Operations":[` + op + `]}{}`, `invalidSyntax: the body is not valid JSON, near byte 64`},
		{"zero character", `{"Operations":[{"op":"add","path":"title","value":"a\u0000b"}]}`,
			`invalidValue: "value" must not contain \u0000`},
		{"zero character in a name", `{"Operations":[{"op":"add","value":{"a\u0000":1}}]}`,
			`invalidSyntax: an attribute name must not contain \u0000`},
		{"invalid UTF-8", "{\"Operations\":\"\xff\"}", `invalidSyntax: the body is not valid UTF-8`},
		{"a member twice", `{"Operations":[{"op":"add","value":{"title":"a","title":"b"}}]}`,
			`invalidSyntax: "title" is there twice; send it once`},
		{"deep nesting", `{"Operations":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`,
			`invalidSyntax: the body is nested deeper than 32`},
		{"very deep nesting", strings.Repeat(`{"a":`, 1_000_000),
			`invalidSyntax: the body is not valid JSON, near byte 50001`},
	} {
		t.Run(c.name, func(t *testing.T) {
			ops, err := Normalize([]byte(c.body), users)
			got := show(ops)
			if err != nil {
				got = refused(t, err) + "\n"
			}
			diff(t, "wrong operations", lines(c.want), got)
		})
	}
}

// many returns n operations, with a number each in place of %d.
func many(n int, op string) []byte {
	ops := make([]string, n)
	for i := range ops {
		ops[i] = fmt.Sprintf(op, i)
	}
	return body(strings.Join(ops, ","))
}

func TestNormalizeLimits(t *testing.T) {
	t.Parallel()
	values := func(n int) string { return strings.TrimSuffix(strings.Repeat(`"a",`, n), ",") }
	for _, c := range []struct {
		name string
		t    *Type
		body []byte
		ops  int
		err  string
	}{
		{"the most operations", users, many(1000, `{"op":"replace","path":"title","value":"t%d"}`), 1000, ""},
		{"more operations", users, many(1001, `{"op":"replace","path":"title","value":"t%d"}`), 0,
			"tooMany: Operations[1000]: the request makes more than 1000 changes; split it"},
		{"removals of 5,000 members", groups, many(5000, `{"op":"remove","path":"members[value eq \"u%d\"]"}`), 1, ""},
		{"a no-path object counts by its attributes", users, body(`{"op":"add","value":{"` + unknownURN + `":{` +
			manyNames(1001) + `}}}`), 0,
			"tooMany: Operations[0]: the request makes more than 1000 changes; split it"},
		{"the most values", users, body(`{"op":"add","path":"emails","value":[` + values(1000) + `]}`), 1, ""},
		{"more values", users, body(`{"op":"add","path":"emails","value":[` + values(1001) + `]}`), 0,
			"invalidValue: Operations[0]: emails has more than 1000 values"},
		{"values to remove many times", users,
			many(12, `{"op":"remove","path":"emails","value":["%d",`+values(999)+`]}`), 0,
			"tooMany: Operations[10]: the request makes more than 1000 changes; split it"},
		{"20,000 members", groups, body(`{"op":"replace","path":"members","value":[` + values(20000) + `]}`), 1, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			ops, err := Normalize(c.body, c.t)
			if got := refused(t, err); got != c.err || len(ops) != c.ops {
				t.Errorf("got %d operations and %q, want %d and %q", len(ops), got, c.ops, c.err)
			}
		})
	}
}

// manyNames returns n members of an object.
func manyNames(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf(`"a%d":1`, i)
	}
	return strings.Join(names, ",")
}
