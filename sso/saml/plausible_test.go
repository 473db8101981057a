package saml_test

import (
	"crypto/rsa"
	"encoding/base64"
	"testing"

	"github.com/beevik/etree"

	"rollcall/sso/saml"
)

// The document of a refused response is kept for the customer's IT, and a public address receives
// anything. What has neither the identity provider's name nor its signature is not kept; an
// encrypted assertion is never decrypted for it.
func TestPlausible(t *testing.T) {
	t.Parallel()
	own := withKey(t)
	own.Encryption = saml.EncryptionGCM
	other := func(path string) func(*etree.Document) {
		return func(d *etree.Document) { d.FindElement(path).SetText("https://other.example") }
	}
	nobody := func(d *etree.Document) {
		other("/Response/Issuer")(d)
		other("//Assertion/Issuer")(d)
	}
	unsigned := func(change func(*etree.Document)) string {
		d := response(t)
		change(d)
		return form(t, d)
	}
	encrypted := func(change func(*etree.Document)) string {
		d := response(t)
		change(d)
		signing{pair: rsaPair(t)}.sign(t, find(t, d, "//Assertion"))
		usual.encrypt(t, d, own.Key.Public().(*rsa.PublicKey))
		return form(t, d)
	}
	for name, c := range map[string]struct {
		response string
		want     bool
	}{
		"signed, of the provider":      {signed(t, nil), true},
		"unsigned, of the provider":    {unsigned(func(*etree.Document) {}), true},
		"named by the response alone":  {unsigned(other("//Assertion/Issuer")), true},
		"named by the assertion alone": {unsigned(other("/Response/Issuer")), true},
		"encrypted, named":             {encrypted(func(*etree.Document) {}), true},
		"encrypted, named by nobody":   {encrypted(nobody), false},
		"named by nobody":              {unsigned(nobody), false},
		"named by nobody, but signed":  {signed(t, nobody), true},
		"named in another namespace": {unsigned(func(d *etree.Document) {
			nobody(d)
			d.Root().CreateElement("samlp:Issuer").SetText(idpID)
		}), false},
		"no base64":       {"!", false},
		"no XML":          {base64.StdEncoding.EncodeToString([]byte(idpID)), false},
		"another message": {base64.StdEncoding.EncodeToString([]byte("<Issuer>" + idpID + "</Issuer>")), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			document, ok := own.Plausible(idp(t), c.response)
			sent, _ := base64.StdEncoding.DecodeString(c.response)
			if ok != c.want || ok && string(document) != string(sent) {
				t.Errorf("%t: %s", ok, document)
			}
		})
	}
}
