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

	"rollcall/sso/certificate"
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
	made, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, fmt.Errorf("saml: make a certificate: %w", err)
	}
	return key, made, nil
}

// EncodeCertificates returns certificates in PEM, as they are stored.
func EncodeCertificates(certificates []*x509.Certificate) []string {
	texts := make([]string, len(certificates))
	for i, c := range certificates {
		texts[i] = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	return texts
}

// ParseCertificate reads a certificate that an administrator pastes, or that stands in metadata:
// PEM, the base64 text of it, or base64 of PEM. Of several it reads the first, which in a chain is
// the one that signs. It refuses keys that are too weak to accept signatures from. The error is a
// [*Refused].
func ParseCertificate(pasted string) (*x509.Certificate, error) {
	der, err := readPasted(pasted)
	if err != nil {
		return nil, err
	}
	c, err := certificate.Parse(der)
	if err != nil {
		return nil, &Refused{Reason: BadCertificate, Expected: anyCertificate, Received: err.Error(), Err: err}
	}
	return c, checkKey(c)
}

// anyCertificate is what is expected where a certificate cannot be read.
const anyCertificate = "an X.509 certificate as PEM or base64"

// readPasted returns the DER of the first certificate in a text.
func readPasted(pasted string) ([]byte, error) {
	pasted = tidied(pasted)
	if strings.Contains(pasted, "-----BEGIN") {
		return firstPEM(pasted)
	}
	encoded := strings.TrimRight(withoutSpace(pasted), "=")
	if encoded == "" {
		return nil, refuse(BadCertificate, anyCertificate, "nothing")
	}
	if strings.HasPrefix(encoded, "<") {
		return nil, refuse(BadCertificate, anyCertificate, "XML")
	}
	encoding := base64.RawStdEncoding
	if strings.ContainsAny(encoded, "-_") {
		encoding = base64.RawURLEncoding
	}
	der, err := encoding.DecodeString(encoded)
	if err != nil {
		return nil, &Refused{
			Reason: BadCertificate, Expected: anyCertificate, Received: "text that is not base64", Err: err,
		}
	}
	if strings.Contains(string(der), "-----BEGIN") {
		return firstPEM(tidied(string(der)))
	}
	return der, nil
}

// tidied removes what copying from JSON, from XML and from web pages leaves in PEM or base64.
func tidied(pasted string) string {
	return strings.Trim(strings.NewReplacer(`\r`, "\n", `\n`, "\n", "\r", "\n", "&#13;", "\n", "&#xD;", "\n",
		"&#10;", "\n",
		"\ufeff", "", "\u200b", "", "\u00a0", " ").Replace(pasted), " \t\n\"'")
}

// firstPEM returns the DER of the first certificate in PEM. The lines around it may have lost their
// line breaks.
func firstPEM(text string) ([]byte, error) {
	_, rest, _ := strings.Cut(text, "-----BEGIN ")
	kind, rest, found := strings.Cut(rest, "-----")
	for found && !strings.HasSuffix(kind, "CERTIFICATE") && strings.Contains(rest, "-----BEGIN ") {
		_, rest, _ = strings.Cut(rest, "-----BEGIN ")
		kind, rest, found = strings.Cut(rest, "-----")
	}
	if !found || !strings.HasSuffix(kind, "CERTIFICATE") {
		return nil, refuse(BadCertificate, anyCertificate, "a "+kind)
	}
	encoded, _, _ := strings.Cut(rest, "-----")
	der, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(withoutSpace(encoded), "="))
	if err != nil || len(der) == 0 {
		return nil, &Refused{
			Reason: BadCertificate, Expected: anyCertificate, Received: "PEM that is cut off or damaged", Err: err,
		}
	}
	return der, nil
}
