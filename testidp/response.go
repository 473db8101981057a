package testidp

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
)

// Signing says which parts of a response are signed.
type Signing string

// The parts that may be signed. The zero value is the choice of the personality.
const (
	SignAssertion Signing = "assertion"
	SignResponse  Signing = "response"
	SignBoth      Signing = "both"
	SignNone      Signing = "none"
)

// ResponseOptions vary a response. The zero value makes an unsolicited one.
type ResponseOptions struct {
	// InResponseTo is the ID of the AuthnRequest. It is empty for an unsolicited response.
	InResponseTo string
	// Now is the time of issue. The default is the time of Options.Now.
	Now time.Time
	// AuthnInstant is the time when the person signed in here. The default is a time ago that is
	// common for the personality, such as 40 days for Entra ID.
	AuthnInstant time.Time
	// Groups are the names of the person's groups. The default is the groups of the directory.
	Groups []string
	// Status is the second-level status code of a refusal (SAML core §3.2.2.2), which has no
	// assertion. It is empty for success.
	Status string
	// Edit changes the response before it is signed.
	Edit func(response *etree.Element)
	// Sign says which parts are signed, always by RSA-SHA256.
	Sign Signing
}

// Respond makes the SAMLResponse for a person, in base64 as HTTP-POST sends it. It is signed with
// the application's genuine key after Edit. The person need not be assigned. The error may be
// ErrNotConnected or ErrNotFound.
func (a *Application) Respond(person string, o ResponseOptions) (samlResponse string, err error) {
	document, err := a.response(person, o)
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(document), nil
}

// response is Respond, but returns the document.
func (a *Application) response(person string, o ResponseOptions) ([]byte, error) {
	sp := a.serviceProvider()
	if sp.acsURL == "" {
		return nil, ErrNotConnected
	}
	keys, err := a.signing()
	if err != nil {
		return nil, err
	}
	if o.Now.IsZero() {
		o.Now = a.client.now()
	}
	if o.AuthnInstant.IsZero() {
		o.AuthnInstant = o.Now.Add(-a.personality.authnAge)
	}
	doc := etree.NewDocument()
	doc.CreateProcInst("xml", `version="1.0" encoding="UTF-8"`)
	root := a.envelope(sp, o)
	doc.SetRoot(root)
	if o.Status == "" {
		p, err := a.dir.person(person)
		if err != nil {
			return nil, err
		}
		a.assert(root, sp, p, o)
	}
	if o.Edit != nil {
		o.Edit(root)
	}
	if o.Sign == "" {
		o.Sign = a.personality.signs
		if o.Status != "" {
			o.Sign = SignResponse
		}
	}
	a.mu.Lock()
	e := a.encryption
	a.mu.Unlock()
	if err := signAs(root, o.Sign, keys, a.personality, e); err != nil {
		return nil, fmt.Errorf("sign the response: %w", err)
	}
	return doc.WriteToBytes()
}

// signAs signs the assertions that are children of the response, encrypts them if e says so, and
// then signs the response: its signature covers the others.
func signAs(root *etree.Element, what Signing, keys keyPair, p personality, e encryption) error {
	if !slices.Contains([]Signing{SignAssertion, SignResponse, SignBoth, SignNone}, what) {
		return fmt.Errorf("there is no way of signing named %q", what)
	}
	if what == SignAssertion || what == SignBoth {
		for _, e := range root.ChildElements() {
			if e.Tag != "Assertion" {
				continue
			}
			if err := keys.sign(e, p.signature, p.prefixList); err != nil {
				return err
			}
		}
	}
	if err := e.encrypt(root, p); err != nil {
		return err
	}
	if what == SignResponse || what == SignBoth {
		return keys.sign(root, p.signature, p.prefixList)
	}
	return nil
}

// stamp returns a time as xs:dateTime in UTC (SAML core §1.3.3).
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// qualified returns a tag with its prefix, if there is one.
func qualified(prefix, tag string) string {
	if prefix == "" {
		return tag
	}
	return prefix + ":" + tag
}

// declared returns the declaration of a prefix, as name and value of an attribute.
func declared(prefix, namespace string) []string {
	return []string{strings.TrimSuffix("xmlns:"+prefix, ":"), namespace}
}

// envelope makes the Response without assertions.
func (a *Application) envelope(sp serviceProvider, o ResponseOptions) *etree.Element {
	p := a.personality
	root := etree.NewElement(qualified(p.protocol, "Response"))
	set(root, declared(p.protocol, nsProtocol)...)
	set(root, "ID", p.newID(), "Version", "2.0", "IssueInstant", stamp(o.Now),
		"Destination", sp.acsURL, "InResponseTo", o.InResponseTo)
	if p.consent {
		set(root, "Consent", "urn:oasis:names:tc:SAML:2.0:consent:unspecified")
	}
	if p.prefixList != "" {
		set(root, "xmlns:xs", nsSchema)
	}
	issuer := add(root, qualified(p.assertion, "Issuer"), a.SAMLEntityID(), declared(p.assertion, nsAssertion)...)
	set(issuer, "Format", p.issuerFormat)
	status := add(root, qualified(p.protocol, "Status"), "")
	code := qualified(p.protocol, "StatusCode")
	if o.Status == "" {
		add(status, code, "", "Value", saml.StatusSuccess)
	} else {
		add(add(status, code, "", "Value", saml.StatusResponder), code, "", "Value", o.Status)
	}
	return root
}

const (
	nsSchema         = "http://www.w3.org/2001/XMLSchema"
	nsSchemaInstance = "http://www.w3.org/2001/XMLSchema-instance"
	bearer           = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
)

// assert adds the assertion about a person (the Web Browser SSO profile, SAML profiles §4.1.4.2).
func (a *Application) assert(root *etree.Element, sp serviceProvider, who Person, o ResponseOptions) {
	p := a.personality
	name := func(tag string) string { return qualified(p.assertion, tag) }
	assertion := add(root, name("Assertion"), "", declared(p.assertion, nsAssertion)...)
	set(assertion, "ID", p.newID(), "IssueInstant", stamp(o.Now), "Version", "2.0")
	if p.prefixList != "" {
		set(assertion, "xmlns:xs", nsSchema)
	}
	add(assertion, name("Issuer"), a.SAMLEntityID(), "Format", p.issuerFormat)

	subject := add(assertion, name("Subject"), "")
	add(subject, name("NameID"), p.nameID(a, who), "Format", p.nameIDFormat)
	confirmation := add(subject, name("SubjectConfirmation"), "", "Method", bearer)
	add(confirmation, name("SubjectConfirmationData"), "", "InResponseTo", o.InResponseTo,
		"NotOnOrAfter", stamp(o.Now.Add(p.confirm)), "Recipient", sp.acsURL)

	conditions := add(assertion, name("Conditions"), "",
		"NotBefore", stamp(o.Now.Add(-p.before)), "NotOnOrAfter", stamp(o.Now.Add(p.after)))
	add(add(conditions, name("AudienceRestriction"), ""), name("Audience"), sp.entityID)

	statement := add(assertion, name("AttributeStatement"), "")
	for _, at := range p.attributes(a, who, a.groupsOf(who, o.Groups)) {
		a.attribute(statement, at)
	}
	authn := add(assertion, name("AuthnStatement"), "",
		"AuthnInstant", stamp(o.AuthnInstant), "SessionIndex", assertion.SelectAttrValue("ID", ""))
	add(add(authn, name("AuthnContext"), ""), name("AuthnContextClassRef"), p.authnContext)
}

// attribute adds an attribute to the statement.
func (a *Application) attribute(statement *etree.Element, at attribute) {
	if len(at.values) == 0 {
		return
	}
	p := a.personality
	e := add(statement, qualified(p.assertion, "Attribute"), "", "Name", at.name, "NameFormat", p.nameFormat)
	for _, v := range at.values {
		value := add(e, qualified(p.assertion, "AttributeValue"), v)
		if p.prefixList != "" {
			set(value, "xmlns:xs", nsSchema, "xmlns:xsi", nsSchemaInstance, "xsi:type", "xs:string")
		}
	}
}

// groupsOf returns groups with the given names. If names is nil, it returns the person's groups.
func (a *Application) groupsOf(who Person, names []string) []Group {
	var out []Group
	if names == nil {
		for _, g := range a.dir.allGroups() {
			if slices.Contains(g.Members, who.ID) {
				out = append(out, g)
			}
		}
		return out
	}
	for _, n := range names {
		out = append(out, Group{Name: n, ExternalID: a.newID("group", a.domain+"/"+strings.ToLower(n))})
	}
	return out
}
