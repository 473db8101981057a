package saml_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"rollcall/sso/saml"
)

const (
	redirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
	post     = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
)

// vendors has metadata as vendors write them. CERT and NEXT are replaced by certificates.
var vendors = map[string]struct {
	xml  string
	want saml.IDP // without certificates
	keys int
}{
	"Okta": {`<?xml version="1.0" encoding="UTF-8"?><md:EntityDescriptor entityID="http://www.okta.com/exk1" ` +
		`xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"><md:IDPSSODescriptor WantAuthnRequestsSigned="false" ` +
		`protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor ` +
		`use="signing"><ds:KeyInfo ` +
		`xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>CERT</ds:X509Certificate>` +
		`</ds:X509Data></ds:KeyInfo></md:KeyDescriptor>` +
		`<md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified</md:NameIDFormat>` +
		`<md:SingleSignOnService Binding="` + post +
		`" Location="https://dev-1.okta.example/app/exk1/sso/saml"/><md:SingleSignOnService Binding="` + redirect +
		`" Location="https://dev-1.okta.example/app/exk1/sso/saml"/></md:IDPSSODescriptor></md:EntityDescriptor>`,
		saml.IDP{EntityID: "http://www.okta.com/exk1", SSORedirectURL: "https://dev-1.okta.example/app/exk1/sso/saml",
			SSOPostURL: "https://dev-1.okta.example/app/exk1/sso/saml"}, 1},
	// Entra signs its metadata, begins with a byte order mark and has roles of WS-Federation.
	"Entra": {"\ufeff" +
		`<?xml version="1.0" encoding="utf-8"?><EntityDescriptor ID="_1" ` +
		`entityID="https://sts.windows.net/72f988bf/" xmlns="urn:oasis:names:tc:SAML:2.0:metadata"><Signature ` +
		`xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo><Reference ` +
		`URI="#_1"/></SignedInfo></Signature><RoleDescriptor xsi:type="fed:SecurityTokenServiceType" ` +
		`protocolSupportEnumeration="http://docs.oasis-open.org/wsfed/federation/200706" ` +
		`xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ` +
		`xmlns:fed="http://docs.oasis-open.org/wsfed/federation/200706"><KeyDescriptor use="signing"><KeyInfo ` +
		`xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>CERT</X509Certificate></X509Data>` +
		`</KeyInfo></KeyDescriptor><fed:ClaimTypesOffered><auth:ClaimType ` +
		`Uri="http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name" ` +
		`xmlns:auth="http://docs.oasis-open.org/wsfed/authorization/200706"><auth:DisplayName>Name</auth:DisplayName>` +
		`</auth:ClaimType></fed:ClaimTypesOffered></RoleDescriptor><IDPSSODescriptor ` +
		`protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing"><KeyInfo ` +
		`xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>CERT</X509Certificate></X509Data>` +
		`</KeyInfo></KeyDescriptor><KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#">` +
		`<X509Data><X509Certificate>NEXT</X509Certificate></X509Data></KeyInfo></KeyDescriptor><SingleLogoutService ` +
		`Binding="` + redirect +
		`" Location="https://login.microsoftonline.example/72f988bf/saml2"/><SingleSignOnService Binding="` + redirect +
		`" Location="https://login.microsoftonline.example/72f988bf/saml2"/><SingleSignOnService Binding="` + post +
		`" Location="https://login.microsoftonline.example/72f988bf/saml2"/></IDPSSODescriptor></EntityDescriptor>`,
		saml.IDP{EntityID: "https://sts.windows.net/72f988bf/",
			SSORedirectURL: "https://login.microsoftonline.example/72f988bf/saml2",
			SSOPostURL:     "https://login.microsoftonline.example/72f988bf/saml2", SLO: saml.LogoutService{
				RedirectURL:         "https://login.microsoftonline.example/72f988bf/saml2",
				RedirectResponseURL: "https://login.microsoftonline.example/72f988bf/saml2"}}, 2},
	"Google": {`<?xml version="1.0" encoding="UTF-8" standalone="no"?><md:EntityDescriptor ` +
		`xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://accounts.google.com/o/saml2?idpid=C01" ` +
		`validUntil="2031-01-02T03:04:05.000Z"><md:IDPSSODescriptor WantAuthnRequestsSigned="false" ` +
		`protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor ` +
		`use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>` +
		"\nCERT\n" +
		`</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>` +
		`<md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</md:NameIDFormat>` +
		`<md:SingleSignOnService Binding="` + redirect +
		`" Location="https://accounts.google.example/o/saml2/idp?idpid=C01"/><md:SingleSignOnService Binding="` + post +
		`" Location="https://accounts.google.example/o/saml2/idp?idpid=C01"/></md:IDPSSODescriptor>` +
		`</md:EntityDescriptor>`,
		saml.IDP{EntityID: "https://accounts.google.com/o/saml2?idpid=C01",
			SSORedirectURL: "https://accounts.google.example/o/saml2/idp?idpid=C01",
			SSOPostURL:     "https://accounts.google.example/o/saml2/idp?idpid=C01"}, 1},
	// AD FS describes itself as a service provider too, and has a key for encryption.
	"AD FS": {`<EntityDescriptor ID="_2" entityID="http://adfs.contoso.example/adfs/services/trust" ` +
		`xmlns="urn:oasis:names:tc:SAML:2.0:metadata"><SPSSODescriptor WantAssertionsSigned="true" ` +
		`protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><AssertionConsumerService Binding="` + post +
		`" Location="https://adfs.contoso.example/adfs/ls/" index="0" ` +
		`isDefault="true"/></SPSSODescriptor><IDPSSODescriptor WantAuthnRequestsSigned="true" ` +
		`protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="encryption"><KeyInfo ` +
		`xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>NEXT</X509Certificate></X509Data>` +
		`</KeyInfo></KeyDescriptor><KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#">` +
		`<X509Data><X509Certificate>CERT</X509Certificate></X509Data></KeyInfo></KeyDescriptor><SingleLogoutService ` +
		`Binding="` + redirect +
		`" Location="https://adfs.contoso.example/adfs/ls/" ` +
		`ResponseLocation="https://adfs.contoso.example/adfs/ls/?answer"/><SingleLogoutService Binding="` + post +
		`" Location="https://adfs.contoso.example/adfs/ls/"/><SingleSignOnService Binding="` + redirect +
		`" Location="https://adfs.contoso.example/adfs/ls/"/><SingleSignOnService Binding="` + post +
		`" Location="https://adfs.contoso.example/adfs/ls/"/><Attribute ` +
		`Name="http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress" ` +
		`NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri" FriendlyName="E-Mail Address" ` +
		`xmlns="urn:oasis:names:tc:SAML:2.0:assertion"/></IDPSSODescriptor></EntityDescriptor>`,
		saml.IDP{EntityID: "http://adfs.contoso.example/adfs/services/trust",
			SSORedirectURL: "https://adfs.contoso.example/adfs/ls/",
			SSOPostURL:     "https://adfs.contoso.example/adfs/ls/", WantRequestsSigned: true, SLO: saml.LogoutService{
				RedirectURL:         "https://adfs.contoso.example/adfs/ls/",
				RedirectResponseURL: "https://adfs.contoso.example/adfs/ls/?answer",
				PostURL:             "https://adfs.contoso.example/adfs/ls/",
				PostResponseURL:     "https://adfs.contoso.example/adfs/ls/"}}, 1},
	// Old versions of Keycloak declare no use of the key, and wrap one entity in an aggregate.
	"Keycloak": {`<!-- realm --><md:EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" ` +
		`xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ` +
		`xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Name="urn:keycloak"><md:EntityDescriptor ` +
		`entityID="https://sso.contoso.example/realms/staff"><md:IDPSSODescriptor WantAuthnRequestsSigned="true" ` +
		`protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor><ds:KeyInfo>` +
		`<ds:KeyName>k1</ds:KeyName><ds:X509Data><ds:X509Certificate>CERT</ds:X509Certificate></ds:X509Data>` +
		`</ds:KeyInfo></md:KeyDescriptor><md:ArtifactResolutionService ` +
		`Binding="urn:oasis:names:tc:SAML:2.0:bindings:SOAP" ` +
		`Location="https://sso.contoso.example/realms/staff/protocol/saml/resolve" index="0"/>` +
		`<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:SOAP" ` +
		`Location="https://sso.contoso.example/soap"/><md:SingleSignOnService Binding="` + post +
		`" Location="https://sso.contoso.example/realms/staff/protocol/saml"/></md:IDPSSODescriptor>` +
		`</md:EntityDescriptor></md:EntitiesDescriptor>`,
		saml.IDP{EntityID: "https://sso.contoso.example/realms/staff",
			SSOPostURL: "https://sso.contoso.example/realms/staff/protocol/saml", WantRequestsSigned: true}, 1},
}

// filled puts certificates into metadata.
func filled(t testing.TB, xml string) []byte {
	t.Helper()
	cert := base64.StdEncoding.EncodeToString(rsaPair(t).certificate.Raw)
	next := base64.StdEncoding.EncodeToString(certify(t, ecKey(t), now, now).certificate.Raw)
	// Some vendors break the lines of base64.
	return []byte(strings.NewReplacer("CERT", cert[:64]+"\n  "+cert[64:], "NEXT", next).Replace(xml))
}

func TestParseMetadataOfVendors(t *testing.T) {
	t.Parallel()
	for name, v := range vendors {
		t.Run(name, func(t *testing.T) {
			got, err := saml.ParseMetadata(filled(t, v.xml), "", now)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Certificates) != v.keys || !got.Certificates[0].Equal(rsaPair(t).certificate) {
				t.Errorf("got %d certificates, want %d", len(got.Certificates), v.keys)
			}
			got.Certificates = nil
			if fmt.Sprint(got) != fmt.Sprint(v.want) {
				t.Errorf("got %+v\nwant %+v", got, v.want)
			}
		})
	}
}

func TestParseMetadataChoosesFromAnAggregate(t *testing.T) {
	t.Parallel()
	entity := func(name string) string {
		return strings.ReplaceAll(strings.ReplaceAll(vendors["Okta"].xml, "exk1", name),
			`<?xml version="1.0" encoding="UTF-8"?>`, "")
	}
	group := func(inside string) string {
		return `<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">` + inside +
			`</md:EntitiesDescriptor>`
	}
	document := filled(t, group(entity("one")+group(entity("two"))))
	got, err := saml.ParseMetadata(document, "http://www.okta.com/two", now)
	if err != nil || got.EntityID != "http://www.okta.com/two" {
		t.Errorf("got %+v, %v", got, err)
	}
	_, err = saml.ParseMetadata(document, "", now)
	wantReason(t, err, saml.MetadataOfSeveral)
	_, err = saml.ParseMetadata(document, "http://www.okta.com/three", now)
	wantReason(t, err, saml.MetadataWithoutChosen)
	// Where there is nothing to choose from, the choice is not what is wrong.
	for attributes, want := range map[string]saml.Reason{
		"": saml.MetadataWithoutSSO, `validUntil="2026-01-01T00:00:00Z"`: saml.MetadataExpired,
	} {
		empty := `<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" ` + attributes + `/>`
		_, err = saml.ParseMetadata([]byte(empty), "http://www.okta.com/three", now)
		wantReason(t, err, want)
	}
}

func TestParseMetadataRefuses(t *testing.T) {
	t.Parallel()
	okta := string(filled(t, vendors["Okta"].xml))
	without := func(old, replacement string) string {
		if !strings.Contains(okta, old) {
			t.Fatalf("there is no %s", old)
		}
		return strings.ReplaceAll(okta, old, replacement)
	}
	weak := base64.StdEncoding.EncodeToString(weakPair(t).certificate.Raw)
	own, err := withKey(t).Metadata()
	if err != nil {
		t.Fatal(err)
	}
	begin := strings.Index(okta, "<ds:X509Certificate>") + len("<ds:X509Certificate>")
	end := strings.Index(okta, "</ds:X509Certificate>")
	tests := map[string]struct {
		document string
		want     saml.Reason
	}{
		"nothing":                 {" ", saml.NotMetadata},
		"a web page":              {"<!DOCTYPE html><html></html>", saml.MetadataIsHTML},
		"a web page without type": {" <HTML lang=en>", saml.MetadataIsHTML},
		"a certificate":           {"-----BEGIN CERTIFICATE-----", saml.MetadataIsCertificate},
		"a bare certificate":      {"MIIC", saml.MetadataIsCertificate},
		"an address":              {"https://idp.example/metadata", saml.MetadataIsURL},
		"a response": {`<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"/>`,
			saml.NotMetadata},
		"our own metadata": {string(own), saml.MetadataOfSP},
		"text":             {"hello", saml.NotXML},
		"a document type":  {`<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>` + okta[38:], saml.Doctype},
		"too much":         {okta + strings.Repeat("\n", 1<<20), ""},
		"far too much":     {"<a>" + strings.Repeat("x", 1<<20) + "</a>", saml.TooLarge},
		"past its time": {without(`entityID=`, `validUntil="2026-03-14T09:26:53Z" entityID=`),
			saml.MetadataExpired},
		"an aggregate past it": {
			`<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" validUntil="2026-01-01T00:00:00Z"/>`,
			saml.MetadataExpired},
		"an empty aggregate": {`<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata"/>`,
			saml.MetadataWithoutSSO},
		"no entity ID":           {without(`entityID="http://www.okta.com/exk1"`, ``), saml.MetadataWithoutID},
		"no address":             {without("md:SingleSignOnService", "md:Nothing"), saml.MetadataWithoutSSO},
		"no address that we use": {without("bindings:HTTP-", "bindings:SOAP-"), saml.MetadataWithoutSSO},
		"an address of a script": {
			without(`Location="https://dev-1.okta.example/app/exk1/sso/saml"`, `Location="javascript:alert(1)"`),
			saml.MetadataBadAddress},
		"an address without host": {without(`https://dev-1.okta.example`, `https:`), saml.MetadataBadAddress},
		"an address with a user":  {without(`https://dev-1`, `https://a:b@dev-1`), saml.MetadataBadAddress},
		"no certificate":          {okta[:begin] + okta[end:], saml.BadCertificate},
		"no key":                  {without("md:KeyDescriptor", "md:Nothing"), saml.MetadataWithoutKey},
		"only another use":        {without(`use="signing"`, `use="encryption"`), saml.MetadataWithoutKey},
		// To the parser, the comment goes on, and the elements behind it are no instruction.
		"elements that half a comment hides": {
			strings.Replace(okta, "<md:IDPSSODescriptor", "<!--><?x -->"+strings.Repeat("<a>", 40)+
				strings.Repeat("</a>", 40)+"?><md:IDPSSODescriptor", 1), saml.TooDeep},
		"a weak key": {okta[:begin] + weak + okta[end:], saml.WeakKey},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := saml.ParseMetadata([]byte(test.document), "", now)
			wantReason(t, err, test.want)
		})
	}
}

func TestMetadataOfTheServiceProvider(t *testing.T) {
	t.Parallel()
	own := withKey(t)
	other := withKey(t)
	standby := &saml.KeyPair{Key: other.Key, Certificate: other.Certificate}
	gcm := []string{"aes256-gcm", "aes128-gcm", "rsa-oaep-mgf1p"}
	for name, test := range map[string]struct {
		change  func(*saml.SP)
		signed  string
		keys    []string // use and number of the key
		methods []string
	}{
		"of a connection as it begins": {func(*saml.SP) {}, "true", []string{"signing 0"}, nil},
		"without signed requests": {func(sp *saml.SP) { sp.UnsignedRequests = true }, "false",
			[]string{"signing 0"}, nil},
		"with GCM": {func(sp *saml.SP) { sp.Encryption = saml.EncryptionGCM }, "true",
			[]string{"signing 0", "encryption 0"}, gcm},
		"with CBC": {func(sp *saml.SP) { sp.Encryption = saml.EncryptionCBC }, "true",
			[]string{"signing 0", "encryption 0"},
			[]string{"aes256-gcm", "aes128-gcm", "aes256-cbc", "aes128-cbc", "rsa-oaep-mgf1p"}},
		"with two keys": {func(sp *saml.SP) { sp.Standby = standby }, "true", []string{"signing 0", "signing 1"}, nil},
		"with two keys and GCM": {func(sp *saml.SP) { sp.Standby, sp.Encryption = standby, saml.EncryptionGCM }, "true",
			[]string{"signing 0", "signing 1", "encryption 0", "encryption 1"}, slices.Concat(gcm, gcm)},
	} {
		t.Run(name, func(t *testing.T) {
			sp := own
			test.change(&sp)
			document, err := sp.Metadata()
			if err != nil {
				t.Fatal(err)
			}
			d := etree.NewDocument()
			if err := d.ReadFromBytes(document); err != nil {
				t.Fatal(err)
			}
			descriptor := find(t, d,
				"/EntityDescriptor[@entityID='"+spID+"']/SPSSODescriptor[@AuthnRequestsSigned='"+test.signed+
					"'][@WantAssertionsSigned='true']")
			var keys, methods []string
			for _, key := range descriptor.SelectElements("KeyDescriptor") {
				c, err := saml.ParseCertificate(key.FindElement(".//X509Certificate").Text())
				if err != nil {
					t.Fatal(err)
				}
				number := slices.IndexFunc([]*x509.Certificate{own.Certificate, other.Certificate}, c.Equal)
				keys = append(keys, fmt.Sprint(key.SelectAttrValue("use", ""), " ", number))
				for _, m := range key.SelectElements("EncryptionMethod") {
					_, method, _ := strings.Cut(m.SelectAttrValue("Algorithm", ""), "#")
					methods = append(methods, method)
				}
			}
			if !slices.Equal(keys, test.keys) || !slices.Equal(methods, test.methods) {
				t.Errorf("got the keys %q with %q, want %q with %q", keys, methods, test.keys, test.methods)
			}
			services := descriptor.SelectElements("AssertionConsumerService")
			if len(services) != 1 || services[0].SelectAttrValue("Binding", "") != post ||
				services[0].SelectAttrValue("Location", "") != acsURL {
				t.Errorf("got %d consumer services", len(services))
			}
			if n := len(descriptor.SelectElements("NameIDFormat")); n < 2 {
				t.Errorf("got %d NameID formats", n)
			}
		})
	}
	if _, err := sp.Metadata(); err == nil {
		t.Error("there is metadata without a key")
	}
}

func TestParseCertificate(t *testing.T) {
	t.Parallel()
	der := rsaPair(t).certificate.Raw
	bare := base64.StdEncoding.EncodeToString(der)
	good := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	tests := map[string]struct {
		text string
		want saml.Reason
	}{
		"PEM":                   {good, ""},
		"PEM with text before":  {"subject=CN = idp\n" + good, ""},
		"PEM on one line":       {strings.ReplaceAll(good, "\n", " "), ""},
		"PEM with line ends":    {strings.ReplaceAll(good, "\n", "\r\n"), ""},
		"bare base64":           {bare, ""},
		"base64 in lines":       {bare[:64] + "\n" + bare[64:] + "\n", ""},
		"a private key":         {key, saml.BadCertificate},
		"base64 of something":   {"aGVsbG8=", saml.BadCertificate},
		"nothing":               {"", saml.BadCertificate},
		"half of a certificate": {bare[:len(bare)/2/4*4], saml.BadCertificate},
		"what is no base64":     {"certificate", saml.BadCertificate},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := saml.ParseCertificate(test.text)
			wantReason(t, err, test.want)
			if err == nil && !c.Equal(rsaPair(t).certificate) {
				t.Error("it is another certificate")
			}
		})
	}
}

func TestNewKey(t *testing.T) {
	t.Parallel()
	key, c, err := saml.NewKey("con_1", now)
	if err != nil {
		t.Fatal(err)
	}
	if !key.PublicKey.Equal(c.PublicKey) || key.N.BitLen() != 2048 {
		t.Error("the certificate is not of the key")
	}
	// A day before, for an identity provider whose clock is behind.
	if c.NotBefore.After(now.AddDate(0, 0, -1)) || c.NotAfter.Before(now.AddDate(10, 0, 0)) ||
		c.Subject.CommonName != "con_1" {
		t.Errorf("got %s from %s to %s", c.Subject, c.NotBefore, c.NotAfter)
	}
	if err := c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature); err != nil {
		t.Error(err)
	}
}
