package patch

import (
	"cmp"
	"encoding/json"
	"maps"
	"strings"
)

// Apply returns a copy of doc with the operations of [Normalize] applied in order, and whether the
// copy differs from doc. It changes neither doc nor ops. If one operation fails, it returns an
// [*Error] and no document.
//
//   - Replace of a complex attribute merges its sub-attributes (RFC 7644 §3.5.2.3); with a filter
//     it replaces the elements that match. An object that does not itself pass the filter, or that
//     lacks the value of an e-mail or a role, is a part of an element and is merged, unless the
//     Type is strict.
//   - Add to a multi-valued attribute skips a value that is there already. If an element has the
//     same value and type, the added sub-attributes are merged into it.
//   - If no element matches the filter of an add or replace, the element is created when all terms
//     of the filter are eq, as Entra expects of emails[type eq "work"].value. Otherwise, and always
//     with a strict Type, that is a NoTarget error (RFC 7644 §3.5.2.3). A remove then does nothing.
//   - When an element becomes primary, all others cease to be primary.
//   - An element, attribute or extension that becomes empty becomes absent.
//   - An immutable attribute that has a value keeps it: another value is a Mutability error.
func Apply(doc map[string]any, ops []Operation, t *Type) (next map[string]any, changed bool, err error) {
	next = copyValue(doc).(map[string]any)
	left := maxCompared
	for _, op := range ops {
		if err := t.apply(next, op, &left); err != nil {
			return nil, false, err
		}
	}
	return next, !equal(doc, next), nil
}

// Overwrite returns the document that a PUT of doc leaves, and whether that differs from the stored
// one. The result is doc with the immutable values of stored that doc lacks. Another value for one
// of them is a Mutability error (RFC 7644 §3.5.1).
func Overwrite(stored, doc map[string]any, t *Type) (next map[string]any, changed bool, err error) {
	next = copyValue(doc).(map[string]any)
	for _, s := range t.scopes {
		from, into := stored, next
		if s.urn != "" {
			from, _ = stored[s.urn].(map[string]any)
			if into, _ = next[s.urn].(map[string]any); into == nil {
				into = make(map[string]any)
			}
		}
		for _, a := range s.list {
			if !a.guarded {
				continue
			}
			a.copyImmutable(from, into)
			if err := a.checkImmutable(from[a.name], into[a.name]); err != nil {
				return nil, false, err
			}
		}
		if s.urn != "" && len(into) > 0 {
			next[s.urn] = into
		}
	}
	return next, !equal(stored, next), nil
}

// copyImmutable copies the attribute if it is immutable and into lacks it; likewise its
// sub-attributes.
func (a *attribute) copyImmutable(from, into map[string]any) {
	old, isSet := from[a.name]
	if a.fixed && isSet && into[a.name] == nil {
		into[a.name] = copyValue(old)
	}
	before, _ := old.(map[string]any)
	after, _ := into[a.name].(map[string]any)
	if after == nil {
		after = make(map[string]any)
	}
	for _, sub := range a.subList {
		if sub.fixed && before[sub.name] != nil {
			sub.copyImmutable(before, after)
			into[a.name] = after
		}
	}
}

// apply applies one operation to doc, in place, and subtracts its cost from left.
func (t *Type) apply(doc map[string]any, op Operation, left *int) error {
	s := t.scope(op.Target.URN)
	if op.Target.Attribute == "" {
		return s.remove(doc)
	}
	holder, urn := doc, ""
	if s.urn != "" {
		urn = storedKey(doc, s.urn)
		if holder, _ = doc[urn].(map[string]any); holder == nil {
			holder = make(map[string]any)
		}
	}
	a, name := s.attribute(op.Target.Attribute), op.Target.Attribute
	if a == nil {
		return fail(InvalidPath, "there is no attribute %s", op.Target)
	}
	if a.kind == untyped {
		name = storedKey(holder, name)
	}
	if *left -= cost(holder[name], op); *left < 0 {
		return fail(TooMany, "the request's changes of %s compare too much; split it", op.Target.Attribute)
	}
	v, err := a.checkedChange(holder[name], op)
	if err != nil {
		return err
	}
	if v == nil {
		delete(holder, name)
	} else {
		holder[name] = v
	}
	switch {
	case urn == "":
	case len(holder) == 0:
		delete(doc, urn)
	default:
		doc[urn] = holder
	}
	return nil
}

// checkedChange is change with an error if op takes the value of an immutable or required
// attribute. It returns nil for an attribute that becomes unassigned.
func (a *attribute) checkedChange(old any, op Operation) (any, error) {
	from := old
	if a.guarded {
		from = copyValue(old) // to compare with old afterwards
	}
	v, err := a.change(from, op)
	if err != nil {
		return nil, err
	}
	if err := a.checkImmutable(old, v); err != nil {
		return nil, err
	}
	if v = unassign(v); v == nil && a.required && old != nil {
		return nil, fail(Mutability, "%s is required and cannot be removed", a.path)
	}
	return v, nil
}

// remove removes a whole extension from doc.
func (s *scope) remove(doc map[string]any) error {
	urn := storedKey(doc, s.urn)
	holder, _ := doc[urn].(map[string]any)
	for _, a := range s.list {
		if err := a.checkImmutable(holder[a.name], nil); err != nil {
			return err
		}
	}
	delete(doc, urn)
	return nil
}

// storedKey returns the key of m that equals name regardless of case, or name if there is none. If
// no schema declares an attribute, it keeps the spelling in which it was first stored.
func storedKey(m map[string]any, name string) string {
	if _, ok := m[name]; ok {
		return name
	}
	for k := range m {
		if strings.EqualFold(k, name) {
			return k
		}
	}
	return name
}

// checkImmutable returns an error if the change from old to v alters the value of an immutable
// attribute, or of an immutable sub-attribute of its only value.
func (a *attribute) checkImmutable(old, v any) error {
	if !a.guarded {
		return nil
	}
	if a.fixed && old != nil && !equal(old, v) {
		return fail(Mutability, "%s is immutable and has a value already", a.path)
	}
	before, _ := old.(map[string]any)
	after, _ := v.(map[string]any)
	for _, sub := range a.subList {
		if err := sub.checkImmutable(before[sub.name], after[sub.name]); err != nil {
			return err
		}
	}
	return nil
}

// change applies op to the attribute's value old, which it may alter, and returns the result.
func (a *attribute) change(old any, op Operation) (any, error) {
	list, isList := old.([]any)
	values, valueIsList := op.Value.([]any)
	if op.Op == Remove && valueIsList && old != nil && !isList {
		if len(a.removeListed([]any{old}, values)) > 0 {
			return old, nil
		}
		return nil, nil
	}
	begins := old == nil && valueIsList && op.Target.SubAttribute == ""
	if a.multi || op.Target.Filter != nil || a.kind == untyped && (isList || begins) {
		if old != nil && !isList {
			list = []any{old}
		}
		return a.changeList(list, op)
	}
	sub := op.Target.SubAttribute
	if sub == "" {
		return a.changeValue(old, op), nil
	}
	m, _ := old.(map[string]any)
	if m == nil {
		m = make(map[string]any)
	}
	if a.kind == untyped {
		sub = storedKey(m, sub)
	}
	changeSub(m, sub, op)
	return m, nil
}

// changeSub applies op to the sub-attribute of m.
func changeSub(m map[string]any, sub string, op Operation) {
	list, isList := m[sub].([]any)
	added, ok := op.Value.([]any)
	switch {
	case op.Op == Remove:
		delete(m, sub)
	case op.Op == Add && isList && ok:
		m[sub] = appendNew(list, added)
	default:
		forgetRef(m, map[string]any{sub: op.Value})
		m[sub] = copyValue(op.Value)
	}
}

// forgetRef removes the $ref of m if m is about to get another value without a $ref. The old $ref
// would still point to the resource of the old value, such as the last manager.
func forgetRef(m, added map[string]any) {
	if v := added["value"]; v != nil && added["$ref"] == nil && !equal(m["value"], v) {
		delete(m, "$ref")
	}
}

// changeValue applies op to a single value. Objects are merged, both by replace and by add.
func (a *attribute) changeValue(old any, op Operation) any {
	if op.Op == Remove {
		return nil
	}
	merged, ok := old.(map[string]any)
	added, both := op.Value.(map[string]any)
	if !ok || !both {
		return copyValue(op.Value)
	}
	forgetRef(merged, added)
	maps.Copy(merged, copyValue(added).(map[string]any))
	return merged
}

// copyValue returns a copy of a JSON value that shares no map or list with it.
func copyValue(v any) any {
	switch x := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(x))
		for k, e := range x {
			m[k] = copyValue(e)
		}
		return m
	case []any:
		l := make([]any, len(x))
		for i, e := range x {
			l[i] = copyValue(e)
		}
		return l
	}
	return v
}

// equal compares JSON values. It compares numbers by value, not by the type they were decoded to.
func equal(a, b any) bool {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		return ok && maps.EqualFunc(x, y, equal)
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !equal(x[i], y[i]) {
				return false
			}
		}
		return true
	case nil, bool, string:
		return a == b
	}
	order, ok := compareNumbers(a, b)
	return ok && order == 0
}

// compareNumbers compares two numbers in the types to which encoding/json and the filter parser
// decode them. Two integers are compared exactly. ok is false if a or b is not a number.
func compareNumbers(a, b any) (order int, ok bool) {
	m, isInteger := asInteger(a)
	n, bothIntegers := asInteger(b)
	if isInteger && bothIntegers {
		return cmp.Compare(m, n), true
	}
	x, isNumber := asFloat(a)
	y, both := asFloat(b)
	return cmp.Compare(x, y), isNumber && both
}

// asInteger returns the value of a number that is an integer.
func asInteger(v any) (int64, bool) {
	switch x := v.(type) {
	case int:
		return int64(x), true
	case int64:
		return x, true
	case json.Number:
		n, err := x.Int64()
		return n, err == nil
	}
	return 0, false
}

// asFloat returns the value of a number.
func asFloat(v any) (float64, bool) {
	switch x := v.(type) {
	case float64:
		return x, true
	case json.Number:
		f, err := x.Float64()
		return f, err == nil
	}
	n, ok := asInteger(v)
	return float64(n), ok
}
