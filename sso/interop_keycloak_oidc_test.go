//go:build interop

package sso_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"rollcall/model/modeltest"
)

// keycloakOIDCWorld is the program with a connection to Keycloak over OpenID Connect.
type keycloakOIDCWorld struct {
	*program
	idp  *keycloak
	link openIDLink
}

func keycloakOIDC(t *testing.T, k *keycloak, db modeltest.Database) {
	w := &keycloakOIDCWorld{program: startProgram(t, db), idp: k}
	const secret = "a client's secret: with / & signs"
	w.call(t, http.MethodPost, "/connections", map[string]any{"organization_id": w.tenant, "name": "Keycloak",
		"connection_type": "GenericOIDC",
		"oidc": map[string]any{"issuer": k.realm(""), "client_id": "rollcall",
			"client_secret": secret}}, &w.link)
	k.register(t, client{
		"clientId": "rollcall", "protocol": "openid-connect", "publicClient": false, "secret": secret,
		"standardFlowEnabled": true,
		"redirectUris":        []string{w.link.OIDC.RedirectURI},
		"attributes": map[string]any{"pkce.code.challenge.method": "S256",
			"post.logout.redirect.uris": w.url + "/sso/oidc/" + w.link.ID + "/logout"},
		"protocolMappers": []any{map[string]any{"name": "groups", "protocol": "openid-connect",
			"protocolMapper": "oidc-group-membership-mapper",
			"config": map[string]string{"claim.name": "groups", "full.path": "false", "id.token.claim": "true",
				"userinfo.token.claim": "true"}}},
	})
	t.Run("the first login makes the draft active", func(t *testing.T) {
		in := newVisitor(t).atKeycloakFrom(w.url+"/sso/oidc/"+w.link.ID+"/login", "anna")
		if got := w.state(t, w.link.link); in.status != http.StatusOK || in.url.Path != "/sso/signed-in" ||
			got != "active" {
			t.Fatalf("the connection is %s: %s (%s)", got, in, w.lastReason(t, w.link.link))
		}
	})
	t.Run("the application learns who came, and in which groups they are now", w.whoCame)
	t.Run("an address that Keycloak has not verified counts where the connection trusts it", w.unverified)
	t.Run("a login with prompt=login shows the login page again", w.again)
	t.Run("a new key of the realm signs, and logins go on", w.nextKey)
	t.Run("who signs out here has signed out there", w.signOut)
	w.stop(t)
}

// atKeycloakFrom goes to an address that leads to Keycloak's login page, and through that.
func (v *visitor) atKeycloakFrom(location, name string) page {
	v.t.Helper()
	return v.atKeycloak(v.get(location), name, name+idpPassword)
}

// whoIs signs a person in with a new browser, and returns the profile that the application gets.
func (w *keycloakOIDCWorld) whoIs(t *testing.T, name string) profile {
	t.Helper()
	status, who := w.profile(t, w.exchange(t, newVisitor(t).atKeycloakFrom(w.authorize(w.link.link), name)))
	if status != http.StatusOK {
		t.Errorf("of %s the application is told %d", name, status)
	}
	slices.Sort(who.Groups)
	return who
}

func (w *keycloakOIDCWorld) whoCame(t *testing.T) {
	w.idp.member(t, "anna", "Sales", true)
	who := w.whoIs(t, "anna")
	if who.Email != "anna@contoso.example" || who.FirstName != "Anna" || who.LastName != "Bergström-Söhne" ||
		!slices.Contains(who.Groups, "Sales") {
		t.Errorf("%+v", who)
	}
	if who.IDPID == "" || strings.Contains(who.IDPID, "anna") {
		t.Errorf("idp_id is %q, not the subject", who.IDPID)
	}
	w.idp.member(t, "anna", "Sales", false)
	if again := w.whoIs(t, "anna"); again.IDPID != who.IDPID || slices.Contains(again.Groups, "Sales") ||
		len(again.Groups) == 0 {
		t.Errorf("after Anna left a group: %+v", again)
	}
}

func (w *keycloakOIDCWorld) unverified(t *testing.T) {
	if back := newVisitor(t).atKeycloakFrom(w.authorize(w.link.link), "bo"); back.status != http.StatusForbidden {
		t.Errorf("he sees %s", back)
	}
	if reason := w.lastReason(t, w.link.link); reason != "not_provisioned" {
		t.Errorf("the login log says %q", reason)
	}
	w.call(t, http.MethodPatch, "/connections/"+w.link.ID, map[string]any{"trust_email": true}, nil)
	if who := w.whoIs(t, "bo"); who.Email != "bo@contoso.example" || !slices.Equal(who.Groups, []string{"Sales"}) {
		t.Errorf("%+v", who)
	}
}

func (w *keycloakOIDCWorld) again(t *testing.T) {
	v := newVisitor(t)
	w.exchange(t, v.atKeycloakFrom(w.authorize(w.link.link), "anna"))
	w.exchange(t, v.get(w.authorize(w.link.link))) // our session serves a second time
	login := v.get(w.authorize(w.link.link, "prompt", "login"))
	w.exchange(t, v.atKeycloak(login, "anna", "anna"+idpPassword))
}

func (w *keycloakOIDCWorld) nextKey(t *testing.T) {
	at := w.idp.addKey(t, "of OpenID Connect", 1000)
	w.whoIs(t, "anna")
	w.idp.setKey(t, at, "priority", "-1000")
	w.whoIs(t, "anna")
}

func (w *keycloakOIDCWorld) signOut(t *testing.T) {
	w.call(t, http.MethodPatch, "/connections/"+w.link.ID, map[string]any{"logout": "idp"}, nil)
	v := newVisitor(t)
	w.exchange(t, v.atKeycloakFrom(w.authorize(w.link.link), "anna"))
	out := v.post(&form{w.url + "/sso/logout", "same-origin", nil})
	if out.status != http.StatusOK || !strings.HasPrefix(out.url.String(), w.url) ||
		!strings.Contains(out.body, "signed out") {
		t.Fatalf("after signing out: %s", out)
	}
	if login := v.get(w.authorize(w.link.link)); login.form("password") == nil {
		t.Errorf("Keycloak knows her still: %s", login)
	}
	if a, err := url.Parse(w.link.OIDC.RedirectURI); err != nil || a.Path != "/sso/oidc/"+w.link.ID+"/callback" {
		t.Errorf("%s %v", a, err)
	}
}
