package patch

import "testing"

func TestNormalizeGroups(t *testing.T) {
	for _, c := range []normalizeTest{
		{"add members $ref null", `{"op":"Add","path":"members","value":[{"$ref":null,"value":"u1"}]}`,
			`add members [{"value":"u1"}]`},
		{"remove members array (Entra)", `{"op":"Remove","path":"members","value":[{"$ref":null,"value":"u1"}]}`,
			`remove members [{"value":"u1"}]`},
		{"remove members empty array (Entra)", `{"op":"Remove","path":"members","value":[]}`, ``},
		{"remove members array without value", `{"op":"Remove","path":"members","value":[{"display":"x"}]}`,
			`invalidValue: Operations[0]: each value to remove from members must say which it is; to remove all, ` +
				`send no value`},
		{"remove members array with empty object", `{"op":"Remove","path":"members","value":[{}]}`,
			`invalidValue: Operations[0]: each value to remove from members must say which it is; to remove all, ` +
				`send no value`},
		{"remove members array with null", `{"op":"Remove","path":"members","value":[null]}`,
			`invalidValue: Operations[0]: each value to remove from members must say which it is; to remove all, ` +
				`send no value`},
		{"remove members array with null value", `{"op":"Remove","path":"members","value":[{"value":null}]}`,
			`invalidValue: Operations[0]: each value to remove from members must say which it is; to remove all, ` +
				`send no value`},
		{"remove members empty string", `{"op":"Remove","path":"members","value":""}`,
			`invalidValue: Operations[0]: each value to remove from members must say which it is; to remove all, ` +
				`send no value`},
		{"remove members empty object", `{"op":"Remove","path":"members","value":{}}`,
			`invalidValue: Operations[0]: each value to remove from members must say which it is; to remove all, ` +
				`send no value`},
		{"remove members number", `{"op":"Remove","path":"members","value":5}`,
			`invalidValue: Operations[0]: members must be an object`},
		{"remove members string", `{"op":"Remove","path":"members","value":"u1"}`, `remove members [{"value":"u1"}]`},
		{"remove members strings", `{"op":"Remove","path":"members","value":["u1","u2"]}`,
			`remove members [{"value":"u1"},{"value":"u2"}]`},
		{"remove members object", `{"op":"Remove","path":"members","value":{"value":"u1"}}`,
			`remove members [{"value":"u1"}]`},
		{"remove members filter", `{"op":"remove","path":"members[value eq \"u1\"]"}`,
			`remove members [{"value":"u1"}]`},
		{"remove members filter with value", `{"op":"remove","path":"members[value eq \"u1\"]","value":[]}`,
			`remove members [{"value":"u1"}]`},
		{"remove members filter or",
			`{"op":"remove","path":"members[value eq \"u1\" or value eq \"u2\" or value eq \"u3\"]"}`,
			`remove members [{"value":"u1"},{"value":"u2"},{"value":"u3"}]`},
		{"remove members filter and", `{"op":"remove","path":"members[value eq \"u1\" and type eq \"User\"]"}`,
			`remove members[value eq "u1" and type eq "User"]`},
		{"remove members filter empty", `{"op":"remove","path":"members[value eq \"\"]"}`,
			`remove members[value eq ""]`},
		{"remove members filter not", `{"op":"remove","path":"members[not (value eq \"u1\")]"}`,
			`remove members[not(value eq "u1")]`},
		{"remove members filter pr", `{"op":"remove","path":"members[value pr]"}`,
			`remove members[value pr]`},
		{"remove members filter display", `{"op":"remove","path":"members[display eq \"x\"]"}`,
			`remove members[display eq "x"]`},
		{"remove members.value", `{"op":"remove","path":"members.value"}`,
			`mutability: Operations[0]: members.value cannot be changed; remove the member and add it again`},
		{"remove all members", `{"op":"remove","path":"members"}`, `remove members`},
		{"remove all members value null", `{"op":"remove","path":"members","value":null}`, `remove members`},
		{"replace members", `{"op":"replace","path":"members","value":[{"value":"u1","display":"a"}]}`,
			`replace members [{"display":"a","value":"u1"}]`},
		{"replace members null", `{"op":"replace","path":"members","value":null}`, `remove members`},
		{"replace members []", `{"op":"replace","path":"members","value":[]}`, `remove members`},
		{"replace members empty string", `{"op":"replace","path":"members","value":""}`,
			`invalidValue: Operations[0]: members must be a list of objects with a value`},
		{"replace members without value", `{"op":"replace","path":"members","value":[{"display":"x"}]}`,
			`invalidValue: Operations[0]: each of members needs the id of the member as its value`},
		{"replace members with null", `{"op":"replace","path":"members","value":[null]}`,
			`invalidValue: Operations[0]: each of members needs the id of the member as its value`},
		{"add member string", `{"op":"add","path":"members","value":"u1"}`, `add members [{"value":"u1"}]`},
		{"add member strings", `{"op":"add","path":"members","value":["u1"]}`, `add members [{"value":"u1"}]`},
		{"add member extra keys", `{"op":"add","path":"members","value":[{"displayName":"new User","value":"u1"}]}`,
			`add members [{"value":"u1"}]`},
		{"add member without value", `{"op":"add","path":"members","value":[{"display":"x"}]}`,
			`invalidValue: Operations[0]: each of members needs the id of the member as its value`},
		{"add no member", `{"op":"add","path":"members","value":[]}`, ``},
		{"okta rename with id", `{"op":"replace","value":{"id":"g1","displayName":"N"}}`, `replace displayName "N"`},
		{"okta rename with schemas",
			`{"op":"replace","value":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"id":"g1",` +
				`"displayName":"N"}}`, `replace displayName "N"`},
		{"no path members", `{"op":"add","value":{"members":[{"value":"u1"}]}}`, `add members [{"value":"u1"}]`},
		{"no path members string list", `{"op":"add","value":{"members":["u1"]}}`, `add members [{"value":"u1"}]`},
		{"members[value eq x].display", `{"op":"replace","path":"members[value eq \"u1\"].display","value":"D"}`,
			`mutability: Operations[0]: members.display cannot be changed; remove the member and add it again`},
		{"members[value eq x] replaced", `{"op":"replace","path":"members[value eq \"u1\"]","value":{"value":"u2"}}`,
			`invalidPath: Operations[0]: members are added by the path members, with a list of values`},
		{"remove with value in no-path", `{"op":"remove","value":{"members":[{"value":"u1"}]}}`,
			`noTarget: Operations[0]: remove needs a path`},
		{"removals in a row are folded", `
			{"op":"remove","path":"members[value eq \"u1\"]"},
			{"op":"remove","path":"members","value":[{"value":"u2"},{"value":"u3"}]},
			{"op":"remove","path":"members[value eq \"u4\"]"}`,
			`remove members [{"value":"u1"},{"value":"u2"},{"value":"u3"},{"value":"u4"}]`},
		{"additions in a row are folded", `
			{"op":"add","path":"members","value":[{"value":"u1"}]},
			{"op":"add","path":"members","value":[{"value":"u2"}]}`, `add members [{"value":"u1"},{"value":"u2"}]`},
		{"a removal of all is not folded", `
			{"op":"remove","path":"members"},
			{"op":"remove","path":"members[value eq \"u1\"]"},
			{"op":"remove","path":"members"}`, `
			remove members
			remove members [{"value":"u1"}]
			remove members`},
		{"order is kept", `
			{"op":"remove","path":"members[value eq \"u1\"]"},
			{"op":"add","path":"members","value":[{"value":"u1"}]},
			{"op":"replace","path":"displayName","value":"N"},
			{"op":"remove","path":"members[value eq \"u2\"]"}`, `
			remove members [{"value":"u1"}]
			add members [{"value":"u1"}]
			replace displayName "N"
			remove members [{"value":"u2"}]`},
		{"remove displayName", `{"op":"remove","path":"displayName"}`,
			`mutability: Operations[0]: displayName is required and cannot be removed`},
		{"a user's attribute", `{"op":"replace","path":"userName","value":"x"}`,
			`invalidPath: Operations[0]: there is no attribute "userName"; the schemas are at /Schemas`},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, groups) })
	}
}
