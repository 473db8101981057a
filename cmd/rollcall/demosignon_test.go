package main

import (
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// walker is a simple browser. It follows redirects and keeps cookies by host. It sends Secure
// cookies to loopback addresses, as browsers do and Go's cookie jar does not.
type walker struct {
	t       *testing.T
	cookies map[string]map[string]string // by host without port, as in browsers
}

// visited is the last answer of a walk and its address.
type visited struct {
	answer
	url *url.URL
}

func newWalker(t *testing.T) *walker { return &walker{t, map[string]map[string]string{}} }

// send sends one request and follows redirects until the address begins with stop or there is none.
func (w *walker) send(method, address string, form url.Values, stop string) visited {
	w.t.Helper()
	for range 12 {
		r, err := http.NewRequestWithContext(w.t.Context(), method, address, strings.NewReader(form.Encode()))
		if err != nil {
			w.t.Fatal(err)
		}
		if form != nil {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
		for name, value := range w.cookies[r.URL.Hostname()] {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
		response, err := client.Do(r)
		if err != nil {
			w.t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil {
			w.t.Fatal(err)
		}
		for _, c := range response.Cookies() {
			if w.cookies[r.URL.Hostname()] == nil {
				w.cookies[r.URL.Hostname()] = map[string]string{}
			}
			w.cookies[r.URL.Hostname()][c.Name] = c.Value
			if c.MaxAge < 0 {
				delete(w.cookies[r.URL.Hostname()], c.Name)
			}
		}
		at := visited{answer{response.StatusCode, response.Header, string(body)}, r.URL}
		next, err := response.Location()
		if err != nil {
			return at
		}
		if method, form, address = http.MethodGet, nil, next.String(); stop != "" && strings.HasPrefix(address, stop) {
			return visited{answer{}, next}
		}
	}
	w.t.Fatalf("the redirects do not end: %s", address)
	return visited{}
}

// open opens a page.
func (w *walker) open(address string) visited {
	w.t.Helper()
	return w.send(http.MethodGet, address, nil, "")
}

// signIn follows the application's button of a company and signs in as person at its identity
// provider.
func (w *walker) signIn(d *demo, company, person string) visited {
	w.t.Helper()
	page := w.open(d.app + "/")
	button := regexp.MustCompile(`href="(/login\?organization=[^"]+)">Sign in with SSO <small>` +
		company).FindStringSubmatch(page.body)
	if button == nil {
		w.t.Fatalf("there is no button for %s: %d %s", company, page.status, page.body)
	}
	return w.answerAs(d, w.send(http.MethodGet, d.app+html.UnescapeString(button[1]), nil, d.idp), person)
}

// answerAs chooses the person at the identity provider and posts the response.
func (w *walker) answerAs(d *demo, at visited, person string) visited {
	w.t.Helper()
	if !strings.HasPrefix(at.url.String(), d.idp+"/") {
		w.t.Fatalf("not at the identity provider but at %s: %d %s", at.url, at.status, at.body)
	}
	query := at.url.Query()
	query.Set("person", person)
	at.url.RawQuery = query.Encode()
	return w.post(http.MethodGet, at.url.String())
}

// post requests a response from the identity provider as JSON and posts it as a browser does.
func (w *walker) post(method, address string) visited {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, address, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		w.t.Fatalf("the identity provider answers %d %s", response.StatusCode, body)
	}
	var form struct {
		RedirectTo   string `json:"redirect_to"` // over OpenID Connect
		ACSURL       string `json:"acs_url"`
		SAMLResponse string `json:"saml_response"`
		RelayState   string `json:"relay_state"`
	}
	answer{body: string(body)}.decode(w.t, &form)
	if form.RedirectTo != "" {
		return w.open(form.RedirectTo)
	}
	fields := url.Values{"SAMLResponse": {form.SAMLResponse}}
	if form.RelayState != "" {
		fields.Set("RelayState", form.RelayState)
	}
	return w.send(http.MethodPost, form.ACSURL, fields, "")
}

// shows checks the status of a page and that it contains all of the texts.
func (at visited) shows(t *testing.T, what string, status int, texts ...string) {
	t.Helper()
	if at.status != status {
		t.Errorf("%s: status %d at %s, want %d", what, at.status, at.url, status)
	}
	for _, text := range texts {
		if !strings.Contains(html.UnescapeString(at.body), text) {
			t.Errorf("%s: the page at %s does not show %q:\n%s", what, at.url, text, at.body)
		}
	}
}

// TestDemoSignOn follows the steps on the demo's screen, for the customer with Okta's dialect.
func TestDemoSignOn(t *testing.T) {
	d := startDemo(t)
	w := newWalker(t)
	person := d.idp + "/applications/1/people/kwame.mensah"
	w.open(d.app+"/").shows(t, "before", http.StatusOK, "Sign in with SSO")

	in := w.signIn(d, "Contoso", "kwame.mensah")
	in.shows(t, "signed in", http.StatusOK, "Kwame Mensah", "kwame.mensah", "@contoso.example", "member", "OktaSAML",
		"<li>Engineering</li>", "<li>Everyone</li>", "<li>Sales</li>")
	if in.url.String() != d.app+"/" {
		t.Errorf("it ends at %s, want the application", in.url)
	}

	// A member of the group Engineering is an editor, as soon as the page is loaded again.
	editor := []string{"<li>Reports</li>", "<li>Reports / Viewers", "report:read",
		"<li>Reports / Editors", "report:edit"}
	in.shows(t, "signed in", http.StatusOK, editor...)
	engineering := d.idp + "/applications/1/groups/engineering"
	if a := press(t, engineering+"/remove?person=kwame.mensah"); a.status != http.StatusOK {
		t.Fatalf("remove from the group: %d", a.status)
	}
	viewer := w.open(d.app + "/")
	viewer.shows(t, "out of the group", http.StatusOK, editor[:3]...)
	if strings.Contains(viewer.body, "Editors") || strings.Contains(viewer.body, "<li>Engineering</li>") {
		t.Errorf("out of the group: %s", viewer.body)
	}
	if a := press(t, engineering+"/add?person=kwame.mensah"); a.status != http.StatusOK {
		t.Fatalf("add to the group: %d", a.status)
	}
	w.open(d.app+"/").shows(t, "in the group again", http.StatusOK, editor...)

	if a := press(t, person+"/unassign"); a.status != http.StatusOK {
		t.Fatalf("unassign: %d", a.status)
	}
	ended := []string{"Your access has ended", "no longer assigns", "Kwame Mensah", "Contoso", "deprovisioned",
		"Try to sign in again"}
	w.open(d.app+"/").shows(t, "unassigned", http.StatusOK, ended...)
	w.open(d.app+"/").shows(t, "unassigned, looked at again", http.StatusOK, ended...)

	stranger := newWalker(t)
	refused := stranger.signIn(d, "Contoso", "kwame.mensah")
	refused.shows(t, "refused", http.StatusForbidden, "Reference")
	d.explains(t, refused, "deactivated")

	if a := press(t, person+"/assign"); a.status != http.StatusOK {
		t.Fatalf("assign: %d", a.status)
	}
	w.open(d.app+"/").shows(t, "assigned again", http.StatusOK, ended...) // the session stays ended
	before := stranger.cookies["localhost"][visitCookie]
	stranger.signIn(d, "Contoso", "kwame.mensah").shows(t, "signed in again", http.StatusOK, "Kwame Mensah",
		"<li>Sales</li>")
	if after := stranger.cookies["localhost"][visitCookie]; before == "" || after == before {
		t.Error("the cookie from before the sign-in is signed in")
	}

	if a := press(t, person+"/delete"); a.status != http.StatusOK {
		t.Fatalf("delete: %d", a.status)
	}
	stranger.open(d.app+"/").shows(t, "deleted", http.StatusOK, "Your access has ended")
	stranger.send(http.MethodPost, d.app+"/sign-out", url.Values{}, "").shows(t, "back to the start", http.StatusOK,
		"Sign in with SSO")
	if d.problems.String() != "" {
		t.Errorf("the terminal shows what is no problem: %s", d.problems.String())
	}
}

// explains checks that the login log has the reason of a refusal under the reference on the page,
// and that the page does not contain the reason.
func (d *demo) explains(t *testing.T, refused visited, reason string) {
	t.Helper()
	connection := regexp.MustCompile(`conn_[0-9A-Z]+`).FindString(refused.url.String())
	var log struct {
		Data []struct{ Status, Reason, Message, Email, Reference string }
	}
	a := request(t, http.MethodGet, d.api+"/connections/"+connection+"/login_attempts?limit=100", d.key, "")
	a.decode(t, &log)
	for _, attempt := range log.Data {
		if attempt.Reference == "" || !strings.Contains(refused.body, attempt.Reference) {
			continue
		}
		if attempt.Status != "failed" || attempt.Reason != reason || attempt.Message == "" {
			t.Errorf("the login log has %+v, want the reason %s", attempt, reason)
		}
		if strings.Contains(refused.body, reason) ||
			strings.Contains(html.UnescapeString(refused.body), attempt.Message) {
			t.Errorf("the page shows the reason: %s", refused.body)
		}
		return
	}
	t.Errorf("the login log has nothing under the reference that the browser was shown: %s\n%s", refused.body, a.body)
}

func TestDemoSignOnFromTheIdentityProvider(t *testing.T) {
	d := startDemo(t)
	w := newWalker(t)
	// A response without a request does not sign in. The application begins a sign-in with a
	// request.
	at := w.post(http.MethodPost, d.idp+"/applications/1/people/priya.raman/open")
	w.answerAs(d, at, "priya.raman").shows(t, "Contoso's tile", http.StatusOK, "Priya Raman", "OktaSAML")

	// Fabrikam's connection refuses such a response. Its people sign in from the application.
	refused := newWalker(t).post(http.MethodPost, d.idp+"/applications/2/people/priya.raman/open")
	refused.shows(t, "Fabrikam's tile", http.StatusForbidden, "Reference")
	d.explains(t, refused, "unsolicited")
	w = newWalker(t)
	w.signIn(d, "Fabrikam", "noor.alfarsi").shows(t, "Fabrikam", http.StatusOK, "Noor Al-Farsi", "@fabrikam.example",
		"AzureSAML", "<li>Finance</li>")

	newWalker(t).signIn(d, "Tailspin", "noor.alfarsi").shows(t, "Tailspin", http.StatusOK, "Noor Al-Farsi",
		"@tailspin.example", "GenericOIDC", "<li>Finance</li>")

	// Signing out ends Rollcall's session as well.
	w.send(http.MethodPost, d.app+"/sign-out", url.Values{}, "").shows(t, "signed out", http.StatusOK,
		"Sign in with SSO")
	w.open(d.app+"/").shows(t, "signed out, looked at again", http.StatusOK, "Sign in with SSO")
	if at := w.open(d.api + "/sso/session"); at.status != http.StatusUnauthorized {
		t.Errorf("Rollcall's session after signing out: %d %s", at.status, at.body)
	}
}
