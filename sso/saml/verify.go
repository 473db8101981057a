package saml

import (
	"bytes"
	"compress/flate"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/beevik/etree"
)

const (
	maxSkew     = 2 * time.Minute // by which the clocks may differ
	maxAge      = 5 * time.Minute // from IssueInstant to arrival, for slow phones and proxies
	maxLifetime = 25 * time.Hour  // from IssueInstant to NotOnOrAfter; Entra has 70 minutes
	// maxForm is the greatest length of a form value in bytes: base64 with line breaks.
	maxForm = 1 << 20
)

// Verify verifies a response of the Web Browser SSO profile (SAML Profiles §4.1.4) and returns its
// assertion. samlResponse is the value of the form field as it came. Every error is a [*Refused].
// The caller must check that the assertion is used once: see Assertion.ReplayUntil.
func (sp SP) Verify(idp IDP, samlResponse string, e Expect) (a *Assertion, err error) {
	defer func() {
		// The libraries that build the tree and its canonical form have panicked on some inputs. A
		// message must not end the process.
		if fault := recover(); fault != nil {
			a, err = nil, &Refused{Reason: ParserFailed, Err: fmt.Errorf("%v", fault)}
		}
	}()
	doc, err := decode(samlResponse)
	if err != nil {
		return nil, err
	}
	root, err := read(doc, messageLimits)
	if err != nil {
		return nil, err
	}
	m, err := findParts(root)
	if err != nil {
		return nil, err
	}
	p := profile{sp: sp, idp: idp, expect: e}
	// A response with an error status is mostly unsigned. Its status is reported before the missing
	// signature, because it is the real cause. Forging it gains nothing.
	if err := p.status(m.response); err != nil {
		return nil, err
	}
	if m.assertion == nil && m.encrypted == nil {
		return nil, refuse(NoAssertion, "an Assertion in the Response", "")
	}
	signers, err := sp.signers(m, idp)
	if err != nil {
		return nil, err
	}
	warnings, err := checkDates(signers, e)
	if err != nil {
		return nil, err
	}
	if err := p.response(m); err != nil {
		return nil, warned(err, warnings)
	}
	if a, err = p.assertion(m.assertion); err != nil {
		return nil, warned(err, warnings)
	}
	if e.RequestID == "" {
		a.Requests = m.requests()
	}
	a.Warnings = append(warnings, a.Warnings...)
	return a, nil
}

// warned adds to a refusal the faults that were accepted before it.
func warned(err error, warnings []*Refused) error {
	r, ok := errors.AsType[*Refused](err)
	if !ok || len(warnings) == 0 {
		return err
	}
	r.Warnings = append(warnings, r.Warnings...)
	return r
}

// signers verifies all signatures, makes sure that one of them covers the assertion, and returns
// the certificates that signed. m.assertion is the tree that was signed.
func (sp SP) signers(m *message, idp IDP) ([]*x509.Certificate, error) {
	switch {
	case m.encrypted != nil && sp.Encryption == EncryptionOff:
		return nil, refuse(EncryptedAssertion, "an assertion that is not encrypted", "")
	case m.encrypted == nil && m.assertionSignature == nil && m.responseSignature == nil:
		return nil, refuse(Unsigned, "a signature on the Response or the Assertion", "")
	}
	var signers []*x509.Certificate
	if m.assertionSignature != nil {
		signer, err := verify(m.assertion, m.assertionSignature, idp.Certificates)
		if err != nil {
			return nil, err
		}
		signers = append(signers, signer)
	}
	if m.responseSignature != nil {
		signer, err := verify(m.response, m.responseSignature, idp.Certificates)
		if err != nil {
			return nil, err
		}
		signers = append(signers, signer)
	}
	if m.encrypted != nil {
		signer, err := sp.decrypt(m, idp)
		if err != nil {
			return nil, err
		}
		if signer != nil {
			signers = append(signers, signer)
		}
	}
	m.removeSignatures()
	return signers, nil
}

// checkDates reports the first certificate that was used outside its dates: as a warning, or as an
// error if e enforces the dates.
func checkDates(signers []*x509.Certificate, e Expect) ([]*Refused, error) {
	for _, c := range signers {
		reason := CertificateExpired
		switch {
		case e.Now.Before(c.NotBefore):
			reason = CertificateNotYet
		case !e.Now.After(c.NotAfter):
			continue
		}
		date := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
		r := &Refused{
			Reason:   reason,
			Expected: "a certificate valid at " + date(e.Now),
			Received: fmt.Sprintf("%s from %s to %s", fingerprint(c.Raw), date(c.NotBefore), date(c.NotAfter)),
		}
		if e.EnforceCertificateDates {
			return nil, r
		}
		return []*Refused{r}, nil
	}
	return nil, nil
}

// decode decodes the form value. Apart from white space, it must be strict base64.
func decode(form string) ([]byte, error) {
	if form == "" {
		return nil, refuse(NoResponse, "the form field SAMLResponse", "")
	}
	if len(form) > maxForm {
		return nil, refuse(TooLarge, fmt.Sprintf("at most %d bytes", maxForm), fmt.Sprintf("%d bytes", len(form)))
	}
	doc, err := base64.StdEncoding.Strict().DecodeString(withoutSpace(form))
	if err != nil {
		return nil, &Refused{Reason: NotBase64, Expected: "base64", Err: err}
	}
	if len(doc) > 0 && doc[0] != '<' {
		// Only the beginning is inflated, to find the reason. A deflated form value is never
		// accepted.
		var begin [16]byte
		_, _ = io.ReadFull(flate.NewReader(bytes.NewReader(doc)), begin[:])
		if begin[0] == '<' {
			return nil, refuse(Compressed, "XML that is not deflated", "")
		}
	}
	return bytes.TrimPrefix(doc, []byte("\xef\xbb\xbf")), nil
}

// instant reads an xs:dateTime, and returns zero if there is none. SAML Core §1.3.3: it is in UTC;
// some providers omit the Z.
func instant(el *etree.Element, key string) (time.Time, error) {
	value, ok := attribute(el, key)
	if !ok {
		return time.Time{}, nil
	}
	for _, layout := range [...]string{time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, value); err == nil && !t.IsZero() {
			return t, nil
		}
	}
	return time.Time{}, refuse(BadTime, "an xs:dateTime in "+key, value)
}
