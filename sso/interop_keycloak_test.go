//go:build interop

package sso_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/model/modeltest"
)

// keycloakRoot is where make interop unpacks Keycloak and makes a database with the realm of
// testdata/keycloak/realm.json, of which each test has a copy.
var keycloakRoot = filepath.Join("..", ".cache", "keycloak")

// keycloak is a running Keycloak, whose administrator works by its Admin REST API.
type keycloak struct {
	url   string
	token string // the administrator's, for a while
	until time.Time
}

func startKeycloak(t *testing.T) *keycloak {
	t.Helper()
	address, port := freePort(t)
	k := &keycloak{url: "http://" + address}
	home := t.TempDir()
	data, err := os.ReadFile(filepath.Join(keycloakRoot, "database", "keycloak.mv.db"))
	if err != nil {
		t.Fatalf("%v: make interop installs it", err)
	}
	must(t, os.WriteFile(filepath.Join(home, "keycloak.mv.db"), data, 0o600))
	// The memory is bounded, and the second compiler left out: it pays off after minutes only.
	start(t, k.url+"/realms/contoso", []string{"JAVA_OPTS_KC_HEAP=-Xms64m -Xmx384m",
		"JAVA_OPTS_APPEND=-XX:TieredStopAtLevel=1"},
		filepath.Join(keycloakRoot, "bin", "kc.sh"), "start", "--optimized", "--cache=local", "--log-level=error",
		"--db-url=jdbc:h2:file:"+filepath.Join(home, "keycloak")+";NON_KEYWORDS=VALUE",
		"--http-enabled=true", "--hostname-strict=false", "--http-host=127.0.0.1", "--http-port="+port)
	return k
}

// realm is the address of something of the realm.
func (k *keycloak) realm(path string) string { return k.url + "/realms/contoso" + path }

// administer is a call of the administrator that must succeed. It returns where a new object is.
func (k *keycloak) administer(t *testing.T, method, path string, body, into any) (created string) {
	t.Helper()
	var sent io.Reader
	kind := "application/json"
	switch b := body.(type) {
	case nil:
	case string:
		sent = strings.NewReader(b)
	default:
		encoded, err := json.Marshal(b)
		must(t, err)
		sent = strings.NewReader(string(encoded))
	}
	if !strings.HasPrefix(path, k.url) {
		path = k.url + "/admin/realms/contoso" + path
	}
	r, err := http.NewRequestWithContext(t.Context(), method, path, sent)
	must(t, err)
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Authorization", "Bearer "+k.bearer(t))
	response, err := http.DefaultClient.Do(r)
	must(t, err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	must(t, err)
	if response.StatusCode/100 != 2 {
		t.Fatalf("%s %s: %d %s", method, path, response.StatusCode, answer)
	}
	if into != nil {
		must(t, json.Unmarshal(answer, into))
	}
	return response.Header.Get("Location")
}

// bearer is the administrator's token. A new one takes a login, with all that this costs.
func (k *keycloak) bearer(t *testing.T) string {
	t.Helper()
	if time.Now().Before(k.until) {
		return k.token
	}
	response, err := http.PostForm(k.realm("/protocol/openid-connect/token"),
		url.Values{"grant_type": {"password"}, "client_id": {"admin-cli"},
			"username": {"administrator"}, "password": {"administrators-password"}})
	must(t, err)
	defer response.Body.Close()
	var answer struct {
		Token   string `json:"access_token"`
		Seconds int    `json:"expires_in"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || answer.Token == "" {
		t.Fatalf("the administrator has no token: %d %v", response.StatusCode, err)
	}
	k.token, k.until = answer.Token, time.Now().Add(time.Duration(answer.Seconds/2)*time.Second)
	return k.token
}

// client is an application of Keycloak, as its Admin REST API shows it.
type client map[string]any

// attribute sets one of the client's attributes; Keycloak keeps all of them as texts.
func (c client) attribute(name, value string) {
	attributes, ok := c["attributes"].(map[string]any)
	if !ok {
		attributes = map[string]any{}
		c["attributes"] = attributes
	}
	attributes[name] = value
}

// register makes a client, as the administrator altered it.
func (k *keycloak) register(t *testing.T, c client) (at string) {
	t.Helper()
	return k.administer(t, http.MethodPost, "/clients", c, nil)
}

// named finds what there is by its name: a user, a group.
func (k *keycloak) named(t *testing.T, path, name string) (at string) {
	t.Helper()
	var found []struct{ ID, Name, Username string }
	k.administer(t, http.MethodGet, path, nil, &found)
	for _, f := range found {
		if f.Name == name || f.Username == name {
			return path + "/" + f.ID
		}
	}
	t.Fatalf("there is no %s among %s: %+v", name, path, found)
	return ""
}

// member lets a user into a group, or takes them out.
func (k *keycloak) member(t *testing.T, user, group string, is bool) {
	t.Helper()
	method := http.MethodDelete
	if is {
		method = http.MethodPut
	}
	_, id, _ := strings.Cut(strings.TrimPrefix(k.named(t, "/groups", group), "/"), "/")
	k.administer(t, method, k.named(t, "/users", user)+"/groups/"+id, nil, nil)
}

// addKey makes a signing key of the realm. The one with the highest priority signs; the others are
// announced.
func (k *keycloak) addKey(t *testing.T, name string, priority int) (at string) {
	t.Helper()
	var realm struct{ ID string }
	k.administer(t, http.MethodGet, "", nil, &realm)
	return k.administer(t, http.MethodPost, "/components", map[string]any{
		"name": name, "providerId": "rsa-generated", "providerType": "org.keycloak.keys.KeyProvider",
		"parentId": realm.ID,
		"config": map[string][]string{"priority": {fmt.Sprint(priority)}, "enabled": {"true"}, "active": {"true"},
			"algorithm": {"RS256"}, "keySize": {"2048"}},
	}, nil)
}

// setKey changes one setting of a key.
func (k *keycloak) setKey(t *testing.T, at, name, value string) {
	t.Helper()
	var component map[string]any
	k.administer(t, http.MethodGet, at, nil, &component)
	component["config"].(map[string]any)[name] = []string{value}
	k.administer(t, http.MethodPut, at, component, nil)
}

// TestInteropKeycloak signs people in at one Keycloak.
func TestInteropKeycloak(t *testing.T) {
	k := startKeycloak(t)
	t.Run("SAML", func(t *testing.T) { keycloakSAML(t, k, modeltest.SQLite(t)) })
	t.Run("OpenID Connect", func(t *testing.T) { keycloakOIDC(t, k, modeltest.SQLite(t)) })
}

// atKeycloak fills in Keycloak's login page, and returns what comes then.
func (v *visitor) atKeycloak(login page, name, password string) page {
	v.t.Helper()
	return v.post(v.mustForm(login, "password"), "username", name, "password", password)
}
