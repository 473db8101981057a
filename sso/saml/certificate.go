package saml

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// keyYears is how long our own certificates are valid: longer than any connection is used. Identity
// providers pin the key in them, and on the day on which one expires nobody could sign in.
const keyYears = 20

// NewKey makes a new RSA key of 2048 bits for a connection, and a self-signed certificate that
// publishes it. The certificate is valid from a day before now, for 20 years.
func NewKey(commonName string, now time.Time) (*rsa.PrivateKey, *x509.Certificate, error) {
	key, err := rsa.GenerateKey(rand.Reader, minRSABits)
	if err != nil {
		return nil, nil, fmt.Errorf("saml: make a key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, nil, fmt.Errorf("saml: make a certificate: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: commonName},
		// A day back, so that an identity provider whose clock is behind accepts it.
		NotBefore:             now.Add(-24 * time.Hour),
		NotAfter:              now.AddDate(keyYears, 0, 0),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, crypto.PublicKey(&key.PublicKey), key)
	if err != nil {
		return nil, nil, fmt.Errorf("saml: make a certificate: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, fmt.Errorf("saml: make a certificate: %w", err)
	}
	return key, certificate, nil
}

// EncodeCertificates returns certificates in PEM, as they are stored.
func EncodeCertificates(certificates []*x509.Certificate) []string {
	texts := make([]string, len(certificates))
	for i, c := range certificates {
		texts[i] = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	return texts
}

// ParseCertificate reads a certificate that an administrator pastes: PEM, or only the base64 text
// of it. It refuses keys that are too weak to accept signatures from. The error is a [*Refused].
func ParseCertificate(pasted string) (*x509.Certificate, error) {
	pasted = strings.TrimSpace(pasted)
	if block, _ := pem.Decode([]byte(pasted)); block != nil {
		if block.Type != "CERTIFICATE" {
			return nil, refuse(BadCertificate, "a certificate", "a "+block.Type)
		}
		return parseCertificate(block.Bytes)
	}
	for _, line := range [...]string{"-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"} {
		pasted = strings.ReplaceAll(pasted, line, "")
	}
	der, err := base64.StdEncoding.DecodeString(withoutSpace(pasted))
	if err != nil {
		return nil, &Refused{Reason: BadCertificate, Expected: "PEM or base64", Err: err}
	}
	return parseCertificate(der)
}

// parseCertificate reads a certificate in DER and checks its key.
func parseCertificate(der []byte) (*x509.Certificate, error) {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, &Refused{Reason: BadCertificate, Expected: "an X.509 certificate", Err: err}
	}
	return c, checkKey(c)
}
