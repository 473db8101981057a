package saml

import (
	"crypto/x509"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// LogoutMessage is a message of the single logout profile, verified: either a request of the
// identity provider's, or its answer to one of ours.
type LogoutMessage struct {
	Request    *LogoutRequested
	Response   *LogoutAnswered
	RelayState string
	Warnings   []*Refused
}

// LogoutRequested is what an identity provider asks for. It is always signed.
type LogoutRequested struct {
	ID             string
	NameID         NameID
	SessionIndexes []string  // none: all sessions of that name
	ReplayUntil    time.Time // how long the ID must be remembered, so that it comes once
}

// LogoutAnswered is what an identity provider answers. Entra ID, OneLogin and others do not sign it,
// and it says nothing that matters but which request is over: without a signature that is all that
// may be believed, and only in the browser that has that request.
type LogoutAnswered struct {
	InResponseTo string
	Signed       bool
	Status       string // of a failure; empty where the session has ended there
}

// maxSessionIndexes is how many sessions one request may name.
const maxSessionIndexes = 100

// ReadLogoutQuery reads what came to our single logout service by HTTP-Redirect: rawQuery is the
// query as it came. Every error is a Refused. e.RequestID is not looked at, see Answers.
func (sp SP) ReadLogoutQuery(idp IDP, rawQuery string, e Expect) (m *LogoutMessage, err error) {
	defer contain(&m, &err)
	if len(rawQuery) > maxQuery {
		return nil, refuse(TooLarge, fmt.Sprintf("at most %d bytes of query", maxQuery), fmt.Sprintf("%d bytes", len(rawQuery)))
	}
	raw, err := redirectParameters(rawQuery)
	if err != nil {
		return nil, err
	}
	if err := inOrder(rawQuery); err != nil {
		return nil, err
	}
	_, response := raw[ResponseParameter]
	_, signed := raw["Signature"]
	_, algorithm := raw["SigAlg"]
	if response && !signed && !algorithm {
		return sp.readUnsignedAnswer(idp, raw, e)
	}
	r, err := idp.ReadRedirect(rawQuery)
	if err != nil {
		return nil, err
	}
	root, _, err := arrangeLogout(r.Document)
	if err != nil {
		return nil, err
	}
	if m, err = sp.logout(idp, root, r.Parameter, r.Signer, e); err != nil {
		return nil, err
	}
	m.RelayState = r.RelayState
	return m, nil
}

// inOrder demands the parameters in the order in which SAML Bindings §3.4.4.1 has them signed, which
// is how everybody sends them. Whoever changes a query on its way then has nothing to choose.
func inOrder(rawQuery string) error {
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

func (sp SP) readUnsignedAnswer(idp IDP, raw map[string]string, e Expect) (*LogoutMessage, error) {
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
	if err := precheck(document, messageLimits); err != nil {
		return nil, err
	}
	root, _, err := arrangeLogout(document)
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

// ReadLogoutForm reads what came by HTTP-POST: parameter is the field, RequestParameter or
// ResponseParameter, that had the value. Every error is a Refused.
func (sp SP) ReadLogoutForm(idp IDP, parameter, value string, e Expect) (m *LogoutMessage, err error) {
	defer contain(&m, &err)
	document, err := decode(value)
	if err != nil {
		return nil, err
	}
	if err := precheck(document, messageLimits); err != nil {
		return nil, err
	}
	root, signature, err := arrangeLogout(document)
	if err != nil {
		return nil, err
	}
	var signer *x509.Certificate
	if signature != nil {
		if signer, err = verify(root, signature, idp.Certificates, true); err != nil {
			return nil, err
		}
	}
	return sp.logout(idp, root, parameter, signer, e)
}

// contain turns a fault of the libraries into a refusal: a message must not end the process.
func contain(m **LogoutMessage, err *error) {
	if fault := recover(); fault != nil {
		*m, *err = nil, &Refused{Reason: ParserFailed, Err: fmt.Errorf("%v", fault)}
	}
}

// arrangeLogout builds the tree of a document that passed the precheck, with the one signature that
// may stand in it: directly in the message, over the message.
func arrangeLogout(document []byte) (root, signature *etree.Element, err error) {
	if root, err = parse(document); err != nil {
		return nil, nil, err
	}
	if !is(root, protocolNS, "LogoutRequest") && !is(root, protocolNS, "LogoutResponse") {
		return nil, nil, refuse(NotALogout, "a SAML 2.0 LogoutRequest or LogoutResponse", "{"+root.NamespaceURI()+"}"+root.Tag)
	}
	f := newFinds()
	if err := f.walk(root); err != nil {
		return nil, nil, err
	}
	if f.object {
		return nil, nil, refuse(SignatureObject, "a Signature without Object", "")
	}
	m := message{response: root}
	if err := m.sign(f.signatures); err != nil {
		return nil, nil, err
	}
	return root, m.responseSignature, nil
}

// logout reads a message as it was signed. signer is nil where it was not.
func (sp SP) logout(idp IDP, root *etree.Element, parameter string, signer *x509.Certificate, e Expect) (*LogoutMessage, error) {
	if want := map[string]string{RequestParameter: "LogoutRequest", ResponseParameter: "LogoutResponse"}[parameter]; root.Tag != want {
		return nil, refuse(NotALogout, "a "+want+" in "+parameter, root.Tag)
	}
	if signer == nil && root.Tag == "LogoutRequest" {
		return nil, refuse(Unsigned, "a signature on the LogoutRequest", "")
	}
	m := &LogoutMessage{}
	var err error
	if signer != nil {
		if m.Warnings, err = outOfDate([]*x509.Certificate{signer}, e); err != nil {
			return nil, err
		}
	}
	p := profile{sp: sp, idp: idp, expect: e}
	if err := p.logoutHead(root, signer != nil); err != nil {
		return nil, err
	}
	if root.Tag == "LogoutRequest" {
		m.Request, err = p.logoutRequested(root)
	} else {
		m.Response, err = p.logoutAnswered(root, signer != nil)
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

// logoutHead checks what both messages begin with (SAML Core §3.2).
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
	// SAML Bindings §3.4.5.2 and §3.5.5.2: a signed message says where it is sent.
	if to, ok := attribute(root, "Destination"); (ok || signed) && to != p.sp.SLOURL {
		return refuse(WrongDestination, p.sp.SLOURL, to)
	}
	return p.issuer(root)
}

func (p profile) logoutRequested(root *etree.Element) (*LogoutRequested, error) {
	r := &LogoutRequested{}
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
	if len(r.SessionIndexes) > maxSessionIndexes {
		return nil, refuse(Repeated, fmt.Sprintf("at most %d SessionIndex", maxSessionIndexes), fmt.Sprint(len(r.SessionIndexes)))
	}
	return r, nil
}

func (p profile) logoutAnswered(root *etree.Element, signed bool) (*LogoutAnswered, error) {
	r := &LogoutAnswered{Signed: signed}
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

// Answers refuses an answer to another request than the one that this browser was sent with.
func (r *LogoutAnswered) Answers(requestID string) error {
	if r.InResponseTo != requestID {
		return refuse(WrongInResponseTo, requestID, r.InResponseTo)
	}
	return nil
}
