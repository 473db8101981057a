package connection

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"slices"
	"time"

	"rollcall/model"
	"rollcall/model/organization"
)

// CertificateState says how a certificate's dates stand.
type CertificateState string

// The states of a certificate.
const (
	CertificateValid       CertificateState = "valid"
	CertificateExpiring    CertificateState = "expiring" // within the first of warnedDays
	CertificateExpired     CertificateState = "expired"
	CertificateNotYetValid CertificateState = "not_yet_valid"
)

// CertificateUse says what a certificate of a connection is for.
type CertificateUse string

// The uses of certificates, as the reference's events name them.
const (
	ResponseSigning CertificateUse = "ResponseSigning" // the identity provider's
	RequestSigning  CertificateUse = "RequestSigning"  // ours
)

// Certificate is what is told of a certificate of a connection.
type Certificate struct {
	Use         CertificateUse   `json:"certificate_type"`
	Subject     string           `json:"subject"`
	Fingerprint string           `json:"fingerprint_sha256"`
	NotBefore   model.Time       `json:"not_before"`
	NotAfter    model.Time       `json:"not_after"`
	State       CertificateState `json:"state"`
}

// Certificates are those of a connection: the identity provider's, ours, and the one that stands by.
// One that cannot be read is left out: it must not keep anybody from replacing it.
func (c *Connection) Certificates(now time.Time) []Certificate {
	var out []Certificate
	for i, text := range slices.Concat(c.IDPCertificates, organization.Optional(c.SPCertificate),
		organization.Optional(c.SPStandbyCertificate)) {
		use := ResponseSigning
		if i >= len(c.IDPCertificates) {
			use = RequestSigning
		}
		if read, err := ReadCertificate(text, use, now); err == nil {
			out = append(out, read)
		}
	}
	return out
}

// ReadCertificate reads a certificate as connections keep it, in PEM.
func ReadCertificate(text string, use CertificateUse, now time.Time) (Certificate, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return Certificate{}, errors.New("a certificate is not PEM")
	}
	read, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return Certificate{}, err
	}
	sum := sha256.Sum256(read.Raw)
	c := Certificate{
		use, read.Subject.String(), hex.EncodeToString(sum[:]), model.TimeOf(read.NotBefore),
		model.TimeOf(read.NotAfter), CertificateValid,
	}
	switch {
	case now.After(read.NotAfter):
		c.State = CertificateExpired
	case now.Before(read.NotBefore):
		c.State = CertificateNotYetValid
	case c.NotAfter <= model.TimeOf(now.AddDate(0, 0, warnedDays[0])):
		c.State = CertificateExpiring
	}
	return c, nil
}
