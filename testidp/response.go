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

// Signing says what of a response is signed.
type Signing string

// What may be signed. The zero value is whatever the personality signs.
const (
	SignAssertion Signing = "assertion"
	SignResponse  Signing = "response"
	SignBoth      Signing = "both"
	SignNone      Signing = "none"
)

// ResponseOptions vary a response. The zero value makes an unsolicited one.
type ResponseOptions struct {
	// InResponseTo is the ID of the AuthnRequest; empty leaves the attribute out, as an
	// unsolicited response does.
	InResponseTo string
	// Now is when the response is issued; zero is the time of Options.Now.
	Now time.Time
	// AuthnInstant is when the person signed in here; zero is as long ago as is common at the
	// personality, 40 days at Entra ID.
	AuthnInstant time.Time
	// Groups are the names of the person's groups; nil is the groups of the directory.
	Groups []string
	// Status, when not empty, makes the response a refusal with this second-level status code
	// (SAML core §3.2.2.2), and without an assertion.
	Status string
	// Edit changes the response before it is signed.
	Edit func(response *etree.Element)
	// Sign says what is signed, always by RSA-SHA256.
	Sign Signing
}

// Respond makes the SAMLResponse of a person, in base64 as the HTTP-POST binding carries it, signed
// with the application's genuine key whatever Edit made of it. Who is assigned does not matter.
func (a *Application) Respond(person string, o ResponseOptions) (samlResponse string, err error) {
	document, err := a.response(person, o)
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(document), nil
}

// response makes the document.
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

// signAs signs the assertions that stand directly in the response, encrypts them where that is
// asked for, then signs the response: its signature covers theirs.
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

// stamp writes a time as xs:dateTime in UTC (SAML core §1.3.3).
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// qualified puts a prefix before a tag, and declares the namespace of the prefix, as a name and a
// value of an attribute.
func qualified(prefix, tag string) string {
	if prefix == "" {
		return tag
	}
	return prefix + ":" + tag
}

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

// groupsOf returns the groups that a person is in, or groups of the given names.
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
