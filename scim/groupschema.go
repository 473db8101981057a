package scim

import (
	"github.com/elimity-com/scim/optional"
	"github.com/elimity-com/scim/schema"
)

// groupSchema is the schema of RFC 7643 §8.7.1, and display, the member's name, which §2.4 gives to
// any multi-valued attribute. The name comes from the member and not from the request, so that it
// is announced as readOnly, where the library has the immutable of §2.4.
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
				Name: "value", Mutability: immutable,
				Description: optional.NewString("Identifier of the member of this Group.")}),
			schema.SimpleReferenceParams(schema.ReferenceParams{
				Name: "$ref", Mutability: immutable, ReferenceTypes: []schema.AttributeReferenceType{"User", "Group"},
				Description: optional.NewString(
					"The URI corresponding to a SCIM resource that is a member of this Group.")}),
			schema.SimpleStringParams(schema.StringParams{
				Name: "type", Mutability: immutable, CanonicalValues: []string{"User", "Group"},
				Description: optional.NewString("A label indicating the type of resource, e.g., 'User' or 'Group'.")}),
			schema.SimpleStringParams(schema.StringParams{
				Name: "display", Mutability: schema.AttributeMutabilityReadOnly(),
				Description: optional.NewString(
					"A human-readable name for the group member, primarily used for display purposes.")}),
		},
	})}
	return s
}
