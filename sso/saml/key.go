package saml

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	_ "crypto/sha512" // the longer hashes of the allow-lists
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"rollcall/sso/certificate"
)

// method is an accepted signature algorithm.
type method struct {
	hash  crypto.Hash
	ecdsa bool
}

// The accepted algorithms. SHA-1 is in neither list, and no setting adds it.
var (
	signatureMethods = map[string]method{
		dsig.RSASHA256SignatureMethod:   {hash: crypto.SHA256},
		dsig.RSASHA384SignatureMethod:   {hash: crypto.SHA384},
		dsig.RSASHA512SignatureMethod:   {hash: crypto.SHA512},
		dsig.ECDSASHA256SignatureMethod: {hash: crypto.SHA256, ecdsa: true},
		dsig.ECDSASHA384SignatureMethod: {hash: crypto.SHA384, ecdsa: true},
		dsig.ECDSASHA512SignatureMethod: {hash: crypto.SHA512, ecdsa: true},
	}
	digestMethods = map[string]crypto.Hash{
		"http://www.w3.org/2001/04/xmlenc#sha256":       crypto.SHA256,
		"http://www.w3.org/2001/04/xmldsig-more#sha384": crypto.SHA384,
		"http://www.w3.org/2001/04/xmlenc#sha512":       crypto.SHA512,
	}
)

// RSA keys outside these limits are refused. A shorter one can be factored. With a very long one,
// an identity provider could make each sign-in take seconds.
const (
	minRSABits = 2048
	maxRSABits = 8192
)

// signatureMethod reads a SignatureMethod.
func signatureMethod(el *etree.Element) (method, error) {
	algorithm, _ := attribute(el, "Algorithm")
	m, ok := signatureMethods[algorithm]
	if !ok {
		return m, refuseAlgorithm(algorithm, dsig.RSASHA256SignatureMethod)
	}
	if len(el.ChildElements()) > 0 {
		return m, refuse(AmbiguousSignature, "no parameters in SignatureMethod", "")
	}
	return m, nil
}

// digestMethod reads a DigestMethod.
func digestMethod(el *etree.Element) (crypto.Hash, error) {
	algorithm, _ := attribute(el, "Algorithm")
	hash, ok := digestMethods[algorithm]
	if !ok {
		return 0, refuseAlgorithm(algorithm, "http://www.w3.org/2001/04/xmlenc#sha256")
	}
	if len(el.ChildElements()) > 0 {
		// SignedInfo is canonicalized before its signature is verified, so it must be simple.
		return 0, refuse(AmbiguousSignature, "no parameters in DigestMethod", "")
	}
	return hash, nil
}

// refuseAlgorithm returns the error for an algorithm that is not accepted.
func refuseAlgorithm(algorithm, expected string) error {
	reason := UnknownAlgorithm
	switch _, name, _ := strings.Cut(algorithm, "#"); {
	case strings.HasPrefix(name, "hmac"):
		reason = SymmetricAlgorithm
	case strings.HasSuffix(name, "sha1"), strings.HasSuffix(name, "md5"):
		reason = WeakAlgorithm
	}
	return refuse(reason, expected, algorithm)
}

// signer returns the certificate whose key signed. It ignores the certificate that the message
// names: a renewed certificate often keeps its key, and a forged message may name any.
func (s *signature) signer(signed []byte, certificates []*x509.Certificate) (*x509.Certificate, error) {
	if len(certificates) == 0 {
		return nil, refuse(NoCertificate, "a certificate of the identity provider", "")
	}
	hash := s.method.hash.New()
	hash.Write(signed)
	sum := hash.Sum(nil)
	var weak error
	var configured []string
	for _, c := range certificates {
		if err := checkKey(c); err != nil {
			weak = err
			continue
		}
		switch key := c.PublicKey.(type) {
		case *rsa.PublicKey:
			if !s.method.ecdsa && rsa.VerifyPKCS1v15(key, s.method.hash, sum, s.value) == nil {
				return c, nil
			}
		case *ecdsa.PublicKey:
			if s.method.ecdsa && verifyECDSA(key, sum, s.value) {
				return c, nil
			}
		}
		configured = append(configured, fingerprint(c.Raw))
	}
	if len(configured) == 0 {
		return nil, weak
	}
	expected := "a certificate with the SHA-256 fingerprint " + strings.Join(configured, " or ")
	return nil, refuse(WrongKey, expected, s.namedCertificate)
}

// verifyECDSA verifies a signature in the encoding of XML Signature: r and s in full length, one
// after the other (RFC 6931 §2.3.6). Go's own encoding is ASN.1.
func verifyECDSA(key *ecdsa.PublicKey, sum, value []byte) bool {
	size := (key.Params().BitSize + 7) / 8
	if len(value) != 2*size {
		return false
	}
	return ecdsa.Verify(key, sum, new(big.Int).SetBytes(value[:size]), new(big.Int).SetBytes(value[size:]))
}

// checkKey refuses a certificate whose key is too weak to accept signatures from.
func checkKey(c *x509.Certificate) error {
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < minRSABits || bits > maxRSABits {
			expected := fmt.Sprintf("an RSA key of %d to %d bits", minRSABits, maxRSABits)
			return refuse(WeakKey, expected, certificate.KeyName(c))
		}
		return nil
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P256() || key.Curve == elliptic.P384() || key.Curve == elliptic.P521() {
			return nil
		}
		return refuse(WeakKey, acceptedKeys, certificate.KeyName(c))
	}
	return refuse(UnsupportedKey, acceptedKeys, certificate.KeyName(c))
}

// acceptedKeys are the keys that may sign.
const acceptedKeys = "an RSA key, or one on the curve P-256, P-384 or P-521"

// namedCertificate returns the fingerprint of the first certificate in a KeyInfo, for the log.
func namedCertificate(keyInfo *etree.Element) string {
	if keyInfo == nil {
		return ""
	}
	for _, data := range children(keyInfo, signatureNS, "X509Data") {
		for _, c := range children(data, signatureNS, "X509Certificate") {
			if der, err := base64.StdEncoding.DecodeString(withoutSpace(c.Text())); err == nil {
				return fingerprint(der)
			}
		}
	}
	return "no certificate"
}

// fingerprint returns the SHA-256 of a certificate in DER, in hexadecimal.
func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}
