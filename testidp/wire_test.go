package testidp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/testidp"
)

// newServer makes a test identity provider with one application at f.
func newServer(t *testing.T, f *scimServer, d testidp.Dialect, more ...func(*testidp.Options)) *testidp.Server {
	t.Helper()
	o := testidp.Options{Applications: []testidp.ApplicationOptions{
		{Name: "Acme", SCIMURL: f.url, Token: token, Dialect: d, Domain: "acme.example"},
	}}
	for _, change := range more {
		change(&o)
	}
	s, err := testidp.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const token = "secret-bearer-token"

var ctx = context.Background()

// line is a request with its query readable.
func line(r request) string {
	query, err := url.QueryUnescape(r.Query)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSuffix(r.String()+"?"+query, "?")
}

// step is an operation and what it must put on the wire, as pairs of a line and a JSON body.
type step struct {
	outcome string
	do      func(a *testidp.Application) (*testidp.Operation, error)
	wire    []string
}

func runSteps(t *testing.T, f *scimServer, a *testidp.Application, steps []step) {
	t.Helper()
	for _, s := range steps {
		if _, err := s.do(a); err != nil {
			t.Fatalf("%s: %v", s.outcome, err)
		}
		type message struct {
			Line string
			Body any
		}
		var want, got []message
		for i := 0; i < len(s.wire); i += 2 {
			m := message{Line: s.wire[i]}
			if s.wire[i+1] != "" {
				if err := json.Unmarshal([]byte(s.wire[i+1]), &m.Body); err != nil {
					t.Fatalf("%s: %v in %s", s.outcome, err, s.wire[i+1])
				}
			}
			want = append(want, m)
		}
		for _, r := range f.taken() {
			if r.Header.Get("Authorization") != "Bearer "+token {
				t.Errorf("%s: %s has Authorization %q", s.outcome, r, r.Header.Get("Authorization"))
			}
			got = append(got, message{line(r), r.Body})
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: requests (-want +got):\n%s", s.outcome, diff)
		}
	}
}

func patchOf(operations string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + operations + `]}`
}

func call(do func(*testidp.Application, context.Context, string) (*testidp.Operation, error), id string) func(*testidp.Application) (*testidp.Operation, error) {
	return func(a *testidp.Application) (*testidp.Operation, error) { return do(a, ctx, id) }
}

func oktaMarcus(extra, externalID, title string) string {
	return `{` + extra + `"schemas":["urn:ietf:params:scim:schemas:core:2.0:User",
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
		"userName":"marcus.bennett@acme.example","name":{"givenName":"Marcus","familyName":"Bennett"},
		"emails":[{"primary":true,"type":"work","value":"marcus.bennett@acme.example"}],
		"title":"` + title + `","displayName":"Marcus Bennett","locale":"en-US","externalId":"` + externalID + `",
		"phoneNumbers":[{"type":"mobile","value":"+1 555 0100"}],
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"1014","department":"Sales"},
		"groups":[],"active":true}`
}

// The bodies are those of Okta's reference and of docs/design/scim.md, "Okta".
func TestOktaRequests(t *testing.T) {
	f := newSCIMServer(t)
	// Okta's password is random: take it out of the body after looking at it.
	f.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost && r.URL.Path == "/scim/v2/Users" {
			body := f.requests[len(f.requests)-1].Body.(map[string]any)
			if p, _ := body["password"].(string); len(p) != 8 {
				t.Errorf("password is %q, want 8 characters", p)
			}
			delete(body, "password")
		}
		return false
	})
	a := newServer(t, f, testidp.Okta).Applications()[0]
	marcus := a.People()[13].ExternalID
	user := func(extra, title string) string { return oktaMarcus(extra, marcus, title) }
	const find = `GET /Users?filter=userName eq "marcus.bennett@acme.example"&startIndex=1&count=100`
	const rename = `{"op":"replace","value":{"id":"g-2","displayName":"Sales"}}`
	runSteps(t, f, a, []step{
		{"the connection test lists two users", func(a *testidp.Application) (*testidp.Operation, error) { return a.Test(ctx) },
			[]string{"GET /Users?startIndex=1&count=2", ""}},
		{"an unknown person is looked for, then created", call((*testidp.Application).Assign, "marcus.bennett"),
			[]string{find, "", "POST /Users", user("", "Account Executive")}},
		{"a new group is created empty, then filled", call((*testidp.Application).PushGroup, "sales"), []string{
			`GET /Groups?filter=displayName eq "Sales"&startIndex=1&count=100`, "",
			"POST /Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Sales","members":[]}`,
			"PATCH /Groups/g-2", patchOf(rename),
			"PATCH /Groups/g-2", patchOf(`{"op":"add","path":"members","value":[{"value":"u-1","display":"marcus.bennett@acme.example"}]}`),
		}},
		{"unassigning deactivates with a boolean and no path", call((*testidp.Application).Unassign, "marcus.bennett"),
			[]string{"PATCH /Users/u-1", patchOf(`{"op":"replace","value":{"active":false}}`)}},
		{"assigning again re-activates and puts the whole object", call((*testidp.Application).Assign, "marcus.bennett"), []string{
			find, "",
			"PATCH /Users/u-1", patchOf(`{"op":"replace","value":{"active":true}}`),
			"GET /Users/u-1", "",
			"PUT /Users/u-1", user(`"id":"u-1",`, "Account Executive"),
		}},
		{"a changed profile is put as a whole", update("marcus.bennett", func(p *testidp.Person) { p.Title = "Director" }),
			[]string{"GET /Users/u-1", "", "PUT /Users/u-1", user(`"id":"u-1",`, "Director")}},
		{"a member is removed by a value path, with the name sent along", removeMember("sales", "marcus.bennett"), []string{
			"PATCH /Groups/g-2", patchOf(rename),
			"PATCH /Groups/g-2", patchOf(`{"op":"remove","path":"members[value eq \"u-1\"]"}`),
		}},
		{"a group is renamed with its id", func(a *testidp.Application) (*testidp.Operation, error) {
			return a.RenameGroup(ctx, "sales", "Revenue")
		},
			[]string{"PATCH /Groups/g-2", patchOf(`{"op":"replace","value":{"id":"g-2","displayName":"Revenue"}}`)}},
		{"a group is deleted", call((*testidp.Application).DeleteGroup, "sales"), []string{"DELETE /Groups/g-2", ""}},
		{"deleting a person deactivates only", call((*testidp.Application).Delete, "marcus.bennett"),
			[]string{"PATCH /Users/u-1", patchOf(`{"op":"replace","value":{"active":false}}`)}},
	})
}

func entraUser(externalID, given, family, title, number string) string {
	mail := strings.ToLower(given+"."+strings.ReplaceAll(family, "á", "a")) + "@acme.example"
	return `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
		"externalId":"` + externalID + `","userName":"` + mail + `","active":true,"addresses":null,"displayName":"` + given + ` ` + family + `",
		"emails":[{"primary":true,"type":"work","value":"` + mail + `"}],"meta":{"resourceType":"User"},
		"name":{"formatted":"` + given + ` ` + family + `","familyName":"` + family + `","givenName":"` + given + `"},"phoneNumbers":null,
		"preferredLanguage":null,"roles":[],"title":"` + title + `",
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"` + number + `","department":"Finance"}}`
}

// The bodies are those of Microsoft's documentation and of docs/design/scim.md, "Entra ID".
func TestEntraRequests(t *testing.T) {
	f := newSCIMServer(t)
	a := newServer(t, f, testidp.Entra).Applications()[0]
	daniel, eszter := a.People()[4].ExternalID, a.People()[6].ExternalID
	finance := a.Groups()[2].ExternalID
	findBy := func(attribute, value string) string { return `GET /Users?filter=` + attribute + ` eq "` + value + `"` }
	const manager = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"
	runSteps(t, f, a, []step{
		{"an unknown person is looked for by both attributes, then created", call((*testidp.Application).Assign, "daniel.rosenthal"), []string{
			findBy("externalId", daniel), "", findBy("userName", "daniel.rosenthal@acme.example"), "",
			"POST /Users", entraUser(daniel, "Daniel", "Rosenthal", "Financial Analyst", "1005"),
		}},
		{"a manager who comes later is added as a string, after a probe", call((*testidp.Application).Assign, "eszter.kovacs"), []string{
			findBy("externalId", eszter), "", findBy("userName", "eszter.kovacs@acme.example"), "",
			"POST /Users", entraUser(eszter, "Eszter", "Kovács", "Controller", "1007"),
			`GET /Users?filter=id eq "u-1" and manager eq "u-2"&attributes=id`, "",
			"PATCH /Users/u-1", patchOf(`{"op":"Add","path":"` + manager + `","value":"u-2"}`),
		}},
		{"a new group is created without members, then filled in one request", call((*testidp.Application).PushGroup, "finance"), []string{
			`GET /Groups?excludedAttributes=members&filter=displayName eq "Finance"`, "",
			"POST /Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group","http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
				"externalId":"` + finance + `","displayName":"Finance","meta":{"resourceType":"Group"}}`,
			"PATCH /Groups/g-3", patchOf(`{"op":"Add","path":"members","value":[{"$ref":null,"value":"u-1"},{"$ref":null,"value":"u-2"}]}`),
		}},
		{"unassigning sends False as a string", call((*testidp.Application).Unassign, "daniel.rosenthal"),
			[]string{"PATCH /Users/u-1", patchOf(`{"op":"Replace","path":"active","value":"False"}`)}},
		{"assigning again matches and sends True", call((*testidp.Application).Assign, "daniel.rosenthal"), []string{
			findBy("externalId", daniel), "", "PATCH /Users/u-1", patchOf(`{"op":"Replace","path":"active","value":"True"}`),
		}},
		{"a changed profile is sent attribute by attribute", update("daniel.rosenthal", func(p *testidp.Person) {
			p.Title, p.FamilyName, p.Mobile, p.Department, p.Manager = "", "Roth", "+1 555 0199", "Treasury", ""
		}), []string{
			"GET /Users/u-1", "",
			"PATCH /Users/u-1", patchOf(`{"op":"Replace","path":"displayName","value":"Daniel Roth"},
				{"op":"Remove","path":"title"},
				{"op":"Replace","path":"name.familyName","value":"Roth"},
				{"op":"Replace","path":"name.formatted","value":"Daniel Roth"},
				{"op":"Add","path":"phoneNumbers[type eq \"mobile\"].value","value":"+1 555 0199"},
				{"op":"Replace","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department","value":"Treasury"}`),
			"PATCH /Users/u-1", patchOf(`{"op":"Replace","path":"` + manager + `","value":""}`),
		}},
		{"a member is removed by a list of values, after two questions", removeMember("finance", "daniel.rosenthal"), []string{
			"GET /Groups/g-3?excludedAttributes=members", "",
			`GET /Groups?excludedAttributes=members&filter=id eq "g-3" and members eq "u-1"`, "",
			"PATCH /Groups/g-3", patchOf(`{"op":"Remove","path":"members","value":[{"$ref":null,"value":"u-1"}]}`),
		}},
		{"a group is renamed by path", func(a *testidp.Application) (*testidp.Operation, error) {
			return a.RenameGroup(ctx, "finance", "Money")
		},
			[]string{"PATCH /Groups/g-3", patchOf(`{"op":"Replace","path":"displayName","value":"Money"}`)}},
		{"a group is deleted", call((*testidp.Application).DeleteGroup, "finance"), []string{"DELETE /Groups/g-3", ""}},
		{"deleting a person disables, then deletes", call((*testidp.Application).Delete, "daniel.rosenthal"), []string{
			"PATCH /Users/u-1", patchOf(`{"op":"Replace","path":"active","value":"False"}`), "DELETE /Users/u-1", "",
		}},
	})
}

// E7: the flag in the tenant URL travels with each request and changes the operations.
func TestEntraRequestsBehindTheComplianceFlag(t *testing.T) {
	f := newSCIMServer(t)
	a := newServer(t, f, testidp.Entra, func(o *testidp.Options) {
		o.Applications[0].SCIMURL += "?aadOptscim062020"
	}).Applications()[0]
	for _, id := range []string{"daniel.rosenthal", "eszter.kovacs"} {
		if _, err := a.Assign(ctx, id); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.PushGroup(ctx, "finance"); err != nil {
		t.Fatal(err)
	}
	for _, r := range f.taken() {
		if !strings.HasPrefix(r.Query, "aadOptscim062020") {
			t.Errorf("%s has the query %q, want the flag in it", r, r.Query)
		}
	}
	runSteps(t, f, a, []step{
		{"changed values stand in one object", update("daniel.rosenthal", func(p *testidp.Person) {
			p.FamilyName, p.Department, p.UserName = "Roth", "Treasury", "daniel.roth@acme.example"
		}), []string{
			"GET /Users/u-1?aadOptscim062020", "",
			"PATCH /Users/u-1?aadOptscim062020", patchOf(`
				{"op":"replace","path":"emails[type eq \"work\"].value","value":"daniel.roth@acme.example"},
				{"op":"replace","value":{"userName":"daniel.roth@acme.example","displayName":"Daniel Roth","name.familyName":"Roth",
				"name.formatted":"Daniel Roth","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department":"Treasury"}}`),
		}},
		{"members are removed by value paths", removeMember("finance", "daniel.rosenthal"), []string{
			"GET /Groups/g-3?aadOptscim062020&excludedAttributes=members", "",
			`GET /Groups?aadOptscim062020&excludedAttributes=members&filter=id eq "g-3" and members eq "u-1"`, "",
			"PATCH /Groups/g-3?aadOptscim062020", patchOf(`{"op":"remove","path":"members[value eq \"u-1\"]"}`),
		}},
		{"active is a boolean", call((*testidp.Application).Unassign, "daniel.rosenthal"),
			[]string{"PATCH /Users/u-1?aadOptscim062020", patchOf(`{"op":"replace","path":"active","value":false}`)}},
	})
}

func TestHeaders(t *testing.T) {
	for _, tt := range []struct {
		dialect testidp.Dialect
		want    map[string]string
	}{
		{testidp.Okta, map[string]string{"User-Agent": "Okta SCIM Client 1.0.0", "Accept": "application/scim+json",
			"Accept-Charset": "utf-8", "Content-Type": "application/scim+json; charset=utf-8"}},
		{testidp.Entra, map[string]string{"Accept": "application/scim+json", "Content-Type": "application/scim+json; charset=utf-8"}},
	} {
		t.Run(string(tt.dialect), func(t *testing.T) {
			f := newSCIMServer(t)
			if _, err := newServer(t, f, tt.dialect).Applications()[0].Assign(ctx, "jun.takahashi"); err != nil {
				t.Fatal(err)
			}
			for _, r := range f.taken() {
				for name, want := range tt.want {
					if got := r.Header.Get(name); got != want {
						t.Errorf("%s: %s is %q, want %q", r, name, got, want)
					}
				}
			}
		})
	}
}

func update(id string, change func(*testidp.Person)) func(*testidp.Application) (*testidp.Operation, error) {
	return func(a *testidp.Application) (*testidp.Operation, error) { return a.UpdatePerson(ctx, id, change) }
}

func removeMember(group, person string) func(*testidp.Application) (*testidp.Operation, error) {
	return func(a *testidp.Application) (*testidp.Operation, error) { return a.RemoveMember(ctx, group, person) }
}

// Filters carry names as they are: in JSON's quotes, without the escapes that JSON allows for & < >.
func TestFilterQuoting(t *testing.T) {
	f := newSCIMServer(t)
	a := newServer(t, f, testidp.Okta).Applications()[0]
	if _, err := a.RenameGroup(ctx, "sales", `R&D "north" \ <x>`); err != nil {
		t.Fatal(err)
	}
	if _, err := a.PushGroup(ctx, "sales"); err != nil {
		t.Fatal(err)
	}
	requests := f.taken()
	want := `GET /Groups?filter=displayName eq "R&D \"north\" \\ <x>"&startIndex=1&count=100`
	if got := line(requests[0]); got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
	if bytes.Contains([]byte(requests[0].Query), []byte("+")) {
		t.Errorf("the query %s has a +, want %%20 for spaces", requests[0].Query)
	}
}
