package saml

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/beevik/etree"
	schema "github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"
)

// RequestOptions are what one authentication request asks for.
type RequestOptions struct {
	ID         string // new for each; an XML name, so it begins with a letter or an underscore
	RelayState string // comes back with the response: an opaque id of at most 80 bytes
	ForceAuthn bool   // the person is to prove again who they are
	IsPassive  bool   // nobody is to be asked anything
	Now        time.Time
}

// Request is an authentication request on its way: the browser is sent to URL, and where there are
// Fields it posts them there.
type Request struct {
	URL    string
	Fields map[string]string // SAMLRequest and RelayState; nil for HTTP-Redirect
}

// SAML Bindings §3.4.3 and §3.5.3.
const maxRelayState = 80

// AuthnRequest makes a signed request by HTTP-Redirect, or by HTTP-POST to an identity provider
// that takes no other. It names no format of NameID: what the provider is set up to send is right.
func (sp SP) AuthnRequest(idp IDP, o RequestOptions) (Request, error) {
	if len(o.RelayState) > maxRelayState {
		return Request{}, fmt.Errorf("saml: a RelayState has at most %d bytes", maxRelayState)
	}
	if o.ID == "" || !isNameStart(o.ID[0]) {
		return Request{}, errors.New("saml: a request's ID is an XML name")
	}
	destination := idp.SSORedirectURL
	if destination == "" {
		destination = idp.SSOPostURL
	}
	if destination == "" {
		return Request{}, errors.New("saml: the identity provider has no sign-on address")
	}
	allowCreate, format := true, string(schema.UnspecifiedNameIDFormat)
	request := &schema.AuthnRequest{
		ID:                          o.ID,
		Version:                     "2.0",
		IssueInstant:                o.Now.UTC(),
		Destination:                 destination,
		AssertionConsumerServiceURL: sp.ACSURL,
		ProtocolBinding:             schema.HTTPPostBinding,
		Issuer:                      &schema.Issuer{Value: sp.EntityID},
		NameIDPolicy:                &schema.NameIDPolicy{AllowCreate: &allowCreate, Format: &format},
	}
	if o.ForceAuthn {
		request.ForceAuthn = &o.ForceAuthn
	}
	if o.IsPassive {
		request.IsPassive = &o.IsPassive
	}
	if idp.SSORedirectURL != "" {
		return sp.redirect(request, o.RelayState)
	}
	return sp.post(request, o.RelayState)
}

// redirect signs the query itself (SAML Bindings §3.4.4.1): the parameters in this order and this
// escaping, and nothing of what the address has besides.
func (sp SP) redirect(request *schema.AuthnRequest, relayState string) (Request, error) {
	location, err := url.Parse(request.Destination)
	if err != nil {
		return Request{}, fmt.Errorf("saml: the identity provider's address: %w", err)
	}
	document, err := serialize(request.Element())
	if err != nil {
		return Request{}, err
	}
	var deflated bytes.Buffer
	w, err := flate.NewWriter(&deflated, flate.BestCompression)
	if err != nil {
		return Request{}, err
	}
	if _, err := w.Write(document); err != nil {
		return Request{}, err
	}
	if err := w.Close(); err != nil {
		return Request{}, err
	}
	query := "SAMLRequest=" + url.QueryEscape(base64.StdEncoding.EncodeToString(deflated.Bytes()))
	if relayState != "" {
		query += "&RelayState=" + url.QueryEscape(relayState)
	}
	query += "&SigAlg=" + url.QueryEscape(dsig.RSASHA256SignatureMethod)
	signature, err := sp.sign([]byte(query))
	if err != nil {
		return Request{}, err
	}
	query += "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(signature))
	if location.RawQuery != "" {
		query = location.RawQuery + "&" + query
	}
	location.RawQuery = query
	return Request{URL: location.String()}, nil
}

func (sp SP) sign(octets []byte) ([]byte, error) {
	if err := sp.checkKey(); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(octets)
	signature, err := sp.Key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("saml: sign a request: %w", err)
	}
	return signature, nil
}

func (sp SP) checkKey() error {
	if sp.Key == nil || sp.Certificate == nil {
		return errors.New("saml: the service provider has no key")
	}
	if _, ok := sp.Key.Public().(*rsa.PublicKey); !ok {
		return errors.New("saml: the service provider's key is not RSA")
	}
	return nil
}

func (sp SP) post(request *schema.AuthnRequest, relayState string) (Request, error) {
	if err := sp.checkKey(); err != nil {
		return Request{}, err
	}
	signing, err := dsig.NewSigningContext(sp.Key, [][]byte{sp.Certificate.Raw})
	if err != nil {
		return Request{}, fmt.Errorf("saml: sign a request: %w", err)
	}
	signing.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	// The schema has the signature after the Issuer, which is where the request's Element puts it.
	if request.Signature, err = signing.ConstructSignature(request.Element(), true); err != nil {
		return Request{}, fmt.Errorf("saml: sign a request: %w", err)
	}
	document, err := serialize(request.Element())
	if err != nil {
		return Request{}, err
	}
	fields := map[string]string{"SAMLRequest": base64.StdEncoding.EncodeToString(document)}
	if relayState != "" {
		fields["RelayState"] = relayState
	}
	return Request{URL: request.Destination, Fields: fields}, nil
}

func serialize(el *etree.Element) ([]byte, error) {
	d := etree.NewDocument()
	d.SetRoot(el)
	document, err := d.WriteToBytes()
	if err != nil {
		return nil, fmt.Errorf("saml: write a document: %w", err)
	}
	return document, nil
}
