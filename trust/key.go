package trust

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"time"

	"rollcall/model"
	"rollcall/sso/saml"
)

// NewKey makes a key of ours for a connection. It returns the certificate in PEM, and the private
// key in PKCS #8.
func NewKey(connectionID string, now time.Time) (certificate string, pkcs8 []byte, err error) {
	private, made, err := saml.NewKey(model.ConnectionPrefix.ID(connectionID), now)
	if err != nil {
		return "", nil, err
	}
	pkcs8, err = x509.MarshalPKCS8PrivateKey(private)
	return saml.EncodeCertificates([]*x509.Certificate{made})[0], pkcs8, err
}

// KeyPair is a key that a customer brings along: the identity provider knows its certificate.
type KeyPair struct {
	Key         string `json:"key"`  // in PEM
	Certificate string `json:"cert"` // in PEM
}

// Read returns the pair as it is stored: the certificate in PEM, and the private key in PKCS #8. It
// answers model.Invalid, without quoting the key, when the two are no pair of RSA, which is what
// identity providers encrypt for.
func (p KeyPair) Read() (certificate string, pkcs8 []byte, err error) {
	const field = "saml_options.sp_signing_key_pair"
	read, err := saml.ParseCertificate(p.Certificate)
	if err != nil {
		return "", nil, refused(field, err)
	}
	private := p.private()
	public, ok := read.PublicKey.(*rsa.PublicKey)
	if private == nil || !ok || !private.PublicKey.Equal(public) {
		return "", nil, model.Invalidf(field,
			"key is a private key of RSA in PEM, without a password, and cert is its certificate")
	}
	pkcs8, err = x509.MarshalPKCS8PrivateKey(private)
	return saml.EncodeCertificates([]*x509.Certificate{read})[0], pkcs8, err
}

// private reads the private key in PKCS #8 or PKCS #1. It is nil for anything else.
func (p KeyPair) private() *rsa.PrivateKey {
	block, _ := pem.Decode([]byte(p.Key))
	if block == nil {
		return nil
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	private, ok := key.(*rsa.PrivateKey)
	if err != nil || !ok {
		return nil
	}
	return private
}
