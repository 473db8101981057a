package saml

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/beevik/etree"
)

const statusSuccess = "urn:oasis:names:tc:SAML:2.0:status:Success"

// profile checks what SAML requires of a response beyond its signature (SAML Profiles §4.1.4, Core
// §2.3 to §2.5), against the time and the request that the caller passed.
type profile struct {
	sp     SP
	idp    IDP
	expect Expect
}

// status refuses a response whose status is not success (SAML Core §3.2.2).
func (p profile) status(response *etree.Element) error {
	status, err := only(response, protocolNS, "Status", MissingStatus, SeveralStatuses)
	if err != nil {
		return err
	}
	code, err := only(status, protocolNS, "StatusCode", MissingStatus, SeveralStatuses)
	if err != nil {
		return err
	}
	value, _ := attribute(code, "Value")
	if value == statusSuccess {
		return nil
	}
	for _, inner := range children(code, protocolNS, "StatusCode") {
		more, _ := attribute(inner, "Value")
		value += " " + more
	}
	for _, message := range children(status, protocolNS, "StatusMessage") {
		value += " " + message.Text()
	}
	return refuse(BadStatus, statusSuccess, value)
}

// response checks the attributes and the issuer of the Response itself.
func (p profile) response(m *message) error {
	r := m.response
	if err := version(r); err != nil {
		return err
	}
	if id, _ := attribute(r, "ID"); id == "" {
		return refuse(MissingID, "an ID on the Response", "")
	}
	if _, err := p.issued(r); err != nil {
		return err
	}
	// SAML Bindings §3.5.5.2: a signed message must have a Destination. Without a signature it
	// proves nothing, but a wrong one still shows a wrong configuration.
	destination, ok := attribute(r, "Destination")
	if (ok || m.responseSignature != nil) && destination != p.sp.ACSURL {
		return refuse(WrongDestination, p.sp.ACSURL, cmp.Or(destination, "no Destination"))
	}
	if len(children(r, assertionNS, "Issuer")) > 0 {
		if err := p.issuer(r); err != nil {
			return err
		}
	}
	return p.inResponseTo(r)
}

// version refuses a message of another version than SAML 2.0.
func version(el *etree.Element) error {
	if v, _ := attribute(el, "Version"); v != "2.0" {
		return refuse(WrongVersion, "Version 2.0 of "+el.Tag, cmp.Or(v, "no Version"))
	}
	return nil
}

// issued returns the IssueInstant of a message. It must be recent, because the IDs of used messages
// are stored for a limited time only.
func (p profile) issued(el *etree.Element) (time.Time, error) {
	t, err := instant(el, "IssueInstant")
	switch {
	case err != nil:
		return t, err
	case t.IsZero():
		return t, refuse(BadTime, "an IssueInstant on the "+el.Tag, "")
	case t.After(p.expect.Now.Add(maxSkew)):
		return t, p.refuseTime(IssuedInFuture, "an IssueInstant that is past", t)
	case p.expect.Now.After(t.Add(maxAge + maxSkew)):
		return t, p.refuseTime(IssuedLongAgo, "an IssueInstant in the last "+maxAge.String(), t)
	}
	return t, nil
}

// refuseTime returns an error with the times of both clocks, because mostly one of them is wrong.
func (p profile) refuseTime(reason Reason, expected string, received time.Time) error {
	now := p.expect.Now.UTC().Format(time.RFC3339)
	return refuse(reason, expected+", where it is "+now, received.UTC().Format(time.RFC3339))
}

// issuer checks the Issuer of a message.
func (p profile) issuer(el *etree.Element) error {
	issuer, err := only(el, assertionNS, "Issuer", WrongIssuer, Repeated)
	if err != nil {
		return err
	}
	value, err := text(issuer)
	if err != nil {
		return err
	}
	if strings.TrimSpace(value) != p.idp.EntityID {
		return refuse(WrongIssuer, p.idp.EntityID, value)
	}
	return nil
}

// inResponseTo checks that a response is to the request of this browser, or unsolicited if there
// was none.
func (p profile) inResponseTo(el *etree.Element) error {
	value, ok := attribute(el, "InResponseTo")
	switch {
	case p.expect.RequestID == "" && p.expect.AnyRequest:
		return nil
	case p.expect.RequestID == "" && ok:
		return refuse(UnexpectedRequest, "no InResponseTo on "+el.Tag, value)
	case p.expect.RequestID != "" && !ok:
		return refuse(MissingInResponseTo, p.expect.RequestID, "no InResponseTo on "+el.Tag)
	case value != p.expect.RequestID:
		return refuse(WrongInResponseTo, p.expect.RequestID, value)
	}
	return nil
}

// assertion checks an Assertion and reads its content.
func (p profile) assertion(el *etree.Element) (*Assertion, error) {
	if err := version(el); err != nil {
		return nil, err
	}
	a := &Assertion{Issuer: p.idp.EntityID, InResponseTo: p.expect.RequestID}
	if a.ID, _ = attribute(el, "ID"); a.ID == "" {
		return nil, refuse(MissingID, "an ID on the Assertion", "")
	}
	var err error
	if a.IssueInstant, err = p.issued(el); err != nil {
		return nil, err
	}
	// An older assertion is refused as such. One skew is for the identity provider's clock, the
	// other for the clock of another replica of this server.
	a.ReplayUntil = a.IssueInstant.Add(maxAge + 2*maxSkew)
	if err := p.issuer(el); err != nil {
		return nil, err
	}
	if err := p.subject(el, a); err != nil {
		return nil, err
	}
	if err := p.conditions(el, a); err != nil {
		return nil, err
	}
	if err := p.authnStatement(el, a); err != nil {
		return nil, err
	}
	attributes(el, a)
	return a, nil
}

// checkValidity checks NotBefore and NotOnOrAfter, and returns the latter. SAML Core §2.5.1.2:
// NotOnOrAfter is the first instant at which the element is no longer valid.
func (p profile) checkValidity(el *etree.Element, issued time.Time) (time.Time, error) {
	begin, err := instant(el, "NotBefore")
	if err != nil {
		return begin, err
	}
	end, err := instant(el, "NotOnOrAfter")
	switch {
	case err != nil:
		return end, err
	case begin.After(p.expect.Now.Add(maxSkew)):
		return end, p.refuseTime(NotYetValid, "a NotBefore that is past", begin)
	case end.IsZero():
		return end, nil
	case !p.expect.Now.Before(end.Add(maxSkew)):
		return end, p.refuseTime(Expired, "a NotOnOrAfter to come", end)
	case end.After(issued.Add(maxLifetime)):
		expected := fmt.Sprintf("a NotOnOrAfter within %s of IssueInstant", maxLifetime)
		return end, p.refuseTime(ValidTooLong, expected, end)
	}
	return end, nil
}

// conditions checks the Conditions of an assertion (SAML Core §2.5).
func (p profile) conditions(el *etree.Element, a *Assertion) error {
	conditions, err := only(el, assertionNS, "Conditions", MissingConditions, Repeated)
	if err != nil {
		return err
	}
	end, err := p.checkValidity(conditions, a.IssueInstant)
	if err != nil {
		return err
	}
	if !end.IsZero() && end.Before(a.NotOnOrAfter) {
		a.NotOnOrAfter = end
	}
	restricted := false
	for _, c := range conditions.ChildElements() {
		switch {
		case is(c, assertionNS, "AudienceRestriction"):
			restricted = true
			// SAML Core §2.5.1.4: each restriction must have us among its audiences.
			if err := p.audience(c); err != nil {
				return err
			}
		case is(c, assertionNS, "OneTimeUse"), is(c, assertionNS, "ProxyRestriction"):
			// Every assertion is used once, and this server issues no assertions by proxy.
		default:
			// SAML Core §2.5.1.1: an unknown condition makes the validity indeterminate.
			return refuse(UnknownCondition, "AudienceRestriction, OneTimeUse or ProxyRestriction", c.FullTag())
		}
	}
	if !restricted {
		return refuse(MissingAudience, p.sp.EntityID, "")
	}
	return nil
}

// audience checks that we are among the audiences of a restriction.
func (p profile) audience(restriction *etree.Element) error {
	var others []string
	for _, el := range children(restriction, assertionNS, "Audience") {
		value, err := text(el)
		if err != nil {
			return err
		}
		if strings.TrimSpace(value) == p.sp.EntityID {
			return nil
		}
		others = append(others, value)
	}
	if len(others) == 0 {
		return refuse(MissingAudience, p.sp.EntityID, "")
	}
	return refuse(WrongAudience, p.sp.EntityID, strings.Join(others, " "))
}
