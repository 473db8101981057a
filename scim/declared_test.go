package scim_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model/directory"
	"rollcall/model/modeltest"
	"rollcall/model/store"
)

const (
	unknownURN = "urn:example:params:scim:schemas:extension:crew:2.0:User"
	fleetURN   = "urn:example:params:scim:schemas:extension:fleet:2.0:User"
)

// fleet declares an attribute of every type.
const fleet = `[
	{"name":"badge","type":"string","caseExact":true,"required":true},
	{"name":"depot","type":"string","mutability":"immutable","canonicalValues":["north"]},
	{"name":"trips","type":"integer"},{"name":"rating","type":"decimal"},{"name":"trained","type":"boolean"},
	{"name":"hired","type":"dateTime"},{"name":"photo","type":"binary"},
	{"name":"page","type":"reference","referenceTypes":["external"]},
	{"name":"score","type":"integer","mutability":"readOnly"},{"name":"pin","type":"string","returned":"never"},
	{"name":"tags","type":"string","multiValued":true},
	{"name":"vehicles","type":"complex","multiValued":true,"subAttributes":[
		{"name":"value","type":"string","required":true},{"name":"type","type":"string"},
		{"name":"seats","type":"integer"},{"name":"primary","type":"boolean"}]}]`

// declare declares the fleet, or other attributes under its URN.
func (c *client) declare(attributes string) {
	c.t.Helper()
	s := directory.Schema{URN: fleetURN, Name: "Fleet", Description: "Drivers"}
	if err := json.Unmarshal([]byte(attributes), &s.Attributes); err != nil {
		c.t.Fatal(err)
	}
	if _, err := directory.In(c.org).PutSchema(c.t.Context(), &s); err != nil {
		c.t.Fatal(err)
	}
}

// matching returns the userNames that a filter finds.
func (c *client) matching(filter string) []string {
	c.t.Helper()
	return c.want(200, "GET", filtered("/Users", filter)+"&sortBy=userName", "").values("userName")
}

// TestUndeclaredExtension checks that an extension without a declared schema is stored, returned,
// found and changed.
func TestUndeclaredExtension(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		body := func(name, crew string) string {
			return fmt.Sprintf(`{"schemas":[%q,%q],"userName":%q,%q:%s}`, coreUser, unknownURN, name, unknownURN, crew)
		}
		id := c.create("/Users", body("ada",
			`{"rank":"Captain","level":7,"night":true,"since":{"year":2019},"badges":["a","b"],"empty":null}`))
		c.create("/Users", body("ben", `{"rank":"Mate","level":12}`))
		a := c.want(200, "GET", "/Users/"+id, "")
		want := map[string]any{"rank": "Captain", "level": 7.0, "night": true, "since": map[string]any{"year": 2019.0},
			"badges": []any{"a", "b"}}
		if diff := cmp.Diff(any(want), a.body[unknownURN]); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(any([]any{coreUser, unknownURN}), a.body["schemas"]); diff != "" {
			t.Error(diff)
		}
		for filter, want := range map[string][]string{
			unknownURN + `:rank eq "captain"`:          {"ada"},
			unknownURN + `:level gt 7`:                 {"ben"},
			unknownURN + `:level ge 7`:                 {"ada", "ben"},
			unknownURN + `:night eq true`:              {"ada"},
			unknownURN + `:since.year eq 2019`:         {"ada"},
			unknownURN + `:badges pr`:                  {"ada"},
			unknownURN + `:rank sw "m" and active pr`:  {"ben"},
			`schemas eq "` + unknownURN + `"`:          {"ada", "ben"},
			`not (` + unknownURN + `:rank eq "Mate") `: {"ada"},
		} {
			if diff := cmp.Diff(want, c.matching(filter)); diff != "" {
				t.Errorf("%s: %s", filter, diff)
			}
		}
		for _, step := range []struct{ operations, want string }{
			{`[{"op":"replace","path":"` + unknownURN + `:rank","value":"Mate"}]`,
				`{"rank":"Mate","level":7,"night":true,"since":{"year":2019},"badges":["a","b"]}`},
			{`[{"op":"add","path":"` + unknownURN + `:badges","value":["c"]},{"op":"remove","path":"` + unknownURN +
				`:level"}]`,
				`{"rank":"Mate","night":true,"since":{"year":2019},"badges":["a","b","c"]}`},
			{`[{"op":"add","value":{"` + unknownURN + `":{"level":1}}},{"op":"remove","path":"` + unknownURN +
				`:since"}]`,
				`{"rank":"Mate","night":true,"level":1,"badges":["a","b","c"]}`},
			{`[{"op":"remove","path":"` + unknownURN + `"}]`, `null`},
		} {
			a := c.want(200, "PATCH", "/Users/"+id, patchOf(step.operations))
			var want any
			if err := json.Unmarshal([]byte(step.want), &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, a.body[unknownURN]); diff != "" {
				t.Errorf("%s: %s", step.operations, diff)
			}
		}
		if diff := cmp.Diff([]string{"ben"}, c.matching(`schemas eq "`+unknownURN+`"`)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestDeclaredSchemaIsDiscovered(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		stranger := c.deployment.client(c.organization("Contoso"))
		before := c.want(200, "GET", "/Schemas", "").body["totalResults"].(float64)
		c.declare(fleet)
		a := c.want(200, "GET", "/Schemas", "")
		if got := a.body["totalResults"]; got != before+1 {
			t.Errorf("%v schemas after %v", got, before)
		}
		one := c.want(200, "GET", "/Schemas/"+fleetURN, "")
		if one.body["name"] != "Fleet" || one.path("attributes", 0, "name") != "badge" ||
			one.path("attributes", 0, "required") != true ||
			one.path("attributes", 11, "subAttributes", 2, "type") != "integer" ||
			one.path("meta", "location") != c.location+"/Schemas/"+fleetURN {
			t.Errorf("got %s", one.text)
		}
		kind := c.want(200, "GET", "/ResourceTypes/User", "")
		want := []any{map[string]any{"schema": enterprise, "required": false},
			map[string]any{"schema": fleetURN, "required": false}}
		if diff := cmp.Diff(any(want), kind.body["schemaExtensions"]); diff != "" {
			t.Error(diff)
		}
		stranger.want(404, "GET", "/Schemas/"+fleetURN, "")
		if got := stranger.want(200, "GET", "/Schemas", "").body["totalResults"]; got != before {
			t.Errorf("a stranger sees %v schemas", got)
		}
		second := c.deployment.client(c.directory.OrganizationID)
		second.want(200, "GET", "/Schemas/"+fleetURN, "")
		c.declare(`[{"name":"other"}]`)
		if got := c.want(200, "GET", "/Schemas/"+fleetURN, "").path("attributes", 0, "name"); got != "other" {
			t.Errorf("after the change: %v", got)
		}
		if err := directory.In(c.org).DeleteSchema(t.Context(), fleetURN); err != nil {
			t.Fatal(err)
		}
		c.want(404, "GET", "/Schemas/"+fleetURN, "")
	})
}

func TestDeclaredSchemaIsKeptTo(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		c.declare(fleet)
		body := func(name, fleet string) string { return fmt.Sprintf(`{"userName":%q,%q:%s}`, name, fleetURN, fleet) }
		for _, wrong := range []string{
			`{}x`, `{"trips":1}`, `{"badge":"","trips":1}`, `{"badge":1}`, `{"badge":["a","b"]}`,
			`{"badge":"a","trips":"many"}`, `{"badge":"a","trips":1.5}`,
			`{"badge":"a","trained":"perhaps"}`, `{"badge":"a","hired":"yesterday"}`, `{"badge":"a","photo":"%"}`,
			`{"badge":"a","rating":{}}`,
			`{"badge":"a","tags":[1]}`, `{"badge":"a","vehicles":[{"type":"bus"}]}`,
			`{"badge":"a","vehicles":[{"value":"b","seats":"x"}]}`, `"a"`,
		} {
			if a := c.do("POST", "/Users", body("wrong", wrong)); a.status != 400 {
				t.Errorf("%s: %d %s", wrong, a.status, a.text)
			}
		}
		c.user("plain") // the attribute is required in the extension, but the extension is optional
		sent := `{"BADGE":"A1","depot":"south","trips":12,"rating":4.5,"trained":true,"hired":"2020-01-02T03:04:05Z",
			"photo":"AAAA","page":"https://x.example",
			"score":3,"pin":"secret","tags":["x","y"],"vehicles":[{"value":"bus","seats":40,"primary":true}],
			"unknown":1}`
		a := c.want(201, "POST", "/Users", body("ada", sent))
		id := a.body["id"].(string)
		want := map[string]any{"badge": "A1", "depot": "south", "trips": 12.0, "rating": 4.5, "trained": true,
			"hired": "2020-01-02T03:04:05Z", "photo": "AAAA",
			"page": "https://x.example", "tags": []any{"x", "y"},
			"vehicles": []any{map[string]any{"value": "bus", "seats": 40.0, "primary": true}}}
		if diff := cmp.Diff(any(want), a.body[fleetURN]); diff != "" {
			t.Error(diff)
		}
		for filter, want := range map[string][]string{
			fleetURN + `:trips gt 5`:                               {"ada"},
			fleetURN + `:trips gt 100`:                             {},
			fleetURN + `:trained eq "True"`:                        {"ada"},
			fleetURN + `:hired lt "2021-01-01T00:00:00+01:00"`:     {"ada"},
			fleetURN + `:vehicles[value eq "bus" and seats lt 50]`: {"ada"},
			fleetURN + `:vehicles.value eq "bus"`:                  {"ada"},
			fleetURN + `:tags eq "y"`:                              {"ada"},
			`badge eq "A1"`:                                        {"ada"},
			`badge eq "a1"`:                                        {},
			`not (badge pr)`:                                       {"plain"},
		} {
			if diff := cmp.Diff(want, c.matching(filter)); diff != "" {
				t.Errorf("%s: %s", filter, diff)
			}
		}
		for _, wrong := range []string{`:trips eq "many"`, `:trips sw "1"`, `:hired gt "yesterday"`, `:pin eq "secret"`,
			`:unknown eq 1`, `:trained gt true`} {
			refused(t, c.do("GET", filtered("/Users", fleetURN+wrong), ""), 400, "invalidFilter")
		}
		path := func(op, name, value string) string {
			if value != "" {
				value = `,"value":` + value
			}
			return patchOf(`[{"op":"` + op + `","path":"` + fleetURN + name + `"` + value + `}]`)
		}
		for _, r := range []struct{ body, scimType string }{
			{path("replace", ":trips", `"many"`), "invalidValue"},
			{path("replace", ":depot", `"west"`), "mutability"},
			{path("remove", ":depot", ""), "mutability"},
			{path("replace", ":score", `4`), "mutability"},
			{path("remove", ":badge", ""), "mutability"},
			{path("replace", ":unknown", `4`), "invalidPath"},
		} {
			refused(t, c.do("PATCH", "/Users/"+id, r.body), 400, r.scimType)
		}
		refused(t, c.do("PUT", "/Users/"+id, body("ada", `{"badge":"A1","depot":"west"}`)), 400, "mutability")
		refused(t, c.do("PUT", "/Users/"+id, body("ada", `{"depot":"south"}`)), 400, "invalidValue")
		a = c.want(200, "PATCH", "/Users/"+id, path("replace", ":trips", `"13"`))
		if got := a.body[fleetURN].(map[string]any)["trips"]; got != 13.0 {
			t.Errorf("trips are %v", got)
		}
		plain := c.want(200, "GET", filtered("/Users", `userName eq "plain"`), "").values("id")[0]
		refused(t, c.do("PATCH", "/Users/"+plain, path("add", ":trips", `1`)), 400, "invalidValue", "badge is required")
		c.want(200, "PATCH", "/Users/"+plain,
			patchOf(`[{"op":"add","value":{"`+fleetURN+`":{"trips":1,"badge":"B"}}}]`))
	})
}

// TestSchemaDeclaredLater declares a schema for an extension whose stored values do not fit. Users
// keep them, and can still be deactivated.
func TestSchemaDeclaredLater(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		id := c.create("/Users",
			`{"userName":"ada","`+fleetURN+`":{"trips":"many","tags":"x","vehicles":{"value":1},"else":true}}`)
		c.declare(fleet)
		c.want(200, "PATCH", "/Users/"+id, patchOf(`[{"op":"replace","path":"active","value":false}]`))
		a := c.want(200, "GET", "/Users/"+id, "")
		got := a.body[fleetURN].(map[string]any)
		if a.body["active"] != false || got["trips"] != "many" || got["else"] != true {
			t.Errorf("got %s", a.text)
		}
		for filter, want := range map[string][]string{fleetURN + `:trips gt 1`: {},
			fleetURN + `:vehicles[seats gt 1]`: {}, fleetURN + `:tags eq "x"`: {"ada"}} {
			if diff := cmp.Diff(want, c.matching(filter)); diff != "" {
				t.Errorf("%s: %s", filter, diff)
			}
		}
		c.want(200, "PATCH", "/Users/"+id, patchOf(`[{"op":"add","value":{"`+fleetURN+
			`":{"trips":2,"badge":"A","tags":["y"],"vehicles":[{"value":"bus"}]}}}]`))
		a = c.want(200, "GET", "/Users/"+id, "")
		if got := a.body[fleetURN].(map[string]any)["trips"]; got != 2.0 {
			t.Errorf("got %s", a.text)
		}
	})
}

// TestDeclaredSchemaCostsNoStatement checks that requests of an organization with declared schemas
// execute no additional statement.
func TestDeclaredSchemaCostsNoStatement(t *testing.T) {
	t.Parallel()
	var statements modeltest.Statements
	o := statements.Options()
	o.Now = modeltest.NewClock().Now
	modeltest.EachWith(t, o, func(t *testing.T, store *store.Store) {
		c := newClient(t, store)
		c.declare(fleet)
		c.user("ada")
		for filter, most := range map[string]int{`userName eq "nobody"`: 2, `userName eq "ada"`: 2} {
			if got := statements.During(func() { c.matching(filter) }); len(got) > most {
				t.Errorf("%s: %d statements", filter, len(got))
			}
		}
		if got := statements.During(func() { c.want(200, "GET", "/Schemas", "") }); len(got) > 1 {
			t.Errorf("discovery: %d statements", len(got))
		}
	})
}
