package saml

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rsa"
	_ "crypto/sha1" // OAEP's default digest, where collisions are no matter
	"crypto/x509"
	"encoding/base64"
	"errors"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

const encryptionNS = "http://www.w3.org/2001/04/xmlenc#"

// content is how an assertion may be encrypted. GCM is better: with CBC anybody can alter what is
// inside, which is why a decrypted assertion must be signed like any other.
type content struct {
	keySize int
	gcm     bool
}

var contents = map[string]content{
	"http://www.w3.org/2009/xmlenc11#aes128-gcm": {16, true},
	"http://www.w3.org/2009/xmlenc11#aes192-gcm": {24, true},
	"http://www.w3.org/2009/xmlenc11#aes256-gcm": {32, true},
	encryptionNS + "aes128-cbc":                  {16, false},
	encryptionNS + "aes192-cbc":                  {24, false},
	encryptionNS + "aes256-cbc":                  {32, false},
}

// methods are what our metadata offers, the best first.
func (e Encryption) methods() []string {
	offered := []string{"http://www.w3.org/2009/xmlenc11#aes256-gcm", "http://www.w3.org/2009/xmlenc11#aes128-gcm"}
	if e == EncryptionCBC {
		offered = append(offered, encryptionNS+"aes256-cbc", encryptionNS+"aes128-cbc")
	}
	return append(offered, oaepMGF1P)
}

// RSA with PKCS #1 v1.5 is not among the ways to wrap a key: Bleichenbacher's attack opens it.
const (
	oaepMGF1P = encryptionNS + "rsa-oaep-mgf1p"
	oaep      = "http://www.w3.org/2009/xmlenc11#rsa-oaep"
)

var (
	oaepDigests = map[string]crypto.Hash{
		"":                      crypto.SHA1,
		dsig.Namespace + "sha1": crypto.SHA1,
		encryptionNS + "sha256": crypto.SHA256,
		encryptionNS + "sha512": crypto.SHA512,
	}
	oaepMasks = map[string]crypto.Hash{
		"": crypto.SHA1,
		"http://www.w3.org/2009/xmlenc11#mgf1sha1":   crypto.SHA1,
		"http://www.w3.org/2009/xmlenc11#mgf1sha256": crypto.SHA256,
		"http://www.w3.org/2009/xmlenc11#mgf1sha512": crypto.SHA512,
	}
)

var errUndecryptable = errors.New("it cannot be decrypted")

// decrypt puts the assertion in the place of the encrypted one. Where the response is not signed,
// whoever posts here can have any ciphertext tried, and telling how it fails would open a message
// bit by bit: all that fails, fails alike, and the cause is for the server's log only.
func (sp SP) decrypt(m *message, idp IDP) (*x509.Certificate, error) {
	undecryptable := func(err error) error {
		return &Refused{Reason: Undecryptable, Expected: "a signed assertion, encrypted for our key by AES with RSA-OAEP", Err: err}
	}
	plaintext, err := sp.open(m.encrypted)
	if r, ok := errors.AsType[*Refused](err); ok && r.Reason == WeakEncryption {
		return nil, r // told by what everybody can read, before any key was used
	}
	if err != nil {
		return nil, undecryptable(err)
	}
	if err := precheck(plaintext, messageLimits); err != nil {
		return nil, undecryptable(err)
	}
	root, err := parse(plaintext)
	if err != nil {
		return nil, undecryptable(err)
	}
	if err := m.adopt(root); err != nil {
		return nil, undecryptable(err)
	}
	switch {
	case m.assertionSignature != nil:
		signer, err := verify(m.assertion, m.assertionSignature, idp.Certificates, true)
		if err != nil {
			return nil, undecryptable(err)
		}
		return signer, nil
	case m.responseSignature == nil:
		return nil, undecryptable(refuse(Unsigned, "a signature on the Response or the Assertion", ""))
	}
	return nil, nil
}

// adopt makes a decrypted assertion the message's, by the rules for what stands in a response.
func (m *message) adopt(root *etree.Element) error {
	f := newFinds()
	if err := f.walk(root); err != nil {
		return err
	}
	if f.object || len(f.assertions) != 1 || !is(root, assertionNS, "Assertion") {
		return refuse(NoAssertion, "one Assertion", root.Tag)
	}
	m.assertion = root
	return m.sign(f.signatures)
}

func (sp SP) open(encrypted *etree.Element) ([]byte, error) {
	data, err := only(encrypted, encryptionNS, "EncryptedData", Undecryptable, Undecryptable)
	if err != nil {
		return nil, err
	}
	algorithm, value, _, err := cipherValue(data)
	if err != nil {
		return nil, err
	}
	how, ok := contents[algorithm]
	if !ok {
		return nil, errUndecryptable
	}
	if !how.gcm && sp.Encryption != EncryptionCBC {
		return nil, refuse(WeakEncryption, "AES in GCM", algorithm)
	}
	wrapped, err := encryptedKey(encrypted, data)
	if err != nil {
		return nil, err
	}
	key, err := sp.unwrap(wrapped)
	if err != nil || len(key) != how.keySize {
		return nil, errUndecryptable
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	if how.gcm {
		return openGCM(block, value)
	}
	return openCBC(block, value)
}

// encryptedKey finds the one key: within the data's KeyInfo, or beside the data.
func encryptedKey(encrypted, data *etree.Element) (*etree.Element, error) {
	found := children(encrypted, encryptionNS, "EncryptedKey")
	for _, info := range children(data, signatureNS, "KeyInfo") {
		found = append(found, children(info, encryptionNS, "EncryptedKey")...)
	}
	if len(found) != 1 {
		return nil, errUndecryptable
	}
	return found[0], nil
}

// cipherValue reads what EncryptedData and EncryptedKey have in common.
func cipherValue(el *etree.Element) (algorithm string, value []byte, method *etree.Element, err error) {
	method, err = only(el, encryptionNS, "EncryptionMethod", Undecryptable, Undecryptable)
	if err != nil {
		return "", nil, nil, err
	}
	algorithm, _ = attribute(method, "Algorithm")
	data, err := only(el, encryptionNS, "CipherData", Undecryptable, Undecryptable)
	if err != nil {
		return "", nil, nil, err
	}
	encoded, err := only(data, encryptionNS, "CipherValue", Undecryptable, Undecryptable)
	if err != nil {
		return "", nil, nil, err
	}
	characters, err := text(encoded)
	if err != nil {
		return "", nil, nil, err
	}
	value, err = base64.StdEncoding.DecodeString(withoutSpace(characters))
	return algorithm, value, method, err
}

// unwrap opens the content's key with ours, or with the one that stands by.
func (sp SP) unwrap(el *etree.Element) ([]byte, error) {
	algorithm, value, method, err := cipherValue(el)
	if err != nil {
		return nil, err
	}
	digest, digestOK := oaepDigests[parameter(method, signatureNS, "DigestMethod")]
	mask, maskOK := oaepMasks[parameter(method, "http://www.w3.org/2009/xmlenc11#", "MGF")]
	if algorithm != oaep && algorithm != oaepMGF1P || !digestOK || !maskOK || len(children(method, encryptionNS, "OAEPparams")) > 0 {
		return nil, errUndecryptable
	}
	signers := []crypto.Signer{sp.Key}
	if sp.Standby != nil {
		signers = append(signers, sp.Standby.Key)
	}
	for _, signer := range signers {
		decrypter, ok := signer.(crypto.Decrypter)
		if !ok {
			continue
		}
		if key, err := decrypter.Decrypt(nil, value, &rsa.OAEPOptions{Hash: digest, MGFHash: mask}); err == nil {
			return key, nil
		}
	}
	return nil, errUndecryptable
}

func parameter(method *etree.Element, namespace, tag string) string {
	for _, el := range children(method, namespace, tag) {
		algorithm, _ := attribute(el, "Algorithm")
		return algorithm
	}
	return ""
}

func openGCM(block cipher.Block, value []byte) ([]byte, error) {
	aead, err := cipher.NewGCM(block)
	if err != nil || len(value) < aead.NonceSize() {
		return nil, errUndecryptable
	}
	return aead.Open(nil, value[:aead.NonceSize()], value[aead.NonceSize():], nil)
}

// openCBC strips the padding of XML Encryption §5.2: only its last byte is defined.
func openCBC(block cipher.Block, value []byte) ([]byte, error) {
	const size = aes.BlockSize
	if len(value) < 2*size || len(value)%size != 0 {
		return nil, errUndecryptable
	}
	plaintext := make([]byte, len(value)-size)
	cipher.NewCBCDecrypter(block, value[:size]).CryptBlocks(plaintext, value[size:])
	padding := int(plaintext[len(plaintext)-1])
	if padding < 1 || padding > size {
		return nil, errUndecryptable
	}
	return plaintext[:len(plaintext)-padding], nil
}
