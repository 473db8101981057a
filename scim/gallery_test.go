package scim_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model/directory"
	"rollcall/model/modeltest"
	"rollcall/model/store"
)

// galleryUser is a user with every attribute of Entra's default mapping, as Microsoft's validation
// of gallery applications creates it.
const galleryUser = `{"schemas":["` + coreUser + `","` + enterprise +
	`"],"externalId":"%[1]s","userName":"%[1]s@northwind.example",
	"displayName":"Ada Okafor","nickName":"Ada","profileUrl":"https://northwind.example/ada","title":"Pilot",
	"userType":"Member",
	"preferredLanguage":"en","locale":"en-GB","timezone":"Europe/London","active":true,
	"name":{"formatted":"Ada Okafor","familyName":"Okafor","givenName":"Ada","middleName":"B","honorificPrefix":"Dr",
	"honorificSuffix":"II"},
	"emails":[{"value":"%[1]s@northwind.example","type":"work","primary":true}],
	"phoneNumbers":[{"value":"+44 1","type":"work"},{"value":"+44 2","type":"mobile"},{"value":"+44 3","type":"fax"}],
	"addresses":[{"type":"work","formatted":"1 Road","streetAddress":"1 Road","locality":"Leeds","region":"Yorks",
	"postalCode":"LS1","country":"GB"}],
	"roles":[{"primary":"True","type":"WindowsAzureActiveDirectoryRole","value":"admin","display":"Admin"}],
	"` + enterprise +
	`":{"employeeNumber":"7","department":"IT","costCenter":"1","organization":"Northwind","division":"North"}}`

// gallery is one of the 25 checks of Microsoft's validation (docs/design/scim.md,
// "Microsoft's validation"). The rest of a check's name is what Microsoft calls it.
type gallery struct {
	name  string
	check func(t *testing.T, c *client)
}

// TestMicrosoftGallery has the checks that a gallery application must pass, each on a directory of
// its own.
func TestMicrosoftGallery(t *testing.T) {
	t.Parallel()
	checks := slices.Concat(galleryProtocol, galleryUsers, galleryGroups)
	modeltest.Each(t, func(t *testing.T, store *store.Store) {
		d := deploy(t, store)
		for _, g := range checks {
			t.Run(g.name, func(t *testing.T) {
				g.check(t, d.clientOf(d.organization("Northwind"), directory.EntraDirectory))
			})
		}
	})
}

func (c *client) galleryUser(name string) string {
	c.t.Helper()
	return c.create("/Users", fmt.Sprintf(galleryUser, name))
}

// galleryAttributes are the paths that Entra writes, with a new value for each.
var galleryAttributes = map[string]string{
	"displayName": "New", "nickName": "New", "profileUrl": "https://northwind.example/new", "title": "New",
	"userType":          "New",
	"preferredLanguage": "fr", "locale": "fr-FR", "timezone": "Europe/Paris", "externalId": "new",
	"userName":       "new@northwind.example",
	"name.formatted": "New", "name.familyName": "New", "name.givenName": "New", "name.middleName": "New",
	"name.honorificPrefix": "New", "name.honorificSuffix": "New",
	`emails[type eq "work"].value`: "new@northwind.example", `emails[type eq "other"].value`: "other@northwind.example",
	`phoneNumbers[type eq "work"].value`: "9", `phoneNumbers[type eq "mobile"].value`: "9",
	`phoneNumbers[type eq "fax"].value`: "9", `phoneNumbers[type eq "pager"].value`: "9",
	`addresses[type eq "work"].formatted`: "New", `addresses[type eq "work"].streetAddress`: "New",
	`addresses[type eq "work"].locality`: "New",
	`addresses[type eq "work"].region`:   "New", `addresses[type eq "work"].postalCode`: "New",
	`addresses[type eq "work"].country`: "FR", `addresses[type eq "other"].Formatted`: "New",
	enterprise + ":employeeNumber": "9", enterprise + ":department": "New", enterprise + ":costCenter": "New",
	enterprise + ":organization": "New", enterprise + ":division": "New",
	`roles[primary eq "True"].value`: "user", `roles[primary eq "True"].display`: "User",
	`roles[primary eq "True"].type`: "New",
}

// at returns the value of a resource at a PATCH path.
func (a reply) at(path string) any {
	steps := []any{}
	if rest, ok := strings.CutPrefix(path, enterprise+":"); ok {
		steps, path = append(steps, enterprise), rest
	}
	name, filter, filtered := strings.Cut(path, "[")
	if !filtered {
		for step := range strings.SplitSeq(path, ".") {
			steps = append(steps, step)
		}
		return a.path(steps...)
	}
	term, sub, _ := strings.Cut(filter, "].")
	by, value, _ := strings.Cut(term, " eq ")
	list, _ := a.path(name).([]any)
	for _, e := range list {
		if m := e.(map[string]any); strings.EqualFold(fmt.Sprint(m[by]), strings.Trim(value, `"`)) {
			return m[strings.ToLower(sub[:1])+sub[1:]]
		}
	}
	return nil
}

// patchAll is one PATCH with an operation for each attribute.
func patchAll(op string, values map[string]string) string {
	var operations []string
	for path, value := range values {
		operations = append(operations, fmt.Sprintf(`{"op":%q,"path":%q,"value":%s}`, op, path, value))
	}
	slices.Sort(operations)
	return patchOf("[" + strings.Join(operations, ",") + "]")
}

func inQuotes(values map[string]string) map[string]string {
	out := map[string]string{}
	for path, v := range values {
		out[path] = fmt.Sprintf("%q", v)
	}
	return out
}

var galleryProtocol = []gallery{
	{"M1 SCIM_SchemaDiscoverability_Test", func(t *testing.T, c *client) {
		text := strings.ToLower(c.want(200, "GET", "/Schemas", "").text)
		for path := range galleryAttributes {
			if path == "externalId" { // RFC 7643 §3.1: a common attribute is in no schema
				continue
			}
			for name := range strings.FieldsFuncSeq(strings.TrimPrefix(path, enterprise+":"), func(r rune) bool {
				return r == '.' || r == '['
			}) {
				if name, _, _ = strings.Cut(name, " "); !strings.Contains(text, `"name":"`+strings.ToLower(name)+`"`) {
					t.Errorf("no schema has %s of %s", name, path)
				}
			}
		}
		for _, urn := range []string{coreUser, coreGroup, enterprise} {
			if !strings.Contains(text, strings.ToLower(urn)) {
				t.Errorf("there is no schema %s", urn)
			}
		}
	}},
	{"M2 SCIM_Null_Update_Test", func(t *testing.T, c *client) {
		for _, null := range []string{`""`, "null"} {
			id := c.galleryUser("ada-" + strings.Trim(null, `"`))
			values := map[string]string{}
			for path := range galleryAttributes {
				if path != "userName" && !strings.Contains(path, "roles") {
					values[path] = null
				}
			}
			c.want(200, "PATCH", "/Users/"+id, patchAll("Replace", values))
			a := c.want(200, "GET", "/Users/"+id, "")
			for path := range values {
				if v := a.at(path); v != nil && v != "" {
					t.Errorf("%s is %v after %s", path, v, null)
				}
			}
		}
	}},
	{"M3 SCIM_User_Create_Test", func(t *testing.T, c *client) {
		a := c.want(201, "POST", "/Users", fmt.Sprintf(galleryUser, "ada"))
		id := a.body["id"].(string)
		diff := cmp.Diff(a.body, c.want(200, "GET", "/Users/"+id, "").body)
		if diff != "" || a.body["title"] != "Pilot" || a.at(`phoneNumbers[type eq "fax"].value`) != "+44 3" {
			t.Errorf("%s: %s", a.text, diff)
		}
		c.want(409, "POST", "/Users", fmt.Sprintf(galleryUser, "ada"))
	}},
	{"M4 SCIM_User_Update_Test", func(t *testing.T, c *client) {
		for name, id := range map[string]string{"a full user": c.galleryUser("ada"), "a bare one": c.user("ben")} {
			values := inQuotes(galleryAttributes)
			values["userName"], values["active"] = fmt.Sprintf("%q", id+"@northwind.example"), `"False"`
			c.want(200, "PATCH", "/Users/"+id, patchAll("Add", values))
			a := c.want(200, "GET", "/Users/"+id, "")
			for path, want := range galleryAttributes {
				if got := a.at(path); path != "userName" && got != want {
					t.Errorf("%s: %s is %v, want %s", name, path, got, want)
				}
			}
			if a.body["active"] != false || a.body["userName"] != id+"@northwind.example" {
				t.Errorf("%s: %s", name, a.text)
			}
		}
	}},
	{"M5 SCIM_Group_Create_Test", func(t *testing.T, c *client) {
		body := `{"schemas":["` + coreGroup +
			`","http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],"externalId":"g",` +
			`"displayName":"Crew","meta":{"resourceType":"Group"}}`
		a := c.want(201, "POST", "/Groups", body)
		got := c.want(200, "GET", "/Groups/"+a.body["id"].(string), "")
		if diff := cmp.Diff(a.body, got.body); diff != "" || got.body["externalId"] != "g" {
			t.Error(diff)
		}
		c.want(409, "POST", "/Groups", body)
	}},
	{"M6 SCIM_Group_Update_Test", func(t *testing.T, c *client) {
		id := c.group("Crew")
		for attribute, value := range map[string]string{"displayName": "Pilots", "externalId": "p"} {
			c.want(204, "PATCH", "/Groups/"+id,
				patchAll("Replace", map[string]string{attribute: fmt.Sprintf("%q", value)}))
			if got := c.want(200, "GET", "/Groups/"+id, "").body[attribute]; got != value {
				t.Errorf("%s is %v", attribute, got)
			}
		}
	}},
	{"M7 CredentialValidation_ClientCredentials", func(t *testing.T, c *client) {
		id, secret, _ := c.credentials()
		a := c.buy(url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}},
			"", "")
		c.want(200, "GET", "/Users?count=1", "", "Authorization", "Bearer "+a.body["access_token"].(string))
	}},
	// M8, the exchange of another issuer's token, is the alternative to M7.
	{"M9 SCIM_User_Pagination_Test", func(t *testing.T, c *client) { c.galleryPages(t, "/Users") }},
	{"M10 SCIM_Group_Pagination_Test", func(t *testing.T, c *client) { c.galleryPages(t, "/Groups") }},
	{"M11 SCIM_Manager_Update_Test", func(t *testing.T, c *client) {
		id, first := c.galleryUser("ada"), c.galleryUser("boss")
		for _, path := range []string{enterprise + ":manager", "manager"} {
			for _, step := range []struct{ op, value, want string }{
				{"Add", first, first}, {"Replace", nobody, nobody}, {"Replace", "", ""}, {"Add", nobody, nobody},
				{"Replace", first, first}, {"Replace", "", ""},
			} {
				c.want(200, "PATCH", "/Users/"+id,
					patchOf(fmt.Sprintf(`[{"op":%q,"path":%q,"value":%q}]`, step.op, path, step.value)))
				got, _ := c.want(200, "GET", "/Users/"+id, "").path(enterprise, "manager", "value").(string)
				if got != step.want {
					t.Errorf("%s %s %q: the manager is %q", step.op, path, step.value, got)
				}
			}
		}
	}},
}

// galleryPages reads pages as the validation does.
func (c *client) galleryPages(t *testing.T, endpoint string) {
	const people, size = 12, 5
	for i := range people {
		if endpoint == "/Users" {
			c.user(fmt.Sprint("user-", i))
		} else {
			c.group(fmt.Sprint("group-", i))
		}
	}
	seen := map[string]bool{}
	for page := 0; page*size < people; page++ {
		a := c.want(200, "GET", fmt.Sprintf("%s?startIndex=%d&count=%d", endpoint, page*size+1, size), "")
		if a.body["startIndex"] != float64(page*size+1) || a.body["totalResults"] != float64(people) {
			t.Errorf("page %d: %s", page, a.text)
		}
		for _, id := range a.values("id") {
			seen[id] = true
		}
	}
	if len(seen) != people {
		t.Errorf("%d of %d were seen", len(seen), people)
	}
}

// found is the one resource that Entra finds by a filter, or an empty reply.
func (c *client) found(endpoint, filter, more string) reply {
	c.t.Helper()
	a := c.want(200, "GET", endpoint+"?filter="+url.QueryEscape(filter)+more, "")
	one, _ := a.path("Resources", 0).(map[string]any)
	return reply{status: a.status, text: a.text, body: one}
}
