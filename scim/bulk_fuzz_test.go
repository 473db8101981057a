package scim

import (
	"encoding/json"
	"strings"
	"testing"

	"rollcall/model/directory"
)

// FuzzBulk reads bulk requests without a store. The data of each operation must be JSON again,
// without the references that were to be removed, and unchanged if there were none.
func FuzzBulk(f *testing.F) {
	for _, seed := range []string{
		`{"Operations":[{"method":"POST","path":"/Users","bulkId":"a","data":{"userName":"a",` +
			`"urn:x:y":{"manager":{"value":"bulkId:a"}}}}]}`,
		`{"Operations":[{"method":"POST","path":"/Groups","bulkId":"g","data":{"displayName":"bulkId:g",` +
			`"members":["bulkId:g",{"value":"x"}]}}]}`,
		`{"Operations":[{"method":"PATCH","path":"/Groups/bulkId:a","data":{"path":"members[value eq \"bulkId:a\"]",` +
			`"v":1e400}}]}`,
		`{"Operations":[{"method":"POST","patb":"/Groups","bulkId":"g","data":{"displayName":"bulkId:u",` +
			`"members":["bulkId:g",{"value":"x"}]}}]}`,
		`{"failOnErrors":1,"Operations":[{},7,[]]}`, ``, `{"Operations":[{"data":{"a":"\"bulkId:\""}}]}`,
		`{"operations":[{"data":{"\u0062ulkId:":{}}}]}`,
	} {
		f.Add(seed, len(seed)%2 == 0)
	}
	f.Fuzz(func(t *testing.T, body string, strict bool) {
		b := bulk{exchange: &exchange{service: &service{}, directory: &directory.Directory{Strict: strict}},
			byID: map[string]*bulkOperation{}}
		if err := b.parse(body); err != nil {
			if r := refused(err); r.Status >= 500 {
				t.Error(err)
			}
			return
		}
		known := func(id string) (string, bool) { return "0190", b.byID[id] != nil }
		for _, o := range b.operations {
			if o.missing != len(o.needs) {
				t.Errorf("%d of %d references", o.missing, len(o.needs))
			}
			if !strings.HasPrefix(o.data, "{") {
				continue
			}
			// An operation that is already refused waits for nothing and is never carried out.
			if o.problem == nil && len(o.needs) == 0 && replaceReferences(o.data, known) != o.data {
				t.Errorf("%s without a reference was changed", o.data)
			}
			rest, later := b.part(o.data)
			for _, text := range append(later, rest, replaceReferences(o.data, known)) {
				if !json.Valid([]byte(text)) {
					t.Errorf("%s became %s", o.data, text)
				}
			}
			eachReference(nil, rest, func(id string) {
				if b.byID[id] != nil && o.problem == nil && !strings.Contains(rest, `bulkId:`+id+`":`) {
					t.Errorf("%s still refers to %s", rest, id)
				}
			})
		}
	})
}
