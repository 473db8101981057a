package model_test

import (
	"strings"
	"testing"

	"rollcall/model"
	"rollcall/model/modeltest"
)

func newOpenIDConnection(t testing.TB, s *model.Store) *model.Connection {
	t.Helper()
	c := &model.Connection{ID: model.NewConnectionID(), Type: "GenericOIDC", ConnectionFields: model.ConnectionFields{
		Name: "Keycloak", IDPEntityID: "https://idp.example", OIDCClientID: "client",
	}}
	must(t, s.SealClientSecret(c.ID, &c.ConnectionFields, "the client's secret"))
	return c
}

func TestOpenIDConnection(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		org, _ := contoso(t, s)
		c := newOpenIDConnection(t, s)
		must(t, org.CreateConnection(t.Context(), c, nil))
		stored, err := org.Connection(t.Context(), c.ID)
		must(t, err)
		if secret, err := s.ClientSecret(stored); err != nil || secret != "the client's secret" || !stored.OIDC() {
			t.Errorf("%q %v", secret, err)
		}
		for _, row := range dump(t, s, org) {
			if strings.Contains(row, "client's secret") {
				t.Errorf("in clear: %s", row)
			}
		}
		t.Run("a secret opens for its own connection only", func(t *testing.T) {
			other := newOpenIDConnection(t, s)
			other.OIDCClientSecret = stored.OIDCClientSecret
			if secret, err := s.ClientSecret(other); err == nil {
				t.Errorf("it opens: %q", secret)
			}
		})
		for name, change := range map[string]func(c *model.ConnectionFields){
			"an address of everybody is not trusted": func(c *model.ConnectionFields) {
				c.IDPEntityID, c.TrustEmail = "https://accounts.google.com", true
			},
			"no client":                     func(c *model.ConnectionFields) { c.OIDCClientID = "" },
			"a client id that no URL takes": func(c *model.ConnectionFields) { c.OIDCClientID = "a\nb" },
			"no secret":                     func(c *model.ConnectionFields) { c.OIDCClientSecret = nil },
			"too many scopes": func(c *model.ConnectionFields) {
				c.OIDCScopes = strings.Fields(strings.Repeat("openid ", 21))
			},
			"a mapping of what is no member": func(c *model.ConnectionFields) {
				c.AttributeMapping = map[string]string{"role": "role"}
			},
			"a mapping without end": func(c *model.ConnectionFields) {
				c.AttributeMapping = map[string]string{"email": strings.Repeat("x", 501)}
			},
			"two claims for groups": func(c *model.ConnectionFields) {
				c.OIDCGroupsClaim, c.AttributeMapping = "roles", map[string]string{"groups": "teams"}
			},
			"a groups claim without end": func(c *model.ConnectionFields) { c.OIDCGroupsClaim = strings.Repeat("x", 501) },
			"a subject attribute":        func(c *model.ConnectionFields) { c.SubjectAttribute = "oid" },
		} {
			t.Run(name, func(t *testing.T) {
				bad := newOpenIDConnection(t, s)
				change(&bad.ConnectionFields)
				wantKind(t, org.CreateConnection(t.Context(), bad, nil), model.Invalid)
				_, err := org.UpdateConnection(t.Context(), c.ID, func(c *model.ConnectionFields) error { change(c); return nil })
				wantKind(t, err, model.Invalid)
			})
		}
		t.Run("another client is another meaning of what was verified before", func(t *testing.T) {
			verified, err := org.Connection(t.Context(), c.ID)
			must(t, err)
			_, err = org.UpdateConnection(t.Context(), c.ID, func(c *model.ConnectionFields) error {
				c.OIDCClientID = "other"
				return nil
			})
			must(t, err)
			if _, err := signIn(t, org, verified, claimsOf("s", "ada@contoso.example")); err == nil || !strings.Contains(err.Error(), string(model.ConnectionReplaced)) {
				t.Error(err)
			}
		})
	})
}

func TestLoginSecretAndIDTokenAreSealed(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		org, _ := contoso(t, s)
		c := newOpenIDConnection(t, s)
		must(t, org.CreateConnection(t.Context(), c, nil))
		l := &model.Login{ConnectionID: c.ID, BrowserHash: []byte("browser"), Secret: []byte("the login's secret")}
		must(t, org.StartLogin(t.Context(), l))
		stored, err := org.Login(t.Context(), c.ID, l.ID)
		must(t, err)
		if secret, err := s.LoginSecret(stored); err != nil || string(secret) != "the login's secret" {
			t.Errorf("%q %v", secret, err)
		}
		_, err = org.SetDomains(t.Context(), map[string]model.DomainState{"contoso.example": model.DomainStateVerified})
		must(t, err)
		in := response(c, stored, claimsOf("s", "ada@contoso.example"))
		in.IDToken = "the.id.token"
		in.Connection, err = org.Connection(t.Context(), c.ID)
		must(t, err)
		out, err := org.SignIn(t.Context(), in)
		must(t, err)
		if token, err := org.IDToken(t.Context(), out.Session.ID); err != nil || token != "the.id.token" {
			t.Errorf("%q %v", token, err)
		}
		for _, row := range dump(t, s, org) {
			if strings.Contains(row, "the.id.token") || strings.Contains(row, "login's secret") {
				t.Errorf("in clear: %s", row)
			}
		}
	})
}
