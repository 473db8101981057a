package patch

import (
	"errors"
	"strings"
	"testing"
)

const patchURN = `"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],`

// TestStrictNormalize: a strict type refuses each dialect that another type accepts, and accepts
// what the RFC allows.
func TestStrictNormalize(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, operation string
		of              *Type
		want            string // the operations, or the scimType of the error
	}{
		{"active as a string", `{"op":"replace","path":"active","value":"False"}`, strictUsers, InvalidValue},
		{"primary as a string", `{"op":"replace","path":"emails[type eq \"work\"].primary","value":"True"}`,
			strictUsers, InvalidValue},
		{"primary as a string in a list", `{"op":"add","path":"emails","value":[{"value":"a","primary":"True"}]}`,
			strictUsers, InvalidValue},
		{"a string in Microsoft's list", `{"op":"replace","path":"title","value":[{"$ref":null,"value":"a"}]}`,
			strictUsers, InvalidValue},
		{"a number as a string", `{"op":"replace","path":"A:level","value":"7"}`, strictUsers, InvalidValue},
		{"op in upper case", `{"op":"Replace","path":"active","value":false}`, strictUsers, InvalidSyntax},
		{"an object where a list is declared", `{"op":"add","path":"emails","value":{"value":"a"}}`, strictUsers,
			InvalidValue},
		{"a string where a list is declared", `{"op":"add","path":"emails","value":"a"}`, strictUsers, InvalidValue},
		{"a string for an element", `{"op":"replace","path":"emails[type eq \"work\"]","value":"a"}`, strictUsers,
			InvalidValue},
		{"a string for a complex attribute", `{"op":"add","path":"E:manager","value":"u2"}`, strictUsers, InvalidValue},
		{"a list for a complex attribute", `{"op":"add","path":"E:manager","value":[{"value":"u2"}]}`, strictUsers,
			InvalidValue},
		{"members as strings", `{"op":"add","path":"members","value":["u1"]}`, strictGroups, InvalidValue},
		{"remove with a list", `{"op":"remove","path":"members","value":[{"value":"u1"}]}`, strictGroups,
			InvalidSyntax},
		{"remove with null", `{"op":"remove","path":"members","value":null}`, strictGroups, InvalidSyntax},
		{"an extension's attribute without its URN", `{"op":"replace","path":"department","value":"X"}`, strictUsers,
			InvalidPath},
		{"a period after the URN", `{"op":"replace","path":"` + enterprise + `.department","value":"X"}`, strictUsers,
			InvalidPath},
		{"an unknown extension as path", `{"op":"remove","path":"` + unknownURN + `"}`, strictUsers, InvalidPath},
		{"an unknown URN", `{"op":"add","path":"X:size","value":1}`, strictUsers, InvalidPath},
		{"dotted keys", `{"op":"replace","value":{"name.givenName":"K"}}`, strictUsers, InvalidPath},
		{"URN keys", `{"op":"replace","value":{"E:department":"K"}}`, strictUsers, InvalidPath},
		{"value paths as keys", `{"op":"replace","value":{"emails[type eq \"work\"].value":"a"}}`, strictUsers,
			InvalidPath},
		{"an unknown extension as key", `{"op":"replace","value":{"` + unknownURN + `":{"size":1}}}`, strictUsers,
			InvalidPath},
		{"id without a path", `{"op":"replace","value":{"id":"g1","displayName":"N"}}`, strictGroups, Mutability},
		{"groups without a path", `{"op":"replace","value":{"groups":[]}}`, strictUsers, Mutability},

		{"a boolean", `{"op":"replace","path":"ACTIVE","value":false}`, strictUsers, `replace active false`},
		{"attributes without a path", `{"op":"add","value":{"nickName":"n","` + enterprise + `":{"department":"X"}}}`,
			strictUsers, "add nickName \"n\"\nadd E:department \"X\""},
		{"a manager", `{"op":"add","path":"E:manager","value":{"value":"u2"}}`, strictUsers,
			`add E:manager {"value":"u2"}`},
		{"a whole extension removed", `{"op":"remove","path":"` + enterprise + `"}`, strictUsers, `remove E`},
		{"a whole extension with its schemas inside",
			`{"op":"add","path":"` + enterprise + `","value":{"schemas":["` + enterprise + `"],"department":"X"}}`,
			strictUsers, `add E:department "X"`},
		{"a whole extension", `{"op":"add","path":"` + enterprise + `","value":{"department":"X"}}`, strictUsers,
			`add E:department "X"`},
		{"two primary values",
			`{"op":"replace","path":"emails","value":[{"value":"a","primary":true},{"value":"b","primary":true}]}`,
			strictUsers, InvalidValue},
		{"null", `{"op":"replace","path":"title","value":null}`, strictUsers, `remove title`},
		{"no values", `{"op":"replace","path":"emails","value":[]}`, strictUsers, `remove emails`},
		{"members", `{"op":"add","path":"members","value":[{"value":"u1","$ref":"x","type":"User"}]}`, strictGroups,
			`add members [{"$ref":"x","type":"User","value":"u1"}]`},
		{"a member removed", `{"op":"remove","path":"members[value eq \"u1\"]"}`, strictGroups,
			`remove members [{"value":"u1"}]`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			body := `{` + patchURN + `"Operations":[` + long.Replace(test.operation) + `]}`
			ops, err := Normalize([]byte(body), test.of)
			if p := (*Error)(nil); errors.As(err, &p) {
				if p.ScimType != test.want {
					t.Errorf("refused by %v, want %s", err, test.want)
				}
				return
			}
			if got := strings.TrimSpace(show(ops)); got != test.want {
				t.Errorf("operations %s, want %s", got, test.want)
			}
			lenient := users
			if test.of == strictGroups {
				lenient = groups
			}
			if also, err := Normalize([]byte(body), lenient); err != nil || show(also) != show(ops) {
				t.Errorf("what the RFC has is taken otherwise without strictness: %s %v", show(also), err)
			}
		})
	}
	for name, schemas := range map[string]string{"no schemas": ``, "others": `"schemas":["` + coreURN + `"],`,
		"no list": `"schemas":"x",`} {
		_, err := Normalize([]byte(`{`+schemas+`"Operations":[{"op":"remove","path":"title"}]}`), strictUsers)
		if p := (*Error)(nil); !errors.As(err, &p) || p.ScimType != InvalidSyntax {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStrictDocument(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ body, scimType string }{
		"complete": {`{"schemas":["U"],"userName":"a","emails":[{"value":"x","primary":true}]}`,
			""},
		"an extension":                     {`{"schemas":["U","E"],"userName":"a","E":{"department":"x"}}`, ""},
		"an unknown extension":             {`{"schemas":["U"],"userName":"a","urn:example:x":{"department":"x"}}`, ""},
		"no schemas":                       {`{"userName":"a"}`, InvalidSyntax},
		"another's schemas":                {`{"schemas":["E"],"userName":"a"}`, InvalidSyntax},
		"an extension that is not listed":  {`{"schemas":["U"],"userName":"a","E":{"department":"x"}}`, InvalidSyntax},
		"a string for a boolean":           {`{"schemas":["U"],"userName":"a","active":"True"}`, InvalidValue},
		"an object for a list":             {`{"schemas":["U"],"userName":"a","emails":{"value":"x"}}`, InvalidValue},
		"a list of strings":                {`{"schemas":["U"],"userName":"a","emails":["x"]}`, InvalidValue},
		"a string for a complex attribute": {`{"schemas":["U","E"],"userName":"a","E":{"manager":"x"}}`, InvalidValue},
	} {
		body := strings.NewReplacer(`"U"`, `"`+coreURN+`"`, `"E"`, `"`+enterprise+`"`).Replace(test.body)
		_, _, err := Document([]byte(body), strictUsers)
		p := &Error{}
		if errors.As(err, &p); p.ScimType != test.scimType {
			t.Errorf("%s: %v, want %s", name, err, test.scimType)
		}
	}
}

// A strict type creates no element for a filter that matches none.
func TestStrictApply(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"add", "replace"} {
		ops, err := Normalize(
			[]byte(`{`+patchURN+`"Operations":[{"op":"`+op+`","path":"emails[type eq \"work\"].value","value":"a"}]}`),
			strictUsers)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = Apply(map[string]any{"userName": "a"}, ops, strictUsers)
		if p := (*Error)(nil); !errors.As(err, &p) || p.ScimType != NoTarget {
			t.Errorf("%s: %v", op, err)
		}
		if _, changed, err := Apply(map[string]any{"userName": "a"}, ops, users); err != nil || !changed {
			t.Errorf("%s without strictness: %v", op, err)
		}
	}
}
