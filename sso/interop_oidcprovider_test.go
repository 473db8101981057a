//go:build interop

package sso_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"rollcall/model/modeltest"
)

// openIDLink is a connection over OpenID Connect as the API shows it.
type openIDLink struct {
	link
	OIDC struct {
		RedirectURI string `json:"redirect_uri"`
	}
}

// openIDProvider is a running node-oidc-provider.
type openIDProvider struct{ issuer string }

// register makes a client there that is answered at an address.
func (o openIDProvider) register(t *testing.T, p *program, redirectURI, authentication string) (id, secret string) {
	t.Helper()
	status, text := p.send(t, http.MethodPost, o.issuer+"/reg", "", "application/json", map[string]any{
		"redirect_uris": []string{redirectURI}, "token_endpoint_auth_method": authentication,
		"grant_types": []string{"authorization_code"}, "response_types": []string{"code"},
	})
	var client struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	if err := json.Unmarshal(text, &client); err != nil || status != http.StatusCreated {
		t.Fatalf("%d %s %v", status, text, err)
	}
	return client.ID, client.Secret
}

// signIn fills in the provider's pages: the account, and the consent for the client. A provider
// that has a session shows no page.
func (o openIDProvider) signIn(t *testing.T, v *visitor, location, who string) page {
	t.Helper()
	at := v.get(location)
	if f := at.form("login"); f != nil {
		at = v.post(f, "login", who, "password", "any")
	}
	if f := at.form("prompt"); f != nil && f.fields.Get("prompt") == "consent" {
		at = v.post(f)
	}
	return at
}

// TestInteropOIDCProvider signs people in at node-oidc-provider, a certified OpenID provider. It
// sends a thin ID token, so that e-mail address and groups come from userinfo.
func TestInteropOIDCProvider(t *testing.T) {
	p := startProgram(t, modeltest.SQLite(t))
	address, port := freePort(t)
	o := openIDProvider{"http://" + address}
	start(t, o.issuer+"/.well-known/openid-configuration", nil, "node",
		absolute(t, "testdata", "oidc-provider", "provider.cjs"),
		absolute(t, "..", ".cache", "oidc-provider", "node_modules"), port)

	// The connection exists first, since the redirect URI has its id. Then it gets its client.
	var l openIDLink
	p.call(t, http.MethodPost, "/connections", map[string]any{"organization_id": p.tenant, "name": "oidc-provider",
		"connection_type": "GenericOIDC",
		"oidc": map[string]any{"issuer": o.issuer, "client_id": "to be registered",
			"client_secret": "likewise"}}, &l)
	connect := func(t *testing.T, authentication string) {
		t.Helper()
		id, secret := o.register(t, p, l.OIDC.RedirectURI, authentication)
		p.call(t, http.MethodPatch, "/connections/"+l.ID, map[string]any{"oidc": map[string]any{"client_id": id,
			"client_secret": secret}}, nil)
	}
	connect(t, "client_secret_basic")

	t.Run("the first login makes the draft active", func(t *testing.T) {
		in := o.signIn(t, newVisitor(t), p.url+"/sso/oidc/"+l.ID+"/login", "ada")
		if got := p.state(t, l.link); in.status != http.StatusOK || in.url.Path != "/sso/signed-in" || got != "active" {
			t.Fatalf("the connection is %s: %s (%s)", got, in, p.lastReason(t, l.link))
		}
	})
	t.Run("the application learns who came", func(t *testing.T) {
		status, who := p.profile(t, p.exchange(t, o.signIn(t, newVisitor(t), p.authorize(l.link), "grace")))
		if status != http.StatusOK || who.Email != "grace@contoso.example" || who.FirstName != "grace" ||
			who.LastName != "O'Provider <&>" ||
			who.IDPID != "grace" || !slices.Equal(who.Groups, []string{"Cloud", "West Coast"}) {
			t.Errorf("%d %+v", status, who)
		}
	})
	t.Run("a new login is asked for, and made", func(t *testing.T) {
		v := newVisitor(t)
		p.exchange(t, o.signIn(t, v, p.authorize(l.link), "grace"))
		again := v.get(p.authorize(l.link, "prompt", "login"))
		f := v.mustForm(again, "login")
		back := v.post(f, "login", "grace", "password", "any")
		if f := back.form("prompt"); f != nil {
			back = v.post(f)
		}
		p.exchange(t, back)
	})
	t.Run("an answer counts once", func(t *testing.T) {
		v := newVisitor(t)
		p.exchange(t, o.signIn(t, v, p.authorize(l.link), "grace"))
		v.http.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
			if strings.Contains(r.URL.Path, "/callback") || strings.Contains(r.URL.Path, "/again") {
				return http.ErrUseLastResponse
			}
			return nil
		}
		answer := v.get(p.authorize(l.link, "max_age", "3600")).location
		if first := v.get(answer.String()); first.location.Query().Get("code") == "" {
			t.Fatalf("the first time: %s", first)
		}
		// The browser is signed in, and is led there.
		if second := v.get(answer.String()); !strings.HasSuffix(second.location.Path, "/again") {
			t.Errorf("the second time: %s", second)
		}
	})
	t.Run("a code of another login", func(t *testing.T) {
		v := newVisitor(t)
		p.exchange(t, o.signIn(t, v, p.authorize(l.link), "grace"))
		v.http.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
			if strings.Contains(r.URL.Path, "/callback") {
				return http.ErrUseLastResponse
			}
			return nil
		}
		mine, other := *v.get(p.authorize(l.link, "max_age", "3600")).
			location, v.get(p.authorize(l.link, "max_age", "3600")).location
		q := mine.Query()
		q.Set("code", other.Query().Get("code"))
		mine.RawQuery = q.Encode()
		if got := v.get(mine.String()); got.status != http.StatusForbidden ||
			p.lastReason(t, l.link) != "code_refused" {
			t.Errorf("%s", got)
		}
	})
	t.Run("an address that the provider has not verified creates no user", func(t *testing.T) {
		if back := o.signIn(t, newVisitor(t), p.authorize(l.link),
			"unverified-eve"); back.status != http.StatusForbidden {
			t.Errorf("she sees %s", back)
		}
		if reason := p.lastReason(t, l.link); reason != "not_provisioned" {
			t.Errorf("the login log says %q", reason)
		}
	})
	t.Run("a client whose secret goes in the body", func(t *testing.T) {
		connect(t, "client_secret_post")
		p.exchange(t, o.signIn(t, newVisitor(t), p.authorize(l.link), "grace"))
	})
	t.Run("a wrong secret", func(t *testing.T) {
		p.call(t, http.MethodPatch, "/connections/"+l.ID,
			map[string]any{"oidc": map[string]any{"client_secret": "wrong"}}, nil)
		o.signIn(t, newVisitor(t), p.authorize(l.link), "grace")
		if reason := p.lastReason(t, l.link); reason != "client_refused" {
			t.Errorf("the login log says %q", reason)
		}
	})
	if at, err := url.Parse(l.OIDC.RedirectURI); err != nil || at.Path != "/sso/oidc/"+l.ID+"/callback" {
		t.Errorf("%s %v", at, err)
	}
	p.stop(t)
}
