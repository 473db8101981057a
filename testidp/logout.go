package testidp

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
)

// ErrNoLogout is the error of single logout if the application has no single logout URL.
var ErrNoLogout = errors.New("no single logout URL of the service provider is connected")

// LogoutOptions vary a message of single logout. The zero value varies nothing.
type LogoutOptions struct {
	ID             string // empty for a new one
	RelayState     string
	SessionIndexes []string  // of a request; none for all sessions of the person
	InResponseTo   string    // of a response: the ID of the request
	Status         string    // of a response: the second-level status code of a failure
	Now            time.Time // the time of issue; zero for the time of Options.Now
	// Edit changes the message before it is signed.
	Edit func(message *etree.Element)
}

// LogoutMessage is a message for the service provider, which a browser takes there.
type LogoutMessage struct {
	To         string // the service provider's single logout URL
	Parameter  string // SAMLRequest or SAMLResponse
	RelayState string
	document   *etree.Document
	keys       keyPair
	signature  string // the prefix of its namespace
}

// SAMLLogoutURL returns the single logout endpoint, for HTTP-Redirect and HTTP-POST.
func (a *Application) SAMLLogoutURL() string { return a.at("saml/slo") }

// ConnectLogout sets the service provider's single logout URL. Without one, a sign-out ends only
// the session at this identity provider. ConnectSAML with another service provider removes it. The
// error is an *Invalid.
func (a *Application) ConnectLogout(sloURL string) error {
	entityID, _ := a.ServiceProvider()
	sp, err := checkServiceProvider(entityID, sloURL)
	if err != nil {
		return &Invalid{"slo_url", "write the http or https URL of the single logout service, " +
			"without user name and fragment"}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sp.sloURL = sp.acsURL
	return nil
}

// LogoutRequest makes the message that ends a person's sessions at the service provider. The error
// may be ErrNoLogout or ErrNotFound.
func (a *Application) LogoutRequest(person string, o LogoutOptions) (*LogoutMessage, error) {
	who, err := a.dir.person(person)
	if err != nil {
		return nil, err
	}
	return a.logoutMessage("LogoutRequest", "SAMLRequest", o, func(root *etree.Element) {
		p := a.personality
		attributes := append(declared(p.assertion, nsAssertion), "Format", p.nameIDFormat)
		add(root, qualified(p.assertion, "NameID"), p.nameID(a, who), attributes...)
		for _, index := range o.SessionIndexes {
			add(root, qualified(p.protocol, "SessionIndex"), index)
		}
	})
}

// LogoutResponse makes the response to a LogoutRequest of the service provider. The error may be
// ErrNoLogout.
func (a *Application) LogoutResponse(o LogoutOptions) (*LogoutMessage, error) {
	return a.logoutMessage("LogoutResponse", "SAMLResponse", o, func(root *etree.Element) {
		set(root, "InResponseTo", o.InResponseTo)
		code := qualified(a.personality.protocol, "StatusCode")
		status := add(root, qualified(a.personality.protocol, "Status"), "")
		if o.Status == "" {
			add(status, code, "", "Value", saml.StatusSuccess)
			return
		}
		add(add(status, code, "", "Value", saml.StatusResponder), code, "", "Value", o.Status)
	})
}

// logoutMessage makes a message of single logout. fill adds the content that follows the issuer.
func (a *Application) logoutMessage(
	tag, parameter string, o LogoutOptions, fill func(root *etree.Element),
) (*LogoutMessage, error) {
	sp, p := a.serviceProvider(), a.personality
	if sp.sloURL == "" {
		return nil, ErrNoLogout
	}
	keys, err := a.keys()
	if err != nil {
		return nil, err
	}
	if o.ID == "" {
		o.ID = p.newID()
	}
	if o.Now.IsZero() {
		o.Now = a.client.now()
	}
	root := etree.NewElement(qualified(p.protocol, tag))
	set(root, declared(p.protocol, nsProtocol)...)
	set(root, "ID", o.ID, "Version", "2.0", "IssueInstant", stamp(o.Now), "Destination", sp.sloURL)
	if tag == "LogoutRequest" {
		set(root, "NotOnOrAfter", stamp(o.Now.Add(5*time.Minute)))
	}
	issuer := add(root, qualified(p.assertion, "Issuer"), a.SAMLEntityID(), declared(p.assertion, nsAssertion)...)
	set(issuer, "Format", p.issuerFormat)
	fill(root)
	if o.Edit != nil {
		o.Edit(root)
	}
	document := etree.NewDocument()
	document.SetRoot(root)
	return &LogoutMessage{
		To: sp.sloURL, Parameter: parameter, RelayState: o.RelayState,
		document: document, keys: keys, signature: p.signature,
	}, nil
}

// URL returns the message by HTTP-Redirect. The signature is over the query (SAML bindings
// §3.4.4.1).
func (m *LogoutMessage) URL() (string, error) {
	document, err := m.document.WriteToString()
	if err != nil {
		return "", err
	}
	deflated, err := deflate(base64.StdEncoding.EncodeToString([]byte(document)))
	if err != nil {
		return "", err
	}
	query := m.Parameter + "=" + url.QueryEscape(deflated)
	if m.RelayState != "" {
		query += "&RelayState=" + url.QueryEscape(m.RelayState)
	}
	query += "&SigAlg=" + url.QueryEscape(algRSASHA256)
	sum := sha256.Sum256([]byte(query))
	value, err := m.keys.key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		return "", err
	}
	query += "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(value))
	if strings.Contains(m.To, "?") {
		return m.To + "&" + query, nil
	}
	return m.To + "?" + query, nil
}

// Form returns the fields of the message by HTTP-POST. The signature is in it (SAML bindings
// §3.5.4).
func (m *LogoutMessage) Form() (url.Values, error) {
	signed := m.document.Copy()
	if err := m.keys.sign(signed.Root(), m.signature, ""); err != nil {
		return nil, fmt.Errorf("sign the message: %w", err)
	}
	document, err := signed.WriteToBytes()
	if err != nil {
		return nil, err
	}
	form := url.Values{m.Parameter: {base64.StdEncoding.EncodeToString(document)}}
	if m.RelayState != "" {
		form.Set("RelayState", m.RelayState)
	}
	return form, nil
}

// receivedLogout has the parts of a message of the service provider that are read.
type receivedLogout struct {
	XMLName      xml.Name
	ID           string `xml:"ID,attr"`
	InResponseTo string `xml:"InResponseTo,attr"`
	Issuer       string `xml:"urn:oasis:names:tc:SAML:2.0:assertion Issuer"`
}

// readLogout reads a message by HTTP-Redirect. As with an AuthnRequest, the signature is not
// verified: there is nothing here to protect, and responses only go to the connected service
// provider.
func readLogout(a *Application, parameter, value string) (*receivedLogout, error) {
	document, err := inflate(value)
	if err != nil {
		return nil, err
	}
	var m receivedLogout
	if err := xml.Unmarshal(document, &m); err != nil {
		return nil, errors.New("the logout message cannot be read")
	}
	want := map[string]string{"SAMLRequest": "LogoutRequest", "SAMLResponse": "LogoutResponse"}[parameter]
	entityID, _ := a.ServiceProvider()
	switch {
	case m.XMLName.Space != nsProtocol || m.XMLName.Local != want:
		return nil, fmt.Errorf("the message is a %s, not a %s", m.XMLName.Local, want)
	case strings.TrimSpace(m.Issuer) != entityID:
		return nil, fmt.Errorf("the %s comes from %q; connected is %q", want, m.Issuer, entityID)
	case len(m.ID) > maxMessageID || !messageID.MatchString(m.ID):
		return nil, fmt.Errorf("the %s has no usable ID", want)
	}
	return &m, nil
}

// slo is the single logout service. A posted message is redirected to the same path as a query,
// because a browser does not send the session cookie with the form of another site.
func (s *Server) slo(w http.ResponseWriter, r *http.Request, a *Application) {
	if err := r.ParseForm(); err != nil {
		s.fail(w, r, http.StatusBadRequest, "The address cannot be read.")
		return
	}
	parameter := "SAMLRequest"
	if r.Form.Has("SAMLResponse") {
		parameter = "SAMLResponse"
	}
	if r.Method == http.MethodPost {
		deflated, err := deflate(r.PostForm.Get(parameter))
		if err != nil {
			s.fail(w, r, http.StatusBadRequest, sentence(err))
			return
		}
		query := url.Values{parameter: {deflated}, "RelayState": r.PostForm["RelayState"]}
		http.Redirect(w, r, fmt.Sprintf("/applications/%d/saml/slo?%s", a.number, query.Encode()), http.StatusSeeOther)
		return
	}
	m, err := readLogout(a, parameter, r.Form.Get(parameter))
	if err != nil {
		s.fail(w, r, http.StatusBadRequest, sentence(err))
		return
	}
	http.SetCookie(w, s.noSession(a))
	if parameter == "SAMLResponse" {
		http.Redirect(w, r, fmt.Sprintf("/applications/%d", a.number), http.StatusSeeOther)
		return
	}
	answer, err := a.LogoutResponse(LogoutOptions{InResponseTo: m.ID, RelayState: r.Form.Get("RelayState")})
	var location string
	if err == nil {
		location, err = answer.URL()
	}
	if err != nil {
		s.fail(w, r, http.StatusNotFound, sentence(err))
		return
	}
	http.Redirect(w, r, location, http.StatusSeeOther)
}

// noSession returns the cookie that removes the session cookie.
func (s *Server) noSession(a *Application) *http.Cookie {
	gone := s.session(a, "", time.Time{})
	gone.Value, gone.MaxAge = "", -1
	return gone
}

// logoutPage has a form that posts a LogoutRequest to the application.
type logoutPage struct {
	page
	*Application
	To, SAMLRequest string
	Nonce           string // allows the page's one script
}

// signOut ends the session here, and at the application too if it has single logout.
func (s *Server) signOut(w http.ResponseWriter, r *http.Request, a *Application) {
	person, _, known := s.whoIs(r, a)
	http.SetCookie(w, s.noSession(a))
	if !known || a.serviceProvider().sloURL == "" {
		http.Redirect(w, r, fmt.Sprintf("/applications/%d", a.number), http.StatusSeeOther)
		return
	}
	m, err := a.LogoutRequest(person, LogoutOptions{})
	var form url.Values
	if err == nil {
		form, err = m.Form()
	}
	if err != nil {
		s.log.Error("make a logout request", "error", err)
		s.fail(w, r, http.StatusInternalServerError, "The logout request cannot be made.")
		return
	}
	if wantsJSON(r) {
		s.json(w, http.StatusOK, map[string]string{"slo_url": m.To, "saml_request": form.Get("SAMLRequest")})
		return
	}
	p := logoutPage{s.page("Signing out of " + a.name), a, m.To, form.Get("SAMLRequest"), allowPosting(w)}
	s.render(w, http.StatusOK, "logout", p)
}
