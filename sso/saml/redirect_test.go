package saml_test

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"testing"

	dsig "github.com/russellhaering/goxmldsig"

	"rollcall/sso/saml"
)

const logoutRequest = `<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_1" Version="2.0"/>`

// redirected returns the query with a document, signed by the key of from.
func redirected(t *testing.T, from saml.SP, document, relayState string) string {
	t.Helper()
	location, err := from.RedirectURL("https://idp.example/slo?tenant=1", saml.RequestParameter, []byte(document),
		relayState)
	if err != nil {
		t.Fatal(err)
	}
	_, query, _ := strings.Cut(location, "?")
	return query
}

func TestRedirectedMessages(t *testing.T) {
	t.Parallel()
	own := withKey(t)
	provider := saml.IDP{EntityID: idpID, Certificates: []*x509.Certificate{withKey(t).Certificate, own.Certificate}}
	for _, relayState := range []string{"", "a b&SAMLRequest=evil"} {
		m, err := provider.ReadRedirect(redirected(t, own, logoutRequest, relayState))
		if err != nil {
			t.Fatal(err)
		}
		if m.Parameter != saml.RequestParameter || string(m.Document) != logoutRequest || m.RelayState != relayState ||
			!m.Signer.Equal(own.Certificate) {
			t.Errorf("got %+v", m)
		}
	}
	long := strings.Repeat("x", 81)
	if _, err := own.RedirectURL("https://idp.example", saml.ResponseParameter, nil, long); err == nil {
		t.Error("a RelayState of 81 bytes is sent")
	}
}

// TestRedirectedByOthers: other implementations order and escape a query in other ways. Their
// signature is over the values as sent, in the order of SAML Bindings §3.4.4.1.
func TestRedirectedByOthers(t *testing.T) {
	t.Parallel()
	own := withKey(t)
	provider := saml.IDP{EntityID: idpID, Certificates: []*x509.Certificate{own.Certificate}}
	fields := map[string]string{}
	for pair := range strings.SplitSeq(redirected(t, own, logoutRequest, "state"), "&") {
		name, value, _ := strings.Cut(pair, "=")
		fields[name] = value
	}
	lower := func(escaped string) string { // as .NET writes it
		for _, c := range []string{"2B", "2F", "3D", "3A", "23"} {
			escaped = strings.ReplaceAll(escaped, "%"+c, "%"+strings.ToLower(c))
		}
		return escaped
	}
	octets := "SAMLRequest=" + lower(fields["SAMLRequest"]) + "&RelayState=state&SigAlg=" + lower(fields["SigAlg"])
	sum := sha256.Sum256([]byte(octets))
	signature, err := own.Key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	query := "Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(signature)) +
		"&SigAlg=" + lower(fields["SigAlg"]) + "&RelayState=state&other=1&SAMLRequest=" + lower(fields["SAMLRequest"])
	if _, err := provider.ReadRedirect(query); err != nil {
		t.Error(err)
	}
}

func TestRedirectedWithECDSA(t *testing.T) {
	t.Parallel()
	c := ecPair(t, elliptic.P256())
	query := "SAMLResponse=" + url.QueryEscape(deflated(t, logoutRequest)) + "&SigAlg=" +
		url.QueryEscape(dsig.ECDSASHA256SignatureMethod)
	sum := sha256.Sum256([]byte(query))
	r, s, err := ecdsa.Sign(rand.Reader, c.key.(*ecdsa.PrivateKey), sum[:])
	if err != nil {
		t.Fatal(err)
	}
	value := slices.Concat(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32)))
	m, err := saml.IDP{Certificates: []*x509.Certificate{c.certificate}}.ReadRedirect(query + "&Signature=" +
		url.QueryEscape(base64.StdEncoding.EncodeToString(value)))
	if err != nil || m.Parameter != saml.ResponseParameter {
		t.Errorf("got %+v, %v", m, err)
	}
}

func deflated(t *testing.T, document string) string {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err == nil {
		_, err = w.Write([]byte(document))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

func TestRedirectedMessagesAreRefused(t *testing.T) {
	t.Parallel()
	own, stranger := withKey(t), withKey(t)
	provider := saml.IDP{EntityID: idpID, Certificates: []*x509.Certificate{own.Certificate}}
	good := redirected(t, own, logoutRequest, "state")
	replace := func(old, new string) string {
		changed := strings.Replace(good, old, new, 1)
		if changed == good {
			t.Fatalf("%q is not in %q", old, good)
		}
		return changed
	}
	pem := string(own.Certificate.RawSubjectPublicKeyInfo)
	unsigned, signature, _ := strings.Cut(good, "&Signature=")
	request, _, _ := strings.Cut(strings.TrimPrefix(good, "tenant=1&"), "&")
	for name, test := range map[string]struct {
		query string
		want  saml.Reason
	}{
		"nothing":                        {"", saml.NoMessage},
		"no message":                     {replace("SAMLRequest=", "Request="), saml.NoMessage},
		"no signature":                   {unsigned, saml.Unsigned},
		"an empty signature":             {unsigned + "&Signature=", saml.Unsigned},
		"no algorithm":                   {replace("&SigAlg=", "&Algorithm="), saml.Unsigned},
		"a stranger's key":               {redirected(t, stranger, logoutRequest, "state"), saml.WrongKey},
		"another RelayState":             {replace("RelayState=state", "RelayState=evil"), saml.WrongKey},
		"the RelayState left out":        {replace("&RelayState=state", ""), saml.WrongKey},
		"a RelayState added":             {redirected(t, own, logoutRequest, "") + "&RelayState=state", saml.WrongKey},
		"a request as response":          {replace("SAMLRequest=", "SAMLResponse="), saml.WrongKey},
		"re-encoded values":              {replace("RelayState=state", "RelayState=%73tate"), saml.WrongKey},
		"the message twice":              {good + "&" + request, saml.Repeated},
		"a response and a request":       {good + "&SAMLResponse=x", saml.Repeated},
		"the RelayState twice":           {good + "&RelayState=evil", saml.Repeated},
		"the signature twice":            {good + "&Signature=" + signature, saml.Repeated},
		"the RelayState by another name": {good + "&Relay%53tate=evil", saml.Repeated},
		"SHA-1": {
			replace(url.QueryEscape(dsig.RSASHA256SignatureMethod), url.QueryEscape(dsig.RSASHA1SignatureMethod)),
			saml.WeakAlgorithm},
		"HMAC with the public key": {replace("rsa-sha256", "hmac-sha256") + url.QueryEscape(pem),
			saml.SymmetricAlgorithm},
		"no algorithm that there is":      {replace("rsa-sha256", "none"), saml.UnknownAlgorithm},
		"ECDSA named for an RSA key":      {replace("rsa-sha256", "ecdsa-sha256"), saml.WrongKey},
		"a signature that is not base64":  {unsigned + "&Signature=%2A", saml.IncompleteSignature},
		"a value that is not URL-encoded": {unsigned + "&Signature=%ZZ", saml.NotBase64},
		"another encoding":                {good + "&SAMLEncoding=urn:x", saml.NotDeflated},
		"longer than any query":           {good + "&x=" + strings.Repeat("x", 64<<10), saml.TooLarge},
		"a message with a document type":  {redirected(t, own, "<!DOCTYPE a>"+logoutRequest, ""), saml.Doctype},
		"a deflate bomb": {redirected(t, own, "<a>"+strings.Repeat(" ", 20<<20)+"</a>", ""),
			saml.TooLarge},
		"an empty message": {redirected(t, own, "", ""), saml.NotXML},
		"a message that is not deflated": {
			signedQuery(t, own, "SAMLRequest="+
				url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(logoutRequest)))), saml.NotDeflated},
		"a message that is not base64": {signedQuery(t, own, "SAMLRequest=%2A"), saml.NotBase64},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := provider.ReadRedirect(test.query)
			wantReason(t, err, test.want)
		})
	}
	if _, err := (saml.IDP{}).ReadRedirect(good); err == nil {
		t.Error("it is accepted without a certificate")
	}
}

// signedQuery signs any query, also one that no identity provider would send.
func signedQuery(t *testing.T, by saml.SP, query string) string {
	t.Helper()
	query += "&SigAlg=" + url.QueryEscape(dsig.RSASHA256SignatureMethod)
	sum := sha256.Sum256([]byte(query))
	value, err := rsa.SignPKCS1v15(nil, by.Key.(*rsa.PrivateKey), crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return query + "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(value))
}
