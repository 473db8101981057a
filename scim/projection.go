package scim

import (
	"strings"

	"rollcall/scim/filter"
	"rollcall/scim/jsontext"
)

// selection is a set of attributes as a tree: at the top attributes of the core schema and URNs of
// extensions, below them their attributes and sub-attributes, all in lower case. A name with
// nothing below it selects the whole attribute or extension.
type selection map[string]selection

// selection reads the lists of attribute names that a client sent in one of the two parameters of
// RFC 7644 §3.9, nil where they name none. Names that no schema knows select nothing; a filter in
// brackets, as in Microsoft's attributes=emails[type eq "work"], selects as if it were not there.
func (t *resourceType) selection(lists []string) selection {
	var s selection
	for _, list := range lists {
		for _, name := range splitNames(list) {
			if s == nil {
				s = selection{}
			}
			t.add(s, name)
		}
	}
	return s
}

func (t *resourceType) add(s selection, name string) {
	if strings.EqualFold(name, t.Schema.ID) {
		for _, a := range t.Schema.Attributes {
			s.add(a.Name())
		}
		return
	}
	path, err := filter.ParsePath(name)
	if err != nil {
		return
	}
	if path.SubAttribute != nil {
		path.AttributePath.SubAttribute = path.SubAttribute
	}
	p, err := t.attributes.Resolve(path.AttributePath)
	if err != nil {
		return
	}
	s.add(p.URN, p.Attribute, p.SubAttribute)
	if p.URN != "" && p.Declared == nil { // or it is all of an extension that has no schema here
		s.add(name)
	}
}

// add selects what the names lead to; empty ones are skipped.
func (s selection) add(names ...string) {
	for i, name := range names {
		if name == "" {
			continue
		}
		name = strings.ToLower(name)
		sub, selected := s[name]
		if selected && len(sub) == 0 {
			return // all of it, already
		}
		if rest := strings.Join(names[i+1:], ""); rest == "" {
			s[name] = nil
			return
		}
		if sub == nil {
			sub = selection{}
			s[name] = sub
		}
		s = sub
	}
}

// splitNames splits a list at the commas outside brackets and quotes.
func splitNames(list string) []string {
	var names []string
	start, depth, quoted := 0, 0, false
	cut := func(end int) {
		if name := strings.TrimSpace(list[start:end]); name != "" {
			names = append(names, name)
		}
		start = end + 1
	}
	for i := range len(list) {
		switch c := list[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[':
			depth++
		case c == ']':
			depth--
		case c == ',' && depth == 0:
			cut(i)
		}
	}
	cut(len(list))
	return names
}

// projection says which attributes an answer shows (RFC 7644 §3.9). The zero projection shows all.
// It does not apply to id and schemas, which are always shown, and to meta only where it is named:
// clients fail without them.
type projection struct {
	only   selection // nil selects everything
	except selection
}

// all returns whether nothing is left out.
func (p projection) all() bool { return p.only == nil && len(p.except) == 0 }

// shows returns whether an attribute, or a part of it, is shown.
func (p projection) shows(name string) bool {
	_, shown := p.of(name)
	return shown
}

// of returns the projection for the sub-attributes of an attribute, and whether it is shown at all.
func (p projection) of(name string) (sub projection, shown bool) {
	if p.all() {
		return projection{}, true
	}
	name = strings.ToLower(name)
	if p.only != nil {
		only, ok := p.only[name]
		if !ok {
			return projection{}, false
		}
		if len(only) > 0 {
			sub.only = only
		}
	}
	if except, ok := p.except[name]; ok {
		if len(except) == 0 {
			return projection{}, false
		}
		sub.except = except
	}
	return sub, true
}

// ofMeta is of for meta: a client that asks for other attributes gets all of it.
func (p projection) ofMeta() (sub projection, shown bool) {
	if _, named := p.only["meta"]; p.only != nil && !named {
		p.only = nil
	}
	return p.of("meta")
}

// appendMember appends a member of an object with the parts of its value that are shown, after a
// comma if it is not the first. Name and value are JSON. It appends nothing if nothing is shown.
func (p projection) appendMember(b []byte, name, value string) []byte {
	sub, shown := p.of(jsontext.Unquote(name))
	if !shown {
		return b
	}
	before := len(b)
	if b[before-1] != '{' {
		b = append(b, ',')
	}
	b = append(b, name...)
	b = append(b, ':')
	if sub.all() {
		return append(b, value...)
	}
	b, any := sub.appendValue(b, value)
	if !any {
		return b[:before]
	}
	return b
}

// appendValue appends the parts of an attribute's value that are shown, and returns whether there
// are any.
func (p projection) appendValue(b []byte, value string) ([]byte, bool) {
	switch before := len(b); value[0] {
	case '{':
		b = append(b, '{')
		for name, v := range jsontext.Members(value) {
			b = p.appendMember(b, name, v)
		}
		b = append(b, '}')
		return b, len(b)-before > len("{}")
	case '[':
		b = append(b, '[')
		for v := range jsontext.Elements(value) {
			mark := len(b)
			if b[mark-1] != '[' {
				b = append(b, ',')
			}
			var any bool
			if b, any = p.appendValue(b, v); !any {
				b = b[:mark]
			}
		}
		b = append(b, ']')
		return b, len(b)-before > len("[]")
	}
	// A plain value has no sub-attributes: none can be selected, and none left out.
	return append(b, value...), p.only == nil
}
