package saml

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/beevik/etree"
	schema "github.com/crewjam/saml"
)

// LogoutService has the endpoints of an identity provider for logout messages, by binding. Those of
// a binding that it does not support are empty. Responses may have an endpoint of their own (SAML
// Metadata §2.2.2, ResponseLocation).
type LogoutService struct {
	RedirectURL, RedirectResponseURL string
	PostURL, PostResponseURL         string
}

// add sets the endpoints of a binding to the first ones that can be used.
func (l *LogoutService) add(el *etree.Element) *Refused {
	var request, response *string
	switch binding, _ := attribute(el, "Binding"); strings.TrimSpace(binding) {
	case schema.HTTPRedirectBinding:
		request, response = &l.RedirectURL, &l.RedirectResponseURL
	case schema.HTTPPostBinding:
		request, response = &l.PostURL, &l.PostResponseURL
	default:
		return nil
	}
	location, _ := attribute(el, "Location")
	requests, r := browserAddress(location)
	if r != nil || *request != "" {
		return r
	}
	*request, *response = requests, requests
	if other, ok := attribute(el, "ResponseLocation"); ok {
		responses, r := browserAddress(other)
		if r != nil {
			return r
		}
		*response = responses
	}
	return nil
}

// Offered reports whether the identity provider supports single logout.
func (l LogoutService) Offered() bool { return l.RedirectURL != "" || l.PostURL != "" }

// NameID is the identity provider's identifier of a person (SAML Core §2.2.3).
type NameID struct {
	Value, Format                  string
	NameQualifier, SPNameQualifier string // mostly empty
}

// LogoutRequestOptions has the content of a LogoutRequest (SAML Core §3.7.1).
type LogoutRequestOptions struct {
	ID           string // a new XML name for each request
	RelayState   string // returned with the response, at most 80 bytes
	NameID       NameID // from the assertion of the session
	SessionIndex string // from the assertion of the session; may be empty
	Now          time.Time
}

// LogoutRequest makes a signed request to end a session at the identity provider (SAML Profiles
// §4.4). The error is for options that break a rule above, for an identity provider without single
// logout, or for a key that cannot sign.
func (sp SP) LogoutRequest(idp IDP, o LogoutRequestOptions) (Request, error) {
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
		{"Format", o.NameID.Format},
		{"NameQualifier", o.NameID.NameQualifier},
		{"SPNameQualifier", o.NameID.SPNameQualifier},
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

// The status codes of our responses besides success (SAML Core §3.2.2.2).
const (
	statusRequester        = "urn:oasis:names:tc:SAML:2.0:status:Requester"
	statusUnknownPrincipal = "urn:oasis:names:tc:SAML:2.0:status:UnknownPrincipal"
)

// LogoutResponseOptions has the content of a LogoutResponse (SAML Core §3.7.2).
type LogoutResponseOptions struct {
	ID               string // a new XML name for each response
	InResponseTo     string // the ID of the request
	RelayState       string // of the request, unchanged (SAML Bindings §3.4.3)
	UnknownPrincipal bool   // we know no user with the NameID of the request
	Now              time.Time
}

// LogoutResponse makes the signed response to a LogoutRequest. The error is for an identity
// provider without single logout, or for a key that cannot sign.
func (sp SP) LogoutResponse(idp IDP, o LogoutResponseOptions) (Request, error) {
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

// destination has the endpoints for a message, and the name of the parameter that carries it.
type destination struct{ redirect, post, parameter string }

// address returns the endpoint that is used: the one for HTTP-Redirect if there is one.
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

// send signs a message as its binding requires. By SAML Profiles §4.4.3.2, requests and responses
// are signed.
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
	signature, err := sp.envelop(root)
	if err != nil {
		return Request{}, err
	}
	root.InsertChildAt(1, signature) // after the Issuer, as the schema requires
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
