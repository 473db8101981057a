package api_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model/modeltest"
	"rollcall/testidp"
	"rollcall/web"
)

// host is a TLS server on which identity providers publish their metadata. It is the only private
// address that the server under test may reach.
type host struct {
	*httptest.Server
	documents *http.ServeMux
	dns       *modeltest.DNS
}

func newHost(t *testing.T) *host {
	h := &host{documents: http.NewServeMux(), dns: modeltest.NewDNS(t)}
	h.Server = httptest.NewTLSServer(h.documents)
	t.Cleanup(h.Close)
	return h
}

func (h *host) outbound() *web.Outbound {
	roots := x509.NewCertPool()
	roots.AddCert(h.Certificate())
	return web.NewOutbound(web.OutboundOptions{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
		Roots: roots, Timeout: 2 * time.Second})
}

// text publishes a document and returns its address.
func (h *host) text(path, document string) string {
	return h.handle(path, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, document) })
}

func (h *host) handle(path string, answer http.HandlerFunc) string {
	h.documents.HandleFunc(path, answer)
	return h.URL + path
}

// aggregate is metadata of several identity providers in one document.
func aggregate(t *testing.T, numbers ...int) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(`<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">`)
	for _, n := range numbers {
		_, entity, _ := strings.Cut(metadata(t, n), "?>")
		b.WriteString(entity)
	}
	b.WriteString(`</md:EntitiesDescriptor>`)
	return b.String()
}

func pemOf(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

// unusable is a certificate with a key of an algorithm that SAML does not have.
func unusable(t *testing.T) string {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	return pemOf(must[*x509.Certificate](t)(x509.ParseCertificate(
		must[[]byte](t)(x509.CreateCertificate(rand.Reader, template, template, public, private)))))
}

// byHand are the fields of an identity provider that an administrator copies by hand.
func byHand(a *testidp.Application) object {
	return object{"idp_entity_id": a.SAMLEntityID(), "idp_sso_url": a.SAMLSignOnURL(),
		"idp_certificates": []string{pemOf(a.Certificate())}}
}

// TestIdentityProvider describes an identity provider in every possible way, when a connection is
// created and later.
func TestIdentityProvider(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		organization := w.tenant(w.client, "contoso").organization
		first, second := idp(t, 0), idp(t, 1)
		address := w.idp.text("/metadata", metadata(t, 1))
		several := w.idp.text("/several", aggregate(t, 0, 1))
		moved := w.idp.handle("/moved", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/metadata", http.StatusFound)
		})
		changed := "/connections/" + w.connect(w.client, organization, nil).text("id")
		bare := base64.StdEncoding.EncodeToString(second.Certificate().Raw)
		for _, test := range []struct {
			name string
			saml object
			url  any // idp_metadata_url in the answer
		}{
			{"metadata", object{"idp_metadata_xml": metadata(t, 1)}, nil},
			{"metadata of which one is chosen",
				object{"idp_metadata_xml": aggregate(t, 0, 1), "idp_entity_id": second.SAMLEntityID()}, nil},
			{"metadata that is the chosen one's",
				object{"idp_metadata_xml": metadata(t, 1), "idp_entity_id": second.SAMLEntityID()}, nil},
			{"an address", object{"idp_metadata_url": address}, address},
			{"an address of several", object{"idp_metadata_url": several, "idp_entity_id": second.SAMLEntityID()},
				several},
			{"an address that moved", object{"idp_metadata_url": moved}, moved},
			{"with nulls", object{"idp_metadata_url": address, "idp_metadata_xml": nil, "idp_sso_url": nil,
				"idp_certificates": nil}, address},
			{"fields by hand", byHand(second), nil},
			{"a certificate without its frame, twice",
				object{"idp_entity_id": second.SAMLEntityID(), "idp_sso_url": second.SAMLSignOnURL(),
					"idp_certificates": []string{bare, pemOf(second.Certificate())}}, nil},
		} {
			t.Run(test.name, func(t *testing.T) {
				created := w.connect(w.client, organization, object{"saml": test.saml})
				w.want(200, "PATCH", changed, object{"saml": object{"idp_metadata_xml": metadata(t, 0)}})
				w.want(200, "PATCH", changed, object{"saml": test.saml})
				for _, o := range []object{created, w.get(changed)} {
					saml := object(o["saml"].(map[string]any))
					certificates, _ := saml["idp_certificates"].([]any)
					if saml["idp_entity_id"] != second.SAMLEntityID() ||
						saml["idp_sso_url"] != second.SAMLSignOnURL() || saml["idp_metadata_url"] != test.url ||
						len(certificates) != 1 ||
						saml.text("idp_certificates.0.fingerprint_sha256") != fingerprint(second.Certificate()) {
						t.Errorf("got %v", saml)
					}
				}
			})
		}
		t.Run("certificates alone are changed by hand, and the address is forgotten", func(t *testing.T) {
			o := w.connect(w.client, organization, object{"saml": object{"idp_metadata_url": address}})
			o = w.want(200, "PATCH", "/connections/"+o.text("id"), object{"saml": object{
				"idp_certificates": []string{pemOf(first.Certificate()), pemOf(second.Certificate())}}})
			if o.text("saml.idp_entity_id") != second.SAMLEntityID() || o.at("saml.idp_metadata_url") != nil ||
				o.text("saml.idp_certificates.0.fingerprint_sha256") != fingerprint(first.Certificate()) ||
				o.text("saml.idp_certificates.1.fingerprint_sha256") != fingerprint(second.Certificate()) {
				t.Errorf("got %v", o["saml"])
			}
		})
	})
}

// TestBadIdentityProvider expects an error with the field and an explanation, and no change. No
// answer contains what another server answered.
func TestBadIdentityProvider(t *testing.T) {
	t.Parallel()
	const inside = "the inside's own words"
	each(t, func(t *testing.T, w *world) {
		organization := w.tenant(w.client, "contoso").organization
		path := "/connections/" + w.connect(w.client, organization, nil).text("id")
		before := w.get("/connections")
		genuine := metadata(t, 0)
		url := func(address string) object { return object{"idp_metadata_url": address} }
		xml := func(document string) object { return object{"idp_metadata_xml": document} }
		hand := func(name string, value any) object { o := byHand(idp(t, 1)); o[name] = value; return o }

		stranger := httptest.NewUnstartedServer(http.NotFoundHandler())
		stranger.TLS = &tls.Config{Certificates: []tls.Certificate{
			{Certificate: [][]byte{idp(t, 0).Certificate().Raw}, PrivateKey: idp(t, 0).Signer()}}}
		stranger.Config.ErrorLog = log.New(io.Discard, "", 0) // the handshake fails on purpose
		stranger.StartTLS()
		defer stranger.Close()
		gone := httptest.NewServer(http.NotFoundHandler())
		gone.Close()
		port := w.idp.URL[strings.LastIndex(w.idp.URL, ":"):]
		redirect := func(name, to string) object {
			return url(w.idp.handle(name, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, to, http.StatusFound)
			}))
		}
		for _, test := range []struct {
			name        string
			saml        any
			field, text string // of the error; a part of the message
		}{
			{"the wrong type", "https://idp.example", "saml", "wrong type"},
			{"two ways", object{"idp_metadata_xml": genuine, "idp_metadata_url": w.idp.URL}, "saml",
				"send idp_metadata_url, or"},
			{"two ways at once", object{"idp_metadata_xml": genuine, "idp_sso_url": "https://idp.example"}, "saml",
				"send idp_metadata_url, or"},

			{"an empty document", xml(""), "saml.idp_metadata_xml", "not SAML metadata"},
			{"a document of another type", object{"idp_metadata_xml": 1}, "saml.idp_metadata_xml", "wrong type"},
			{"no XML", xml("entity"), "saml.idp_metadata_xml", ""},
			{"XML of something else", xml("<a/>"), "saml.idp_metadata_xml", "not SAML metadata"},
			{"a web page", xml("<!DOCTYPE html><html>"), "saml.idp_metadata_xml", "web page"},
			{"a certificate for metadata", xml(pemOf(idp(t, 0).Certificate())), "saml.idp_metadata_xml", "certificate"},
			{"an address for metadata", xml("https://idp.example/metadata"), "saml.idp_metadata_xml", "address"},
			{"an entity", xml(`<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>` + genuine),
				"saml.idp_metadata_xml", ""},
			{"a service provider's", xml(strings.ReplaceAll(genuine, "IDPSSODescriptor", "SPSSODescriptor")),
				"saml.idp_metadata_xml", "service provider"},
			{"metadata that has expired", xml(strings.Replace(genuine, "entityID=",
				`validUntil="2020-01-01T00:00:00Z" entityID=`, 1)), "saml.idp_metadata_xml", "2020-01-01"},
			{"metadata without a key", xml(strings.ReplaceAll(genuine, `use="signing"`, `use="encryption"`)),
				"saml.idp_metadata_xml", "certificate"},
			{"metadata with a script for an address", xml(
				strings.ReplaceAll(genuine, `Location="http:`, `Location="javascript:`)), "saml.idp_metadata_xml", ""},
			{"metadata with a password in an address", xml(strings.ReplaceAll(genuine, `Location="http://`,
				`Location="http://a:b@`)), "saml.idp_metadata_xml", "address"},
			{"metadata with a plain address", xml(strings.ReplaceAll(genuine, `Location="http://127.0.0.1:9090`,
				`Location="http://idp.example`)), "saml.idp_sso_url", "https"},
			{"several and none chosen", xml(aggregate(t, 0, 1)), "saml.idp_entity_id", idp(t, 0).SAMLEntityID()},
			{"several and another chosen", object{"idp_metadata_xml": aggregate(t, 0, 1),
				"idp_entity_id": "https://other.example"}, "saml.idp_entity_id", idp(t, 1).SAMLEntityID()},

			{"an empty entity ID", hand("idp_entity_id", ""), "saml.idp_entity_id", "required"},
			{"an entity ID without end", hand("idp_entity_id", strings.Repeat("x", 501)), "saml.idp_entity_id", "500"},
			{"a script for a logout address", hand("idp_slo_url", "javascript:alert(1)"), "saml.idp_slo_url", ""},
			{"a plain logout address", hand("idp_slo_url", "http://idp.example/slo"), "saml.idp_slo_url", "https"},
			{"a logout address with metadata", object{"idp_metadata_xml": genuine,
				"idp_slo_url": "https://idp.example"}, "saml", "send idp_metadata_url, or"},
			{"an empty address", hand("idp_sso_url", ""), "saml.idp_sso_url", "required"},
			{"a script for an address", hand("idp_sso_url", "javascript:alert(1)"), "saml.idp_sso_url", ""},
			{"a plain address", hand("idp_sso_url", "http://idp.example/sso"), "saml.idp_sso_url", "https"},
			{"no certificate", hand("idp_certificates", []string{}), "saml.idp_certificates", ""},
			{"a certificate that is none", hand("idp_certificates", []string{pemOf(idp(t, 1).Certificate()), "MIIB"}),
				"saml.idp_certificates", "X.509"},
			{"a private key", hand("idp_certificates", []string{
				"-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----"}), "saml.idp_certificates", "X.509"},
			{"a certificate with a key of no use", hand("idp_certificates", []string{unusable(t)}),
				"saml.idp_certificates", "RSA"},
			{"two certificates in one", hand("idp_certificates", []string{
				pemOf(idp(t, 0).Certificate()) + pemOf(idp(t, 1).Certificate())}), "saml.idp_certificates", "several"},
			{"certificates of the wrong type", hand("idp_certificates", "MIIB"), "saml.idp_certificates", "wrong type"},

			{"an address of another scheme", url("file:///etc/passwd"), "saml.idp_metadata_url", "https"},
			{"an address that is none", url("http://[::1"), "saml.idp_metadata_url", "URL"},
			{"an empty metadata address", url(""), "saml.idp_metadata_url", "https"},
			{"an address without end", url(w.idp.URL + "/" + strings.Repeat("x", 2048)),
				"saml.idp_metadata_url", "2048"},
			{"an address with a password", url(strings.Replace(w.idp.URL, "//", "//a:b@", 1)),
				"saml.idp_metadata_url", "password"},
			{"an address of the inside", url("https://127.0.0.2" + port + "/metadata"),
				"saml.idp_metadata_url", "not public"},
			{"a plain one of the inside", url("http://127.0.0.2" + port), "saml.idp_metadata_url", "not public"},
			{"a way to the inside", redirect("/away", "https://127.0.0.2"+port), "saml.idp_metadata_url", "not public"},
			{"a way without end", redirect("/round", "/round"), "saml.idp_metadata_url", "redirects"},
			{"an address of nothing", url(w.idp.URL + "/nothing"), "saml.idp_metadata_url", "404"},
			{"a host that is gone", url(gone.URL), "saml.idp_metadata_url", "cannot be reached"},
			{"a host of no trust", url(stranger.URL), "saml.idp_metadata_url", "not trusted"},
			{"a page behind an address", url(w.idp.text("/page", "<html>"+inside)),
				"saml.idp_metadata_url", "web page"},
			{"another document behind one", url(w.idp.text("/text", inside)), "saml.idp_metadata_url", ""},
			{"an answer too large", url(w.idp.text("/large", strings.Repeat(inside, 100_000))),
				"saml.idp_metadata_url", "larger than"},
			{"an answer that breaks off", url(w.idp.handle("/half", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "1000")
				_, _ = io.WriteString(w, inside)
			})), "saml.idp_metadata_url", "breaks off"},
			{"an answer that does not come", url(w.idp.handle("/slow", func(_ http.ResponseWriter, r *http.Request) {
				<-r.Context().Done()
			})), "saml.idp_metadata_url", "in time"},
		} {
			t.Run(test.name, func(t *testing.T) {
				calls := map[string]string{"POST": "/connections", "PATCH": path}
				for method, path := range calls {
					body := object{"organization_id": organization, "name": "Renamed", "connection_type": "GenericSAML",
						"saml": test.saml}
					status, _, o := w.send(method, path, body)
					if status != 422 || o.text("code") != "invalid_request_parameters" ||
						o.text("errors.0.field") != test.field || !strings.Contains(o.text("message"), test.text) {
						t.Errorf("%s answers %d %v, want 422 about %q with %q", method, status, o,
							test.field, test.text)
					}
					if strings.Contains(o.text("message"), inside) {
						t.Errorf("%s tells what was fetched: %v", method, o)
					}
				}
			})
		}
		if diff := cmp.Diff(before, w.get("/connections")); diff != "" {
			t.Errorf("something was written: %s", diff)
		}
	})
}
