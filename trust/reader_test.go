package trust_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/modeltest"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/store"
	"rollcall/testidp"
	"rollcall/trust"
)

// metadataOf returns the metadata of a SAML identity provider and its certificate in PEM.
func metadataOf(t *testing.T, name string) (document, certificate string) {
	t.Helper()
	server, err := testidp.New(testidp.Options{BaseURL: "https://" + name + ".example",
		Applications: []testidp.ApplicationOptions{{Name: name, Domain: name + ".example"}}})
	if err != nil {
		t.Fatal(err)
	}
	document = string(server.Applications()[0].SAMLMetadata())
	_, encoded, _ := strings.Cut(document, "X509Certificate>")
	encoded, _, _ = strings.Cut(encoded, "</")
	return document, encoded
}

func reader(t *testing.T) *trust.Reader {
	return &trust.Reader{Store: modeltest.Open(t, modeltest.SQLite(t), store.Options{})}
}

// fieldOf returns the field and the message of a refusal.
func fieldOf(t *testing.T, err error) (field, message string) {
	t.Helper()
	refused, ok := errors.AsType[*model.Error](err)
	if !ok || refused.Kind != model.Invalid {
		t.Fatalf("got %v, want a refusal", err)
	}
	return refused.Field, refused.Message
}

func TestMetadataDescribesAConnection(t *testing.T) {
	r := reader(t)
	document, _ := metadataOf(t, "contoso")
	change, err := r.SAML(t.Context(), trust.SAML{MetadataXML: &document})
	if err != nil {
		t.Fatal(err)
	}
	c := &connection.ConnectionFields{
		IDPMetadataURL: "https://old.example/metadata", IDPSLOPostURL: "https://old.example/logout",
	}
	if err := change(c); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(c.IDPEntityID, "https://contoso.example/") || len(c.IDPCertificates) != 1 {
		t.Errorf("entity ID %q, %d certificates", c.IDPEntityID, len(c.IDPCertificates))
	}
	if c.IDPSSORedirectURL+c.IDPSSOPostURL == "" || strings.Contains(c.IDPSLOPostURL, "old.example") {
		t.Errorf("sign-on at %q and %q, logout at %q", c.IDPSSORedirectURL, c.IDPSSOPostURL, c.IDPSLOPostURL)
	}
	if c.IDPMetadataURL != "" || c.MetadataRefreshedAt != nil {
		t.Errorf("the document was sent, but its address is %q", c.IDPMetadataURL)
	}
}

func TestDescriptionByHandChangesWhatIsSaid(t *testing.T) {
	r := reader(t)
	_, certificate := metadataOf(t, "contoso")
	text := func(s string) *string { return &s }
	before := func() *connection.ConnectionFields {
		return &connection.ConnectionFields{IDPEntityID: "old", IDPSSORedirectURL: "https://old.example/a",
			IDPSSOPostURL: "https://old.example/b", IDPMetadataURL: "https://old.example/metadata",
			IDPCertificates: []string{"old"}}
	}
	for name, c := range map[string]struct {
		said trust.SAML
		want func(*connection.ConnectionFields)
	}{
		"nothing": {trust.SAML{}, func(*connection.ConnectionFields) {}},
		"the entity ID": {trust.SAML{EntityID: text("new")}, func(c *connection.ConnectionFields) {
			c.IDPEntityID, c.IDPMetadataURL = "new", ""
		}},
		"the sign-on address": {trust.SAML{SSOURL: text("https://new.example/a")},
			func(c *connection.ConnectionFields) {
				c.IDPSSORedirectURL, c.IDPSSOPostURL, c.IDPMetadataURL = "https://new.example/a", "", ""
			}},
		"the logout address": {trust.SAML{SLOURL: text("https://new.example/o")}, func(c *connection.ConnectionFields) {
			c.IDPSLORedirectURL, c.IDPSLORedirectResponseURL = "https://new.example/o", "https://new.example/o"
			c.IDPMetadataURL = ""
		}},
		"no certificates": {trust.SAML{Certificates: &[]string{}}, func(c *connection.ConnectionFields) {
			c.IDPCertificates, c.IDPMetadataURL = nil, ""
		}},
	} {
		t.Run(name, func(t *testing.T) {
			change, err := r.SAML(t.Context(), c.said)
			if err != nil {
				t.Fatal(err)
			}
			got, want := before(), before()
			c.want(want)
			if err := change(got); err != nil {
				t.Fatal(err)
			}
			if got.IDPEntityID != want.IDPEntityID || got.IDPSSORedirectURL != want.IDPSSORedirectURL ||
				got.IDPSSOPostURL != want.IDPSSOPostURL || got.IDPMetadataURL != want.IDPMetadataURL ||
				got.IDPSLORedirectURL != want.IDPSLORedirectURL ||
				got.IDPSLORedirectResponseURL != want.IDPSLORedirectResponseURL ||
				!slices.Equal(got.IDPCertificates, want.IDPCertificates) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
	t.Run("a certificate twice", func(t *testing.T) {
		change, err := r.SAML(t.Context(), trust.SAML{Certificates: &[]string{certificate, certificate}})
		if err != nil {
			t.Fatal(err)
		}
		c := before()
		if err := change(c); err != nil || len(c.IDPCertificates) != 1 {
			t.Errorf("%d certificates, error %v", len(c.IDPCertificates), err)
		}
	})
}

func TestDescriptionsThatCannotBeUsed(t *testing.T) {
	r := reader(t)
	first, _ := metadataOf(t, "contoso")
	second, _ := metadataOf(t, "fabrikam")
	text := func(s string) *string { return &s }
	body := func(document string) string { return document[strings.Index(document, "<md:EntityDescriptor"):] }
	several := `<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">` + body(first) + body(second) +
		`</md:EntitiesDescriptor>`
	bundle := strings.Repeat("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n", 2)
	for name, c := range map[string]struct {
		said           trust.SAML
		field, message string
	}{
		"in two ways": {trust.SAML{MetadataXML: &first, SSOURL: text("https://a.example")}, "saml",
			"which one counts"},
		"an address, and no net": {trust.SAML{MetadataURL: text("https://a.example")}, "saml.idp_metadata_url",
			"fetches nothing"},
		"a web page": {trust.SAML{MetadataXML: text("<html>secret")}, "saml.idp_metadata_xml",
			"That is a web page."},
		"several providers": {trust.SAML{MetadataXML: &several}, "saml.idp_entity_id",
			"There are: https://contoso.example/"},
		"another provider": {trust.SAML{MetadataXML: &several, EntityID: text("https://x.example")},
			"saml.idp_entity_id", "There are: "},
		"a bundle": {trust.SAML{Certificates: &[]string{bundle}}, "saml.idp_certificates",
			"several certificates"},
		"no certificate at all": {trust.SAML{Certificates: &[]string{"!"}}, "saml.idp_certificates",
			"not an X.509 certificate"},
		"a certificate, but wrong": {trust.SAML{Certificates: &[]string{"AA=="}}, "saml.idp_certificates",
			"not an X.509 certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := r.SAML(t.Context(), c.said)
			field, message := fieldOf(t, err)
			if field != c.field || !strings.Contains(message, c.message) || strings.Contains(message, "secret") {
				t.Errorf("%s: %s", field, message)
			}
		})
	}
	for name, c := range map[string]struct{ issuer, message string }{
		"no address":   {"contoso", "not an https URL"},
		"many tenants": {"https://login.microsoftonline.com/common/v2.0", "every tenant"},
		"no net":       {"https://idp.example", "fetches nothing"},
	} {
		t.Run("issuer: "+name, func(t *testing.T) {
			_, err := r.OpenID(t.Context(), trust.OpenID{Issuer: &c.issuer},
				&connection.Connection{Type: "GenericOIDC"})
			if field, message := fieldOf(t, err); field != "oidc.issuer" || !strings.Contains(message, c.message) {
				t.Errorf("%s: %s", field, message)
			}
		})
	}
}

// TestProvidersAreParsedOncePerRow: a parsed connection is used until its row changes.
func TestProvidersAreParsedOncePerRow(t *testing.T) {
	r := reader(t)
	g := &organization.Organization{
		OrganizationFields: organization.OrganizationFields{
			Name: "Contoso", Slug: "contoso", Settings: organization.DefaultSettings(),
		},
	}
	err := operator.Across(r.Store).CreateOrganization(t.Context(), model.System, model.Everywhere(), g, nil)
	if err != nil {
		t.Fatal(err)
	}
	org := r.Store.Org(g.ID, model.System)
	document, _ := metadataOf(t, "contoso")
	change, err := r.SAML(t.Context(), trust.SAML{MetadataXML: &document})
	if err != nil {
		t.Fatal(err)
	}
	c := &connection.Connection{
		ID: connection.NewConnectionID(), Type: "GenericSAML",
		ConnectionFields: connection.ConnectionFields{Name: "Contoso"},
	}
	certificate, key, err := trust.NewKey(c.ID, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	c.SPCertificate = certificate
	if err := errors.Join(change(&c.ConnectionFields),
		connection.In(org).CreateConnection(t.Context(), c, key)); err != nil {
		t.Fatal(err)
	}
	providers := trust.NewProviders(r.Store, "https://rollcall.example/")
	first, err := providers.Of(c)
	if err != nil {
		t.Fatal(err)
	}
	base := "https://rollcall.example/sso/saml/" + model.ConnectionPrefix.ID(c.ID)
	if first.SP.EntityID != base+"/metadata" || first.SP.ACSURL != base+"/acs" || first.IDP.EntityID != c.IDPEntityID {
		t.Errorf("got %+v and %+v", first.SP, first.IDP)
	}
	again := *c
	if second, err := providers.Of(&again); err != nil || second != first {
		t.Errorf("the same row was parsed again: %v", err)
	}
	again.IDPEntityID = "https://other.example"
	if third, err := providers.Of(&again); err != nil || third == first || third.IDP.EntityID != again.IDPEntityID {
		t.Errorf("a changed row was not parsed again: %v", err)
	}
}
