package portal_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"rollcall/guide"
	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/setup"
	"rollcall/testidp"
)

// metadata is the SAML metadata of an identity provider, with new keys each time.
func (s *site) metadata(name string) string {
	s.t.Helper()
	server, err := testidp.New(testidp.Options{BaseURL: "https://" + name + ".example", Now: s.clock.Now,
		Applications: []testidp.ApplicationOptions{{Name: name, Domain: name + ".example"}}})
	must(s.t, err)
	return string(server.Applications()[0].SAMLMetadata())
}

// publish serves a document at the identity provider's host and returns its address.
func (s *site) publish(path, document string) string {
	s.documents.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, document) })
	return s.idp.URL + path
}

// connections are the connections of the organization, oldest first.
func (s *site) connections() []connection.Connection {
	s.t.Helper()
	cs, _, err := connection.Across(s.store).Connections(s.t.Context(), model.Everywhere(),
		connection.ConnectionQuery{OrganizationID: s.org.ID, Page: model.Page{Limit: 100, Ascending: true}})
	must(s.t, err)
	return cs
}

// choose chooses an identity provider over a protocol.
func (b *browser) choose(slug, protocol string) {
	b.t.Helper()
	b.leads(b.post("/setup/provider", url.Values{"provider": {slug}, "protocol": {protocol}}), "/setup/sso")
}

var versionField = regexp.MustCompile(`name="version" value="([0-9a-f]+)"`)

// enter saves the page of the connection with what a form has.
func (b *browser) enter(form url.Values) answer {
	b.t.Helper()
	found := versionField.FindStringSubmatch(b.get("/setup/sso").page)
	if found == nil {
		b.t.Fatal("the page has no form")
	}
	form.Set("version", found[1])
	return b.post("/setup/sso", form)
}

func TestProviderIsChosen(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.visitor(setup.ScopeSSO)
		b.leads(b.get("/setup"), "/setup/provider")
		page := b.get("/setup/provider").page
		for _, p := range guide.Providers {
			if !strings.Contains(page, "/setup/provider?choose="+p.Slug+`"`) {
				t.Errorf("there is no tile for %s", p.Name)
			}
		}
		found := b.get("/setup/provider?q=ENTRA").page
		if !strings.Contains(found, "choose=entra") || strings.Contains(found, "choose=okta") {
			t.Errorf("searching shows %s", found)
		}
		b.shows(b.get("/setup/provider?q=%3Cb%3E"), http.StatusOK, "has “&lt;b&gt;” in its name")
		b.shows(b.get("/setup/provider?choose=okta"), http.StatusOK, "SAML (proposed)", "cannot provision")
		b.shows(b.post("/setup/provider", url.Values{"provider": {"okta"}, "protocol": {"LDAP"}}),
			http.StatusBadRequest,
			"<title>Error: ")
		b.choose("okta", "SAML")
		b.enter(url.Values{"metadata": {s.metadata("okta")}})
		b.choose("entra", "SAML")
		b.choose("okta", "SAML")
		cs := s.connections()
		if len(cs) != 2 || cs[0].Type != "OktaSAML" || !cs[0].ActivatedByHand ||
			cs[0].State != connection.ConnectionDraft ||
			!cs[0].HasProvider() || cs[1].SubjectAttribute != connection.EntraObjectID {
			t.Errorf("connections %+v", cs)
		}
		b.shows(b.get("/setup/provider"), http.StatusOK, "Already there", "Microsoft Entra ID")
		b.leads(b.post("/setup/provider", url.Values{"connection": {model.ConnectionPrefix.ID(cs[1].ID)}}),
			"/setup/sso")
		b.shows(b.get("/setup/sso"), http.StatusOK, "Microsoft Entra ID over SAML")
	})
}

// TestEveryGuideIsShown with the values of the connection filled in.
func TestEveryGuideIsShown(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		for _, p := range guide.Providers {
			for _, on := range p.SignOn {
				s.org = s.newOrganization(p.Slug + " " + on.Connection)
				l := s.visitorOf([]setup.Scope{setup.ScopeSSO})
				l.choose(p.Slug, on.Protocol)
				page := l.get("/setup/sso").page
				path := "/acs"
				if on.Protocol != "SAML" {
					path = "/callback"
				}
				id := model.ConnectionPrefix.ID(s.connections()[0].ID)
				if !strings.Contains(page, id+path) && !strings.Contains(page, id+"/metadata") ||
					!strings.Contains(page, "Screens as of November 2026") || strings.Contains(page,
					"<code data-value translate=\"no\"></code>") {
					t.Errorf("%s over %s: %s", p.Name, on.Protocol, page)
				}
				if l.get("/setup").location != "/setup/sso" {
					t.Errorf("%s over %s: choosing it is not done", p.Name, on.Protocol)
				}
			}
		}
	})
}

// TestMetadataIsTakenInAnyForm: the one field takes its address and its text, and a file may be
// uploaded instead.
func TestMetadataIsTakenInAnyForm(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.visitor(setup.ScopeSSO)
		b.choose("keycloak", "SAML")
		document := s.metadata("keycloak")
		_, certificate, _ := strings.Cut(document, "X509Certificate>")
		certificate, _, _ = strings.Cut(certificate, "</")
		saved := func(what string, a answer, address string) {
			t.Helper()
			b.leads(a, "/setup/sso#known")
			c := s.connections()[0]
			if !c.HasProvider() || len(c.IDPCertificates) != 1 || c.IDPMetadataURL != address {
				t.Errorf("%s: %+v", what, c.ConnectionFields)
			}
			b.shows(b.get("/setup/sso"), http.StatusOK, "What is stored", c.IDPEntityID, "Valid")
		}
		saved("the text", b.enter(url.Values{"metadata": {document}}), "")
		address := s.publish("/metadata", document)
		saved("the address", b.enter(url.Values{"metadata": {" " + address + "\n"}}), address)
		saved("a file", b.upload(document), "")
		saved("by hand", b.enter(url.Values{"entity_id": {"https://keycloak.example/by-hand"},
			"sso_url": {"https://keycloak.example/sso"}, "certificates": {certificate}}), "")
		b.leads(b.get("/setup"), "/setup/test")
	})
}

// upload sends metadata as a file.
func (b *browser) upload(document string) answer {
	b.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	must(b.t, w.WriteField("version", versionField.FindStringSubmatch(b.get("/setup/sso").page)[1]))
	must(b.t, w.WriteField("metadata", ""))
	file, err := w.CreateFormFile("file", "metadata.xml")
	must(b.t, err)
	_, err = io.WriteString(file, document)
	must(b.t, err)
	must(b.t, w.Close())
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.url+"/setup/sso", &body)
	must(b.t, err)
	r.Header.Set("Content-Type", w.FormDataContentType())
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	response, err := b.http.Do(r)
	must(b.t, err)
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	must(b.t, err)
	return answer{response.StatusCode, response.Header.Get("Location"), string(page), response.Header}
}

// apiNames are names that no visitor has ever seen.
var apiNames = regexp.MustCompile(`idp_[a-z_]+|saml\.|oidc\.|ROLLCALL`)

// TestRefusedMetadata is named for what it is, beside its field, and what was entered stays.
func TestRefusedMetadata(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.visitor(setup.ScopeSSO)
		b.choose("okta", "SAML")
		page := s.publish("/admin", "<!doctype html><html><title>Okta</title></html>")
		one, two := s.metadata("one"), s.metadata("two")
		several := `<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">` +
			one[strings.Index(one, "?>")+2:] + two[strings.Index(two, "?>")+2:] + "</md:EntitiesDescriptor>"
		for name, c := range map[string]struct {
			form        url.Values
			field, text string
		}{
			"nothing":       {url.Values{}, "metadata", "Enter the address of the metadata"},
			"an admin page": {url.Values{"metadata": {page}}, "metadata", "page"},
			"a page's text": {url.Values{"metadata": {"<!doctype html><html></html>"}}, "metadata", "web page"},
			"an unreachable host": {url.Values{"metadata": {"https://10.1.2.3/metadata"}}, "metadata",
				"paste the metadata itself"},
			"no metadata": {url.Values{"metadata": {"hello"}}, "metadata", "Received: "},
			"several":     {url.Values{"metadata": {several}}, "entity_id", "Choose one by its entity ID"},
			"a wrong address by hand": {url.Values{"entity_id": {"x"}, "sso_url": {"ftp://idp.example"},
				"certificates": {"x"}}, "certificates", "number 1"},
			"no address by hand": {url.Values{"entity_id": {"x"}}, "sso_url", "sign-on address is required"},
		} {
			a := b.enter(c.form)
			b.shows(a, http.StatusBadRequest, "<title>Error: ", `id="`+c.field+`-problem"`, c.text)
			if entered := c.form.Get("metadata"); entered != "" && !strings.Contains(a.page, htmlText(entered)) {
				t.Errorf("%s: what was entered is gone: %s", name, a.page)
			}
			_, problem, _ := strings.Cut(a.page, `-problem">`)
			problem, _, _ = strings.Cut(problem, "</p>")
			if found := apiNames.FindString(problem); found != "" {
				t.Errorf("%s: a visitor reads %q: %s", name, found, problem)
			}
		}
		b.leads(b.enter(url.Values{"metadata": {several}, "entity_id": {entityID.FindStringSubmatch(two)[1]}}),
			"/setup/sso#known")
	})
}

var entityID = regexp.MustCompile(`entityID="([^"]+)"`)

// htmlText is a text as a page has it.
func htmlText(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;", "+",
		"&#43;").Replace(text)
}

// TestOpenIDProvider: its discovery is read at once, a slash is mended, and the secret is never
// shown.
func TestOpenIDProvider(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.visitor(setup.ScopeSSO)
		b.choose("keycloak", "OpenID Connect")
		issuer := s.idp.URL + "/realm/"
		s.publish("/realm/.well-known/openid-configuration", fmt.Sprintf(`{"issuer":%q,"authorization_endpoint":%q,
			"token_endpoint":%q,"jwks_uri":%q,"response_types_supported":["code"],"subject_types_supported":["public"],
			"id_token_signing_alg_values_supported":["RS256"]}`, issuer, issuer+"a", issuer+"t", issuer+"k"))
		form := func(issuer, id, secret string) url.Values {
			return url.Values{"issuer": {issuer}, "client_id": {id}, "client_secret": {secret}}
		}
		for field, c := range map[string]url.Values{
			"issuer": form("", "id", "secret"), "client_id": form(issuer, "", "secret"), "client_secret": form(issuer,
				"id", ""),
		} {
			b.shows(b.enter(c), http.StatusBadRequest, "<title>Error: ", `id="`+field+`-problem"`)
		}
		b.shows(b.enter(form(s.idp.URL+"/nothing", "id", "secret")), http.StatusBadRequest, `id="issuer-problem"`,
			"no discovery document below the issuer", `value="`+s.idp.URL+`/nothing"`)
		for _, given := range []string{strings.TrimSuffix(issuer, "/"), issuer, issuer +
			".well-known/openid-configuration"} {
			a := b.enter(form(given, "id", "the-secret"))
			b.leads(a, "/setup/sso#known")
			if c := s.connections()[0]; c.IDPEntityID != issuer || c.OIDCClientID != "id" ||
				len(c.OIDCClientSecret) == 0 {
				t.Errorf("%s: %+v", given, c.ConnectionFields)
			}
		}
		before := s.connections()[0].OIDCClientSecret
		b.leads(b.enter(form(issuer, "other", "")), "/setup/sso#known")
		if c := s.connections()[0]; c.OIDCClientID != "other" || !bytes.Equal(c.OIDCClientSecret, before) {
			t.Error("an empty field replaces the secret")
		}
		if page := b.get("/setup/sso").page; strings.Contains(page, "the-secret") {
			t.Error("the page shows the secret")
		}
	})
}

// TestTwoAtOneConnection never overwrite each other unseen.
func TestTwoAtOneConnection(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		first := s.visitorOf([]setup.Scope{setup.ScopeSSO})
		first.choose("okta", "SAML")
		opened := versionField.FindStringSubmatch(first.get("/setup/sso").page)[1]
		second := s.visitorOf([]setup.Scope{setup.ScopeSSO})
		second.leads(second.enter(url.Values{"metadata": {s.metadata("second")}}), "/setup/sso#known")
		mine := s.metadata("mine")
		a := first.post("/setup/sso", url.Values{"metadata": {mine}, "version": {opened}})
		first.shows(a, http.StatusConflict, "Somebody else has changed", "https://second.example",
			"https://mine.example")
		if got := s.connections()[0].IDPEntityID; !strings.HasPrefix(got, "https://second.example") {
			t.Errorf("the entity ID is %s", got)
		}
		first.leads(first.enter(url.Values{"metadata": {mine}}), "/setup/sso#known")
	})
}
