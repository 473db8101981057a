package patch

import (
	"strings"
	"testing"
)

const coreGroupURN = "urn:ietf:params:scim:schemas:core:2.0:Group"

// TestSchemasOfABody checks which schemas a body may have.
func TestSchemasOfABody(t *testing.T) {
	t.Parallel()
	const add, end = `"Operations":[{"op":"add","path":"title","value":"t"}]}`,
		`"Operations":[{"op":"Replace","value":{"active":"False"}},{"op":"remove","path":"title"}]}`
	for schemas, taken := range map[string][3]bool{ // a PATCH, one that takes away, a strict one
		``:                                   {true, true, false},
		`"schemas":null,`:                    {true, true, false},
		`"schemas":"",`:                      {true, true, false},
		`"schemas":[],`:                      {true, true, false},
		`"schemas":"` + patchOp + `",`:       {true, true, false},
		`"schemas":["x","` + patchOp + `"],`: {true, true, true},
		`"schemas":["` + strings.ToUpper(patchOp) + `"],`: {true, true, true},
		`"schemas":["` + coreURN + `"],`:                  {false, true, false},
		`"schemas":"x",`:                                  {false, true, false},
		`"schemas":[7],`:                                  {false, true, false},
		`"schemas":{},`:                                   {false, true, false},
	} {
		for i, c := range []struct {
			rest string
			t    *Type
		}{{add, users}, {end, users}, {add, strictUsers}} {
			_, err := Normalize([]byte(`{`+schemas+c.rest), c.t)
			want := "invalidSyntax: schemas must be a list that has " + patchOp
			if taken[i] {
				want = ""
			}
			if got := refused(t, err); got != want {
				t.Errorf("%s %s: %q, want %q", schemas, c.rest, got, want)
			}
		}
	}
	for _, typ := range []*Type{users, strictUsers} {
		_, err := Normalize([]byte(`{"schemas":[],"Schemas":[],`+add), typ)
		if got := refused(t, err); got != `invalidSyntax: "schemas" is there twice; send it once` {
			t.Error(got)
		}
	}
}

func TestTakesAway(t *testing.T) {
	t.Parallel()
	for ops, want := range map[string]bool{
		`{"op":"replace","path":"active","value":false}`:                                         true,
		`{"op":"add","value":{"active":"False"}}`:                                                true,
		`{"op":"remove","path":"emails"},{"op":"replace","path":"name","value":null}`:            true,
		`{"op":"replace","path":"active","value":true}`:                                          false,
		`{"op":"replace","path":"active","value":false},{"op":"add","path":"title","value":"t"}`: false,
		`{"op":"replace","path":"A:contractor","value":false}`:                                   false,
		`{"op":"replace","value":{"nope":1}}`:                                                    false,
		`{"op":"move","path":"title"}`:                                                           false,
	} {
		if got := TakesAway(body(long.Replace(ops)), users); got != want {
			t.Errorf("%s: %v", ops, got)
		}
	}
	if !TakesAway(body(`{"op":"remove","path":"members[value eq \"u\"]"}`), groups) {
		t.Error("a removal of a member takes nothing away")
	}
}

func TestDeactivates(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		`{"active":false}`: true,
		`{"userName":7,"Active":["False"],"title":"\ud83d"}`: true,
		`{"active":true}`:                  false,
		`{"active":null}`:                  false,
		`{"active":"no"}`:                  false,
		`{"userName":"x"}`:                 false,
		`{"active":false,"Active":false}`:  false,
		`{"active":false`:                  false,
		`[]`:                               false,
		`{"active":false,"Operations":[]}`: false,
		`{"operations":[{"op":"replace","value":{"active":false,"title":7}}]}`:                             true,
		`{"operations":[{"op":"Add","value":["{\"active\":\"false\"}"]}]}`:                                 true,
		`{"operations":[{"op":"add","path":"title","value":7},{"op":"add","value":{"active":false}}]}`:     true,
		`{"operations":[{"op":"add","value":{"active":false}},{"op":"add","value":{"title":7}}]}`:          true,
		`{"operations":[{"op":"add","value":{"active":false}},{"op":"add","value":{"active":true}}]}`:      false,
		`{"operations":[{"op":"add","value":{"active":true}},{"op":"add","value":{"active":false}}]}`:      false,
		`{"operations":[{"op":"add","path":"active","value":true},{"op":"add","value":{"active":false}}]}`: false,
		`{"operations":[{"op":"add","path":"active","value":false}]}`:                                      false,
		`{"operations":[{"op":"remove","value":{"active":false}}]}`:                                        false,
		`{"operations":[{"op":"add","path":"name","value":{"active":false}}]}`:                             false,
		`{"operations":[{"op":"add","value":"{\"active\":false,\"active\":false}"}]}`:                      false,
		`{"operations":[{"op":"add","value":{"active":null}}]}`:                                            false,
		`{"operations":[7,{"op":"add","value":[]}]}`:                                                       false,
		`{"operations":[],"Operations":[]}`:                                                                false,
	} {
		if got := Deactivates([]byte(body), users); got != want {
			t.Errorf("%s: %v", body, got)
		}
	}
	if Deactivates([]byte(`{"active":false}`), groups) {
		t.Error("a group has no active")
	}
}

// TestAttributesOfAnotherResource checks that an attribute under the URN of a message or of another
// resource is refused, and that an extension of a vendor is not.
func TestAttributesOfAnotherResource(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		of        *Type
		urn       string
		elsewhere bool
	}{
		{users, coreGroupURN, true}, {users, strings.ToUpper(coreGroupURN), true},
		{users, "urn:ietf:params:scim:schemas:core:2.0:Schema", true}, {users, patchOp, true},
		{users, "urn:scim:schemas:core:1.0:User", true},
		{groups, coreURN, true}, {groups, enterprise, true},
		{users, unknownURN, false}, {groups, acme, false}, {users, acme + "s", false},
		{users, "urn:ietf:params:scim:schemas:extension:acme:2.0:User", false},
	} {
		required := `"userName":"x"`
		strict := strictUsers
		if c.of == groups {
			required, strict = `"displayName":"x"`, strictGroups
		}
		for _, typ := range []*Type{c.of, strict} {
			sent := `{"schemas":["` + typ.id + `"],` + required + `,"` + c.urn + `":`
			_, _, err := Document([]byte(sent+`{"a":1}}`), typ)
			if got := refused(t, err); strings.HasPrefix(got, "invalidSyntax: the schema ") != c.elsewhere {
				t.Errorf("%s of %s: %q", c.urn, typ.id, got)
			}
			for _, nothing := range []string{`{}`, `null`} {
				if _, _, err := Document([]byte(sent+nothing+`}`), typ); err != nil {
					t.Errorf("%s of %s: %v", nothing, c.urn, err)
				}
			}
		}
		for _, operation := range []string{`{"op":"add","path":"$:a","value":1}`,
			`{"op":"add","path":"$","value":{"a":1}}`,
			`{"op":"add","value":{"$":{"a":1}}}`, `{"op":"add","value":{"$:a":1}}`} {
			_, err := Normalize(body(strings.ReplaceAll(operation, "$", c.urn)), c.of)
			got := refused(t, err)
			found := strings.HasPrefix(got, "invalidPath: Operations[0]: the schema ")
			if found != c.elsewhere || (got != "") != c.elsewhere {
				t.Errorf("%s: %q", operation, got)
			}
		}
	}
	for _, path := range []string{coreURN + ":name:familyName", enterprise + ":manager:value"} {
		if _, err := Normalize(body(`{"op":"add","path":"`+path+`","value":"x"}`), users); refused(t, err) == "" {
			t.Errorf("%s is an extension", path)
		}
		ops, err := Normalize(body(`{"op":"add","value":{"`+path+`":"x","title":"t"}}`), users)
		if got := show(ops); got != "add title \"t\"\n" {
			t.Errorf("%s as a member: %q %v", path, got, err)
		}
	}
	doc, _, err := Document([]byte(`{"userName":"x","`+enterprise+`:manager":{"value":"m"},"`+coreURN+
		`:name.familyName":"F","`+coreURN+`:name:familyName":{"a":1}}`), users)
	want := document(t, expand(`{"userName":"x","name":{"familyName":"F"},"E":{"manager":{"value":"m"}}}`))
	if err != nil || !equal(want, doc) {
		t.Errorf("%s %v", encode(doc), err)
	}
}
