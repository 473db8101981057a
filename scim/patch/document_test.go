package patch

import (
	"fmt"
	"strings"
	"testing"
)

func TestDocument(t *testing.T) {
	t.Parallel()
	const half = `invalidValue: "title" must not contain half of a surrogate pair, such as \ud83d alone; send whole ` +
		`characters`
	for _, c := range []struct{ name, body, want string }{
		{"full user", `{"schemas":["` + coreURN + `","` + enterprise +
			`"],"id":"clientid","userName":"BJensen@Example.com","externalId":"Ext-1",
			"name":{"givenName":"Barbara","familyName":"Jensen"},"displayName":"Babs","active":true,
			"password":"t0p-s3cret","title":"",
			"emails":[{"value":"b@work.com","type":"work","primary":true},{"value":"b@home.com","type":"home"}],
			"groups":[{"value":"x"}],
			"meta":{"resourceType":"User"},"E":{"department":"Eng","manager":{"value":"u9","displayName":"ro"}},
			"A":{"tag":"T","level":7,"codes":["c"],"pin":"1","frozen":"f"},"unknownAttr":1}`,
			`{"userName":"BJensen@Example.com","externalId":"Ext-1","name":{"givenName":"Barbara",
			"familyName":"Jensen"},"displayName":"Babs","active":true,
			"emails":[{"value":"b@work.com","type":"work","primary":true},{"value":"b@home.com","type":"home"}],
			"E":{"department":"Eng","manager":{"value":"u9"}},"A":{"tag":"T","level":7,"codes":["c"],"frozen":"f"}}`},
		{"no schemas", `{"userName":"x"}`, `{"userName":"x"}`},
		{"schemas empty", `{"schemas":[],"userName":"x"}`, `{"userName":"x"}`},
		{"schemas null", `{"schemas":null,"userName":"x"}`, `{"userName":"x"}`},
		{"schemas a number", `{"schemas":5,"userName":"x"}`, `invalidSyntax: schemas must be a list that has U`},
		{"schemas of a group", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"userName":"x"}`,
			`invalidSyntax: schemas must be a list that has U`},
		{"extension body w/o URN in schemas", `{"schemas":["` + coreURN + `"],"userName":"x","E":{"department":"Eng"}}`,
			`{"userName":"x","E":{"department":"Eng"}}`},
		{"extension key lower-cased", `{"userName":"x","` + strings.ToLower(enterprise) + `":{"department":"Eng"}}`,
			`{"userName":"x","E":{"department":"Eng"}}`},
		{"upper-case keys", `{"UserName":"x","Active":true,"emails":[{"Primary":true,"Type":"work","Value":"x@x"}],` +
			`"E":{"Department":"bob","Manager":{"Value":"SuzzyQ"}}}`,
			`{"userName":"x","active":true,"emails":[{"primary":true,"type":"work","value":"x@x"}],` +
				`"E":{"department":"bob","manager":{"value":"SuzzyQ"}}}`},
		{"duplicate key differing in case", `{"userName":"x","USERNAME":"y"}`,
			`invalidSyntax: userName is there twice; send it once`},
		{"duplicate extension differing in case",
			`{"userName":"x","E":{"department":"a"},"` + strings.ToLower(enterprise) + `":{"department":"b"}}`,
			`invalidSyntax: "E" is there twice; send it once`},
		{"duplicate unknown extension differing in case", `{"userName":"x","urn:a:b":{"c":1},"URN:A:B":{"c":2}}`,
			`invalidSyntax: "URN:A:B" is there twice; send it once`},
		{"duplicate sub-attribute differing in case", `{"userName":"x","name":{"givenName":"a","givenname":"b"}}`,
			`invalidSyntax: name.givenName is there twice; send it once`},
		{"duplicate attribute of an unknown extension", `{"userName":"x","X":{"b":1,"B":2}}`,
			`invalidSyntax: "B" is there twice; send it once`},
		{"the same key twice", `{"userName":"x","title":"a","title":"b"}`,
			`invalidSyntax: "title" is there twice; send it once`},
		{"missing userName", `{"displayName":"x"}`, `invalidValue: userName is required and must not be empty`},
		{"empty userName", `{"userName":""}`, `invalidValue: userName is required and must not be empty`},
		{"blank userName", `{"userName":"  "}`, `invalidValue: userName is required and must not be empty`},
		{"null userName", `{"userName":null}`, `invalidValue: userName is required and must not be empty`},
		{"userName a number", `{"userName":5}`, `invalidValue: userName must be a string`},
		{"null attributes", `{"userName":"x","title":null,"name":null,"emails":null,"active":null,"E":null,"X":null}`,
			`{"userName":"x"}`},
		{"Entra's root-level null extension attributes", `{"userName":"x","department":null,"manager":null,"roles":[]}`,
			`{"userName":"x"}`},
		{"empty values", `{"userName":"x","title":"","name":{},"emails":[],"E":{},"X":{"a":"","b":[],"c":{},"d":null}}`,
			`{"userName":"x"}`},
		{"values that become empty",
			`{"userName":"x","name":{"givenName":""},"emails":[{"value":null,"type":"work"}],` +
				`"E":{"manager":{"value":"","$ref":"r"}},"X":{"a":{"b":null}}}`, `{"userName":"x"}`},
		{"active as string", `{"userName":"x","active":"True"}`, `{"userName":"x","active":true}`},
		{"active as a word", `{"userName":"x","active":"yes"}`, `invalidValue: active must be true or false`},
		{"roles with primary as string", `{"userName":"x","roles":[{"value":"r","primary":"True"}]}`,
			`{"userName":"x","roles":[{"value":"r","primary":true}]}`},
		{"emails as object", `{"userName":"x","emails":{"value":"a@b","type":"work"}}`,
			`{"userName":"x","emails":[{"value":"a@b","type":"work"}]}`},
		{"emails as strings", `{"userName":"x","emails":["a@b"]}`, `{"userName":"x","emails":[{"value":"a@b"}]}`},
		{"emails as numbers", `{"userName":"x","emails":[5]}`, `invalidValue: emails must be an object`},
		{"an email's type as number", `{"userName":"x","emails":[{"value":"a","type":5}]}`,
			`invalidValue: emails.type must be a string`},
		{"an email without a value", `{"userName":"x","emails":[{"type":"work"}]}`,
			`{"userName":"x"}`},
		{"an email without a value beside another",
			`{"userName":"x","emails":[{"type":"work","primary":true},{"value":"a"}],"addresses":[{"type":"work"}]}`,
			`{"userName":"x","emails":[{"value":"a"}],"addresses":[{"type":"work"}]}`},
		{"the same values", `{"userName":"x","emails":[{"value":"a","type":"w","primary":true},{"value":"b"},
			{"value":"a","type":"w","display":"d"},{"value":"a"},{"value":"b","primary":false}]}`,
			`{"userName":"x","emails":[{"value":"a","type":"w","primary":true,"display":"d"},
			{"value":"b","primary":false},{"value":"a"}]}`},
		{"the same simple values", `{"userName":"x","A":{"codes":["c","d","c"]}}`,
			`{"userName":"x","A":{"codes":["c","d"]}}`},
		{"half of a pair", `{"userName":"x","title":"a\ud83d"}`,
			half},
		{"the other half of a pair", `{"userName":"x","title":"\\\udE00"}`,
			half},
		{"half of a pair before another character", `{"userName":"x","title":"\ud83d\u0041"}`,
			half},
		{"half of a pair in a name", `{"userName":"x","X":{"\udc00":1}}`, `invalidSyntax: an attribute name must ` +
			`not contain half of a surrogate pair, such as \ud83d alone; send whole characters`},
		{"whole pairs, and what looks like half of one", `{"userName":"x","title":"\uD83D\uDE00\ufffd\\ud83d\ufffd\n"}`,
			`{"userName":"x","title":"😀\ufffd\\ud83d\ufffd\n"}`},
		{"two primaries", `{"userName":"x","emails":[{"value":"a","primary":true},{"value":"b","primary":true}]}`,
			`{"userName":"x","emails":[{"value":"a","primary":false},{"value":"b","primary":true}]}`},
		{"manager bare string", `{"userName":"x","E":{"manager":"u1"}}`,
			`{"userName":"x","E":{"manager":{"value":"u1"}}}`},
		{"manager in a list", `{"userName":"x","E":{"manager":[{"value":"u1"}]}}`,
			`{"userName":"x","E":{"manager":{"value":"u1"}}}`},
		{"extension no object", `{"userName":"x","E":"Eng"}`, `invalidValue: E must be an object with attributes`},
		{"extension with unknown attribute", `{"userName":"x","E":{"nope":1,"division":"d"}}`,
			`{"userName":"x","E":{"division":"d"}}`},
		{"extension without a required attribute", `{"userName":"x","A":{"tag":"T"}}`,
			`invalidValue: A:codes is required and must not be empty`},
		{"extension's numbers as strings",
			`{"userName":"x","A":{"codes":"c","level":"7","score":"1.5","contractor":"False"}}`,
			`{"userName":"x","A":{"codes":["c"],"level":7,"score":1.5,"contractor":false}}`},
		{"unknown extension", `{"userName":"x","X":{"b":{"c":[1,{"d":null,"e":"f"}]},"A b":true}}`,
			`{"userName":"x","X":{"b":{"c":[1,{"e":"f"}]},"A b":true}}`},
		{"unknown extension no object", `{"userName":"x","X":5}`, `{"userName":"x"}`},
		{"core schema as key",
			`{"` + coreURN + `":{"UserName":"x","title":"t","emails":["a@b"],"id":"i","schemas":[],"nope":1}}`,
			`{"userName":"x","title":"t","emails":[{"value":"a@b"}]}`},
		{"core schema as key, and an attribute twice", `{"userName":"x","` + coreURN + `":{"username":"y"}}`,
			`invalidSyntax: userName is there twice; send it once`},
		{"an attribute with and without its URN", `{"userName":"x","` + coreURN + `:userName":"y"}`,
			`invalidSyntax: userName is there twice; send it once`},
		{"an extension's attribute with its URN and in its object",
			`{"userName":"x","E":{"department":"a"},"` + enterprise + `:Department":"b"}`,
			`invalidSyntax: E:department is there twice; send it once`},
		{"members of a name with and without a period",
			`{"userName":"x","name":{"givenName":"a"},"name.givenName":"b"}`,
			`{"userName":"x","name":{"givenName":"b"}}`},
		{"core schema as key of no object", `{"userName":"x","` + coreURN + `":"t"}`, `{"userName":"x"}`},
		{"attributes with their URN",
			`{"` + coreURN + `:userName":"x","` + enterprise + `:department":"Eng","` + enterprise +
				`:manager":"m","E":{"division":"d"}}`,
			`{"userName":"x","E":{"department":"Eng","division":"d","manager":{"value":"m"}}}`},
		{"sub-attributes with a period",
			`{"userName":"x","name.givenName":"G","name":{"familyName":"F"},"` + coreURN + `:name.middleName":"M","` +
				enterprise + `:manager.value":"m"}`,
			`{"userName":"x","name":{"familyName":"F","givenName":"G","middleName":"M"},
			"E":{"manager":{"value":"m"}}}`},
		{"value paths as keys",
			`{"userName":"x","emails[type eq \"work\"].value":"a@b","emails[type eq \"home\"].value":null}`,
			`{"userName":"x","emails":[{"value":"a@b","type":"work"}]}`},
		{"unknown attributes with their URN",
			`{"userName":"x","` + enterprise + `:nope":"n","name.nope":"n","` + unknownURN +
				`:y":"n","a.b":"n","emails[nope":"n","meta.created":"n","` + coreURN + `:password":"p"}`,
			`{"userName":"x"}`},
		{"an attribute with its URN of another type", `{"userName":"x","` + enterprise + `:department":5}`,
			`invalidValue: E:department must be a string`},
		{"an attribute with its URN and a required one", `{"userName":"x","` + acme + `:tag":"T"}`,
			`invalidValue: A:codes is required and must not be empty`},
		{"a blank userName with its URN", `{"` + coreURN + `:userName":" "}`,
			`invalidValue: userName is required and must not be empty`},
		{"zero character", `{"userName":"a\u0000b"}`, `invalidValue: "userName" must not contain \u0000`},
		{"zero character in an unknown attribute", `{"userName":"a","X":{"y":["\u0000"]}}`,
			`invalidValue: "y" must not contain \u0000`},
		{"broken JSON", `{"schemas":`, `invalidSyntax: the body is not valid JSON, near byte 11`},
		{"empty body", ``, `invalidSyntax: the body is not valid JSON, near byte 0`},
		{"JSON array", `[]`, `invalidSyntax: the body must be a JSON object`},
		{"JSON null", `null`, `invalidSyntax: the body must be a JSON object`},
		{"trailing garbage", `{"userName":"x"} garbage`, `invalidSyntax: the body is not valid JSON, near byte 18`},
		{"trailing space", "{\"userName\":\"x\"}\r\n ", `{"userName":"x"}`},
		{"deep nesting", `{"userName":"x","X":{"a":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}}`,
			`invalidSyntax: the body is nested deeper than 32`},
		{"twenty attributes", `{"userName":"x","X":{` + manyNames(20) + `}}`,
			`{"userName":"x","X":{` + manyNames(20) + `}}`},
		{"twenty attributes and one twice", `{"userName":"x","X":{` + manyNames(20) + `,"a3":5}}`,
			`invalidSyntax: "a3" is there twice; send it once`},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc, members, err := Document([]byte(expand(c.body)), users)
			if err != nil {
				diff(t, "wrong error", c.want, refused(t, err))
				return
			}
			if c.want[0] != '{' {
				t.Fatalf("got %s, want %s", encode(doc), c.want)
			}
			if want := document(t, expand(c.want)); !equal(want, doc) {
				diff(t, "wrong document", encode(want), encode(doc))
			}
			if !members.Empty() {
				t.Errorf("a user has members %v", members)
			}
		})
	}
}

func TestDocumentOfGroups(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body, want string
		members          Members
	}{
		{"no members", `{"displayName":"N"}`, `{"displayName":"N"}`, Members{}},
		{"members empty", `{"displayName":"N","members":[]}`, `{"displayName":"N"}`, Members{Replace: true}},
		{"members null", `{"displayName":"N","members":null}`, `{"displayName":"N"}`, Members{Replace: true}},
		{"members", `{"displayName":"N","externalId":"e","Members":[{"value":"a","display":"A","$ref":null},"b",` +
			`{"Value":"a"}]}`, `{"displayName":"N","externalId":"e"}`, Members{Replace: true, Add: []string{"a", "b"}}},
		{"Entra's second schema",
			`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group",` +
				`"http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],"displayName":"N",` +
				`"meta":{"resourceType":"Group"}}`, `{"displayName":"N"}`, Members{}},
		{"member without value", `{"displayName":"N","members":[{"display":"A"}]}`,
			`invalidValue: each of members needs the id of the member as its value`, Members{}},
		{"member null", `{"displayName":"N","members":[null]}`,
			`invalidValue: each of members needs the id of the member as its value`, Members{}},
		{"core schema as key", `{"urn:ietf:params:scim:schemas:core:2.0:Group":{"displayName":"N","members":["a"]}}`,
			`{"displayName":"N"}`, Members{Replace: true, Add: []string{"a"}}},
		{"members with their URN", `{"displayName":"N","urn:ietf:params:scim:schemas:core:2.0:Group:members":["a"]}`,
			`{"displayName":"N"}`, Members{Replace: true, Add: []string{"a"}}},
		{"no displayName", `{"members":[]}`, `invalidValue: displayName is required and must not be empty`, Members{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc, members, err := Document([]byte(c.body), groups)
			if err != nil {
				diff(t, "wrong error", c.want, refused(t, err))
				return
			}
			diff(t, "wrong document", c.want, encode(doc))
			diff(t, "wrong members", c.members, members)
		})
	}
}

func TestOverwrite(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, stored, doc, want string // want is empty for no change
	}{
		{"the same", `{"userName":"x","A":{"codes":["c"],"level":7}}`,
			`{"userName":"x","A":{"codes":["c"],"level":7.0}}`, ``},
		{"another value", `{"userName":"x","title":"t"}`, `{"userName":"y"}`, `{"userName":"y"}`},
		{"an immutable value left out", `{"userName":"x","A":{"frozen":"f","tag":"t"}}`, `{"userName":"x"}`,
			`{"userName":"x","A":{"frozen":"f"}}`},
		{"an immutable value sent again", `{"A":{"frozen":"f"}}`, `{"A":{"frozen":"f","tag":"t"}}`,
			`{"A":{"frozen":"f","tag":"t"}}`},
		{"an immutable value set", `{"A":{"tag":"t"}}`, `{"A":{"frozen":"f"}}`, `{"A":{"frozen":"f"}}`},
		{"an immutable value changed", `{"A":{"frozen":"f"}}`, `{"A":{"frozen":"g"}}`,
			`mutability: A:frozen is immutable and has a value already`},
		{"an immutable sub-attribute changed", `{"A":{"desk":{"building":"a"}}}`, `{"A":{"desk":{"building":"b"}}}`,
			`mutability: A:desk.building is immutable and has a value already`},
		{"an immutable sub-attribute left out", `{"A":{"desk":{"building":"a","floor":1}}}`,
			`{"A":{"desk":{"floor":2}}}`, `{"A":{"desk":{"building":"a","floor":2}}}`},
		{"an attribute with an immutable sub-attribute left out", `{"A":{"desk":{"building":"a","floor":1}}}`,
			`{"title":"t"}`, `{"title":"t","A":{"desk":{"building":"a"}}}`},
		{"an unknown extension left out", `{"X":{"a":1},"title":"t"}`, `{"title":"t"}`, `{"title":"t"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			stored, doc := document(t, expand(c.stored)), document(t, expand(c.doc))
			next, changed, err := Overwrite(stored, doc, users)
			if err != nil {
				diff(t, "wrong error", c.want, refused(t, err))
				return
			}
			want := stored
			if c.want != "" {
				want = document(t, expand(c.want))
			}
			if !equal(want, next) {
				diff(t, "wrong document", encode(want), encode(next))
			}
			if changed != (c.want != "") {
				t.Errorf("changed is %v", changed)
			}
			diff(t, "Overwrite changed the stored document", encode(document(t, expand(c.stored))), encode(stored))
			diff(t, "Overwrite changed the document it was given", encode(document(t, expand(c.doc))), encode(doc))
		})
	}
}

// Two readers of one name may take different values, so that a name stands once, in a small object
// and in a large one.
func TestNamesStandOnce(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 3, 15, 16, 17, 18, 33} {
		for _, twice := range []int{-1, 0, 1, n/2 - 1, n - 2} {
			names := make([]string, n)
			for i := range n {
				names[i] = fmt.Sprintf(`"n%d":1`, i)
			}
			want := ""
			if twice >= 0 {
				names[n-1] = fmt.Sprintf(`"n%d":2`, twice)
				want = fmt.Sprintf(`invalidSyntax: "n%d" is there twice; send it once`, twice)
			}
			if twice >= n-1 {
				continue
			}
			_, err := decode([]byte("{" + strings.Join(names, ",") + "}"))
			if got := refused(t, err); got != want {
				t.Errorf("%d names, the last is that at %d: %q", n, twice, got)
			}
		}
	}
}
