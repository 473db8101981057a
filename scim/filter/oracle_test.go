package filter

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	fp "github.com/scim2/filter-parser/v2"
)

// oracle parses with filter-parser. It is asked about short inputs only: it is slow, and long ones
// overflow its stack.
func oracle(s string) (e fp.Expression, ok bool) {
	defer func() {
		if recover() != nil {
			e, ok = nil, false
		}
	}()
	e, err := fp.ParseFilter([]byte(s))
	return e, err == nil
}

// sameMeaning reports whether filter-parser and this package give s the same meaning, so that their
// trees must be equal. The differences, all on purpose:
//   - it leaves escapes in strings as they are, we decode them;
//   - it reads whole numbers through float64, so that those beyond 2^53 change.
func sameMeaning(s string) bool {
	if strings.Contains(s, `\`) {
		return false
	}
	digits := 0
	for i := range len(s) {
		if isDigit(s[i]) {
			digits++
		} else {
			digits = 0
		}
		if digits > 15 {
			return false
		}
	}
	return true
}

// refusedOnPurpose reports whether filter-parser may accept an s that we refuse: brackets after a
// sub-attribute; a zero character; no space before a keyword or an attribute within brackets.
func refusedOnPurpose(s string, e fp.Expression, err *Error) bool {
	switch err.Message {
	case "only an attribute can be filtered by brackets, not a sub-attribute",
		`the string must not contain \u0000`,
		"the number is out of range",
		"the filter is not valid UTF-8":
		return true
	}
	return strings.Contains(s, "[") && strings.HasPrefix(err.Message, "expected")
}

// A filter that both parsers accept has one tree, and we accept what filter-parser accepts.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`userName eq "x" and (title pr or not (active eq true))`,
		`emails[type eq "work" and value co "@x"] or ims[not (type eq "a")]`,
		`emails[type eq "work"].value eq "x"`, `urn:a:2.0:User:b.c gt -1.5e3`, `a eq null or b ne 5`,
		`a.b[c eq "\u00E9"]`, `urn:x:a.b.c pr`, `x:.a.b pr`, `( a pr )`, `a eq "\"" and b pr`, `$ref pr`,
		`emails [ a pr ]`, `a eq b and c eq 1é`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := Parse(s)
		if path, pathErr := ParsePath(s); pathErr == nil && path.ValueExpression != nil && path.SubAttribute == nil &&
			err != nil {
			t.Fatalf("%q is a path with a filter, but no filter: %v", s, err)
		}
		if err != nil {
			if e, ok := err.(*Error); !ok || e.Offset < 0 || e.Offset > len(s) || e.Message == "" {
				t.Fatalf("bad error %#v", err)
			}
		}
		loose, looseErr := ParseLoose(s)
		if err == nil && looseErr != nil {
			t.Fatalf("%q is refused where quotes may be missing: %v", s, looseErr)
		}
		if err == nil {
			if d := cmp.Diff(got, unworded(loose)); d != "" {
				t.Fatalf("%q means something else where quotes may be missing:\n%s", s, d)
			}
		}
		if len(s) >= 200 || strings.Count(s, "(")+strings.Count(s, "[") > 3 {
			return // filter-parser's time multiplies with each parenthesis
		}
		want, ok := oracle(strings.Trim(s, " "))
		switch {
		case !ok:
		case err != nil:
			if !refusedOnPurpose(s, want, err.(*Error)) {
				t.Fatalf("filter-parser accepts %q, we refuse: %v", s, err)
			}
		case sameMeaning(s):
			if d := cmp.Diff(want, got); d != "" {
				t.Fatalf("%q: trees differ (-filter-parser +ours):\n%s", s, d)
			}
		}
		if err == nil {
			roundTrip(t, got)
		}
	})
}

// roundTrip prints a tree and parses it again. The library omits JSON escapes, null and some of the
// parentheses that a tree needs, so the test skips trees that need them.
func roundTrip(t *testing.T, e fp.Expression) {
	t.Helper()
	if !printable(e) {
		return
	}
	s := e.(interface{ String() string }).String()
	again, err := Parse(s)
	if err != nil {
		t.Fatalf("printed as %q: %v", s, err)
	}
	if d := cmp.Diff(e, again); d != "" {
		t.Fatalf("printed as %q, parsed differently:\n%s", s, d)
	}
}

func printable(e fp.Expression) bool {
	switch x := e.(type) {
	case *fp.LogicalExpression:
		_, nested := x.Right.(*fp.LogicalExpression)
		return !nested && printable(x.Left) && printable(x.Right)
	case *fp.NotExpression:
		return printable(x.Expression)
	case *fp.ValuePath:
		return printable(x.ValueFilter)
	case *fp.AttributeExpression:
		switch v := x.CompareValue.(type) {
		case nil:
			return x.Operator == fp.PR
		case string:
			return !strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' || r == '\\' })
		case float64:
			return v != math.Trunc(v) // a whole one is printed like an int
		}
	}
	return true
}

// unworded is a tree with the values of the RFC in place of words.
func unworded(e fp.Expression) fp.Expression {
	switch x := e.(type) {
	case *fp.LogicalExpression:
		return &fp.LogicalExpression{Left: unworded(x.Left), Right: unworded(x.Right), Operator: x.Operator}
	case *fp.NotExpression:
		return not(unworded(x.Expression))
	case *fp.ValuePath:
		return &fp.ValuePath{AttributePath: x.AttributePath, ValueFilter: unworded(x.ValueFilter)}
	case *fp.AttributeExpression:
		if w, ok := x.CompareValue.(Word); ok {
			return &fp.AttributeExpression{AttributePath: x.AttributePath, Operator: x.Operator, CompareValue: w.Value}
		}
	}
	return e
}
