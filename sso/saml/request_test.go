package saml_test

import (
	"compress/flate"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"io"
	"net/url"
	"strings"
	"testing"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"rollcall/sso/saml"
)

// withKey returns the service provider with a key of its own.
func withKey(t *testing.T) saml.SP {
	t.Helper()
	key, certificate, err := saml.NewKey("con_1", now)
	if err != nil {
		t.Fatal(err)
	}
	own := sp
	own.Key, own.Certificate = key, certificate
	return own
}

func TestAuthnRequestByRedirect(t *testing.T) {
	t.Parallel()
	own := withKey(t)
	provider := saml.IDP{EntityID: idpID, SSORedirectURL: "https://idp.example/sso?tenant=a%2Fb",
		SSOPostURL: "https://idp.example/post"}
	const relayState = "a b&SAMLRequest=evil"
	r, err := own.AuthnRequest(provider,
		saml.RequestOptions{ID: requestID, RelayState: relayState, ForceAuthn: true, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	if r.Fields != nil {
		t.Errorf("got the fields %v", r.Fields)
	}
	u, err := url.Parse(r.URL)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	if len(query["SAMLRequest"]) != 1 || query.Get("RelayState") != relayState || query.Get("tenant") != "a/b" {
		t.Errorf("got %v", query)
	}
	// SAML Bindings §3.4.4.1: the signature is over the octets of the query as it is sent.
	octets, _, _ := strings.Cut(strings.TrimPrefix(u.RawQuery, "tenant=a%2Fb&"), "&Signature=")
	if query.Get("SigAlg") != dsig.RSASHA256SignatureMethod {
		t.Errorf("got SigAlg %q", query.Get("SigAlg"))
	}
	checkRSA(t, own.Certificate, octets, query.Get("Signature"))

	deflated, err := base64.StdEncoding.DecodeString(query.Get("SAMLRequest"))
	if err != nil {
		t.Fatal(err)
	}
	inflated, err := io.ReadAll(flate.NewReader(strings.NewReader(string(deflated))))
	if err != nil {
		t.Fatal(err)
	}
	checkRequest(t, string(inflated), provider.SSORedirectURL)
}

func checkRSA(t *testing.T, c *x509.Certificate, octets, encoded string) {
	t.Helper()
	signature, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(octets))
	if err := rsa.VerifyPKCS1v15(c.PublicKey.(*rsa.PublicKey), crypto.SHA256, sum[:], signature); err != nil {
		t.Error(err)
	}
}

func checkRequest(t *testing.T, text, destination string) *etree.Document {
	t.Helper()
	d := etree.NewDocument()
	if err := d.ReadFromString(text); err != nil {
		t.Fatal(err)
	}
	root := d.Root()
	if root.Tag != "AuthnRequest" || root.NamespaceURI() != "urn:oasis:names:tc:SAML:2.0:protocol" {
		t.Errorf("got %s", root.FullTag())
	}
	for key, want := range map[string]string{
		"ID":                          requestID,
		"Version":                     "2.0",
		"IssueInstant":                "2026-03-14T09:26:53Z",
		"Destination":                 destination,
		"AssertionConsumerServiceURL": acsURL,
		"ProtocolBinding":             "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST",
		"ForceAuthn":                  "true",
	} {
		if got := root.SelectAttrValue(key, ""); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if got := find(t, d, "/AuthnRequest/Issuer").Text(); got != spID {
		t.Errorf("got issuer %q", got)
	}
	policy := find(t, d, "/AuthnRequest/NameIDPolicy")
	if format := policy.SelectAttr("Format"); format != nil {
		t.Errorf("got format %q, where the provider is to choose", format.Value)
	}
	if got := policy.SelectAttrValue("AllowCreate", ""); got != "true" {
		t.Errorf("got AllowCreate %q", got)
	}
	return d
}

func TestAuthnRequestByPost(t *testing.T) {
	t.Parallel()
	own := withKey(t)
	provider := saml.IDP{EntityID: idpID, SSOPostURL: "https://idp.example/post"}
	r, err := own.AuthnRequest(provider,
		saml.RequestOptions{ID: requestID, RelayState: "state", ForceAuthn: true, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	if r.URL != provider.SSOPostURL || r.Fields["RelayState"] != "state" {
		t.Errorf("got %+v", r)
	}
	text, err := base64.StdEncoding.DecodeString(r.Fields["SAMLRequest"])
	if err != nil {
		t.Fatal(err)
	}
	d := checkRequest(t, string(text), provider.SSOPostURL)
	if second := d.Root().ChildElements()[1]; second.Tag != "Signature" {
		t.Errorf("the second element is %s, and the schema has the Signature there", second.Tag)
	}
	store := &dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{own.Certificate}}
	context := dsig.NewDefaultValidationContext(store)
	context.Clock = dsig.NewFakeClockAt(now)
	if _, err := context.Validate(d.Root()); err != nil {
		t.Error(err)
	}
}

func TestAuthnRequestNeedsWhatItSends(t *testing.T) {
	t.Parallel()
	own := withKey(t)
	good := saml.IDP{SSORedirectURL: "https://idp.example/sso"}
	tests := map[string]struct {
		sp      saml.SP
		idp     saml.IDP
		options saml.RequestOptions
	}{
		"a long RelayState": {own, good, saml.RequestOptions{ID: requestID, RelayState: strings.Repeat("x", 81)}},
		"no ID":             {own, good, saml.RequestOptions{}},
		"an ID of digits":   {own, good, saml.RequestOptions{ID: "1"}},
		"no address":        {own, saml.IDP{}, saml.RequestOptions{ID: requestID}},
		"no key":            {sp, good, saml.RequestOptions{ID: requestID}},
		"no key, by POST":   {sp, saml.IDP{SSOPostURL: "https://idp.example/"}, saml.RequestOptions{ID: requestID}},
		"a key that is no RSA": {saml.SP{Key: ecKey(t), Certificate: own.Certificate}, good,
			saml.RequestOptions{ID: requestID}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if r, err := test.sp.AuthnRequest(test.idp, test.options); err == nil {
				t.Errorf("got %+v", r)
			}
		})
	}
}

// SAML's bindings allow a RelayState of 80 bytes. Identity providers cut or refuse a longer one.
func TestRelayStateOfEightyBytes(t *testing.T) {
	t.Parallel()
	own, state := withKey(t), strings.Repeat("x", 80)
	for name, send := range map[string]func(state string) error{
		"a login": func(state string) error {
			_, err := own.AuthnRequest(saml.IDP{SSOPostURL: "https://idp.example/"},
				saml.RequestOptions{ID: requestID, RelayState: state, Now: now})
			return err
		},
		"a logout": func(state string) error {
			_, err := own.LogoutRequest(saml.IDP{SLO: saml.LogoutService{PostURL: "https://idp.example/"}},
				saml.LogoutRequestOptions{ID: requestID, RelayState: state, NameID: saml.NameID{Value: "a"}, Now: now})
			return err
		},
		"a message by redirect": func(state string) error {
			_, err := own.RedirectURL("https://idp.example/", saml.RequestParameter, []byte("<a/>"), state)
			return err
		},
	} {
		if err := send(state); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := send(state + "x"); err == nil {
			t.Errorf("%s with 81 bytes is sent", name)
		}
	}
}

func TestAuthnRequestWithoutSignature(t *testing.T) {
	t.Parallel()
	unsigned := sp // has no key, and needs none
	unsigned.UnsignedRequests = true
	options := saml.RequestOptions{ID: requestID, RelayState: "state", ForceAuthn: true, Now: now}
	r, err := unsigned.AuthnRequest(saml.IDP{SSORedirectURL: "https://idp.example/sso?tenant=1"}, options)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(r.URL)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	if query.Has("SigAlg") || query.Has("Signature") || query.Get("RelayState") != "state" ||
		query.Get("tenant") != "1" || query.Get("SAMLRequest") == "" {
		t.Errorf("got %v", query)
	}
	r, err = unsigned.AuthnRequest(saml.IDP{SSOPostURL: "https://idp.example/post"}, options)
	if err != nil {
		t.Fatal(err)
	}
	text, err := base64.StdEncoding.DecodeString(r.Fields["SAMLRequest"])
	if err != nil {
		t.Fatal(err)
	}
	if d := checkRequest(t, string(text), "https://idp.example/post"); d.FindElement("//Signature") != nil {
		t.Error("it is signed")
	}
}

func TestAuthnRequestAsksForAFormat(t *testing.T) {
	t.Parallel()
	const format = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
	r, err := withKey(t).AuthnRequest(saml.IDP{SSOPostURL: "https://idp.example/post"},
		saml.RequestOptions{ID: requestID, NameIDFormat: format, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	text, err := base64.StdEncoding.DecodeString(r.Fields["SAMLRequest"])
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), `Format="`+format+`"`) {
		t.Errorf("got %s", text)
	}
}
