package saml

import (
	"strings"
	"time"

	"github.com/beevik/etree"
)

// Sighting is what a response says, whether or not it may be believed. It is for the administrator
// of the identity provider, who compares it with what was expected. Nothing is decided by it.
type Sighting struct {
	Signed       []string // what has a signature: "Response", "Assertion"
	Named        string   // the fingerprint of the certificate that came with a signature; often empty
	Encrypted    bool     // the assertion is encrypted
	Asserted     bool     // there is an assertion that can be read
	Issuer       string
	Audiences    []string
	Recipients   []string  // the Destination, and the Recipient of each confirmation
	IssueInstant time.Time // zero where there is none that can be read
	Assertion    Assertion // the NameID and the attributes
}

// See reads a response for a Sighting. It returns nil for what is no response of SAML 2.0.
func See(samlResponse string) (seen *Sighting) {
	defer func() {
		if recover() != nil { // as in Verify
			seen = nil
		}
	}()
	doc, err := decode(samlResponse)
	if err != nil {
		return nil
	}
	root, err := read(doc, messageLimits)
	if err != nil {
		return nil
	}
	m, err := findParts(root)
	if err != nil {
		return nil
	}
	s := &Sighting{Encrypted: m.encrypted != nil, Assertion: Assertion{Attributes: map[string][]string{}}}
	s.signed("Response", m.responseSignature)
	s.signed("Assertion", m.assertionSignature)
	s.issued(m.response)
	if destination, ok := attribute(m.response, "Destination"); ok {
		s.Recipients = append(s.Recipients, shorten(destination))
	}
	if m.assertion != nil {
		s.Asserted = true
		s.assertion(m.assertion)
	}
	return s
}

// signed notes a signature, if there is one.
func (s *Sighting) signed(what string, signature *etree.Element) {
	if signature == nil {
		return
	}
	s.Signed = append(s.Signed, what)
	for _, info := range children(signature, signatureNS, "KeyInfo") {
		if named := namedCertificate(info); s.Named == "" && len(named) == 64 {
			s.Named = named
		}
	}
}

// issued notes who issued a part, and when.
func (s *Sighting) issued(el *etree.Element) {
	for _, issuer := range children(el, assertionNS, "Issuer") {
		s.Issuer = shorten(strings.TrimSpace(issuer.Text()))
	}
	if at, err := instant(el, "IssueInstant"); err == nil && !at.IsZero() {
		s.IssueInstant = at
	}
}

// assertion notes what is in an assertion.
func (s *Sighting) assertion(el *etree.Element) {
	s.issued(el)
	for _, conditions := range children(el, assertionNS, "Conditions") {
		for _, restriction := range children(conditions, assertionNS, "AudienceRestriction") {
			for _, audience := range children(restriction, assertionNS, "Audience") {
				s.Audiences = append(s.Audiences, shorten(strings.TrimSpace(audience.Text())))
			}
		}
	}
	for _, subject := range children(el, assertionNS, "Subject") {
		for _, confirmation := range children(subject, assertionNS, "SubjectConfirmation") {
			for _, data := range children(confirmation, assertionNS, "SubjectConfirmationData") {
				if recipient, ok := attribute(data, "Recipient"); ok {
					s.Recipients = append(s.Recipients, shorten(recipient))
				}
			}
		}
		for _, name := range children(subject, assertionNS, "NameID") {
			s.Assertion.NameID = shorten(name.Text())
			s.Assertion.NameIDFormat, _ = attribute(name, "Format")
		}
	}
	attributes(el, &s.Assertion)
}
