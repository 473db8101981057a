package saml

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rsa"
	_ "crypto/sha1" // the default digest of OAEP, which does not need collision resistance
	"crypto/x509"
	"encoding/base64"
	"errors"
	"maps"
	"slices"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

const encryptionNS = "http://www.w3.org/2001/04/xmlenc#"

// contentMethod is an algorithm that encrypts an assertion. A CBC ciphertext can be altered
// unnoticed, so a decrypted assertion must be signed like any other.
type contentMethod struct {
	keySize int // in bytes
	gcm     bool
}

var contentMethods = map[string]contentMethod{
	"http://www.w3.org/2009/xmlenc11#aes128-gcm": {16, true},
	"http://www.w3.org/2009/xmlenc11#aes192-gcm": {24, true},
	"http://www.w3.org/2009/xmlenc11#aes256-gcm": {32, true},
	encryptionNS + "aes128-cbc":                  {16, false},
	encryptionNS + "aes192-cbc":                  {24, false},
	encryptionNS + "aes256-cbc":                  {32, false},
}

// methods returns the algorithms that our metadata offers, the best first.
func (e Encryption) methods() []string {
	offered := []string{
		"http://www.w3.org/2009/xmlenc11#aes256-gcm", "http://www.w3.org/2009/xmlenc11#aes128-gcm",
	}
	if e == EncryptionCBC {
		offered = append(offered, encryptionNS+"aes256-cbc", encryptionNS+"aes128-cbc")
	}
	return append(offered, oaepMGF1P)
}

// The algorithms that encrypt a key. RSA with PKCS #1 v1.5 is not accepted, because of
// Bleichenbacher's attack.
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

// decrypt decrypts the assertion, verifies its signature and sets m.assertion. It returns the
// certificate that signed, or nil if only the response is signed. If the response is not signed, an
// attacker can submit any ciphertext. Different errors would reveal the plaintext bit by bit, so
// all failures give the same error, with the cause for the server's log only.
func (sp SP) decrypt(m *message, idp IDP) (*x509.Certificate, error) {
	undecryptable := func(err error) error {
		const expected = "a signed assertion, encrypted for our key by AES with RSA-OAEP"
		return &Refused{Reason: Undecryptable, Expected: expected, Err: err}
	}
	plaintext, err := sp.open(m.encrypted)
	if r, ok := errors.AsType[*Refused](err); ok && r.Reason == WeakEncryption {
		return nil, r // reveals nothing: it follows from the algorithm's name, before a key is used
	}
	if err != nil {
		return nil, undecryptable(err)
	}
	root, err := read(plaintext, messageLimits)
	if err != nil {
		return nil, undecryptable(err)
	}
	inherit(root, m.encrypted)
	if err := m.setDecrypted(root); err != nil {
		return nil, undecryptable(err)
	}
	switch {
	case m.assertionSignature != nil:
		signer, err := verify(m.assertion, m.assertionSignature, idp.Certificates)
		if err != nil {
			return nil, undecryptable(err)
		}
		return signer, nil
	case m.responseSignature == nil:
		return nil, undecryptable(refuse(Unsigned, "a signature on the Response or the Assertion", ""))
	}
	return nil, nil
}

// setDecrypted sets the assertion of the message, by the same rules as findParts.
func (m *message) setDecrypted(root *etree.Element) error {
	s := newSearch()
	if err := s.walk(root); err != nil {
		return err
	}
	if s.object || len(s.assertions) != 1 || !is(root, assertionNS, "Assertion") {
		return refuse(NoAssertion, "one Assertion", root.Tag)
	}
	m.assertion = root
	return m.assignSignatures(s.signatures)
}

// open returns the plaintext of an EncryptedAssertion (XML Encryption §3 and §5).
func (sp SP) open(encrypted *etree.Element) ([]byte, error) {
	data, err := only(encrypted, encryptionNS, "EncryptedData", Undecryptable, Undecryptable)
	if err != nil {
		return nil, err
	}
	algorithm, value, _, err := cipherValue(data)
	if err != nil {
		return nil, err
	}
	content, ok := contentMethods[algorithm]
	if !ok {
		return nil, errUndecryptable
	}
	if !content.gcm && sp.Encryption != EncryptionCBC {
		return nil, refuse(WeakEncryption, "AES in GCM", algorithm)
	}
	for _, wrapped := range sp.encryptedKeys(encrypted, data) {
		key, err := sp.unwrap(wrapped)
		if err != nil || len(key) != content.keySize {
			continue
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		if content.gcm {
			return openGCM(block, value)
		}
		return openCBC(block, value)
	}
	return nil, errUndecryptable
}

// maxEncryptedKeys is how many keys of one assertion are tried.
const maxEncryptedKeys = 4

// encryptedKeys returns the keys by which the content may be encrypted for us, in the KeyInfo of
// the data or next to the data (SAML Core §2.3.4 has any number of them): those for our entity ID,
// then those for nobody, then the others, since some providers name our address there.
func (sp SP) encryptedKeys(encrypted, data *etree.Element) []*etree.Element {
	found := children(encrypted, encryptionNS, "EncryptedKey")
	for _, info := range children(data, signatureNS, "KeyInfo") {
		found = append(found, children(info, encryptionNS, "EncryptedKey")...)
	}
	order := func(el *etree.Element) int {
		switch recipient, ok := attribute(el, "Recipient"); {
		case recipient == sp.EntityID:
			return 0
		case !ok:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(found, func(a, b *etree.Element) int { return order(a) - order(b) })
	return found[:min(len(found), maxEncryptedKeys)]
}

// inherit declares the prefixes at the root of a decrypted assertion that it uses and only the
// response declares. A plaintext stands in place of what was encrypted (XML Encryption §4.5.2), and
// authentik leaves it to the response to declare them. Others are not declared: the signature may
// have been made without them.
func inherit(root, encrypted *etree.Element) {
	around := inheritedNamespaces(encrypted)
	around.declare(encrypted)
	missing := map[string]bool{}
	namespaces{}.undeclared(root, missing)
	for _, prefix := range slices.Sorted(maps.Keys(missing)) {
		if name := around[prefix]; name != "" {
			root.Attr = append(root.Attr, etree.Attr{Space: "xmlns", Key: prefix, Value: name})
		}
	}
	if root.Space == "" && around[""] != "" && !slices.ContainsFunc(root.Attr, isDefault) {
		root.Attr = append(root.Attr, etree.Attr{Key: "xmlns", Value: around[""]})
	}
}

// isDefault reports whether an attribute declares the default namespace.
func isDefault(a etree.Attr) bool {
	prefix, is := declaration(a)
	return is && prefix == ""
}

// cipherValue reads the parts that EncryptedData and EncryptedKey have in common.
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

// unwrap decrypts the key of the content by our key, or by the standby key.
func (sp SP) unwrap(el *etree.Element) ([]byte, error) {
	algorithm, value, method, err := cipherValue(el)
	if err != nil {
		return nil, err
	}
	digest, digestOK := oaepDigests[parameter(method, signatureNS, "DigestMethod")]
	mask, maskOK := oaepMasks[parameter(method, "http://www.w3.org/2009/xmlenc11#", "MGF")]
	if algorithm != oaep && algorithm != oaepMGF1P || !digestOK || !maskOK ||
		len(children(method, encryptionNS, "OAEPparams")) > 0 {
		return nil, errUndecryptable
	}
	keys := []crypto.Signer{sp.Key}
	if sp.Standby != nil {
		keys = append(keys, sp.Standby.Key)
	}
	for _, key := range keys {
		decrypter, ok := key.(crypto.Decrypter)
		if !ok {
			continue
		}
		if key, err := decrypter.Decrypt(nil, value, &rsa.OAEPOptions{Hash: digest, MGFHash: mask}); err == nil {
			return key, nil
		}
	}
	return nil, errUndecryptable
}

// parameter returns the Algorithm of a parameter of an encryption method.
func parameter(method *etree.Element, namespace, tag string) string {
	for _, el := range children(method, namespace, tag) {
		algorithm, _ := attribute(el, "Algorithm")
		return algorithm
	}
	return ""
}

// openGCM decrypts a value that begins with the nonce (XML Encryption 1.1 §5.2.4).
func openGCM(block cipher.Block, value []byte) ([]byte, error) {
	aead, err := cipher.NewGCM(block)
	if err != nil || len(value) < aead.NonceSize() {
		return nil, errUndecryptable
	}
	return aead.Open(nil, value[:aead.NonceSize()], value[aead.NonceSize():], nil)
}

// openCBC decrypts a value that begins with the initialization vector, and removes the padding of
// XML Encryption §5.2. Only the last byte of the padding is defined.
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
