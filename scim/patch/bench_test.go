package patch

import (
	"fmt"
	"strings"
	"testing"

	"github.com/elimity-com/scim/schema"
	fp "github.com/scim2/filter-parser/v2"
)

var fourOps = body(`{"op":"Replace","path":"emails[type eq \"work\"].value","value":"u@m.com"},{"op":"Replace",
"path":"name.familyName","value":"x"},
	{"op":"Replace","path":"userName","value":"y"},{"op":"Replace","path":"active","value":false}`)

func BenchmarkNormalize(b *testing.B) {
	ids := make([]string, 10_000)
	for i := range ids {
		ids[i] = fmt.Sprintf(`{"value":"%08d-0000-4000-8000-000000000000","display":"user %d"}`, i, i)
	}
	for _, c := range []struct {
		name string
		t    *Type
		body []byte
	}{
		{"4 operations", users, fourOps},
		{"active without a path", users, body(`{"op":"replace","value":{"active":false}}`)},
		{"1000 removals of members", groups,
			many(1000, `{"op":"remove","path":"members[value eq \"%08d-0000-4000-8000-000000000000\"]"}`)},
		{"10000 members", groups, body(`{"op":"replace","path":"members","value":[` + strings.Join(ids, ",") + `]}`)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				ops, err := Normalize(c.body, c.t)
				if err != nil {
					b.Fatal(err)
				}
				if _, _, err := c.t.SplitMembers(ops, crew{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

const user = `{"userName":"bjensen@example.com","externalId":"Ext-1","name":{"givenName":"Barbara",
"familyName":"Jensen","formatted":"B J"},
	"displayName":"Babs","active":true,"emails":[{"value":"b@work.com","type":"work","primary":true},
	{"value":"b@home.com","type":"home"}],
	"phoneNumbers":[{"value":"555","type":"mobile"}],"title":"Tour Guide","locale":"en-US",
	"E":{"department":"Eng","employeeNumber":"42","manager":{"value":"u9"}}}`

func BenchmarkApply(b *testing.B) {
	ops, err := Normalize(fourOps, users)
	if err != nil {
		b.Fatal(err)
	}
	doc := document(b, expand(user))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Apply(doc, ops, users); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDocument(b *testing.B) {
	sent := []byte(expand(user))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Document(sent, users); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFilter(b *testing.B) {
	e := &fp.AttributeExpression{AttributePath: fp.AttributePath{AttributeName: "userName"}, Operator: fp.EQ,
		CompareValue: "x"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := users.Filter(e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNewType(b *testing.B) {
	core, extension := schema.CoreUserSchema(), schema.ExtensionEnterpriseUser()
	b.ReportAllocs()
	for b.Loop() {
		NewType(core, extension)
	}
}
