//go:build interop

package sso_test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"rollcall/model/modeltest"
)

const (
	redirectBinding = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
	postBinding     = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
)

// simpleSAMLRoot is where make interop unpacks it.
var simpleSAMLRoot = filepath.Join("..", ".cache", "simplesamlphp", "usr", "share", "simplesamlphp")

// simpleSAML is a running SimpleSAMLphp, as testdata/simplesamlphp configures it.
type simpleSAML struct{ url, home string }

func startSimpleSAML(t *testing.T, signAssertion bool, bindings ...string) simpleSAML {
	t.Helper()
	address, _ := freePort(t)
	s := simpleSAML{"http://" + address, t.TempDir()}
	for _, name := range []string{"cert", "log", "data", "temp", "session", "sp"} {
		must(t, os.Mkdir(filepath.Join(s.home, name), 0o700))
	}
	for _, which := range []string{"", "next-"} {
		makeKey(t, filepath.Join(s.home, "cert", which+"key.pem"),
			filepath.Join(s.home, "cert", which+"certificate.pem"))
	}
	start(t, s.metadata(), []string{
		"SIMPLESAMLPHP_CONFIG_DIR=" + absolute(t, "testdata", "simplesamlphp"), "INTEROP_URL=" +
			s.url, "INTEROP_HOME=" + s.home,
		"INTEROP_BINDINGS=" + strings.Join(bindings, " "), "INTEROP_SIGN_ASSERTION=" +
			strconv.FormatBool(signAssertion),
	}, "php", "-S", address, "-t", filepath.Join(simpleSAMLRoot, "www"))
	return s
}

// metadata is where its metadata is.
func (s simpleSAML) metadata() string { return s.url + "/saml2/idp/metadata.php" }

// trust gives the identity provider the metadata of a connection, with the key that signs its
// requests. Its administrator may change the text.
func (s simpleSAML) trust(t *testing.T, p *program, l link, oldnew ...string) {
	t.Helper()
	status, document := p.send(t, http.MethodGet, l.SAML.MetadataURL, "", "", nil)
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, document)
	}
	followsSchema(t, document, "saml-schema-metadata-2.0.xsd")
	altered := strings.NewReplacer(oldnew...).Replace(string(document))
	must(t, os.WriteFile(filepath.Join(s.home, "sp", l.ID+".xml"), []byte(altered), 0o600))
}

// followsSchema checks a document of Rollcall by the OASIS schemas that SimpleSAMLphp ships.
func followsSchema(t *testing.T, document []byte, schema string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "php", "-r", `
		$d = new DOMDocument;
		exit($d->loadXML(stream_get_contents(STDIN), LIBXML_NONET) && $d->schemaValidate($argv[1]) ? 0 : 1);`,
		filepath.Join(simpleSAMLRoot, "schemas", schema))
	c.Stdin = bytes.NewReader(document)
	if out, err := c.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("by %s: %v\n%s\n%s", schema, err, out, document)
	}
}

// signIn fills in the login page that the visitor sees, and returns the form with the response.
func (v *visitor) signIn(login page, name string) *form {
	v.t.Helper()
	return v.mustForm(v.post(v.mustForm(login, "AuthState"), "username", name, "password", name+idpPassword),
		"SAMLResponse")
}

// TestInteropSimpleSAMLphp signs people in at SimpleSAMLphp, which refuses what we do not sign.
func TestInteropSimpleSAMLphp(t *testing.T) {
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		w := &simpleSAMLWorld{program: startProgram(t, db), idp: startSimpleSAML(t, true, redirectBinding, postBinding)}
		w.link = w.connect(t, "by metadata URL", map[string]any{"idp_metadata_url": w.idp.metadata()})
		w.idp.trust(t, w.program, w.link)
		t.Run("a wrong password shows no response, the right one makes the draft active", w.testLogin)
		t.Run("the application learns who came", w.whoCame)
		t.Run("a response counts once", w.replay)
		t.Run("a login with prompt=login shows the login page again", w.again)
		t.Run("an altered request is refused there", w.alteredRequest)
		t.Run("a login that starts there is refused", w.unsolicited)
		t.Run("or begins a login here when it is allowed", w.startedThere)
		t.Run("access ends, and stays ended", w.ended)
		t.Run("the announced key signs, and nothing changes here", w.nextKey)
		t.Run("by HTTP-POST and pasted metadata, with only the response signed", w.byPost)
		w.stop(t)
	})
}

// simpleSAMLWorld is the program with a connection to the identity provider.
type simpleSAMLWorld struct {
	*program
	idp  simpleSAML
	link link
}

func (w *simpleSAMLWorld) testLogin(t *testing.T) {
	v := newVisitor(t)
	login := v.get(w.url + "/sso/saml/" + w.link.ID + "/login")
	wrong := v.post(v.mustForm(login, "AuthState"), "username", "anna", "password", "wrong")
	if wrong.form("SAMLResponse") != nil || !strings.HasPrefix(wrong.url.String(), w.idp.url) {
		t.Fatalf("with a wrong password: %s", wrong)
	}
	if got := w.state(t, w.link); got != "draft" {
		t.Errorf("before the first login the connection is %s", got)
	}
	in := v.post(v.signIn(wrong, "anna"))
	if in.status != http.StatusOK || in.url.Path != "/sso/signed-in" ||
		!strings.Contains(in.body, "anna@contoso.example") {
		t.Fatalf("after the login: %s", in)
	}
	if got := w.state(t, w.link); got != "active" {
		t.Errorf("after the first login the connection is %s", got)
	}
}

func (w *simpleSAMLWorld) whoCame(t *testing.T) {
	v := newVisitor(t)
	token := w.exchange(t, v.post(v.signIn(v.get(w.authorize(w.link)), "anna")))
	status, who := w.profile(t, token)
	if status != http.StatusOK || who.Email != "anna@contoso.example" || who.FirstName != "Anna" ||
		who.LastName != "Bergström & Söhne" ||
		who.ConnectionID != w.link.ID || who.OrganizationID != w.tenant ||
		!slices.Equal(who.Groups, []string{"Engineering", "Operations"}) {
		t.Errorf("%d %+v", status, who)
	}
	if who.IDPID == "" || strings.Contains(who.IDPID, "anna") {
		t.Errorf("idp_id is %q, not the persistent NameID", who.IDPID)
	}
	if reason := w.lastReason(t, w.link); reason != "" {
		t.Errorf("the login log says %s of a login that succeeded", reason)
	}
	// The same person at another browser is the same person.
	other := newVisitor(t)
	token = w.exchange(t, other.post(other.signIn(other.get(w.authorize(w.link)), "anna")))
	if _, again := w.profile(t, token); again.IDPID != who.IDPID {
		t.Errorf("idp_id was %s and is %s", who.IDPID, again.IDPID)
	}
}

func (w *simpleSAMLWorld) replay(t *testing.T) {
	v := newVisitor(t)
	response := v.signIn(v.get(w.authorize(w.link)), "anna")
	if n := response.signatures(t); n != 2 {
		t.Errorf("the response has %d signatures", n)
	}
	w.exchange(t, v.post(response))
	w.ledOn(t, v.post(response))
	w.refused(t, newVisitor(t).post(response), "login_foreign")
}

// refused checks that the page does not name the reason, and that the login log does.
func (w *simpleSAMLWorld) refused(t *testing.T, p page, reason string) {
	t.Helper()
	if p.status != http.StatusForbidden || p.location.String() != "" || strings.Contains(p.body, reason) {
		t.Errorf("the visitor sees %s", p)
	}
	if got := w.lastReason(t, w.link); got != reason {
		t.Errorf("the login log says %q, want %q", got, reason)
	}
}

func (w *simpleSAMLWorld) again(t *testing.T) {
	v := newVisitor(t)
	w.exchange(t, v.post(v.signIn(v.get(w.authorize(w.link)), "anna")))
	w.exchange(t, v.get(w.authorize(w.link))) // our session serves a second time
	login := v.get(w.authorize(w.link, "prompt", "login"))
	if login.form("SAMLResponse") != nil {
		t.Fatal("the identity provider's session was enough")
	}
	w.exchange(t, v.post(v.signIn(login, "anna")))
}

// alteredRequest proves that the identity provider checks our signature, so that all the others
// show that it holds.
func (w *simpleSAMLWorld) alteredRequest(t *testing.T) {
	v := newVisitor(t)
	login := v.get(w.authorize(w.link))
	v.mustForm(login, "AuthState")
	// The login page is reached by redirects; the request is what the first of them names.
	stop := *v
	stop.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	sent := stop.get(w.authorize(w.link)).location
	deflated, err := base64.StdEncoding.DecodeString(sent.Query().Get("SAMLRequest"))
	must(t, err)
	document, err := io.ReadAll(flate.NewReader(bytes.NewReader(deflated)))
	must(t, err)
	followsSchema(t, document, "saml-schema-protocol-2.0.xsd")
	for complaint, alter := range map[string]func(q url.Values){
		"Unable to validate signature on query string": func(q url.Values) {
			q.Set("RelayState", q.Get("RelayState")+"x")
		},
		"no signature found on message": func(q url.Values) { q.Del("Signature"); q.Del("SigAlg") },
	} {
		q := sent.Query()
		alter(q)
		altered := *sent
		altered.RawQuery = q.Encode()
		w.complains(t, newVisitor(t).get(altered.String()), complaint)
	}
}

// fromTile is where a browser goes from the application's tile on a page of the identity provider.
func (w *simpleSAMLWorld) fromTile() string {
	return w.idp.url + "/saml2/idp/SSOService.php?" + url.Values{"spentityid": {w.link.SAML.EntityID},
		"RelayState": {"/somewhere"}}.Encode()
}

func (w *simpleSAMLWorld) unsolicited(t *testing.T) {
	v := newVisitor(t)
	w.refused(t, v.post(v.signIn(v.get(w.fromTile()), "anna")), "unsolicited")
}

func (w *simpleSAMLWorld) startedThere(t *testing.T) {
	w.call(t, http.MethodPatch, "/connections/"+w.link.ID, map[string]any{"allow_idp_initiated": true}, nil)
	v := newVisitor(t)
	response := v.signIn(v.get(w.fromTile()), "anna")
	asked := v.post(response)
	q := asked.location.Query()
	if !strings.HasPrefix(asked.location.String(), initiate+"?") || q.Get("iss") != w.url ||
		q.Get("connection") != w.link.ID || q.Get("organization") != w.tenant {
		t.Fatalf("the application is not asked: %s", asked)
	}
	// No session exists yet: the application begins, and the identity provider's session answers.
	_, who := w.profile(t, w.exchange(t, v.post(v.mustForm(v.get(w.authorize(w.link)), "SAMLResponse"))))
	if who.Email != "anna@contoso.example" {
		t.Errorf("%+v signed in", who)
	}
	w.ledOn(t, v.post(response))
	if got := w.lastReason(t, w.link); got != "assertion_replayed" {
		t.Errorf("the login log says %q", got)
	}

	w.call(t, http.MethodPatch, "/applications/"+w.application, map[string]any{"initiate_login_uri": ""}, nil)
	v = newVisitor(t)
	in := v.post(v.mustForm(v.post(v.signIn(v.get(w.fromTile()), "anna")), "SAMLResponse"))
	if in.status != http.StatusOK || in.url.Path != "/sso/signed-in" {
		t.Errorf("without an address at the application: %s", in)
	}
}

func (w *simpleSAMLWorld) ended(t *testing.T) {
	bo := w.provision(t, "bo@contoso.example", "Bo", "Lind")
	v := newVisitor(t)
	token := w.exchange(t, v.post(v.signIn(v.get(w.authorize(w.link)), "bo")))
	if status, who := w.profile(t, token); status != http.StatusOK || who.Email != "bo@contoso.example" {
		t.Fatalf("%d %+v", status, who)
	}
	w.setActive(t, bo, false)
	if status, who := w.profile(t, token); status != http.StatusUnauthorized {
		t.Errorf("after the end of access: %d %+v", status, who)
	}
	// The identity provider still has a session of the browser, and signs in a user whom the
	// directory has deactivated.
	back := v.post(v.mustForm(v.get(w.authorize(w.link)), "SAMLResponse"))
	w.refused(t, back, "deactivated")
	w.setActive(t, bo, true)
	if status, _ := w.profile(t, token); status != http.StatusUnauthorized {
		t.Errorf("the token of before the end answers %d", status)
	}
	w.exchange(t, v.post(v.mustForm(v.get(w.authorize(w.link)), "SAMLResponse")))
}

func (w *simpleSAMLWorld) nextKey(t *testing.T) {
	for _, name := range []string{"key.pem", "certificate.pem"} {
		text, err := os.ReadFile(filepath.Join(w.idp.home, "cert", "next-"+name))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(w.idp.home, "cert", name), text, 0o600))
	}
	v := newVisitor(t)
	w.exchange(t, v.post(v.signIn(v.get(w.authorize(w.link)), "anna")))
}

func (w *simpleSAMLWorld) byPost(t *testing.T) {
	idp := startSimpleSAML(t, false, postBinding)
	_, metadata := w.send(t, http.MethodGet, idp.metadata(), "", "", nil)
	l := w.connect(t, "by pasted metadata", map[string]any{"idp_metadata_xml": string(metadata)})
	idp.trust(t, w.program, l, `WantAssertionsSigned="true"`, "")
	v := newVisitor(t)
	request := v.mustForm(v.get(w.url+"/sso/saml/"+l.ID+"/login"), "SAMLRequest")
	response := v.signIn(v.post(request), "anna")
	if n := response.signatures(t); n != 1 {
		t.Errorf("the response has %d signatures", n)
	}
	in := v.post(response)
	if in.status != http.StatusOK || in.url.Path != "/sso/signed-in" {
		t.Fatalf("after the login: %s", in)
	}
	other := newVisitor(t)
	_, who := w.profile(t, w.exchange(t, other.post(other.signIn(other.post(other.mustForm(other.get(w.authorize(l)),
		"SAMLRequest")), "anna"))))
	if who.Email != "anna@contoso.example" || who.ConnectionID != l.ID {
		t.Errorf("%+v", who)
	}
	document, err := base64.StdEncoding.DecodeString(request.fields.Get("SAMLRequest"))
	must(t, err)
	followsSchema(t, document, "saml-schema-protocol-2.0.xsd")
	altered := strings.Replace(string(document), "AllowCreate=\"true\"", "AllowCreate=\"false\"", 1)
	if altered == string(document) {
		t.Fatalf("nothing to alter in %s", document)
	}
	p := newVisitor(t).post(request, "SAMLRequest", base64.StdEncoding.EncodeToString([]byte(altered)))
	w.complains(t, p, "no signature found on message") // none that holds
}

// complains checks that the identity provider shows an error and no login page.
func (w *simpleSAMLWorld) complains(t *testing.T, p page, complaint string) {
	t.Helper()
	if p.form("AuthState") != nil || !strings.Contains(p.body, complaint) {
		t.Errorf("there is no word of %q: %s", complaint, p)
	}
}
