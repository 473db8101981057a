package patch

import "testing"

// TestTextOfAnObject has values as clients built on SCIM-SDK write them: in a list of one, and as
// JSON in a string.
func TestTextOfAnObject(t *testing.T) {
	t.Parallel()
	const notItself = `invalidValue: Operations[0]: emails.value must be the value itself, not JSON in a string`
	for _, c := range []normalizeTest{
		{"no path, a list of an object", `{"op":"replace","value":[{"active":false}]}`, `replace active false`},
		{"no path, a text", `{"op":"replace","value":" {\"title\":\"t\"} "}`, `replace title "t"`},
		{"no path, a list of a text", `{"op":"add","value":["{\"title\":[\"t\"]}"]}`, `add title "t"`},
		{"no path, two objects", `{"op":"add","value":[{"title":"t"},{"title":"u"}]}`,
			`invalidValue: Operations[0]: value must be an object with attributes when there is no path`},
		{"no path, the text of a list", `{"op":"add","value":"[{\"title\":\"t\"}]"}`,
			`invalidValue: Operations[0]: value must be an object with attributes when there is no path`},
		{"no path, a text with a name twice", `{"op":"add","value":"{\"title\":\"t\",\"title\":\"u\"}"}`,
			`invalidSyntax: Operations[0]: "title" is there twice; send it once`},
		{"an extension as text", `{"op":"add","path":"` + enterprise + `","value":"{\"division\":\"d\"}"}`,
			`add E:division "d"`},
		{"an extension in a list as a member", `{"op":"add","value":{"` + enterprise + `":[{"division":"d"}]}}`,
			`add E:division "d"`},
		{"a complex attribute", `{"op":"add","path":"name","value":"{\"givenName\":\"g\"}"}`,
			`add name {"givenName":"g"}`},
		{"a complex attribute in a list", `{"op":"add","path":"name","value":["{\"givenName\":[\"g\"]}"]}`,
			`add name {"givenName":"g"}`},
		{"a complex attribute as other JSON", `{"op":"add","path":"name","value":"null"}`,
			`invalidValue: Operations[0]: name must be an object, not other JSON in a string`},
		{"a complex attribute with a name twice",
			`{"op":"add","path":"name","value":"{\"givenName\":1,\"givenName\":2}"}`,
			`invalidSyntax: Operations[0]: "givenName" is there twice; send it once`},
		{"a manager", `{"op":"add","path":"manager","value":"{\"value\":\"m\"}"}`, `add E:manager {"value":"m"}`},
		{"a manager's id as text", `{"op":"add","path":"manager.value","value":"{\"value\":\"m\"}"}`,
			`add E:manager.value "m"`},
		{"a manager's id as text with a name twice",
			`{"op":"add","path":"manager.value","value":"{\"value\":\"m\",\"value\":\"n\"}"}`,
			`invalidSyntax: Operations[0]: "value" is there twice; send it once`},
		{"a manager's id as text with a name twice in another case",
			`{"op":"add","path":"manager.value","value":"{\"value\":\"m\",\"Value\":\"n\"}"}`,
			`invalidSyntax: Operations[0]: "value" is there twice; send it once`},
		{"a manager's id as the text of nothing", `{"op":"add","path":"manager.value","value":"{\"value\":\"\"}"}`,
			`invalidValue: Operations[0]: E:manager.value must be the id of a resource, not JSON in a string`},
		{"a manager's id as text in text",
			`{"op":"add","path":"manager.value","value":"{\"value\":\"{\\\"value\\\":\\\"m\\\"}\"}"}`,
			`invalidValue: Operations[0]: E:manager.value must be the id of a resource, not JSON in a string`},
		{"an id that looks like JSON and is none", `{"op":"add","path":"manager.value","value":"{m"}`,
			`add E:manager.value "{m"`},
		{"an e-mail as text", `{"op":"add","path":"emails","value":["{\"value\":\"a\"}"]}`,
			`add emails [{"value":"a"}]`},
		{"an e-mail as a text", `{"op":"add","path":"emails","value":"{\"value\":\"a\"}"}`,
			`add emails [{"value":"a"}]`},
		{"an address as a text", `{"op":"add","path":"addresses","value":"{\"locality\":\"a\"}"}`,
			`add addresses [{"locality":"a"}]`},
		{"an e-mail as a text without its value", `{"op":"replace","path":"emails","value":"{\"type\":\"a\"}"}`,
			`invalidValue: Operations[0]: emails must be a list, not JSON in a string; send it without the quotes`},
		{"e-mails as a text", `{"op":"replace","path":"emails","value":"[{\"value\":\"a\"}]"}`,
			`invalidValue: Operations[0]: emails must be a list, not JSON in a string; send it without the quotes`},
		{"an e-mail as the text of nothing", `{"op":"replace","path":"emails","value":"{}"}`,
			`invalidValue: Operations[0]: emails must be a list, not JSON in a string; send it without the quotes`},
		{"a simple value as the text of an object", `{"op":"add","path":"A:badges","value":"{\"value\":\"a\"}"}`,
			`invalidValue: Operations[0]: A:badges must be a list, not JSON in a string; send it without the quotes`},
		{"e-mails as a text with a name twice", `{"op":"add","path":"emails","value":"{\"value\":1,\"value\":2}"}`,
			`invalidSyntax: Operations[0]: "value" is there twice; send it once`},
		{"simple values as a text", `{"op":"add","path":"A:badges","value":"[]"}`,
			`invalidValue: Operations[0]: A:badges must be a list, not JSON in a string; send it without the quotes`},
		{"a simple value that looks like JSON", `{"op":"add","path":"A:badges","value":["[]"]}`, `add A:badges ["[]"]`},
		{"a selected e-mail as text", `{"op":"add","path":"emails[type eq \"work\"]","value":"{\"value\":\"a\"}"}`,
			`add emails[type eq "work"] {"value":"a"}`},
		{"a selected e-mail as a text in a list", `{"op":"add","path":"emails[type eq \"work\"]","value":["a"]}`,
			`add emails[type eq "work"].value "a"`},
		{"a selected e-mail's value", `{"op":"add","path":"emails[type eq \"work\"].value","value":["a"]}`,
			`add emails[type eq "work"].value "a"`},
		{"a selected simple value", `{"op":"replace","path":"A:badges[value eq \"a\"]","value":["b"]}`,
			`replace A:badges[value eq "a"] "b"`},
		{"an address that is JSON", `{"op":"add","path":"emails","value":[{"value":"null"}]}`, notItself},
		{"an address that is JSON after space", `{"op":"add","path":"emails.value","value":" []"}`, notItself},
		{"an address that is nearly JSON", `{"op":"add","path":"emails.value","value":"[]x"}`,
			`add emails.value "[]x"`},
		{"an address of space", `{"op":"add","path":"emails.value","value":" "}`, `add emails.value " "`},
		{"a number of digits", `{"op":"add","path":"phoneNumbers.value","value":"555"}`,
			`add phoneNumbers.value "555"`},
		{"a role's value that is JSON", `{"op":"add","path":"roles","value":[{"value":"[]"}]}`,
			`add roles [{"value":"[]"}]`},
		{"an entitlement that is JSON", `{"op":"add","path":"entitlements.value","value":"{}"}`,
			`add entitlements.value "{}"`},
		{"a plain text that is JSON", `{"op":"add","path":"nickName","value":["{\"a\":1}"]}`,
			`add nickName "{\"a\":1}"`},
		{"a list of an empty list", `{"op":"replace","path":"title","value":[[]]}`,
			`invalidValue: Operations[0]: title must be a string`},
		{"a list of null", `{"op":"replace","path":"title","value":[null]}`, `remove title`},
		{"a required attribute in a list", `{"op":"replace","path":"userName","value":["u"]}`, `replace userName "u"`},
		{"a blank required attribute in a list", `{"op":"replace","path":"userName","value":[" "]}`,
			`invalidValue: Operations[0]: userName is required and must not be empty`},
		{"an element without its value", `{"op":"replace","path":"emails","value":[{"type":"work"}]}`, `remove emails`},
		{"an element with null for a required sub-attribute",
			`{"op":"replace","path":"A:keys[count eq 1]","value":{"value":null}}`, `remove A:keys[count eq 1]`},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, users) })
	}
	for _, c := range []normalizeTest{
		{"a member", `{"op":"add","path":"members","value":"{\"value\":\"u\"}"}`, `add members [{"value":"u"}]`},
		{"members", `{"op":"remove","path":"members","value":["{\"value\":\"u\"}","v"]}`,
			`remove members [{"value":"u"},{"value":"v"}]`},
		{"a list as text", `{"op":"replace","path":"members","value":"[]"}`,
			`invalidValue: Operations[0]: members must be a list, not JSON in a string; send it without the quotes`},
		{"an id as text", `{"op":"add","path":"members","value":[{"value":"{\"value\":\"u\"}"}]}`,
			`add members [{"value":"u"}]`},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, groups) })
	}
}

// TestStringForAList checks that the body of a POST or PUT has no string where the schema has a
// list of objects.
func TestStringForAList(t *testing.T) {
	const noList = "invalidValue: emails must be a list of objects, not a string"
	t.Parallel()
	for body, want := range map[string]string{
		`{"userName":"x","emails":"a"}`:                 noList,
		`{"userName":"x","` + coreURN + `:emails":"a"}`: noList,
		`{"userName":"x","A":{"codes":"c","keys":"k"}}`: `invalidValue: A:keys must be a list of objects, ` +
			`not a string`,
		`{"userName":"x","emails":"","A":{"codes":"c"}}`: "",
		`{"userName":"x","groups":"a"}`:                  "",
		`{"userName":"x","E":{"manager":"m"}}`:           "",
		`{"userName":"x","name":"{\"givenName\":1}"}`:    "invalidValue: name.givenName must be a string",
		`{"userName":"x","E":"{\"division\":1}"}`:        "invalidValue: E:division must be a string",
		`{"userName":"x","E":"{\"division\":1,\"division\":2}"}`: `invalidSyntax: "division" is there twice; ` +
			`send it once`,
		`{"userName":"x","` + coreURN + `":"{\"title\":1}"}`: "invalidValue: title must be a string",
	} {
		_, _, err := Document([]byte(expand(body)), users)
		if got := refused(t, err); got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}
