package sso_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/signon"
	"rollcall/sso/saml"
	"rollcall/testidp"
)

const (
	xmlenc    = "http://www.w3.org/2001/04/xmlenc#"
	gcm256    = string(testidp.AES256GCM)
	cbc128    = string(testidp.AES128CBC)
	oaepMGF1P = xmlenc + "rsa-oaep-mgf1p"
)

// envelope is how an attacker encrypts: for our key, which everybody knows.
type envelope struct {
	algorithm string // what it says
	transport string
	gcm       bool
	unsigned  bool
	plain     func(assertion string) string
	cipher    func(sealed []byte) []byte
	element   func(encrypted *etree.Element)
	document  func(d *etree.Document)
}

// encrypted is the genuine response with its signed assertion encrypted.
func (e envelope) encrypted(g genuine) string {
	d := g.document.Copy()
	if !e.unsigned {
		d = g.signed(places[0])
	}
	assertion := find(g.t, d, "/Response/Assertion")
	inner := etree.NewDocument()
	inner.SetRoot(assertion.Copy())
	inner.Root().CreateAttr("xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion")
	plaintext := text(g.t, inner)
	if e.plain != nil {
		plaintext = e.plain(plaintext)
	}
	key := make([]byte, 32)
	if !e.gcm {
		key = make([]byte, 16)
	}
	_, err := rand.Read(key)
	must(g.t, err)
	sealed := e.seal(g.t, key, []byte(plaintext))
	if e.cipher != nil {
		sealed = e.cipher(sealed)
	}
	to := keys().certificate.PublicKey.(*rsa.PublicKey)
	wrapped, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, to, key, nil)
	if strings.HasSuffix(e.transport, "rsa-1_5") {
		//lint:ignore SA1019 that it is sent is the attack
		wrapped, err = rsa.EncryptPKCS1v15(rand.Reader, to, key)
	}
	must(g.t, err)
	encrypted := fragment(g.t,
		`<saml:EncryptedAssertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"><xenc:EncryptedData `+
			`xmlns:xenc="`+xmlenc+`">`+
			`<xenc:EncryptionMethod Algorithm="`+e.algorithm+`"/><ds:KeyInfo `+
			`xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><xenc:EncryptedKey>`+
			`<xenc:EncryptionMethod Algorithm="`+e.transport+`"/><xenc:CipherData>`+
			`<xenc:CipherValue>`+base64.StdEncoding.EncodeToString(wrapped)+`</xenc:CipherValue></xenc:CipherData>`+
			`</xenc:EncryptedKey></ds:KeyInfo>`+
			`<xenc:CipherData><xenc:CipherValue>`+base64.StdEncoding.EncodeToString(sealed)+`</xenc:CipherValue>`+
			`</xenc:CipherData></xenc:EncryptedData></saml:EncryptedAssertion>`).Root()
	if e.element != nil {
		e.element(encrypted)
	}
	assertion.Parent().AddChild(encrypted)
	assertion.Parent().RemoveChild(assertion)
	if e.document != nil {
		e.document(d)
	}
	return posted(text(g.t, d))
}

func (e envelope) seal(t testing.TB, key, plaintext []byte) []byte {
	block, err := aes.NewCipher(key)
	must(t, err)
	if e.gcm {
		aead, err := cipher.NewGCM(block)
		must(t, err)
		nonce := make([]byte, aead.NonceSize())
		return aead.Seal(nonce, nonce, plaintext, nil)
	}
	padding := aes.BlockSize - len(plaintext)%aes.BlockSize
	plaintext = append(plaintext, slices.Repeat([]byte{byte(padding)}, padding)...)
	sealed := make([]byte, aes.BlockSize+len(plaintext))
	cipher.NewCBCEncrypter(block, sealed[:aes.BlockSize]).CryptBlocks(sealed[aes.BlockSize:], plaintext)
	return sealed
}

var (
	byGCM = envelope{algorithm: gcm256, transport: oaepMGF1P, gcm: true}
	byCBC = envelope{algorithm: cbc128, transport: oaepMGF1P}
)

// but is an envelope with a change.
func (e envelope) but(change func(e *envelope)) envelope {
	change(&e)
	return e
}

func cut(n int) func(*envelope) {
	return func(e *envelope) { e.cipher = func(b []byte) []byte { return b[:n] } }
}

func plain(text string) func(*envelope) {
	return func(e *envelope) { e.plain = func(string) string { return text } }
}

// encryptions are what docs/design/signon.md, "Attacks", has under encryption, and their relatives.
var encryptions = []struct {
	name string
	envelope
	want saml.Reason
}{
	{"not block-aligned", byCBC.but(cut(50)), saml.Undecryptable},
	{"shorter than the IV", byCBC.but(cut(15)), saml.Undecryptable},
	{"nothing but the IV", byCBC.but(cut(16)), saml.Undecryptable},
	{"wrong padding", byCBC.but(func(e *envelope) {
		e.cipher = func(b []byte) []byte { b[len(b)-17] ^= 0x80; return b }
	}), saml.Undecryptable},
	{"an altered block", byCBC.but(func(e *envelope) {
		e.cipher = func(b []byte) []byte { b[100] ^= 1; return b }
	}), saml.Undecryptable},
	{"shorter than the nonce", byGCM.but(cut(11)), saml.Undecryptable},
	{"no ciphertext", byGCM.but(cut(0)), saml.Undecryptable},
	{"altered", byGCM.but(func(e *envelope) {
		e.cipher = func(b []byte) []byte { b[20] ^= 1; return b }
	}), saml.Undecryptable},
	{"empty plaintext", byGCM.but(plain("")), saml.Undecryptable},
	{"empty plaintext by CBC", byCBC.but(plain("")), saml.Undecryptable},
	{"a comment as plaintext", byGCM.but(plain("<!-- -->")), saml.Undecryptable},
	{"a comment in the NameID", byGCM.but(func(e *envelope) {
		e.plain = func(s string) string { return strings.Replace(s, ">anna@", ">anna<!-- -->@", 1) }
	}), saml.Undecryptable},
	{"a document type", byGCM.but(func(e *envelope) {
		e.plain = func(s string) string { return "<!DOCTYPE a>" + s }
	}), saml.Undecryptable},
	{"60,000 deep", byGCM.but(plain(strings.Repeat("<a>", 60_000))), saml.Undecryptable},
	{"another element", byGCM.but(plain(`<a/>`)), saml.Undecryptable},
	{"another assertion within", byGCM.but(func(e *envelope) {
		e.plain = func(s string) string {
			return strings.Replace(s, "</saml:Subject>", "</saml:Subject><saml:Advice>"+s+"</saml:Advice>", 1)
		}
	}), saml.Undecryptable},
	{"another person", byGCM.but(func(e *envelope) {
		e.plain = func(s string) string { return strings.ReplaceAll(s, "anna@contoso.example", attacker) }
	}), saml.Undecryptable},
	{"encrypted but unsigned", byGCM.but(func(e *envelope) { e.unsigned = true }), saml.Undecryptable},
	{"encrypted by CBC but unsigned", byCBC.but(func(e *envelope) { e.unsigned = true }), saml.Undecryptable},
	{"an unknown algorithm", byGCM.but(func(e *envelope) { e.algorithm = "urn:unknown" }), saml.Undecryptable},
	{"3DES", byCBC.but(func(e *envelope) { e.algorithm = xmlenc + "tripledes-cbc" }), saml.Undecryptable},
	{"3DES by a wrong name", byCBC.but(func(e *envelope) { e.algorithm = "tripledes" }), saml.Undecryptable},
	{"RSA with PKCS #1 v1.5", byGCM.but(func(e *envelope) { e.transport = xmlenc + "rsa-1_5" }), saml.Undecryptable},
	{"a key of another length", byGCM.but(func(e *envelope) {
		e.algorithm = string(testidp.AES128GCM)
	}), saml.Undecryptable},
	{"two keys, none of them for us", byGCM.but(func(e *envelope) {
		e.element = func(el *etree.Element) {
			key := el.FindElement("//EncryptedKey")
			key.FindElement("./CipherData/CipherValue").SetText(posted(strings.Repeat("\x01", 256)))
			key.Parent().AddChild(key.Copy())
		}
	}), saml.Undecryptable},
	{"more keys before ours than are tried", byGCM.but(func(e *envelope) {
		e.element = func(el *etree.Element) {
			key := el.FindElement("//EncryptedKey")
			for range 100 {
				other := key.Copy()
				other.FindElement("./CipherData/CipherValue").SetText(posted(strings.Repeat("\x01", 256)))
				key.Parent().InsertChildAt(0, other)
			}
		}
	}), saml.Undecryptable},
	{"no key", byGCM.but(func(e *envelope) {
		e.element = func(el *etree.Element) {
			key := el.FindElement("//EncryptedKey")
			key.Parent().RemoveChild(key)
		}
	}), saml.Undecryptable},
	{"several EncryptedAssertions", byGCM.but(func(e *envelope) {
		e.document = func(d *etree.Document) { d.Root().AddChild(d.FindElement("//EncryptedAssertion").Copy()) }
	}), saml.SeveralAssertions},
	{"a plain one beside", byGCM.but(func(e *envelope) {
		e.document = func(d *etree.Document) {
			d.Root().AddChild(fragmentOf(`<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ` +
				`ID="_2"/>`))
		}
	}), saml.SeveralAssertions},
	{"in an extension", byGCM.but(func(e *envelope) {
		e.document = func(d *etree.Document) {
			encrypted := d.FindElement("//EncryptedAssertion")
			extensions := d.Root().CreateElement("samlp:Extensions")
			extensions.AddChild(encrypted)
		}
	}), saml.MisplacedAssertion},
}

func fragmentOf(text string) *etree.Element {
	d := etree.NewDocument()
	if d.ReadFromString(text) != nil {
		return etree.NewElement("broken")
	}
	return d.Root()
}

func TestEncryptedAttacksAreRefused(t *testing.T) {
	t.Parallel()
	x := newTarget(t)
	x.update(x.tenant, func(c *connection.ConnectionFields) { c.AllowEncrypted = connection.EncryptedCBC })
	g, post := x.begin(t)
	for _, a := range encryptions {
		t.Run(a.name, func(t *testing.T) {
			began := time.Now()
			reason := post(t, a.encrypted(g))
			if reason == "" {
				t.Fatal("it signs somebody in")
			}
			if reason != string(a.want) {
				t.Errorf("refused for %q, want %q", reason, a.want)
			}
			if a.want != saml.Undecryptable {
				return
			}
			// Neither the log nor the time shows which step failed.
			attempts, _, err := signon.In(x.org).LoginAttempts(t.Context(), x.connection.ID, model.Page{Limit: 1})
			must(t, err)
			if attempts[0].Expected != "a signed assertion, encrypted for our key by AES with RSA-OAEP" ||
				attempts[0].Received != "" {
				t.Errorf("it is noted with %q and %q", attempts[0].Expected, attempts[0].Received)
			}
			if took := time.Since(began); took < 300*time.Millisecond {
				t.Errorf("it is refused after %s", took)
			}
		})
	}
	if reason := post(t, byCBC.encrypted(g)); reason != "" {
		t.Errorf("after all of them the genuine one is refused: %s", reason)
	}
}

// TestEncryptedAssertions is what each setting of a connection takes.
func TestEncryptedAssertions(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		for _, c := range []struct {
			allowed connection.EncryptedAllowed
			cipher  testidp.ContentCipher
			reason  saml.Reason
		}{
			{connection.EncryptedOff, testidp.AES256GCM, saml.EncryptedAssertion},
			{connection.EncryptedOff, testidp.AES128CBC, saml.EncryptedAssertion},
			{connection.EncryptedGCM, testidp.AES256GCM, ""},
			{connection.EncryptedGCM, testidp.AES128GCM, ""},
			{connection.EncryptedGCM, testidp.AES256CBC, saml.WeakEncryption},
			{connection.EncryptedGCM, testidp.AES128CBC, saml.WeakEncryption},
			{connection.EncryptedCBC, testidp.AES256GCM, ""},
			{connection.EncryptedCBC, testidp.AES256CBC, ""},
			{connection.EncryptedCBC, testidp.AES128CBC, ""},
		} {
			w.update(w.tenant, func(conn *connection.ConnectionFields) { conn.AllowEncrypted = c.allowed })
			metadata := w.browser().get(w.sp(w.connection, "/metadata")).body
			if strings.Contains(metadata, `use="encryption"`) != (c.allowed != connection.EncryptedOff) ||
				strings.Contains(metadata, "-cbc") != (c.allowed == connection.EncryptedCBC) {
				t.Errorf("%s: the metadata is %s", c.allowed, metadata)
			}
			must(t, w.idp.EncryptSAML(keys().certificate, c.cipher))
			if a := w.attempt(); c.reason == "" {
				a.code(t)
			} else {
				w.refused(w.tenant, a, string(c.reason))
			}
		}
	})
}

// TestKeyRotation: the identity provider takes our new key over when it pleases, and everybody can
// sign in throughout.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		w.update(w.tenant, func(c *connection.ConnectionFields) { c.AllowEncrypted = connection.EncryptedGCM })
		path := "/connections/" + model.ConnectionPrefix.ID(w.connection.ID) + "/sp_keys"
		known := func() (certificates []string) {
			d := etree.NewDocument()
			must(t, d.ReadFromString(w.browser().get(w.sp(w.connection, "/metadata")).body))
			for _, el := range d.FindElements("//KeyDescriptor[@use='signing']//X509Certificate") {
				certificates = append(certificates, el.Text())
			}
			return certificates
		}
		signInFor := func(certificate string) {
			t.Helper()
			c, err := saml.ParseCertificate(certificate)
			must(t, err)
			must(t, w.idp.EncryptSAML(c, testidp.AES256GCM))
			w.attempt().code(t)
		}
		first := known()
		status, next := w.call(http.MethodPost, path, bootstrapKey, nil)
		if status != http.StatusCreated || next["role"] != "standby" {
			t.Fatalf("%d %v", status, next)
		}
		both := known()
		if len(first) != 1 || len(both) != 2 || both[0] != first[0] {
			t.Fatalf("the metadata shows %d keys, then %d", len(first), len(both))
		}
		signInFor(both[0])
		signInFor(both[1])
		status, promoted := w.call(http.MethodPost, path+"/"+next["id"].(string)+"/promote", bootstrapKey, nil)
		if status != http.StatusOK || promoted["role"] != "current" {
			t.Fatalf("%d %v", status, promoted)
		}
		if now := known(); len(now) != 2 || now[0] != both[1] {
			t.Errorf("the metadata does not show the promoted key first")
		}
		sent := w.browser().get(w.sp(w.connection, "/login"))
		idp := saml.IDP{}
		c, err := saml.ParseCertificate(both[1])
		must(t, err)
		idp.Certificates = append(idp.Certificates, c)
		if _, err := idp.ReadRedirect(sent.location.RawQuery); err != nil {
			t.Errorf("the request is not signed with the promoted key: %v", err)
		}
		signInFor(both[0])
		signInFor(both[1])
		_, list := w.call(http.MethodGet, path, bootstrapKey, nil)
		old := list["data"].([]any)[1].(map[string]any)
		if a := w.send(nil, http.MethodDelete, path+"/"+old["id"].(string),
			"Authorization", "Bearer "+bootstrapKey); a.status != http.StatusNoContent {
			t.Fatalf("%d %s", a.status, a.body)
		}
		signInFor(both[1])
		must(t, w.idp.EncryptSAML(keys().certificate, testidp.AES256GCM))
		w.refused(w.tenant, w.attempt(), string(saml.Undecryptable))
	})
}
