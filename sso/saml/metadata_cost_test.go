package saml_test

import (
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"rollcall/sso/saml"
)

// TestHostileMetadataCostsLittle reads documents within the limit of size that a naive reader would
// spend seconds or much memory on.
func TestHostileMetadataCostsLittle(t *testing.T) {
	const head = `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" ` +
		`xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="https://idp.example">`
	certificate := base64.StdEncoding.EncodeToString(rsaPair(t).certificate.Raw)
	key := `<md:KeyDescriptor ` +
		`use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>%s</ds:X509Certificate></ds:X509Data>` +
		`</ds:KeyInfo></md:KeyDescriptor>`
	descriptor := func(inside string) string {
		return head + `<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">` +
			inside +
			`<md:SingleSignOnService Binding="` + redirect +
			`" Location="https://idp.example/sso"/></md:IDPSSODescriptor></md:EntityDescriptor>`
	}
	const group = `<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">`
	for name, c := range map[string]struct {
		document string
		want     saml.Reason
	}{
		"as it should be":  {descriptor(fmt.Sprintf(key, certificate)), ""},
		"60,000 deep":      {strings.Repeat("<a>", 60_000), saml.TooDeep},
		"groups in groups": {strings.Repeat(group, 40), saml.TooDeep},
		"50,000 elements":  {descriptor(strings.Repeat("<a/>", 50_000)), saml.TooManyElements},
		"5,000 attributes": {strings.Replace(head, " entityID", namespaces(5000)+" entityID", 1),
			saml.TooManyAttributes},
		"one certificate 900 times": {descriptor(strings.Repeat(fmt.Sprintf(key, certificate), 900)), ""},
		"900 that are none":         {descriptor(strings.Repeat(fmt.Sprintf(key, "MIIB"), 900)), saml.BadCertificate},
		"a certificate of 900 KiB": {descriptor(fmt.Sprintf(key, strings.Repeat("MIIB", 900<<8))),
			saml.BadCertificate},
		"many providers": {group + strings.Repeat(descriptor(fmt.Sprintf(key, "")), 500) +
			`</md:EntitiesDescriptor>`, saml.MetadataOfSeveral},
		"an entity that grows": {`<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>` +
			head + "&b;", saml.Doctype},
		"a name without end": {head + "<" + strings.Repeat("a", 900<<10) + "/>" + `</md:EntityDescriptor>`,
			saml.MetadataWithoutSSO},
		"more than is read": {descriptor(strings.Repeat(" ", 1<<20)), saml.TooLarge},
		"an attribute without end": {
			strings.Replace(head, "entityID=\"", "entityID=\""+strings.Repeat("x", 900<<10), 1) +
				`</md:EntityDescriptor>`, saml.MetadataWithoutSSO},
		"namespaces at every level": {head + strings.Repeat("<a"+namespaces(30)+">", 30), saml.NotXML},
		"comments without end": {head + strings.Repeat("<!-- -->", 100_000) + `</md:EntityDescriptor>`,
			saml.MetadataWithoutSSO},
		"character references a lot": {head + strings.Repeat("&#x41;", 150_000) + `</md:EntityDescriptor>`,
			saml.MetadataWithoutSSO},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := time.Now()
			_, err := saml.ParseMetadata([]byte(c.document), "", now)
			took := time.Since(began)
			runtime.ReadMemStats(&after)
			if got := reasonOf(err); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if spent := after.TotalAlloc - before.TotalAlloc; took > 3*time.Second || spent > 100<<20 {
				t.Errorf("%d bytes took %s and %d bytes of memory", len(c.document), took, spent)
			}
			t.Logf("%d bytes, %s, %d KiB", len(c.document), took, (after.TotalAlloc-before.TotalAlloc)>>10)
		})
	}
}

func namespaces(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ` xmlns:n%d="urn:%d"`, i, i)
	}
	return b.String()
}
