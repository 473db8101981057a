package patch

import (
	"cmp"
	"strings"

	fp "github.com/scim2/filter-parser/v2"
)

// change normalizes an operation on the place p. named is set if the client named just this
// attribute: then an attribute that clients must not write is refused. Otherwise it is left out,
// because clients send whole resources without a path.
func (n *normalizer) change(op Op, p place, v any, named bool) error {
	if p.attr == nil {
		return n.extension(op, p, v, named)
	}
	leaf := p.attr
	if p.sub != nil {
		leaf = p.sub
	}
	switch {
	case p.attr.readOnly || leaf.readOnly:
		if named {
			return fail(Mutability, "%s is written by the server only", leaf.path)
		}
		return nil
	case p.attr.derived && op != Remove:
		// Some clients add a new extension to schemas. Its attributes alone have the same effect.
		return nil
	case p.attr.secret || leaf.secret:
		return nil
	case p.attr.members && p.sub != nil:
		return fail(Mutability, "%s cannot be changed; remove the member and add it again", leaf.path)
	case op == Remove:
		return n.remove(p, v)
	case p.single():
		v = leaf.unwrapped(v)
	}
	if blank, ok := v.(string); ok && leaf.required && strings.TrimSpace(blank) == "" {
		return fail(InvalidValue, "%s is required and must not be empty", leaf.path)
	}
	if p.attr.members && p.filter != nil {
		return fail(InvalidPath, "%s are added by the path members, with a list of values", p.attr.path)
	}
	if p.attr.kind == complexKind && p.sub == nil && (!p.attr.multi || p.filter != nil) {
		return n.complexValue(op, p, v)
	}
	coerced, err := coerceAt(p, v)
	if err != nil {
		return err
	}
	return n.write(op, p, coerced)
}

// single reports whether p takes one value: that of a single-valued attribute or sub-attribute, or
// the elements that a filter selects.
func (p place) single() bool {
	if p.sub != nil {
		return !p.sub.multi
	}
	return p.filter != nil || !p.attr.multi
}

// coerceAt coerces v, unwrapped, to the type of p. With a filter, that is one element.
func coerceAt(p place, v any) (any, error) {
	switch {
	case p.sub != nil && p.single():
		return p.sub.single(v)
	case p.sub != nil:
		return p.sub.coerce(v)
	case p.single():
		return p.attr.single(v)
	}
	return p.attr.coerce(v)
}

// write pushes an add or replace with a coerced value. Replace with an unassigned value becomes a
// removal. Add with one does nothing.
func (n *normalizer) write(op Op, p place, v any) error {
	if v != nil {
		return n.push(Operation{Op: op, Target: p.target(), Value: v})
	}
	if op == Add {
		return nil
	}
	return n.remove(p, nil)
}

// complexValue normalizes an add or replace of one value of a complex attribute: its only one, or
// the elements that a filter selects.
func (n *normalizer) complexValue(op Op, p place, v any) error {
	if s, ok := v.(string); ok && s != "" && p.filter != nil && p.attr.subs["value"] != nil &&
		!p.attr.strict && !isJSON(s) {
		// A bare string sets the value of the elements, and keeps their other sub-attributes.
		p.sub = p.attr.subs["value"]
		c, err := p.sub.coerce(s)
		if err != nil {
			return err
		}
		return n.write(op, p, c)
	}
	if v == nil || v == "" {
		return n.write(op, p, nil)
	}
	m, cleared, err := p.attr.object(v)
	if err != nil {
		return err
	}
	if m == nil {
		return n.write(op, p, nil)
	}
	if op == Replace && p.filter != nil {
		return n.elementValue(p, m, cleared)
	}
	if op == Replace {
		for _, sub := range cleared {
			q := p
			q.sub = sub
			if err := n.remove(q, nil); err != nil {
				return err
			}
			if sub.name == "value" {
				return nil // without its value, the complex attribute is removed altogether
			}
		}
	}
	if len(m) == 0 {
		return nil
	}
	return n.push(Operation{Op: op, Target: p.target(), Value: m})
}

// elementValue normalizes a replace of the elements that a filter selects. A sub-attribute that the
// client unassigned is nil in the value.
func (n *normalizer) elementValue(p place, m map[string]any, cleared []*attribute) error {
	for _, sub := range cleared {
		if sub.name == "value" {
			return n.remove(p, nil) // without its value, the element is removed altogether
		}
		if sub.required {
			return fail(Mutability, "%s is required and cannot be removed", sub.path)
		}
		if !p.attr.strict { // which replaces the whole element, and so loses it anyway
			m[sub.name] = nil
		}
	}
	if len(m) == 0 {
		return nil
	}
	return n.push(Operation{Op: Replace, Target: p.target(), Value: m})
}

// remove normalizes a removal. v is a list of values to remove, nil for all.
func (n *normalizer) remove(p place, v any) error {
	leaf := p.attr
	if p.sub != nil {
		leaf = p.sub
	}
	listed := v != nil && p.sub == nil && p.filter == nil && (p.attr.multi || p.attr.kind == untyped)
	if leaf.required && !listed && (p.filter == nil || p.sub != nil) {
		return fail(Mutability, "%s is required and cannot be removed", leaf.path)
	}
	if p.attr.always && p.attr.strict {
		return fail(Mutability, `%s always has a value; replace it with true or false`, leaf.path)
	}
	if p.attr.derived {
		return fail(Mutability, "schemas follow from the attributes; remove those of the extension")
	}
	if p.sub != nil && p.sub.name == "value" && p.attr.kind == complexKind {
		p.sub = nil // a manager without an id, or an e-mail without an address, means nothing
	}
	if p.attr.members && p.filter != nil {
		ids, ok := selectedValues(p.filter, nil)
		if !ok {
			return n.selectMembers(p)
		}
		p.filter = nil
		return n.push(Operation{Op: Remove, Target: p.target(), Value: ids})
	}
	if listed {
		return n.removeValues(p, v)
	}
	return n.push(Operation{Op: Remove, Target: p.target()})
}

// maxSelections is how many comparisons the filters of one PATCH may make with each member of a
// group, of which there may be a hundred thousand.
const maxSelections = 50

// selectMembers normalizes the removal of the members that a filter selects.
func (n *normalizer) selectMembers(p place) error {
	if namedMember(p.filter) == "" {
		if n.selections += terms(p.filter); n.selections > maxSelections {
			return fail(TooMany, "the filters of members make more than %d comparisons; split the request, or select "+
				"members by value", maxSelections)
		}
	}
	return n.push(Operation{Op: Remove, Target: p.target()})
}

// removeValues normalizes a removal with a list of values, by which Entra removes members. Whatever
// the list holds, the result must never be a removal of all values: that would empty the group.
func (n *normalizer) removeValues(p place, v any) error {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	values := make([]any, 0, len(list))
	for _, e := range list {
		c, err := p.attr.single(e)
		if err != nil {
			return err
		}
		if c == nil || p.attr.members && !hasValue(c) {
			return fail(InvalidValue,
				"each value to remove from %s must say which it is; to remove all, send no value", p.attr.path)
		}
		values = append(values, c)
	}
	if len(values) == 0 {
		return nil
	}
	return n.push(Operation{Op: Remove, Target: p.target(), Value: values})
}

// selectedValues appends the elements that a filter selects to ids. It returns false unless the
// filter is made of "value eq" terms joined by "or".
func selectedValues(e fp.Expression, ids []any) ([]any, bool) {
	switch x := e.(type) {
	case *fp.LogicalExpression:
		ids, ok := selectedValues(x.Left, ids)
		if !ok || x.Operator != fp.OR {
			return nil, false
		}
		return selectedValues(x.Right, ids)
	case *fp.AttributeExpression:
		id, ok := x.CompareValue.(string)
		if ok && id != "" && x.Operator == fp.EQ && x.AttributePath.AttributeName == "value" {
			return append(ids, map[string]any{"value": id}), true
		}
	}
	return nil, false
}

// namedMember returns the id that each element which a filter selects must have, or "".
func namedMember(e fp.Expression) string {
	switch x := e.(type) {
	case *fp.LogicalExpression:
		if x.Operator == fp.AND {
			return cmp.Or(namedMember(x.Left), namedMember(x.Right))
		}
	case *fp.AttributeExpression:
		if id, ok := x.CompareValue.(string); ok && x.Operator == fp.EQ && x.AttributePath.AttributeName == "value" {
			return id
		}
	}
	return ""
}

// extension normalizes an operation on a whole extension.
func (n *normalizer) extension(op Op, p place, v any, named bool) error {
	switch {
	case p.scope.urn == "" && (op == Remove || v == nil):
		return fail(Mutability, "the core schema cannot be removed; remove its attributes")
	case op == Remove || op == Replace && v == nil:
		return n.push(Operation{Op: Remove, Target: p.target()})
	case v == nil:
		return nil
	}
	return n.members(op, p.scope, v, named)
}
