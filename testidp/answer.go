package testidp

import (
	"encoding/base64"
	"errors"
	"net/http"

	"github.com/beevik/etree"
)

// answerPage has a form that posts a response to the application.
type answerPage struct {
	page
	*Application
	Person       *PersonState // nil if the response is a refusal
	Problem      string
	ACSURL       string
	SAMLResponse string
	RelayState   string
	Nonce        string // allows the page's one script
}

// respond makes the response. A browser gets a form that posts it (SAML bindings §3.5.4). A script
// gets the fields of that form.
func (s *Server) respond(
	w http.ResponseWriter, r *http.Request, a *Application, in signOn, p answerPage, o ResponseOptions,
) {
	person := ""
	if p.Person != nil {
		person = p.Person.ID
	}
	document, err := a.response(person, o)
	if errors.Is(err, ErrNotConnected) {
		s.refuseSignOn(w, r, err)
		return
	}
	if err != nil {
		s.log.Error("make a SAML response", "error", err)
		s.fail(w, r, http.StatusInternalServerError, "The response cannot be made.")
		return
	}
	_, p.ACSURL = a.ServiceProvider()
	p.SAMLResponse, p.RelayState = base64.StdEncoding.EncodeToString(document), in.RelayState
	a.noteSignOn(p, document)
	if wantsJSON(r) {
		s.json(w, http.StatusOK, map[string]string{
			"acs_url": p.ACSURL, "saml_response": p.SAMLResponse, "relay_state": p.RelayState})
		return
	}
	p.page, p.Application, p.Nonce = s.page("Signing in to "+a.name), a, allowPosting(w)
	s.render(w, http.StatusOK, "answer", p)
}

// allowPosting sets the headers of a page whose one script posts a form to the application. It
// returns the nonce that allows the script.
func allowPosting(w http.ResponseWriter) string {
	nonce := newSecret()
	// There is no form-action. Browsers apply it to redirects too, and the application may redirect
	// its visitor to any page.
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'nonce-"+nonce+"'; "+
		"base-uri 'none'; frame-ancestors 'none'")
	// With same-origin, the form's Origin would be null.
	w.Header().Set("Referrer-Policy", "strict-origin")
	return nonce
}

// noteSignOn adds the response to the journal, indented for reading.
func (a *Application) noteSignOn(p answerPage, document []byte) {
	title := "Refuse to sign anybody in"
	if p.Person != nil {
		title = "Sign in " + p.Person.Name()
	}
	readable := string(document)
	doc := etree.NewDocument()
	if doc.ReadFromBytes(document) == nil {
		doc.Indent(2)
		if text, err := doc.WriteToString(); err == nil {
			readable = text
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.journal.note(title, Exchange{At: a.client.now(), Method: http.MethodPost, Path: p.ACSURL,
		Request: cut(readable, maxShownRequest), ByBrowser: true})
}
