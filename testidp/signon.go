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

// sessionCookie remembers who is signed in. Each application has one of its own, by its path: its
// people are those of another company.
const sessionCookie = "northwind"

// signOn is why a browser comes to sign on.
type signOn struct {
	SAMLRequest string // as HTTP-Redirect carries it; empty when nobody asked
	RelayState  string
	request     *authnRequest // nil when nobody asked
}

// readSignOn reads and checks the request's form.
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

// id is the ID of the AuthnRequest, empty when nobody asked.
func (in signOn) id() string {
	if in.request == nil {
		return ""
	}
	return in.request.ID
}

// forced says that a session does not do.
func (in signOn) forced() bool { return in.request != nil && bool(in.request.ForceAuthn) }

func (s *Server) metadata(w http.ResponseWriter, r *http.Request) {
	a := s.find(r)
	if a == nil {
		s.fail(w, r, http.StatusNotFound, "There is no such application.")
		return
	}
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

// sso takes an AuthnRequest. One that is posted is turned into a redirect to here, since a browser
// does not send the session's cookie with another site's form.
func (s *Server) sso(w http.ResponseWriter, r *http.Request) {
	a := s.find(r)
	if a == nil {
		s.fail(w, r, http.StatusNotFound, "There is no such application.")
		return
	}
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
			http.Redirect(w, r, fmt.Sprintf("/applications/%d/saml/sso?%s", a.number, query.Encode()), http.StatusSeeOther)
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

// signIn signs a person in, who was picked on the page that choose shows.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	s.signInAs(w, r, r.Form.Get("person"))
}

// openAs signs in the person whose page it is, with nobody having asked.
func (s *Server) openAs(w http.ResponseWriter, r *http.Request) {
	r.Form.Del("SAMLRequest")
	s.signInAs(w, r, r.PathValue("person"))
}

func (s *Server) signInAs(w http.ResponseWriter, r *http.Request, person string) {
	a := s.find(r)
	if a == nil {
		s.fail(w, r, http.StatusNotFound, "There is no such application.")
		return
	}
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

// open sends whoever is signed in to the application with nobody having asked, or lets pick.
func (s *Server) open(w http.ResponseWriter, r *http.Request) {
	a := s.find(r)
	if a == nil {
		s.fail(w, r, http.StatusNotFound, "There is no such application.")
		return
	}
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

func (s *Server) signOut(w http.ResponseWriter, r *http.Request) {
	a := s.find(r)
	if a == nil {
		s.fail(w, r, http.StatusNotFound, "There is no such application.")
		return
	}
	gone := s.session(a, "", time.Time{})
	gone.Value, gone.MaxAge = "", -1
	http.SetCookie(w, gone)
	http.Redirect(w, r, fmt.Sprintf("/applications/%d", a.number), http.StatusSeeOther)
}

// connect names the service provider, which is made from the metadata and so comes later.
func (s *Server) connect(w http.ResponseWriter, r *http.Request) {
	a := s.find(r)
	if a == nil {
		s.fail(w, r, http.StatusNotFound, "There is no such application.")
		return
	}
	if err := a.ConnectSAML(r.Form.Get("entity_id"), r.Form.Get("acs_url")); err != nil {
		s.fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	if wantsJSON(r) {
		s.json(w, http.StatusOK, a.description())
		return
	}
	http.Redirect(w, r, fmt.Sprintf("/applications/%d", a.number), http.StatusSeeOther)
}

// refuseSignOn tells why there is no sign-on: on a page of our own, since the answer to a request
// that cannot be trusted goes to nobody.
func (s *Server) refuseSignOn(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusBadRequest
	if errors.Is(err, ErrNotConnected) {
		status = http.StatusNotFound
	}
	s.fail(w, r, status, sentence(err))
}

// sentence writes an error for people.
func sentence(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// session makes the cookie that says who is signed in since when. It ends with the browser.
func (s *Server) session(a *Application, person string, since time.Time) *http.Cookie {
	value := person + "|" + strconv.FormatInt(since.UnixMilli(), 10)
	return &http.Cookie{
		Name: sessionCookie, Path: fmt.Sprintf("/applications/%d", a.number), HttpOnly: true,
		Secure: s.secure, SameSite: http.SameSiteLaxMode,
		Value: base64.RawURLEncoding.EncodeToString([]byte(value)) + "." + s.seal(a, value),
	}
}

func (s *Server) seal(a *Application, value string) string {
	mac := hmac.New(sha256.New, s.sessionKey)
	fmt.Fprintf(mac, "%d|%s", a.number, value)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// whoIs returns who is signed in in this browser, and since when.
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

// signOnPage lets pick a person.
type signOnPage struct {
	page
	*Application
	Assigned, Others []PersonState
	Current          string // who is signed in already, empty for nobody
	Forced           bool
	Action           string            // where the form goes, below the application
	Hidden           map[string]string // the fields that carry the request on
}

func (s *Server) choose(w http.ResponseWriter, r *http.Request, a *Application, in signOn, current string) {
	hidden := map[string]string{}
	for name, value := range map[string]string{"SAMLRequest": in.SAMLRequest, "RelayState": in.RelayState} {
		if value != "" {
			hidden[name] = value
		}
	}
	s.pick(w, r, a, signOnPage{Action: "saml/sign-in", Hidden: hidden, Forced: in.forced()}, current)
}

// pick shows the page on which a person is picked.
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

// refusePassive answers that somebody would have to be asked (SAML core §3.4.1.1, IsPassive).
func (s *Server) refusePassive(w http.ResponseWriter, r *http.Request, a *Application, in signOn) {
	s.respond(w, r, a, in, answerPage{Problem: "The application asked not to ask anybody, and nobody is signed in."},
		ResponseOptions{InResponseTo: in.id(), Status: saml.StatusNoPassive})
}

// answer hands the response about a person to the browser, or to a script.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, a *Application, in signOn, person string, since time.Time) {
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
