package saml_test

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"rollcall/sso/saml"
)

// certificateText is a certificate as the base64 of its DER.
func certificateText(p pair) string { return base64.StdEncoding.EncodeToString(p.certificate.Raw) }

// keyDescriptor is one for signing, with a text where the certificate is.
func keyDescriptor(text string) string {
	return `<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>` +
		`<ds:X509Certificate>` + text + `</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`
}

// provider is metadata with what a test wants in the role, and attributes on it.
func provider(attributes, inside string) string {
	return `<md:EntityDescriptor entityID="https://idp.example" xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">` +
		`<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol" ` + attributes + `>` +
		inside + `</md:IDPSSODescriptor></md:EntityDescriptor>`
}

const signOn = `<md:SingleSignOnService Binding="` + redirect + `" Location="https://idp.example/sso"/>`

// underscored is the text of a certificate with an underscore in a PrintableString, which
// crypto/x509 refuses.
func underscored(t testing.TB) string {
	der := bytes.ReplaceAll(rsaPair(t).certificate.Raw, []byte("\x13\x03idp"), []byte("\x13\x03i_p"))
	if bytes.Equal(der, rsaPair(t).certificate.Raw) {
		t.Fatal("there is no PrintableString")
	}
	return base64.StdEncoding.EncodeToString(der)
}

// TestMetadataIsTakenAsFarAsItIsOfUse: a part that is of no use never spoils the rest.
func TestMetadataIsTakenAsFarAsItIsOfUse(t *testing.T) {
	t.Parallel()
	good, weak := keyDescriptor(certificateText(rsaPair(t))), certificateText(weakPair(t))
	curve, err := os.ReadFile("../certificate/testdata/brainpool.pem")
	if err != nil {
		t.Fatal(err)
	}
	const weakText = "an RSA key of 1024 bits"
	for name, c := range map[string]struct {
		document string
		left     []string // the parts that are left out, each with what it has
	}{
		"a weak key beside": {provider("", good+keyDescriptor(weak)+signOn), []string{"Signing certificate 2: " +
			weakText}},
		"a weak key before": {provider("", keyDescriptor(weak)+good+signOn), []string{"Signing certificate 1: " +
			weakText}},
		"an empty element": {provider("", good+keyDescriptor("")+signOn),
			[]string{"Signing certificate 2: nothing"}},
		"broken base64": {provider("", good+keyDescriptor("MII*")+signOn),
			[]string{"Signing certificate 2: text that is not base64"}},
		"half a certificate": {provider("", good+keyDescriptor("MIIC")+signOn),
			[]string{"Signing certificate 2: not the DER of a certificate"}},
		"another kind of key": {provider("", good+keyDescriptor(string(curve))+signOn),
			[]string{"Signing certificate 2: a key on the curve brainpoolP256r1"}},
		"an element in it": {provider("", good+keyDescriptor("<x/>")+signOn), []string{"Signing certificate 2: "}},
		"a key without certificate": {provider("", good+`<md:KeyDescriptor><ds:KeyInfo `+
			`xmlns:ds="http://www.w3.org/2000/09/xmldsig#">`+
			`<ds:KeyName>k</ds:KeyName></ds:KeyInfo></md:KeyDescriptor>`+signOn),
			[]string{"A key for signing: no certificate"}},
		"a key for encryption that is weak": {provider("", good+strings.Replace(keyDescriptor(weak), "signing",
			"encryption", 1)+
			signOn), nil},
		"an empty address before": {provider("",
			good+`<md:SingleSignOnService Binding="`+redirect+`" Location=""/>`+signOn),
			[]string{"SingleSignOnService 1: no Location"}},
		"a script at another binding": {provider("", good+signOn+`<md:SingleSignOnService Binding="`+post+
			`" Location="javascript:alert(1)"/>`), []string{"SingleSignOnService 2: javascript:alert(1)"}},
		"a second address that is none": {provider("", good+signOn+`<md:SingleSignOnService Binding="`+redirect+
			`" Location="ftp://idp.example"/>`), []string{"SingleSignOnService 2: ftp://idp.example"}},
		"an address that is not used": {provider("", good+signOn+
			`<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:SOAP" Location=":/\"/>`), nil},
		"logout without address": {provider("", good+signOn+`<md:SingleLogoutService Binding="`+redirect+`"/>`),
			[]string{"SingleLogoutService 1: no Location"}},
		"a date without zone":   {provider(`validUntil="2036-01-01T00:00:00"`, good+signOn), nil},
		"a date with fractions": {provider(`validUntil="2036-01-01T00:00:00.1234567+02:00"`, good+signOn), nil},
		"a date that is none": {provider(`validUntil="soon"`, good+signOn),
			[]string{"The validUntil of IDPSSODescriptor 1: soon"}},
		"a duration":                {provider(`cacheDuration="PT1H"`, good+signOn), nil},
		"a duration that is none":   {provider(`cacheDuration="P1W"`, good+signOn), nil},
		"a number of seconds":       {provider(`cacheDuration="3600"`, good+signOn), nil},
		"an error URL that is none": {provider(`errorURL=":"`, good+signOn), nil},
		"a role that is past": {strings.Replace(provider("", good+signOn), "<md:IDPSSODescriptor",
			`<md:IDPSSODescriptor validUntil="2020-01-01T00:00:00Z">`+keyDescriptor(certificateText(ecPairOf(t)))+
				`</md:IDPSSODescriptor><md:IDPSSODescriptor`, 1),
			[]string{"IDPSSODescriptor 1: 2020-01-01T00:00:00Z"}},
		"a role for SAML 1.1": {strings.Replace(provider("", good+signOn), "<md:IDPSSODescriptor",
			`<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:1.1:protocol">`+
				keyDescriptor(certificateText(ecPairOf(t)))+`</md:IDPSSODescriptor><md:IDPSSODescriptor`, 1), nil},
		"space around names": {strings.Replace(provider("", good+`<md:SingleSignOnService Binding=" `+redirect+
			` " Location="`+"\n"+`https://idp.example/sso "/>`), "https://idp.example", " https://idp.example\n", 1),
			nil},
		"CDATA": {provider("", keyDescriptor("<![CDATA["+certificateText(rsaPair(t))+"]]>")+signOn), nil},
		"a group that is past beside": {`<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">` +
			`<md:EntitiesDescriptor validUntil="2020-01-01T00:00:00Z">` +
			strings.Replace(provider("", good+signOn), "https://idp.example", "https://old.example", 1) +
			`</md:EntitiesDescriptor>` + provider("", good+signOn) + `</md:EntitiesDescriptor>`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := saml.ParseMetadata([]byte(c.document), "", now)
			if err != nil {
				t.Fatal(err)
			}
			if got.EntityID != "https://idp.example" || got.SSORedirectURL != "https://idp.example/sso" ||
				got.SSOPostURL != "" || len(got.Certificates) != 1 ||
				!got.Certificates[0].Equal(rsaPair(t).certificate) {
				t.Errorf("got %+v", got)
			}
			var left []string
			for _, l := range got.LeftOut {
				left = append(left, l.Part+": "+l.Refused.Received)
			}
			if fmt.Sprint(left) != fmt.Sprint(c.left) {
				t.Errorf("left out %q, want %q", left, c.left)
			}
		})
	}
}

func ecPairOf(t testing.TB) pair { return certify(t, ecKey(t), now, now.AddDate(1, 0, 0)) }

// TestMetadataOfWhichNothingIsLeft names what there is instead.
func TestMetadataOfWhichNothingIsLeft(t *testing.T) {
	t.Parallel()
	good, weak := keyDescriptor(certificateText(rsaPair(t))), keyDescriptor(certificateText(weakPair(t)))
	for name, c := range map[string]struct {
		document string
		want     saml.Reason
		received string
	}{
		"two keys": {provider("", weak+keyDescriptor("")+signOn), saml.WeakKey, "an RSA key of 1024 bits; nothing"},
		"an address": {provider("", good+`<md:SingleSignOnService Binding="`+redirect+`" Location=""/>`),
			saml.MetadataBadAddress, "no Location"},
		"a role": {provider(`validUntil="2020-01-01T00:00:00"`, good+signOn), saml.MetadataExpired,
			"2020-01-01T00:00:00"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := saml.ParseMetadata([]byte(c.document), "", now)
			wantReason(t, err, c.want)
			if r, ok := err.(*saml.Refused); ok && r.Received != c.received {
				t.Errorf("received %q, want %q", r.Received, c.received)
			}
		})
	}
}

// TestMetadataHasManyCertificates: of more than are tried, those that have expired are left out.
func TestMetadataHasManyCertificates(t *testing.T) {
	t.Parallel()
	var keys strings.Builder
	key := ecKey(t)
	for i := range 20 {
		until := now.AddDate(0, 0, i-6)
		keys.WriteString(keyDescriptor(certificateText(certify(t, key, now.AddDate(-1, 0, 0), until.Add(time.Hour)))))
	}
	got, err := saml.ParseMetadata([]byte(provider("", keys.String()+signOn)), "", now)
	if err != nil || len(got.Certificates) != 16 || len(got.LeftOut) != 4 {
		t.Fatalf("%d certificates, %d left out: %v", len(got.Certificates), len(got.LeftOut), err)
	}
	valid := 0
	for _, c := range got.Certificates {
		if c.NotAfter.After(now) {
			valid++
		}
	}
	if valid != 14 {
		t.Errorf("%d of 14 that are valid are taken", valid)
	}
}

// TestMetadataHasAsManyCertificatesAsAreTried: then all are taken, in the order of the document.
func TestMetadataHasAsManyCertificatesAsAreTried(t *testing.T) {
	t.Parallel()
	var keys strings.Builder
	key, want := ecKey(t), []*x509.Certificate{}
	for i := range 16 {
		c := certify(t, key, now.AddDate(-1, 0, 0), now.AddDate(0, 0, i-6).Add(time.Hour))
		keys.WriteString(keyDescriptor(certificateText(c)))
		want = append(want, c.certificate)
	}
	got, err := saml.ParseMetadata([]byte(provider("", keys.String()+signOn)), "", now)
	if err != nil || len(got.LeftOut) != 0 || !slices.EqualFunc(got.Certificates, want, (*x509.Certificate).Equal) {
		t.Errorf("%d certificates, %d left out: %v", len(got.Certificates), len(got.LeftOut), err)
	}
}

// TestMetadataInAnyEncoding: what is pasted is text already, and a file says what it is in.
func TestMetadataInAnyEncoding(t *testing.T) {
	t.Parallel()
	document := provider("", keyDescriptor(certificateText(rsaPair(t)))+signOn+
		`<md:Extensions>Küche</md:Extensions>`)
	declared := func(name string) string { return `<?xml version="1.0" encoding="` + name + `"?>` + "\n" + document }
	wide := func(text string, big bool) []byte {
		var b []byte
		for _, u := range utf16.Encode([]rune(text)) {
			if big {
				b = append(b, byte(u>>8), byte(u))
			} else {
				b = append(b, byte(u), byte(u>>8))
			}
		}
		return b
	}
	narrow := func(text string) []byte { return []byte(strings.ReplaceAll(text, "ü", "\xfc")) }
	for _, name := range []string{"us-ascii", "ISO-8859-1", "utf-16", "UTF-16LE", "windows-1252", "UTF-8",
		"x-unknown"} {
		if _, err := saml.ParseMetadataText(declared(name), "", now); err != nil {
			t.Errorf("pasted, with %s: %v", name, err)
		}
	}
	for name, file := range map[string][]byte{
		"UTF-8":                        []byte(declared("UTF-8")),
		"UTF-8 with a mark":            []byte("\ufeff" + declared("utf-8")),
		"UTF-8 with a mark, called 16": []byte("\ufeff" + declared("utf-16")),
		"UTF-8, called 16":             []byte(declared("utf-16")),
		"UTF-16LE with a mark":         wide("\ufeff"+declared("utf-16")+"\r\n", false),
		"UTF-16BE with a mark":         wide("\ufeff"+declared("utf-16")+"\n", true),
		"UTF-16LE":                     wide(declared("UTF-16"), false),
		"UTF-16BE":                     wide(declared("UTF-16"), true),
		"UTF-16 without declaration":   wide("\ufeff"+document, false),
		"Latin-1":                      narrow(declared("ISO-8859-1")),
		"Latin-1, with single quotes": narrow(strings.ReplaceAll(declared("iso-8859-1"), `"iso-8859-1"`,
			`'iso-8859-1'`)),
		"Latin-1 by another name":        narrow(declared("latin1")),
		"Windows 1252":                   narrow(declared("Windows-1252")),
		"ASCII":                          []byte(strings.ReplaceAll(declared("us-ascii"), "ü", "ue")),
		"an unknown encoding, but ASCII": []byte(strings.ReplaceAll(declared("x-unknown"), "ü", "ue")),
	} {
		got, err := saml.ParseMetadata(file, "", now)
		if err != nil || len(got.Certificates) != 1 {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for _, cut := range []string{"<?xml", "<?xml ", "<?xml version", "<?"} {
		if _, err := saml.ParseMetadataText(cut, "", now); reasonOf(err) != saml.NotXML {
			t.Errorf("%s: %v", cut, err)
		}
	}
	for name, file := range map[string][]byte{
		"bytes that are not UTF-8":  narrow(declared("UTF-8")),
		"no declaration, not UTF-8": narrow(document),
		"an unknown encoding":       narrow(declared("x-unknown")),
	} {
		_, err := saml.ParseMetadata(file, "", now)
		if reasonOf(err) != saml.NotUTF8 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCertificatesInTheFormsThatPeoplePaste has what copying makes of a certificate.
func TestCertificatesInTheFormsThatPeoplePaste(t *testing.T) {
	t.Parallel()
	want := rsaPair(t).certificate
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: want.Raw}))
	other := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ecPairOf(t).certificate.Raw}))
	plain := base64.StdEncoding.EncodeToString(want.Raw)
	key := "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"
	for name, pasted := range map[string]string{
		"PEM":                       text,
		"base64":                    plain,
		"base64 without padding":    strings.TrimRight(plain, "="),
		"base64 for URLs":           strings.NewReplacer("+", "-", "/", "_").Replace(plain),
		"a chain":                   text + other,
		"text before":               "Bag Attributes\n  friendlyName: idp\nsubject=CN = idp\n" + text,
		"a key before":              key + text,
		"base64 of PEM":             base64.StdEncoding.EncodeToString([]byte(text)),
		"base64 of a chain":         base64.StdEncoding.EncodeToString([]byte(text + other)),
		"PEM out of JSON":           strings.ReplaceAll(text, "\n", `\n`),
		"base64 out of JSON":        `"` + plain[:64] + `\r\n` + plain[64:] + `"`,
		"PEM in one line":           strings.ReplaceAll(text, "\n", " "),
		"PEM without any space":     strings.ReplaceAll(text, "\n", ""),
		"character references":      strings.ReplaceAll(text, "\n", "&#13;\n"),
		"a trusted one":             strings.ReplaceAll(text, "CERTIFICATE", "TRUSTED CERTIFICATE"),
		"invisible characters":      "\ufeff\u200b" + text + "\u00a0",
		"only the lines around it":  "-----BEGIN CERTIFICATE-----" + plain + "-----END CERTIFICATE-----",
		"the last line is missing":  strings.Split(text, "-----END")[0],
		"line ends of Windows":      strings.ReplaceAll(text, "\n", "\r\n"),
		"a chain without its space": strings.ReplaceAll(text+other, "\n", ""),
	} {
		got, err := saml.ParseCertificate(pasted)
		if err != nil || !got.Equal(want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range map[string]struct {
		pasted, received string
	}{
		"nothing":      {" \n", "nothing"},
		"only a key":   {key, "a PRIVATE KEY"},
		"PKCS #7":      {strings.ReplaceAll(text, "CERTIFICATE", "PKCS7"), "a PKCS7"},
		"metadata":     {"<md:EntityDescriptor/>", "XML"},
		"half of it":   {text[:len(text)/2-3], "PEM that is cut off or damaged"},
		"text":         {"our certificate!", "text that is not base64"},
		"some base64":  {"c2VjcmV0", "not the DER of a certificate"},
		"a public key": {strings.ReplaceAll(text, "CERTIFICATE", "PUBLIC KEY"), "a PUBLIC KEY"},
	} {
		_, err := saml.ParseCertificate(c.pasted)
		wantReason(t, err, saml.BadCertificate)
		if r, ok := err.(*saml.Refused); ok && (r.Received != c.received || strings.Contains(r.Error(), "secret")) {
			t.Errorf("%s: received %q, want %q", name, r.Received, c.received)
		}
	}
	if c, err := saml.ParseCertificate(underscored(t)); err != nil || c.Subject.CommonName != "i_p" {
		t.Errorf("an underscore in a PrintableString: %v", err)
	}
}
