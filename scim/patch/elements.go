package patch

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	fp "github.com/scim2/filter-parser/v2"
)

// changeList returns what op makes of the elements of a multi-valued attribute.
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

// changeElements changes the elements that the target selects, or their sub-attribute.
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
		if err := a.elementKeeps(e, changed, op); err != nil {
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

// changeElement returns what op makes of the element e, which stays as it is.
func (a *attribute) changeElement(e any, op Operation) any {
	sub := op.Target.SubAttribute
	if sub == "" {
		if op.Op == Replace {
			return copyValue(op.Value)
		}
		return a.changeValue(copyValue(e), op)
	}
	m, ok := copyValue(e).(map[string]any)
	if !ok {
		m = map[string]any{"value": e}
	}
	if a.kind == untyped {
		sub = spelled(m, sub)
	}
	changeSub(m, sub, op)
	return m
}

// elementKeeps is an error when a changed element lost an immutable sub-attribute. An element may
// be replaced by another as a whole.
func (a *attribute) elementKeeps(e, changed any, op Operation) error {
	if op.Op == Replace && op.Target.SubAttribute == "" {
		return nil
	}
	was, _ := e.(map[string]any)
	is, _ := changed.(map[string]any)
	for _, sub := range a.subList {
		if err := sub.keeps(was[sub.name], is[sub.name]); err != nil {
			return err
		}
	}
	return nil
}

func makesPrimary(op Operation) bool {
	m, _ := op.Value.(map[string]any)
	return op.Target.SubAttribute == "primary" && op.Value == true || m["primary"] == true
}

// create returns the element that op's filter describes, with op's value. Entra fills an attribute
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

// describe sets in e what a filter of eq terms joined by "and" says, and reports whether it is one.
// A pr term says nothing, but may be met by the value to come.
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

// addListed appends the values that are not in list.
func (a *attribute) addListed(list, values []any) []any {
	places := make(map[string]int, len(list)+len(values))
	for i, e := range list {
		places[identity(e)] = i
	}
	primary := -1
	for _, v := range values {
		v = copyValue(v)
		id := identity(v)
		i, known := places[id]
		m, isObject := v.(map[string]any)
		switch {
		case !known:
			i = len(list)
			places[id] = i
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

// appendNew appends the values that are not in list.
func appendNew(list, values []any) []any {
	return (&attribute{}).addListed(list, values)
}

// identity is a text that two elements share when they are the same one: when they have the same
// value and type (RFC 7643 §2.4), or are equal if they have no value.
func identity(e any) string {
	if m, ok := e.(map[string]any); ok && m["value"] != nil {
		e = []any{m["value"], m["type"]}
	}
	b, err := json.Marshal(e) // sorts the members of objects
	if err != nil {
		return fmt.Sprint(e)
	}
	return string(b)
}

// removeListed removes the elements that have every sub-attribute that one of values has.
func (a *attribute) removeListed(list, values []any) []any {
	out := make([]any, 0, len(list))
	for _, e := range list {
		listed := false
		for _, v := range values {
			listed = listed || a.has(e, v)
		}
		if !listed {
			out = append(out, e)
		}
	}
	return out
}

// has says whether the element e is v, or has every sub-attribute of v. "primary" is no part of
// what an element is, unless v has nothing else.
func (a *attribute) has(e, v any) bool {
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

func (a *attribute) same(v, w any) bool {
	s, ok := v.(string)
	t, both := w.(string)
	if ok && both && !a.exact {
		return strings.EqualFold(s, t)
	}
	return equal(v, w)
}
