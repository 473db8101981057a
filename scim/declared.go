package scim

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	elimity "github.com/elimity-com/scim"
	"github.com/elimity-com/scim/schema"
	"github.com/hashicorp/golang-lru/v2/simplelru"

	"rollcall/model"
	"rollcall/model/directory"
)

// declaredTypes are the resource types of organizations that declare extensions of their own. They
// are made when a schema is first seen, and again when it has changed.
type declaredTypes struct {
	mu   sync.Mutex
	made *simplelru.LRU[model.OrganizationID, declared]
}

type declared struct {
	schemas   []directory.Schema
	types     resourceTypes
	forStrict resourceTypes
}

// mostDeclared is the number of organizations whose types are remembered.
const mostDeclared = 1000

func (t *declaredTypes) init() {
	t.made, _ = simplelru.NewLRU[model.OrganizationID, declared](mostDeclared, nil) // fails only for a size below 1
}

// typesOf are the resource types that a directory is read by.
func (s *service) typesOf(a *directory.Access) (resourceTypes, error) {
	types, strict := s.resourceTypes, s.strict
	if len(a.Schemas) > 0 {
		d, err := s.declared.of(a.Directory.OrganizationID, a.Schemas)
		if err != nil {
			return resourceTypes{}, err
		}
		types, strict = d.types, d.forStrict
	}
	if a.Directory.Strict {
		return strict, nil
	}
	return types, nil
}

func (t *declaredTypes) of(id model.OrganizationID, schemas []directory.Schema) (declared, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	same := func(a, b directory.Schema) bool { return a.ID == b.ID && a.Version == b.Version }
	if d, ok := t.made.Get(id); ok && slices.EqualFunc(d.schemas, schemas, same) {
		return d, nil
	}
	d := declared{schemas: schemas}
	var extensions []elimity.SchemaExtension
	for _, s := range schemas {
		e, err := extension(s)
		if err != nil {
			return d, err
		}
		extensions = append(extensions, elimity.SchemaExtension{Schema: e})
	}
	d.types = newResourceTypes(extensions...)
	d.forStrict = d.types.forStrict()
	t.made.Add(id, d)
	return d, nil
}

// exactTypes are attributes of which those with binaries and references compare by case (RFC 7643
// §2.3.6, §2.3.7): a schema may have been declared before that was seen to.
func exactTypes(declared []directory.SchemaAttribute) []directory.SchemaAttribute {
	list := slices.Clone(declared)
	for i := range list {
		a := &list[i]
		a.CaseExact = a.CaseExact || a.Type == "binary" || a.Type == "reference"
		a.SubAttributes = exactTypes(a.SubAttributes)
	}
	return list
}

// extension is a declared schema in the library's form.
func extension(s directory.Schema) (schema.Schema, error) {
	var out schema.Schema
	text, err := json.Marshal(map[string]any{
		"id": s.URN, "name": s.Name, "description": s.Description, "attributes": exactTypes(s.Attributes),
	})
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		return out, fmt.Errorf("schema %s: %w", s.URN, err)
	}
	return out, nil
}
