package scim

import (
	"github.com/elimity-com/scim/optional"
	"github.com/elimity-com/scim/schema"
)

// groupSchema is that of RFC 7643 §8.7.1 with what it leaves out and §2.4 has of any multi-valued
// attribute: display, the member's name. That is the member's own, whatever a request calls it, and
// so it is announced as readOnly, where the library has §2.4's immutable.
func groupSchema() schema.Schema {
	s := schema.CoreGroupSchema()
	immutable := schema.AttributeMutabilityImmutable()
	s.Attributes = schema.Attributes{schema.SimpleCoreAttribute(schema.SimpleStringParams(schema.StringParams{
		Name: "displayName", Description: optional.NewString("A human-readable name for the Group. REQUIRED."),
		Required: true, Uniqueness: schema.AttributeUniquenessServer(),
	})), schema.ComplexCoreAttribute(schema.ComplexParams{
		Name: "members", Description: optional.NewString("A list of members of the Group."), MultiValued: true,
		SubAttributes: []schema.SimpleParams{
			schema.SimpleStringParams(schema.StringParams{
				Name: "value", Description: optional.NewString("Identifier of the member of this Group."), Mutability: immutable}),
			schema.SimpleReferenceParams(schema.ReferenceParams{
				Name: "$ref", Description: optional.NewString("The URI corresponding to a SCIM resource that is a member of this Group."),
				Mutability: immutable, ReferenceTypes: []schema.AttributeReferenceType{"User", "Group"}}),
			schema.SimpleStringParams(schema.StringParams{
				Name: "type", Description: optional.NewString("A label indicating the type of resource, e.g., 'User' or 'Group'."),
				Mutability: immutable, CanonicalValues: []string{"User", "Group"}}),
			schema.SimpleStringParams(schema.StringParams{
				Name: "display", Description: optional.NewString("A human-readable name for the group member, primarily used for display purposes."),
				Mutability: schema.AttributeMutabilityReadOnly()}),
		},
	})}
	return s
}
