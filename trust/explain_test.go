package trust_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"rollcall/model/connection"
	"rollcall/model/refusal"
	"rollcall/sso/oidc"
	"rollcall/sso/saml"
	"rollcall/trust"
)

// The sources that declare the reasons of the login log.
const (
	samlReasons   = "../sso/saml/reason.go"
	openIDReasons = "../sso/oidc/reason.go"
	personReasons = "../model/refusal/refusal.go"
)

// reasonsOf reads the texts of the reasons that a source declares, so that none is forgotten.
func reasonsOf(t *testing.T, source string) (reasons []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), source, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "Reason" {
			return true
		}
		if literal, ok := spec.Values[0].(*ast.BasicLit); ok && literal.Kind == token.STRING {
			value, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			reasons = append(reasons, value)
		}
		return true
	})
	if len(reasons) < 15 {
		t.Fatalf("read only %d reasons of %s", len(reasons), source)
	}
	return reasons
}

func of(connectionType string) *connection.Connection {
	return &connection.Connection{Type: connectionType}
}

var (
	overSAML   = of("GenericSAML")
	overOpenID = of("GenericOIDC")
)

// TestEachReasonHasOneMeaning: the reasons of both protocols and of the store share one log.
func TestEachReasonHasOneMeaning(t *testing.T) {
	seen := map[string]string{}
	for _, source := range []string{samlReasons, openIDReasons, personReasons} {
		for _, reason := range reasonsOf(t, source) {
			if before, twice := seen[reason]; twice {
				t.Errorf("%s has %s, and so has %s", source, reason, before)
			}
			seen[reason] = source
		}
	}
}

func TestEveryReasonHasAdvice(t *testing.T) {
	unknown := trust.Advice("", overSAML)
	for _, reason := range reasonsOf(t, samlReasons) {
		if got := trust.Advice(reason, overSAML); got == "" || got == unknown {
			t.Errorf("%s has no advice", reason)
		}
		if got := trust.Advice(reason, overOpenID); got != "" {
			t.Errorf("%s over OpenID Connect: %q", reason, got)
		}
	}
	for _, reason := range reasonsOf(t, openIDReasons) {
		if got := trust.Advice(reason, overOpenID); !strings.HasSuffix(got, ".") {
			t.Errorf("%s: %q", reason, got)
		}
	}
	for _, reason := range reasonsOf(t, personReasons) {
		for _, c := range []*connection.Connection{overSAML, overOpenID} {
			if got := trust.Advice(reason, c); !strings.HasSuffix(got, ".") || refusal.Reason(reason).Advice() == "" {
				t.Errorf("%s over %s: %q", reason, c.Type, got)
			}
		}
	}
}

// TestScreensOfSAML: advice to change something at the identity provider comes with the place.
func TestScreensOfSAML(t *testing.T) {
	types := []string{"GenericSAML", "OktaSAML", "AzureSAML", "GoogleSAML", "ADFSSAML", "OneLoginSAML",
		"KeycloakSAML", "JumpCloudSAML", "PingOneSAML", "PingFederateSAML", "Auth0SAML", "RipplingSAML",
		"CyberArkSAML", "DuoSAML", "ShibbolethSAML", "SimpleSamlPhpSAML"}
	named := 0
	for _, reason := range append(reasonsOf(t, samlReasons), reasonsOf(t, personReasons)...) {
		seen := map[string]string{}
		for _, kind := range types {
			text := trust.Screen(reason, of(kind))
			if text == "" {
				continue
			}
			named++
			if !strings.HasSuffix(text, ".") || strings.Contains(text, "  ") {
				t.Errorf("%s, %s: %q", reason, kind, text)
			}
			if other, twice := seen[text]; twice && !strings.HasPrefix(text, "At the identity provider") {
				t.Errorf("%s: %s has the screen of %s", reason, kind, other)
			}
			seen[text] = kind
		}
		if len(seen) > 0 && trust.Screen(reason, overSAML) == "" {
			t.Errorf("%s: there is no text for other identity providers", reason)
		}
		if len(seen) == 0 && needsPlace(reason) {
			t.Errorf("%s: %q, but where?", reason, trust.Advice(reason, overSAML))
		}
	}
	if named < 7*40 {
		t.Errorf("only %d screens are named", named)
	}
	for reason, want := range map[string]string{
		string(saml.WrongAudience): "Audience URI (SP Entity ID)", string(saml.WrongKey): "SAML Signing Certificates",
		string(refusal.SubjectTransient): "Name ID format", string(refusal.NotProvisioned): "Assignments",
		string(saml.BadStatus): "System Log",
	} {
		got := trust.Screen(reason, of("OktaSAML"))
		if !strings.HasPrefix(got, "In the Okta Admin Console") || !strings.Contains(got, want) {
			t.Errorf("%s at Okta: %q", reason, got)
		}
	}
	for _, reason := range []string{"", string(refusal.LoginUsed), string(saml.Doctype), "nonsense"} {
		if got := trust.Screen(reason, of("OktaSAML")); got != "" {
			t.Errorf("%s: %q", reason, got)
		}
	}
}

// needsPlace returns whether the advice is about a setting of the identity provider. The exceptions
// are advice for which no setting has a name.
func needsPlace(reason string) bool {
	advice := trust.Advice(reason, overSAML)
	for _, exception := range []string{"forge", "Remove", "Choose one of these"} {
		if strings.Contains(advice, exception) {
			return false
		}
	}
	return strings.Contains(advice, " at the identity provider.") && !strings.HasPrefix(reason, "metadata_")
}

// TestScreensOfOpenID: advice to change something at the provider comes with the place.
func TestScreensOfOpenID(t *testing.T) {
	types := []string{"OktaOIDC", "EntraIdOIDC", "GoogleOIDC", "GenericOIDC"}
	named := 0
	for _, reason := range append(reasonsOf(t, openIDReasons), reasonsOf(t, personReasons)...) {
		for _, kind := range types {
			text := trust.Screen(reason, of(kind))
			if text == "" {
				if trust.Screen(reason, of("OktaOIDC")) != "" {
					t.Errorf("%s: there is no text for %s", reason, kind)
				}
				continue
			}
			if named++; !strings.HasSuffix(text, ".") || strings.Contains(text, "  ") || strings.HasSuffix(text, ": ") {
				t.Errorf("%s, %s: %q", reason, kind, text)
			}
		}
	}
	if named < 100 {
		t.Errorf("only %d screens are named", named)
	}
	for reason, want := range map[string]string{
		string(oidc.CodeRefused): "Redirect URIs", string(oidc.ClientRefused): "Client secrets",
		string(refusal.NotProvisioned): "Users and groups", string(oidc.TokenWrongTenant): "Supported account types",
	} {
		if got := trust.Screen(reason, of("EntraIdOIDC")); !strings.Contains(got, want) {
			t.Errorf("%s at Entra ID: %q", reason, got)
		}
	}
	for _, reason := range []string{
		"", string(refusal.LoginUsed), string(refusal.SubjectTransient), string(oidc.TokenWrongKey), "nonsense",
	} {
		if got := trust.Screen(reason, of("OktaOIDC")); got != "" {
			t.Errorf("%s: %q", reason, got)
		}
	}
}
