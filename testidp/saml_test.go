package testidp_test

import (
	"bytes"
	"compress/flate"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"

	"rollcall/testidp"
)

const (
	entityID = "https://app.example/saml/metadata"
	acsURL   = "https://app.example/saml/acs"
)

var personalities = []testidp.Personality{testidp.PlainSAML, testidp.OktaSAML, testidp.EntraSAML, testidp.ADFSSAML}

// idpKey returns one key for all tests, because making a key takes long.
var idpKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// signOnIDP is a test identity provider that listens, the service provider that it is connected to,
// and a browser.
type signOnIDP struct {
	*testidp.Application
	url     string
	sp      saml.ServiceProvider
	browser *http.Client
}

func newSignOnIDP(t *testing.T, p testidp.Personality, more ...func(*testidp.Options)) *signOnIDP {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	o := testidp.Options{
		BaseURL: "http://" + server.Listener.Addr().String(),
		Applications: []testidp.ApplicationOptions{
			{Name: "Acme", Personality: p, Key: idpKey(), Domain: "acme.example"}},
	}
	for _, change := range more {
		change(&o)
	}
	s, err := testidp.New(o)
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = s
	server.Start()
	t.Cleanup(server.Close)
	i := &signOnIDP{Application: s.Applications()[0], url: server.URL, browser: newBrowser(t)}
	i.connect(t)
	return i
}

func newBrowser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar}
}

// connect makes the service provider from the metadata of the identity provider, and connects it.
func (i *signOnIDP) connect(t *testing.T) {
	t.Helper()
	body, status := i.get(t, i.SAMLMetadataURL())
	var metadata saml.EntityDescriptor
	if err := xml.Unmarshal([]byte(body), &metadata); err != nil || status != http.StatusOK {
		t.Fatalf("the metadata answers %d %s, error %v", status, body, err)
	}
	acs, err := url.Parse(acsURL)
	if err != nil {
		t.Fatal(err)
	}
	i.sp = saml.ServiceProvider{EntityID: entityID, AcsURL: *acs, IDPMetadata: &metadata,
		AuthnNameIDFormat: saml.UnspecifiedNameIDFormat}
	if err := i.ConnectSAML(entityID, acsURL); err != nil {
		t.Fatal(err)
	}
}

func (i *signOnIDP) send(t *testing.T, r *http.Request, err error) (string, int) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	resp, err := i.browser.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body), resp.StatusCode
}

func (i *signOnIDP) get(t *testing.T, address string) (string, int) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, address, nil)
	return i.send(t, r, err)
}

// post sends a form as a browser does from a page of the given site.
func (i *signOnIDP) post(t *testing.T, path string, form url.Values, site string) (string, int) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, i.url+path, strings.NewReader(form.Encode()))
	if err == nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", site)
	}
	return i.send(t, r, err)
}

// script has the headers of a script, which asks for JSON.
func (i *signOnIDP) script(t *testing.T, method, address string) (answer map[string]string, status int) {
	t.Helper()
	r, err := http.NewRequest(method, address, nil)
	if err == nil {
		r.Header.Set("Accept", "application/json")
	}
	body, status := i.send(t, r, err)
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatalf("%s answers %d %.300s", address, status, body)
	}
	return answer, status
}

// request returns an AuthnRequest of the service provider, and its URL.
func (i *signOnIDP) request(t *testing.T, change func(*saml.AuthnRequest)) (id, address string) {
	t.Helper()
	q, err := i.sp.MakeAuthenticationRequest(i.SAMLSignOnURL(), saml.HTTPRedirectBinding, saml.HTTPPostBinding)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(q)
	}
	doc := etree.NewDocument()
	doc.SetRoot(q.Element())
	document, err := doc.WriteToBytes()
	if err != nil {
		t.Fatal(err)
	}
	return q.ID, i.SAMLSignOnURL() + "?" +
		url.Values{"SAMLRequest": {deflated(t, document)}, "RelayState": {"state & <more>"}}.Encode()
}

func deflated(t *testing.T, document []byte) string {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(document); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

var input = regexp.MustCompile(`<input type="hidden" name="(\w+)" value="([^"]*)">`)

// fields returns the hidden fields of a page.
func fields(page string) url.Values {
	out := url.Values{}
	for _, m := range input.FindAllStringSubmatch(page, -1) {
		out.Set(m[1], html.UnescapeString(m[2]))
	}
	return out
}

func TestEachPersonalityIsAccepted(t *testing.T) {
	t.Parallel()
	const objectID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
	for _, tt := range []struct {
		personality                 testidp.Personality
		format, nameID              string
		signsResponse, signsElement bool
		oid                         string // the attribute that has the externalId
		email, groups               string // the attributes' names
		group                       string // the value for Engineering; empty for its externalId
		valid, confirmed            time.Duration
		age                         time.Duration
	}{
		{testidp.PlainSAML, "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress", "sean.obrien@acme.example", false,
			true,
			"", "email", "groups", "Engineering", 5 * time.Minute, 5 * time.Minute, 0},
		{testidp.OktaSAML, "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified", "sean.obrien@acme.example", true,
			true,
			"id", "email", "groups", "Engineering", 10 * time.Minute, 5 * time.Minute, 0},
		{testidp.EntraSAML, "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent", "", false, true,
			objectID, "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
			"http://schemas.microsoft.com/ws/2008/06/identity/claims/groups", "", 70 * time.Minute, 65 * time.Minute,
			40 * 24 * time.Hour},
		{testidp.ADFSSAML, "", "sean.obrien@acme.example", false, true,
			"", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
			"http://schemas.xmlsoap.org/claims/Group", "Engineering", 60 * time.Minute, 5 * time.Minute, 9 * time.Hour},
	} {
		t.Run(string(tt.personality), func(t *testing.T) {
			i := newSignOnIDP(t, tt.personality)
			id, address := i.request(t, nil)
			answer, status := i.script(t, http.MethodGet, address+"&person=sean.obrien")
			if status != http.StatusOK || answer["acs_url"] != acsURL || answer["relay_state"] != "state & <more>" {
				t.Fatalf("answers %d %v", status, answer)
			}
			a, err := i.parse(t, answer["saml_response"], id)
			if err != nil {
				t.Fatal(err)
			}
			root := document(t, answer["saml_response"])
			if got := root.SelectElement("Signature") != nil; got != tt.signsResponse {
				t.Errorf("the response is signed: %v", got)
			} else if got {
				verify(t, root, i.Certificate())
			}
			if e := root.SelectElement("Assertion"); (e.SelectElement("Signature") != nil) != tt.signsElement {
				t.Error("the assertion's signature")
			} else {
				verify(t, e, i.Certificate())
			}
			if got := a.Subject.NameID; got.Format != tt.format || tt.nameID != "" && got.Value != tt.nameID ||
				len(got.Value) < 20 {
				t.Errorf("the NameID is %+v", got)
			}
			var person testidp.PersonState
			for _, p := range i.People() {
				if p.ID == "sean.obrien" {
					person = p
				}
			}
			group := tt.group
			for _, g := range i.Groups() {
				if g.Name == "Engineering" && group == "" {
					group = g.ExternalID
				}
			}
			v := values(a)
			if tt.oid != "" && !slices.Equal(v[tt.oid], []string{person.ExternalID}) {
				t.Errorf("%s is %v, externalId %s", tt.oid, v[tt.oid], person.ExternalID)
			}
			if !slices.Equal(v[tt.email], []string{person.UserName}) || len(v[tt.groups]) != 2 ||
				v[tt.groups][0] != group {
				t.Errorf("the attributes are %v", v)
			}
			if got := a.Conditions.NotOnOrAfter.Sub(a.Conditions.NotBefore); got != tt.valid {
				t.Errorf("it is valid for %s, want %s", got, tt.valid)
			}
			confirmation := a.Subject.SubjectConfirmations[0].SubjectConfirmationData
			if got := confirmation.NotOnOrAfter.Sub(a.IssueInstant); got != tt.confirmed {
				t.Errorf("it is confirmed for %s, want %s", got, tt.confirmed)
			}
			if got := a.IssueInstant.Sub(a.AuthnStatements[0].AuthnInstant); got < tt.age || got > tt.age+time.Minute {
				t.Errorf("the person signed in %s ago, want %s", got, tt.age)
			}
		})
	}
}

func TestSCIMAndSAMLMeetInOneUser(t *testing.T) {
	t.Parallel()
	const objectID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
	for _, tt := range []struct {
		dialect     testidp.Dialect
		personality testidp.Personality
		attribute   string
		shape       string // of the ids, which are those of the dialect
	}{
		{testidp.Entra, "", objectID, `^[0-9a-f-]{36}$`},
		{testidp.Okta, "", "id", `^00u\w{17}$`},
		{testidp.Okta, testidp.EntraSAML, objectID, `^00u\w{17}$`},
	} {
		f := newSCIMServer(t)
		i := newSignOnIDP(t, tt.personality, func(o *testidp.Options) {
			o.Applications[0].SCIMURL, o.Applications[0].Token, o.Applications[0].Dialect = f.url, token, tt.dialect
		})
		if _, err := i.Provision(ctx, nil); err != nil {
			t.Fatal(err)
		}
		response, err := i.Respond("eszter.kovacs", testidp.ResponseOptions{InResponseTo: "_1"})
		if err != nil {
			t.Fatal(err)
		}
		a, err := i.parse(t, response, "_1")
		if err != nil {
			t.Fatal(err)
		}
		pushed := f.resource(t, "/Users", "userName", "eszter.kovacs@acme.example")["externalId"]
		if got := values(a)[tt.attribute]; len(got) != 1 || got[0] != pushed ||
			!regexp.MustCompile(tt.shape).MatchString(got[0]) {
			t.Errorf("%s: %s is %v, SCIM pushed the externalId %v", tt.dialect, tt.attribute, got, pushed)
		}
	}
}

func TestEntraLinksManyGroups(t *testing.T) {
	t.Parallel()
	const (
		groups = "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups"
		link   = "http://schemas.microsoft.com/claims/groups.link"
	)
	i := newSignOnIDP(t, testidp.EntraSAML)
	for n, linked := range map[int]bool{150: false, 151: true} {
		response, err := i.Respond("priya.raman",
			testidp.ResponseOptions{InResponseTo: "_1", Groups: slices.Repeat([]string{"Project"}, n)})
		if err != nil {
			t.Fatal(err)
		}
		a, err := i.parse(t, response, "_1")
		if err != nil {
			t.Fatal(err)
		}
		v := values(a)
		if got := len(v[groups]); linked && got != 0 || !linked && got != n {
			t.Errorf("of %d groups it names %d", n, got)
		}
		if got := v[link]; linked != (len(got) == 1 && strings.HasSuffix(got[0], "/getMemberObjects")) {
			t.Errorf("with %d groups, the link is %v", n, got)
		}
	}
}
