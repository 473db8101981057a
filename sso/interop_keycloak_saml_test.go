//go:build interop

package sso_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"rollcall/model/modeltest"
)

// keycloakSAMLWorld is the program with a connection to Keycloak. Keycloak has the program's
// metadata and takes signed requests only.
type keycloakSAMLWorld struct {
	*program
	idp    *keycloak
	link   link
	client string // where Keycloak's administrator finds the program
}

func keycloakSAML(t *testing.T, k *keycloak, db modeltest.Database) {
	w := &keycloakSAMLWorld{program: startProgram(t, db), idp: k}
	w.link = w.connect(t, "Keycloak", map[string]any{"idp_metadata_xml": w.metadata(t)})
	w.client = w.trust(t, w.link)
	t.Run("a wrong password shows no response, the right one makes the draft active", w.testLogin)
	t.Run("the application learns who came", w.whoCame)
	t.Run("a group that a person has left is gone at the next login", w.groupLeft)
	t.Run("a login with prompt=login shows the login page again", w.again)
	t.Run("an altered request is refused there", w.alteredRequest)
	t.Run("a login that starts there begins a login here when it is allowed", w.startedThere)
	t.Run("a response counts once", w.replay)
	t.Run("a new key of the realm signs, and logins go on", w.nextKey)
	w.stop(t)
}

// metadata is what Keycloak's administrator would paste.
func (w *keycloakSAMLWorld) metadata(t *testing.T) string {
	t.Helper()
	status, document := w.send(t, http.MethodGet, w.idp.realm("/protocol/saml/descriptor"), "", "", nil)
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, document)
	}
	return string(document)
}

// trust makes Keycloak import a connection's metadata as a client, and adds the attributes to send,
// which the metadata does not name.
func (w *keycloakSAMLWorld) trust(t *testing.T, l link) (at string) {
	t.Helper()
	status, document := w.send(t, http.MethodGet, l.SAML.MetadataURL, "", "", nil)
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, document)
	}
	var c client
	w.idp.administer(t, http.MethodPost, "/client-description-converter", string(document), &c)
	c.attribute("saml_idp_initiated_sso_url_name", l.ID)
	mapper := func(name, kind string, config map[string]string) map[string]any {
		return map[string]any{"name": name, "protocol": "saml", "protocolMapper": kind, "config": config}
	}
	var mappers []any
	for _, property := range []string{"email", "firstName", "lastName"} {
		mappers = append(mappers, mapper(property, "saml-user-property-mapper", map[string]string{
			"user.attribute": property, "attribute.name": property, "attribute.nameformat": "Basic"}))
	}
	c["protocolMappers"] = append(mappers, mapper("groups", "saml-group-membership-mapper", map[string]string{
		"attribute.name": "groups", "attribute.nameformat": "Basic", "single": "true", "full.path": "false"}))
	return w.idp.register(t, c)
}

// signIn signs a person in whose browser Keycloak does not know yet, and returns the form of the
// response.
func (w *keycloakSAMLWorld) signIn(v *visitor, location, name string) *form {
	v.t.Helper()
	return v.mustForm(v.atKeycloak(v.get(location), name, name+idpPassword), "SAMLResponse")
}

// whoIs signs a person in with a new browser, and returns the profile that the application gets.
func (w *keycloakSAMLWorld) whoIs(t *testing.T, name string) profile {
	t.Helper()
	v := newVisitor(t)
	status, who := w.profile(t, w.exchange(t, v.post(w.signIn(v, w.authorize(w.link), name))))
	if status != http.StatusOK {
		t.Errorf("of %s the application is told %d", name, status)
	}
	return who
}

func (w *keycloakSAMLWorld) testLogin(t *testing.T) {
	v := newVisitor(t)
	wrong := v.atKeycloak(v.get(w.url+"/sso/saml/"+w.link.ID+"/login"), "anna", "wrong")
	if wrong.form("SAMLResponse") != nil || !strings.HasPrefix(wrong.url.String(), w.idp.url) {
		t.Fatalf("with a wrong password: %s", wrong)
	}
	if got := w.state(t, w.link); got != "draft" {
		t.Errorf("before the first login the connection is %s", got)
	}
	in := v.post(v.mustForm(v.atKeycloak(wrong, "anna", "anna"+idpPassword), "SAMLResponse"))
	if in.status != http.StatusOK || in.url.Path != "/sso/signed-in" ||
		!strings.Contains(in.body, "anna@contoso.example") {
		t.Fatalf("after the login: %s", in)
	}
	if got := w.state(t, w.link); got != "active" {
		t.Errorf("after the first login the connection is %s", got)
	}
}

func (w *keycloakSAMLWorld) whoCame(t *testing.T) {
	who := w.whoIs(t, "anna")
	slices.Sort(who.Groups)
	if who.Email != "anna@contoso.example" || who.FirstName != "Anna" || who.LastName != "Bergström-Söhne" ||
		who.ConnectionID != w.link.ID || who.OrganizationID != w.tenant ||
		!slices.Equal(who.Groups, []string{"Engineering", "Operations"}) {
		t.Errorf("%+v", who)
	}
	if who.IDPID == "" || strings.Contains(who.IDPID, "anna") {
		t.Errorf("idp_id is %q, not the persistent NameID", who.IDPID)
	}
	if again := w.whoIs(t, "anna"); again.IDPID != who.IDPID {
		t.Errorf("idp_id was %s and is %s", who.IDPID, again.IDPID)
	}
}

func (w *keycloakSAMLWorld) groupLeft(t *testing.T) {
	w.idp.member(t, "anna", "Operations", false)
	if who := w.whoIs(t, "anna"); !slices.Equal(who.Groups, []string{"Engineering"}) {
		t.Errorf("after Anna left a group: %q", who.Groups)
	}
	w.idp.member(t, "anna", "Sales", true)
	who := w.whoIs(t, "anna")
	if slices.Sort(who.Groups); !slices.Equal(who.Groups, []string{"Engineering", "Sales"}) {
		t.Errorf("after Anna came into another: %q", who.Groups)
	}
}

func (w *keycloakSAMLWorld) again(t *testing.T) {
	v := newVisitor(t)
	w.exchange(t, v.post(w.signIn(v, w.authorize(w.link), "anna")))
	w.exchange(t, v.get(w.authorize(w.link))) // our session serves a second time
	login := v.get(w.authorize(w.link, "prompt", "login"))
	if login.form("SAMLResponse") != nil {
		t.Fatal("the identity provider's session was enough")
	}
	w.exchange(t, v.post(v.mustForm(v.atKeycloak(login, "anna", "anna"+idpPassword), "SAMLResponse")))
}

// alteredRequest proves that Keycloak checks our signature, so that all the others show that it
// holds.
func (w *keycloakSAMLWorld) alteredRequest(t *testing.T) {
	stop := *newVisitor(t)
	stop.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	sent := stop.get(w.authorize(w.link)).location
	for name, alter := range map[string]func(q url.Values){
		"unsigned":           func(q url.Values) { q.Del("Signature"); q.Del("SigAlg") },
		"another RelayState": func(q url.Values) { q.Set("RelayState", q.Get("RelayState")+"x") },
		"another's signature": func(q url.Values) {
			q.Set("Signature", stop.get(w.authorize(w.link)).location.Query().Get("Signature"))
		},
	} {
		q := sent.Query()
		alter(q)
		altered := *sent
		altered.RawQuery = q.Encode()
		if p := newVisitor(t).get(altered.String()); p.form("password") != nil || p.status != http.StatusBadRequest {
			t.Errorf("%s: %s", name, p)
		}
	}
}

func (w *keycloakSAMLWorld) startedThere(t *testing.T) {
	tile := w.idp.realm("/protocol/saml/clients/" + w.link.ID)
	v := newVisitor(t)
	w.refused(t, v.post(w.signIn(v, tile, "anna")), "unsolicited")

	w.call(t, http.MethodPatch, "/connections/"+w.link.ID, map[string]any{"allow_idp_initiated": true}, nil)
	v = newVisitor(t)
	response := w.signIn(v, tile, "anna")
	asked := v.post(response)
	q := asked.location.Query()
	if !strings.HasPrefix(asked.location.String(), initiate+"?") || q.Get("iss") != w.url ||
		q.Get("connection") != w.link.ID || q.Get("organization") != w.tenant {
		t.Fatalf("the application is not asked: %s", asked)
	}
	// No session exists yet: the application begins, and Keycloak's session answers our request.
	_, who := w.profile(t, w.exchange(t, v.post(v.mustForm(v.get(w.authorize(w.link)), "SAMLResponse"))))
	if who.Email != "anna@contoso.example" {
		t.Errorf("%+v signed in", who)
	}
	w.ledOn(t, v.post(response))
	if got := w.lastReason(t, w.link); got != "assertion_replayed" {
		t.Errorf("the login log says %q", got)
	}
}

func (w *keycloakSAMLWorld) replay(t *testing.T) {
	v := newVisitor(t)
	response := w.signIn(v, w.authorize(w.link), "anna")
	w.exchange(t, v.post(response))
	w.ledOn(t, v.post(response))
	w.refused(t, newVisitor(t).post(response), "login_foreign")
}

// refused checks that the page does not name the reason, and that the login log does.
func (w *keycloakSAMLWorld) refused(t *testing.T, p page, reason string) {
	t.Helper()
	if p.status != http.StatusForbidden || p.location.String() != "" || strings.Contains(p.body, reason) {
		t.Errorf("the visitor sees %s", p)
	}
	if got := w.lastReason(t, w.link); got != reason {
		t.Errorf("the login log says %q, want %q", got, reason)
	}
}

// nextKey replaces the realm's key as its administrator would: announced first, then signing, and
// then alone.
func (w *keycloakSAMLWorld) nextKey(t *testing.T) {
	certificates := func() int { return strings.Count(w.metadata(t), "<ds:X509Certificate>") }
	before := certificates()
	next := w.idp.addKey(t, "next", 50)
	if got := certificates(); got != before+1 {
		t.Fatalf("Keycloak announces %d keys, and announced %d", got, before)
	}
	w.call(t, http.MethodPatch, "/connections/"+w.link.ID,
		map[string]any{"saml": map[string]any{"idp_metadata_xml": w.metadata(t)}}, nil)
	if got := w.state(t, w.link); got != "active" {
		t.Errorf("with a second certificate the connection is %s", got)
	}
	w.whoIs(t, "anna") // by the old key
	w.idp.setKey(t, next, "priority", "200")
	w.whoIs(t, "anna") // by the new one

	// A key that the connection does not have signs nobody in.
	unknown := w.idp.addKey(t, "unknown", 300)
	v := newVisitor(t)
	w.refused(t, v.post(w.signIn(v, w.authorize(w.link), "anna")), "wrong_key")
	w.call(t, http.MethodPatch, "/connections/"+w.link.ID,
		map[string]any{"saml": map[string]any{"idp_metadata_xml": w.metadata(t)}}, nil)
	w.whoIs(t, "anna")
	w.idp.administer(t, http.MethodDelete, unknown, nil, nil)
	w.whoIs(t, "anna")
}
