package scim_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model/modeltest"
	"rollcall/model/store"
)

const fullUser = `{"userName":"ada","externalId":"X","name":{"givenName":"Ada","familyName":"Okafor"},"title":"Pilot",
	"emails":[{"value":"a@work.example","type":"work","primary":true},{"value":"a@home.example","type":"home"},
	{"type":"other"}],
	"` + enterprise + `":{"department":"IT","employeeNumber":"7","manager":{"value":"m","$ref":"../Users/m"}},
	"urn:example:custom":{"Badge":{"Color":"red","no":5}}}`

// shown are the attributes in an answer about a user, without those that are always returned.
func shown(t *testing.T, user map[string]any) map[string]any {
	t.Helper()
	rest := map[string]any{}
	for name, v := range user {
		switch name {
		case "id", "meta", "schemas":
		default:
			rest[name] = v
		}
	}
	if len(user) != len(rest)+3 {
		t.Errorf("id, meta or schemas is missing: %v", user)
	}
	return rest
}

func TestAttributes(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	tests := []struct {
		attributes string
		want       object
	}{
		{"userName", object{"userName": "ada"}},
		{"USERNAME, active", object{"userName": "ada", "active": true}},
		{"id", object{}},
		{"meta,schemas", object{}},
		{"nothing", object{}},
		{"nothing,,title,", object{"title": "Pilot"}},
		{"name", object{"name": object{"givenName": "Ada", "familyName": "Okafor"}}},
		{"name.givenName", object{"name": object{"givenName": "Ada"}}},
		{"name.givenName,name", object{"name": object{"givenName": "Ada", "familyName": "Okafor"}}},
		{"name,name.givenName", object{"name": object{"givenName": "Ada", "familyName": "Okafor"}}},
		{"name.middleName", object{}},
		{"title.value", object{}},
		{"emails.value", object{"emails": []any{object{"value": "a@work.example"}, object{"value": "a@home.example"}}}},
		{"emails.primary", object{"emails": []any{object{"primary": true}}}},
		{`emails[type eq "work"].value,title`, object{"title": "Pilot",
			"emails": []any{object{"value": "a@work.example"}, object{"value": "a@home.example"}}}},
		{`emails[value eq "a,b"].primary`, object{"emails": []any{object{"primary": true}}}},
		{coreUser + ":userName", object{"userName": "ada"}},
		{coreUser + ":name.familyName", object{"name": object{"familyName": "Okafor"}}},
		{enterprise + ":department", object{enterprise: object{"department": "IT"}}},
		{strings.ToLower(enterprise) + ":Department," + enterprise + ":manager.value",
			object{enterprise: object{"department": "IT", "manager": object{"value": "m"}}}},
		{"department", object{enterprise: object{"department": "IT"}}},
		{enterprise, object{enterprise: object{"department": "IT", "employeeNumber": "7",
			"manager": object{"value": "m", "$ref": "../Users/m"}}}},
		{"urn:example:custom:badge", object{"urn:example:custom": object{"Badge": object{"Color": "red", "no": 5.0}}}},
		{"urn:example:custom:badge.color", object{"urn:example:custom": object{"Badge": object{"Color": "red"}}}},
		{"urn:example:custom", object{"urn:example:custom": object{"Badge": object{"Color": "red", "no": 5.0}}}},
		{"URN:Example:Custom,title",
			object{"title": "Pilot", "urn:example:custom": object{"Badge": object{"Color": "red", "no": 5.0}}}},
		{"urn:example:other:badge", object{}},
		{"groups", object{}},
	}
	each(t, func(t *testing.T, c *client) {
		id := c.create("/Users", fullUser)
		full := shown(t, c.want(200, "GET", "/Users/"+id, "").body)
		for _, test := range tests {
			t.Run(test.attributes, func(t *testing.T) {
				query := "?attributes=" + url.QueryEscape(test.attributes)
				if diff := cmp.Diff(test.want, shown(t, c.want(200, "GET", "/Users/"+id+query, "").body)); diff != "" {
					t.Errorf("GET: %s", diff)
				}
				list := c.want(200, "GET", "/Users"+query, "")
				if diff := cmp.Diff(test.want, shown(t, list.path("Resources", 0).(object))); diff != "" {
					t.Errorf("list: %s", diff)
				}
				patched := c.want(200, "PATCH", "/Users/"+id+query,
					patchOf(`[{"op":"replace","path":"title","value":"Pilot"}]`))
				if diff := cmp.Diff(test.want, shown(t, patched.body)); diff != "" {
					t.Errorf("PATCH: %s", diff)
				}
			})
		}
		for _, query := range []string{"", "?attributes=", "?excludedAttributes=nothing",
			"?excludedAttributes=id,schemas"} {
			if diff := cmp.Diff(full, shown(t, c.want(200, "GET", "/Users/"+id+query, "").body)); diff != "" {
				t.Errorf("%s: %s", query, diff)
			}
		}
	})
}

func TestExcludedAttributes(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	tests := []struct {
		query string
		want  []string // the attributes in the answer
		more  func(object) any
		value any // of more
	}{
		{query: "excludedAttributes=name,emails,externalId",
			want: []string{"active", "title", enterprise, "urn:example:custom", "userName"}},
		{query: "EXCLUDEDATTRIBUTES=Name,EMAILS&excludedAttributes=externalId," + enterprise,
			want: []string{"active", "title", "urn:example:custom", "userName"}},
		{query: "attributes=name,title&excludedAttributes=title,name.givenName", want: []string{"name"},
			more: func(o object) any { return o["name"] }, value: object{"familyName": "Okafor"}},
		{query: "attributes=emails&excludedAttributes=emails.value", want: []string{"emails"},
			more:  func(o object) any { return o["emails"] },
			value: []any{object{"type": "work", "primary": true}, object{"type": "home"}}},
		{query: "attributes=emails&excludedAttributes=emails.value,emails.type,emails.primary", want: nil},
		{query: "attributes=" + enterprise + "&excludedAttributes=" + enterprise + ":manager.$ref,department",
			want: []string{enterprise},
			more: func(o object) any {
				return o[enterprise]
			}, value: object{"employeeNumber": "7", "manager": object{"value": "m"}}},
		{query: "excludedAttributes=urn:example:Custom,name,emails,externalId," + strings.ToUpper(enterprise),
			want: []string{"active", "title", "userName"}},
		{query: "excludedAttributes=" + coreUser, want: []string{"externalId", enterprise, "urn:example:custom"}},
	}
	each(t, func(t *testing.T, c *client) {
		id := c.create("/Users", fullUser)
		for _, test := range tests {
			t.Run(test.query, func(t *testing.T) {
				got := shown(t, c.want(200, "GET", "/Users/"+id+"?"+test.query, "").body)
				if diff := cmp.Diff(sorted(test.want...), keys(got)); diff != "" {
					t.Error(diff)
				}
				if test.more != nil {
					if diff := cmp.Diff(test.value, test.more(got)); diff != "" {
						t.Error(diff)
					}
				}
			})
		}
		t.Run("of a write's answer", func(t *testing.T) {
			a := c.want(201, "POST", "/Users?attributes=userName", `{"userName":"ben","title":"Pilot"}`)
			if diff := cmp.Diff(object{"userName": "ben"}, shown(t, a.body)); diff != "" {
				t.Error(diff)
			}
			a = c.want(200, "PUT", "/Users/"+id+"?excludedAttributes=userName", `{"userName":"ada"}`)
			if diff := cmp.Diff(object{"active": true}, shown(t, a.body)); diff != "" {
				t.Error(diff)
			}
		})
	})
}

// TestMemberships checks both sides of a membership. Neither is read when it is not shown.
func TestMemberships(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	var statements modeltest.Statements
	o := statements.Options()
	o.Now = modeltest.NewClock().Now // the token stays in the cache during the test
	modeltest.EachWith(t, o, func(t *testing.T, store *store.Store) {
		c := newClient(t, store)
		ada := c.create("/Users", `{"userName":"ada","displayName":"Ada \"Ö\" <1>"}`)
		ben := c.user("ben")
		group := c.group("Drivers", ada, ben)
		members := []any{
			object{"value": ada, "$ref": c.location + "/Users/" + ada, "display": `Ada "Ö" <1>`, "type": "User"},
			object{"value": ben, "$ref": c.location + "/Users/" + ben, "type": "User"},
		}
		groups := []any{
			object{"value": group, "$ref": c.location + "/Groups/" + group, "display": "Drivers", "type": "direct"}}
		tests := []struct {
			path       string
			name       string
			want       any
			statements int
		}{
			{"/Groups/" + group, "members", members, 2},
			{"/Groups/" + group + "?attributes=members.value", "members",
				[]any{object{"value": ada}, object{"value": ben}}, 2},
			{"/Groups/" + group + "?attributes=members.display", "members", []any{object{"display": `Ada "Ö" <1>`}}, 2},
			{"/Groups/" + group + "?excludedAttributes=members", "members", nil, 1},
			{"/Groups/" + group + "?attributes=displayName", "members", nil, 1},
			{"/Groups", "members", members, 2},
			{"/Groups?excludedAttributes=members", "members", nil, 1},
			{"/Users/" + ada, "groups", groups, 2},
			{"/Users/" + ada + "?attributes=groups.display", "groups", []any{object{"display": "Drivers"}}, 2},
			{"/Users/" + ada + "?excludedAttributes=groups", "groups", nil, 1},
			{"/Users?count=2", "groups", groups, 2},
			{"/Users?attributes=id", "groups", nil, 1},
		}
		for _, test := range tests {
			t.Run(test.path, func(t *testing.T) {
				c.want(200, "GET", "/Schemas", "") // so that the token is in the cache
				var a reply
				run := statements.During(func() { a = c.want(200, "GET", test.path, "") })
				got := a.path(test.name)
				if a.body["Resources"] != nil {
					got = a.path("Resources", 0, test.name)
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Error(diff)
				}
				if len(run) != test.statements {
					t.Errorf("%d statements, want %d: %q", len(run), test.statements, run)
				}
			})
		}
	})
}
