package connection_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/people"
	"rollcall/model/refusal"
	"rollcall/model/signon"
	"rollcall/model/store"
)

func TestWhatFollowsFromAChangedConnection(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		h := storetest.Open(t, s, "contoso")
		out, err := storetest.SignIn(t, h.Org, h.C, storetest.ClaimsOf("subject", h.Mail("ada")))
		storetest.Must(t, err)
		update := func(change func(*connection.ConnectionFields)) *connection.Connection {
			apply := func(c *connection.ConnectionFields) error { change(c); return nil }
			c, err := connection.In(h.Org).UpdateConnection(t.Context(), h.C.ID, apply)
			storetest.Must(t, err)
			return c
		}
		verified := storetest.Response(h.C, storetest.Begin(t, h.Org, h.C),
			storetest.ClaimsOf("subject", h.Mail("ada")))
		t.Run("with the same identity provider, sessions continue", func(t *testing.T) {
			got := storetest.NewEvents(t, s, h.Org, func() {
				c := update(func(c *connection.ConnectionFields) {
					c.Name, c.AllowIDPInitiated = "Renamed", true
				})
				if c.State != connection.ConnectionActive || c.Type != h.C.Type || c.Name != "Renamed" ||
					len(c.Domains) != 1 {
					t.Errorf("%+v", c)
				}
			})
			_, err := signon.Across(s).SessionByToken(t.Context(), out.SessionToken)
			if err != nil || len(got) > 0 {
				t.Error(got, err)
			}
			_, err = signon.In(h.Org).SignIn(t.Context(), verified)
			storetest.Must(t, err)
		})
		t.Run("nothing is written when nothing changes", func(t *testing.T) {
			storetest.Unchanged(t, s, func() { update(func(*connection.ConnectionFields) {}) })
		})
		t.Run("a response is refused if the connection has changed since it was verified", func(t *testing.T) {
			for name, change := range map[string]func(*connection.ConnectionFields){
				"certificates": func(c *connection.ConnectionFields) { c.IDPCertificates = []string{"another"} },
				"subject":      func(c *connection.ConnectionFields) { c.SubjectAttribute = "another" },
				"userName":     func(c *connection.ConnectionFields) { c.UsernameAttribute = "another" },
				"e-mail":       func(c *connection.ConnectionFields) { c.TrustEmail = true },
				"entity ID":    func(c *connection.ConnectionFields) { c.IDPEntityID = "https://another.example" },
			} {
				c, err := connection.In(h.Org).Connection(t.Context(), h.C.ID)
				storetest.Must(t, err)
				in := storetest.Response(c, storetest.Begin(t, h.Org, c), storetest.ClaimsOf("new", h.Mail("new")))
				update(change)
				before := storetest.Dump(t, s, h.Org)
				_, err = signon.In(h.Org).SignIn(t.Context(), in)
				var r *refusal.Error
				if !errors.As(err, &r) || r.Reason != refusal.ConnectionReplaced {
					t.Errorf("after a change of %s: %v", name, err)
				}
				if diff := cmp.Diff(before, storetest.Dump(t, s, h.Org)); diff != "" {
					t.Error(diff)
				}
			}
		})
		t.Run("with another identity provider, it is a draft until a login succeeds", func(t *testing.T) {
			c, err := connection.In(h.Org).Connection(t.Context(), h.C.ID)
			if err != nil || c.State != connection.ConnectionDraft || c.PublicForm().Status != "unlinked" {
				t.Fatalf("%+v %v", c, err)
			}
			if active, err := connection.In(h.Org).ActiveConnections(t.Context()); err != nil || len(active) != 0 {
				t.Error(active, err)
			}
			got := storetest.NewEvents(t, s, h.Org, func() {
				claims := storetest.ClaimsOf("new", h.Mail("new"))
				claims.Issuer = c.IDPEntityID
				_, err := storetest.SignIn(t, h.Org, c, claims)
				storetest.Must(t, err)
			})
			want := []model.EventType{people.UserCreated, connection.ConnectionActivated, signon.SSOSucceeded}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if active, err := connection.In(h.Org).ActiveConnections(t.Context()); err != nil || len(active) != 1 {
				t.Error(active, err)
			}
		})
		t.Run("nobody signs in at a deleted connection", func(t *testing.T) {
			c, err := connection.In(h.Org).Connection(t.Context(), h.C.ID)
			storetest.Must(t, err)
			in := storetest.Response(c, storetest.Begin(t, h.Org, c), storetest.ClaimsOf("new", h.Mail("new")))
			storetest.Must(t, connection.In(h.Org).DeleteConnection(t.Context(), c.ID))
			_, err = signon.In(h.Org).SignIn(t.Context(), in)
			storetest.WantKind(t, err, model.NotFound)
			storetest.WantKind(t, connection.In(h.Org).DeleteConnection(t.Context(), c.ID), model.NotFound)
		})
	})
}

// newOpenIDConnection is a connection over OpenID Connect that is not yet created.
func newOpenIDConnection(t testing.TB, s *store.Store) *connection.Connection {
	t.Helper()
	c := &connection.Connection{ID: connection.NewConnectionID(), Type: "GenericOIDC",
		ConnectionFields: connection.ConnectionFields{
			Name: "Keycloak", IDPEntityID: "https://idp.example", OIDCClientID: "client",
		}}
	storetest.Must(t, connection.Across(s).SealClientSecret(c.ID, &c.ConnectionFields, "the client's secret"))
	return c
}

func TestConnectionsOverOpenIDConnect(t *testing.T) {
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
				t.Errorf("not sealed: %s", row)
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
			"trusted e-mail addresses of Google": func(c *connection.ConnectionFields) {
				c.IDPEntityID, c.TrustEmail = "https://accounts.google.com", true
			},
			"no client":                         func(c *connection.ConnectionFields) { c.OIDCClientID = "" },
			"a client id that is not printable": func(c *connection.ConnectionFields) { c.OIDCClientID = "a\nb" },
			"no secret":                         func(c *connection.ConnectionFields) { c.OIDCClientSecret = nil },
			"too many scopes": func(c *connection.ConnectionFields) {
				c.OIDCScopes = strings.Fields(strings.Repeat("openid ", 21))
			},
			"a mapping of an unknown member": func(c *connection.ConnectionFields) {
				c.AttributeMapping = map[string]string{"role": "role"}
			},
			"a mapping that is too long": func(c *connection.ConnectionFields) {
				c.AttributeMapping = map[string]string{"email": strings.Repeat("x", 501)}
			},
			"two claims for groups": func(c *connection.ConnectionFields) {
				c.OIDCGroupsClaim, c.AttributeMapping = "roles", map[string]string{"groups": "teams"}
			},
			"a groups claim that is too long": func(c *connection.ConnectionFields) {
				c.OIDCGroupsClaim = strings.Repeat("x", 501)
			},
			"a subject attribute": func(c *connection.ConnectionFields) { c.SubjectAttribute = "oid" },
		} {
			t.Run("refused: "+name, func(t *testing.T) {
				bad := newOpenIDConnection(t, s)
				change(&bad.ConnectionFields)
				storetest.WantKind(t, connection.In(org).CreateConnection(t.Context(), bad, nil), model.Invalid)
				_, err := connection.In(org).UpdateConnection(t.Context(), c.ID,
					func(c *connection.ConnectionFields) error { change(c); return nil })
				storetest.WantKind(t, err, model.Invalid)
			})
		}
		t.Run("a response is refused if the client has changed since it was verified", func(t *testing.T) {
			verified, err := connection.In(org).Connection(t.Context(), c.ID)
			storetest.Must(t, err)
			_, err = connection.In(org).UpdateConnection(t.Context(), c.ID, func(c *connection.ConnectionFields) error {
				c.OIDCClientID = "other"
				return nil
			})
			storetest.Must(t, err)
			_, err = storetest.SignIn(t, org, verified, storetest.ClaimsOf("s", "ada@contoso.example"))
			if err == nil || !strings.Contains(err.Error(), string(refusal.ConnectionReplaced)) {
				t.Error(err)
			}
		})
	})
}
