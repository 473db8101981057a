package scim_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model/modeltest"
	"rollcall/model/store"
	"rollcall/scim"
)

func bulkOf(operations ...string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[` +
		strings.Join(operations, ",") + `]}`
}

// outcome is the status of each operation of a BulkResponse, with its scimType if it failed.
func (a reply) outcome() string {
	var list []string
	for _, o := range a.body["Operations"].([]any) {
		o := o.(map[string]any)
		s := o["status"].(string)
		if response, ok := o["response"].(map[string]any); ok {
			if kind, ok := response["scimType"].(string); ok {
				s += " " + kind
			}
		}
		list = append(list, s)
	}
	return strings.Join(list, ", ")
}

// TestBulk sends every method in one request. Each operation has the answer of a single request.
func TestBulk(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		ada, ben, group := c.user("ada"), c.user("ben"), c.group("Pilots")
		a := c.want(200, "POST", "/Bulk", bulkOf(
			`{"method":"POST","path":"/Users","bulkId":"cleo","data":{"schemas":["`+coreUser+
				`"],"userName":"cleo","password":"s3cret"}}`,
			`{"method":"put","path":"/Users/`+ada+`","version":"W/\"1\"","data":{"userName":"ada","title":"Pilot"}}`,
			`{"method":"PATCH","path":"/Groups/`+group+`?attributes=members","data":`+
				patchOf(`[{"op":"add","path":"members","value":[{"value":"bulkId:cleo"},{"value":"`+ada+`"}]}]`)+`}`,
			`{"method":"DELETE","path":"`+c.location+`/Users/`+ben+`"}`,
			`{"method":"DELETE","path":"/Users/`+ben+`","bulkId":"again"}`,
			`{"method":"POST","path":"/Users","bulkId":"twice","data":{"userName":"CLEO"}}`,
			`{"method":"PUT","path":"/Users/`+ada+`","version":"W/\"1\"","data":{"userName":"ada"}}`,
		))
		cleo := c.want(200, "GET", filtered("/Users", `userName eq "cleo"`), "").path("Resources", 0, "id").(string)
		failed := func(method, status, scimType, detail string, more map[string]any) map[string]any {
			response := map[string]any{"schemas": []any{errorURN}, "status": status, "detail": detail}
			if scimType != "" {
				response["scimType"] = scimType
			}
			more["method"], more["status"], more["response"] = method, status, response
			return more
		}
		detail := func(i int) string { s, _ := a.path("Operations", i, "response", "detail").(string); return s }
		want := map[string]any{
			"schemas": []any{"urn:ietf:params:scim:api:messages:2.0:BulkResponse"},
			"Operations": []any{
				map[string]any{"method": "POST", "bulkId": "cleo", "status": "201", "version": `W/"1"`,
					"location": c.location + "/Users/" + cleo},
				map[string]any{"method": "PUT", "status": "200", "version": `W/"2"`,
					"location": c.location + "/Users/" + ada},
				map[string]any{"method": "PATCH", "status": "200", "version": `W/"2"`,
					"location": c.location + "/Groups/" + group},
				map[string]any{"method": "DELETE", "status": "204", "location": c.location + "/Users/" + ben},
				failed("DELETE", "404", "", detail(4),
					map[string]any{"bulkId": "again", "location": c.location + "/Users/" + ben}),
				failed("POST", "409", "uniqueness", detail(5), map[string]any{"bulkId": "twice"}),
				failed("PUT", "412", "", detail(6), map[string]any{"location": c.location + "/Users/" + ada}),
			},
		}
		if diff := cmp.Diff(want, a.body); diff != "" {
			t.Error(diff)
		}
		g := c.want(200, "GET", "/Groups/"+group, "")
		if n := len(g.path("members").([]any)); n != 2 || strings.Contains(a.text, "s3cret") {
			t.Errorf("stored %s", g.text)
		}
		if title := c.want(200, "GET", "/Users/"+ada, "").body["title"]; title != "Pilot" {
			t.Errorf("title %v", title)
		}
	})
}

// TestBulkReferences sends references in different orders and forms.
func TestBulkReferences(t *testing.T) {
	t.Parallel()
	user := func(name, more string) string {
		return `{"method":"POST","path":"/Users","bulkId":"` + name + `","data":{"userName":"` + name + `"` + more +
			`}}`
	}
	group := func(name string, members ...string) string {
		list := []string{}
		for _, m := range members {
			list = append(list, `{"value":"bulkId:`+m+`","$ref":"../Users/bulkId:`+m+`"}`)
		}
		return `{"method":"POST","path":"/Groups","bulkId":"` + name + `","data":{"displayName":"` + name +
			`","members":[` + strings.Join(list, ",") + `]}}`
	}
	manager := func(of string) string {
		return `,"` + enterprise + `":{"department":"IT","manager":{"value":"bulkId:` + of + `"}}`
	}
	tests := []struct {
		name       string
		operations []string
		outcome    string
		check      func(c *client) string // "" if the result is right
	}{
		{"a reference before what it refers to", []string{group("g", "b", "a"), user("a", ""), user("b", "")},
			"201, 201, 201",
			func(c *client) string { return c.membersOf("g", "a", "b") }},
		{"a chain backwards", []string{user("a", manager("b")), user("b", manager("d")), user("d", "")},
			"201, 201, 201",
			func(c *client) string { return c.managerOf("a", "b") + c.managerOf("b", "d") }},
		{"in a path, and in the filter of a PATCH", []string{group("g", "a", "b"),
			`{"method":"PATCH","path":"/Groups/bulkId:g","data":` +
				patchOf(`[{"op":"remove","path":"members[value eq \"bulkId:a\"]"}]`) + `}`,
			`{"method":"PUT","path":"/Users/bulkId:b","data":{"userName":"b","title":"Pilot"}}`, user("a", ""),
			user("b", "")},
			"201, 200, 200, 201, 201", func(c *client) string { return c.membersOf("g", "b") }},
		{"users who manage each other",
			[]string{user("a", manager("b")), user("b", manager("d")), user("d", manager("a"))}, "201, 201, 201",
			func(c *client) string { return c.managerOf("a", "b") + c.managerOf("b", "d") + c.managerOf("d", "a") }},
		{"a user who manages themself", []string{user("a", manager("a"))}, "201", func(c *client) string {
			return c.managerOf("a", "a")
		}},
		{"what waits for a circle", []string{group("g", "a"), user("a", manager("b")), user("b", manager("a"))},
			"201, 201, 201",
			func(c *client) string { return c.membersOf("g", "a") }},
		{"a circle with one that fails", []string{user("a", manager("b")), user("b", `,"active":"maybe"`+manager("a"))},
			"409, 400 invalidValue",
			func(c *client) string { return c.managerOf("a", "") }},
		{"groups that would be in one another", []string{group("g", "h"), group("h", "g")}, "409, 201", nil},
		{"nothing of that name", []string{user("a", manager("nobody"))}, "400 invalidValue", nil},
		{"one that failed", []string{user("a", manager("b")), user("b", `,"active":"maybe"`)},
			"409, 400 invalidValue", nil},
		{"one that makes nothing", []string{user("a", manager("b")),
			`{"method":"DELETE","path":"/Users/x","bulkId":"b"}`}, "400 invalidValue, 404", nil},
	}
	each(t, func(t *testing.T, c *client) {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				of := c.deployment.client(c.organization("Contoso"))
				a := of.want(200, "POST", "/Bulk", bulkOf(test.operations...))
				if got := a.outcome(); got != test.outcome {
					t.Errorf("outcome %s, want %s: %s", got, test.outcome, a.text)
				}
				if test.check != nil {
					if problem := test.check(of); problem != "" {
						t.Error(problem)
					}
				}
				if strings.Contains(test.name, "each other") &&
					(a.path("Operations", 0, "version") != `W/"2"` || a.path("Operations", 1, "version") != `W/"1"`) {
					t.Errorf("versions of the user who had to wait and of another: %s", a.text)
				}
			})
		}
	})
}

// membersOf compares the members of a group with the users of the names. It returns the difference.
func (c *client) membersOf(group string, names ...string) string {
	c.t.Helper()
	a := c.want(200, "GET", filtered("/Groups", `displayName eq "`+group+`"`), "")
	list, _ := a.path("Resources", 0, "members").([]any)
	var got []string
	for _, m := range list {
		id := m.(map[string]any)["value"].(string)
		got = append(got, c.want(200, "GET", "/Users/"+id, "").body["userName"].(string))
	}
	return cmp.Diff(sorted(names...), sorted(got...))
}

func (c *client) managerOf(name, manager string) string {
	c.t.Helper()
	if manager == "" {
		a := c.want(200, "GET", filtered("/Users", `userName eq "`+name+`"`), "")
		return cmp.Diff(any(map[string]any{"department": "IT"}), a.path("Resources", 0, enterprise))
	}
	id := func(name string) reply { return c.want(200, "GET", filtered("/Users", `userName eq "`+name+`"`), "") }
	want := map[string]any{"department": "IT",
		"manager": map[string]any{"value": id(manager).path("Resources", 0, "id")}}
	return cmp.Diff(any(want), id(name).path("Resources", 0, enterprise))
}

func TestBulkStops(t *testing.T) {
	t.Parallel()
	bad := func(i int) string {
		return fmt.Sprintf(`{"method":"POST","path":"/Users","bulkId":"bad-%d","data":{}}`, i)
	}
	good := func(i int) string {
		return fmt.Sprintf(`{"method":"POST","path":"/Users","bulkId":"%d","data":{"userName":"user-%d"}}`, i, i)
	}
	circle := `{"method":"POST","path":"/Groups","bulkId":"ring","data":{"displayName":"ring",` +
		`"members":[{"value":"bulkId:other"}]}}`
	waits := func(i int) string {
		return fmt.Sprintf(
			`{"method":"POST","path":"/Groups","bulkId":"g-%[1]d","data":{"displayName":"g-%[1]d",`+
				`"members":[{"value":"bulkId:%[1]d"}]}}`, i)
	}
	each(t, func(t *testing.T, c *client) {
		for i, test := range []struct {
			failOnErrors string
			operations   []string
			outcome      string
		}{
			{"", []string{bad(1), bad(2), good(0), bad(3)},
				"400 invalidValue, 400 invalidValue, 201, 400 invalidValue"},
			{`"failOnErrors":0,`, []string{bad(4), good(1)}, "400 invalidValue, 201"},
			{`"failOnErrors":1,`, []string{good(2), bad(5), good(3)}, "201, 400 invalidValue"},
			{`"failonerrors":2,`, []string{bad(6), good(4), bad(7), good(5)},
				"400 invalidValue, 201, 400 invalidValue"},
			// The result says that an operation was carried out without one of its references.
			{`"failOnErrors":1,`, []string{circle, bad(8)}, "400 invalidValue"},
			{`"failOnErrors":1,`, []string{circle, strings.ReplaceAll(strings.ReplaceAll(circle, "ring", "other"),
				`"bulkId:other"`, `"bulkId:ring"},{"value":"bulkId:none"`)}, "409, 400 invalidValue"},
			// An operation that waits is carried out as soon as its references are known.
			{`"failOnErrors":1,`, []string{waits(6), good(6), bad(9), good(7)}, "201, 201, 400 invalidValue"},
			{`"failOnErrors":1,`, []string{waits(9), bad(10), good(9)}, "400 invalidValue"},
		} {
			a := c.want(200, "POST", "/Bulk",
				`{`+test.failOnErrors+`"Operations":[`+strings.Join(test.operations, ",")+`]}`)
			if got := a.outcome(); got != test.outcome {
				t.Errorf("%d: outcome %s, want %s", i, got, test.outcome)
			}
		}
		if n := c.want(200, "GET", "/Users", "").body["totalResults"]; n != 5.0 {
			t.Errorf("%v users", n)
		}
	})
}

func TestBulkRefused(t *testing.T) {
	t.Parallel()
	nested := strings.Repeat("[", 5000) + strings.Repeat("]", 5000)
	each(t, func(t *testing.T, c *client) {
		one := `{"method":"POST","path":"/Users","bulkId":"a","data":{"userName":"a"}}`
		for _, test := range []struct {
			name, body       string
			status           int
			scimType, detail string
		}{
			{"no JSON", `{"Operations":[`, 400, "invalidSyntax", "JSON"},
			{"a list", `[]`, 400, "invalidSyntax", "object"},
			{"no operations", `{}`, 400, "invalidSyntax", "Operations"},
			{"operations that are no list", `{"Operations":{}}`, 400, "invalidSyntax", "Operations"},
			{"a number that is none", `{"failOnErrors":"x","Operations":[]}`, 400, "invalidSyntax", "failOnErrors"},
			{"a bulkId twice", bulkOf(one, one), 400, "invalidSyntax", "bulkId"},
			{"too many operations", bulkOf(strings.Repeat(`{},`, 1000) + `{}`), 413, "tooMany", "1000"},
			{"too large", bulkOf(`{"method":"POST","path":"/Users","data":{"userName":"a","title":"` +
				strings.Repeat("x", 8<<20) + `"}}`), 413, "", ""},
		} {
			refused(t, c.do("POST", "/Bulk", test.body), test.status, test.scimType, test.detail)
		}
		data := `"data":{"userName":"b"}`
		a := c.want(200, "POST", "/Bulk",
			bulkOf(`7`, `{}`, `{"method":"GET","path":"/Users"}`, `{"method":"POST","path":"/Users"}`,
				`{"method":"POST","path":"/Users/x","bulkId":"r1",`+data+`}`,
				`{"method":"PUT","path":"/Users",`+data+`}`,
				`{"method":"POST","path":"/Bulk","bulkId":"r2",`+data+`}`,
				`{"method":"POST","path":"/Schemas","bulkId":"r3",`+data+`}`,
				`{"method":"POST","path":"/Users/.search","bulkId":"r4",`+data+`}`,
				`{"method":"POST","path":"/Devices","bulkId":"r5",`+data+`}`,
				`{"method":"POST","path":"/Users","bulkId":"r6","data":{"userName":"x","emails":`+nested+`}}`,
				`{"method":"PATCH","path":"/Users/x","data":{}}`,
				`{"method":null,"path":7,"bulkId":7,"version":7,"data":7}`))
		want := strings.TrimSuffix(strings.Repeat("400 invalidSyntax, ", 9), ", ") +
			", 404, 400 invalidSyntax, 400 invalidSyntax, 400 invalidSyntax"
		if got := a.outcome(); got != want {
			t.Errorf("outcome %s, want %s\n%s", got, want, a.text)
		}
		if n := c.want(200, "GET", "/Users", "").body["totalResults"]; n != 0.0 {
			t.Errorf("%v users", n)
		}
	})
}

// TestBulkWork sends the largest requests in the forms that could cost the most work. Work that
// does not grow linearly with them would take minutes.
func TestBulkWork(t *testing.T) {
	t.Parallel()
	const most = 1000
	store := modeltest.Open(t, modeltest.SQLite(t), store.Options{})
	d := deployWith(t, scim.Server{Store: store, Now: modeltest.NewClock().Now}) // no request ends early
	c := d.client(d.organization("Northwind"))
	var circle, everybody []string
	for i := range most {
		refs := make([]string, 0, 330)
		for j := range 330 {
			refs = append(refs, fmt.Sprintf(`{"value":"bulkId:%d"}`, (i+j+1)%most))
		}
		circle = append(circle, fmt.Sprintf(`{"method":"POST","path":"/Groups","bulkId":"%d","data":{"members":[%s]}}`,
			i, strings.Join(refs, ",")))
		if i >= most/5 {
			continue
		}
		everybody = append(everybody,
			fmt.Sprintf(`{"method":"POST","path":"/Users","bulkId":"%d","data":{"userName":"u%d"}}`, i, i))
	}
	var unknown strings.Builder
	for i := range 300_000 {
		fmt.Fprintf(&unknown, `{"value":"bulkId:%d"},`, i)
	}
	for name, body := range map[string]string{
		"all refer to each other": bulkOf(circle...), "users": bulkOf(everybody...),
		"references to nothing": bulkOf(`{"method":"POST","path":"/Groups","bulkId":"x",` +
			`"data":{"displayName":"x","members":[` + strings.TrimSuffix(unknown.String(), ",") + `]}}`),
	} {
		if len(body) > 8<<20 {
			t.Fatalf("%s: %d bytes", name, len(body))
		}
		start := time.Now()
		a := c.want(200, "POST", "/Bulk", body)
		took := time.Since(start)
		t.Logf("%s: %d bytes in %v", name, len(body), took)
		if took > time.Minute || len(a.body["Operations"].([]any)) == 0 {
			t.Errorf("%s: %v", name, took)
		}
	}
}

// TestBulkTime checks that a request which has lasted too long begins no more operations and lists
// those that were not begun.
func TestBulkTime(t *testing.T) {
	t.Parallel()
	clock := modeltest.NewClock()
	store := modeltest.Open(t, modeltest.SQLite(t), store.Options{})
	d := deployWith(t, scim.Server{Store: store, Now: func() time.Time {
		clock.Advance(12 * time.Second)
		return clock.Now()
	}})
	c := d.client(d.organization("Northwind"))
	create := func(name string) string {
		return `{"method":"POST","path":"/Users","bulkId":"` + name + `","data":{"userName":"` + name + `"}}`
	}
	a := c.want(200, "POST", "/Bulk", bulkOf(create("a"), create("b"), create("c"), create("d")))
	if got := a.outcome(); got != "201, 201, 503, 503" {
		t.Error(got)
	}
}

// TestBulkRate checks that each operation counts as a request.
func TestBulkRate(t *testing.T) {
	t.Parallel()
	clock := modeltest.NewClock()
	store := modeltest.Open(t, modeltest.SQLite(t), store.Options{})
	d := deployWith(t, scim.Server{Store: store, Rate: 5, Now: clock.Now})
	c := d.client(d.organization("Northwind"))
	remove := `{"method":"DELETE","path":"/Users/x"}`
	four := bulkOf(remove, remove, remove, remove)
	c.want(200, "POST", "/Bulk", four)
	c.want(200, "POST", "/Bulk", four)
	a := c.do("POST", "/Bulk", four)
	if refused(t, a, 429, ""); a.header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
	}
	clock.Advance(2 * time.Second)
	c.want(200, "POST", "/Bulk", four)
	// A request larger than a burst is accepted when the bucket is full. It could never be
	// otherwise.
	clock.Advance(2 * time.Second)
	c.want(200, "POST", "/Bulk", bulkOf(slices.Repeat([]string{remove}, 30)...))
	refused(t, c.do("GET", "/Users", ""), 429, "")
}
