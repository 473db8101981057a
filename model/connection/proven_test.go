package connection_test

import (
	"testing"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/store"
)

// alteration is a change of a connection, and whether the login that tested it still proves it.
type alteration struct {
	name   string
	change func(*connection.ConnectionFields)
	proven bool
}

var alterationsSAML = []alteration{
	{"name", func(c *connection.ConnectionFields) { c.Name = "Renamed" }, true},
	{"external_id", func(c *connection.ConnectionFields) { c.ExternalID = "customer" }, true},
	{"activate_on_first_login", func(c *connection.ConnectionFields) { c.ActivatedByHand = false }, true},
	{"allow_idp_initiated", func(c *connection.ConnectionFields) { c.AllowIDPInitiated = true }, true},
	{"logout", func(c *connection.ConnectionFields) { c.IDPSLORedirectURL = "https://idp.example/slo" }, true},
	{"another certificate", func(c *connection.ConnectionFields) {
		c.IDPCertificates = append(c.IDPCertificates, "another")
	}, true},
	{"a certificate less", func(c *connection.ConnectionFields) { c.IDPCertificates = []string{"another"} }, false},
	{"entity ID", func(c *connection.ConnectionFields) { c.IDPEntityID = "https://other.example" }, false},
	{"address by redirect", func(c *connection.ConnectionFields) {
		c.IDPSSORedirectURL = "https://idp.example/other"
	}, false},
	{"address by POST", func(c *connection.ConnectionFields) { c.IDPSSOPostURL = "https://idp.example/post" }, false},
	{"subject_attribute", func(c *connection.ConnectionFields) { c.SubjectAttribute = "id" }, false},
	{"username_attribute", func(c *connection.ConnectionFields) { c.UsernameAttribute = "id" }, false},
	{"attribute_mapping", func(c *connection.ConnectionFields) {
		c.AttributeMapping = map[string]string{"email": "mail"}
	}, false},
	{"unsigned requests", func(c *connection.ConnectionFields) { c.UnsignedRequests = true }, false},
	{"encryption", func(c *connection.ConnectionFields) { c.AllowEncrypted = connection.EncryptedCBC }, false},
	{"expired certificates", func(c *connection.ConnectionFields) { c.RefuseExpiredCertificates = true }, false},
	{"NameID format", func(c *connection.ConnectionFields) {
		c.NameIDFormat = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
	}, false},
}

var alterationsOIDC = []alteration{
	{"name", func(c *connection.ConnectionFields) { c.Name = "Renamed" }, true},
	{"issuer", func(c *connection.ConnectionFields) { c.IDPEntityID = "https://other.example" }, false},
	{"client", func(c *connection.ConnectionFields) { c.OIDCClientID = "other" }, false},
	{"client secret", func(c *connection.ConnectionFields) { c.OIDCClientSecret = []byte("sealed") }, false},
	{"scopes", func(c *connection.ConnectionFields) { c.OIDCScopes = []string{"openid", "email"} }, false},
	{"groups claim", func(c *connection.ConnectionFields) { c.OIDCGroupsClaim = "roles" }, false},
	{"trust_email", func(c *connection.ConnectionFields) { c.TrustEmail = true }, false},
}

// TestChangedConnectionIsUntested, and a draft among them cannot be made active, where a login
// depends on what changed.
func TestChangedConnectionIsUntested(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		h := storetest.Open(t, s, "contoso")
		check := func(make func() *connection.Connection, list []alteration) {
			for i, a := range list {
				c := make()
				c.ActivatedByHand = true
				if !c.OIDC() { // two connections to one identity provider need different names there
					c.IDPEntityID += "/" + string(rune('a'+i))
				}
				storetest.Must(t, connection.In(h.Org).CreateConnection(t.Context(), c, []byte("key")))
				storetest.Must(t, storetest.Within(h.Org, t.Context()).Model(c).UpdateColumn("tested_at", 1).Error)
				_, err := connection.In(h.Org).UpdateConnection(t.Context(), c.ID,
					func(c *connection.ConnectionFields) error { a.change(c); return nil })
				storetest.Must(t, err)
				after, err := connection.In(h.Org).Connection(t.Context(), c.ID)
				storetest.Must(t, err)
				if tested := after.TestedAt != nil; tested != a.proven || after.State != connection.ConnectionDraft {
					t.Errorf("%s, %s: tested %v, state %s", c.Type, a.name, tested, after.State)
				}
				_, err = connection.In(h.Org).SwitchConnection(t.Context(), c.ID, connection.ConnectionActive)
				if a.proven != (err == nil) || !a.proven && model.KindOf(err) != model.Invalid {
					t.Errorf("%s, %s: switched on: %v", c.Type, a.name, err)
				}
				storetest.Must(t, connection.In(h.Org).DeleteConnection(t.Context(), c.ID))
			}
		}
		check(storetest.NewConnection, alterationsSAML)
		check(func() *connection.Connection { return newOpenIDConnection(t, s) }, alterationsOIDC)
	})
}
