package testidp_test

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"

	"rollcall/testidp"
)

// pick signs in as a person on the sign-on page, and returns the page that posts the response.
func (i *signOnIDP) pick(t *testing.T, page, person string) string {
	t.Helper()
	if !strings.Contains(page, `name="person" value="`+person+`"`) {
		t.Fatalf("nobody can be picked on %.600s", page)
	}
	form := fields(page)
	form.Set("person", person)
	answer, status := i.post(t, "/applications/1/saml/sign-in", form, "same-origin")
	if status != http.StatusOK {
		t.Fatalf("picking answers %d %s", status, answer)
	}
	return answer
}

func (i *signOnIDP) subject(t *testing.T, page, id string) string {
	t.Helper()
	a, err := i.parse(t, fields(page).Get("SAMLResponse"), id)
	if err != nil {
		t.Fatal(err)
	}
	return a.Subject.NameID.Value
}

func asks(page string) bool { return strings.Contains(page, "Sign in to Acme as …") }

func TestBrowserSignsIn(t *testing.T) {
	t.Parallel()
	i := newSignOnIDP(t, testidp.PlainSAML)
	id, address := i.request(t, nil)
	page, _ := i.get(t, address)
	answer := i.pick(t, page, "amara.okafor")
	if got := i.subject(t, answer, id); got != "amara.okafor@acme.example" {
		t.Errorf("the answer is about %q", got)
	}
	for _, want := range []string{`action="` + acsURL + `"`, "Continue to Acme",
		`name="RelayState" value="state &amp; &lt;more&gt;"`} {
		if !strings.Contains(answer, want) {
			t.Errorf("the answer does not have %q", want)
		}
	}

	id, address = i.request(t, nil)
	page, _ = i.get(t, address)
	if got := i.subject(t, page, id); got != "amara.okafor@acme.example" {
		t.Errorf("the second answer, which asks nobody, is about %q", got)
	}
	id, address = i.request(t, func(q *saml.AuthnRequest) { q.ForceAuthn = ptr(true) })
	page, _ = i.get(t, address)
	if !asks(page) || !strings.Contains(page, "This browser is signed in as <strong>Amara Okafor") {
		t.Error("ForceAuthn does not ask again")
	}
	if got := i.subject(t, i.pick(t, page, "jun.takahashi"), id); got != "jun.takahashi@acme.example" {
		t.Errorf("the answer to ForceAuthn is about %q", got)
	}

	home, _ := i.get(t, i.url+"/applications/1")
	if !strings.Contains(home, "signed in as <strong>Jun Takahashi") ||
		!strings.Contains(home, "Sign in Amara Okafor") {
		t.Error("the application's page shows neither who is signed in nor what was sent")
	}
	if _, status := i.post(t, "/applications/1/saml/sign-out", fields(home), "same-origin"); status != http.StatusOK {
		t.Errorf("signing out answers %d", status)
	}
	_, address = i.request(t, nil)
	if page, _ := i.get(t, address); !asks(page) {
		t.Error("nobody is asked after signing out")
	}
}

func ptr[T any](v T) *T { return &v }

func TestForceAuthnTellsTheTruthAboutWhen(t *testing.T) {
	t.Parallel()
	i := newSignOnIDP(t, testidp.EntraSAML)
	for force, least := range map[bool]time.Duration{true: 0, false: 40 * 24 * time.Hour} {
		id, address := i.request(t, func(q *saml.AuthnRequest) { q.ForceAuthn = &force })
		answer, _ := i.script(t, http.MethodGet, address+"&person=yusuf.demir")
		a, err := i.parse(t, answer["saml_response"], id)
		if err != nil {
			t.Fatal(err)
		}
		if got := time.Since(a.AuthnStatements[0].AuthnInstant); got < least || got > least+time.Minute {
			t.Errorf("with ForceAuthn %v the AuthnInstant is %s ago", force, got)
		}
	}
}

func TestPassiveRequestsAskNobody(t *testing.T) {
	t.Parallel()
	passive := func(force bool) func(q *saml.AuthnRequest) {
		return func(q *saml.AuthnRequest) { q.IsPassive, q.ForceAuthn = ptr(true), &force }
	}
	i := newSignOnIDP(t, testidp.OktaSAML)
	refused := func(force bool) {
		t.Helper()
		id, address := i.request(t, passive(force))
		page, _ := i.get(t, address)
		root := document(t, fields(page).Get("SAMLResponse"))
		verify(t, root, i.Certificate())
		code := root.FindElement("./Status/StatusCode/StatusCode")
		if code == nil || code.SelectAttrValue("Value", "") != saml.StatusNoPassive ||
			root.SelectElement("Assertion") != nil {
			t.Error("the answer is no refusal with NoPassive")
		}
		if got := root.SelectAttrValue("InResponseTo", ""); got != id {
			t.Errorf("it answers %q, not %q", got, id)
		}
	}
	refused(false)
	_, address := i.request(t, nil)
	page, _ := i.get(t, address)
	i.pick(t, page, "noor.alfarsi")
	id, address := i.request(t, passive(false))
	page, _ = i.get(t, address)
	if got := i.subject(t, page, id); got != "noor.alfarsi@acme.example" {
		t.Errorf("with a session, the answer is about %q", got)
	}
	refused(true)
}

func TestPostBinding(t *testing.T) {
	t.Parallel()
	i := newSignOnIDP(t, testidp.PlainSAML)
	q, err := i.sp.MakeAuthenticationRequest(i.SAMLSignOnURL(), saml.HTTPPostBinding, saml.HTTPPostBinding)
	if err != nil {
		t.Fatal(err)
	}
	doc := etree.NewDocument()
	doc.SetRoot(q.Element())
	raw, err := doc.WriteToBytes()
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString(raw)}, "RelayState": {"r"}}
	page, _ := i.post(t, "/applications/1/saml/sso", form, "cross-site")
	answer := i.pick(t, page, "leilani.kahale")
	if got := i.subject(t, answer, q.ID); got != "leilani.kahale@acme.example" ||
		fields(answer).Get("RelayState") != "r" {
		t.Errorf("the answer is about %q, RelayState %q", got, fields(answer).Get("RelayState"))
	}
	page, _ = i.post(t, "/applications/1/saml/sso", form, "cross-site")
	if got := i.subject(t, page, q.ID); got != "leilani.kahale@acme.example" {
		t.Errorf("the session does not hold for a request that is posted: %q", got)
	}
}

func TestUnsolicitedResponses(t *testing.T) {
	t.Parallel()
	i := newSignOnIDP(t, testidp.PlainSAML)
	i.sp.AllowIDPInitiated = true
	unsolicited := func(response, person string) {
		t.Helper()
		if got := document(t, response); got.SelectAttr("InResponseTo") != nil ||
			got.FindElement("//SubjectConfirmationData[@InResponseTo]") != nil {
			t.Error("an unsolicited response answers something")
		}
		a, err := i.parse(t, response)
		if err != nil || a.Subject.NameID.Value != person+"@acme.example" {
			t.Errorf("the assertion is %+v, error %v", a, err)
		}
	}
	home, _ := i.get(t, i.url+"/applications/1")
	token := url.Values{"token": {fields(home).Get("token")}}
	page, _ := i.post(t, "/applications/1/saml/open", token, "same-origin")
	unsolicited(fields(i.pick(t, page, "diego.salinas")).Get("SAMLResponse"), "diego.salinas")
	page, _ = i.post(t, "/applications/1/saml/open", token, "same-origin")
	unsolicited(fields(page).Get("SAMLResponse"), "diego.salinas")
	page, _ = i.post(t, "/applications/1/people/jun.takahashi/open", token, "same-origin")
	unsolicited(fields(page).Get("SAMLResponse"), "jun.takahashi")
	answer, _ := i.script(t, http.MethodPost, i.url+"/applications/1/people/soren.aagaard/open?RelayState=x")
	unsolicited(answer["saml_response"], "soren.aagaard")
	if answer["relay_state"] != "x" {
		t.Errorf("the RelayState is %q", answer["relay_state"])
	}
}

func TestWhoIsNotAssignedCanBePickedAllTheSame(t *testing.T) {
	t.Parallel()
	f := newSCIMServer(t)
	i := newSignOnIDP(t, "", func(o *testidp.Options) {
		o.Applications[0].SCIMURL, o.Applications[0].Token, o.Applications[0].Dialect = f.url, token, testidp.Okta
	})
	if _, err := i.Provision(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := i.Unassign(ctx, "priya.raman"); err != nil {
		t.Fatal(err)
	}
	id, address := i.request(t, nil)
	page, _ := i.get(t, address)
	assigned, others, found := strings.Cut(page, "A real identity provider would stop here.")
	if !found || !strings.Contains(assigned, "Amara Okafor") || strings.Contains(assigned, "Priya Raman") ||
		!strings.Contains(others, "Priya Raman") {
		t.Error("unassigned people are not listed separately")
	}
	answer := i.pick(t, page, "priya.raman")
	if got := i.subject(t, answer, id); got != "priya.raman@acme.example" ||
		!strings.Contains(answer, "Not assigned: a real identity provider would stop here") {
		t.Errorf("the answer is about %q", got)
	}
}

func TestSignOnPagesAllowNoForeignScript(t *testing.T) {
	t.Parallel()
	i := newSignOnIDP(t, testidp.PlainSAML)
	i.browser.Jar = nil
	var policies []string
	for range 2 {
		home, _ := i.get(t, i.url+"/applications/1")
		r, err := http.NewRequest(http.MethodPost, i.url+"/applications/1/people/jun.takahashi/open",
			strings.NewReader(url.Values{"token": {fields(home).Get("token")}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := i.browser.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		policies = append(policies, resp.Header.Get("Content-Security-Policy"))
		cookie := resp.Header.Get("Set-Cookie")
		for _, want := range []string{"northwind=", "Path=/applications/1", "HttpOnly", "SameSite=Lax"} {
			if !strings.Contains(cookie, want) {
				t.Errorf("the cookie %q does not say %s", cookie, want)
			}
		}
	}
	if !strings.Contains(policies[0], "script-src 'nonce-") || strings.Contains(policies[0], "unsafe") ||
		policies[0] == policies[1] {
		t.Errorf("the policies are %q", policies)
	}
}

func TestConnectLater(t *testing.T) {
	t.Parallel()
	i := newSignOnIDP(t, testidp.ADFSSAML)
	if i.SAMLEntityID() != i.url+"/applications/1/adfs/services/trust" {
		t.Errorf("the entity ID is %s", i.SAMLEntityID())
	}
	s, err := testidp.New(testidp.Options{Applications: []testidp.ApplicationOptions{{}}})
	if err != nil {
		t.Fatal(err)
	}
	a := s.Applications()[0]
	if _, err := a.Respond("jun.takahashi", testidp.ResponseOptions{}); err == nil ||
		!strings.Contains(err.Error(), "no SAML service provider") {
		t.Errorf("without a service provider: %v", err)
	}
	if page, status := get(t, s, "/applications/1", nil); status != http.StatusOK ||
		!strings.Contains(page, a.SAMLMetadataURL()) || strings.Contains(page, "Push everyone") {
		t.Errorf("the page answers %d and shows %.900s", status, page)
	}
	script := map[string]string{"Accept": "application/json"}
	for name, form := range map[string]url.Values{
		"no entity ID":        {"acs_url": {acsURL}},
		"no ACS URL":          {"entity_id": {entityID}},
		"a URL with a script": {"entity_id": {entityID}, "acs_url": {"javascript:alert(1)"}},
		"a directive in it":   {"entity_id": {entityID}, "acs_url": {"https://a;script-src/x"}},
	} {
		if body, status := post(t, s, "/applications/1/saml/connect", form, script); status != http.StatusBadRequest {
			t.Errorf("%s: answers %d %s", name, status, body)
		}
	}
	body, status := post(t, s, "/applications/1/saml/connect", url.Values{"entity_id": {entityID}, "acs_url": {acsURL}},
		script)
	if entity, acs := a.ServiceProvider(); status != http.StatusOK || entity != entityID || acs != acsURL ||
		!strings.Contains(body, acsURL) {
		t.Errorf("connecting answers %d %s", status, body)
	}
	if o, err := a.Assign(ctx, "jun.takahashi"); err == nil || o.Problem == "" {
		t.Errorf("assigning without a SCIM server: %+v, %v", o, err)
	}
}

func TestRespondSignsWhatWasEdited(t *testing.T) {
	t.Parallel()
	for _, p := range personalities {
		i := newSignOnIDP(t, p)
		for sign, want := range map[testidp.Signing][2]bool{
			testidp.SignAssertion: {false, true}, testidp.SignResponse: {true, false},
			testidp.SignBoth: {true, true}, testidp.SignNone: {false, false},
		} {
			response, err := i.Respond("amara.okafor", testidp.ResponseOptions{
				InResponseTo: "_1", Sign: sign,
				Edit: func(r *etree.Element) { r.FindElement("//NameID").SetText("mallory & <co>") },
			})
			if err != nil {
				t.Fatal(err)
			}
			root := document(t, response)
			assertion := root.SelectElement("Assertion")
			got := [2]bool{root.SelectElement("Signature") != nil, assertion.SelectElement("Signature") != nil}
			if got != want {
				t.Errorf("%s, %s: response and assertion are signed: %v", p, sign, got)
			}
			a, err := i.parse(t, response, "_1")
			if sign == testidp.SignNone {
				if err == nil {
					t.Error("an unsigned response is accepted")
				}
				continue
			}
			if err != nil || a.Subject.NameID.Value != "mallory & <co>" {
				t.Errorf("%s, %s: %v", p, sign, err)
			}
		}
	}
	i := newSignOnIDP(t, testidp.PlainSAML)
	if _, err := i.Respond("nobody", testidp.ResponseOptions{}); err == nil {
		t.Error("there is a response about nobody")
	}
	if _, err := i.Respond("amara.okafor", testidp.ResponseOptions{Sign: "twice"}); err == nil {
		t.Error("an unknown way of signing is accepted")
	}
	then := time.Date(2020, 2, 29, 12, 0, 0, 0, time.UTC)
	response, err := i.Respond("amara.okafor", testidp.ResponseOptions{Now: then})
	if got := document(t, response).SelectAttrValue("IssueInstant", ""); err != nil ||
		got != "2020-02-29T12:00:00.000Z" {
		t.Errorf("it is issued at %s, error %v", got, err)
	}
}

func TestEachApplicationHasItsOwnKey(t *testing.T) {
	t.Parallel()
	s, err := testidp.New(testidp.Options{Applications: []testidp.ApplicationOptions{{}, {}}})
	if err != nil {
		t.Fatal(err)
	}
	one, other := s.Applications()[0], s.Applications()[1]
	if bytes.Equal(one.Certificate().RawSubjectPublicKeyInfo, other.Certificate().RawSubjectPublicKeyInfo) {
		t.Error("two applications share a key")
	}
	if !slices.Equal(one.SAMLMetadata(), one.SAMLMetadata()) {
		t.Error("the metadata changes")
	}
	if one.SAMLEntityID() == other.SAMLEntityID() {
		t.Error("two applications share an entity ID")
	}
}

func TestSignOnDuringAnOperationIsAnOperationOfItsOwn(t *testing.T) {
	t.Parallel()
	f := newSCIMServer(t)
	i := newSignOnIDP(t, "", func(o *testidp.Options) {
		o.Applications[0].SCIMURL, o.Applications[0].Token, o.Applications[0].Dialect = f.url, token, testidp.Okta
	})
	_, address := i.request(t, nil)
	signedIn := false
	f.before = func(http.ResponseWriter, *http.Request) bool {
		if !signedIn {
			signedIn = true
			if answer, status := i.script(t, http.MethodGet, address+"&person=noor.alfarsi"); status != http.StatusOK {
				t.Errorf("signing in answers %d %v", status, answer)
			}
		}
		return false
	}
	if _, err := i.Assign(ctx, "amara.okafor"); err != nil {
		t.Fatal(err)
	}
	operations := i.Operations()
	if len(operations) != 2 || operations[0].Title != "Sign in Noor Al-Farsi" ||
		operations[1].Title != "Assign Amara Okafor" {
		t.Fatalf("the operations are %+v", operations)
	}
	x := operations[0].Exchanges
	if len(x) != 1 || !x[0].ByBrowser || x[0].Failed() || x[0].Path != acsURL ||
		!strings.Contains(x[0].Request, "<saml2p:Response") {
		t.Errorf("the sign-in has the exchanges %+v", x)
	}
	if got := len(operations[1].Exchanges); got != 2 {
		t.Errorf("the assignment has %d exchanges, want 2", got)
	}
}
