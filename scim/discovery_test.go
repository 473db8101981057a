package scim_test

import (
	"encoding/json"
	"testing"

	"github.com/elimity-com/scim/schema"
	"github.com/google/go-cmp/cmp"
)

func TestServiceProviderConfig(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		no, yes := map[string]any{"supported": false}, map[string]any{"supported": true}
		want := map[string]any{
			"schemas": []any{"urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"},
			"patch":   yes, "sort": yes, "etag": yes, "changePassword": no,
			"bulk":   map[string]any{"supported": true, "maxOperations": 1000.0, "maxPayloadSize": 8.0 * 1024 * 1024},
			"filter": map[string]any{"supported": true, "maxResults": 200.0},
			"pagination": map[string]any{"cursor": true, "index": true, "defaultPaginationMethod": "index",
				"defaultPageSize": 100.0, "maxPageSize": 200.0, "cursorTimeout": 86400.0},
			"authenticationSchemes": []any{map[string]any{
				"type": "oauthbearertoken", "name": "OAuth Bearer Token", "primary": true,
				"description": "The bearer token of the directory, in the Authorization header.",
				"specUri":     "https://www.rfc-editor.org/info/rfc6750",
			}, map[string]any{
				"type": "oauth2", "name": "OAuth 2.0 Client Credentials", "primary": false,
				"description": "An access token for the directory's client credentials, in the Authorization header.",
				"specUri":     "https://www.rfc-editor.org/info/rfc6749",
			}},
			"meta": map[string]any{"resourceType": "ServiceProviderConfig",
				"location": c.location + "/ServiceProviderConfig"},
		}
		if diff := cmp.Diff(want, c.want(200, "GET", "/ServiceProviderConfig", "").body); diff != "" {
			t.Error(diff)
		}
	})
}

func TestResourceTypes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		resourceType := func(name, endpoint, description, schema string, extensions ...any) map[string]any {
			return map[string]any{
				"schemas": []any{"urn:ietf:params:scim:schemas:core:2.0:ResourceType"},
				"id":      name, "name": name, "endpoint": endpoint, "description": description, "schema": schema,
				"schemaExtensions": append([]any{}, extensions...),
				"meta": map[string]any{"resourceType": "ResourceType",
					"location": c.location + "/ResourceTypes/" + name},
			}
		}
		user := resourceType("User", "/Users", "User Account", coreUser,
			map[string]any{"schema": enterprise, "required": false})
		group := resourceType("Group", "/Groups", "Group", coreGroup)
		list := map[string]any{"schemas": []any{listURN}, "totalResults": 2.0, "startIndex": 1.0, "itemsPerPage": 2.0,
			"Resources": []any{user, group}}
		for path, want := range map[string]any{
			"/ResourceTypes": list, "/ResourceTypes/User": user, "/ResourceTypes/Group": group,
			// RFC 7644 §4: paging and projection are ignored.
			"/ResourceTypes?startIndex=2&count=0&attributes=name": list,
		} {
			if diff := cmp.Diff(want, any(c.want(200, "GET", path, "").body)); diff != "" {
				t.Errorf("%s: %s", path, diff)
			}
		}
	})
}

func TestSchemas(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		var want []any
		for _, s := range []schema.Schema{schema.CoreUserSchema(), schema.ExtensionEnterpriseUser(),
			schema.CoreGroupSchema()} {
			text, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			var one map[string]any
			if err := json.Unmarshal(text, &one); err != nil {
				t.Fatal(err)
			}
			if s.ID == coreGroup {
				// A group cannot change the name of a member.
				display := reply{body: one}.path("attributes", 1, "subAttributes", 3).(map[string]any)
				display["mutability"] = "readOnly"
				// A name that is in use is refused with 409 uniqueness, so the schema must not say
				// "none".
				reply{body: one}.path("attributes", 0).(map[string]any)["uniqueness"] = "server"
			}
			if s.ID == enterprise {
				one["name"] = "EnterpriseUser" // as in RFC 7643 §8.7.1
			}
			one["meta"] = map[string]any{"resourceType": "Schema", "location": c.location + "/Schemas/" + s.ID}
			want = append(want, one)
			if diff := cmp.Diff(one, c.want(200, "GET", "/Schemas/"+s.ID, "").body); diff != "" {
				t.Errorf("%s: %s", s.ID, diff)
			}
		}
		a := c.want(200, "GET", "/Schemas", "")
		if diff := cmp.Diff(want, a.path("Resources")); diff != "" {
			t.Error(diff)
		}
		if a.body["totalResults"] != 3.0 || a.body["itemsPerPage"] != 3.0 {
			t.Errorf("totalResults %v, itemsPerPage %v", a.body["totalResults"], a.body["itemsPerPage"])
		}
	})
}

func TestDiscoveryTakesNoFilter(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		for _, path := range []string{"/ServiceProviderConfig", "/Schemas", "/ResourceTypes", "/ResourceTypes/User"} {
			refused(t, c.do("GET", filtered(path, `name eq "User"`), ""), 403, "", "filter")
		}
	})
}
