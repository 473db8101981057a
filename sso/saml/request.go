package saml

import (
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/beevik/etree"
	schema "github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"
)

// RequestOptions has the content of an authentication request (SAML Core §3.4.1).
type RequestOptions struct {
	ID         string // a new XML name for each request: it begins with a letter or an underscore
	RelayState string // returned with the response, at most 80 bytes
	ForceAuthn bool   // the person must authenticate again, even with a session
	IsPassive  bool   // the identity provider must not show anything to the person
	// NameIDFormat is the requested format of the NameID. If it is empty, the provider chooses.
	NameIDFormat string
	Now          time.Time
}

// Request is a message to the identity provider. The browser goes to URL. If there are Fields, it
// posts them there.
type Request struct {
	URL    string
	Fields map[string]string // the message and RelayState; nil for HTTP-Redirect
}

// AuthnRequest makes an authentication request: by HTTP-Redirect, or by HTTP-POST if the identity
// provider supports nothing else. The error is for options that break a rule above, for an identity
// provider without an endpoint, or for a key that cannot sign.
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
	allowCreate := true
	policy := &schema.NameIDPolicy{AllowCreate: &allowCreate}
	// By default the provider sends the NameID that it is set up to send. SAML Core §3.4.1.1 gives
	// "no format" the same meaning as the format "unspecified". But for "unspecified" Keycloak
	// sends the user name, whatever it is set up to send.
	if o.NameIDFormat != "" {
		policy.Format = &o.NameIDFormat
	}
	request := &schema.AuthnRequest{
		ID:                          o.ID,
		Version:                     "2.0",
		IssueInstant:                o.Now.UTC(),
		Destination:                 destination,
		AssertionConsumerServiceURL: sp.ACSURL,
		ProtocolBinding:             schema.HTTPPostBinding,
		Issuer:                      &schema.Issuer{Value: sp.EntityID},
		NameIDPolicy:                policy,
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

// redirect encodes a request in a query and signs it, unless the connection sends unsigned
// requests.
func (sp SP) redirect(request *schema.AuthnRequest, relayState string) (Request, error) {
	document, err := serialize(request.Element())
	if err != nil {
		return Request{}, err
	}
	if !sp.UnsignedRequests {
		location, err := sp.RedirectURL(request.Destination, RequestParameter, document, relayState)
		return Request{URL: location}, err
	}
	query, err := redirectQuery(RequestParameter, document, relayState)
	if err != nil {
		return Request{}, err
	}
	location, err := addQuery(request.Destination, query)
	return Request{URL: location}, err
}

// post encodes a request in the fields of a form.
func (sp SP) post(request *schema.AuthnRequest, relayState string) (Request, error) {
	if !sp.UnsignedRequests {
		if err := sp.signRequest(request); err != nil {
			return Request{}, err
		}
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

// signRequest adds an enveloped signature. The library places it after the Issuer, as the schema
// requires.
func (sp SP) signRequest(request *schema.AuthnRequest) error {
	var err error
	request.Signature, err = sp.envelop(request.Element())
	return err
}

// envelop returns an enveloped signature of an element, which the caller adds to it.
func (sp SP) envelop(el *etree.Element) (*etree.Element, error) {
	if err := sp.checkKey(); err != nil {
		return nil, err
	}
	signing, err := dsig.NewSigningContext(sp.Key, [][]byte{sp.Certificate.Raw})
	if err != nil {
		return nil, fmt.Errorf("saml: sign a message: %w", err)
	}
	signing.Canonicalizer = exclusive{}
	signature, err := signing.ConstructSignature(el, true)
	if err != nil {
		return nil, fmt.Errorf("saml: sign a message: %w", err)
	}
	return signature, nil
}

// exclusive is our canonicalizer in the form that the library signs with.
type exclusive struct{}

// Canonicalize returns an element in exclusive canonical form.
func (exclusive) Canonicalize(el *etree.Element) ([]byte, error) { return canonicalize(el, nil, "") }

// Algorithm returns the name of exclusive canonical form.
func (exclusive) Algorithm() dsig.AlgorithmID { return excC14N }

// serialize returns the text of an element.
func serialize(el *etree.Element) ([]byte, error) {
	d := etree.NewDocument()
	d.SetRoot(el)
	document, err := d.WriteToBytes()
	if err != nil {
		return nil, fmt.Errorf("saml: write a document: %w", err)
	}
	return document, nil
}
