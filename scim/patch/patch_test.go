package patch

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/elimity-com/scim/schema"
	"github.com/google/go-cmp/cmp"
)

const (
	coreURN    = "urn:ietf:params:scim:schemas:core:2.0:User"
	enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	acme       = "urn:example:params:scim:schemas:extension:acme:2.0:User"
	unknownURN = "urn:example:other:1.0:Thing"
)

//go:embed testdata/acme.json
var acmeSchema []byte

// The types of the tests: users with the enterprise extension and one declared at run time, groups;
// and both strict.
var (
	acmeUser = func() schema.Schema {
		var s schema.Schema
		if err := json.Unmarshal(acmeSchema, &s); err != nil {
			panic(err)
		}
		return s
	}()
	users        = NewType(schema.CoreUserSchema(), schema.ExtensionEnterpriseUser(), acmeUser)
	groups       = NewType(schema.CoreGroupSchema())
	strictUsers  = NewStrictType(schema.CoreUserSchema(), schema.ExtensionEnterpriseUser(), acmeUser)
	strictGroups = NewStrictType(schema.CoreGroupSchema())
)

// short replaces the URNs of the tests by a letter with a colon. long does the reverse.
var (
	short = strings.NewReplacer(enterprise, "E", acme, "A", unknownURN, "X", coreURN, "U")
	long  = strings.NewReplacer("E:", enterprise+":", "A:", acme+":", "X:", unknownURN+":", "U:", coreURN+":")
)

// show prints operations, one per line, with short URNs.
func show(ops []Operation) string {
	var b strings.Builder
	for _, op := range ops {
		target := op.Target.String()
		if op.Target.Filter != nil {
			target = strings.Replace(target, "…", fmt.Sprint(op.Target.Filter), 1)
		}
		fmt.Fprintf(&b, "%s %s", op.Op, strings.TrimSuffix(target, ":"))
		if op.Value != nil {
			fmt.Fprintf(&b, " %s", encode(op.Value))
		}
		b.WriteByte('\n')
	}
	return short.Replace(b.String())
}

// lines removes the indentation from a wanted text of several lines.
func lines(s string) string {
	var b strings.Builder
	for l := range strings.Lines(strings.TrimSpace(s)) {
		b.WriteString(strings.TrimSpace(l) + "\n")
	}
	return strings.TrimPrefix(b.String(), "\n")
}

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// document decodes a document.
func document(t testing.TB, s string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(s), &m); err != nil {
		t.Fatalf("%v in %s", err, s)
	}
	return m
}

// body returns the body of a PATCH with these operations.
func body(ops string) []byte {
	return []byte(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + ops + `]}`)
}

// refused returns the text of an *Error as "scimType: detail", and "" for nil. Any other error
// fails the test.
func refused(t testing.TB, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is no *Error", err)
	}
	return short.Replace(e.Error())
}

func diff(t testing.TB, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// expand writes the URNs of a document's extensions in full, which the tests shorten to a letter.
func expand(doc string) string {
	return strings.NewReplacer(`"E":`, `"`+enterprise+`":`, `"A":`, `"`+acme+`":`, `"X":`,
		`"`+unknownURN+`":`).Replace(doc)
}
