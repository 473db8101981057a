package saml_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"rollcall/sso/saml"
)

// reasons are the texts of the reasons of a login that a source file declares.
func reasons(t *testing.T, path string) map[string]bool {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			for _, v := range spec.Values {
				if literal, ok := v.(*ast.BasicLit); ok && literal.Kind == token.STRING {
					text, err := strconv.Unquote(literal.Value)
					if err != nil {
						t.Fatal(err)
					}
					found[text] = true
				}
			}
		}
		return true
	})
	return found
}

// TestScreens: whoever is told to change something at the identity provider is told where.
func TestScreens(t *testing.T) {
	t.Parallel()
	types := []string{"OktaSAML", "AzureSAML", "GoogleSAML", "ADFSSAML", "OneLoginSAML", "KeycloakSAML", "GenericSAML"}
	all := reasons(t, "reason.go")
	for text := range reasons(t, "../../model/refusal.go") {
		all[text] = true
	}
	told := 0
	for reason := range all {
		seen := map[string]string{}
		for _, kind := range types {
			text := saml.Screen(reason, kind)
			if text == "" {
				continue
			}
			told++
			if !strings.HasSuffix(text, ".") || strings.Contains(text, "  ") {
				t.Errorf("%s, %s: %q", reason, kind, text)
			}
			if other, twice := seen[text]; twice && !strings.HasPrefix(text, "At the identity provider") {
				t.Errorf("%s: %s has the screen of %s", reason, kind, other)
			}
			seen[text] = kind
		}
		if len(seen) > 0 && saml.Screen(reason, "GenericSAML") == "" {
			t.Errorf("%s: nothing is said of other identity providers", reason)
		}
		advice := saml.Reason(reason).Advice()
		if strings.Contains(advice, " at the identity provider.") && !strings.HasPrefix(reason, "metadata_") && len(seen) == 0 && !strings.Contains(advice, "forge") &&
			!strings.Contains(advice, "Remove") && !strings.Contains(advice, "Choose one of these") {
			t.Errorf("%s: %q, but where?", reason, advice)
		}
	}
	if told < 7*40 {
		t.Errorf("only %d screens are named", told)
	}
	for reason, want := range map[string]string{
		"wrong_audience": "Audience URI (SP Entity ID)", "wrong_key": "SAML Signing Certificates", "subject_transient": "Name ID format",
		"not_provisioned": "Assignments", "bad_status": "System Log",
	} {
		if got := saml.Screen(reason, "OktaSAML"); !strings.HasPrefix(got, "In the Okta Admin Console") || !strings.Contains(got, want) {
			t.Errorf("%s at Okta: %q", reason, got)
		}
	}
	for _, reason := range []string{"", "login_used", "doctype", "nonsense"} {
		if got := saml.Screen(reason, "OktaSAML"); got != "" {
			t.Errorf("%s: %q", reason, got)
		}
	}
}
