package directory

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
)

// Schema is an extension of users that an organization declares (RFC 7643, section 7). Values of a
// declared extension have the declared types; an undeclared extension is stored as it comes.
type Schema struct {
	ID             string               `gorm:"primaryKey"`
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	URN            string               `gorm:"column:urn"`
	URNFolded      string               `gorm:"column:urn_folded"`
	Name           string
	Description    string
	Attributes     []SchemaAttribute `gorm:"serializer:json"`
	Version        int64             // grows with each change
	CreatedAt      model.Time        `gorm:"autoCreateTime:false"`
	UpdatedAt      model.Time        `gorm:"autoUpdateTime:false"`
}

// TableName is the table, which GORM would derive from the type's name otherwise.
func (Schema) TableName() string { return "organization_schemas" }

// SchemaAttribute declares an attribute or sub-attribute. A characteristic that is left out has the
// default of RFC 7643, section 2.2.
type SchemaAttribute struct {
	Name            string            `json:"name"`
	Type            string            `json:"type"`
	SubAttributes   []SchemaAttribute `json:"subAttributes,omitempty"`
	MultiValued     bool              `json:"multiValued"`
	Description     string            `json:"description"`
	Required        bool              `json:"required"`
	CanonicalValues []string          `json:"canonicalValues,omitempty"` // for clients to read, never enforced
	CaseExact       bool              `json:"caseExact"`
	Mutability      string            `json:"mutability"`
	Returned        string            `json:"returned"`
	Uniqueness      string            `json:"uniqueness"`
	ReferenceTypes  []string          `json:"referenceTypes,omitempty"`
}

// SchemaObject is the public form of a Schema: the form of RFC 7643, as an object of the API.
type SchemaObject struct {
	Object         string            `json:"object"`
	ID             string            `json:"id"`
	OrganizationID string            `json:"organization_id"`
	Name           string            `json:"name"`
	Description    string            `json:"description"`
	Attributes     []SchemaAttribute `json:"attributes"`
	CreatedAt      model.Time        `json:"created_at"`
	UpdatedAt      model.Time        `json:"updated_at"`
}

// PublicForm returns the object that the API shows.
func (s *Schema) PublicForm() SchemaObject {
	return SchemaObject{"organization_schema", s.URN, model.OrganizationPrefix.ID(string(s.OrganizationID)),
		s.Name, s.Description,
		s.Attributes, s.CreatedAt, s.UpdatedAt}
}

// maxSchemas is the most schemas of an organization: all are read with each bearer token.
const maxSchemas = 10

// Schemas lists the schemas of the organization in the order of their URNs.
func (o Org) Schemas(ctx context.Context) ([]Schema, error) {
	var list []Schema
	if err := tenant.Read(ctx, o).Order("urn_folded").Find(&list).Error; err != nil {
		return nil, tenant.Translate(o, fmt.Errorf("read schemas: %w", err))
	}
	return list, nil
}

// Schema returns the schema of a URN, which is compared regardless of case.
func (o Org) Schema(ctx context.Context, urn string) (*Schema, error) {
	return o.schema(tenant.Read(ctx, o), urn)
}

// schema reads the schema of a URN by a query of the caller's.
func (o Org) schema(db *gorm.DB, urn string) (*Schema, error) {
	var list []Schema
	if !model.Storable(urn) {
		return nil, errNoSchema(urn)
	}
	if err := db.Where("urn_folded = ?", strings.ToLower(urn)).Limit(1).Find(&list).Error; err != nil {
		return nil, tenant.Translate(o, fmt.Errorf("read schema: %w", err))
	}
	if len(list) == 0 {
		return nil, errNoSchema(urn)
	}
	return &list[0], nil
}

// errNoSchema is the error for a URN that the organization declares no schema for.
func errNoSchema(urn string) error {
	return model.NotFoundf("the organization declares no schema %.200q", urn)
}

// PutSchema declares a schema or replaces the declaration of its URN, and returns whether the URN
// is new. Users keep attributes of it as they are stored until their next change. The declaration
// applies in this process at once, in another replica within a second.
func (o Org) PutSchema(ctx context.Context, s *Schema) (created bool, err error) {
	if err := s.validate(); err != nil {
		return false, err
	}
	s.URNFolded = strings.ToLower(s.URN)
	err = o.Tx(ctx, func(org Org) error {
		// With the lock of the organization's row no other request declares a schema meanwhile.
		g, err := org.lockForSchemas(ctx)
		if err != nil {
			return err
		}
		list, err := org.Schemas(ctx)
		if err != nil {
			return err
		}
		s.ID, s.Version, s.CreatedAt, s.UpdatedAt = model.NewID(), 1, tenant.Now(org), tenant.Now(org)
		created = true
		for _, other := range list {
			if other.URNFolded == s.URNFolded {
				s.ID, s.Version, s.CreatedAt, created = other.ID, other.Version+1, other.CreatedAt, false
			} else if err := s.apart(&other); err != nil {
				return err
			}
		}
		if created && len(list) >= maxSchemas {
			return model.Conflictf("schemas", "the organization declares %d schemas; delete one first", len(list))
		}
		write := tenant.DB(ctx, org)
		if created {
			err = write.Create(s).Error
		} else {
			err = write.Model(s).Select("URN", "Name", "Description", "Attributes", "Version", "UpdatedAt").
				UpdateColumns(s).Error
		}
		if err != nil {
			return fmt.Errorf("declare schema: %w", err)
		}
		return org.schemasChanged(g)
	})
	return created, err
}

// DeleteSchema removes the declaration of a schema. Users keep its attributes as they are stored.
func (o Org) DeleteSchema(ctx context.Context, urn string) error {
	return o.Tx(ctx, func(org Org) error {
		g, err := org.lockForSchemas(ctx)
		if err != nil {
			return err
		}
		s, err := org.schema(tenant.DB(ctx, org), urn)
		if err != nil {
			return err
		}
		if err := tenant.DB(ctx, org).Where("id = ?", s.ID).Delete(&Schema{}).Error; err != nil {
			return fmt.Errorf("delete schema: %w", err)
		}
		return org.schemasChanged(g)
	})
}

// lockForSchemas locks the organization's row and reads what its event shows.
func (o Org) lockForSchemas(ctx context.Context) (*organization.Organization, error) {
	g, err := organization.Inside(tenant.Inside(o)).LockOrganization(ctx, tenant.ToChange)
	if err == nil {
		g.Domains, err = organization.In(o).Domains(ctx)
	}
	return g, err
}

// schemasChanged records that the organization's schemas changed.
func (o Org) schemasChanged(g *organization.Organization) error {
	tenant.Committed(o, Across(o).inner().ForgetTokens)
	return tenant.Record(o, organization.OrganizationUpdated, model.OrganizationPrefix.ID(string(g.ID)), g.PublicForm())
}

// The limits of a schema.
const (
	maxSchemaAttributes    = 100 // and as many sub-attributes of each
	maxSchemaText          = 1000
	maxSchemaURN           = 200
	maxSchemaCanonicalText = 100
)

// validate refuses what RFC 7643 does not allow and what this server does not support. It sets the
// defaults of attributes.
func (s *Schema) validate() error {
	if err := validURN(s.URN); err != nil {
		return err
	}
	if s.Name = strings.TrimSpace(s.Name); s.Name == "" {
		return model.Invalidf("name", "name is required")
	}
	if err := shortText("name", s.Name); err != nil {
		return err
	}
	if err := shortText("description", s.Description); err != nil {
		return err
	}
	if len(s.Attributes) == 0 {
		return model.Invalidf("attributes", "attributes must be a list of at least one attribute")
	}
	return validAttributes("attributes", s.Attributes, false)
}

// ownURNs are the prefixes of URNs of the SCIM standards, which an organization cannot declare.
var ownURNs = []string{
	"urn:ietf:params:scim:schemas:core:2.0",
	"urn:ietf:params:scim:schemas:extension:enterprise:2.0:user",
	"urn:ietf:params:scim:api",
}

// validURN checks that a URN meets RFC 8141 and has no character that separates names in filters
// and paths.
func validURN(urn string) error {
	folded := strings.ToLower(urn)
	rest, ok := strings.CutPrefix(folded, "urn:")
	namespace, specific, _ := strings.Cut(rest, ":")
	if !ok || namespace == "" || specific == "" || len(urn) > maxSchemaURN ||
		strings.Contains(rest, "::") || strings.HasSuffix(rest, ":") ||
		strings.Trim(rest, "abcdefghijklmnopqrstuvwxyz0123456789:._-") != "" {
		return model.Invalidf("id", "id is a URN such as urn:example:params:scim:schemas:extension:2.0:User, of at "+
			"most %d letters, digits, "+
			"colons, periods, hyphens and underscores", maxSchemaURN)
	}
	for _, own := range ownURNs {
		if folded == own || strings.HasPrefix(folded, own+":") || strings.HasPrefix(folded, own+".") {
			return model.Invalidf("id", "%s belongs to a schema of the SCIM standards, which cannot be declared", urn)
		}
	}
	return nil
}

// apart refuses a schema where its URN, or the other's, could be that of an attribute of the other
// schema: a path would be ambiguous.
func (s *Schema) apart(other *Schema) error {
	for _, pair := range [][2]string{{s.URNFolded, other.URNFolded}, {other.URNFolded, s.URNFolded}} {
		if rest, ok := strings.CutPrefix(pair[0], pair[1]); ok && (rest[0] == ':' || rest[0] == '.') {
			return model.Conflictf("id",
				"one of %s and %s begins with the other; in a path they could not be told apart", s.URN, other.URN)
		}
	}
	return nil
}

// shortText refuses a text that is too long, or that the database cannot store.
func shortText(field, text string) error {
	if len(text) > maxSchemaText || !model.Storable(text) {
		return model.Invalidf(field, "%s has at most %d bytes of UTF-8 text without U+0000", field, maxSchemaText)
	}
	return nil
}

// validAttributes checks a list of attributes or sub-attributes, and sets their defaults.
func validAttributes(field string, list []SchemaAttribute, sub bool) error {
	if len(list) > maxSchemaAttributes {
		return model.Invalidf(field, "%s has at most %d attributes", field, maxSchemaAttributes)
	}
	seen := map[string]bool{}
	for i := range list {
		a := &list[i]
		at := fmt.Sprintf("%s.%d", field, i)
		if err := a.validate(at, sub); err != nil {
			return err
		}
		folded := strings.ToLower(a.Name)
		if seen[folded] {
			return model.Invalidf(at+".name", "%s is declared twice; names are compared regardless of case", a.Name)
		}
		seen[folded] = true
	}
	return nil
}

// validate checks one attribute, or one sub-attribute, and sets its defaults.
func (a *SchemaAttribute) validate(at string, sub bool) error {
	if !attributeName(a.Name) && !(sub && a.Name == "$ref") {
		return model.Invalidf(at+".name",
			"%s.name is a letter followed by letters, digits, hyphens and underscores, 100 at most", at)
	}
	for _, c := range []struct {
		name, what string
		value      *string
		absent     string
		allowed    string
	}{
		{"type", "", &a.Type, "string", "string boolean decimal integer dateTime binary reference complex"},
		{"mutability", "; what only the client may know is not stored here", &a.Mutability, "readWrite",
			"readWrite readOnly immutable"},
		{"returned", "; what is returned on request only is not offered", &a.Returned, "default", "default never"},
		{"uniqueness", "; the values of an extension are not kept unique", &a.Uniqueness, "none", "none"},
	} {
		if *c.value == "" {
			*c.value = c.absent
		}
		if !isWord(*c.value, c.allowed) {
			allowed := strings.ReplaceAll(c.allowed, " ", ", ")
			return model.Invalidf(at+"."+c.name, "%s.%s is one of %s%s", at, c.name, allowed, c.what)
		}
	}
	if err := shortText(at+".description", a.Description); err != nil {
		return err
	}
	err := errors.Join(
		words(at+".canonicalValues", a.CanonicalValues), words(at+".referenceTypes", a.ReferenceTypes))
	if err != nil {
		return err
	}
	// RFC 7643, sections 2.3.6 and 2.3.7. Clients refuse to read other declarations.
	a.CaseExact = a.CaseExact || a.Type == "binary" || a.Type == "reference"
	switch isComplex := a.Type == "complex"; {
	case isComplex && sub:
		return model.Invalidf(at+".type", "a sub-attribute cannot be complex") // RFC 7643, section 2.3.8
	case isComplex && len(a.SubAttributes) == 0:
		return model.Invalidf(at+".subAttributes", "a complex attribute needs sub-attributes")
	case !isComplex && len(a.SubAttributes) > 0:
		return model.Invalidf(at+".subAttributes", "only a complex attribute has sub-attributes")
	}
	return validAttributes(at+".subAttributes", a.SubAttributes, true)
}

// isWord tells whether a text is one of the words of a list.
func isWord(text, list string) bool {
	for word := range strings.FieldsSeq(list) {
		if text == word {
			return true
		}
	}
	return false
}

// words refuses a list that is too long, or that has a text that is too long.
func words(field string, list []string) error {
	if len(list) > maxSchemaAttributes {
		return model.Invalidf(field, "%s has at most %d values", field, maxSchemaAttributes)
	}
	for _, text := range list {
		if len(text) > maxSchemaCanonicalText || !model.Storable(text) {
			return model.Invalidf(field, "the values of %s have at most %d bytes of UTF-8 text without U+0000", field,
				maxSchemaCanonicalText)
		}
	}
	return nil
}

// attributeName tells whether a name meets RFC 7643, section 2.1.
func attributeName(name string) bool {
	for i, c := range []byte(name) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (i == 0 || c != '-' && c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return name != "" && len(name) <= 100
}
