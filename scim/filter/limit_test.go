package filter

import (
	"errors"
	"strings"
	"testing"
)

// nested returns a comparison in n pairs of parentheses.
func nested(n int) string { return strings.Repeat("(", n) + "a pr" + strings.Repeat(")", n) }

// joined returns n comparisons joined by "or".
func joined(n int) string { return strings.Repeat("a pr or ", n-1) + "a pr" }

func TestLimits(t *testing.T) {
	long := func(n int) string { return `a eq "` + strings.Repeat("x", n-len(`a eq ""`)) + `"` }
	for _, c := range []struct {
		name, filter, message string
	}{
		{"the longest filter", long(MaxLength), ""},
		{"a longer filter", long(MaxLength + 1), "the filter is longer than 8192 bytes"},
		{"the deepest filter", nested(MaxDepth), ""},
		{"a deeper filter", nested(MaxDepth + 1), "nested deeper than 32"},
		{"a deeper negation", strings.Repeat("not(", MaxDepth+1) + "a pr", "nested deeper than 32"},
		{"brackets count as depth", strings.Repeat("(", MaxDepth) + `a[b pr]`, "nested deeper than 32"},
		{"depth after depth", nested(MaxDepth) + " and " + nested(MaxDepth), ""},
		{"the most comparisons", joined(MaxTerms), ""},
		{"more comparisons", joined(MaxTerms + 1), "more than 200 comparisons"},
		{"the most comparisons in brackets", `a[` + joined(MaxTerms) + `]`, ""},
		{"more comparisons after brackets", `a[` + joined(MaxTerms) + `].b pr`, "more than 200 comparisons"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(c.filter)
			var e *Error
			switch errors.As(err, &e); {
			case c.message == "" && err == nil:
			case c.message == "" || e == nil || e.Message != c.message:
				t.Errorf("got %v, want %q", err, c.message)
			}
		})
	}
}

// This attack ends a process that uses filter-parser: 450,000 parentheses fit into one request.
func TestParseSurvivesDeepNesting(t *testing.T) {
	for _, s := range []string{nested(450_000), strings.Repeat("(", 8000), strings.Repeat("not(", 2000),
		strings.Repeat("a[", 4000)} {
		if _, err := Parse(s); err == nil {
			t.Errorf("%.20s… was parsed", s)
		}
		if _, err := ParsePath("a[" + s); err == nil {
			t.Errorf("a[%.20s… was parsed", s)
		}
	}
}
