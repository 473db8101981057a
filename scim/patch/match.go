package patch

import (
	"cmp"
	"strings"

	fp "github.com/scim2/filter-parser/v2"
)

// matches reports whether an element of the attribute passes a filter that place.elements returned.
// A simple element is compared as "value".
func (a *attribute) matches(f fp.Expression, element any) bool {
	switch x := f.(type) {
	case *fp.LogicalExpression:
		if x.Operator == fp.AND {
			return a.matches(x.Left, element) && a.matches(x.Right, element)
		}
		return a.matches(x.Left, element) || a.matches(x.Right, element)
	case *fp.NotExpression:
		return !a.matches(x.Expression, element)
	case *fp.AttributeExpression:
		m, ok := element.(map[string]any)
		if !ok {
			m = map[string]any{"value": element}
		}
		name, leaf := x.AttributePath.AttributeName, a
		if a.kind == complexKind || a.kind == untyped {
			if leaf = a.sub(name); leaf == nil {
				return false
			}
		}
		if a.kind == untyped {
			name = storedKey(m, name)
		}
		return leaf.passes(m[name], x)
	}
	return false
}

// passes reports whether the value v of the attribute passes a comparison. An absent value passes
// ne with anything (RFC 7644 §3.4.2.2 leaves that open).
func (a *attribute) passes(v any, x *fp.AttributeExpression) bool {
	if list, ok := v.([]any); ok {
		for _, e := range list {
			if a.passes(e, x) {
				return true
			}
		}
		return false
	}
	switch {
	case x.Operator == fp.PR:
		return v != nil
	case v == nil:
		return x.Operator == fp.NE
	}
	order, partly, ok := a.order(v, x.CompareValue, x.Operator)
	switch x.Operator {
	case fp.EQ:
		return ok && order == 0
	case fp.NE:
		return !ok || order != 0
	case fp.GT:
		return ok && order > 0
	case fp.GE:
		return ok && order >= 0
	case fp.LT:
		return ok && order < 0
	case fp.LE:
		return ok && order <= 0
	}
	return ok && partly
}

// order compares v with w. partly reports whether v contains, starts with or ends with w, whichever
// op asks for. ok is false if the values are of different types.
func (a *attribute) order(v, w any, op fp.CompareOperator) (order int, partly, ok bool) {
	switch x := v.(type) {
	case bool:
		y, ok := w.(bool)
		if x == y {
			return 0, false, ok
		}
		return 1, false, ok
	case string:
		y, ok := w.(string)
		if a.kind == dateTime {
			s, isTime := parseTime(x)
			t, both := parseTime(y)
			return s.Compare(t), false, ok && isTime && both
		}
		if !a.exact && (op == fp.EQ || op == fp.NE || ordered(op)) {
			// Filters of a search take a text that is a moment for one, whatever its attribute is.
			s, isTime := parseTime(strings.ToUpper(x))
			t, both := parseTime(strings.ToUpper(y))
			if isTime && both {
				return s.Compare(t), false, ok
			}
		}
		if !a.exact {
			x, y = strings.ToLower(x), strings.ToLower(y)
		}
		switch op {
		case fp.CO:
			partly = strings.Contains(x, y)
		case fp.SW:
			partly = strings.HasPrefix(x, y)
		case fp.EW:
			partly = strings.HasSuffix(x, y)
		}
		return cmp.Compare(x, y), partly, ok
	}
	order, ok = compareNumbers(v, w)
	return order, false, ok
}
