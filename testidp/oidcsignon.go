package testidp

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrNoRelyingParty is the error of sign-on over OpenID Connect if the application has no client.
var ErrNoRelyingParty = errors.New("no relying party is connected: name its client id, its secret and its redirect URI")

// authentication is an authentication request of the relying party.
type authentication struct {
	form                    url.Values
	redirectURI, state      string
	prompt                  []string
	maxAge                  time.Duration // negative if none was sent
	nonce, challenge, login string
}

// readAuthentication reads and checks a request (OpenID Connect Core, section 3.1.2.1). Its error
// is shown on a page of ours, because an unknown redirect URI must not get a response.
func readAuthentication(a *Application, form url.Values) (authentication, error) {
	in := authentication{
		form: form, redirectURI: form.Get("redirect_uri"), state: form.Get("state"),
		prompt: strings.Fields(form.Get("prompt")), maxAge: -1,
		nonce: form.Get("nonce"), challenge: form.Get("code_challenge"), login: form.Get("login_hint"),
	}
	client := a.relyingParty()
	switch {
	case client.id == "":
		return in, ErrNoRelyingParty
	case form.Get("client_id") != client.id:
		return in, errors.New("the client id is not that of the relying party")
	case in.redirectURI != client.redirectURI:
		return in, errors.New("the redirect URI is not that of the relying party, letter by letter")
	case form.Get("response_type") != "code":
		return in, errors.New("the response type is not code")
	case !slices.Contains(strings.Fields(form.Get("scope")), "openid"):
		return in, errors.New("the scope openid is missing")
	case in.challenge != "" && form.Get("code_challenge_method") != "S256":
		return in, errors.New("the code challenge's method is not S256")
	case len(in.state) > maxRelayState*8 || len(in.nonce) > maxRelayState*8:
		return in, errors.New("the state or the nonce is too long")
	}
	if text := form.Get("max_age"); text != "" {
		seconds, err := strconv.Atoi(text)
		if err != nil || seconds < 0 {
			return in, errors.New("max_age is not a number of seconds")
		}
		in.maxAge = time.Duration(seconds) * time.Second
	}
	return in, nil
}

// satisfied reports whether a session that began at since is enough for the request.
func (in authentication) satisfied(since, now time.Time) bool {
	return !slices.Contains(in.prompt, "login") && !slices.Contains(in.prompt, "select_account") &&
		(in.maxAge < 0 || now.Sub(since) < in.maxAge)
}

// hidden returns the hidden fields with the request, for the form of the sign-on page.
func (in authentication) hidden() map[string]string {
	out := map[string]string{}
	for name := range in.form {
		if name != "person" && name != "token" {
			out[name] = in.form.Get(name)
		}
	}
	return out
}

// authorize is the authorization endpoint.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request, a *Application) {
	in, ok := s.authentication(w, r, a)
	if !ok {
		return
	}
	person, since, known := s.whoIs(r, a)
	known = known && in.satisfied(since, a.client.now())
	switch script := wantsJSON(r) && r.Form.Has("person"); {
	case script:
		s.grant(w, r, a, in, r.Form.Get("person"), a.client.now())
	case known:
		s.grant(w, r, a, in, person, since)
	case slices.Contains(in.prompt, "none"):
		s.sendBack(w, r, a, in, map[string]string{
			"error": "login_required", "error_description": "nobody is signed in",
		})
	default:
		// There is no form-action. Browsers apply it to redirects too, and the client may redirect
		// its visitor to any page.
		w.Header().Set("Content-Security-Policy",
			"default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'")
		s.pick(w, r, a, signOnPage{
			Action: "oidc/sign-in", Hidden: in.hidden(), Forced: slices.Contains(in.prompt, "login"),
		}, person)
	}
}

// authentication reads an authentication request. If it cannot be accepted, it responds with the
// error and returns false.
func (s *Server) authentication(
	w http.ResponseWriter, r *http.Request, a *Application,
) (authentication, bool) {
	err := r.ParseForm()
	var in authentication
	if err == nil {
		in, err = readAuthentication(a, r.Form)
	}
	if err != nil {
		status := http.StatusBadRequest
		if errors.Is(err, ErrNoRelyingParty) {
			status = http.StatusNotFound
		}
		s.fail(w, r, status, sentence(err))
	}
	return in, err == nil
}

// oidcSignIn signs in the person who was picked on the page of authorize.
func (s *Server) oidcSignIn(w http.ResponseWriter, r *http.Request, a *Application) {
	in, ok := s.authentication(w, r, a)
	if !ok {
		return
	}
	person := r.Form.Get("person")
	if _, err := a.dir.person(person); err != nil {
		s.fail(w, r, http.StatusNotFound, "There is no such person.")
		return
	}
	now := a.client.now()
	http.SetCookie(w, s.session(a, person, now))
	s.grant(w, r, a, in, person, now)
}

// grant responds with a code for a person, who signed in at since.
func (s *Server) grant(
	w http.ResponseWriter, r *http.Request, a *Application, in authentication, person string, since time.Time,
) {
	if _, err := a.dir.person(person); err != nil {
		s.fail(w, r, http.StatusNotFound, "There is no such person.")
		return
	}
	if a.personality.name == EntraSAML && in.maxAge < 0 && !slices.Contains(in.prompt, "login") {
		since = since.Add(-a.personality.authnAge)
	}
	code := a.keep(&a.openID.codes, grant{
		person: person, since: since, nonce: in.nonce, challenge: in.challenge, maxAge: in.maxAge >= 0,
	})
	s.sendBack(w, r, a, in, map[string]string{"code": code})
}

// sendBack redirects the browser to the client with an answer. A script gets the address as
// redirect_to.
func (s *Server) sendBack(
	w http.ResponseWriter, r *http.Request, a *Application, in authentication, answer map[string]string,
) {
	if in.state != "" {
		answer["state"] = in.state
	}
	if a.personality.name != EntraSAML { // Entra ID does not support RFC 9207
		answer["iss"] = a.OIDCIssuer()
	}
	if vary := a.varied(); vary.Answer != nil {
		vary.Answer(answer)
	}
	u, err := url.Parse(in.redirectURI)
	if err != nil {
		s.fail(w, r, http.StatusBadRequest, "The redirect URI cannot be read.")
		return
	}
	q := u.Query()
	for name, value := range answer {
		q.Set(name, value)
	}
	u.RawQuery = q.Encode()
	if wantsJSON(r) {
		s.json(w, http.StatusOK, map[string]string{"redirect_to": u.String()})
		return
	}
	http.Redirect(w, r, u.String(), http.StatusSeeOther)
}

// oidcLogout ends the session here (OpenID Connect RP-Initiated Logout). It redirects to the
// address in the request if that is on the client's own site.
func (s *Server) oidcLogout(w http.ResponseWriter, r *http.Request, a *Application) {
	q := r.URL.Query()
	http.SetCookie(w, s.noSession(a))
	back, err := url.Parse(q.Get("post_logout_redirect_uri"))
	known, knownErr := url.Parse(a.relyingParty().redirectURI)
	if err != nil || knownErr != nil || back.Host == "" || back.Host != known.Host || back.Scheme != known.Scheme ||
		q.Get("id_token_hint") == "" {
		http.Redirect(w, r, "/applications/"+strconv.Itoa(a.number), http.StatusSeeOther)
		return
	}
	if state := q.Get("state"); state != "" {
		with := back.Query()
		with.Set("state", state)
		back.RawQuery = with.Encode()
	}
	http.Redirect(w, r, back.String(), http.StatusSeeOther)
}

// connectOIDC sets the relying party.
func (s *Server) connectOIDC(w http.ResponseWriter, r *http.Request, a *Application) {
	err := a.ConnectOIDC(r.Form.Get("client_id"), r.Form.Get("client_secret"), r.Form.Get("redirect_uri"))
	if err != nil {
		s.fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	if wantsJSON(r) {
		s.json(w, http.StatusOK, a.description())
		return
	}
	http.Redirect(w, r, "/applications/"+strconv.Itoa(a.number), http.StatusSeeOther)
}
