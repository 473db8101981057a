package certificate

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
)

var ecPublicKey = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}

// algorithms are the kinds of keys, by the object identifier of the algorithm.
var algorithms = map[string]struct {
	name string
	is   x509.PublicKeyAlgorithm
}{
	"1.2.840.113549.1.1.1":  {"an RSA key", x509.RSA},
	"1.2.840.113549.1.1.10": {"a key for RSA-PSS alone", x509.UnknownPublicKeyAlgorithm},
	"1.2.840.10045.2.1":     {"a key on an elliptic curve", x509.ECDSA},
	"1.2.840.10040.4.1":     {"a DSA key", x509.DSA},
	"1.3.101.112":           {"an Ed25519 key", x509.Ed25519},
	"1.3.101.113":           {"an Ed448 key", x509.UnknownPublicKeyAlgorithm},
	"1.2.643.7.1.1.1.1":     {"a GOST key", x509.UnknownPublicKeyAlgorithm},
}

// curves are the curves that certificates name, by object identifier.
var curves = map[string]string{
	"1.2.840.10045.3.1.1": "P-192", "1.3.132.0.33": "P-224", "1.2.840.10045.3.1.7": "P-256", "1.3.132.0.34": "P-384",
	"1.3.132.0.35": "P-521", "1.3.132.0.10": "secp256k1", "1.2.156.10197.1.301": "SM2",
	"1.3.36.3.3.2.8.1.1.1": "brainpoolP160r1", "1.3.36.3.3.2.8.1.1.3": "brainpoolP192r1",
	"1.3.36.3.3.2.8.1.1.5": "brainpoolP224r1", "1.3.36.3.3.2.8.1.1.7": "brainpoolP256r1",
	"1.3.36.3.3.2.8.1.1.9": "brainpoolP320r1", "1.3.36.3.3.2.8.1.1.11": "brainpoolP384r1",
	"1.3.36.3.3.2.8.1.1.13": "brainpoolP512r1",
}

// algorithmOf returns the name of package x509 for an algorithm.
func algorithmOf(kind asn1.ObjectIdentifier) x509.PublicKeyAlgorithm {
	return algorithms[kind.String()].is
}

// KeyName describes the key of a certificate, such as "an RSA key of 2048 bits" or "a key on the
// curve brainpoolP256r1".
func KeyName(c *x509.Certificate) string {
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("an RSA key of %d bits", key.N.BitLen())
	case *ecdsa.PublicKey:
		return "a key on the curve " + key.Params().Name
	}
	kind, curve, _ := keyInfo(c.RawSubjectPublicKeyInfo)
	known, ok := algorithms[kind.String()]
	switch name := curves[curve.String()]; {
	case kind.Equal(ecPublicKey) && name != "":
		return "a key on the curve " + name
	case kind.Equal(ecPublicKey) && len(curve) > 0:
		return "a key on the curve " + curve.String()
	case kind.Equal(ecPublicKey):
		return "a key on a curve without a name"
	case kind.Equal(rsaEncryption):
		return "an RSA key that cannot be read"
	case ok:
		return known.name
	case len(kind) > 0:
		return "a key of the algorithm " + kind.String()
	}
	return "a key that cannot be read"
}
