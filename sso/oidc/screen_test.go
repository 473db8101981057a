package oidc_test

import (
	"strings"
	"testing"

	"rollcall/sso/oidc"
)

// TestScreens: whoever is told to change something at the provider is told where.
func TestScreens(t *testing.T) {
	t.Parallel()
	types := []string{"OktaOIDC", "EntraIdOIDC", "GoogleOIDC", "GenericOIDC"}
	told := 0
	for _, reason := range append(reasonsOf(t, "reason.go"), reasonsOf(t, "../../model/refusal.go")...) {
		for _, kind := range types {
			text := oidc.Screen(reason, kind)
			if text == "" {
				if oidc.Screen(reason, "OktaOIDC") != "" {
					t.Errorf("%s: nothing is said of %s", reason, kind)
				}
				continue
			}
			if told++; !strings.HasSuffix(text, ".") || strings.Contains(text, "  ") || strings.HasSuffix(text, ": ") {
				t.Errorf("%s, %s: %q", reason, kind, text)
			}
		}
	}
	if told < 100 {
		t.Errorf("only %d screens are named", told)
	}
	for reason, want := range map[string]string{"code_refused": "Redirect URIs", "client_refused": "Client secrets", "not_provisioned": "Users and groups", "token_wrong_tenant": "Supported account types"} {
		if got := oidc.Screen(reason, "EntraIdOIDC"); !strings.Contains(got, want) {
			t.Errorf("%s at Entra ID: %q", reason, got)
		}
	}
	for _, reason := range []string{"", "login_used", "token_wrong_key", "nonsense"} {
		if got := oidc.Screen(reason, "OktaOIDC"); got != "" {
			t.Errorf("%s: %q", reason, got)
		}
	}
}
