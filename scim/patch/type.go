package patch

import (
	"slices"
	"strings"

	"github.com/elimity-com/scim/schema"
	fp "github.com/scim2/filter-parser/v2"
)

// Type is a resource type: its core schema with the common attributes id, externalId, schemas and
// meta, and its extensions, all indexed for look-ups regardless of case. Make one with [NewType]. A
// Type never changes and may be used by any number of goroutines.
type Type struct {
	scopes []*scope          // the core schema first
	byURN  map[string]*scope // by folded URN
	id     string            // of the core schema
	strict bool
}

// scope is the attributes of one schema.
type scope struct {
	urn     string // empty for the core schema, whose attributes are at the top of a document
	attrs   attributes
	list    []*attribute
	untyped bool // an extension without a schema: any name is an attribute
}

// attributes finds attributes by their name, both as declared and in lower case.
type attributes map[string]*attribute

// kind is the data type of an attribute (RFC 7643 §2.3).
type kind uint8

const (
	untyped kind = iota // any JSON, in an extension without a schema
	text
	reference
	boolean
	integer
	decimal
	dateTime
	binary
	complexKind
)

var kinds = map[string]kind{
	"string": text, "reference": reference, "boolean": boolean, "integer": integer,
	"decimal": decimal, "dateTime": dateTime, "binary": binary, "complex": complexKind,
}

// attribute is an attribute or sub-attribute, with the properties that this package looks up.
type attribute struct {
	name      string
	path      string // with URN and parent, for messages
	declared  *schema.CoreAttribute
	kind      kind
	multi     bool
	exact     bool // comparisons distinguish case
	required  bool
	readOnly  bool
	fixed     bool // immutable: once assigned, the value stays
	secret    bool // never returned, so never stored
	derived   bool // the "schemas" of a resource, which follow from its extensions
	members   bool // the members of a group; an element of them must have a value
	strict    bool // a value of another type than the declared one is refused, not converted
	guarded   bool // fixed, or with a sub-attribute that is fixed
	valued    bool // an element means nothing without its "value": an e-mail, a role
	address   bool // the "value" of an address of a person, which JSON in a string never is
	reference bool // the "value" of an attribute that refers to a resource: its id
	always    bool // "active" of a user, which has a value always
	subs      attributes
	subList   []*attribute
}

// common is built once, because the library checks each name by a regular expression.
var common = schema.CommonAttributes()

// NewType indexes a core schema and its extensions, which may be known only at run time. It takes
// less than 0.1 ms. The library's schema functions take several times as long, so callers should
// keep their results. Of two extensions with the same URN the first counts.
func NewType(core schema.Schema, extensions ...schema.Schema) *Type {
	return newType(false, core, extensions)
}

// NewStrictType is [NewType] for exactly what RFC 7643 and RFC 7644 allow. It accepts none of the
// other forms that clients are known to send: see [Normalize] and [Document] for a list of them.
func NewStrictType(core schema.Schema, extensions ...schema.Schema) *Type {
	return newType(true, core, extensions)
}

func newType(strict bool, core schema.Schema, extensions []schema.Schema) *Type {
	t := &Type{byURN: make(map[string]*scope, 1+len(extensions)), id: core.ID, strict: strict}
	t.add("", core.ID, append(core.Attributes[:len(core.Attributes):len(core.Attributes)], common...))
	for _, e := range extensions {
		t.add(e.ID, e.ID, e.Attributes)
	}
	return t
}

func (t *Type) add(urn, id string, list schema.Attributes) {
	if t.byURN[strings.ToLower(id)] != nil {
		return
	}
	prefix := ""
	if urn != "" {
		prefix = urn + ":"
	}
	s := &scope{urn: urn}
	s.attrs, s.list = index(prefix, list, t.strict)
	if urn == "" {
		if a := s.attrs["schemas"]; a != nil {
			a.derived, a.required = true, false
		}
		if a := s.attrs["members"]; a != nil {
			a.members = true
		}
		if a := s.attrs["active"]; a != nil {
			a.always = true
		}
		s.markValues()
	}
	t.scopes = append(t.scopes, s)
	t.byURN[strings.ToLower(id)] = s
}

// markValues marks the lists of the core schema whose elements are nothing but a value with what is
// said about it. Entra ID writes JSON as the value of a role: an application's own words, which
// nobody else reads.
func (s *scope) markValues() {
	for _, a := range s.list {
		value := a.subs["value"]
		if value == nil || !a.multi || a.members {
			continue
		}
		a.valued = true
		value.address = a.name != "roles" && a.name != "entitlements"
	}
}

func index(prefix string, list schema.Attributes, strict bool) (attributes, []*attribute) {
	found := make(attributes, 2*len(list))
	all := make([]*attribute, 0, len(list))
	for i := range list {
		declared := &list[i]
		mutability := declared.Mutability()
		a := &attribute{
			name:     declared.Name(),
			path:     prefix + declared.Name(),
			declared: declared,
			kind:     kinds[declared.AttributeType()],
			multi:    declared.MultiValued(),
			exact:    declared.CaseExact(),
			required: declared.Required() && mutability != "readOnly",
			readOnly: mutability == "readOnly",
			fixed:    mutability == "immutable",
			secret:   declared.Returned() == "never",
			strict:   strict,
		}
		if found.find(a.name) != nil {
			continue
		}
		if a.kind == complexKind {
			a.subs, a.subList = index(a.path+".", declared.SubAttributes(), strict)
			if value := a.subs["value"]; value != nil {
				value.reference = a.subs["$ref"] != nil
			}
		}
		a.guarded = a.fixed || slices.ContainsFunc(a.subList, func(s *attribute) bool { return s.fixed })
		found[a.name], found[strings.ToLower(a.name)] = a, a
		all = append(all, a)
	}
	return found, all
}

// find returns the attribute of that name in any case, or nil.
func (as attributes) find(name string) *attribute {
	if a := as[name]; a != nil {
		return a
	}
	return as[strings.ToLower(name)]
}

// attribute returns the attribute of that name in any case, or nil. An extension without a schema
// has every attribute.
func (s *scope) attribute(name string) *attribute {
	if s.untyped {
		return &attribute{name: name, path: s.urn + ":" + name}
	}
	return s.attrs.find(name)
}

// sub returns the sub-attribute of that name in any case, or nil.
func (a *attribute) sub(name string) *attribute {
	if a.kind == untyped {
		return &attribute{name: name, path: a.path + "." + name}
	}
	return a.subs.find(name)
}

// scope returns the schema of a URN in any case. For an unknown URN, it returns an untyped one.
func (t *Type) scope(urn string) *scope {
	if urn == "" {
		return t.scopes[0]
	}
	if s := t.byURN[strings.ToLower(urn)]; s != nil {
		return s
	}
	return &scope{urn: urn, untyped: true}
}

// place is the attribute, sub-attribute or extension that a path names.
type place struct {
	scope  *scope
	attr   *attribute // nil for a whole extension
	sub    *attribute // nil for a whole attribute
	filter fp.Expression
}

func (p place) target() Target {
	t := Target{URN: p.scope.urn, Filter: p.filter}
	if p.attr != nil {
		t.Attribute = p.attr.name
	}
	if p.sub != nil {
		t.SubAttribute = p.sub.name
	}
	return t
}

// find resolves an attribute path as described at Resolve.
func (t *Type) find(p fp.AttributePath) (place, error) {
	if p.URIPrefix == nil {
		for _, s := range t.scopes {
			if t.strict && s.urn != "" {
				break
			}
			// Entra's documents name "manager" and "department" without their URN.
			if a := s.attrs.find(p.AttributeName); a != nil {
				return in(s, p.AttributeName, p.SubAttribute)
			}
		}
		return in(t.scopes[0], p.AttributeName, p.SubAttribute)
	}
	urn := *p.URIPrefix
	if s := t.byURN[strings.ToLower(urn)]; s != nil {
		return in(s, p.AttributeName, p.SubAttribute)
	}
	// The text before the first period may be the end of the URN: urn:…:2.0:User.department. If no
	// schema has that URN, the version decides: it is the last part but one in the URN of a schema.
	longer := urn + ":" + p.AttributeName
	s := t.byURN[strings.ToLower(longer)]
	if t.strict && (s == nil || p.SubAttribute != nil) {
		return place{}, fail(InvalidPath, "there is no schema %s; the schemas are at /Schemas", quote(urn))
	}
	if s == nil && isVersion(urn[strings.LastIndexByte(urn, ':')+1:]) {
		s = &scope{urn: longer, untyped: true}
	}
	switch {
	case s == nil:
		return in(&scope{urn: urn, untyped: true}, p.AttributeName, p.SubAttribute)
	case p.SubAttribute == nil:
		return place{scope: s}, nil
	default:
		return in(s, *p.SubAttribute, nil)
	}
}

// valued is find for a path that is only read. The value of an element that is no object has no
// name in a document; clients call it "value", as that of a complex element is called.
func (t *Type) valued(p fp.AttributePath) (place, error) {
	if p.SubAttribute != nil && strings.EqualFold(*p.SubAttribute, "value") {
		whole := p
		whole.SubAttribute = nil
		found, err := t.find(whole)
		if a := found.attr; err == nil && a != nil && a.multi && a.kind != complexKind && a.kind != untyped {
			return found, nil
		}
	}
	return t.find(p)
}

// in resolves an attribute, and its sub-attribute if sub is not nil, within one schema.
func in(s *scope, name string, sub *string) (place, error) {
	p := place{scope: s, attr: s.attribute(name)}
	if p.attr == nil {
		return p, undeclared("there is no attribute %s; the schemas are at /Schemas", quote(name))
	}
	if sub != nil {
		if p.sub = p.attr.sub(*sub); p.sub == nil {
			return p, undeclared("%s has no sub-attribute %s", p.attr.path, quote(*sub))
		}
	}
	return p, nil
}

func isVersion(s string) bool {
	return s != "" && strings.Trim(s, "0123456789.") == ""
}

// Place is the attribute, sub-attribute or extension that an attribute path names, in the spelling
// of its schema.
type Place struct {
	URN          string // the extension, empty for the core schema and the common attributes
	Attribute    string // empty for a whole extension
	SubAttribute string // empty for a whole attribute

	// Declared is the attribute's declaration, DeclaredSub the sub-attribute's. Each is nil if
	// there is none: for a whole extension, a whole attribute, an extension without a schema.
	Declared, DeclaredSub *schema.CoreAttribute
}

// Resolve finds the place that an attribute path names, in any spelling that clients use: names and
// URNs in any case, a period between URN and attribute, an extension's attribute without its URN. A
// URN that is not one of the type's schemas has every attribute. An attribute that a known schema
// does not declare is an InvalidPath error.
func (t *Type) Resolve(path fp.AttributePath) (Place, error) {
	p, err := t.valued(path)
	if err != nil {
		return Place{}, err
	}
	target := p.target()
	found := Place{URN: target.URN, Attribute: target.Attribute, SubAttribute: target.SubAttribute}
	if p.attr != nil {
		found.Declared = p.attr.declared
	}
	if p.sub != nil {
		found.DeclaredSub = p.sub.declared
	}
	return found, nil
}
