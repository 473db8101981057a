package saml_test

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"rollcall/sso/saml"
)

const (
	gcm256 = "http://www.w3.org/2009/xmlenc11#aes256-gcm"
	cbc128 = "http://www.w3.org/2001/04/xmlenc#aes128-cbc"
	mgf1p  = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"
)

// envelope says how an assertion is encrypted.
type envelope struct {
	algorithm string
	keySize   int
	gcm       bool
	transport string                        // algorithm that encrypts the key
	method    string                        // parameters of the transport
	options   rsa.OAEPOptions               // the same parameters for Go
	afterData bool                          // the EncryptedKey follows the data, and is not in its KeyInfo
	keys      int                           // number of EncryptedKey elements
	cipher    func(sealed []byte) []byte    // changes the ciphertext
	plain     func(plaintext string) string // changes what is encrypted
}

var usual = envelope{algorithm: gcm256, keySize: 32, gcm: true, transport: mgf1p,
	options: rsa.OAEPOptions{Hash: crypto.SHA1}, keys: 1}

// encrypt puts an encrypted assertion in the place of the assertion of a document.
func (e envelope) encrypt(t *testing.T, d *etree.Document, to *rsa.PublicKey) {
	t.Helper()
	assertion := find(t, d, "/Response/Assertion")
	inner := etree.NewDocument()
	inner.SetRoot(assertion.Copy())
	inner.Root().CreateAttr("xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion")
	plaintext, err := inner.WriteToString()
	if err != nil {
		t.Fatal(err)
	}
	if e.plain != nil {
		plaintext = e.plain(plaintext)
	}
	key := make([]byte, e.keySize)
	if _, err := rand.Read(key); err != nil {
		t.Fatal(err)
	}
	sealed := e.seal(t, key, []byte(plaintext))
	if e.cipher != nil {
		sealed = e.cipher(sealed)
	}
	wrapped, err := rsa.EncryptOAEPWithOptions(rand.Reader, to, key, &e.options)
	if err != nil {
		t.Fatal(err)
	}
	encryptedKey := strings.Repeat(`<xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="`+e.transport+`">`+e.method+
		`</xenc:EncryptionMethod><xenc:CipherData><xenc:CipherValue>`+base64.StdEncoding.EncodeToString(wrapped)+
		`</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey>`, e.keys)
	inKeyInfo, afterData := `<ds:KeyInfo>`+encryptedKey+`</ds:KeyInfo>`, ""
	if e.afterData {
		inKeyInfo, afterData = "", encryptedKey
	}
	text := fmt.Sprintf(
		`<saml:EncryptedAssertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" `+
			`xmlns:xenc="http://www.w3.org/2001/04/xmlenc#" `+
			`xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><xenc:EncryptedData><xenc:EncryptionMethod `+
			`Algorithm="%s"/>%s<xenc:CipherData><xenc:CipherValue>%s</xenc:CipherValue></xenc:CipherData>`+
			`</xenc:EncryptedData>%s</saml:EncryptedAssertion>`,
		e.algorithm, inKeyInfo, base64.StdEncoding.EncodeToString(sealed), afterData)
	outer := etree.NewDocument()
	if err := outer.ReadFromString(text); err != nil {
		t.Fatal(err)
	}
	index := assertion.Index()
	d.Root().RemoveChildAt(index)
	d.Root().InsertChildAt(index, outer.Root())
}

func (e envelope) seal(t *testing.T, key, plaintext []byte) []byte {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	if e.gcm {
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			t.Fatal(err)
		}
		return aead.Seal(nil, nil, plaintext, nil)
	}
	padding := aes.BlockSize - len(plaintext)%aes.BlockSize
	padded := append(plaintext, make([]byte, padding)...)
	padded[len(padded)-1] = byte(padding)
	sealed := make([]byte, aes.BlockSize+len(padded))
	if _, err := rand.Read(sealed[:aes.BlockSize]); err != nil {
		t.Fatal(err)
	}
	cipher.NewCBCEncrypter(block, sealed[:aes.BlockSize]).CryptBlocks(sealed[aes.BlockSize:], padded)
	return sealed
}

// sealed returns a response with an encrypted assertion. The assertion is signed before it is
// encrypted, and the response after that, each if its parameter says so.
func sealed(t *testing.T, e envelope, to saml.SP, signAssertion, signResponse bool) string {
	t.Helper()
	d := response(t)
	if signAssertion {
		signing{pair: rsaPair(t)}.sign(t, find(t, d, "//Assertion"))
	}
	e.encrypt(t, d, to.Key.Public().(*rsa.PublicKey))
	if signResponse {
		signing{pair: rsaPair(t)}.sign(t, d.Root())
	}
	return form(t, d)
}

func TestVerifyDecrypts(t *testing.T) {
	t.Parallel()
	own := withKey(t)
	own.Encryption = saml.EncryptionCBC
	cbc := usual
	cbc.algorithm, cbc.keySize, cbc.gcm = cbc128, 16, false
	afterData := usual
	afterData.afterData = true
	modern := usual
	modern.transport = "http://www.w3.org/2009/xmlenc11#rsa-oaep"
	modern.method = `<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><xenc11:MGF ` +
		`xmlns:xenc11="http://www.w3.org/2009/xmlenc11#" Algorithm="http://www.w3.org/2009/xmlenc11#mgf1sha256"/>`
	modern.options = rsa.OAEPOptions{Hash: crypto.SHA256, MGFHash: crypto.SHA256}
	tests := map[string]struct {
		envelope
		signAssertion, signResponse bool
	}{
		"a signed assertion":              {usual, true, false},
		"in a signed response":            {usual, false, true},
		"both signed":                     {usual, true, true},
		"by AES in CBC":                   {cbc, true, false},
		"with the key after the data":     {afterData, true, false},
		"with OAEP of SHA-256 throughout": {modern, true, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a, err := own.Verify(idp(t), sealed(t, test.envelope, own, test.signAssertion, test.signResponse), expect)
			if err != nil {
				t.Fatal(err)
			}
			if a.NameID != "anna-1" || len(a.Attributes["groups"]) != 2 {
				t.Errorf("got %+v", a)
			}
		})
	}
}

// TestVerifyDecryptsAnyLength: the padding of CBC has every length of a block, one byte among them.
func TestVerifyDecryptsAnyLength(t *testing.T) {
	t.Parallel()
	own := withKey(t)
	own.Encryption = saml.EncryptionCBC
	cbc := usual
	cbc.algorithm, cbc.keySize, cbc.gcm = cbc128, 16, false
	for n := range aes.BlockSize {
		cbc.plain = func(plaintext string) string { return plaintext + strings.Repeat("\n", n) }
		_, err := own.Verify(idp(t), sealed(t, cbc, own, true, false), expect)
		wantReason(t, err, "")
	}
}

// TestVerifyTellsNothingOfDecryption: all failures of a decryption have the same error.
func TestVerifyTellsNothingOfDecryption(t *testing.T) {
	t.Parallel()
	own := withKey(t)
	own.Encryption = saml.EncryptionCBC
	cbc := usual
	cbc.algorithm, cbc.keySize, cbc.gcm = cbc128, 16, false
	with := func(e envelope, change func(e *envelope)) envelope {
		change(&e)
		return e
	}
	cut := func(n int) func([]byte) []byte { return func(b []byte) []byte { return b[:n] } }
	plain := func(text string) func(e *envelope) {
		return func(e *envelope) { e.plain = func(string) string { return text } }
	}
	tests := map[string]envelope{
		"not block-aligned":   with(cbc, func(e *envelope) { e.cipher = cut(50) }),
		"shorter than the IV": with(cbc, func(e *envelope) { e.cipher = cut(15) }),
		"nothing but the IV":  with(cbc, func(e *envelope) { e.cipher = cut(16) }),
		"wrong padding": with(cbc,
			func(e *envelope) { e.cipher = func(b []byte) []byte { b[len(b)-17] ^= 0x80; return b } }),
		"shorter than the nonce": with(usual, func(e *envelope) { e.cipher = cut(11) }),
		"altered": with(usual,
			func(e *envelope) { e.cipher = func(b []byte) []byte { b[20] ^= 1; return b } }),
		"no ciphertext":          with(usual, func(e *envelope) { e.cipher = cut(0) }),
		"empty plaintext":        with(usual, plain("")),
		"a comment as plaintext": with(usual, plain("<!-- -->")),
		"a comment in the plaintext": with(usual, func(e *envelope) {
			e.plain = func(s string) string { return strings.Replace(s, "anna", "<!-- -->anna", 1) }
		}),
		"a document type": with(usual,
			func(e *envelope) { e.plain = func(s string) string { return "<!DOCTYPE x>" + s } }),
		"a deep plaintext": with(usual, plain(strings.Repeat("<a>", 60000))),
		"another element":  with(usual, plain(`<a/>`)),
		"two assertions": with(usual, func(e *envelope) {
			e.plain = func(s string) string {
				return strings.Replace(s, "</saml:Subject>", "</saml:Subject>"+`<saml:Assertion/>`, 1)
			}
		}),
		"altered before encryption": with(usual, func(e *envelope) {
			e.plain = func(s string) string { return strings.Replace(s, "anna-1", "anna-2", 1) }
		}),
		"a key of another length": with(usual, func(e *envelope) { e.keySize = 16 }),
		"3DES": with(cbc,
			func(e *envelope) { e.algorithm = "http://www.w3.org/2001/04/xmlenc#tripledes-cbc" }),
		"3DES by a wrong name": with(cbc, func(e *envelope) { e.algorithm = "tripledes" }),
		"RSA with PKCS #1 v1.5": with(usual,
			func(e *envelope) { e.transport = "http://www.w3.org/2001/04/xmlenc#rsa-1_5" }),
		"an unknown digest": with(usual, func(e *envelope) { e.method = `<ds:DigestMethod Algorithm="urn:x"/>` }),
		"no key":            with(usual, func(e *envelope) { e.keys = 0 }),
	}
	for name, e := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := own.Verify(idp(t), sealed(t, e, own, true, false), expect)
			wantReason(t, err, saml.Undecryptable)
		})
	}
	t.Run("unsigned", func(t *testing.T) {
		_, err := own.Verify(idp(t), sealed(t, usual, own, false, false), expect)
		wantReason(t, err, saml.Undecryptable)
	})
	t.Run("for another key", func(t *testing.T) {
		_, err := own.Verify(idp(t), sealed(t, usual, withKey(t), true, false), expect)
		wantReason(t, err, saml.Undecryptable)
	})
}

func TestVerifyRefusesEncryptionThatIsNotAllowed(t *testing.T) {
	t.Parallel()
	own := withKey(t)
	cbc := usual
	cbc.algorithm, cbc.keySize, cbc.gcm = cbc128, 16, false
	for _, test := range []struct {
		allowed saml.Encryption
		envelope
		want saml.Reason
	}{
		{saml.EncryptionOff, usual, saml.EncryptedAssertion},
		{saml.EncryptionOff, cbc, saml.EncryptedAssertion},
		{saml.EncryptionGCM, usual, ""},
		{saml.EncryptionGCM, cbc, saml.WeakEncryption},
		{saml.EncryptionCBC, usual, ""},
		{saml.EncryptionCBC, cbc, ""},
	} {
		own.Encryption = test.allowed
		_, err := own.Verify(idp(t), sealed(t, test.envelope, own, true, true), expect)
		wantReason(t, err, test.want)
	}
}

// TestVerifyDecryptsWithBothKeys: while one key replaces the other, the identity provider may use
// either of them.
func TestVerifyDecryptsWithBothKeys(t *testing.T) {
	t.Parallel()
	own, other := withKey(t), withKey(t)
	own.Encryption = saml.EncryptionGCM
	own.Standby = &saml.KeyPair{Key: other.Key, Certificate: other.Certificate}
	for want, to := range map[saml.Reason]saml.SP{"": own, saml.Undecryptable: withKey(t)} {
		_, err := own.Verify(idp(t), sealed(t, usual, to, true, false), expect)
		wantReason(t, err, want)
	}
	_, err := own.Verify(idp(t), sealed(t, usual, other, true, false), expect)
	wantReason(t, err, "")
}

func TestVerifyRefusesSeveralEncryptedAssertions(t *testing.T) {
	t.Parallel()
	own := withKey(t)
	own.Encryption = saml.EncryptionCBC
	d := response(t)
	signing{pair: rsaPair(t)}.sign(t, find(t, d, "//Assertion"))
	plain := find(t, d, "//Assertion").Copy()
	usual.encrypt(t, d, own.Key.Public().(*rsa.PublicKey))
	encrypted := find(t, d, "//EncryptedAssertion")
	for name, second := range map[string]*etree.Element{"encrypted": encrypted.Copy(), "plain": plain} {
		t.Run(name, func(t *testing.T) {
			both := d.Copy()
			both.Root().AddChild(second)
			_, err := own.Verify(idp(t), form(t, both), expect)
			wantReason(t, err, saml.SeveralAssertions)
		})
	}
}
