package trust

import (
	"crypto/x509"
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
