package testidp

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"fmt"

	"github.com/beevik/etree"
)

const (
	nsEncryption = "http://www.w3.org/2001/04/xmlenc#"
	oaepMGF1P    = nsEncryption + "rsa-oaep-mgf1p"
)

// ContentCipher is the XML Encryption identifier of the algorithm that encrypts an assertion.
type ContentCipher string

// The ciphers of XML Encryption 1.1 §5.2 that identity providers use.
const (
	AES128GCM ContentCipher = "http://www.w3.org/2009/xmlenc11#aes128-gcm"
	AES256GCM ContentCipher = "http://www.w3.org/2009/xmlenc11#aes256-gcm"
	AES128CBC ContentCipher = nsEncryption + "aes128-cbc"
	AES256CBC ContentCipher = nsEncryption + "aes256-cbc"
)

// encryption says how assertions are encrypted.
type encryption struct {
	to     *rsa.PublicKey // of the service provider; nil for no encryption
	cipher ContentCipher
}

// EncryptSAML encrypts all further assertions for a service provider's certificate, after they are
// signed: the content by the cipher, and its key by RSA-OAEP. A nil certificate ends that. The
// error is for a key that is not RSA, or an unknown cipher.
func (a *Application) EncryptSAML(certificate *x509.Certificate, content ContentCipher) error {
	var e encryption
	if certificate != nil {
		to, ok := certificate.PublicKey.(*rsa.PublicKey)
		if !ok {
			return fmt.Errorf("the certificate's key is not RSA")
		}
		if _, err := content.keySize(); err != nil {
			return err
		}
		e = encryption{to, content}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.encryption = e
	return nil
}

// keySize returns the length of the cipher's key in bytes.
func (c ContentCipher) keySize() (int, error) {
	switch c {
	case AES128GCM, AES128CBC:
		return 16, nil
	case AES256GCM, AES256CBC:
		return 32, nil
	}
	return 0, fmt.Errorf("there is no cipher %q", c)
}

// encrypt replaces each Assertion of the response by an EncryptedAssertion (SAML core §2.3.4).
func (e encryption) encrypt(root *etree.Element, p personality) error {
	if e.to == nil {
		return nil
	}
	for _, assertion := range root.ChildElements() {
		if assertion.Tag != "Assertion" {
			continue
		}
		inner := etree.NewDocument()
		inner.SetRoot(standalone(assertion))
		plaintext, err := inner.WriteToBytes()
		if err != nil {
			return err
		}
		size, err := e.cipher.keySize()
		if err != nil {
			return err
		}
		key := make([]byte, size)
		rand.Read(key)
		sealed, err := e.seal(key, plaintext)
		if err != nil {
			return err
		}
		wrapped, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, e.to, key, nil) // the default of rsa-oaep-mgf1p
		if err != nil {
			return err
		}
		at := assertion.Index()
		root.RemoveChildAt(at)
		root.InsertChildAt(at, e.element(p, sealed, wrapped))
	}
	return nil
}

// standalone copies an element, with the namespace declarations that it inherits.
func standalone(el *etree.Element) *etree.Element {
	out := el.Copy()
	for at := el.Parent(); at != nil; at = at.Parent() {
		for _, a := range at.Attr {
			if (a.Space == "xmlns" || a.FullKey() == "xmlns") && out.SelectAttr(a.FullKey()) == nil {
				out.CreateAttr(a.FullKey(), a.Value)
			}
		}
	}
	return out
}

// seal encrypts by the cipher. The result is the nonce or IV, and then the ciphertext.
func (e encryption) seal(key, plaintext []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	if e.cipher == AES128GCM || e.cipher == AES256GCM {
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return nil, err
		}
		nonce := make([]byte, aead.NonceSize())
		rand.Read(nonce)
		return aead.Seal(nonce, nonce, plaintext, nil), nil
	}
	padding := aes.BlockSize - len(plaintext)%aes.BlockSize
	padded := append(plaintext, make([]byte, padding)...)
	padded[len(padded)-1] = byte(padding) // only the last byte is defined (XML Encryption §5.2)
	out := make([]byte, aes.BlockSize+len(padded))
	rand.Read(out[:aes.BlockSize])
	cipher.NewCBCEncrypter(block, out[:aes.BlockSize]).CryptBlocks(out[aes.BlockSize:], padded)
	return out, nil
}

// element returns an EncryptedAssertion with the ciphertext and the encrypted key.
func (e encryption) element(p personality, sealed, wrapped []byte) *etree.Element {
	root := etree.NewElement(qualified(p.assertion, "EncryptedAssertion"))
	set(root, declared(p.assertion, nsAssertion)...)
	data := add(root, "xenc:EncryptedData", "", "xmlns:xenc", nsEncryption, "Type", nsEncryption+"Element")
	add(data, "xenc:EncryptionMethod", "", "Algorithm", string(e.cipher))
	key := add(add(data, "ds:KeyInfo", "", "xmlns:ds", nsSignature), "xenc:EncryptedKey", "")
	add(key, "xenc:EncryptionMethod", "", "Algorithm", oaepMGF1P)
	value := func(in *etree.Element, octets []byte) {
		add(add(in, "xenc:CipherData", ""), "xenc:CipherValue", base64.StdEncoding.EncodeToString(octets))
	}
	value(key, wrapped)
	value(data, sealed)
	return root
}
