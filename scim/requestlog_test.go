package scim_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/modeltest"
	"rollcall/model/requestlog"
	"rollcall/model/store"
	"rollcall/scim"
)

// logged is a client whose requests are logged.
type logged struct {
	*client
	log *requestlog.Log
}

func newLogged(t testing.TB, store *store.Store, rate int) *logged {
	t.Helper()
	log := requestlog.New(requestlog.Across(store))
	d := deployWith(t, scim.Server{Store: store, Requests: log, Rate: rate, Now: store.Now})
	return &logged{d.client(d.organization("Northwind")), log}
}

// lines flushes the log and returns all of it, oldest first.
func (l *logged) lines() []requestlog.Request {
	l.t.Helper()
	if _, err := l.log.RunOnce(l.t.Context()); err != nil {
		l.t.Fatal(err)
	}
	list, _, err := requestlog.In(l.org).Requests(l.t.Context(), l.directory.ID,
		model.Page{Limit: 100, Ascending: true})
	if err != nil {
		l.t.Fatal(err)
	}
	return list
}

func TestRequestLogTellsWhatHappened(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, store *store.Store) {
		c := newLogged(t, store, 0)
		id := c.user("ada@northwind.example")
		tests := []struct {
			name, method, path, body string
			want                     string // method, path, resource id, filter, status, type
			detail                   string
		}{
			{"a create", "POST", "/Users", `{"userName":"ben@northwind.example"}`, "POST /Users NEW - 201 -", ""},
			{"a read", "GET", "/Users/" + id, "", "GET /Users/:id " + id + " - 200 -", ""},
			{"a list", "GET", "/users/?count=1", "", "GET /Users - - 200 -", ""},
			{"a filter", "GET", filtered("/Users",
				`emails[type eq "work"].value eq "ada@northwind.example" and (active eq true or not (title pr))`), "",
				"GET /Users - emails[type eq … and value eq …] and (active eq … or not (title pr)) 200 -", ""},
			{"a search", "POST", "/.search", `{"filter":"userName eq \"Ada Okafor\""}`,
				"POST /.search - userName eq … 200 -", ""},
			{"a filter with a value that is not quoted", "GET", filtered("/Users", `userName eq Okafor`), "",
				"GET /Users - userName eq … 200 -", ""},
			{"a filter with two words that are not quoted", "GET", filtered("/Users", `userName eq Ada Okafor`), "",
				"GET /Users - … 400 invalidFilter", `at offset`},
			{"an unknown attribute", "GET", filtered("/Users", `nick eq "Okafor"`), "",
				"GET /Users - nick eq … 400 invalidFilter", `there is no attribute "nick"`},
			{"a schema that may be a person", "GET", filtered("/Users", `urn:x:ada@northwind.example:b co 1`), "",
				"GET /Users - … co … 400 invalidFilter", "co compares strings only"},
			{"an unknown id", "GET", "/Users/ada@northwind.example", "", "GET /Users/:id … - 404 -",
				`there is no user "…" here`},
			{"an unknown member", "POST", "/Groups", `{"displayName":"Okafor","members":[{"value":"Okafor"}]}`,
				"POST /Groups - - 400 invalidValue", `user or group "…"; create it first`},
			{"a userName that is taken", "POST", "/Users", `{"userName":"ADA@northwind.example"}`,
				"POST /Users - - 409 uniqueness", "a user with this userName exists"},
			{"no such endpoint", "GET", "/ada@northwind.example", "", "GET … - - 404 -", "there is no such endpoint"},
			{"a method that is not there", "DELETE", "/Users", "", "DELETE /Users - - 405 -", "cannot be done here"},
			{"no JSON", "POST", "/Users", `Okafor`, "POST /Users - - 400 invalidSyntax", "not valid JSON"},
			{"everything", "GET", "/", "", "GET / - - 200 -", ""},
			{"discovery", "GET", "/Schemas", "", "GET /Schemas - - 200 -", ""},
			{"the end of access beside what is refused", "PUT", "/Users/" + id,
				`{"userName":"ada@northwind.example","active":false,"emails":"ada@northwind.example"}`,
				"PUT /Users/:id " + id + " - 200 invalidValue",
				"active is false now; the rest was refused: emails must be a list of objects"},
		}
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				before := len(c.lines())
				a := c.do(test.method, test.path, test.body)
				list := c.lines()[before:]
				if len(list) != 1 {
					t.Fatalf("%d lines: %v", len(list), list)
				}
				l := list[0]
				text := func(s string) string {
					if s == "" {
						return "-"
					}
					return s
				}
				if created, _ := a.body["id"].(string); a.status == 201 {
					test.want = strings.Replace(test.want, "NEW", created, 1)
				}
				got := fmt.Sprintf("%s %s %s %s %d %s", l.Method, l.Path, text(l.ResourceID), text(l.Filter), l.Status,
					text(l.ScimType))
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Error(diff)
				}
				if !strings.Contains(l.Detail, test.detail) || (l.Detail == "") != (test.detail == "") {
					t.Errorf("detail %q, want %q", l.Detail, test.detail)
				}
				want := c.token[len(c.token)-4:]
				if l.TokenSuffix != want || l.TokenName != "first token" ||
					l.RequestID != a.header.Get("X-Request-Id") {
					t.Errorf("token %q %q, request %q", l.TokenSuffix, l.TokenName, l.RequestID)
				}
				whole, err := json.Marshal(l)
				if err != nil {
					t.Fatal(err)
				}
				for _, private := range []string{"northwind.example", "Okafor", "ada@", c.token} {
					if strings.Contains(string(whole), private) {
						t.Errorf("the log tells %q: %s", private, whole)
					}
				}
			})
		}
		t.Run("another's token leaves no line", func(t *testing.T) {
			before := len(c.lines())
			c.do("GET", "/Users", "", "Authorization", "Bearer "+strings.Repeat("x", 40))
			other := c.client.client(c.organization("Contoso"))
			c.do("GET", "/Users", "", "Authorization", "Bearer "+other.token)
			if got := len(c.lines()); got != before {
				t.Errorf("%d lines after %d", got, before)
			}
		})
	})
}

func TestRequestLogTellsOfTheRateLimit(t *testing.T) {
	t.Parallel()
	o := store.Options{Now: modeltest.NewClock().Now}
	modeltest.EachWith(t, o, func(t *testing.T, store *store.Store) {
		c := newLogged(t, store, 1)
		for range 3 {
			c.do("GET", "/Users", "")
		}
		list := c.lines()
		if last := list[len(list)-1]; last.Status != http.StatusTooManyRequests || last.Path != "/Users" {
			t.Errorf("got %+v", last)
		}
	})
}

// TestRequestLogCostsNoStatement counts the statements of requests before their lines are written.
func TestRequestLogCostsNoStatement(t *testing.T) {
	t.Parallel()
	var statements modeltest.Statements
	o := statements.Options()
	o.Now = modeltest.NewClock().Now
	modeltest.EachWith(t, o, func(t *testing.T, store *store.Store) {
		c := newLogged(t, store, 0)
		c.want(200, "GET", "/Schemas", "")
		got := statements.During(func() {
			for range 100 {
				c.want(200, "GET", "/Schemas", "")
			}
		})
		for _, statement := range got {
			if strings.Contains(statement, "directory_requests") {
				t.Error(statement)
			}
		}
		got = statements.During(func() {
			if n, err := c.log.RunOnce(t.Context()); n != 101 || err != nil {
				t.Errorf("%d lines written: %v", n, err)
			}
		})
		if len(got) != 1 {
			t.Errorf("%d statements to write them: %s", len(got), got)
		}
	})
}
