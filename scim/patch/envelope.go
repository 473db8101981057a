package patch

import "strings"

// patchOp is the schema of a PATCH body (RFC 7644 §3.5.2).
const patchOp = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

// requireSchema returns an error unless the "schemas" of a body list the URN. Several clients send
// no schemas or an empty list, which only a strict type refuses. Those of something else are
// refused always: the client means another resource.
func (t *Type) requireSchema(o object, urn string) error {
	v, _, err := o.get("schemas")
	if err != nil {
		return err
	}
	list, isList := v.([]any)
	if !t.strict {
		if v == nil || v == "" || isList && len(list) == 0 {
			return nil
		}
		if !isList {
			list = []any{v}
		}
	}
	for _, e := range list {
		if s, ok := e.(string); ok && strings.EqualFold(s, urn) {
			return nil
		}
	}
	return fail(InvalidSyntax, "schemas must be a list that has %s", urn)
}

// isNothing reports whether a PATCH has no member but its "schemas" and an empty list of
// operations, or one of the two. ConnId leaves the operations out if nothing but the groups of a
// user change, and does not come to the groups if that is refused.
func isNothing(o object) bool {
	announced := false
	for _, m := range o {
		list, isList := m.value.([]any)
		switch {
		case strings.EqualFold(m.name, "schemas"):
			announced = announced || len(list) > 0
		case strings.EqualFold(m.name, "Operations") && len(list) == 0 && (isList || m.value == nil):
			announced = announced || isList
		default:
			return false
		}
	}
	return announced
}

// requireSchemas returns an error if the body's "schemas" lack the core schema, or, if t is strict,
// an extension that the body has.
func (t *Type) requireSchemas(o object) error {
	if err := t.requireSchema(o, t.id); err != nil || !t.strict {
		return err
	}
	for folded, s := range t.byURN {
		_, sent, err := o.get(folded)
		if err != nil {
			return err
		}
		if sent && s.urn != "" {
			if err := t.requireSchema(o, s.urn); err != nil {
				return err
			}
		}
	}
	return nil
}

// reserved are the beginnings of URNs that no vendor's extension has: those of messages, of the
// resources of RFC 7643 and of SCIM 1.1, and that of the enterprise extension.
var reserved = []string{
	"urn:ietf:params:scim:api:", "urn:ietf:params:scim:schemas:core:", "urn:scim:schemas:core:",
	"urn:ietf:params:scim:schemas:extension:enterprise:2.0:user",
}

// within reports whether a name begins with the URN of a schema of t and goes on.
func (t *Type) within(name string) bool {
	name = strings.ToLower(name)
	for urn := range t.byURN {
		if strings.HasPrefix(name, urn+":") || strings.HasPrefix(name, urn+".") {
			return true
		}
	}
	return false
}

// elsewhere reports whether a name is, or begins with, the URN of a message or of the schema of
// another resource. RFC 7643 §3 has none of these in a resource. What was kept under it would be
// read by nobody, while the client believes that an attribute has changed.
func (t *Type) elsewhere(name string) bool {
	folded := strings.ToLower(name)
	if t.byURN[folded] != nil || t.within(name) {
		return false
	}
	for _, prefix := range reserved {
		if strings.HasPrefix(folded, prefix) {
			return true
		}
	}
	return false
}

// notHere is the error for a name that is elsewhere.
func (t *Type) notHere(scimType, name string) error {
	return fail(scimType, "the schema %s is not one of this resource; its own is %s", quote(name), t.id)
}

// takesAway reports whether operations do nothing but take access or values away.
func takesAway(ops []Operation) bool {
	for _, op := range ops {
		if op.Op != Remove && (op.Target != Target{Attribute: "active"} || op.Value != false) {
			return false
		}
	}
	return len(ops) > 0
}

// TakesAway reports whether the body of a PATCH does nothing but take access or values away.
func TakesAway(body []byte, t *Type) bool {
	ops, err := Normalize(body, t)
	return err == nil && takesAway(ops)
}

// Deactivates reports whether the body of a PUT, or of a PATCH with an operation that has no path,
// says that a user is inactive. The rest of the body may be wrong.
func Deactivates(body []byte, t *Type) bool {
	o, err := decodeAny(body)
	if err != nil {
		return false
	}
	v, isPatch, err := o.get("Operations")
	if err != nil {
		return false
	}
	if !isPatch {
		return t.inactive(o)
	}
	list, _ := v.([]any)
	found := false
	for _, e := range list {
		op, _ := e.(object)
		name, _, _ := op.get("op")
		path, _, _ := op.get("path")
		value, _, _ := op.get("value")
		text, _ := path.(string)
		change, _ := name.(string)
		switch p, err := t.path(text); {
		case err == nil && p.attr != nil && p.attr.always:
			return false // the operations with paths are carried out together or not at all
		case text != "" || strings.EqualFold(change, string(Remove)):
			continue
		}
		o, _, err := t.objectOf(value)
		if active, _, _ := o.get("active"); active == nil || err != nil {
			continue
		}
		if found = t.inactive(o); !found {
			return false
		}
	}
	return found
}

// inactive reports whether an object of attributes has "active", and it is false.
func (t *Type) inactive(o object) bool {
	a := t.scopes[0].attrs.find("active")
	v, _, err := o.get("active")
	if a == nil || err != nil {
		return false
	}
	active, err := a.coerce(v)
	return err == nil && active == false
}
