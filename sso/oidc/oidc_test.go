package oidc_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"rollcall/sso/oidc"
)

// reasonsOf reads the reasons of a source, so that none is forgotten.
func reasonsOf(t *testing.T, name string) (reasons []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
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
	return reasons
}

// One enum over both protocols and the store: each reason has one meaning, and advice.
func TestReasons(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, name := range []string{"reason.go", "../saml/reason.go", "../../model/refusal.go"} {
		reasons := reasonsOf(t, name)
		if len(reasons) < 15 {
			t.Errorf("read only %d reasons of %s", len(reasons), name)
		}
		for _, r := range reasons {
			if before, twice := seen[r]; twice {
				t.Errorf("%s has %s, and so has %s", name, r, before)
			}
			seen[r] = name
			if advice := oidc.Reason(r).Advice(); (name == "reason.go") != (advice != "") || advice != "" && !strings.HasSuffix(advice, ".") {
				t.Errorf("%s of %s: %q", r, name, advice)
			}
		}
	}
}

func TestParseIssuer(t *testing.T) {
	t.Parallel()
	const tenant = "11111111-2222-4333-8444-55555555aBcD"
	for text, c := range map[string]struct {
		entra  bool
		reason oidc.Reason
		tenant string
	}{
		"https://contoso.okta.example":         {},
		"https://contoso.okta.example/":        {},
		"https://idp.example/realms/contoso":   {},
		"https://accounts.google.com":          {},
		"http://127.0.0.1:9090/applications/1": {}, // whether it may be reached, the guard decides
		"":                                     {reason: oidc.IssuerNotURL},
		"contoso":                              {reason: oidc.IssuerNotURL},
		"ftp://idp.example":                    {reason: oidc.IssuerNotURL},
		"https://":                             {reason: oidc.IssuerNotURL},
		"https://user:secret@idp.example":      {reason: oidc.IssuerNotURL},
		"https://idp.example?tenant=1":         {reason: oidc.IssuerNotURL},
		"https://idp.example?":                 {reason: oidc.IssuerNotURL},
		"https://idp.example#x":                {reason: oidc.IssuerNotURL},
		"https://idp.example#":                 {reason: oidc.IssuerNotURL},
		"https://" + strings.Repeat("a", 500):  {reason: oidc.IssuerNotURL},
		"https://login.microsoftonline.com/" + tenant + "/v2.0":  {tenant: strings.ToLower(tenant)},
		"https://login.microsoftonline.us/" + tenant + "/v2.0":   {tenant: strings.ToLower(tenant)},
		"https://LOGIN.microsoftonline.com/common/v2.0":          {reason: oidc.IssuerMultiTenant},
		"https://login.microsoftonline.com/Organizations/v2.0":   {reason: oidc.IssuerMultiTenant},
		"https://login.microsoftonline.com/consumers/v2.0":       {reason: oidc.IssuerMultiTenant},
		"https://login.microsoftonline.com/common":               {reason: oidc.IssuerMultiTenant},
		"https://login.microsoftonline.com/{tenantid}/v2.0":      {reason: oidc.IssuerVersion1},
		"https://login.microsoftonline.com/contoso.example/v2.0": {reason: oidc.IssuerVersion1},
		"https://login.microsoftonline.com/" + tenant:            {reason: oidc.IssuerVersion1},
		"https://login.microsoftonline.com/" + tenant + "/v2.0/": {reason: oidc.IssuerVersion1},
		"https://sts.windows.net/" + tenant + "/":                {reason: oidc.IssuerVersion1},
		"https://idp.example/a/" + tenant + "/v2.0":              {entra: true, tenant: strings.ToLower(tenant)},
		"https://idp.example/a":                                  {entra: true, reason: oidc.IssuerVersion1},
	} {
		t.Run(text, func(t *testing.T) {
			i, err := oidc.ParseIssuer(text, c.entra)
			refused, ok := errors.AsType[*oidc.Refused](err)
			if ok != (c.reason != "") || ok && refused.Reason != c.reason || i.Tenant != c.tenant || i.Entra != (c.tenant != "") {
				t.Errorf("%+v %v", i, err)
			}
			if err == nil && i.Pinned() == (text == "https://accounts.google.com") {
				t.Errorf("pinned: %t", i.Pinned())
			}
		})
	}
}

func TestLogoutURL(t *testing.T) {
	t.Parallel()
	p := provider(t, "https://idp.example", map[string]any{"end_session_endpoint": "https://idp.example/out?a=b"})
	at, err := url.Parse(p.LogoutURL(oidc.Client{ID: "client"}, "the.id.token", "https://rollcall.example/sso/signed-out", "a state"))
	if err != nil || at.Host != "idp.example" {
		t.Fatal(at, err)
	}
	for name, want := range map[string]string{"a": "b", "client_id": "client", "id_token_hint": "the.id.token",
		"post_logout_redirect_uri": "https://rollcall.example/sso/signed-out", "state": "a state"} {
		if got := at.Query().Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	if got := provider(t, "https://idp.example", nil).LogoutURL(oidc.Client{ID: "client"}, "x", "", ""); got != "" {
		t.Errorf("without an endpoint: %s", got)
	}
}
