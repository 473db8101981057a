package portal_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/setup"
	"rollcall/model/store"
)

// page is a document at an address of the identity provider, which can be replaced.
type page struct{ text atomic.Value }

func (p *page) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, p.text.Load().(string))
}

// provide serves a document that can be replaced, and returns its address.
func (s *site) provide(path, document string) (*page, string) {
	p := &page{}
	p.text.Store(document)
	s.documents.Handle(path, p)
	return p, s.idp.URL + path
}

// putToUse puts the only connection into a state in which it is no draft.
func (s *site) putToUse(state connection.ConnectionState) {
	s.t.Helper()
	for _, to := range []connection.ConnectionState{connection.ConnectionInactive, state} {
		_, err := connection.In(s.org).SwitchConnection(s.t.Context(), s.connections()[0].ID, to)
		must(s.t, err)
	}
}

// certificateOf is the certificate of metadata, in PEM.
func certificateOf(document string) string {
	_, rest, _ := strings.Cut(document, "X509Certificate>")
	encoded, _, _ := strings.Cut(rest, "<")
	return "-----BEGIN CERTIFICATE-----\n" + encoded + "\n-----END CERTIFICATE-----"
}

const notServed = "A certificate that its metadata address does not serve is added by the organization&#39;s " +
	"administrator or by the application&#39;s operator: send them the file."

// refusedAll sends forms that must change nothing of the only connection.
func (b *browser) refusedAll(what string, forms map[string]url.Values) {
	b.t.Helper()
	before := b.connections()[0]
	for name, form := range forms {
		a := b.enter(form)
		if a.status != http.StatusBadRequest || !strings.Contains(a.page, `-problem">`) {
			b.t.Errorf("%s, %s: %d to %q", what, name, a.status, a.location)
		}
		if after := b.connections()[0]; !reflect.DeepEqual(after, before) {
			b.t.Errorf("%s, %s: before %+v, after %+v", what, name, before, after)
		}
	}
}

// takeovers are forms by which somebody else's key would be trusted.
func (s *site) takeovers(path string) map[string]url.Values {
	c := s.connections()[0]
	thief := s.metadata("okta") // the same entity ID and addresses, another key
	elsewhere := strings.ReplaceAll(thief, c.IDPSSORedirectURL, "https://evil.example/sso")
	_, published := s.provide(path, thief)
	return map[string]url.Values{
		"another key":                {"metadata": {thief}},
		"another key, from its page": {"metadata": {published}},
		"another address":            {"metadata": {elsewhere}},
		"another provider":           {"metadata": {s.metadata("other")}},
		"a certificate":              {"certificates": {certificateOf(thief)}},
		"an address by hand":         {"sso_url": {"https://evil.example/sso"}},
		"an entity ID by hand":       {"entity_id": {"https://evil.example"}},
		"all by hand": {"entity_id": {c.IDPEntityID}, "sso_url": {"https://evil.example/sso"},
			"certificates": {certificateOf(thief)}},
	}
}

// TestConnectionInUseKeepsItsProvider: who has a link cannot have another key trusted, nor people
// sent elsewhere, whether the connection is on or off.
func TestConnectionInUseKeepsItsProvider(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.visitor(setup.ScopeSSO)
		b.choose("okta", "SAML")
		_, address := s.provide("/okta", s.metadata("okta"))
		b.leads(b.enter(url.Values{"metadata": {address}}), "/setup/sso#known")
		renew := s.visitorOf([]setup.Scope{setup.ScopeCertificate})
		renew.refusedAll("a draft", s.takeovers("/thief"))
		for _, state := range []connection.ConnectionState{connection.ConnectionInactive, connection.ConnectionActive} {
			s.putToUse(state)
			forms := s.takeovers("/thief-" + string(state))
			b.refusedAll(string(state)+", sso", forms)
			renew.refusedAll(string(state)+", certificate", forms)
			b.shows(b.upload(forms["another key"].Get("metadata")), http.StatusBadRequest, "metadata-problem",
				notServed)
			b.shows(b.enter(forms["a certificate"]), http.StatusBadRequest, "certificates-problem", notServed)
			b.shows(b.enter(forms["another provider"]), http.StatusBadRequest, "metadata-problem", "another entity ID",
				"gets a connection of its own")
			b.shows(b.enter(forms["an address by hand"]), http.StatusBadRequest, "sso_url-problem")
			renew.shows(renew.enter(forms["another address"]), http.StatusBadRequest, "renews certificates only")
		}
	})
}

// TestCertificateThatIsServed is added to a connection that is in use. Nothing else of it changes,
// and no certificate goes.
func TestCertificateThatIsServed(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.visitor(setup.ScopeSSO)
		b.choose("okta", "SAML")
		source, address := s.provide("/okta", s.metadata("okta"))
		b.leads(b.enter(url.Values{"metadata": {address}}), "/setup/sso#known")
		s.putToUse(connection.ConnectionActive)
		renew := s.visitorOf([]setup.Scope{setup.ScopeCertificate})
		renew.leads(renew.get("/setup"), "/setup/test")
		if page := renew.get("/setup/sso").page; strings.Contains(page, "<ol class=\"do\">") ||
			!strings.Contains(page, "Renew the certificate") {
			t.Errorf("the page is %s", page)
		}
		want := s.connections()[0]
		for i, who := range []*browser{b, renew.browser} {
			next := s.metadata("okta")
			source.text.Store(next)
			form := url.Values{"metadata": {next}}
			if i == 1 {
				form = url.Values{"certificates": {certificateOf(next)}}
			}
			who.leads(who.enter(form), "/setup/sso#known")
			after := s.connections()[0]
			want.IDPCertificates = append(want.IDPCertificates, strings.TrimSpace(after.IDPCertificates[i+1])+"\n")
			if encoded := certificateOf(next); len(after.IDPCertificates) != i+2 ||
				!strings.Contains(encoded, strings.Split(after.IDPCertificates[i+1], "\n")[1]) {
				t.Errorf("%d: the certificates are %q", i, after.IDPCertificates)
			}
			want.UpdatedAt, want.CertificatesDueAt = after.UpdatedAt, after.CertificatesDueAt
			if !reflect.DeepEqual(after, want) {
				t.Errorf("%d: got  %+v\nwant %+v", i, after, want)
			}
			who.leads(who.enter(form), "/setup/sso#known") // once more changes nothing
		}
		var actors []model.Actor
		es, _, err := s.store.Events(t.Context(), model.Everywhere(), store.EventQuery{OrganizationID: s.org.ID,
			Page: model.Page{Ascending: true, Limit: 100}})
		must(t, err)
		for _, e := range es {
			if e.Type == connection.CertificatesChanged {
				actors = append(actors, e.Actor)
			}
		}
		if n := len(actors); n < 2 || actors[n-1] != renew.link.Actor() || actors[n-2] == actors[n-1] {
			t.Errorf("the certificates were changed by %q", actors)
		}
		source.text.Store("<html>Maintenance</html>")
		renew.shows(renew.enter(url.Values{"certificates": {certificateOf(s.metadata("okta"))}}),
			http.StatusBadRequest, "certificates-problem", "could not be read", "send them the file.")
	})
}

// TestCertificatesWithoutAnAddress: nothing says that a certificate is the identity provider's.
func TestCertificatesWithoutAnAddress(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.visitor(setup.ScopeSSO)
		b.choose("okta", "SAML")
		b.leads(b.enter(url.Values{"metadata": {s.metadata("okta")}}), "/setup/sso#known")
		s.putToUse(connection.ConnectionActive)
		renew := s.visitorOf([]setup.Scope{setup.ScopeCertificate})
		for _, who := range []*browser{b, renew.browser} {
			who.shows(who.get("/setup/sso"), http.StatusOK, "It has no metadata address")
			who.shows(who.enter(url.Values{"metadata": {s.metadata("okta")}}), http.StatusBadRequest,
				"metadata-problem", "has no metadata address", "send them the file.")
		}
		if got := s.connections()[0].IDPCertificates; len(got) != 1 {
			t.Errorf("%d certificates", len(got))
		}
	})
}

// TestCertificatesAreRemovedOfADraftOnly by the link that describes it, and never the last one.
func TestCertificatesAreRemovedOfADraftOnly(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.visitor(setup.ScopeSSO)
		b.choose("okta", "SAML")
		first, second, third := s.metadata("okta"), s.metadata("okta"), s.metadata("okta")
		b.leads(b.enter(url.Values{"metadata": {first}}), "/setup/sso#known")
		b.leads(b.enter(url.Values{"certificates": {certificateOf(first) + "\n" + certificateOf(second) + "\n" +
			certificateOf(third)}}), "/setup/sso#known")
		c := s.connections()[0]
		list := c.Certificates(s.clock.Now())
		remove := func(i int) string { return "/setup/sso/certificates/" + list[i].Fingerprint + "/remove" }
		renew := s.visitorOf([]setup.Scope{setup.ScopeCertificate})
		renew.shows(renew.post(remove(0), nil), http.StatusConflict, "renews certificates only")
		b.shows(b.get("/setup/sso"), http.StatusOK, remove(0))
		b.leads(b.post(remove(0), nil), "/setup/sso")
		for _, state := range []connection.ConnectionState{connection.ConnectionInactive, connection.ConnectionActive} {
			s.putToUse(state)
			b.shows(b.post(remove(1), nil), http.StatusConflict, "This connection is in use")
			if page := b.get("/setup/sso").page; strings.Contains(page, "/remove") {
				t.Errorf("%s: a button would be refused: %s", state, page)
			}
		}
		if got := s.connections()[0].IDPCertificates; len(got) != 2 || got[0] != c.IDPCertificates[1] {
			t.Errorf("%d certificates are left", len(got))
		}
		s.org = s.newOrganization("Contoso")
		other := s.visitorOf([]setup.Scope{setup.ScopeSSO})
		other.choose("okta", "SAML")
		other.leads(other.enter(url.Values{"metadata": {first}}), "/setup/sso#known")
		c = s.connections()[0]
		list = c.Certificates(s.clock.Now())
		other.shows(other.post(remove(0), nil), http.StatusConflict, "only certificate")
	})
}

// TestDraftTurnedOnMeanwhile: while metadata is fetched, a draft may be put to use. What was
// allowed for the draft is then refused.
func TestDraftTurnedOnMeanwhile(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.visitor(setup.ScopeSSO)
		b.choose("okta", "SAML")
		b.leads(b.enter(url.Values{"metadata": {s.metadata("okta")}}), "/setup/sso#known")
		thief := s.metadata("okta")
		s.documents.HandleFunc("/slow", func(w http.ResponseWriter, _ *http.Request) {
			s.putToUse(connection.ConnectionActive)
			_, _ = io.WriteString(w, thief)
		})
		before := s.connections()[0].ConnectionFields
		b.shows(b.enter(url.Values{"metadata": {s.idp.URL + "/slow"}}), http.StatusConflict, "meanwhile")
		after := s.connections()[0]
		if after.State != connection.ConnectionActive || !reflect.DeepEqual(after.ConnectionFields, before) {
			t.Errorf("before %+v, after %+v", before, after)
		}
	})
}

// TestOpenIDConnectionInUse keeps its issuer and its client.
func TestOpenIDConnectionInUse(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.visitor(setup.ScopeSSO)
		b.choose("keycloak", "OpenID Connect")
		discovery := func(path string) string {
			issuer := s.idp.URL + path
			s.publish(path+"/.well-known/openid-configuration", fmt.Sprintf(`{"issuer":%q,"authorization_endpoint":%q,
				"token_endpoint":%q,"jwks_uri":%q,"response_types_supported":["code"],
				"subject_types_supported":["public"],"id_token_signing_alg_values_supported":["RS256"]}`,
				issuer, issuer+"/a", issuer+"/t", issuer+"/k"))
			return issuer
		}
		issuer, evil := discovery("/realm"), discovery("/evil")
		form := func(issuer, id, secret string) url.Values {
			return url.Values{"issuer": {issuer}, "client_id": {id}, "client_secret": {secret}}
		}
		b.leads(b.enter(form(issuer, "id", "secret")), "/setup/sso#known")
		renew := s.visitorOf([]setup.Scope{setup.ScopeCertificate})
		for _, state := range []connection.ConnectionState{connection.ConnectionInactive, connection.ConnectionActive} {
			s.putToUse(state)
			for field, entered := range map[string]url.Values{"issuer": form(evil, "id", "mine"),
				"client_id": form(issuer, "other", ""), "client_secret": form(issuer, "id", "mine")} {
				b.refusedAll(string(state), map[string]url.Values{field: entered})
				b.shows(b.enter(entered), http.StatusBadRequest, field+"-problem", "is in use",
					"application&#39;s operator")
				entered.Set("version", versionField.FindStringSubmatch(b.get("/setup/sso").page)[1])
				renew.shows(renew.post("/setup/sso", entered), http.StatusBadRequest, "renews certificates only")
			}
			b.leads(b.enter(form(issuer, "id", "")), "/setup/sso#known") // changes nothing
		}
		if c := s.connections()[0]; c.State != connection.ConnectionActive || c.IDPEntityID != issuer {
			t.Errorf("the connection is %s", model.ConnectionPrefix.ID(c.ID))
		}
	})
}
