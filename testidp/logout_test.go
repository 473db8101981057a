package testidp_test

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"rollcall/testidp"
)

const sloURL = "https://app.example/saml/slo"

// TestLogoutMessagesAreSigned: each personality signs its messages as each binding requires.
func TestLogoutMessagesAreSigned(t *testing.T) {
	t.Parallel()
	for _, p := range personalities {
		t.Run(string(p), func(t *testing.T) {
			i := newSignOnIDP(t, p)
			_, err := i.LogoutRequest("amara.okafor", testidp.LogoutOptions{})
			if !errors.Is(err, testidp.ErrNoLogout) {
				t.Errorf("without an address: %v", err)
			}
			if err := i.ConnectLogout("javascript:alert(1)"); err == nil {
				t.Error("a script is an address")
			}
			if err := i.ConnectLogout(sloURL); err != nil {
				t.Fatal(err)
			}
			request, err := i.LogoutRequest("amara.okafor",
				testidp.LogoutOptions{ID: "_1", SessionIndexes: []string{"a", "b"}, RelayState: "x y"})
			if err != nil {
				t.Fatal(err)
			}
			form, err := request.Form()
			if err != nil {
				t.Fatal(err)
			}
			document, err := base64.StdEncoding.DecodeString(form.Get("SAMLRequest"))
			if err != nil || form.Get("RelayState") != "x y" {
				t.Fatalf("%v %v", form, err)
			}
			d := etree.NewDocument()
			if err := d.ReadFromBytes(document); err != nil {
				t.Fatal(err)
			}
			verifier := dsig.NewDefaultValidationContext(
				&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{i.Certificate()}})
			if _, err := verifier.Validate(d.Root()); err != nil {
				t.Errorf("the signature: %v", err)
			}
			if n := len(d.FindElements("//SessionIndex")); n != 2 || d.FindElement("//NameID").Text() == "" {
				t.Errorf("%d SessionIndexes: %s", n, document)
			}
			location, err := request.URL()
			if err != nil || !strings.HasPrefix(location, sloURL+"?SAMLRequest=") ||
				!strings.Contains(location, "&RelayState=x+y&SigAlg=") || !strings.Contains(location, "&Signature=") {
				t.Errorf("%s %v", location, err)
			}
		})
	}
}

// TestSigningOutReachesTheApplication: a sign-out ends the session here, and sends the browser to
// end the session of the application. A request of the application ends the session here.
func TestSigningOutReachesTheApplication(t *testing.T) {
	t.Parallel()
	i := newSignOnIDP(t, testidp.PlainSAML)
	if err := i.ConnectLogout(sloURL); err != nil {
		t.Fatal(err)
	}
	stop := *i.browser
	stop.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	message := func(tag string) string {
		return `<p:` + tag +
			` xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:a="urn:oasis:names:tc:SAML:2.0:assertion" ` +
			`ID="_of-the-application" Version="2.0"><a:Issuer>` +
			entityID + `</a:Issuer></p:` + tag + `>`
	}
	for name, c := range map[string]struct {
		message string
		status  int
	}{
		"a request":  {message("LogoutRequest"), http.StatusSeeOther},
		"a response": {message("LogoutResponse"), http.StatusBadRequest},
		"of somebody else": {strings.ReplaceAll(message("LogoutRequest"), entityID, "https://other.example"),
			http.StatusBadRequest},
		"without a usable ID": {strings.ReplaceAll(message("LogoutRequest"), "_of-the", "<"), http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			posted, err := stop.PostForm(i.SAMLLogoutURL(),
				url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString([]byte(c.message))},
					"RelayState": {"state"}})
			if err != nil {
				t.Fatal(err)
			}
			_ = posted.Body.Close()
			here, err := posted.Location()
			if posted.StatusCode != http.StatusSeeOther || err != nil {
				t.Fatalf("%s %v", posted.Status, err)
			}
			answer, err := stop.Get(here.String())
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
			if answer.StatusCode != c.status {
				t.Fatalf("%s", answer.Status)
			}
			if c.status != http.StatusSeeOther {
				return
			}
			to, err := answer.Location()
			if err != nil || !strings.HasPrefix(to.String(), sloURL+"?SAMLResponse=") ||
				to.Query().Get("RelayState") != "state" {
				t.Errorf("%v %v", to, err)
			}
		})
	}
}

func TestSigningOutInABrowserPostsALogoutRequest(t *testing.T) {
	i := newSignOnIDP(t, testidp.PlainSAML)
	if err := i.ConnectLogout(sloURL); err != nil {
		t.Fatal(err)
	}
	_, address := i.request(t, nil)
	page, _ := i.get(t, address)
	i.pick(t, page, "amara.okafor")
	home, _ := i.get(t, i.url+"/applications/1")
	page, status := i.post(t, "/applications/1/saml/sign-out", fields(home), "same-origin")
	if status != http.StatusOK || !strings.Contains(page, `action="`+sloURL+`"`) ||
		fields(page).Get("SAMLRequest") == "" {
		t.Errorf("signing out answers %d %s", status, page)
	}
}
