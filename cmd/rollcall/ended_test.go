package main

import (
	"bytes"
	"compress/flate"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"rollcall/model/modeltest"
	"rollcall/testidp"
)

// replicas are two servers on one PostgreSQL with one public URL. Their customer provisions over
// SCIM and signs in over SAML.
type replicas struct {
	t         *testing.T
	a, b      *process
	database  *sql.DB
	idp       *testidp.Application
	directory scimDirectory // of a
	client    url.Values
	acs       string // its path
	loginPath string
}

const replicasURL = "https://rollcall.example"

func startReplicas(t *testing.T) *replicas {
	t.Helper()
	server := modeltest.StartPostgres(t)
	environ := []string{"ROLLCALL_DATABASE_URL=" + server.URL("rollcall"), secretKey,
		"ROLLCALL_PUBLIC_URL=" + replicasURL}
	r := &replicas{t: t, a: startServer(t, os.Args[0], nil, environ...)}
	r.a.waitReady(t, http.StatusOK)
	r.b = startServer(t, os.Args[0], nil, environ...)
	r.b.waitReady(t, http.StatusOK)
	var err error
	if r.database, err = sql.Open("pgx", server.URL("rollcall")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.database.Close() })
	r.directory = newDirectory(t, r.a.url)
	idp, err := testidp.New(testidp.Options{BaseURL: "https://idp.example",
		Applications: []testidp.ApplicationOptions{
			{Name: "Contoso", Domain: "contoso.example", Personality: testidp.OktaSAML}}})
	if err != nil {
		t.Fatal(err)
	}
	r.idp = idp.Applications()[0]
	var connection struct {
		ID   string
		SAML struct {
			EntityID string `json:"sp_entity_id"`
			ACSURL   string `json:"acs_url"`
		}
	}
	r.create("/connections",
		map[string]any{"organization_id": r.directory.organization, "name": "Okta", "connection_type": "OktaSAML",
			"saml": map[string]any{"idp_metadata_xml": string(r.idp.SAMLMetadata())}}, &connection)
	if err := r.idp.ConnectSAML(connection.SAML.EntityID, connection.SAML.ACSURL); err != nil {
		t.Fatal(err)
	}
	r.acs = strings.TrimPrefix(connection.SAML.ACSURL, replicasURL)
	r.loginPath = strings.TrimSuffix(r.acs, "/acs") + "/login"
	var application struct {
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
	}
	r.create("/applications",
		map[string]any{"name": "Analytics", "redirect_uris": []string{"https://app.example/callback"}}, &application)
	r.client = url.Values{"client_id": {application.ClientID}, "client_secret": {application.ClientSecret},
		"grant_type": {"authorization_code"}}
	return r
}

func (r *replicas) create(path string, body, into any) {
	r.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		r.t.Fatal(err)
	}
	a := request(r.t, http.MethodPost, r.a.url+path, testKey, string(text))
	if a.status != http.StatusCreated {
		r.t.Fatalf("POST %s: %d %s", path, a.status, a.body)
	}
	a.decode(r.t, into)
}

// visit sends a request with the cookies of a browser and stores the cookies of the answer.
func visit(t *testing.T, method, location string, cookies map[string]string, form url.Values) answer {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), method, location, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range cookies {
		q.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	response, err := client.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	for _, c := range response.Cookies() {
		cookies[c.Name] = c.Value
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(body)}
}

// respond is the form with which the identity provider answers the request in the Location of sent.
func (r *replicas) respond(sent answer, person string) url.Values {
	r.t.Helper()
	location, err := url.Parse(sent.header.Get("Location"))
	if err != nil {
		r.t.Fatal(err)
	}
	deflated, _ := base64.StdEncoding.DecodeString(location.Query().Get("SAMLRequest"))
	text, _ := io.ReadAll(flate.NewReader(bytes.NewReader(deflated)))
	id := regexp.MustCompile(`\bID="([^"]+)"`).FindSubmatch(text)
	if id == nil {
		r.t.Fatalf("no AuthnRequest: %d %v %s", sent.status, sent.header, sent.body)
	}
	response, err := r.idp.Respond(person, testidp.ResponseOptions{InResponseTo: string(id[1])})
	if err != nil {
		r.t.Fatal(err)
	}
	return url.Values{"SAMLResponse": {response}, "RelayState": {location.Query().Get("RelayState")}}
}

// authorizePath is the path to which the application redirects a browser.
func (r *replicas) authorizePath() string {
	return "/sso/authorize?" +
		url.Values{"client_id": r.client["client_id"], "redirect_uri": {"https://app.example/callback"},
			"response_type": {"code"}, "organization": {r.directory.organization}}.Encode()
}

// provision creates a user and returns the SCIM id.
func (r *replicas) provision(p testidp.Person) string {
	r.t.Helper()
	a := request(r.t, http.MethodPost, r.directory.url+"/Users", r.directory.token,
		fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":%q,"externalId":%q,`+
			`"active":true}`, p.UserName, p.ExternalID))
	var u struct{ ID string }
	if a.status != http.StatusCreated {
		r.t.Fatalf("%d %s", a.status, a.body)
	}
	a.decode(r.t, &u)
	return u.ID
}

// setActive sends the request of an identity provider that unassigns or assigns a user.
func (r *replicas) setActive(id string, active bool) answer {
	return request(r.t, http.MethodPatch, r.directory.url+"/Users/"+id, r.directory.token, fmt.Sprintf(
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace",`+
			`"value":{"active":%t}}]}`, active))
}

// codeOf is the code in an answer that redirects to the application. It is empty for any other
// answer.
func codeOf(a answer) string {
	location, err := url.Parse(a.header.Get("Location"))
	if err != nil || location.Host != "app.example" {
		return ""
	}
	return location.Query().Get("code")
}

// exchange exchanges a code at a server.
func (r *replicas) exchange(at *process, code string) (status int, token string) {
	r.t.Helper()
	form := url.Values{"code": {code}}
	for name, values := range r.client {
		form[name] = values
	}
	a := visit(r.t, http.MethodPost, at.url+"/sso/token", map[string]string{}, form)
	var body struct {
		AccessToken string `json:"access_token"`
	}
	a.decode(r.t, &body)
	return a.status, body.AccessToken
}

// TestAccessEndsOnEveryReplica ends access at one server just after the other has served the user.
func TestAccessEndsOnEveryReplica(t *testing.T) {
	r := startReplicas(t)
	people := r.idp.People()
	ids := make([]string, len(people))
	for i, p := range people {
		ids[i] = r.provision(p.Person)
	}
	test := map[string]string{}
	a := visit(t, http.MethodPost, r.a.url+r.acs, test,
		r.respond(visit(t, http.MethodGet, r.a.url+r.loginPath, test, nil), people[0].ID))
	if a.status != http.StatusSeeOther {
		t.Fatalf("the test login: %d %s", a.status, a.body)
	}
	for i, p := range people[:20] {
		cookies := map[string]string{}
		// Each step of the login goes to another replica than the step before.
		sent := visit(t, http.MethodGet, r.a.url+r.authorizePath(), cookies, nil)
		code := codeOf(visit(t, http.MethodPost, r.b.url+r.acs, cookies, r.respond(sent, p.ID)))
		second := codeOf(visit(t, http.MethodGet, r.a.url+r.authorizePath(), cookies, nil))
		status, token := r.exchange(r.a, code)
		if status != http.StatusOK || second == "" {
			t.Fatalf("%s was not signed in: %d, second code %q", p.UserName, status, second)
		}
		for name, ask := range map[string]func() int{
			"profile": func() int { return request(t, http.MethodGet, r.b.url+"/sso/profile", token, "").status },
			"session": func() int {
				return visit(t, http.MethodGet, r.b.url+"/sso/session", cookies, nil).status
			},
		} {
			if got := ask(); got != http.StatusOK {
				t.Fatalf("%s of somebody signed in: %d", name, got)
			}
		}
		if a := r.setActive(ids[i], false); a.status != http.StatusOK && a.status != http.StatusNoContent {
			t.Fatalf("deactivate: %d %s", a.status, a.body)
		}
		if got := request(t, http.MethodGet, r.b.url+"/sso/profile", token, "").status; got != http.StatusUnauthorized {
			t.Errorf("the next look at the profile is answered with %d", got)
		}
		got := visit(t, http.MethodGet, r.b.url+"/sso/session", cookies, nil).status
		if got != http.StatusUnauthorized {
			t.Errorf("the next look at the session is answered with %d", got)
		}
		if status, _ := r.exchange(r.b, second); status != http.StatusBadRequest {
			t.Errorf("a code of before is exchanged: %d", status)
		}
		if code := codeOf(visit(t, http.MethodGet, r.b.url+r.authorizePath(), cookies, nil)); code != "" {
			t.Error("the session is used again")
		}
		r.setActive(ids[i], true)
		if request(t, http.MethodGet, r.b.url+"/sso/profile", token, "").status != http.StatusUnauthorized {
			t.Error("assigned again, the old token lives")
		}
	}
}

// TestLoginOvertakenByDeactivation pauses a login at one server after its response was verified,
// and deactivates the user at the other. The user must be signed out afterwards, whichever
// transaction commits first.
func TestLoginOvertakenByDeactivation(t *testing.T) {
	r := startReplicas(t)
	person := r.idp.People()[0]
	id := r.provision(person.Person)
	login := func(cookies map[string]string) answer {
		sent := visit(t, http.MethodGet, r.b.url+r.loginPath, cookies, nil)
		return visit(t, http.MethodPost, r.b.url+r.acs, cookies, r.respond(sent, person.ID))
	}
	if a := login(map[string]string{}); a.status != http.StatusSeeOther {
		t.Fatalf("the test login: %d %s", a.status, a.body)
	}
	for _, c := range []struct {
		name, table string
		refused     bool // the login is refused
	}{
		{"paused before the user is read, the login is refused", "assertions", true},
		{"paused when the session is written, the session is dead", "sessions", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.setActive(id, true)
			pause, err := r.database.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = pause.Rollback() }()
			if _, err := pause.ExecContext(t.Context(), "LOCK TABLE "+c.table+" IN SHARE MODE"); err != nil {
				t.Fatal(err)
			}
			cookies, done := map[string]string{}, make(chan answer, 1)
			go func() { done <- login(cookies) }()
			r.waitForLock(1)
			ended := make(chan answer, 1)
			go func() { ended <- r.setActive(id, false) }()
			if c.refused {
				if a := <-ended; a.status >= 300 { // it must not wait for the login
					t.Errorf("deactivate: %d %s", a.status, a.body)
				}
			} else {
				r.waitForLock(2)
			}
			if err := pause.Commit(); err != nil {
				t.Fatal(err)
			}
			a := <-done
			if !c.refused {
				if b := <-ended; b.status >= 300 {
					t.Errorf("deactivate: %d %s", b.status, b.body)
				}
			}
			if refused := a.status == http.StatusForbidden; refused != c.refused {
				t.Errorf("the login is answered with %d: %s", a.status, a.body)
			}
			for _, server := range []*process{r.a, r.b} {
				got := visit(t, http.MethodGet, server.url+"/sso/session", cookies, nil).status
				if got != http.StatusUnauthorized {
					t.Errorf("somebody is signed in: %d", got)
				}
			}
		})
	}
}

// waitForLock waits until n statements of the servers wait for a lock.
func (r *replicas) waitForLock(n int) {
	r.t.Helper()
	modeltest.Eventually(r.t, func() bool {
		var waiting int
		err := r.database.QueryRowContext(r.t.Context(),
			"SELECT count(*) FROM pg_stat_activity "+
				"WHERE application_name = 'rollcall' AND wait_event_type = 'Lock'").Scan(&waiting)
		return err == nil && waiting >= n
	})
}
