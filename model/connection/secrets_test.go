package connection_test

import (
	"strings"
	"testing"

	"rollcall/model/connection"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/organization"
	"rollcall/model/signon"
	"rollcall/model/store"
)

func TestLoginSecretAndIDTokenAreSealed(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, _ := storetest.Contoso(t, s)
		c := newOpenIDConnection(t, s)
		storetest.Must(t, connection.In(org).CreateConnection(t.Context(), c, nil))
		l := &signon.Login{ConnectionID: c.ID, BrowserHash: []byte("browser"), Secret: []byte("the login's secret")}
		handle, kept := signon.In(org).StartLogin(l)
		stored, err := signon.In(org).Login(c.ID, handle, func(string) []byte { return kept })
		storetest.Must(t, err)
		if string(stored.Secret) != "the login's secret" || strings.Contains(string(kept), "secret") {
			t.Errorf("%q kept as %q", stored.Secret, kept)
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
		token, err := connection.In(org).IDToken(t.Context(), out.Session.ID)
		if err != nil || token != "the.id.token" {
			t.Errorf("%q %v", token, err)
		}
		for _, row := range storetest.Dump(t, s, org) {
			if strings.Contains(row, "the.id.token") || strings.Contains(row, "login's secret") {
				t.Errorf("not sealed: %s", row)
			}
		}
	})
}
