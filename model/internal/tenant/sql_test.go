package tenant

import (
	"slices"
	"testing"
)

func TestNamedParameters(t *testing.T) {
	e := Named("a = @one AND b = ANY(@many::text[]) AND c = @one", map[string]any{"one": 1, "many": "x"})
	if e.SQL != "a = ? AND b = ANY(?::text[]) AND c = ?" || !slices.Equal(e.Vars, []any{1, "x", 1}) {
		t.Errorf("%q %v", e.SQL, e.Vars)
	}
	if e = Named("a = @one AND b = @ones", map[string]any{"one": 1}); e.SQL != "a = ? AND b = @ones" {
		t.Errorf("a name without a value makes %q", e.SQL)
	}
	if e = Named("a = @one", map[string]any{"one": 1, "ones": 2}); len(e.Vars) != 2 {
		t.Errorf("a value without a name is dropped: %v", e.Vars)
	}
}
