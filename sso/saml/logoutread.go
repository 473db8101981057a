package saml

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// LogoutMessage is a verified message of the Single Logout profile (SAML Profiles §4.4): either a
// request of the identity provider, or its response to a request of ours.
type LogoutMessage struct {
	Request    *ReceivedLogoutRequest  // nil for a response
	Response   *ReceivedLogoutResponse // nil for a request
	RelayState string
	Warnings   []*Refused // faults that did not make the verification fail
}

// ReceivedLogoutRequest is the content of a LogoutRequest (SAML Core §3.7.1). It is always signed.
type ReceivedLogoutRequest struct {
	ID             string
	NameID         NameID
	SessionIndexes []string  // at most 100; none for all sessions of the NameID
	ReplayUntil    time.Time // until then the caller must store the ID, to refuse a second use
}

// ReceivedLogoutResponse is the content of a LogoutResponse (SAML Core §3.7.2). Entra ID, OneLogin
// and others do not sign it. An unsigned one may only finish the request that it is for, and only
// in the browser that has this request.
type ReceivedLogoutResponse struct {
	InResponseTo string // the ID of our request
	Signed       bool
	Status       string // the status codes of a failure; empty for success
}

// maxSessionIndexes is how many sessions one request may name.
const maxSessionIndexes = 100

// ReadLogoutQuery reads a logout message by HTTP-Redirect. rawQuery is the query as it came,
// undecoded. Every error is a [*Refused]. e.RequestID is ignored: see
// [ReceivedLogoutResponse.Answers].
func (sp SP) ReadLogoutQuery(idp IDP, rawQuery string, e Expect) (m *LogoutMessage, err error) {
	defer recoverRefused(&m, &err)
	if err := checkQueryLength(rawQuery); err != nil {
		return nil, err
	}
	raw, err := redirectParameters(rawQuery)
	if err != nil {
		return nil, err
	}
	if err := checkOrder(rawQuery); err != nil {
		return nil, err
	}
	_, response := raw[ResponseParameter]
	_, signed := raw["Signature"]
	_, algorithm := raw["SigAlg"]
	if response && !signed && !algorithm {
		return sp.readUnsignedResponse(idp, raw, e)
	}
	r, err := idp.ReadRedirect(rawQuery)
	if err != nil {
		return nil, err
	}
	root, _, err := parseLogout(r.Document)
	if err != nil {
		return nil, err
	}
	if m, err = sp.logout(idp, root, r.Parameter, r.Signer, e); err != nil {
		return nil, err
	}
	m.RelayState = r.RelayState
	return m, nil
}

// checkOrder requires the parameters in the order in which they are signed (SAML Bindings
// §3.4.4.1). All known identity providers send them so. An attacker who alters a query cannot
// change the order.
func checkOrder(rawQuery string) error {
	want := []string{RequestParameter, ResponseParameter, "RelayState", "SigAlg", "Signature"}
	last := -1
	for pair := range strings.SplitSeq(rawQuery, "&") {
		name, _, _ := strings.Cut(pair, "=")
		i := slices.Index(want, name)
		switch {
		case i < 0:
		case i < last:
			return refuse(Reordered, strings.Join(want[2:], ", ")+" behind the message", name+" behind "+want[last])
		default:
			last = i
		}
	}
	return nil
}

// readUnsignedResponse reads a LogoutResponse without a signature from the parameters of a query.
func (sp SP) readUnsignedResponse(idp IDP, raw map[string]string, e Expect) (*LogoutMessage, error) {
	values := map[string]string{}
	for _, name := range []string{ResponseParameter, "RelayState"} {
		value, err := url.QueryUnescape(raw[name])
		if err != nil {
			return nil, &Refused{Reason: NotBase64, Expected: "a URL-encoded " + name, Err: err}
		}
		values[name] = value
	}
	document, err := inflate(values[ResponseParameter])
	if err != nil {
		return nil, err
	}
	if document, err = precheck(document, messageLimits); err != nil {
		return nil, err
	}
	root, _, err := parseLogout(document)
	if err != nil {
		return nil, err
	}
	m, err := sp.logout(idp, root, ResponseParameter, nil, e)
	if err != nil {
		return nil, err
	}
	m.RelayState = values["RelayState"]
	return m, nil
}

// ReadLogoutForm reads a logout message by HTTP-POST. parameter is the name of the form field with
// the message, RequestParameter or ResponseParameter. Every error is a [*Refused].
func (sp SP) ReadLogoutForm(idp IDP, parameter, value string, e Expect) (m *LogoutMessage, err error) {
	defer recoverRefused(&m, &err)
	document, err := decode(value)
	if err != nil {
		return nil, err
	}
	if document, err = precheck(document, messageLimits); err != nil {
		return nil, err
	}
	root, signature, err := parseLogout(document)
	if err != nil {
		return nil, err
	}
	var signer *x509.Certificate
	if signature != nil {
		if signer, err = verify(root, signature, idp.Certificates); err != nil {
			return nil, err
		}
		root.RemoveChild(signature)
	}
	return sp.logout(idp, root, parameter, signer, e)
}

// recoverRefused turns a panic of the libraries into a refusal: a message must not end the process.
func recoverRefused(m **LogoutMessage, err *error) {
	if fault := recover(); fault != nil {
		*m, *err = nil, &Refused{Reason: ParserFailed, Err: fmt.Errorf("%v", fault)}
	}
}

// parseLogout builds the tree of a document that has passed the precheck. It returns the one
// signature that is allowed: a child of the message, over the message.
func parseLogout(document []byte) (root, signature *etree.Element, err error) {
	if root, err = parse(document); err != nil {
		return nil, nil, err
	}
	if !is(root, protocolNS, "LogoutRequest") && !is(root, protocolNS, "LogoutResponse") {
		name := "{" + root.NamespaceURI() + "}" + root.Tag
		return nil, nil, refuse(NotALogout, "a SAML 2.0 LogoutRequest or LogoutResponse", name)
	}
	s := newSearch()
	if err := s.walk(root); err != nil {
		return nil, nil, err
	}
	if s.object {
		return nil, nil, refuse(SignatureObject, "a Signature without Object", "")
	}
	m := message{response: root}
	if err := m.assignSignatures(s.signatures); err != nil {
		return nil, nil, err
	}
	return root, m.responseSignature, nil
}

// logout checks and reads a message whose signature has been verified. signer is nil if it has
// none.
func (sp SP) logout(
	idp IDP, root *etree.Element, parameter string, signer *x509.Certificate, e Expect,
) (*LogoutMessage, error) {
	tags := map[string]string{RequestParameter: "LogoutRequest", ResponseParameter: "LogoutResponse"}
	if want := tags[parameter]; root.Tag != want {
		return nil, refuse(NotALogout, "a "+want+" in "+parameter, root.Tag)
	}
	if signer == nil && root.Tag == "LogoutRequest" {
		return nil, refuse(Unsigned, "a signature on the LogoutRequest", "")
	}
	m := &LogoutMessage{}
	var err error
	if signer != nil {
		if m.Warnings, err = checkDates([]*x509.Certificate{signer}, e); err != nil {
			return nil, err
		}
	}
	p := profile{sp: sp, idp: idp, expect: e}
	if err := p.logoutHead(root, signer != nil); err != nil {
		return nil, warned(err, m.Warnings)
	}
	if root.Tag == "LogoutRequest" {
		m.Request, err = p.logoutRequest(root)
	} else {
		m.Response, err = p.logoutResponse(root, signer != nil)
	}
	if err != nil {
		return nil, warned(err, m.Warnings)
	}
	return m, nil
}

// logoutHead checks the attributes and the issuer that both kinds of message have (SAML Core §3.2).
func (p profile) logoutHead(root *etree.Element, signed bool) error {
	if err := version(root); err != nil {
		return err
	}
	if id, _ := attribute(root, "ID"); id == "" {
		return refuse(MissingID, "an ID on the "+root.Tag, "")
	}
	if _, err := p.issued(root); err != nil {
		return err
	}
	// SAML Bindings §3.4.5.2 and §3.5.5.2: a signed message must have a Destination.
	if to, ok := attribute(root, "Destination"); (ok || signed) && to != p.sp.SLOURL {
		return refuse(WrongDestination, p.sp.SLOURL, cmp.Or(to, "no Destination"))
	}
	return p.issuer(root)
}

// logoutRequest reads the content of a LogoutRequest.
func (p profile) logoutRequest(root *etree.Element) (*ReceivedLogoutRequest, error) {
	r := &ReceivedLogoutRequest{}
	r.ID, _ = attribute(root, "ID")
	issued, err := p.issued(root)
	if err != nil {
		return nil, err
	}
	r.ReplayUntil = issued.Add(maxAge + 2*maxSkew)
	end, err := instant(root, "NotOnOrAfter")
	switch {
	case err != nil:
		return nil, err
	case !end.IsZero() && !p.expect.Now.Before(end.Add(maxSkew)):
		return nil, p.refuseTime(Expired, "a NotOnOrAfter to come", end)
	}
	if r.NameID, err = readNameID(root); err != nil {
		return nil, err
	}
	if r.NameID.Value == "" {
		return nil, refuse(MissingSubject, "a NameID in the LogoutRequest", "")
	}
	for _, el := range children(root, protocolNS, "SessionIndex") {
		index, err := text(el)
		if err != nil {
			return nil, err
		}
		r.SessionIndexes = append(r.SessionIndexes, strings.TrimSpace(index))
	}
	if n := len(r.SessionIndexes); n > maxSessionIndexes {
		return nil, refuse(Repeated, fmt.Sprintf("at most %d SessionIndex", maxSessionIndexes), fmt.Sprint(n))
	}
	return r, nil
}

// logoutResponse reads the content of a LogoutResponse. A status of failure is no error.
func (p profile) logoutResponse(root *etree.Element, signed bool) (*ReceivedLogoutResponse, error) {
	r := &ReceivedLogoutResponse{Signed: signed}
	r.InResponseTo, _ = attribute(root, "InResponseTo")
	if r.InResponseTo == "" {
		return nil, refuse(MissingInResponseTo, "an InResponseTo on the LogoutResponse", "")
	}
	if err := p.status(root); err != nil {
		refused, ok := err.(*Refused)
		if !ok || refused.Reason != BadStatus {
			return nil, err
		}
		r.Status = refused.Received
	}
	return r, nil
}

// Answers returns a [*Refused] unless the response is to the request with this ID.
func (r *ReceivedLogoutResponse) Answers(requestID string) error {
	if r.InResponseTo != requestID {
		return refuse(WrongInResponseTo, requestID, r.InResponseTo)
	}
	return nil
}
