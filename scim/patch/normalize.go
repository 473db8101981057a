package patch

import (
	"errors"
	"strings"

	fp "github.com/scim2/filter-parser/v2"

	"rollcall/scim/filter"
)

// Normalize reads the body of a PATCH (RFC 7644 §3.5.2) into canonical operations in document
// order. Each attribute in them is declared by t, or belongs to an extension without a schema, and
// each value is of the attribute's type. The result may be empty.
//
// It accepts all dialects that identity providers are known to send:
//   - "schemas" missing, empty or with more URNs, "operations" in lower case, op in any case;
//   - no operations and nothing else besides "schemas", which is a change of nothing;
//   - attributes and URNs in any case, a period between URN and attribute, an extension's attribute
//     without its URN, a whole extension as path;
//   - no path, and a value whose members are attributes, dotted paths, paths with filters, URNs
//     with an attribute, or extensions. Attributes that only the server writes (id, meta, groups)
//     and those that no schema declares are left out then;
//   - booleans and numbers as strings, one value where a list is declared, a list of one value
//     where one value is declared, a bare string for the "value" of a complex attribute, an object
//     as JSON in a string;
//   - null, "" and [] for unassigned: replace removes then, add does nothing. Within the object for
//     a complex attribute they remove the sub-attribute. A complex value is meaningless without its
//     "value", so removing that removes all of it: a manager, or the e-mail that a filter selects;
//   - remove with a list of the values to remove. It never removes all values by accident: an empty
//     list removes nothing, and an element without a value is refused.
//
// Other "schemas" than those of a PATCH are an InvalidSyntax error, unless the operations do
// nothing but take access or values away. An attribute under the URN of a message or of another
// resource is an InvalidPath error.
//
// A strict Type accepts only these of them: names and URNs in any case, a whole extension as path,
// objects for extensions without a path, and null and [] for unassigned. Without a path, it refuses
// attributes that only the server writes.
func Normalize(body []byte, t *Type) ([]Operation, error) {
	o, err := decode(body)
	if err != nil {
		return nil, err
	}
	other := t.requireSchema(o, patchOp)
	if other != nil && t.strict {
		return nil, other
	}
	v, _, err := o.get("Operations")
	if err != nil {
		return nil, err
	}
	list, _ := v.([]any)
	if len(list) == 0 && (t.strict || !isNothing(o)) {
		return nil, fail(InvalidSyntax, "Operations must be a list of at least one operation")
	}
	n := normalizer{t: t, out: make([]Operation, 0, min(len(list), MaxOperations))}
	for i, e := range list {
		if err := n.operation(e); err != nil {
			var p *Error
			if errors.As(err, &p) {
				return nil, fail(p.ScimType, "Operations[%d]: %s", i, p.Detail)
			}
			return nil, err
		}
	}
	if other != nil && !takesAway(n.out) {
		return nil, other
	}
	return n.out, nil
}

// normalizer collects the operations of one PATCH.
type normalizer struct {
	t          *Type
	out        []Operation
	work       int // values, and terms of filters, that Apply will compare with each element
	selections int // comparisons with each member of a group
	size       int // size of the values in bytes, without members
}

// operation normalizes one element of Operations.
func (n *normalizer) operation(e any) error {
	o, ok := e.(object)
	if !ok {
		return fail(InvalidSyntax, "an operation must be an object")
	}
	v, _, err := o.get("op")
	if err != nil {
		return err
	}
	name, _ := v.(string)
	op := Op(name)
	if !n.t.strict {
		op = Op(strings.ToLower(name))
	}
	if op != Add && op != Replace && op != Remove {
		return fail(InvalidSyntax, `op must be "add", "replace" or "remove"`)
	}
	if v, _, err = o.get("path"); err != nil {
		return err
	}
	path, ok := v.(string)
	if v != nil && !ok {
		return fail(InvalidSyntax, "path must be a string")
	}
	v, sent, err := o.get("value")
	if err != nil {
		return err
	}
	switch {
	case path == "" && op == Remove:
		return fail(NoTarget, "remove needs a path")
	case sent && op == Remove && n.t.strict:
		return fail(InvalidSyntax,
			"remove takes no value; select what to remove by a filter in the path")
	case !sent && op != Remove:
		return fail(InvalidValue, "%s needs a value; to unassign an attribute, use remove", op)
	case path == "":
		return n.members(op, n.t.scopes[0], v, n.t.strict)
	}
	p, err := n.t.path(path)
	if err != nil {
		return err
	}
	return n.change(op, p, v, true)
}

// parsePath reads a PATCH path. Clients may leave out the quotes in its filter, except those of a
// strict Type.
func (t *Type) parsePath(path string) (fp.Path, error) {
	if t.strict {
		return filter.ParsePath(path)
	}
	return filter.ParsePathLoose(path)
}

// path resolves a PATCH path.
func (t *Type) path(path string) (place, error) {
	if a := t.scopes[0].attrs[path]; a != nil {
		return place{scope: t.scopes[0], attr: a}, nil
	}
	parsed, err := t.parsePath(path)
	if err != nil && !strings.Contains(path, "[") {
		return place{}, undeclared("path: %v", err) // no attribute can have such a name
	}
	if err != nil {
		return place{}, fail(InvalidPath, "path: %v", err)
	}
	p, err := t.find(parsed.AttributePath)
	if err != nil {
		return p, err
	}
	switch {
	case p.scope.untyped && t.within(p.scope.urn):
		return p, undeclared("there is no attribute %s; a sub-attribute follows a period", quote(path))
	case p.scope.untyped && t.elsewhere(p.scope.urn):
		return p, t.notHere(InvalidPath, p.scope.urn)
	}
	return p.selected(parsed)
}

// selected adds the filter of a parsed path, and the sub-attribute after it, to the place p of the
// attribute before the brackets.
func (p place) selected(parsed fp.Path) (place, error) {
	if parsed.ValueExpression == nil {
		return p, nil
	}
	e, err := p.elements(parsed.ValueExpression)
	if err != nil {
		var f *Error
		if errors.As(err, &f) {
			return p, fail(InvalidPath, "%s", f.Detail)
		}
		return p, err
	}
	if !p.attr.multi && p.attr.kind != untyped {
		return p, fail(InvalidPath, "%s has one value, which takes no filter", p.attr.path)
	}
	p.filter = e
	if parsed.SubAttribute == nil {
		return p, nil
	}
	if p.attr.kind != complexKind && p.attr.kind != untyped {
		return p, fail(InvalidPath, "%s has no sub-attributes", p.attr.path)
	}
	if p.sub = p.attr.sub(*parsed.SubAttribute); p.sub == nil {
		return p, undeclared("%s has no sub-attribute %s", p.attr.path, quote(*parsed.SubAttribute))
	}
	return p, nil
}

// members normalizes an operation whose value is an object with attributes of s as members. named
// is set if the client sent a path, and so asked for exactly these attributes.
func (n *normalizer) members(op Op, s *scope, v any, named bool) error {
	o, ok, err := n.t.objectOf(v)
	if err != nil {
		return err
	}
	if !ok {
		if s.urn == "" {
			return fail(InvalidValue, "value must be an object with attributes when there is no path")
		}
		return fail(InvalidValue, "%s must be an object with attributes", s.urn)
	}
	for _, m := range o {
		if s.urn != "" && strings.EqualFold(m.name, "schemas") {
			continue // scim2-client and scim2-tester send an extension's own URN inside it
		}
		p, err := n.member(s, m)
		if isUndeclared(err) && !n.t.strict {
			continue // as in a PUT: one attribute that nobody declares must not lose the others
		}
		if err != nil {
			return err
		}
		if err := n.change(op, p, m.value, named); err != nil {
			return err
		}
	}
	return nil
}

// member resolves the name of a member of an object with attributes of s.
func (n *normalizer) member(s *scope, m member) (place, error) {
	if n.t.strict {
		return n.strictMember(s, m)
	}
	if s.urn == "" {
		if _, isObject := m.value.(object); isObject && n.t.undeclared(m.name) {
			// As in a POST, an object under an unknown URN is an extension without a schema.
			if n.t.elsewhere(m.name) {
				return place{}, n.t.notHere(InvalidPath, m.name)
			}
			return place{scope: n.t.scope(m.name)}, nil
		}
		return n.t.path(m.name)
	}
	parsed, err := n.t.parsePath(m.name)
	if err != nil {
		return place{}, fail(InvalidPath, "%s: %v", s.urn, err)
	}
	if parsed.AttributePath.URIPrefix != nil {
		return place{}, fail(InvalidPath, "%s has no attribute %s", s.urn, quote(m.name))
	}
	p, err := in(s, parsed.AttributePath.AttributeName, parsed.AttributePath.SubAttribute)
	if err != nil {
		return p, err
	}
	return p.selected(parsed)
}

// strictMember is member for a strict Type: the name must be that of an attribute, or the URN of an
// extension.
func (n *normalizer) strictMember(s *scope, m member) (place, error) {
	if of := n.t.byURN[strings.ToLower(m.name)]; of != nil && s.urn == "" && of.urn != "" {
		return place{scope: of}, nil
	}
	return in(s, m.name, nil)
}

// undeclared reports whether a name is the URN of an extension without a schema. An attribute of
// such an extension looks like a longer URN. Only the version distinguishes them: it is the last
// part but one in the URN of a schema.
func (t *Type) undeclared(name string) bool {
	if !strings.Contains(name, ":") || strings.ContainsAny(name, "[ ") {
		return false
	}
	name = strings.ToLower(name)
	if t.byURN[name] != nil || t.within(name) {
		return false
	}
	parts := strings.Split(name, ":")
	k := len(parts)
	dotted := isVersion(parts[k-2]) && strings.Contains(parts[k-1], ".")
	return !dotted && (k < 3 || !isVersion(parts[k-3]))
}

// push adds an operation. If it and the last one both add or both remove members, it joins them: a
// client that removes 1,000 members one by one means one change of a set.
func (n *normalizer) push(op Operation) error {
	if k := len(n.out) - 1; k >= 0 && op.Value != nil && op.Op != Replace && op.Target == membersTarget {
		if last := &n.out[k]; last.Op == op.Op && last.Target == membersTarget && last.Value != nil {
			last.Value = append(last.Value.([]any), op.Value.([]any)...)
			return nil
		}
	}
	n.work += terms(op.Target.Filter)
	if op.Target != membersTarget {
		list, _ := op.Value.([]any)
		n.work += len(list)
		n.size += size(op.Value)
	}
	if n.size > maxBytes {
		return fail(TooMany, "the values of the request take more than %d KiB; split it", maxBytes>>10)
	}
	if len(n.out) == MaxOperations || n.work > maxWork {
		return fail(TooMany, "the request makes more than %d changes; split it", MaxOperations)
	}
	n.out = append(n.out, op)
	return nil
}
