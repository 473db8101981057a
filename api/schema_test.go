package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const crewURN = "urn:example:params:scim:schemas:extension:crew:2.0:User"

func TestOrganizationSchema(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		tenant := w.tenant(w.client, "contoso")
		list := "/organizations/" + tenant.organization + "/schemas"
		path := list + "/" + crewURN
		body := object{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Schema"}, "id": crewURN,
			"name": "Crew", "description": "People on board",
			"attributes": []object{{"name": "rank"}, {"name": "ships", "type": "complex", "multiValued": true,
				"subAttributes": []object{{"name": "value", "type": "integer"}}}}}

		w.want(404, "GET", path, nil)
		made := w.want(201, "PUT", path, body)
		plain := func(name, kind string) map[string]any {
			return map[string]any{"name": name, "type": kind, "multiValued": false, "description": "",
				"required": false, "caseExact": false,
				"mutability": "readWrite", "returned": "default", "uniqueness": "none"}
		}
		ships := plain("ships", "complex")
		ships["multiValued"], ships["subAttributes"] = true, []any{plain("value", "integer")}
		if diff := cmp.Diff(any([]any{plain("rank", "string"), ships}), made["attributes"]); diff != "" {
			t.Error(diff)
		}
		if made.text("object") != "organization_schema" || made.text("id") != crewURN ||
			made.text("organization_id") != tenant.organization || made.text("name") != "Crew" {
			t.Errorf("got %v", made)
		}
		if diff := cmp.Diff(made, w.get(path)); diff != "" {
			t.Errorf("read: %s", diff)
		}
		diff := cmp.Diff(made, w.get(list+"/"+strings.ReplaceAll(strings.ToUpper(crewURN), ":", "%3A")))
		if diff != "" {
			t.Errorf("read by another spelling: %s", diff)
		}
		events := w.get("/events?events=organization.updated&order=desc&limit=1")
		if events.text("data.0.data.id") != tenant.organization {
			t.Errorf("the event is %v", events)
		}
		body["name"] = "Crew, new"
		again := w.want(200, "PUT", path, body)
		if again.text("name") != "Crew, new" || again.text("created_at") != made.text("created_at") {
			t.Errorf("got %v", again)
		}
		if all := w.get(list); len(all.data()) != 1 || all.text("data.0.name") != "Crew, new" {
			t.Errorf("listed %v", all)
		}
		other := w.tenant(w.client, "fabrikam")
		w.want(404, "GET", "/organizations/"+other.organization+"/schemas/"+crewURN, nil)
		w.want(404, "DELETE", "/organizations/"+other.organization+"/schemas/"+crewURN, nil)

		for i := range 9 {
			w.want(201, "PUT", fmt.Sprintf("%s/urn:example:%d", list, i),
				object{"name": "x", "attributes": []object{{"name": "a"}}})
		}
		w.want(409, "PUT", list+"/urn:example:more", object{"name": "x", "attributes": []object{{"name": "a"}}})
		w.want(200, "PUT", path, body)
		w.want(204, "DELETE", path, nil)
		w.want(404, "GET", path, nil)
		w.want(404, "DELETE", path, nil)
	})
}

func TestBadOrganizationSchema(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		tenant := w.tenant(w.client, "contoso")
		list := "/organizations/" + tenant.organization + "/schemas/"
		w.want(201, "PUT", list+crewURN, object{"name": "Crew", "attributes": []object{{"name": "rank"}}})
		attribute := func(a string) string { return `{"name":"x","attributes":[` + a + `]}` }
		long := func(n int, part string) string { return strings.TrimSuffix(strings.Repeat(part+",", n), ",") }
		var many []string
		for i := range 101 {
			many = append(many, fmt.Sprintf(`{"name":"a%d"}`, i))
		}
		const urn = "urn:example:x"
		for _, c := range []struct {
			name, urn, body string
			status          int
			field           string
		}{
			{"no name", urn, `{"attributes":[{"name":"a"}]}`, 422, "name"},
			{"a long name", urn, `{"name":"` + strings.Repeat("x", 1001) + `","attributes":[{"name":"a"}]}`,
				422, "name"},
			{"no attributes", urn, `{"name":"x"}`, 422, "attributes"},
			{"attributes that are none", urn, `{"name":"x","attributes":"a"}`, 422, "attributes"},
			{"many attributes", urn, attribute(strings.Join(many, ",")), 422, "attributes"},
			{"an attribute without a name", urn, attribute(`{}`), 422, "attributes.0.name"},
			{"a name with a space", urn, attribute(`{"name":"a b"}`), 422, "attributes.0.name"},
			{"a name that begins with a digit", urn, attribute(`{"name":"1a"}`), 422, "attributes.0.name"},
			{"$ref at the top", urn, attribute(`{"name":"$ref"}`), 422, "attributes.0.name"},
			{"the same name twice", urn, attribute(`{"name":"a"},{"name":"A"}`), 422, "attributes.1.name"},
			{"an unknown type", urn, attribute(`{"name":"a","type":"text"}`), 422, "attributes.0.type"},
			{"an unknown mutability", urn, attribute(`{"name":"a","mutability":"writeOnly"}`), 422,
				"attributes.0.mutability"},
			{"returned on request", urn, attribute(`{"name":"a","returned":"request"}`), 422, "attributes.0.returned"},
			{"unique", urn, attribute(`{"name":"a","uniqueness":"server"}`), 422, "attributes.0.uniqueness"},
			{"complex without parts", urn, attribute(`{"name":"a","type":"complex"}`), 422,
				"attributes.0.subAttributes"},
			{"simple with parts", urn, attribute(`{"name":"a","subAttributes":[{"name":"b"}]}`), 422,
				"attributes.0.subAttributes"},
			{"complex within complex", urn, attribute(`{"name":"a","type":"complex","subAttributes":[{"name":"b",` +
				`"type":"complex","subAttributes":[{"name":"c"}]}]}`),
				422, "attributes.0.subAttributes.0.type"},
			{"many canonical values", urn, attribute(`{"name":"a","canonicalValues":[` + long(101, `"x"`) + `]}`), 422,
				"attributes.0.canonicalValues"},
			{"another id", urn, `{"id":"urn:example:y","name":"x","attributes":[{"name":"a"}]}`, 422, "id"},
			{"no URN", "crew", attribute(`{"name":"a"}`), 422, "id"},
			{"half a URN", "urn:example", attribute(`{"name":"a"}`), 422, "id"},
			{"a URN with a quote", `urn:example:x%22y`, attribute(`{"name":"a"}`), 422, "id"},
			{"a long URN", "urn:example:" + strings.Repeat("x", 200), attribute(`{"name":"a"}`), 422, "id"},
			{"the core schema", "urn:ietf:params:scim:schemas:core:2.0:User", attribute(`{"name":"a"}`), 422, "id"},
			{"the enterprise extension", "URN:ietf:params:scim:schemas:extension:enterprise:2.0:User",
				attribute(`{"name":"a"}`), 422, "id"},
			{"below another schema", crewURN + ":rank", attribute(`{"name":"a"}`), 409, "id"},
			{"above another schema", strings.TrimSuffix(crewURN, ":User"), attribute(`{"name":"a"}`), 409, "id"},
		} {
			t.Run(c.name, func(t *testing.T) {
				o := w.want(c.status, http.MethodPut, list+c.urn, c.body)
				if got := o.text("errors.0.field"); got != c.field {
					t.Errorf("field %q, want %q: %v", got, c.field, o)
				}
			})
		}
		if all := w.get(strings.TrimSuffix(list, "/")); len(all.data()) != 1 {
			t.Errorf("declared %v", all)
		}
	})
}
