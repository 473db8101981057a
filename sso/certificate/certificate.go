// Package certificate reads X.509 certificates of identity providers. Trust in SAML is in the key
// of a certificate that an administrator chose, so that nothing else in it has to be right.
package certificate

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// Parse reads a certificate in DER. crypto/x509 refuses certificates that other implementations
// read: an underscore in a PrintableString, a negative serial number, an extension that is there
// twice. RFC 5280 §4.1.2.2 asks to be prepared for such. Of them, Parse reads the dates, the
// subject and the key: Raw, RawSubjectPublicKeyInfo, PublicKey, PublicKeyAlgorithm, NotBefore,
// NotAfter, RawSubject and Subject are set. PublicKey is nil for a key that is not known here, and
// [KeyName] says which that is.
func Parse(der []byte) (*x509.Certificate, error) {
	var first asn1.RawValue
	rest, err := asn1.Unmarshal(der, &first)
	if err != nil {
		return nil, errors.New("not the DER of a certificate")
	}
	// Some tools write a whole chain, or white space behind the certificate.
	der = der[:len(der)-len(rest)]
	if c, err := x509.ParseCertificate(der); err == nil {
		return c, nil
	}
	fields, err := sequence(der)
	if err != nil || len(fields) != 3 {
		return nil, errors.New("not the DER of a certificate")
	}
	return fromTBS(der, fields[0].FullBytes)
}

// fromTBS reads the fields that are needed from a TBSCertificate (RFC 5280 §4.1).
func fromTBS(der, tbs []byte) (*x509.Certificate, error) {
	fields, err := sequence(tbs)
	if err != nil {
		return nil, errors.New("not the DER of a certificate")
	}
	if len(fields) > 0 && fields[0].Class == asn1.ClassContextSpecific && fields[0].Tag == 0 {
		fields = fields[1:] // the version
	}
	// serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo
	if len(fields) < 6 {
		return nil, errors.New("not the DER of a certificate")
	}
	c := &x509.Certificate{
		Raw: der, RawTBSCertificate: tbs, RawSubject: fields[4].FullBytes, RawSubjectPublicKeyInfo: fields[5].FullBytes,
	}
	validity, err := sequence(fields[3].FullBytes)
	if err != nil || len(validity) != 2 {
		return nil, errors.New("a certificate without dates")
	}
	if c.NotBefore, err = moment(validity[0]); err != nil {
		return nil, err
	}
	if c.NotAfter, err = moment(validity[1]); err != nil {
		return nil, err
	}
	c.Subject = subject(fields[4].FullBytes)
	c.PublicKey, c.PublicKeyAlgorithm = publicKey(c.RawSubjectPublicKeyInfo)
	return c, nil
}

// sequence returns what is in a SEQUENCE or SET.
func sequence(der []byte) ([]asn1.RawValue, error) {
	var outer asn1.RawValue
	if rest, err := asn1.Unmarshal(der, &outer); err != nil || len(rest) > 0 || !outer.IsCompound {
		return nil, errors.New("not a sequence")
	}
	var fields []asn1.RawValue
	for in := outer.Bytes; len(in) > 0; {
		var field asn1.RawValue
		rest, err := asn1.Unmarshal(in, &field)
		if err != nil {
			return nil, err
		}
		fields, in = append(fields, field), rest
	}
	return fields, nil
}

// moment reads a time, also in the forms that DER does not allow.
func moment(v asn1.RawValue) (time.Time, error) {
	layouts := []string{"060102150405Z0700", "0601021504Z0700"}
	if v.Tag == asn1.TagGeneralizedTime {
		layouts = []string{"20060102150405Z0700", "20060102150405", "200601021504Z0700"}
	}
	for _, layout := range layouts {
		t, err := time.Parse(layout, string(v.Bytes))
		if err != nil {
			continue
		}
		// RFC 5280 §4.1.2.5.1: of two digits, 50 to 99 are of the last century.
		if v.Tag == asn1.TagUTCTime && t.Year() >= 2050 {
			t = t.AddDate(-100, 0, 0)
		}
		return t, nil
	}
	return time.Time{}, errors.New("a certificate whose dates cannot be read")
}

// subject reads a name as far as it can be read.
func subject(der []byte) (name pkix.Name) {
	sets, err := sequence(der)
	if err != nil {
		return name
	}
	var read pkix.RDNSequence
	for _, set := range sets {
		pairs, err := sequence(set.FullBytes)
		if err != nil {
			continue
		}
		for _, pair := range pairs {
			var kind asn1.ObjectIdentifier
			fields, err := sequence(pair.FullBytes)
			if err != nil || len(fields) != 2 {
				continue
			}
			if _, err := asn1.Unmarshal(fields[0].FullBytes, &kind); err == nil {
				read = append(read, pkix.RelativeDistinguishedNameSET{{Type: kind, Value: text(fields[1])}})
			}
		}
	}
	name.FillFromRDNSequence(&read)
	return name
}

// text reads a string of whatever type.
func text(v asn1.RawValue) string {
	switch {
	case v.Tag == asn1.TagBMPString:
		var units []uint16
		for pair := range slices.Chunk(v.Bytes, 2) {
			if len(pair) == 2 {
				units = append(units, uint16(pair[0])<<8|uint16(pair[1]))
			}
		}
		return string(utf16.Decode(units))
	case utf8.Valid(v.Bytes):
		return strings.ReplaceAll(string(v.Bytes), "\x00", "")
	}
	latin1 := make([]rune, len(v.Bytes))
	for i, b := range v.Bytes {
		latin1[i] = rune(b)
	}
	return strings.ReplaceAll(string(latin1), "\x00", "")
}

var rsaEncryption = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}

// publicKey reads a SubjectPublicKeyInfo. The key is nil if it is not known here.
func publicKey(der []byte) (crypto.PublicKey, x509.PublicKeyAlgorithm) {
	kind, _, bits := keyInfo(der)
	if kind.Equal(rsaEncryption) {
		// Some toolkits leave out the parameters, which are NULL and say nothing.
		if key, err := x509.ParsePKCS1PublicKey(bits); err == nil {
			return key, x509.RSA
		}
		return nil, x509.UnknownPublicKeyAlgorithm
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, x509.UnknownPublicKeyAlgorithm
	}
	return key, algorithmOf(kind)
}

// keyInfo returns the algorithm of a SubjectPublicKeyInfo, the curve if it names one, and the key.
func keyInfo(der []byte) (kind, curve asn1.ObjectIdentifier, bits []byte) {
	fields, err := sequence(der)
	if err != nil || len(fields) != 2 {
		return nil, nil, nil
	}
	algorithm, err := sequence(fields[0].FullBytes)
	if err != nil || len(algorithm) == 0 {
		return nil, nil, nil
	}
	if _, err := asn1.Unmarshal(algorithm[0].FullBytes, &kind); err != nil {
		return nil, nil, nil
	}
	if len(algorithm) > 1 {
		if _, err := asn1.Unmarshal(algorithm[1].FullBytes, &curve); err != nil {
			curve = nil
		}
	}
	var key asn1.BitString
	if _, err := asn1.Unmarshal(fields[1].FullBytes, &key); err != nil {
		return kind, curve, nil
	}
	return kind, curve, key.RightAlign()
}
