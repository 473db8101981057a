package testidp_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"rollcall/testidp"
)

func get(t *testing.T, s http.Handler, path string, header map[string]string) (body string, status int) {
	t.Helper()
	return send(t, s, httptest.NewRequest(http.MethodGet, path, nil), header)
}

func post(t *testing.T, s http.Handler, path string, form url.Values, header map[string]string) (body string,
	status int) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return send(t, s, r, header)
}

// send sends a request to the server. It follows a redirect, as a browser does after a form.
func send(t *testing.T, s http.Handler, r *http.Request, header map[string]string) (string, int) {
	t.Helper()
	r.Host = "127.0.0.1:9090"
	for k, v := range header {
		if r.Header.Set(k, v); k == "Host" {
			r.Host = v
		}
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code == http.StatusSeeOther {
		return get(t, s, w.Header().Get("Location"), nil)
	}
	return w.Body.String(), w.Code
}

var formToken = regexp.MustCompile(`name="token" value="([^"]+)"`)

func tokenOf(t *testing.T, s http.Handler) string {
	t.Helper()
	page, _ := get(t, s, "/applications/1", nil)
	m := formToken.FindStringSubmatch(page)
	if m == nil {
		t.Fatal("the page has no form token")
	}
	return m[1]
}

func TestPages(t *testing.T) {
	t.Parallel()
	f := newSCIMServer(t)
	s := newServer(t, f, testidp.Entra)
	provision(t, s)
	f.taken()
	formToken := tokenOf(t, s)
	for _, tt := range []struct {
		name, path string
		form       url.Values
		shows      []string
		sent       string // the last request, empty if none
	}{
		{"unassign", "/applications/1/people/amara.okafor/unassign", nil,
			[]string{"Unassign Amara Okafor: done", "PATCH", "&#34;False&#34;", `aria-label="Assign Amara Okafor"`},
			"PATCH /Users/u-2"},
		{"assign", "/applications/1/people/amara.okafor/assign", nil,
			[]string{"Assign Amara Okafor: done", `aria-label="Unassign Amara Okafor"`}, "PATCH /Users/u-2"},
		{"remove a member", "/applications/1/groups/sales/remove", url.Values{"person": {"kwame.mensah"}},
			[]string{"Remove Kwame Mensah from Sales: done", "6 members"}, "PATCH /Groups/g-27"},
		{"add a member", "/applications/1/groups/sales/add", url.Values{"person": {"kwame.mensah"}},
			[]string{"Add Kwame Mensah to Sales: done", "7 members"}, "PATCH /Groups/g-27"},
		{"rename a group", "/applications/1/groups/sales/rename", url.Values{"name": {"R&D <b>"}},
			[]string{"Rename Sales to R&amp;D &lt;b&gt;: done"}, "PATCH /Groups/g-27"},
		{"delete a group", "/applications/1/groups/sales/delete", nil,
			[]string{"Delete the group R&amp;D &lt;b&gt;: done"}, "DELETE /Groups/g-27"},
		{"push a group", "/applications/1/groups/sales/push", nil, []string{"Push the group"}, "PATCH /Groups/g-30"},
		{"update a person, and come back to them", "/applications/1/people/amara.okafor/update",
			url.Values{"title": {"Director"}, "from": {"person"}},
			[]string{"<title>Amara Okafor", "Update Amara Okafor: done", `value="Director"`}, "PATCH /Users/u-2"},
		{"a change that cannot be accepted", "/applications/1/people/amara.okafor/update",
			url.Values{"user_name": {"no address"}},
			[]string{"Not saved.", "write an e-mail address", `value="no address"`}, ""},
		{"an empty name", "/applications/1/people/amara.okafor/update", url.Values{"given_name": {""}},
			[]string{"Not saved.", "given_name: write at least one character"}, ""},
		{"delete a person", "/applications/1/people/amara.okafor/delete", nil,
			[]string{"Delete Amara Okafor: done", "deleted"}, "DELETE /Users/u-2"},
		{"test the connection", "/applications/1/test", nil, []string{"Test the connection: done", "GET"},
			"GET /Users"},
		{"push everyone", "/applications/1/provision", nil, []string{"Push everyone: done", "requests were sent"},
			"GET /Groups"},
	} {
		form := url.Values{"token": {formToken}}
		for k, v := range tt.form {
			form[k] = v
		}
		page, _ := post(t, s, tt.path, form,
			map[string]string{"Origin": "http://127.0.0.1:9090", "Sec-Fetch-Site": "same-origin"})
		for _, want := range tt.shows {
			if !strings.Contains(page, want) {
				t.Errorf("%s: the page does not show %q", tt.name, want)
			}
		}
		last := ""
		for _, r := range f.taken() {
			last = r.String()
		}
		if last != tt.sent {
			t.Errorf("%s: the last request is %q, want %q", tt.name, last, tt.sent)
		}
	}
}

func TestFirstPageAndStyle(t *testing.T) {
	t.Parallel()
	s := newServer(t, newSCIMServer(t), testidp.Entra)
	a := s.Applications()[0]
	page, _ := get(t, s, "/", nil)
	if !strings.Contains(page, a.Name()) || !strings.Contains(page, a.SCIMURL()) {
		t.Error("the first page does not show the application")
	}
	if css, status := get(t, s, "/assets/style.css", nil); status != http.StatusOK ||
		!strings.Contains(css, "prefers-color-scheme") {
		t.Errorf("the style sheet answers %d", status)
	}
}

func TestScripts(t *testing.T) {
	t.Parallel()
	f := newSCIMServer(t)
	s := newServer(t, f, testidp.Okta)
	provision(t, s)
	asks := map[string]string{"Accept": "application/json"}
	body, status := post(t, s, "/applications/1/people/amara.okafor/unassign", nil, asks)
	var o testidp.Operation
	if err := json.Unmarshal([]byte(body), &o); err != nil || status != http.StatusOK {
		t.Fatalf("answer %d %s, error %v", status, body, err)
	}
	if len(o.Exchanges) != 1 || o.Exchanges[0].Method != "PATCH" || o.Exchanges[0].Status != http.StatusNoContent {
		t.Errorf("the operation has the exchanges %+v", o.Exchanges)
	}
	body, _ = get(t, s, "/applications/1", asks)
	var app struct{ People []testidp.PersonState }
	if err := json.Unmarshal([]byte(body), &app); err != nil || len(app.People) != 25 ||
		app.People[1].State != testidp.Unassigned {
		t.Errorf("the application is %.300s, error %v", body, err)
	}
	f.answer("PATCH", "/Users/u-3", -1, 500, "", `{"detail":"boom"}`)
	body, status = post(t, s, "/applications/1/people/aroha.ngata/unassign", nil, asks)
	if status != http.StatusBadGateway || !strings.Contains(body, "boom") {
		t.Errorf("a refused operation answers %d %s", status, body)
	}
	for path, want := range map[string]int{
		"/applications/1/people/nobody/assign":        http.StatusNotFound,
		"/applications/2/people/aroha.ngata/assign":   http.StatusNotFound,
		"/applications/1/people/aroha.ngata/promote":  http.StatusNotFound,
		"/applications/1/groups/sales/rename":         http.StatusBadRequest,
		"/applications/1/people/aroha.ngata/update?%": http.StatusBadRequest,
	} {
		body, status := post(t, s, path, nil, asks)
		if status != want || !strings.Contains(body, `"error"`) {
			t.Errorf("%s answers %d %s, want %d with an error", path, status, body, want)
		}
	}
}

func TestOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	f := newSCIMServer(t)
	s := newServer(t, f, testidp.Okta, func(o *testidp.Options) { o.Hosts = []string{"idp.example"} })
	formToken := tokenOf(t, s)
	const path = "/applications/1/people/amara.okafor/assign"
	for name, tt := range map[string]struct {
		token  string
		header map[string]string
		status int
	}{
		"a form without a token":    {"", nil, http.StatusForbidden},
		"a form with another token": {"x" + formToken, nil, http.StatusForbidden},
		"a cross-site form, even with the token": {formToken, map[string]string{"Sec-Fetch-Site": "cross-site"},
			http.StatusForbidden},
		"another origin, in an older browser": {formToken, map[string]string{"Origin": "https://evil.example"},
			http.StatusForbidden},
		"another site's script that asks for JSON": {"",
			map[string]string{"Accept": "application/json", "Origin": "https://evil.example"}, http.StatusForbidden},
		"our own site's script without a token": {"", map[string]string{"Accept": "application/json",
			"Origin": "http://127.0.0.1:9090", "Sec-Fetch-Site": "same-origin"}, http.StatusForbidden},
		"a name that was rebound to this address": {formToken, map[string]string{"Host": "evil.example:9090"},
			http.StatusForbidden},
		"a configured name": {formToken, map[string]string{"Host": "IDP.example"}, http.StatusOK},
		"IPv6 loopback":     {formToken, map[string]string{"Host": "[::1]:9090"}, http.StatusOK},
	} {
		f.taken()
		_, status := post(t, s, path, url.Values{"token": {tt.token}}, tt.header)
		if sent := len(f.taken()) > 0; status != tt.status || sent != (tt.status == http.StatusOK) {
			t.Errorf("%s: answers %d, sent something: %v, want %d", name, status, sent, tt.status)
		}
	}
	_, status := get(t, s, "/applications/1", map[string]string{"Host": "evil.example"})
	if status != http.StatusForbidden {
		t.Errorf("reading under a rebound name answers %d, want 403", status)
	}
	r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1/", nil)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if got := w.Header().Get("Content-Security-Policy"); !strings.Contains(got, "default-src 'none'") ||
		strings.Contains(got, "unsafe") {
		t.Errorf("Content-Security-Policy is %q", got)
	}
}

func TestServe(t *testing.T) {
	t.Parallel()
	s := newServer(t, newSCIMServer(t), testidp.Okta)
	t.Run("answers until it is stopped", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(ctx)
		stopped := make(chan error, 1)
		go func() { stopped <- s.Serve(ctx, l) }()
		resp, err := http.Get("http://" + l.Addr().String() + "/")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if body, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(body), "Northwind Directory") {
			t.Errorf("answers %s, error %v", body, err)
		}
		stop()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
	t.Run("refuses to be reached by other machines", func(t *testing.T) {
		l, err := net.Listen("tcp", ":0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if err := s.Serve(ctx, l); err == nil || !strings.Contains(err.Error(), "listen on 127.0.0.1") {
			t.Errorf("error is %v", err)
		}
	})
}

func TestNewNamesEveryProblem(t *testing.T) {
	t.Parallel()
	_, err := testidp.New(testidp.Options{Applications: []testidp.ApplicationOptions{
		{SCIMURL: "ftp://x", Token: "two words", Dialect: "jumpcloud", Domain: "a@b"},
		{SCIMURL: "https://user:pw@x/", Token: token, Dialect: testidp.Okta},
	}})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"application 1", "application 2", "SCIM URL: write", "token:",
		"dialect: write okta or entra", "domain:", "leave out user name"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "two words") || strings.Contains(err.Error(), "pw@") {
		t.Errorf("the error repeats a secret: %v", err)
	}
	if _, err := testidp.New(testidp.Options{}); err == nil || !strings.Contains(err.Error(), "at least one") {
		t.Errorf("without applications: %v", err)
	}
}
