// Package patch turns what SCIM clients write into one canonical form, and applies it to documents.
//
// A document is a resource as it is stored: a map from canonical attribute names to JSON values,
// with each extension's attributes in an object under the extension's URN. An unassigned attribute
// is absent: a document holds no null, no empty string, no empty list and no empty object. Nor does
// it hold id, schemas and meta, which the server makes; a group's members, which have rows of their
// own; and attributes that are never returned, such as a password.
//
// There are three entry points. [Document] reads the body of a POST or PUT into a document.
// [Normalize] reads the body of a PATCH, in any dialect of the identity providers, into operations.
// [SplitMembers] separates the operations on a group's members from the others, and [Apply] applies
// the others to a document. [Overwrite] compares a PUT with the stored document. The package does
// not access the store, and every error is an [*Error].
package patch

import (
	"strings"

	fp "github.com/scim2/filter-parser/v2"
)

// MaxOperations is the number of operations that one PATCH may hold. Consecutive operations that
// add or remove single members count as one.
const MaxOperations = 1000

// MaxDepth is how deep the objects and lists of a request body may be nested.
const MaxDepth = 32

// Op is what an operation does, in lower case as RFC 7644 §3.5.2 spells it.
type Op string

// The operations of RFC 7644 §3.5.2.
const (
	Add     Op = "add"
	Replace Op = "replace"
	Remove  Op = "remove"
)

// Operation is one canonical change of one attribute.
//
// Value is a JSON value of the attribute's type: nil, bool, string, [encoding/json.Number],
// map[string]any or []any. It is a list if and only if the target is a whole multi-valued
// attribute. Add and replace always have a value. In the object that replaces the elements which a
// filter selects, nil removes a sub-attribute. Remove has none, except on a whole multi-valued
// attribute: then it lists the elements to remove and is never empty. An element is removed if it
// has every sub-attribute of a listed one.
type Operation struct {
	Op     Op
	Target Target
	Value  any
}

// Target is the place that an operation changes. All names are in their schema's spelling.
type Target struct {
	URN          string        // the extension's schema, empty for the core schema
	Attribute    string        // empty for a whole extension, which is only ever removed
	SubAttribute string        // empty for the whole attribute, or the whole element
	Filter       fp.Expression // selects elements of a multi-valued attribute, nil for all
}

// String returns the target as a SCIM path, with "[…]" in place of a filter.
func (t Target) String() string {
	var b strings.Builder
	if t.URN != "" {
		b.WriteString(t.URN)
		b.WriteByte(':')
	}
	b.WriteString(t.Attribute)
	if t.Filter != nil {
		b.WriteString("[…]")
	}
	if t.SubAttribute != "" {
		b.WriteByte('.')
		b.WriteString(t.SubAttribute)
	}
	return b.String()
}
