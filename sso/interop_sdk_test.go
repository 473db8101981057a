//go:build interop

package sso_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/model/modeltest"
	"rollcall/testidp"
)

// sdk is a client of others, with the command that makes all calls with it, and with how many
// checks that has.
type sdk struct {
	name    string
	command []string
	checks  int
}

// sdks are the reference's own clients.
var sdks = []sdk{
	{"node", []string{"node", filepath.Join("testdata", "sdk", "node", "calls.mjs"),
		filepath.Join("..", ".cache", "sdk-node")}, 11},
	{"python", []string{filepath.Join("..", ".cache", "sdk-python", "bin", "python"),
		filepath.Join("testdata", "sdk", "python", "calls.py")}, 13},
}

// openIDClients are clients for any OpenID provider.
var openIDClients = []sdk{
	{"openid-client", []string{"node", filepath.Join("testdata", "openid", "node", "openid-client.mjs"),
		filepath.Join("..", ".cache", "openid-node")}, 6},
	{"oauth4webapi", []string{"node", filepath.Join("testdata", "openid", "node", "oauth4webapi.mjs"),
		filepath.Join("..", ".cache", "openid-node")}, 5},
	{"authlib", []string{filepath.Join("..", ".cache", "openid-python", "bin", "python"),
		filepath.Join("testdata", "openid", "python", "calls.py")}, 4},
}

// TestInteropSDK has the reference's clients call bin/rollcall: what they are written for must do.
// make interop builds the program and installs the clients.
func TestInteropSDK(t *testing.T) { runSDKs(t, sdks) }

// TestInteropOpenIDClients has clients for any OpenID provider sign a person in at bin/rollcall.
func TestInteropOpenIDClients(t *testing.T) { runSDKs(t, openIDClients) }

func runSDKs(t *testing.T, sdks []sdk) {
	for _, sdk := range sdks {
		t.Run(sdk.name, func(t *testing.T) {
			modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
				p := startProgram(t, db)
				settings, signIn := p.customer(t)
				text, err := json.Marshal(settings)
				must(t, err)
				said, err := converse(t, append(sdk.command, string(text)), func(location string) string {
					return signIn(t, location)
				})
				if checked := strings.Count(said, "ok   "); err != nil || checked != sdk.checks {
					t.Errorf("%v after %d checks", err, checked)
				}
				t.Logf("\n%s", said)
				p.stop(t)
			})
		})
	}
}

// converse runs a command and answers what it wants to visit. It returns what else the command
// said.
func converse(t *testing.T, command []string, visit func(location string) string) (said string, err error) {
	t.Helper()
	c := exec.CommandContext(t.Context(), command[0], command[1:]...)
	var problems bytes.Buffer
	c.Stderr = &problems
	in, err := c.StdinPipe()
	must(t, err)
	out, err := c.StdoutPipe()
	must(t, err)
	if err := c.Start(); err != nil {
		t.Fatalf("%v: make interop installs it", err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if location, visits := strings.CutPrefix(lines.Text(), "visit "); visits {
			_, err := io.WriteString(in, visit(location)+"\n")
			must(t, err)
		} else {
			said += lines.Text() + "\n"
		}
	}
	err = c.Wait()
	return said + problems.String(), err
}

// customer connects an identity provider to the program's organization, for sign-on and as a
// directory. It returns the configuration for a client, and a function that signs a person in.
func (p *program) customer(t *testing.T) (settings map[string]any,
	signIn func(t *testing.T, location string) (came string)) {
	t.Helper()
	var directory struct {
		ID   string
		SCIM struct {
			BaseURL     string `json:"base_url"`
			BearerToken string `json:"bearer_token"`
		}
	}
	p.call(t, http.MethodPost, "/directories", map[string]any{"organization_id": p.tenant, "name": "People",
		"type": "okta scim v2.0"}, &directory)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	provider, err := testidp.New(testidp.Options{BaseURL: "http://" + listener.Addr().String(),
		Applications: []testidp.ApplicationOptions{
			{Name: "Rollcall", SCIMURL: directory.SCIM.BaseURL, Token: directory.SCIM.BearerToken,
				Dialect: testidp.Okta,
				Domain:  domain}}})
	must(t, err)
	served := &httptest.Server{Listener: listener, Config: &http.Server{Handler: provider}}
	served.Start()
	t.Cleanup(served.Close)
	idp := provider.Applications()[0]
	_, err = idp.Provision(t.Context(), nil)
	must(t, err)

	told := p.told(t)
	var l link
	p.call(t, http.MethodPost, "/connections", map[string]any{"organization_id": p.tenant, "name": "Sign-on",
		"connection_type": "OktaSAML",
		"saml":            map[string]any{"idp_metadata_xml": string(idp.SAMLMetadata())}}, &l)
	must(t, idp.ConnectSAML(l.SAML.EntityID, l.SAML.ACSURL))
	who := idp.People()[0]
	walk := func(t *testing.T, location string) page {
		v := newVisitor(t)
		choice := v.mustForm(v.get(location), "SAMLRequest")
		return v.post(v.mustForm(v.post(choice, "person", who.ID), "SAMLResponse"))
	}
	if in := walk(t, p.url+"/sso/saml/"+l.ID+"/login"); p.state(t, l) != "active" {
		t.Fatalf("the first login ends at %s", in)
	}
	signIn = func(t *testing.T, location string) string {
		at := walk(t, location)
		if !strings.HasPrefix(at.location.String(), callback+"?") {
			t.Errorf("%s ends at %s", location, at)
		}
		return at.location.String()
	}
	return map[string]any{"url": p.url, "key": p.secret, "operator": p.key, "client": p.application,
		"callback":     callback,
		"organization": p.tenant, "connection": l.ID, "directory": directory.ID, "people": len(idp.People()),
		"email": who.UserName, "first": who.GivenName, "last": who.FamilyName,
		"certificate": pemOf(idp.Certificate()), "webhook": told, "hook": p.hook.URL}, signIn
}
