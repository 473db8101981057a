package saml_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"strings"
	"testing"

	"rollcall/sso/saml"
)

// TestVerifyDecryptsByOneOfSeveralKeys: an assertion can be encrypted for several recipients (SAML
// Core §2.3.4).
func TestVerifyDecryptsByOneOfSeveralKeys(t *testing.T) {
	t.Parallel()
	own, other := withKey(t), withKey(t)
	own.Encryption = saml.EncryptionGCM
	for name, c := range map[string]struct {
		others    int    // keys for somebody else, before ours
		recipient string // of ours; none when empty
		foreign   string // of the others
		want      saml.Reason
	}{
		"the second":                          {1, "", "", ""},
		"the second, both with a recipient":   {1, spID, "https://other.example", ""},
		"the last of many, by its recipient":  {40, spID, "", ""},
		"the last of many that are foreign":   {40, "", "https://other.example", ""},
		"the third, all with our entity ID":   {2, spID, spID, ""},
		"with a recipient that is no ID here": {1, acsURL, "https://other.example", ""},
		"too many before it":                  {4, "", "", saml.Undecryptable},
		"too many before it with our ID":      {4, spID, spID, saml.Undecryptable},
	} {
		t.Run(name, func(t *testing.T) {
			d := response(t)
			signing{pair: rsaPair(t)}.sign(t, find(t, d, "//Assertion"))
			usual.encrypt(t, d, own.Key.Public().(*rsa.PublicKey))
			ours := find(t, d, "//EncryptedKey")
			if c.recipient != "" {
				ours.CreateAttr("Recipient", c.recipient)
			}
			for range c.others {
				foreign := ours.Copy()
				foreign.RemoveAttr("Recipient")
				if c.foreign != "" {
					foreign.CreateAttr("Recipient", c.foreign)
				}
				wrapped, err := rsa.EncryptOAEPWithOptions(rand.Reader, other.Key.Public().(*rsa.PublicKey),
					make([]byte, 32), &usual.options)
				if err != nil {
					t.Fatal(err)
				}
				foreign.FindElement("./CipherData/CipherValue").SetText(base64.StdEncoding.EncodeToString(wrapped))
				ours.Parent().InsertChildAt(0, foreign)
			}
			a, err := own.Verify(idp(t), form(t, d), expect)
			wantReason(t, err, c.want)
			if err == nil && a.NameID != "anna-1" {
				t.Errorf("got %+v", a)
			}
		})
	}
}

// TestVerifyDecryptsWhatTheResponseDeclaresFor: a plaintext may use prefixes that only the response
// declares. Its signature must fit it all the same.
func TestVerifyDecryptsWhatTheResponseDeclaresFor(t *testing.T) {
	t.Parallel()
	own := withKey(t)
	own.Encryption = saml.EncryptionGCM
	bare := func(plaintext string) string {
		return strings.ReplaceAll(plaintext, ` xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"`, "")
	}
	for name, c := range map[string]struct {
		plain func(string) string
		want  saml.Reason
	}{
		"the assertion's prefix": {bare, ""},
		"and altered": {func(s string) string { return strings.Replace(bare(s), "anna-1", "anna-2", 1) },
			saml.Undecryptable},
		"a prefix that nobody declares": {func(s string) string {
			return strings.ReplaceAll(bare(s), "saml:",
				"nobody:")
		},
			saml.Undecryptable},
	} {
		t.Run(name, func(t *testing.T) {
			e := usual
			e.plain = c.plain
			_, err := own.Verify(idp(t), sealed(t, e, own, true, false), expect)
			wantReason(t, err, c.want)
		})
	}
}
