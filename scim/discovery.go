package scim

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"

	elimity "github.com/elimity-com/scim"
	"github.com/elimity-com/scim/optional"
	"github.com/elimity-com/scim/schema"

	"rollcall/scim/patch"
)

// resourceType is a resource type with its schemas indexed for look-ups. The library's Handler is
// not set; see the package comment.
type resourceType struct {
	elimity.ResourceType
	attributes *patch.Type
}

func newResourceType(t elimity.ResourceType) *resourceType {
	return &resourceType{t, patch.NewType(t.Schema, extensionsOf(t)...)}
}

func extensionsOf(t elimity.ResourceType) []schema.Schema {
	var extensions []schema.Schema
	for _, e := range t.SchemaExtensions {
		extensions = append(extensions, e.Schema)
	}
	return extensions
}

// strict is the type for a strict directory.
func (t *resourceType) strict() *resourceType {
	return &resourceType{t.ResourceType, patch.NewStrictType(t.Schema, extensionsOf(t.ResourceType)...)}
}

// newResourceTypes makes the types with their routes. declared are the extensions of users besides
// the enterprise extension.
func newResourceTypes(declared ...elimity.SchemaExtension) resourceTypes {
	t := resourceTypes{users: userType(declared...), groups: groupType(), routes: resourceRoutes()}
	for name, r := range discoveryRoutes(t.users, t.groups) {
		t.routes[name] = r
	}
	return t
}

// forStrict are the types for a strict directory.
func (t resourceTypes) forStrict() resourceTypes {
	t.users, t.groups = t.users.strict(), t.groups.strict()
	return t
}

// enterpriseUser is the schema of RFC 7643 §8.7.1. The library has another name; Canaille looks for
// this one, and leaves the attributes out if it is not there.
func enterpriseUser() schema.Schema {
	s := schema.ExtensionEnterpriseUser()
	s.Name = optional.NewString("EnterpriseUser")
	return s
}

func userType(declared ...elimity.SchemaExtension) *resourceType {
	return newResourceType(elimity.ResourceType{
		ID: optional.NewString("User"), Name: "User", Endpoint: "/Users",
		Description:      optional.NewString("User Account"),
		Schema:           schema.CoreUserSchema(),
		SchemaExtensions: append([]elimity.SchemaExtension{{Schema: enterpriseUser()}}, declared...),
	})
}

func groupType() *resourceType {
	return newResourceType(elimity.ResourceType{
		ID: optional.NewString("Group"), Name: "Group", Endpoint: "/Groups",
		Description: optional.NewString("Group"),
		Schema:      groupSchema(),
	})
}

// object is a JSON object that is being made.
type object = map[string]any

// gap marks the places in discovery documents where the base URL of a directory goes.
const gap = "{base}"

// document is a discovery document, rendered once and cut at its gaps: SCIM clients stop where a
// location is missing, and each directory has its own.
type document [][]byte

func newDocument(o object) document { return bytes.Split(mustMarshal(o), []byte(gap)) }

// mustMarshal is for what is made of constants at start.
func mustMarshal(o object) []byte {
	text, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return text
}

func (d document) at(base string) []byte { return bytes.Join(d, []byte(base)) }

// meta is the common attribute of a discovery document.
func meta(kind, path string) object {
	return object{"resourceType": kind, "location": gap + path}
}

func serviceProviderConfig() object {
	supported := func(yes bool) object { return object{"supported": yes} }
	return object{
		"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"},
		"patch":   supported(true),
		"bulk": object{
			"supported": true, "maxOperations": maxBulkOperations, "maxPayloadSize": maxBulkPayload,
		},
		"filter":         object{"supported": true, "maxResults": maxCount},
		"changePassword": supported(false),
		"sort":           supported(true),
		"etag":           supported(true),
		"pagination": object{ // RFC 9865 §4
			"cursor": true, "index": true, "defaultPaginationMethod": "index",
			"defaultPageSize": defaultCount, "maxPageSize": maxCount, "cursorTimeout": int(cursorLife.Seconds()),
		},
		"authenticationSchemes": []object{{
			"type":        elimity.AuthenticationTypeOauthBearerToken,
			"name":        "OAuth Bearer Token",
			"description": "The bearer token of the directory, in the Authorization header.",
			"specUri":     "https://www.rfc-editor.org/info/rfc6750",
			"primary":     true,
		}, {
			"type":        elimity.AuthenticationTypeOauth2,
			"name":        "OAuth 2.0 Client Credentials",
			"description": "An access token for the directory's client credentials, in the Authorization header.",
			"specUri":     "https://www.rfc-editor.org/info/rfc6749",
			"primary":     false,
		}},
		"meta": meta("ServiceProviderConfig", "/ServiceProviderConfig"),
	}
}

func schemaObject(s schema.Schema) object {
	o := s.ToMap()
	o["meta"] = meta("Schema", "/Schemas/"+s.ID)
	return o
}

func (t *resourceType) object() object {
	extensions := []object{}
	for _, e := range t.SchemaExtensions {
		extensions = append(extensions, object{"schema": e.Schema.ID, "required": e.Required})
	}
	return object{
		"schemas":          []string{"urn:ietf:params:scim:schemas:core:2.0:ResourceType"},
		"id":               t.ID.Value(),
		"name":             t.Name,
		"description":      t.Description.Value(),
		"endpoint":         t.Endpoint,
		"schema":           t.Schema.ID,
		"schemaExtensions": extensions,
		"meta":             meta("ResourceType", "/ResourceTypes/"+t.Name),
	}
}

func listObject(resources []object) object {
	return object{
		"schemas":      []string{"urn:ietf:params:scim:api:messages:2.0:ListResponse"},
		"totalResults": len(resources), "startIndex": 1, "itemsPerPage": len(resources),
		"Resources": resources,
	}
}

// discoveryRoutes are the routes of RFC 7644 §4, each with its document.
func discoveryRoutes(types ...*resourceType) map[string]route {
	routes := map[string]route{}
	add := func(path string, o object) {
		routes[strings.ToLower(path)] = route{path, map[string]handler{http.MethodGet: newDocument(o).handler()}}
	}
	var schemas, kinds []object
	for _, t := range types {
		list := []schema.Schema{t.Schema}
		for _, e := range t.SchemaExtensions {
			list = append(list, e.Schema)
		}
		for _, s := range list {
			o := schemaObject(s)
			schemas = append(schemas, o)
			add("/Schemas/"+s.ID, o)
		}
		o := t.object()
		kinds = append(kinds, o)
		add("/ResourceTypes/"+t.Name, o)
	}
	add("/Schemas", listObject(schemas))
	add("/ResourceTypes", listObject(kinds))
	add("/ServiceProviderConfig", serviceProviderConfig())
	return routes
}

// handler answers with the document. Paging and projection are ignored. A filter is forbidden:
// a client would believe that the documents which it leaves out do not exist (RFC 7644 §4).
func (d document) handler() handler {
	return func(x *exchange, _ context.Context) (answer, error) {
		if text, err := x.parameters.one("filter"); err != nil || text != "" {
			return answer{}, refuse(http.StatusForbidden,
				"discovery endpoints take no filter; ask for the whole list")
		}
		return answer{status: http.StatusOK, body: d.at(x.base)}, nil
	}
}
