package patch

import (
	"strings"
	"testing"
)

// An extension needs what its schema requires as soon as it is there, and only where it changes: a
// schema may have been declared after the document was stored, and a change of access must not fail
// because of that.
func TestChangedExtensionsAreComplete(t *testing.T) {
	t.Parallel()
	const lacks, whole = `{"A":{"tag":"t"}}`, `{"A":{"tag":"t","codes":["c"]}}`
	const missing = "invalidValue: A:codes is required and must not be empty"
	for _, c := range []struct{ name, stored, next, want string }{
		{"without the extension", `{}`, `{"title":"t"}`, ""},
		{"an empty extension", `{}`, `{"A":{}}`, ""},
		{"complete", `{}`, whole, ""},
		{"incomplete", `{}`, lacks, missing},
		{"incomplete under its name in another case", `{}`, `{"` + strings.ToUpper(acme) + `":{"tag":"t"}}`, missing},
		{"incomplete before and left alone", lacks, lacks, ""},
		{"left alone beside another change", lacks, `{"active":false,"A":{"tag":"t"}}`, ""},
		{"incomplete before and changed", lacks, `{"A":{"tag":"u"}}`, missing},
		{"made incomplete", whole, lacks, missing},
		{"removed", whole, `{}`, ""},
		{"another extension", `{}`, `{"E":{"division":"d"}}`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := users.Complete(document(t, expand(c.stored)), document(t, expand(c.next)))
			diff(t, "wrong error", c.want, refused(t, err))
		})
	}
}
