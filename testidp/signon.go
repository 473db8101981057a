package testidp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/crewjam/saml"
)

// sessionCookie is the name of the session cookie. Each application has its own by its path,
// because its people are those of another company.
const sessionCookie = "northwind"

// signOn is a request to sign on, or an unsolicited sign-on.
type signOn struct {
	SAMLRequest string // as HTTP-Redirect sends it; empty if unsolicited
	RelayState  string
	request     *authnRequest // nil if unsolicited
}

// readSignOn reads and checks a sign-on from the form of a request.
func readSignOn(a *Application, form url.Values) (signOn, error) {
	in := signOn{SAMLRequest: form.Get("SAMLRequest"), RelayState: form.Get("RelayState")}
	if a.serviceProvider().acsURL == "" {
		return in, ErrNotConnected
	}
	if len(in.RelayState) > maxRelayState {
		return in, fmt.Errorf("the RelayState has more than %d bytes", maxRelayState)
	}
	if in.SAMLRequest == "" {
		return in, nil
	}
	document, err := inflate(in.SAMLRequest)
	if err != nil {
		return in, err
	}
	if in.request, err = parseAuthnRequest(document); err != nil {
		return in, err
	}
	return in, in.request.check(a)
}

// id returns the ID of the AuthnRequest. It is empty if unsolicited.
func (in signOn) id() string {
	if in.request == nil {
		return ""
	}
	return in.request.ID
}

// forced reports whether the person must sign in again, even with a session.
func (in signOn) forced() bool { return in.request != nil && bool(in.request.ForceAuthn) }

// metadata serves the identity provider's metadata.
func (s *Server) metadata(w http.ResponseWriter, r *http.Request, a *Application) {
	document := a.SAMLMetadata()
	if document == nil {
		s.fail(w, r, http.StatusInternalServerError, "The metadata cannot be made.")
		return
	}
	w.Header().Set("Content-Type", "application/samlmetadata+xml")
	if _, err := w.Write(document); err != nil {
		s.log.Debug("write metadata", "error", err)
	}
}

// sso is the single sign-on service. A posted AuthnRequest is redirected to the same path as a
// query, because a browser does not send the session cookie with the form of another site.
func (s *Server) sso(w http.ResponseWriter, r *http.Request, a *Application) {
	if r.Method == http.MethodPost {
		deflated, err := deflate(r.PostForm.Get("SAMLRequest"))
		if err != nil {
			s.fail(w, r, http.StatusBadRequest, sentence(err))
			return
		}
		r.Form.Set("SAMLRequest", deflated)
		if !wantsJSON(r) {
			query := url.Values{"SAMLRequest": {deflated}}
			if r.Form.Has("RelayState") {
				query.Set("RelayState", r.Form.Get("RelayState"))
			}
			location := fmt.Sprintf("/applications/%d/saml/sso?%s", a.number, query.Encode())
			http.Redirect(w, r, location, http.StatusSeeOther)
			return
		}
	} else if err := r.ParseForm(); err != nil || r.Form.Get("SAMLRequest") == "" {
		s.fail(w, r, http.StatusBadRequest, "There is no SAMLRequest in the address. Begin at the application.")
		return
	}
	in, err := readSignOn(a, r.Form)
	if err != nil {
		s.refuseSignOn(w, r, err)
		return
	}
	person, since, known := s.whoIs(r, a)
	switch script := wantsJSON(r) && r.Form.Has("person"); {
	case script:
		s.answer(w, r, a, in, r.Form.Get("person"), a.client.now())
	case bool(in.request.IsPassive) && (in.forced() || !known):
		s.refusePassive(w, r, a, in)
	case known && !in.forced():
		s.answer(w, r, a, in, person, since)
	default:
		s.choose(w, r, a, in, person)
	}
}

// signIn signs in the person who was picked on the page of choose.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request, a *Application) {
	s.signInAs(w, r, a, r.Form.Get("person"))
}

// openAs signs in the person of the path, unsolicited.
func (s *Server) openAs(w http.ResponseWriter, r *http.Request, a *Application) {
	r.Form.Del("SAMLRequest")
	s.signInAs(w, r, a, r.PathValue("person"))
}

// signInAs begins a session of a person and responds to the sign-on.
func (s *Server) signInAs(w http.ResponseWriter, r *http.Request, a *Application, person string) {
	in, err := readSignOn(a, r.Form)
	if err != nil {
		s.refuseSignOn(w, r, err)
		return
	}
	if _, err := a.dir.person(person); err != nil {
		s.fail(w, r, http.StatusNotFound, "There is no such person.")
		return
	}
	now := a.client.now()
	http.SetCookie(w, s.session(a, person, now))
	s.answer(w, r, a, in, person, now)
}

// open sends the signed-in person to the application, unsolicited. Without a session, it shows the
// page to pick a person.
func (s *Server) open(w http.ResponseWriter, r *http.Request, a *Application) {
	in, err := readSignOn(a, url.Values{"RelayState": r.Form["RelayState"]})
	if err != nil {
		s.refuseSignOn(w, r, err)
		return
	}
	if person, since, known := s.whoIs(r, a); known {
		s.answer(w, r, a, in, person, since)
		return
	}
	s.choose(w, r, a, in, "")
}

// connect sets the service provider. It comes later than the application, because service providers
// are set up with the metadata.
func (s *Server) connect(w http.ResponseWriter, r *http.Request, a *Application) {
	err := a.ConnectSAML(r.Form.Get("entity_id"), r.Form.Get("acs_url"))
	if slo := r.Form.Get("slo_url"); err == nil && slo != "" {
		err = a.ConnectLogout(slo)
	}
	if err != nil {
		s.fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	if wantsJSON(r) {
		s.json(w, http.StatusOK, a.description())
		return
	}
	http.Redirect(w, r, fmt.Sprintf("/applications/%d", a.number), http.StatusSeeOther)
}

// refuseSignOn shows the error of a sign-on on a page of ours, because a request that cannot be
// trusted must not get a response.
func (s *Server) refuseSignOn(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusBadRequest
	if errors.Is(err, ErrNotConnected) {
		status = http.StatusNotFound
	}
	s.fail(w, r, status, sentence(err))
}

// sentence returns an error as a sentence for readers.
func sentence(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// session returns the session cookie of a person who signed in at since. It ends with the browser.
func (s *Server) session(a *Application, person string, since time.Time) *http.Cookie {
	value := person + "|" + strconv.FormatInt(since.UnixMilli(), 10)
	return &http.Cookie{
		Name: sessionCookie, Path: fmt.Sprintf("/applications/%d", a.number), HttpOnly: true,
		Secure: s.secure, SameSite: http.SameSiteLaxMode,
		Value: base64.RawURLEncoding.EncodeToString([]byte(value)) + "." + s.seal(a, value),
	}
}

// seal returns the authentication code of a session cookie.
func (s *Server) seal(a *Application, value string) string {
	mac := hmac.New(sha256.New, s.sessionKey)
	fmt.Fprintf(mac, "%d|%s", a.number, value)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// whoIs returns the person who is signed in in this browser, and the time of the sign-in.
func (s *Server) whoIs(r *http.Request, a *Application) (person string, since time.Time, known bool) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return "", time.Time{}, false
	}
	encoded, seal, _ := strings.Cut(cookie.Value, ".")
	value, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil || !hmac.Equal([]byte(seal), []byte(s.seal(a, string(value)))) {
		return "", time.Time{}, false
	}
	person, at, _ := strings.Cut(string(value), "|")
	milliseconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return "", time.Time{}, false
	}
	return person, time.UnixMilli(milliseconds), true
}

// signOnPage is the page to pick a person.
type signOnPage struct {
	page
	*Application
	Assigned, Others []PersonState
	Current          string // name of the person who is signed in already; empty for nobody
	Forced           bool
	Action           string            // path of the form's action, below the application
	Hidden           map[string]string // hidden fields with the request
}

// choose shows the page to pick a person, for a sign-on over SAML.
func (s *Server) choose(w http.ResponseWriter, r *http.Request, a *Application, in signOn, current string) {
	hidden := map[string]string{}
	for name, value := range map[string]string{"SAMLRequest": in.SAMLRequest, "RelayState": in.RelayState} {
		if value != "" {
			hidden[name] = value
		}
	}
	s.pick(w, r, a, signOnPage{Action: "saml/sign-in", Hidden: hidden, Forced: in.forced()}, current)
}

// pick shows the page to pick a person.
func (s *Server) pick(w http.ResponseWriter, r *http.Request, a *Application, p signOnPage, current string) {
	if wantsJSON(r) {
		s.fail(w, r, http.StatusBadRequest, "Name who signs in: add person=amara.okafor, for example.")
		return
	}
	p.page, p.Application = s.page("Sign in to "+a.name), a
	for _, who := range a.People() {
		if a.scimURL == "" || who.State == Assigned {
			p.Assigned = append(p.Assigned, who)
		} else {
			p.Others = append(p.Others, who)
		}
		if who.ID == current {
			p.Current = who.Name()
		}
	}
	s.render(w, http.StatusOK, "signon", p)
}

// refusePassive responds that the person would have to act (SAML core §3.4.1.1, IsPassive).
func (s *Server) refusePassive(w http.ResponseWriter, r *http.Request, a *Application, in signOn) {
	s.respond(w, r, a, in, answerPage{Problem: "The application asked not to ask anybody, and nobody is signed in."},
		ResponseOptions{InResponseTo: in.id(), Status: saml.StatusNoPassive})
}

// answer responds to a sign-on for a person, who signed in at since.
func (s *Server) answer(
	w http.ResponseWriter, r *http.Request, a *Application, in signOn, person string, since time.Time,
) {
	people := a.People()
	i := slices.IndexFunc(people, func(p PersonState) bool { return p.ID == person })
	if i < 0 {
		s.fail(w, r, http.StatusNotFound, "There is no such person.")
		return
	}
	o := ResponseOptions{InResponseTo: in.id(), AuthnInstant: since.Add(-a.personality.authnAge)}
	if in.forced() {
		o.AuthnInstant = since
	}
	s.respond(w, r, a, in, answerPage{Person: &people[i]}, o)
}
