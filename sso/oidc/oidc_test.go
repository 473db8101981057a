package oidc_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"rollcall/sso/oidc"
)

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
			if ok != (c.reason != "") || ok && refused.Reason != c.reason {
				t.Errorf("error %v", err)
			}
			if i.Tenant != c.tenant || i.Entra != (c.tenant != "") {
				t.Errorf("%+v", i)
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
	at, err := url.Parse(
		p.LogoutURL(oidc.Client{ID: "client"}, "the.id.token", "https://rollcall.example/sso/signed-out", "a state"))
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
