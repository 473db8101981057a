package patch

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// clean returns an error for anything that a document must not hold: values that mean unassigned,
// two primary elements, attributes that the server writes or never stores.
func clean(doc map[string]any) error {
	for _, name := range []string{"id", "meta", "schemas", "groups", "password", "members"} {
		if doc[name] != nil {
			return fmt.Errorf("there is %s", name)
		}
	}
	for name, v := range doc {
		if m, ok := v.(map[string]any); ok && strings.Contains(name, ":") {
			for name, v := range m {
				if unassign(v) == nil {
					return fmt.Errorf("%s is unassigned, yet there", name)
				}
			}
		}
		if unassign(v) == nil {
			return fmt.Errorf("%s is unassigned, yet there", name)
		}
		primary := 0
		list, _ := v.([]any)
		for _, e := range list {
			m, _ := e.(map[string]any)
			if m["primary"] == true {
				primary++
			}
			for sub, v := range m {
				if unassign(v) == nil && !strings.Contains(name, ":") {
					return fmt.Errorf("%s.%s is unassigned, yet there", name, sub)
				}
			}
			if unassign(e) == nil || primary > 1 {
				return fmt.Errorf("%s has an empty element, or two primary ones", name)
			}
		}
	}
	return nil
}

// randomOps makes operations from parts of real requests, so that most are valid.
func randomOps(r *rand.Rand, ops []string) string {
	paths := []string{
		"userName", "title", "active", "name", "name.givenName", "NAME", "emails", "emails.value", "emails.primary",
		`emails[type eq \"work\"]`, `emails[type eq \"work\"].value`, `emails[primary eq true].type`,
		`emails[value co \"a\"]`,
		`emails[not (type eq \"work\")].primary`, "manager", enterprise, enterprise + ":manager.value",
		enterprise + ":department",
		acme + ":badges", acme + `:badges[value eq \"a\"]`, acme + ":keys", acme + `:keys[value eq \"a\"].count`,
		acme + ":frozen",
		acme + ":desk", acme + ":desk.building", acme, unknownURN + ":a", unknownURN + ":a.b",
		unknownURN + `:a[b eq 1]`, unknownURN,
		"groups", "password", "id", "nope", "", "urn:ietf:params:scim:schemas:core:2.0:Group:displayName",
	}
	values := []string{
		`null`, `""`, `"a"`, `"b"`, `"True"`, `true`, `1`, `[]`, `{}`, `["a"]`, `["a","b"]`, `[null]`, `{"value":"a"}`,
		`{"value":""}`,
		`{"value":"a","type":"work","primary":true}`,
		`[{"value":"a","type":"work","primary":"true"},{"value":"b","primary":true}]`,
		`{"givenName":"a","familyName":null}`,
		`{"title":"x","emails":{"value":"b"},"` + enterprise + `":{"department":"d"}}`, `{"b":1}`,
		`{"building":"x","floor":1}`, `["True"]`, `[{"title":["y"],"active":"False"}]`, `"{\"value\":\"a\"}"`,
		`["{\"value\":\"b\",\"type\":\"work\"}"]`, `"{\"title\":\"z\",\"nope\":1}"`, `"null"`, `"[]"`,
		`{"value":null,"type":"work"}`, `{"type":"home","primary":null}`, `{"display":"d","type":"work"}`,
		`[{"value":"a","type":"work"},{"value":"a","type":"work","primary":true},{"type":"x"}]`,
	}
	var all []string
	for range 1 + r.IntN(4) {
		path, value := paths[r.IntN(len(paths))], values[r.IntN(len(values))]
		all = append(all, fmt.Sprintf(`{"op":%q,"path":"%s","value":%s}`, ops[r.IntN(len(ops))], path, value))
	}
	return strings.Join(all, ",")
}

// After any valid operations, the document is clean, changed reports whether it differs, and
// the document that was passed in is as before.
func TestApplyKeepsDocumentsClean(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	doc, applied := document(t, `{"userName":"u"}`), 0
	for i := range 30_000 {
		if i%20 == 0 {
			doc = document(t, `{"userName":"u"}`)
		}
		request := randomOps(r, []string{"add", "replace", "remove"})
		ops, err := Normalize(body(request), users)
		if err != nil {
			refused(t, err)
			continue
		}
		before := encode(doc)
		next, changed, err := Apply(doc, ops, users)
		if after := encode(doc); after != before {
			t.Fatalf("%s\nchanged the document it was given from %s to %s", request, before, after)
		}
		if err != nil {
			refused(t, err)
			continue
		}
		if err := clean(next); err != nil {
			t.Fatalf("%v after\n%s\non %s:\n%s", err, request, before, encode(next))
		}
		if after := encode(next); changed == (after == before) {
			t.Fatalf("changed is %v after\n%s\non %s:\n%s", changed, request, before, after)
		}
		doc = next
		applied++
	}
	if applied < 5000 {
		t.Errorf("only %d requests were applied: the test draws too many that are refused", applied)
	}
}

// A replace applied twice has the same result as once.
func TestReplaceIsIdempotent(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	applied := 0
	for range 20_000 {
		doc := document(t, `{"userName":"u","emails":[{"value":"a","type":"work"},{"value":"c"}]}`)
		request := randomOps(r, []string{"replace"})
		ops, err := Normalize(body(request), users)
		if err != nil || selects(ops) {
			continue
		}
		once, _, err := Apply(doc, ops, users)
		if err != nil {
			continue
		}
		twice, changed, err := Apply(once, ops, users)
		if e := (*Error)(nil); errors.As(err, &e) && e.ScimType == Mutability {
			continue // it set an immutable attribute after it had removed the complex one around it
		}
		if err != nil || changed {
			t.Fatalf("%s\nmakes %s, then %s (%v)", request, encode(once), encode(twice), err)
		}
		applied++
	}
	if applied < 1000 {
		t.Errorf("only %d requests were applied", applied)
	}
}

// selects reports whether an operation has a filter. An element that it created may not match it.
func selects(ops []Operation) bool {
	for _, op := range ops {
		if op.Target.Filter != nil {
			return true
		}
	}
	return false
}

// Deactivation works for any document, because it only takes access away.
func TestDeactivationNeverFails(t *testing.T) {
	t.Parallel()
	for _, doc := range []string{
		`{}`, `{"userName":""}`, `{"active":"yes"}`, `{"emails":"x","active":[true]}`,
		`{"active":{"a":1},"` + acme + `":5}`,
		`{"active":true,"emails":[{"primary":true},{"primary":true},null]}`,
	} {
		for _, ops := range []string{
			`{"op":"Replace","path":"active","value":"False"}`, `{"op":"replace","value":{"active":false}}`,
			`{"op":"add","path":"active","value":false}`,
		} {
			canonical, err := Normalize(body(ops), users)
			if err != nil {
				t.Fatal(err)
			}
			next, changed, err := Apply(document(t, doc), canonical, users)
			if err != nil || !changed || next["active"] != false {
				t.Errorf("%s on %s: %v, %v, %v", ops, doc, next["active"], changed, err)
			}
		}
	}
}

func FuzzNormalize(f *testing.F) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 30 {
		f.Add(body(randomOps(r, []string{"add", "replace", "remove"})))
	}
	f.Add(body(`{"op":"remove","path":"members[value eq \"a\" or value eq \"b\"]"},{"op":"Remove","path":"members",` +
		`"value":[{"value":"c"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, typ := range []*Type{users, groups} {
			ops, err := Normalize(b, typ)
			if err != nil {
				refused(t, err)
				continue
			}
			rest, members, err := typ.SplitMembers(ops, crew{})
			if err != nil {
				t.Fatal(err)
			}
			if len(ops) > MaxOperations || len(rest) > len(ops) {
				t.Fatalf("%d operations, %d of them not on members", len(ops), len(rest))
			}
			// Only an operation that explicitly asks for it empties a group.
			if members.Replace && !strings.Contains(strings.ToLower(string(b)), "members") {
				t.Fatalf("%q replaces members", b)
			}
			doc := document(t, expand(
				`{"emails":[{"value":"a","type":"work"}],"A":{"keys":[{"value":"a"}],"badges":["a"]},`+
					`"X":{"a":[{"b":1}]}}`))
			next, changed, err := Apply(doc, rest, typ)
			if err != nil {
				refused(t, err)
				continue
			}
			if changed == equal(doc, next) {
				t.Fatalf("changed is %v", changed)
			}
			if _, err := json.Marshal(next); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// A document, sent as the body of a POST or PUT, makes the same document.
func FuzzDocument(f *testing.F) {
	f.Add([]byte(expand(`{"userName":"u","active":"True","emails":["a"],"E":{"manager":"m"},"X":{"a":{"b":[1]}},` +
		`"A":{"codes":["a"],"level":"7"}}`)))
	f.Add([]byte(`{"displayName":"N","members":[{"value":"a"},"b"]}`))
	f.Add([]byte(expand(`{"schemas":["` + coreURN + `"],"userName":["u"],"name":"{\"givenName\":[\"G\"]}",` +
		`"emails":["{\"value\":\"a\"}",{"value":"a"},{"type":"work"}],"E":[{"manager":"{\"value\":\"m\"}"}]}`)))
	f.Add([]byte(`{"` + coreURN + `":{"userName":"u"},"name.givenName":"G","` + enterprise +
		`:manager.value":"m","emails[type eq \"work\"].value":"a","` + acme + `:badges":["b"],"` + acme +
		`:codes":["c"]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, typ := range []*Type{users, groups} {
			doc, _, err := Document(b, typ)
			if err != nil {
				refused(t, err)
				continue
			}
			if err := clean(doc); err != nil {
				t.Fatalf("%v in %s", err, encode(doc))
			}
			again, members, err := Document([]byte(encode(doc)), typ)
			if err != nil {
				t.Fatalf("%v for %s", err, encode(doc))
			}
			if !equal(doc, again) || !members.Empty() {
				t.Fatalf("%s became %s with %v", encode(doc), encode(again), members)
			}
		}
	})
}
