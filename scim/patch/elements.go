package patch

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"

	fp "github.com/scim2/filter-parser/v2"
)

// changeList applies op to the elements of a multi-valued attribute and returns the result.
func (a *attribute) changeList(list []any, op Operation) (any, error) {
	var err error
	switch {
	case op.Target.Filter != nil || op.Target.SubAttribute != "":
		list, err = a.changeElements(list, op)
	case op.Op == Remove && op.Value == nil:
		return nil, nil
	case op.Op == Remove:
		list = a.removeListed(list, op.Value.([]any))
	case op.Op == Replace:
		return copyValue(op.Value), nil
	default:
		values, ok := op.Value.([]any)
		if !ok {
			values = []any{op.Value}
		}
		list = a.addListed(list, values)
	}
	if len(list) > MaxValues {
		return nil, fail(InvalidValue, "%s would have more than %d values", a.path, MaxValues)
	}
	return list, err
}

// changeElements applies op to the elements that its target selects, or to their sub-attribute.
func (a *attribute) changeElements(list []any, op Operation) ([]any, error) {
	out := make([]any, 0, len(list)+1)
	found, primary := false, -1
	for _, e := range list {
		if op.Target.Filter != nil && !a.matches(op.Target.Filter, e) {
			out = append(out, e)
			continue
		}
		found = true
		changed := unassign(a.changeElement(e, op))
		if changed == nil {
			continue
		}
		if err := a.checkElement(e, changed, op); err != nil {
			return nil, err
		}
		out = append(out, changed)
		if makesPrimary(op) {
			primary = len(out) - 1
		}
	}
	if !found && op.Op != Remove {
		e, err := a.create(op)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
		if m, ok := e.(map[string]any); ok && m["primary"] == true {
			primary = len(out) - 1
		}
	}
	if primary >= 0 {
		onePrimary(out, primary)
	}
	return out, nil
}

// changeElement applies op to a copy of the element e and returns the copy.
func (a *attribute) changeElement(e any, op Operation) any {
	sub := op.Target.SubAttribute
	if sub == "" {
		v := copyValue(op.Value)
		if op.Op != Replace || a.isPart(v, op.Target.Filter) {
			v = a.changeValue(copyValue(e), op)
		}
		if m, ok := v.(map[string]any); ok {
			maps.DeleteFunc(m, func(_ string, v any) bool { return v == nil })
		}
		return v
	}
	m, ok := copyValue(e).(map[string]any)
	if !ok {
		m = map[string]any{"value": e}
	}
	if a.kind == untyped {
		sub = storedKey(m, sub)
	}
	changeSub(m, sub, op)
	return m
}

// isPart reports whether v, which is to replace the elements that a filter selects, is only a part
// of an element: it does not pass the filter, or lacks the "value" without which it means nothing.
// RFC 7644 §3.5.2.3 has the elements replaced, as a strict type does, but clients send a role's
// display alone, as they may for a complex attribute. Merging it loses nothing.
func (a *attribute) isPart(v any, f fp.Expression) bool {
	if a.strict || a.kind != complexKind {
		return false
	}
	return a.valued && !hasValue(v) || !a.matches(f, v)
}

// checkElement returns an error if a changed element lost the value of an immutable sub-attribute.
// Replacing the element as a whole is allowed.
func (a *attribute) checkElement(e, changed any, op Operation) error {
	if op.Op == Replace && op.Target.SubAttribute == "" {
		return nil
	}
	before, _ := e.(map[string]any)
	after, _ := changed.(map[string]any)
	for _, sub := range a.subList {
		if err := sub.checkImmutable(before[sub.name], after[sub.name]); err != nil {
			return err
		}
	}
	return nil
}

// makesPrimary reports whether op makes the elements that it changes primary.
func makesPrimary(op Operation) bool {
	m, _ := op.Value.(map[string]any)
	return op.Target.SubAttribute == "primary" && op.Value == true || m["primary"] == true
}

// create returns a new element that op's filter selects, with op's value. Entra sets an attribute
// for the first time by emails[type eq "work"].value.
func (a *attribute) create(op Operation) (any, error) {
	e := make(map[string]any)
	if op.Target.Filter != nil && (a.strict || !describe(op.Target.Filter, e)) {
		return nil, noElement(op)
	}
	created := a.changeElement(e, Operation{Op: Add, Target: op.Target, Value: op.Value})
	if op.Target.Filter != nil && !a.matches(op.Target.Filter, created) {
		return nil, noElement(op)
	}
	return created, nil
}

func noElement(op Operation) error {
	return fail(NoTarget, "no value of %s matches the filter", op.Target.Attribute)
}

// describe sets in e the values of a filter that is made of eq terms joined by "and". It returns
// false for any other filter. A pr term sets nothing, since the value of the operation may meet it.
func describe(f fp.Expression, e map[string]any) bool {
	switch x := f.(type) {
	case *fp.LogicalExpression:
		return x.Operator == fp.AND && describe(x.Left, e) && describe(x.Right, e)
	case *fp.AttributeExpression:
		switch v := x.CompareValue.(type) {
		case int:
			e[x.AttributePath.AttributeName] = json.Number(strconv.Itoa(v))
		case float64:
			e[x.AttributePath.AttributeName] = json.Number(strconv.FormatFloat(v, 'g', -1, 64))
		case bool, string:
			e[x.AttributePath.AttributeName] = v
		}
		return x.Operator == fp.EQ || x.Operator == fp.PR
	}
	return false
}

// addListed appends the values that list lacks. A value with the same identity as an element of the
// list is merged into that element.
func (a *attribute) addListed(list, values []any) []any {
	indexes := make(map[string]int, len(list)+len(values))
	for i, e := range list {
		indexes[identity(e)] = i
	}
	primary := -1
	for _, v := range values {
		v = copyValue(v)
		id := identity(v)
		i, known := indexes[id]
		m, isObject := v.(map[string]any)
		switch {
		case !known:
			i = len(list)
			indexes[id] = i
			list = append(list, v)
		case isObject:
			list[i] = a.changeValue(list[i], Operation{Op: Add, Value: m})
		}
		if m["primary"] == true {
			primary = i
		}
	}
	if primary >= 0 {
		onePrimary(list, primary)
	}
	return list
}

// appendNew is addListed for values of an attribute that no schema declares.
func appendNew(list, values []any) []any {
	return (&attribute{}).addListed(list, values)
}

// zero separates the parts of an identity.
const zero = "\x00"

// identity returns a text that is equal for two elements if they count as the same one: if they
// have the same value and type (RFC 7643 §2.4) or, lacking a value, if they are equal.
func identity(e any) string {
	if m, ok := e.(map[string]any); ok && m["value"] != nil {
		if value, isString := m["value"].(string); isString {
			switch kind := m["type"].(type) {
			case nil:
				return zero + value
			case string:
				return zero + value + zero + kind // no string of a body has this character
			}
		}
		e = []any{m["value"], m["type"]}
	}
	b, err := json.Marshal(e) // sorts the members of objects
	if err != nil {
		return fmt.Sprint(e)
	}
	return string(b)
}

// removeListed removes each element that has all sub-attributes of one of the values.
func (a *attribute) removeListed(list, values []any) []any {
	out := make([]any, 0, len(list))
	for _, e := range list {
		listed := false
		for _, v := range values {
			listed = listed || a.contains(e, v)
		}
		if !listed {
			out = append(out, e)
		}
	}
	return out
}

// contains reports whether the element e is equal to v, or has every sub-attribute of v. The
// sub-attribute "primary" is ignored, unless v has no other.
func (a *attribute) contains(e, v any) bool {
	want, ok := v.(map[string]any)
	if !ok {
		return a.same(e, v)
	}
	m, _ := e.(map[string]any)
	n := 0
	for name, v := range want {
		if name == "primary" && len(want) > 1 {
			continue
		}
		sub := a.sub(name)
		if sub == nil || !sub.same(m[name], v) {
			return false
		}
		n++
	}
	return n > 0
}

// same compares two values, and strings as the attribute's caseExact says.
func (a *attribute) same(v, w any) bool {
	s, ok := v.(string)
	t, both := w.(string)
	if ok && both && !a.exact {
		return strings.EqualFold(s, t)
	}
	return equal(v, w)
}
