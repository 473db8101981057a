//go:build interop

package sso_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"rollcall/model/modeltest"
)

// The tests of these files let identity providers of others sign people in at bin/rollcall. make
// interop builds the program and installs the providers.

// command is a program that runs during the test and is killed at its end.
type command struct {
	*exec.Cmd
	log bytes.Buffer
}

// start runs a program until the test ends, and returns when the URL answers. What it said is shown
// when the test fails.
func start(t *testing.T, answers string, environ []string, name string, args ...string) *command {
	t.Helper()
	c := &command{Cmd: exec.Command(name, args...)}
	c.Env = append(os.Environ(), environ...)
	c.Stdout, c.Stderr = &c.log, &c.log
	if err := c.Start(); err != nil {
		t.Fatalf("%v: make interop installs it", err)
	}
	t.Cleanup(func() {
		// One that is a script passes the signal on to what it started, and could not pass on a
		// kill.
		_ = c.Process.Signal(syscall.SIGTERM)
		kill := time.AfterFunc(10*time.Second, func() { _ = c.Process.Kill() })
		_ = c.Wait()
		kill.Stop()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, c.log.Bytes())
		}
	})
	for range 1800 {
		response, err := http.Get(answers)
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return c
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("%s does not answer at %s after three minutes", name, answers)
	return nil
}

// freePort is a port of the loopback address on which no program listens.
func freePort(t *testing.T) (address, port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	address = l.Addr().String()
	must(t, l.Close())
	_, port, err = net.SplitHostPort(address)
	must(t, err)
	return address, port
}

// makeKey makes a key and a certificate that signs itself, as an administrator would.
func makeKey(t *testing.T, key, certificate string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
		"-sha256", "-days", "2",
		"-subj", "/CN=Identity provider of the test", "-keyout", key, "-out", certificate).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// absolute is the path of a file of this folder, or of one above.
func absolute(t *testing.T, elements ...string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(elements...))
	must(t, err)
	return path
}

// program is a running bin/rollcall with one application and one organization, whose people may
// sign in by any of its connections.
type program struct {
	*command
	hook                        *hook
	url, key                    string
	application, secret, tenant string
}

const (
	// initiate is where the application asks for a login that an identity provider has started.
	initiate = "https://app.example/login"
	// idpPassword of the people that testdata/simplesamlphp/authsources.php knows, after their
	// name.
	idpPassword = "s-password"
)

func startProgram(t *testing.T, db modeltest.Database) *program {
	t.Helper()
	address, _ := freePort(t)
	p := &program{url: "http://" + address, key: "sk_" + strings.Repeat("interop", 5), hook: newHook(t)}
	p.command = start(t, p.url+"/readyz", []string{"ROLLCALL_LISTEN=" + address, "ROLLCALL_DATABASE_URL=" + db.URL,
		"ROLLCALL_API_KEY=" + p.key,
		"ROLLCALL_SECRET_KEY=" + base64.StdEncoding.EncodeToString(modeltest.Key),
		"ROLLCALL_OUTBOUND_ALLOW=127.0.0.0/8," + strings.TrimPrefix(p.hook.URL, "http://")},
		filepath.Join("..", "bin", "rollcall"), "serve")
	var organization struct{ ID string }
	p.call(t, http.MethodPost, "/organizations", map[string]any{"name": "Contoso",
		"domain_data": []any{map[string]any{"domain": domain, "state": "verified"}}}, &organization)
	var application struct {
		ClientID string `json:"client_id"`
		Secret   string `json:"client_secret"`
	}
	p.call(t, http.MethodPost, "/applications", map[string]any{"name": "Analytics", "redirect_uris": []string{callback},
		"initiate_login_uri": initiate}, &application)
	p.tenant, p.application, p.secret = organization.ID, application.ClientID, application.Secret
	return p
}

// ledOn demands that the browser which is signed in, and brings an answer a second time, is led to
// where it is signed in, without another code.
func (p *program) ledOn(t *testing.T, second page) {
	t.Helper()
	atApplication := second.status == http.StatusSeeOther && strings.HasPrefix(second.location.String(), initiate+"?")
	here := second.status == http.StatusOK && second.url.Path == "/sso/signed-in"
	if !atApplication && !here || second.location.Query().Has("code") {
		t.Errorf("the second time: %s", second)
	}
}

// stop asks the program to end, and fails unless it does so in peace.
func (p *program) stop(t *testing.T) {
	t.Helper()
	must(t, p.Process.Signal(syscall.SIGTERM))
	if err := p.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
}

// call is a call of the management API that must succeed.
func (p *program) call(t *testing.T, method, path string, body, into any) {
	t.Helper()
	status, text := p.send(t, method, p.url+path, p.key, "application/json", body)
	if status/100 != 2 {
		t.Fatalf("%s %s: %d %s", method, path, status, text)
	}
	if into != nil {
		must(t, json.Unmarshal(text, into))
	}
}

func (p *program) send(t *testing.T, method, location, token, kind string, body any) (status int, answer []byte) {
	t.Helper()
	var sent io.Reader
	switch b := body.(type) {
	case nil:
	case url.Values:
		sent = strings.NewReader(b.Encode())
	default:
		encoded, err := json.Marshal(b)
		must(t, err)
		sent = bytes.NewReader(encoded)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, location, sent)
	must(t, err)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if sent != nil {
		r.Header.Set("Content-Type", kind)
	}
	response, err := http.DefaultClient.Do(r)
	must(t, err)
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	must(t, err)
	return response.StatusCode, answer
}

// link is a connection as the API shows it.
type link struct {
	ID    string
	State string
	SAML  struct {
		EntityID    string `json:"sp_entity_id"`
		ACSURL      string `json:"acs_url"`
		MetadataURL string `json:"sp_metadata_url"`
	}
}

// connect creates a connection to an identity provider.
func (p *program) connect(t *testing.T, name string, saml map[string]any) link {
	t.Helper()
	var l link
	p.call(t, http.MethodPost, "/connections", map[string]any{"organization_id": p.tenant, "name": name,
		"connection_type": "GenericSAML", "saml": saml}, &l)
	if l.State != "draft" {
		t.Fatalf("a new connection is %s", l.State)
	}
	return l
}

func (p *program) state(t *testing.T, l link) string {
	t.Helper()
	p.call(t, http.MethodGet, "/connections/"+l.ID, nil, &l)
	return l.State
}

// lastReason is why the newest login of the connection's log was refused; empty for a success.
func (p *program) lastReason(t *testing.T, l link) string {
	t.Helper()
	var log struct {
		Data []struct {
			Status, Reason, Message, Expected, Received string
		}
	}
	p.call(t, http.MethodGet, "/connections/"+l.ID+"/login_attempts?limit=1", nil, &log)
	if len(log.Data) != 1 {
		t.Fatal("the login log is empty")
	}
	a := log.Data[0]
	if a.Reason != "" && a.Message == "" {
		t.Errorf("nothing is said about what to do when %s", a.Reason)
	}
	t.Logf("login log: %+v", a)
	return a.Reason
}

// authorize is where the application sends the browser.
func (p *program) authorize(l link, extra ...string) string {
	q := url.Values{"client_id": {p.application}, "redirect_uri": {callback}, "response_type": {"code"},
		"state": {"a state"}, "connection": {l.ID}}
	for i := 0; i < len(extra); i += 2 {
		q.Set(extra[i], extra[i+1])
	}
	return p.url + "/sso/authorize?" + q.Encode()
}

// exchange exchanges the code with which the browser comes to the application.
func (p *program) exchange(t *testing.T, came page) (token string) {
	t.Helper()
	q := came.location.Query()
	if !strings.HasPrefix(came.location.String(), callback+"?") || q.Get("state") != "a state" || q.Get("code") == "" {
		t.Fatalf("the browser came with no code: %s", came)
	}
	status, text := p.send(t, http.MethodPost, p.url+"/sso/token", "", "application/x-www-form-urlencoded",
		url.Values{"client_id": {p.application}, "client_secret": {p.secret}, "grant_type": {"authorization_code"},
			"code": {q.Get("code")}})
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(text, &answer); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s %v", status, text, err)
	}
	return answer.Token
}

// profile is a profile as the application gets it.
type profile struct {
	ConnectionID   string `json:"connection_id"`
	OrganizationID string `json:"organization_id"`
	IDPID          string `json:"idp_id"`
	Email          string
	FirstName      string `json:"first_name"`
	LastName       string `json:"last_name"`
	Groups         []string
	RawAttributes  map[string]any `json:"raw_attributes"`
}

// profile reads the profile of an access token. The status is 401 when the token has ended.
func (p *program) profile(t *testing.T, token string) (status int, who profile) {
	t.Helper()
	status, text := p.send(t, http.MethodGet, p.url+"/sso/profile", token, "", nil)
	if status == http.StatusOK {
		must(t, json.Unmarshal(text, &who))
	}
	return status, who
}

// provisioned is a user whom a directory has provisioned.
type provisioned struct{ url, token string }

// provision makes a directory, which then holds the person.
func (p *program) provision(t *testing.T, email, givenName, familyName string) provisioned {
	t.Helper()
	var directory struct {
		SCIM struct {
			BaseURL     string `json:"base_url"`
			BearerToken string `json:"bearer_token"`
		}
	}
	p.call(t, http.MethodPost, "/directories", map[string]any{"organization_id": p.tenant, "name": "People",
		"type": "generic scim v2.0"}, &directory)
	who := provisioned{directory.SCIM.BaseURL + "/Users", directory.SCIM.BearerToken}
	status, text := p.send(t, http.MethodPost, who.url, who.token, "application/scim+json", map[string]any{
		"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": email, "active": true,
		"name":   map[string]any{"givenName": givenName, "familyName": familyName},
		"emails": []any{map[string]any{"value": email, "type": "work", "primary": true}},
	})
	var user struct{ ID string }
	if err := json.Unmarshal(text, &user); err != nil || status != http.StatusCreated {
		t.Fatalf("%d %s %v", status, text, err)
	}
	who.url += "/" + user.ID
	return who
}

// setActive is the identity provider's word on whether the person has access.
func (p *program) setActive(t *testing.T, who provisioned, active bool) {
	t.Helper()
	status, text := p.send(t, http.MethodPatch, who.url, who.token, "application/scim+json", map[string]any{
		"schemas":    []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"},
		"Operations": []any{map[string]any{"op": "replace", "path": "active", "value": active}},
	})
	if status/100 != 2 {
		t.Fatalf("%d %s", status, text)
	}
}
