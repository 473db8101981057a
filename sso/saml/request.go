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

// RequestOptions are what one authentication request asks for.
type RequestOptions struct {
	ID         string // new for each; an XML name, so it begins with a letter or an underscore
	RelayState string // comes back with the response: an opaque id of at most 80 bytes
	ForceAuthn bool   // the person is to prove again who they are
	IsPassive  bool   // nobody is to be asked anything
	// NameIDFormat is the format of NameID that is asked for; the provider chooses when it is empty.
	NameIDFormat string
	Now          time.Time
}

// Request is a message on its way: the browser is sent to URL, and where there are Fields it posts
// them there.
type Request struct {
	URL    string
	Fields map[string]string // the message and RelayState; nil for HTTP-Redirect
}

// AuthnRequest makes a request by HTTP-Redirect, or by HTTP-POST to an identity provider that takes
// no other.
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
	// What the provider is set up to send is right. SAML core, 3.4.1.1, has no format mean the same as
	// unspecified, for which Keycloak would send the user name whatever it is set up to send.
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

// redirect carries a request in a query, which is signed unless the connection wants no signature.
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

// signRequest puts an enveloped signature after the Issuer, which is where the schema has it and the
// request's Element puts it.
func (sp SP) signRequest(request *schema.AuthnRequest) error {
	if err := sp.checkKey(); err != nil {
		return err
	}
	signing, err := dsig.NewSigningContext(sp.Key, [][]byte{sp.Certificate.Raw})
	if err != nil {
		return fmt.Errorf("saml: sign a request: %w", err)
	}
	signing.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	if request.Signature, err = signing.ConstructSignature(request.Element(), true); err != nil {
		return fmt.Errorf("saml: sign a request: %w", err)
	}
	return nil
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
