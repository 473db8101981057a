package guide_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"rollcall/guide"
)

// known are the values of ours that the portal can fill in.
var known = []guide.Value{guide.ACSURL, guide.EntityID, guide.MetadataURL, guide.LoginURL, guide.LogoutURL,
	guide.ACSPattern, guide.RedirectURI, guide.SignedOutURI, guide.InitiateLogin, guide.SCIMBaseURL, guide.SCIMTokenURL}

// TestGuidesAreComplete: each provider has a guide that ends with what to enter here, and each text
// is a sentence of words.
func TestGuidesAreComplete(t *testing.T) {
	t.Parallel()
	files, err := os.ReadDir("data")
	if err != nil || len(files) != len(guide.Providers) {
		t.Fatalf("%d files and %d providers: %v", len(files), len(guide.Providers), err)
	}
	names := map[string]bool{}
	for _, p := range guide.Providers {
		if p.Name == "" || names[p.Name] || len(p.Initials()) == 0 {
			t.Errorf("%s: the name %q", p.Slug, p.Name)
		}
		names[p.Name] = true
		if _, err := time.Parse(time.DateOnly, p.Checked); err != nil {
			t.Errorf("%s: %v", p.Slug, err)
		}
		if len(p.SignOn) == 0 || (p.Provisioning == nil) != (p.Directory == "") ||
			p.Provisioning == nil && p.Cannot == "" {
			t.Errorf("%s: there is no guide for sign-on, or nothing is said of provisioning", p.Slug)
		}
		for _, s := range p.SignOn {
			if s.Ask == "" || len(s.Steps) == 0 || s.Connection == "" ||
				s.Protocol != "SAML" && s.Protocol != "OpenID Connect" {
				t.Errorf("%s, %s: something is missing", p.Slug, s.Protocol)
			}
			if (s.Protocol == "SAML") == strings.HasSuffix(s.Connection, "OIDC") {
				t.Errorf("%s: a connection %s over %s", p.Slug, s.Connection, s.Protocol)
			}
			need := guide.ACSURL
			if s.Protocol != "SAML" {
				need = guide.RedirectURI
			}
			checkSteps(t, p.Slug, s.Steps, need)
		}
		if p.Provisioning != nil {
			checkSteps(t, p.Slug, p.Provisioning.Steps, guide.SCIMBaseURL)
			if p.Provisioning.Waiting == "" || p.Provisioning.Leaving == "" {
				t.Errorf("%s: how long does a change take, and how is leaving seen?", p.Slug)
			}
		}
		for _, s := range p.Shows {
			if s.Message == "" || s.Means == "" || s.Mend == "" {
				t.Errorf("%s: %+v", p.Slug, s)
			}
		}
	}
}

// checkSteps checks the steps of a guide, which must give a value to copy; the metadata has all of
// them.
func checkSteps(t *testing.T, slug string, steps []guide.Step, need guide.Value) {
	t.Helper()
	var given []guide.Value
	for _, s := range steps {
		if s.Do == "" || strings.Contains(s.Do, "  ") {
			t.Errorf("%s: %q", slug, s.Do)
		}
		for _, c := range s.Copy {
			if c.Label == "" || !slices.Contains(known, c.Value) {
				t.Errorf("%s: %+v", slug, c)
			}
			given = append(given, c.Value)
		}
	}
	if !slices.Contains(given, need) && !slices.Contains(given, guide.MetadataURL) {
		t.Errorf("%s: no step gives %s", slug, need)
	}
}

func TestGuideOfAConnection(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{"OktaSAML": "okta SAML", "EntraIdOIDC": "entra OpenID Connect",
		"KeycloakSAML": "keycloak SAML", "GenericOIDC": "openid OpenID Connect", "GenericSAML": "saml SAML",
		"CasSAML": "saml SAML", "CleverOIDC": "openid OpenID Connect"} {
		p, s := guide.For(kind)
		if got := p.Slug + " " + s.Protocol; got != want {
			t.Errorf("%s: %s", kind, got)
		}
	}
	if guide.Of("nobody") != nil || guide.Of("adfs").On("OpenID Connect") == nil ||
		guide.Of("rippling").On("OpenID Connect") != nil {
		t.Error("a guide is found that there is not, or the other way round")
	}
}

// TestMisspeltGuides are not taken: a member that nobody reads would be forgotten.
func TestMisspeltGuides(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("data/okta.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, broken := range map[string]string{
		"an unknown member": string(text) + "leaves: nothing\n", "no YAML": "name: [", "nothing": "",
	} {
		files := fstest.MapFS{"data/okta.yaml": {Data: []byte(broken)}}
		if _, err := guide.Read(files); err == nil {
			t.Errorf("%s is read", name)
		}
	}
}
