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

// LogoutService is where an identity provider takes logout messages, by binding; all are empty where
// it takes none. Answers go elsewhere where it says so (SAML Metadata §2.2.2, ResponseLocation).
type LogoutService struct {
	RedirectURL, RedirectResponseURL string
	PostURL, PostResponseURL         string
}

// add takes the first usable address of each binding. Nobody's sign-in depends on the others, so
// they are left out and not refused.
func (l *LogoutService) add(e schema.Endpoint) {
	location, err := usable(e.Location)
	if err != nil {
		return
	}
	responses, err := usable(e.ResponseLocation)
	if err != nil {
		responses = location
	}
	switch {
	case e.Binding == schema.HTTPRedirectBinding && l.RedirectURL == "":
		l.RedirectURL, l.RedirectResponseURL = location, responses
	case e.Binding == schema.HTTPPostBinding && l.PostURL == "":
		l.PostURL, l.PostResponseURL = location, responses
	}
}

// Offered tells whether the identity provider takes logout messages at all.
func (l LogoutService) Offered() bool { return l.RedirectURL != "" || l.PostURL != "" }

// NameID is a person as an identity provider names them.
type NameID struct {
	Value, Format                  string
	NameQualifier, SPNameQualifier string // mostly empty
}

// LogoutOptions are what one LogoutRequest says.
type LogoutOptions struct {
	ID           string // new for each; an XML name
	RelayState   string // comes back with the answer
	NameID       NameID // as the assertion of the session had it (SAML Core §3.7.1)
	SessionIndex string // likewise; empty where it had none
	Now          time.Time
}

// LogoutRequest makes the signed message that asks the identity provider to end somebody's session.
func (sp SP) LogoutRequest(idp IDP, o LogoutOptions) (Request, error) {
	if o.ID == "" || !isNameStart(o.ID[0]) {
		return Request{}, errors.New("saml: a request's ID is an XML name")
	}
	if len(o.RelayState) > maxRelayState {
		return Request{}, fmt.Errorf("saml: a RelayState has at most %d bytes", maxRelayState)
	}
	if o.NameID.Value == "" {
		return Request{}, errors.New("saml: a logout request names somebody")
	}
	to := destination{idp.SLO.RedirectURL, idp.SLO.PostURL, RequestParameter}
	root := sp.logoutMessage("LogoutRequest", to.address(), o.ID, o.Now)
	root.CreateAttr("NotOnOrAfter", o.Now.Add(maxAge).UTC().Format(timeFormat))
	root.CreateAttr("Reason", "urn:oasis:names:tc:SAML:2.0:logout:user")
	name := root.CreateElement("saml:NameID")
	for _, a := range [...][2]string{
		{"Format", o.NameID.Format}, {"NameQualifier", o.NameID.NameQualifier}, {"SPNameQualifier", o.NameID.SPNameQualifier},
	} {
		if a[1] != "" {
			name.CreateAttr(a[0], a[1])
		}
	}
	name.SetText(o.NameID.Value)
	if o.SessionIndex != "" {
		root.CreateElement("samlp:SessionIndex").SetText(o.SessionIndex)
	}
	return sp.send(root, to, o.RelayState)
}

// The second-level status codes of our answers (SAML Core §3.2.2.2).
const (
	statusRequester        = "urn:oasis:names:tc:SAML:2.0:status:Requester"
	statusUnknownPrincipal = "urn:oasis:names:tc:SAML:2.0:status:UnknownPrincipal"
)

// LogoutAnswer is what one LogoutResponse says.
type LogoutAnswer struct {
	ID               string // new for each
	InResponseTo     string // the ID of the request
	RelayState       string // as it came with the request: it must come back so (SAML Bindings §3.4.3)
	UnknownPrincipal bool   // nobody of that name was ever here
	Now              time.Time
}

// LogoutResponse makes the signed answer to a LogoutRequest.
func (sp SP) LogoutResponse(idp IDP, o LogoutAnswer) (Request, error) {
	to := destination{idp.SLO.RedirectResponseURL, idp.SLO.PostResponseURL, ResponseParameter}
	root := sp.logoutMessage("LogoutResponse", to.address(), o.ID, o.Now)
	root.CreateAttr("InResponseTo", o.InResponseTo)
	code := root.CreateElement("samlp:Status").CreateElement("samlp:StatusCode")
	if o.UnknownPrincipal {
		code.CreateAttr("Value", statusRequester)
		code.CreateElement("samlp:StatusCode").CreateAttr("Value", statusUnknownPrincipal)
	} else {
		code.CreateAttr("Value", statusSuccess)
	}
	return sp.send(root, to, o.RelayState)
}

// destination is where a message goes: by HTTP-Redirect where it may.
type destination struct{ redirect, post, parameter string }

func (d destination) address() string {
	if d.redirect != "" {
		return d.redirect
	}
	return d.post
}

const timeFormat = "2006-01-02T15:04:05Z"

// logoutMessage begins a message of the single logout profile (SAML Profiles §4.4).
func (sp SP) logoutMessage(tag, destination, id string, now time.Time) *etree.Element {
	root := etree.NewElement("samlp:" + tag)
	root.CreateAttr("xmlns:samlp", protocolNS)
	root.CreateAttr("xmlns:saml", assertionNS)
	root.CreateAttr("ID", id)
	root.CreateAttr("Version", "2.0")
	root.CreateAttr("IssueInstant", now.UTC().Format(timeFormat))
	root.CreateAttr("Destination", destination)
	root.CreateElement("saml:Issuer").SetText(sp.EntityID)
	return root
}

// send signs a message as its binding wants it. SAML Profiles §4.4.3.2 has both directions signed.
func (sp SP) send(root *etree.Element, to destination, relayState string) (Request, error) {
	if to.address() == "" {
		return Request{}, errors.New("saml: the identity provider has no logout address")
	}
	if to.redirect != "" {
		document, err := serialize(root)
		if err != nil {
			return Request{}, err
		}
		location, err := sp.signedURL(to.redirect, to.parameter, document, relayState)
		return Request{URL: location}, err
	}
	if err := sp.checkKey(); err != nil {
		return Request{}, err
	}
	signing, err := dsig.NewSigningContext(sp.Key, [][]byte{sp.Certificate.Raw})
	if err != nil {
		return Request{}, fmt.Errorf("saml: sign a message: %w", err)
	}
	signing.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	signature, err := signing.ConstructSignature(root, true)
	if err != nil {
		return Request{}, fmt.Errorf("saml: sign a message: %w", err)
	}
	root.InsertChildAt(1, signature) // after the Issuer, where the schema has it
	document, err := serialize(root)
	if err != nil {
		return Request{}, err
	}
	fields := map[string]string{to.parameter: base64.StdEncoding.EncodeToString(document)}
	if relayState != "" {
		fields["RelayState"] = relayState
	}
	return Request{URL: to.post, Fields: fields}, nil
}
