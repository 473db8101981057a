package search

import (
	"slices"

	"github.com/scim2/filter-parser/v2"
	"gorm.io/gorm/clause"

	"rollcall/model/internal/tenant"
)

// attribute is how one attribute of a resource is filtered and sorted.
type attribute struct {
	column   string // of the resource's own table; empty where compile is set
	kind     columnKind
	optional bool // the column is empty where the attribute is absent
	sparse   bool // the index on the column leaves the empty text out

	// indexed are the operators that an index answers.
	indexed []filter.CompareOperator
	// namesOne says that eq finds one resource at most.
	namesOne bool

	// compile is set for attributes without a column. It has the parameters of compiler.leaf.
	compile func(*compiler, filter.AttributePath, filter.Expression) (clause.Expr, error)
	// sort is set where the order is not that of the column or of the document.
	sort func(*compiler, filter.AttributePath) ([]sortKey, error)
}

// ResourceType is one type of resource, with the table of its attributes. An attribute that only
// the document has is not in that table.
type ResourceType struct {
	Table      string               // of the database
	attributes map[string]attribute // by name; of an extension, by its URN, a colon and the name
}

// enterpriseURN is the extension of RFC 7643, section 4.3.
const enterpriseURN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

// The operators that an index on a column answers.
var (
	byValue  = []filter.CompareOperator{filter.EQ}
	byPrefix = []filter.CompareOperator{filter.EQ, filter.SW}
)

// Users are the users of an organization. An eq on userName, externalId or an e-mail address
// matches one of them at most.
var Users = &ResourceType{"users", map[string]attribute{
	"id":       {column: "id", kind: exactText, indexed: byValue},
	"userName": {column: "user_name_folded", kind: foldedName, indexed: byPrefix, namesOne: true},
	"externalId": {column: "external_id", kind: exactText, optional: true, sparse: true,
		indexed: byValue, namesOne: true},
	"displayName": {column: "display_name_folded", optional: true, indexed: byPrefix},
	"active":      {column: "active", kind: truth},
	"emails":      {compile: (*compiler).emails, indexed: byPrefix, namesOne: true},
	"manager":     {compile: (*compiler).manager, indexed: byValue},
	"groups":      {compile: (*compiler).groups, indexed: byValue, sort: (*compiler).unsorted},
	"meta":        {compile: (*compiler).meta, sort: (*compiler).metaKeys},
	"schemas":     {compile: (*compiler).schemas, sort: (*compiler).unsorted},

	enterpriseURN + ":manager":        {compile: (*compiler).manager, indexed: byValue},
	enterpriseURN + ":employeeNumber": {compile: (*compiler).employeeNumber, indexed: byValue},
}}

// Groups are the groups of a directory.
var Groups = &ResourceType{"directory_groups", map[string]attribute{
	"id":          {column: "id", kind: exactText, indexed: byValue},
	"externalId":  {column: "external_id", kind: exactText, optional: true, sparse: true, indexed: byValue},
	"displayName": {column: "display_name_folded", optional: true},
	"members":     {compile: (*compiler).members, indexed: byValue, sort: (*compiler).unsorted},
	"meta":        {compile: (*compiler).meta, sort: (*compiler).metaKeys},
	"schemas":     {compile: (*compiler).schemas, sort: (*compiler).unsorted},
}}

// resourceNames are the names of the resource types, by table.
var resourceNames = map[string]string{"users": "User", "directory_groups": "Group"}

// attribute returns the attribute that a path names, and whether the table has it.
func (f *ResourceType) attribute(path filter.AttributePath) (attribute, bool) {
	name := path.AttributeName
	if path.URIPrefix != nil {
		name = *path.URIPrefix + ":" + name
	}
	a, ok := f.attributes[name]
	return a, ok
}

// Pinpoints returns whether an index answers a filter. The index on the resource's directory must
// then not be used.
func (f *ResourceType) Pinpoints(e filter.Expression) bool {
	return bound{f, true, func(a attribute, op filter.CompareOperator) bool {
		return slices.Contains(a.indexed, op)
	}}.holds(e, nil)
}

// Owner returns the directory of a resource as the condition of a query for it has it.
func (f *ResourceType) Owner(q Query) string {
	column := f.Table + ".directory_id"
	if f.Pinpoints(q.Filter) {
		return tenant.Beside(column)
	}
	if f == Groups && q.Filter == nil && q.Sort == nil { // the index on names has the column itself
		return tenant.Listed(column)
	}
	return column
}

// NamesOne returns whether a filter matches one resource at most, since it has an eq on an
// attribute that names one, alone or joined by and.
func (f *ResourceType) NamesOne(e filter.Expression) bool {
	return bound{f, false, func(a attribute, op filter.CompareOperator) bool {
		return a.namesOne && op == filter.EQ
	}}.holds(e, nil)
}

// bound asks whether every resource that a filter matches satisfies a comparison that ok accepts.
type bound struct {
	of     *ResourceType
	either bool // ok may accept different comparisons on the two sides of an or
	ok     func(attribute, filter.CompareOperator) bool
}

// holds returns whether that is so for the filter e. list is the attribute before the brackets that
// e is in, or nil.
func (b bound) holds(e filter.Expression, list *filter.AttributePath) bool {
	switch x := e.(type) {
	case *filter.LogicalExpression:
		left, right := b.holds(x.Left, list), b.holds(x.Right, list)
		if x.Operator == filter.AND {
			return left || right
		}
		return b.either && left && right
	case *filter.ValuePath:
		return b.holds(x.ValueFilter, &x.AttributePath)
	case *filter.AttributeExpression:
		path := x.AttributePath
		if list != nil {
			path = *list
			path.SubAttribute = &x.AttributePath.AttributeName
		}
		if path.SubAttribute != nil && *path.SubAttribute != "value" {
			return false
		}
		a, known := b.of.attribute(path)
		return known && b.ok(a, x.Operator)
	}
	return false
}
