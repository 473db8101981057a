package patch

import "strings"

// Document reads the body of a POST or PUT into a document, and returns the members of a group
// separately: members.Add has those that were sent, and members.Replace is set. If the body has no
// such attribute, members is zero.
//
// Values are converted to the declared type as in a PATCH. Names get their schema's spelling. The
// document omits attributes that only the server writes (id, meta, groups), that are never returned
// (password), that are unassigned (null, "", [] or {}) or that a known schema does not declare. An
// object under a URN that t does not know is an extension without a schema and is kept. The core
// schema's attributes may also be in an object under its URN, like those of an extension. Names may
// be paths: with their URN, with a period, with a filter. The "schemas" of the body may be missing,
// and an extension that they do not list is kept; without the core schema's URN they are an
// InvalidSyntax error, and so is an object under the URN of a message or of another resource. A
// required attribute that is missing or empty is an InvalidValue error, as is a string where the
// schema has a list of objects.
//
// With a strict Type, "schemas" must list the core schema and each extension that the body has, and
// an attribute may only be where RFC 7643 §3.3 puts it.
func Document(body []byte, t *Type) (doc map[string]any, members Members, err error) {
	o, err := decode(body)
	if err != nil {
		return nil, Members{}, err
	}
	if err := t.requireSchemas(o); err != nil {
		return nil, Members{}, err
	}
	r := reader{t: t, doc: make(map[string]any, len(o)), seen: make(map[any]bool, len(o))}
	for _, m := range o {
		if err := r.member(m); err != nil {
			return nil, Members{}, err
		}
	}
	if err := r.paths(); err != nil {
		return nil, Members{}, err
	}
	if err := t.scopes[0].checkRequired(r.doc); err != nil {
		return nil, Members{}, err
	}
	if r.hasMembers {
		f := memberFold{replace: true}
		list, _ := r.doc["members"].([]any)
		for _, e := range list {
			f.set(e, true)
		}
		delete(r.doc, "members")
		return r.doc, f.members(), nil
	}
	return r.doc, Members{}, nil
}

// reader builds a document from the members of a body.
type reader struct {
	t          *Type
	doc        map[string]any
	seen       map[any]bool // attributes, schemas and folded unknown URNs that were read already
	hasMembers bool         // the body has the members of a group
	byPath     []member     // JSON members whose names are paths, to be read last
}

// member reads one member of the body.
func (r *reader) member(m member) error {
	core := r.t.scopes[0]
	if a := core.attrs.find(m.name); a != nil {
		r.hasMembers = r.hasMembers || a.members
		return r.attribute(r.doc, a, m.value)
	}
	s, known := r.t.byURN[strings.ToLower(m.name)]
	o, isObject := m.value.(object)
	switch {
	case known:
		var err error
		if o, isObject, err = r.t.objectOf(m.value); err != nil {
			return err
		}
		if s == core {
			return r.core(o)
		}
	case r.t.elsewhere(m.name):
		if isObject && len(o) == 0 || m.value == nil {
			return nil
		}
		return r.t.notHere(InvalidSyntax, m.name)
	case !isObject || !strings.Contains(m.name, ":") || r.t.within(m.name):
		if strings.ContainsAny(m.name, ":.[") && !r.t.strict {
			r.byPath = append(r.byPath, m)
		}
		return nil
	default:
		s = r.t.scope(m.name)
	}
	if r.seen[strings.ToLower(s.urn)] {
		return fail(InvalidSyntax, "%s is there twice; send it once", quote(s.urn))
	}
	r.seen[strings.ToLower(s.urn)] = true
	if m.value == nil {
		return nil
	}
	if !isObject {
		return fail(InvalidValue, "%s must be an object with attributes", s.urn)
	}
	return r.extension(s, o)
}

// core reads the attributes of the core schema from an object under its URN, which may be nil. A
// strict type has them at the top only.
func (r *reader) core(o object) error {
	if r.t.strict {
		return nil
	}
	for _, m := range o {
		a := r.t.scopes[0].attrs.find(m.name)
		if a == nil {
			continue
		}
		r.hasMembers = r.hasMembers || a.members
		if err := r.attribute(r.doc, a, m.value); err != nil {
			return err
		}
	}
	return nil
}

// paths reads the members whose names are paths. It adds them to the rest of the document as a
// PATCH would. An undeclared attribute is left out, as it is under a plain name.
func (r *reader) paths() error {
	n := normalizer{t: r.t}
	for _, m := range r.byPath {
		p, err := r.t.path(m.name)
		if err != nil || p.attr == nil || p.scope.untyped {
			continue
		}
		wholeAttribute := p.sub == nil && p.filter == nil
		switch {
		case p.attr.members && wholeAttribute:
			r.hasMembers = true
			err = r.attribute(r.doc, p.attr, m.value)
		case p.attr.members:
		case wholeAttribute && r.seen[p.attr]:
			err = fail(InvalidSyntax, "%s is there twice; send it once", p.attr.path)
		default:
			if wholeAttribute {
				r.seen[p.attr] = true
				err = p.attr.checkList(m.value)
			}
			if err == nil {
				err = n.change(Add, p, m.value, false)
			}
		}
		if err != nil {
			return err
		}
	}
	if len(n.out) == 0 {
		return nil
	}
	var err error
	if r.doc, _, err = Apply(r.doc, n.out, r.t); err != nil {
		return err
	}
	for _, s := range r.t.scopes[1:] {
		if into, ok := r.doc[s.urn].(map[string]any); ok {
			if err := s.checkRequired(into); err != nil {
				return err
			}
		}
	}
	return nil
}

// extension reads the attributes of an extension.
func (r *reader) extension(s *scope, o object) error {
	into := make(map[string]any, len(o))
	names := make(map[string]bool, len(o))
	for _, m := range o {
		if s.untyped {
			if names[strings.ToLower(m.name)] {
				return fail(InvalidSyntax, "%s is there twice; send it once", quote(m.name))
			}
			names[strings.ToLower(m.name)] = true
		}
		a := s.attribute(m.name)
		if a == nil {
			continue
		}
		if err := r.attribute(into, a, m.value); err != nil {
			return err
		}
	}
	if len(into) == 0 {
		return nil
	}
	r.doc[s.urn] = into
	return s.checkRequired(into)
}

// attribute reads one attribute.
func (r *reader) attribute(into map[string]any, a *attribute, v any) error {
	if r.seen[a] {
		return fail(InvalidSyntax, "%s is there twice; send it once", a.path)
	}
	r.seen[a] = true
	if a.readOnly || a.secret || a.derived {
		return nil
	}
	if err := a.checkList(v); err != nil {
		return err
	}
	c, err := a.coerce(v)
	if err != nil {
		return err
	}
	if c != nil {
		into[a.name] = c
	}
	return nil
}

// checkRequired returns an error if a required attribute has no value in m.
func (s *scope) checkRequired(m map[string]any) error {
	for _, a := range s.list {
		if !a.required {
			continue
		}
		if s, ok := m[a.name].(string); m[a.name] == nil || ok && strings.TrimSpace(s) == "" {
			return fail(InvalidValue, "%s is required and must not be empty", a.path)
		}
	}
	return nil
}
