package connection

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"slices"
	"time"

	"rollcall/model"
	"rollcall/model/organization"
	"rollcall/sso/certificate"
)

// CertificateState says whether a certificate is within its dates.
type CertificateState string

// The states of a certificate.
const (
	CertificateValid       CertificateState = "valid"
	CertificateExpiring    CertificateState = "expiring" // the first warning is due
	CertificateExpired     CertificateState = "expired"
	CertificateNotYetValid CertificateState = "not_yet_valid"
)

// CertificateUse says what a certificate of a connection signs.
type CertificateUse string

// The uses of certificates.
const (
	ResponseSigning CertificateUse = "ResponseSigning" // the identity provider's
	RequestSigning  CertificateUse = "RequestSigning"  // ours
)

// Certificate describes a certificate of a connection, in the API and in events.
type Certificate struct {
	Use         CertificateUse   `json:"certificate_type"`
	Subject     string           `json:"subject"`
	Fingerprint string           `json:"fingerprint_sha256"`
	NotBefore   model.Time       `json:"not_before"`
	NotAfter    model.Time       `json:"not_after"`
	State       CertificateState `json:"state"`
}

// Certificates returns the certificates of a connection: the identity provider's, ours, and our
// second one. It leaves out a certificate that cannot be read, so that it can be replaced.
func (c *Connection) Certificates(now time.Time) []Certificate {
	var out []Certificate
	ours := slices.Concat(organization.Optional(c.SPCertificate), organization.Optional(c.SPStandbyCertificate))
	for i, text := range slices.Concat(c.IDPCertificates, ours) {
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

// ReadCertificate reads a certificate in PEM, the format in which connections store it.
func ReadCertificate(text string, use CertificateUse, now time.Time) (Certificate, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return Certificate{}, errors.New("a certificate is not PEM")
	}
	read, err := certificate.Parse(block.Bytes)
	if err != nil {
		return Certificate{}, err
	}
	sum := sha256.Sum256(read.Raw)
	c := Certificate{
		Use: use, Subject: read.Subject.String(), Fingerprint: hex.EncodeToString(sum[:]),
		NotBefore: model.TimeOf(read.NotBefore), NotAfter: model.TimeOf(read.NotAfter), State: CertificateValid,
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
