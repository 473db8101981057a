package saml

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/beevik/etree"
)

const bearer = "urn:oasis:names:tc:SAML:2.0:cm:bearer"

// subject reads the Subject of an assertion and checks its confirmations (SAML Core §2.4).
func (p profile) subject(el *etree.Element, a *Assertion) error {
	subject, err := only(el, assertionNS, "Subject", MissingSubject, Repeated)
	if err != nil {
		return err
	}
	if err := nameID(subject, a); err != nil {
		return err
	}
	// SAML Profiles §4.1.4.3: one bearer confirmation must be valid; the others may be anything.
	confirmations := children(subject, assertionNS, "SubjectConfirmation")
	if len(confirmations) == 0 {
		return refuse(MissingConfirmation, "a SubjectConfirmation", "")
	}
	var first error
	for _, c := range confirmations {
		err := p.confirmation(c, a)
		if err == nil {
			return nil
		}
		if first == nil || reasonOf(first) == WrongConfirmation {
			first = err
		}
	}
	return first
}

// reasonOf returns the reason of a *Refused, and "" for any other error.
func reasonOf(err error) Reason {
	if r, ok := err.(*Refused); ok {
		return r.Reason
	}
	return ""
}

// confirmation checks a SubjectConfirmation with the method bearer (SAML Profiles §4.1.4.2).
func (p profile) confirmation(el *etree.Element, a *Assertion) error {
	if method, _ := attribute(el, "Method"); method != bearer {
		return refuse(WrongConfirmation, bearer, cmp.Or(method, "no Method"))
	}
	data, err := only(el, assertionNS, "SubjectConfirmationData", MissingConfirmation, Repeated)
	if err != nil {
		return err
	}
	if recipient, _ := attribute(data, "Recipient"); recipient != p.sp.ACSURL {
		return refuse(WrongRecipient, p.sp.ACSURL, cmp.Or(recipient, "no Recipient"))
	}
	if begin, ok := attribute(data, "NotBefore"); ok {
		return refuse(ConfirmationNotBefore, "no NotBefore in SubjectConfirmationData", begin)
	}
	end, err := p.checkValidity(data, a.IssueInstant)
	if err != nil {
		return err
	}
	if end.IsZero() {
		return refuse(ConfirmationUnbounded, "a NotOnOrAfter in SubjectConfirmationData", "")
	}
	if err := p.inResponseTo(data); err != nil {
		return err
	}
	a.NotOnOrAfter = end
	return nil
}

// nameID reads the NameID of an assertion. A missing one is no error here: the caller may use an
// attribute instead.
func nameID(subject *etree.Element, a *Assertion) error {
	n, err := readNameID(subject)
	a.NameID, a.NameIDFormat = n.Value, n.Format
	a.NameQualifier, a.SPNameQualifier = n.NameQualifier, n.SPNameQualifier
	return err
}

// readNameID reads the NameID in an element. It returns the zero value if there is none.
func readNameID(subject *etree.Element) (n NameID, err error) {
	if len(children(subject, assertionNS, "EncryptedID")) > 0 {
		return n, refuse(EncryptedNameID, "a NameID that is not encrypted", "")
	}
	found := children(subject, assertionNS, "NameID")
	switch len(found) {
	case 0:
		return n, nil
	case 1:
	default:
		return n, refuse(SeveralNameIDs, "one NameID", "")
	}
	value, err := text(found[0])
	if err != nil {
		return n, err
	}
	// With the space kept, the value would name another person than without it. With the space cut
	// off, two people could have the same value.
	switch trimmed := strings.TrimSpace(value); {
	case trimmed == "":
		return n, refuse(EmptyNameID, "a NameID with text", "")
	case trimmed != value:
		return n, refuse(NameIDSpace, "no white space around the NameID", value)
	}
	n.Value = value
	n.Format, _ = attribute(found[0], "Format")
	n.NameQualifier, _ = attribute(found[0], "NameQualifier")
	n.SPNameQualifier, _ = attribute(found[0], "SPNameQualifier")
	return n, nil
}

// authnStatement reads the AuthnStatements (SAML Core §2.7.2): the first of them for the time and
// the session, all of them for the end of the session.
func (p profile) authnStatement(el *etree.Element, a *Assertion) error {
	statements := children(el, assertionNS, "AuthnStatement")
	if len(statements) == 0 {
		return refuse(MissingAuthnStatement, "an AuthnStatement", "")
	}
	for i, s := range statements {
		at, err := instant(s, "AuthnInstant")
		if err != nil {
			return err
		}
		if at.IsZero() {
			return refuse(BadTime, "an AuthnInstant", "")
		}
		end, err := instant(s, "SessionNotOnOrAfter")
		if err != nil {
			return err
		}
		if !end.IsZero() && !p.expect.Now.Before(end.Add(maxSkew)) {
			return p.refuseTime(SessionExpired, "a SessionNotOnOrAfter to come", end)
		}
		if i == 0 {
			a.AuthnInstant = at
			a.SessionIndex, _ = attribute(s, "SessionIndex")
		}
		if !end.IsZero() && (a.SessionNotOnOrAfter.IsZero() || end.Before(a.SessionNotOnOrAfter)) {
			a.SessionNotOnOrAfter = end
		}
	}
	return nil
}

// attributes reads the AttributeStatements (SAML Core §2.7.3). A value may be any XML. What cannot
// be read as a list of texts is left out, since most often nobody reads it: see
// [Assertion.Unreadable].
func attributes(el *etree.Element, a *Assertion) {
	a.Attributes = map[string][]string{}
	for _, statement := range children(el, assertionNS, "AttributeStatement") {
		if n := len(children(statement, assertionNS, "EncryptedAttribute")); n > 0 {
			a.warn(refuse(EncryptedAttribute, "attributes that are not encrypted", fmt.Sprintf("%d of them", n)))
		}
		for _, attr := range children(statement, assertionNS, "Attribute") {
			name, _ := attribute(attr, "Name")
			if name == "" {
				a.warn(refuse(AttributeLeftOut, "a Name on each Attribute", friendlyName(attr)))
				continue
			}
			read, err := attributeValues(attr, name)
			if err != nil {
				a.leaveOut(name, err)
				continue
			}
			a.Attributes[name] = append(a.Attributes[name], read...)
		}
	}
	for name := range a.Unreadable {
		delete(a.Attributes, name)
	}
}

// friendlyName describes an Attribute without a Name.
func friendlyName(attr *etree.Element) string {
	if friendly, _ := attribute(attr, "FriendlyName"); friendly != "" {
		return "an Attribute with an empty Name and the FriendlyName " + friendly
	}
	return "an Attribute with an empty Name"
}

// leaveOut notes an attribute whose values cannot be read.
func (a *Assertion) leaveOut(name string, err error) {
	r, ok := err.(*Refused)
	if !ok {
		r = &Refused{Reason: MarkupInValue, Err: err}
	}
	if a.Unreadable == nil {
		a.Unreadable = map[string]*Refused{}
	}
	if a.Unreadable[name] == nil {
		a.Unreadable[name] = r
		a.warn(refuse(AttributeLeftOut, r.Expected, fmt.Sprintf("%q", name)))
	}
}

// maxWarnings is how many faults are noted with one assertion.
const maxWarnings = 10

// warn notes a fault that does not make the verification fail.
func (a *Assertion) warn(err error) {
	if r, ok := err.(*Refused); ok && len(a.Warnings) < maxWarnings {
		a.Warnings = append(a.Warnings, r)
	}
}

// attributeValues returns the values of an Attribute. One without values means that the person has
// none, which removes the stored values. A missing attribute leaves them as they are.
func attributeValues(attr *etree.Element, name string) ([]string, error) {
	values := children(attr, assertionNS, "AttributeValue")
	read := make([]string, 0, len(values))
	for _, v := range values {
		value, ok := attributeValue(v)
		if !ok {
			return nil, refuse(MarkupInValue,
				fmt.Sprintf("text, or one element with text, in each AttributeValue of %q", name),
				fmt.Sprintf("the attribute %q with other XML in it", name))
		}
		read = append(read, value)
	}
	return read, nil
}

// attributeValue returns the text of a value, or of the one element in it: eduPersonTargetedID has
// a NameID within the value. Text around elements is never joined: two readers could see two
// values.
func attributeValue(el *etree.Element) (value string, ok bool) {
	if inner := el.ChildElements(); len(inner) > 0 {
		for _, token := range el.Child {
			if data, ok := token.(*etree.CharData); len(inner) > 1 || ok && strings.TrimSpace(data.Data) != "" {
				return "", false
			}
		}
		el = inner[0]
	}
	value, err := text(el)
	return value, err == nil
}
