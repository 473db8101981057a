package saml

import (
	"bytes"
	"compress/flate"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"time"

	"github.com/beevik/etree"
)

const (
	maxSkew     = 2 * time.Minute
	maxAge      = 5 * time.Minute // from IssueInstant to arrival; slow phones and proxies take some
	maxLifetime = 25 * time.Hour  // from IssueInstant to NotOnOrAfter; Entra has 70 minutes
	// maxForm is the longest form value that is decoded: base64 with line breaks.
	maxForm = 1 << 20
)

// Verify tells what a response says: samlResponse is the form's value as it came. Every error is a
// Refused. It does not know whether the assertion came before: see Assertion.ReplayUntil.
func (sp SP) Verify(idp IDP, samlResponse string, e Expect) (a *Assertion, err error) {
	defer func() {
		// The tree and its canonical form are made by libraries that have had such faults: a
		// message must not end the process.
		if fault := recover(); fault != nil {
			a, err = nil, &Refused{Reason: ParserFailed, Err: fmt.Errorf("%v", fault)}
		}
	}()
	doc, err := decode(samlResponse)
	if err != nil {
		return nil, err
	}
	if err := precheck(doc, messageLimits); err != nil {
		return nil, err
	}
	root, err := parse(doc)
	if err != nil {
		return nil, err
	}
	m, err := arrange(root)
	if err != nil {
		return nil, err
	}
	p := profile{sp: sp, idp: idp, expect: e}
	// An identity provider's "no" is mostly unsigned. It is told first, since there is nothing
	// else to say, and nobody gains by forging it.
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
	warnings, err := outOfDate(signers, e)
	if err != nil {
		return nil, err
	}
	if err := p.response(m); err != nil {
		return nil, err
	}
	if a, err = p.assertion(m.assertion); err != nil {
		return nil, err
	}
	a.Warnings = warnings
	return a, nil
}

// signers checks every signature that is there, and that the assertion is under one. What is read
// afterwards, m.assertion, is what was signed.
func (sp SP) signers(m *message, idp IDP) ([]*x509.Certificate, error) {
	switch {
	case m.encrypted != nil && sp.Encryption == EncryptionOff:
		return nil, refuse(EncryptedAssertion, "an assertion that is not encrypted", "")
	case m.encrypted == nil && m.assertionSignature == nil && m.responseSignature == nil:
		return nil, refuse(Unsigned, "a signature on the Response or the Assertion", "")
	}
	var signers []*x509.Certificate
	if m.assertionSignature != nil {
		// On a copy if the response's signature is over this one too.
		signer, err := verify(m.assertion, m.assertionSignature, idp.Certificates, m.responseSignature == nil)
		if err != nil {
			return nil, err
		}
		signers = append(signers, signer)
	}
	if m.responseSignature != nil {
		signer, err := verify(m.response, m.responseSignature, idp.Certificates, true)
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
	return signers, nil
}

// outOfDate tells of the first certificate that was used beyond its dates.
func outOfDate(signers []*x509.Certificate, e Expect) ([]*Refused, error) {
	for _, c := range signers {
		reason := CertificateExpired
		switch {
		case e.Now.Before(c.NotBefore):
			reason = CertificateNotYet
		case !e.Now.After(c.NotAfter):
			continue
		}
		const format = time.RFC3339
		r := &Refused{
			Reason:   reason,
			Expected: "a certificate valid at " + e.Now.UTC().Format(format),
			Received: fmt.Sprintf("%s from %s to %s", fingerprint(c.Raw), c.NotBefore.UTC().Format(format), c.NotAfter.UTC().Format(format)),
		}
		if e.EnforceCertificateDates {
			return nil, r
		}
		return []*Refused{r}, nil
	}
	return nil, nil
}

// decode reads the form value. Identity providers break its lines; nothing else is let pass.
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
		// Only the beginning is inflated: this is to give a reason, not to read it.
		var begin [16]byte
		n, _ := io.ReadFull(flate.NewReader(bytes.NewReader(doc)), begin[:])
		if n > 0 && begin[0] == '<' {
			return nil, refuse(Compressed, "XML that is not deflated", "")
		}
	}
	return bytes.TrimPrefix(doc, []byte("\xef\xbb\xbf")), nil
}

// instant reads an xs:dateTime. SAML Core §1.3.3: it is in UTC; some leave the Z out.
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
