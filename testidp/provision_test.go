package testidp_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/testidp"
)

var dialects = []testidp.Dialect{testidp.Okta, testidp.Entra}

// provision pushes everyone and fails the test if anything is refused.
func provision(t *testing.T, s *testidp.Server) *testidp.Application {
	t.Helper()
	a := s.Applications()[0]
	if _, err := a.Provision(ctx, nil); err != nil {
		t.Fatal(err)
	}
	return a
}

// mirrored compares the server's people, groups and members with the directory.
func mirrored(t *testing.T, f *scimServer, a *testidp.Application) {
	t.Helper()
	if got := f.size("/Users"); got != 25 {
		t.Errorf("the server has %d users, want 25", got)
	}
	if got := f.size("/Groups"); got != 4 {
		t.Errorf("the server has %d groups, want 4", got)
	}
	ids := map[string]string{}
	for _, p := range a.People() {
		ids[p.ID] = p.SCIMID
		if p.State != testidp.Assigned || p.SCIMID != f.resource(t, "/Users", "userName", p.UserName)["id"] {
			t.Errorf("%s is %q with id %q", p.ID, p.State, p.SCIMID)
		}
	}
	for _, g := range a.Groups() {
		var want []string
		for _, id := range g.Members {
			want = append(want, ids[id])
		}
		got := members(f.resource(t, "/Groups", "displayName", g.Name))
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("members of %s (-want +got):\n%s", g.Name, diff)
		}
	}
}

func TestProvision(t *testing.T) {
	for _, d := range dialects {
		t.Run(string(d)+" pushes everyone and reports each step", func(t *testing.T) {
			f := newSCIMServer(t)
			a := newServer(t, f, d).Applications()[0]
			var steps []int
			total := 0
			_, err := a.Provision(ctx, func(done, of int) { steps, total = append(steps, done), of })
			if err != nil {
				t.Fatal(err)
			}
			mirrored(t, f, a)
			if len(steps) != total+1 || steps[0] != 0 || steps[total] != total || !slices.IsSorted(steps) {
				t.Errorf("progress is %v of %d, want 0 to the total, one by one", steps, total)
			}
		})
		t.Run(string(d)+" doubles nothing when it runs again", func(t *testing.T) {
			f := newSCIMServer(t)
			s := newServer(t, f, d)
			provision(t, s)
			mirrored(t, f, provision(t, s))
		})
		t.Run(string(d)+" finds its people and groups again after a restart", func(t *testing.T) {
			f := newSCIMServer(t)
			provision(t, newServer(t, f, d))
			mirrored(t, f, provision(t, newServer(t, f, d)))
		})
		t.Run(string(d)+" leaves unassigned people and deleted groups alone", func(t *testing.T) {
			f := newSCIMServer(t)
			s := newServer(t, f, d)
			a := provision(t, s)
			if _, err := a.Unassign(ctx, "priya.raman"); err != nil {
				t.Fatal(err)
			}
			if _, err := a.DeleteGroup(ctx, "sales"); err != nil {
				t.Fatal(err)
			}
			provision(t, s)
			if got := f.resource(t, "/Users", "userName", "priya.raman@acme.example")["active"]; got != false && got != "False" {
				t.Errorf("active is %v, want false", got)
			}
			if got := f.size("/Groups"); got != 3 {
				t.Errorf("the server has %d groups, want 3", got)
			}
		})
	}
	t.Run("the same people have different ids in different domains", func(t *testing.T) {
		f := newSCIMServer(t)
		here := newServer(t, f, testidp.Entra).Applications()[0].People()
		there := newServer(t, f, testidp.Entra, func(o *testidp.Options) { o.Applications[0].Domain = "other.example" }).Applications()[0].People()
		for i := range here {
			if here[i].ID != there[i].ID || here[i].ExternalID == there[i].ExternalID || here[i].UserName == there[i].UserName {
				t.Errorf("%v and %v", here[i], there[i])
			}
		}
	})
}

func TestRefusedRenameIsTriedAgain(t *testing.T) {
	for _, d := range dialects {
		t.Run(string(d), func(t *testing.T) {
			f := newSCIMServer(t)
			s := newServer(t, f, d)
			a := provision(t, s)
			f.intercept(func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method != http.MethodGet {
					w.WriteHeader(http.StatusInternalServerError)
				}
				return r.Method != http.MethodGet
			})
			if _, err := a.RenameGroup(ctx, "sales", "Revenue"); err == nil {
				t.Fatal("a refused rename is no error")
			}
			if _, err := update("jun.takahashi", func(p *testidp.Person) { p.UserName = "jun@acme.example" })(a); err == nil {
				t.Fatal("a refused update is no error")
			}
			f.intercept(nil)
			provision(t, s)
			mirrored(t, f, a)
		})
	}
}

func TestDeletedPersonComesBackAsSomebodyNew(t *testing.T) {
	f := newSCIMServer(t)
	a := provision(t, newServer(t, f, testidp.Entra))
	before := a.People()[6].SCIMID // Eszter Kovács, who manages two people
	if _, err := a.Delete(ctx, "eszter.kovacs"); err != nil {
		t.Fatal(err)
	}
	if got := a.People()[6].State; got != testidp.Deleted {
		t.Errorf("the state is %q, want deleted", got)
	}
	if _, err := a.Assign(ctx, "eszter.kovacs"); err != nil {
		t.Fatal(err)
	}
	after := a.People()[6].SCIMID
	if after == before || after == "" {
		t.Errorf("the id is %q, before %q", after, before)
	}
	if got := f.resource(t, "/Users", "userName", "daniel.rosenthal@acme.example")["manager"]; got != after {
		t.Errorf("the manager of Daniel Rosenthal is %v, want %s", got, after)
	}
	if got := members(f.resource(t, "/Groups", "displayName", "Finance")); !slices.Contains(got, after) {
		t.Errorf("Finance has %v, want %s in it", got, after)
	}
}

func TestMembershipWaitsForAssignment(t *testing.T) {
	for _, d := range dialects {
		t.Run(string(d), func(t *testing.T) {
			f := newSCIMServer(t)
			a := provision(t, newServer(t, f, d))
			if _, err := a.Unassign(ctx, "aroha.ngata"); err != nil {
				t.Fatal(err)
			}
			o, err := a.AddMember(ctx, "sales", "aroha.ngata")
			if err != nil || len(o.Exchanges) != 0 {
				t.Fatalf("adding an unassigned person sent %d requests, error %v", len(o.Exchanges), err)
			}
			if _, err := a.Assign(ctx, "aroha.ngata"); err != nil {
				t.Fatal(err)
			}
			if got := members(f.resource(t, "/Groups", "displayName", "Sales")); !slices.Contains(got, a.People()[2].SCIMID) {
				t.Errorf("Sales has %v, want %s in it", got, a.People()[2].SCIMID)
			}
		})
	}
}

// answer makes the server give one answer to the requests that match, n times or for ever (-1).
func (f *scimServer) answer(method, path string, n, status int, header, body string) {
	f.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != method || strings.TrimPrefix(r.URL.Path, "/scim/v2") != path || n == 0 {
			return false
		}
		n--
		if name, v, ok := strings.Cut(header, ": "); ok {
			w.Header().Set(name, v)
		}
		w.WriteHeader(status)
		w.Write([]byte(body))
		return true
	})
}

func TestBusyServer(t *testing.T) {
	for _, tt := range []struct {
		name, retryAfter string
		status, times    int
		posts            int
		problem          string
	}{
		{"is asked again after 503", "0", 503, 3, 4, ""},
		{"is asked again after 429", "0", 429, 1, 2, ""},
		{"is given up after four attempts", "0", 503, -1, 4, "POST /Users answered 503"},
		{"is given up at once when it asks for too long a pause", "3600", 429, -1, 1, "asks to wait 1h0m0s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newSCIMServer(t)
			f.answer("POST", "/Users", tt.times, tt.status, "Retry-After: "+tt.retryAfter, "")
			_, err := newServer(t, f, testidp.Okta).Applications()[0].Assign(ctx, "jun.takahashi")
			if tt.problem == "" && err != nil || tt.problem != "" && (err == nil || !strings.Contains(err.Error(), tt.problem)) {
				t.Errorf("error is %v, want %q", err, tt.problem)
			}
			posts := 0
			for _, r := range f.taken() {
				if r.Method == "POST" {
					posts++
				}
			}
			if posts != tt.posts {
				t.Errorf("%d POST requests, want %d", posts, tt.posts)
			}
		})
	}
	t.Run("does not hold up a caller who goes away", func(t *testing.T) {
		f := newSCIMServer(t)
		ctx, cancel := context.WithCancel(ctx)
		f.intercept(func(w http.ResponseWriter, r *http.Request) bool {
			context.AfterFunc(r.Context(), cancel) // the server is done with the request: the pause begins
			w.Header().Set("Retry-After", "20")
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		})
		if _, err := newServer(t, f, testidp.Okta).Applications()[0].Test(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v, want context canceled", err)
		}
	})
}

func TestRefusals(t *testing.T) {
	for _, tt := range []struct {
		name, method, path string
		status             int
		header, body       string
		problem            string
		users              int
	}{
		{"a refused token stops the run at the first request", "GET", "/Users", 401, "", `{"detail":"unknown token"}`,
			"GET /Users answered 401: unknown token", 0},
		{"one refused person is named and does not stop the others", "POST", "/Users", 409, "", `{"scimType":"uniqueness","detail":"taken"}`,
			"Ingrid Halvorsen: POST /Users answered 409 uniqueness: taken", 24},
		{"a refused group is named", "POST", "/Groups", 400, "", `{"scimType":"invalidValue","detail":"no"}`,
			"Engineering: POST /Groups answered 400 invalidValue: no", 25},
		{"a creation without an answer is an error", "POST", "/Users", 201, "", "", "the answer has no id", 24},
		{"an answer that is not SCIM is an error", "GET", "/Users", 200, "", "<html>", "not a JSON object", 0},
		{"an endless answer is cut off", "GET", "/Users", 200, "", strings.Repeat(" ", 4<<20) + "{}", "longer than 4 MiB", 0},
		{"a redirect is not followed", "GET", "/Users", 307, "Location: /elsewhere", "", "redirects are not followed", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newSCIMServer(t)
			f.answer(tt.method, tt.path, 1, tt.status, tt.header, tt.body)
			_, err := newServer(t, f, testidp.Okta).Applications()[0].Provision(ctx, nil)
			if err == nil || !strings.Contains(err.Error(), tt.problem) {
				t.Errorf("error is %v, want %q", err, tt.problem)
			}
			if got := f.size("/Users"); got != tt.users {
				t.Errorf("the server has %d users, want %d", got, tt.users)
			}
		})
	}
}

func TestUnusualServers(t *testing.T) {
	t.Run("a server that ignores filters does not make everybody the same person", func(t *testing.T) {
		f := newSCIMServer(t)
		a := newServer(t, f, testidp.Okta).Applications()[0]
		f.answer("GET", "/Users", -1, 200, "", `{"Resources":[{"id":"u-9","userName":"somebody@else.example"}]}`)
		_, err := a.Assign(ctx, "jun.takahashi")
		if refused := new(testidp.Refused); !errors.As(err, &refused) || !strings.Contains(refused.Detail, "filter on userName") {
			t.Errorf("error is %v", err)
		}
		if got := a.People()[10].State; got != testidp.NeverPushed {
			t.Errorf("the state is %q, want never pushed", got)
		}
	})
	t.Run("404 in place of an empty list counts as nobody", func(t *testing.T) {
		f := newSCIMServer(t)
		f.answer("GET", "/Users", -1, 404, "", `{"detail":"User not found"}`)
		if _, err := newServer(t, f, testidp.Okta).Applications()[0].Assign(ctx, "jun.takahashi"); err != nil || f.size("/Users") != 1 {
			t.Errorf("error %v, %d users", err, f.size("/Users"))
		}
	})
	t.Run("unassigning somebody whom the server has lost succeeds", func(t *testing.T) {
		f := newSCIMServer(t)
		a := provision(t, newServer(t, f, testidp.Entra))
		f.answer("PATCH", "/Users/"+a.People()[10].SCIMID, -1, 404, "", "")
		if _, err := a.Unassign(ctx, "jun.takahashi"); err != nil {
			t.Fatal(err)
		}
		if p := a.People()[10]; p.State != testidp.Unassigned || p.SCIMID != "" {
			t.Errorf("%q with id %q, want unassigned without one", p.State, p.SCIMID)
		}
	})
	t.Run("a failed deactivation leaves the person assigned", func(t *testing.T) {
		f := newSCIMServer(t)
		a := provision(t, newServer(t, f, testidp.Okta))
		f.answer("PATCH", "/Users/"+a.People()[10].SCIMID, -1, 500, "", `{"detail":"boom"}`)
		o, err := a.Unassign(ctx, "jun.takahashi")
		if err == nil || !strings.Contains(o.Problem, "boom") || a.People()[10].State != testidp.Assigned {
			t.Errorf("error %v, problem %q, state %q", err, o.Problem, a.People()[10].State)
		}
	})
}

func TestInvalidChangesSendNothing(t *testing.T) {
	f := newSCIMServer(t)
	a := newServer(t, f, testidp.Okta).Applications()[0]
	before := a.People()
	for name, tt := range map[string]struct {
		field string
		do    func(*testidp.Application) (*testidp.Operation, error)
	}{
		"an empty name":        {"given_name", update("jun.takahashi", func(p *testidp.Person) { p.GivenName = " " })},
		"a line break":         {"title", update("jun.takahashi", func(p *testidp.Person) { p.Title = "a\nb" })},
		"no e-mail address":    {"user_name", update("jun.takahashi", func(p *testidp.Person) { p.UserName = "jun" })},
		"somebody's address":   {"user_name", update("jun.takahashi", func(p *testidp.Person) { p.UserName = "AROHA.NGATA@acme.example" })},
		"being one's own boss": {"manager", update("jun.takahashi", func(p *testidp.Person) { p.Manager = p.ID })},
		"a group's name": {"name", func(a *testidp.Application) (*testidp.Operation, error) {
			return a.RenameGroup(ctx, "sales", "finance")
		}},
	} {
		o, err := tt.do(a)
		if invalid := new(testidp.Invalid); !errors.As(err, &invalid) || invalid.Field != tt.field || o != nil {
			t.Errorf("%s: error %v, operation %v, want an invalid %s", name, err, o, tt.field)
		}
	}
	if _, err := a.Assign(ctx, "nobody"); !errors.Is(err, testidp.ErrNotFound) {
		t.Errorf("assigning nobody: %v, want not found", err)
	}
	if diff := cmp.Diff(before, a.People()); diff != "" || len(f.taken()) != 0 {
		t.Errorf("something changed or was sent:\n%s", diff)
	}
}

// A server that repeats the token and the password in its answers must not bring them on a page.
func TestSecretsStayOut(t *testing.T) {
	f := newSCIMServer(t)
	var log bytes.Buffer
	s := newServer(t, f, testidp.Okta, func(o *testidp.Options) {
		o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	passwords := []string{}
	f.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost && r.URL.Path == "/scim/v2/Users" {
			p := f.requests[len(f.requests)-1].Body.(map[string]any)["password"].(string)
			passwords = append(passwords, p)
			reply(w, http.StatusBadRequest, map[string]any{"detail": "no: " + r.Header.Get("Authorization"), "password": p})
			return true
		}
		return false
	})
	a := s.Applications()[0]
	o, err := a.Assign(ctx, "jun.takahashi")
	if err == nil || len(passwords) != 1 {
		t.Fatalf("error %v, %d passwords", err, len(passwords))
	}
	page, _ := get(t, s, "/applications/1?done=1", nil)
	script, _ := get(t, s, "/applications/1", map[string]string{"Accept": "application/json"})
	for where, text := range map[string]string{"page": page, "JSON": script, "error": err.Error(), "operation": o.Problem, "log": log.String()} {
		if strings.Contains(text, token) || strings.Contains(text, passwords[0]) {
			t.Errorf("the %s has a secret in it:\n%s", where, text)
		}
	}
	if !strings.Contains(page, "(token)") || !strings.Contains(page, "(hidden)") {
		t.Error("the page does not show where secrets were left out")
	}
	for _, personal := range []string{"Takahashi", "acme.example", "takahashi"} {
		if strings.Contains(log.String(), personal) {
			t.Errorf("the log has %q in it:\n%s", personal, log.String())
		}
	}
	if !strings.Contains(log.String(), "failed=true") {
		t.Errorf("the log does not say that the operation failed:\n%s", log.String())
	}
}
