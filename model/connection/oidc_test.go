package connection_test

import (
	"strings"
	"testing"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/organization"
	"rollcall/model/refusal"
	"rollcall/model/signon"
	"rollcall/model/store"
)

func newOpenIDConnection(t testing.TB, s *store.Store) *connection.Connection {
	t.Helper()
	c := &connection.Connection{ID: connection.NewConnectionID(), Type: "GenericOIDC",
		ConnectionFields: connection.ConnectionFields{
			Name: "Keycloak", IDPEntityID: "https://idp.example", OIDCClientID: "client",
		}}
	storetest.Must(t, connection.Across(s).SealClientSecret(c.ID, &c.ConnectionFields, "the client's secret"))
	return c
}

func TestOpenIDConnection(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, _ := storetest.Contoso(t, s)
		c := newOpenIDConnection(t, s)
		storetest.Must(t, connection.In(org).CreateConnection(t.Context(), c, nil))
		stored, err := connection.In(org).Connection(t.Context(), c.ID)
		storetest.Must(t, err)
		if secret, err := connection.Across(s).ClientSecret(stored); err != nil || secret != "the client's secret" ||
			!stored.OIDC() {
			t.Errorf("%q %v", secret, err)
		}
		for _, row := range storetest.Dump(t, s, org) {
			if strings.Contains(row, "client's secret") {
				t.Errorf("in clear: %s", row)
			}
		}
		t.Run("a secret opens for its own connection only", func(t *testing.T) {
			other := newOpenIDConnection(t, s)
			other.OIDCClientSecret = stored.OIDCClientSecret
			if secret, err := connection.Across(s).ClientSecret(other); err == nil {
				t.Errorf("it opens: %q", secret)
			}
		})
		for name, change := range map[string]func(c *connection.ConnectionFields){
			"an address of everybody is not trusted": func(c *connection.ConnectionFields) {
				c.IDPEntityID, c.TrustEmail = "https://accounts.google.com", true
			},
			"no client":                     func(c *connection.ConnectionFields) { c.OIDCClientID = "" },
			"a client id that no URL takes": func(c *connection.ConnectionFields) { c.OIDCClientID = "a\nb" },
			"no secret":                     func(c *connection.ConnectionFields) { c.OIDCClientSecret = nil },
			"too many scopes": func(c *connection.ConnectionFields) {
				c.OIDCScopes = strings.Fields(strings.Repeat("openid ", 21))
			},
			"a mapping of what is no member": func(c *connection.ConnectionFields) {
				c.AttributeMapping = map[string]string{"role": "role"}
			},
			"a mapping without end": func(c *connection.ConnectionFields) {
				c.AttributeMapping = map[string]string{"email": strings.Repeat("x", 501)}
			},
			"two claims for groups": func(c *connection.ConnectionFields) {
				c.OIDCGroupsClaim, c.AttributeMapping = "roles", map[string]string{"groups": "teams"}
			},
			"a groups claim without end": func(c *connection.ConnectionFields) {
				c.OIDCGroupsClaim = strings.Repeat("x", 501)
			},
			"a subject attribute": func(c *connection.ConnectionFields) { c.SubjectAttribute = "oid" },
		} {
			t.Run(name, func(t *testing.T) {
				bad := newOpenIDConnection(t, s)
				change(&bad.ConnectionFields)
				storetest.WantKind(t, connection.In(org).CreateConnection(t.Context(), bad, nil), model.Invalid)
				_, err := connection.In(org).UpdateConnection(t.Context(), c.ID,
					func(c *connection.ConnectionFields) error { change(c); return nil })
				storetest.WantKind(t, err, model.Invalid)
			})
		}
		t.Run("another client is another meaning of what was verified before", func(t *testing.T) {
			verified, err := connection.In(org).Connection(t.Context(), c.ID)
			storetest.Must(t, err)
			_, err = connection.In(org).UpdateConnection(t.Context(), c.ID, func(c *connection.ConnectionFields) error {
				c.OIDCClientID = "other"
				return nil
			})
			storetest.Must(t, err)
			if _, err := storetest.SignIn(t, org, verified,
				storetest.ClaimsOf("s", "ada@contoso.example")); err == nil ||
				!strings.Contains(err.Error(), string(refusal.ConnectionReplaced)) {
				t.Error(err)
			}
		})
	})
}

func TestLoginSecretAndIDTokenAreSealed(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, _ := storetest.Contoso(t, s)
		c := newOpenIDConnection(t, s)
		storetest.Must(t, connection.In(org).CreateConnection(t.Context(), c, nil))
		l := &signon.Login{ConnectionID: c.ID, BrowserHash: []byte("browser"), Secret: []byte("the login's secret")}
		storetest.Must(t, signon.In(org).StartLogin(t.Context(), l))
		stored, err := signon.In(org).Login(t.Context(), c.ID, l.ID)
		storetest.Must(t, err)
		if secret, err := signon.Across(s).LoginSecret(stored); err != nil || string(secret) != "the login's secret" {
			t.Errorf("%q %v", secret, err)
		}
		_, err = organization.In(org).SetDomains(t.Context(), map[string]organization.DomainState{
			"contoso.example": organization.DomainStateVerified,
		})
		storetest.Must(t, err)
		in := storetest.Response(c, stored, storetest.ClaimsOf("s", "ada@contoso.example"))
		in.IDToken = "the.id.token"
		in.Connection, err = connection.In(org).Connection(t.Context(), c.ID)
		storetest.Must(t, err)
		out, err := signon.In(org).SignIn(t.Context(), in)
		storetest.Must(t, err)
		if token, err := connection.In(org).IDToken(t.Context(), out.Session.ID); err != nil ||
			token != "the.id.token" {
			t.Errorf("%q %v", token, err)
		}
		for _, row := range storetest.Dump(t, s, org) {
			if strings.Contains(row, "the.id.token") || strings.Contains(row, "login's secret") {
				t.Errorf("in clear: %s", row)
			}
		}
	})
}
