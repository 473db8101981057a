package saml_test

import (
	"crypto/x509"
	"encoding/base64"
	"reflect"
	"slices"
	"strings"
	"testing"

	"rollcall/sso/saml"
)

// FuzzVerify edits a signed response at two places: if it is still accepted, its content must be
// the same. The input is the edits, because each process signs with a key of its own.
func FuzzVerify(f *testing.F) {
	provider := idp(f)
	want, err := sp.Verify(provider, signed(f, nil), expect)
	if err != nil {
		f.Fatal(err)
	}
	both := response(f)
	signing{pair: rsaPair(f)}.sign(f, find(f, both, "//Assertion"))
	signing{pair: rsaPair(f)}.sign(f, both.Root())
	var documents [][]byte
	for _, value := range []string{signed(f, nil), form(f, both), form(f, response(f))} {
		doc, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			f.Fatal(err)
		}
		documents = append(documents, doc)
	}
	f.Add(uint8(0), uint16(0), uint16(0), `<?xml version="1.0"?>`, uint16(0), uint16(0), "")
	f.Add(uint8(0), uint16(300), uint16(0), `<a xmlns="urn:x" b='&#x10FFFF;'>`, uint16(400), uint16(0), "</a>")
	f.Add(uint8(1), uint16(900), uint16(4), "<!-- -->", uint16(1), uint16(65535), "")
	f.Add(uint8(2), uint16(200), uint16(9), "\r\n", uint16(500), uint16(3), "&amp;")
	f.Fuzz(func(t *testing.T, which uint8, at, drop uint16, insert string, at2, drop2 uint16, insert2 string) {
		doc := edited(documents[int(which)%len(documents)], at, drop, insert)
		doc = edited(doc, at2, drop2, insert2)
		got, err := sp.Verify(provider, base64.StdEncoding.EncodeToString(doc), expect)
		if err != nil {
			if reasonOf(err) == saml.ParserFailed {
				t.Error(err)
			}
			return
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("accepted %+v", got)
		}
	})
}

func edited(doc []byte, at, drop uint16, insert string) []byte {
	from := min(int(at), len(doc))
	to := min(from+int(drop), len(doc))
	return slices.Concat(doc[:from], []byte(insert), doc[to:])
}

// FuzzParseMetadata reads any document: if it is accepted, the identity provider must be usable.
func FuzzParseMetadata(f *testing.F) {
	for _, v := range vendors {
		f.Add(filled(f, v.xml), "")
	}
	f.Add([]byte(`<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata"/>`), "x")
	f.Fuzz(func(t *testing.T, document []byte, entityID string) {
		got, err := saml.ParseMetadata(document, entityID, now)
		if err != nil {
			if _, ok := err.(*saml.Refused); !ok {
				t.Errorf("%v is not a refusal", err)
			}
			return
		}
		if got.EntityID == "" || len(got.Certificates) == 0 || got.SSORedirectURL == "" && got.SSOPostURL == "" {
			t.Errorf("got %+v", got)
		}
	})
}

// FuzzReadRedirect edits a signed query: if it is still accepted, its content must be the same.
func FuzzReadRedirect(f *testing.F) {
	key, certificate, err := saml.NewKey("idp", now)
	if err != nil {
		f.Fatal(err)
	}
	location, err := saml.SP{Key: key, Certificate: certificate}.RedirectURL("https://sp.example",
		saml.RequestParameter, []byte(`<a xmlns="urn:a" ID="_1"/>`), "state")
	if err != nil {
		f.Fatal(err)
	}
	provider := saml.IDP{Certificates: []*x509.Certificate{certificate}}
	_, query, _ := strings.Cut(location, "?")
	want, err := provider.ReadRedirect(query)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint16(0), uint16(0), "x=1&", uint16(20), uint16(0), "")
	f.Add(uint16(12), uint16(4), "%41", uint16(65535), uint16(0), "&RelayState=evil")
	f.Fuzz(func(t *testing.T, at, drop uint16, insert string, at2, drop2 uint16, insert2 string) {
		got, err := provider.ReadRedirect(string(edited(edited([]byte(query), at, drop, insert), at2, drop2, insert2)))
		if err != nil {
			if _, ok := err.(*saml.Refused); !ok {
				t.Errorf("%v is not a refusal", err)
			}
			return
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("accepted %+v", got)
		}
	})
}
