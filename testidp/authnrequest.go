package testidp

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/crewjam/saml"
)

const (
	maxAuthnRequest = 64 << 10 // bytes, inflated; real ones have 2,000
	maxRelayState   = 1 << 10  // bytes; SAML bindings §3.4.3 allows 80, but some applications send more
)

// authnRequest has the parts of an AuthnRequest that are read (SAML core §3.4.1).
type authnRequest struct {
	XMLName     xml.Name `xml:"urn:oasis:names:tc:SAML:2.0:protocol AuthnRequest"`
	ID          string   `xml:"ID,attr"`
	Version     string   `xml:"Version,attr"`
	Destination string   `xml:"Destination,attr"`
	ForceAuthn  boolean  `xml:"ForceAuthn,attr"`
	IsPassive   boolean  `xml:"IsPassive,attr"`
	Binding     string   `xml:"ProtocolBinding,attr"`
	ACSURL      string   `xml:"AssertionConsumerServiceURL,attr"`
	Issuer      string   `xml:"urn:oasis:names:tc:SAML:2.0:assertion Issuer"`
}

// boolean is an xs:boolean.
type boolean bool

// UnmarshalText reads the four spellings of XML Schema part 2 §3.2.2.
func (b *boolean) UnmarshalText(text []byte) error {
	switch strings.TrimSpace(string(text)) {
	case "true", "1":
		*b = true
	case "false", "0":
		*b = false
	default:
		return errors.New("a boolean is neither true nor false")
	}
	return nil
}

// inflate decodes the SAMLRequest of HTTP-Redirect (SAML bindings §3.4.4.1).
func inflate(samlRequest string) ([]byte, error) {
	compressed, err := base64.StdEncoding.DecodeString(samlRequest)
	if err != nil {
		return nil, errors.New("the SAMLRequest is not in base64")
	}
	reader := flate.NewReader(bytes.NewReader(compressed))
	document, err := io.ReadAll(io.LimitReader(reader, maxAuthnRequest+1))
	switch {
	case len(document) > maxAuthnRequest:
		return nil, fmt.Errorf("the SAMLRequest has more than %d bytes", maxAuthnRequest)
	case err != nil:
		return nil, errors.New("the SAMLRequest cannot be inflated")
	}
	return document, nil
}

// deflate converts the SAMLRequest of HTTP-POST to that of HTTP-Redirect.
func deflate(samlRequest string) (string, error) {
	document, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(samlRequest), ""))
	if err != nil {
		return "", errors.New("the SAMLRequest is not in base64")
	}
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		return "", err
	}
	if _, err := w.Write(document); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(b.Bytes()), nil
}

// messageID is the form of an ID. The length is checked separately: with a count in the expression,
// the compiled form would repeat the letters of all scripts 255 times, and take 25 ms at each
// start.
var messageID = regexp.MustCompile(`^[\pL_][\pL\pN._-]*$`)

// maxMessageID is how many characters an ID may have.
const maxMessageID = 256

// parseAuthnRequest reads an AuthnRequest. Its signature is not verified: anybody may send one, and
// the response only goes to the connected service provider.
func parseAuthnRequest(document []byte) (*authnRequest, error) {
	d := xml.NewDecoder(bytes.NewReader(document))
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if _, ok := token.(xml.Directive); ok {
			return nil, errors.New("the AuthnRequest has a DOCTYPE")
		}
		if err != nil {
			return nil, errors.New("the AuthnRequest is not well-formed")
		}
	}
	var r authnRequest
	if err := xml.Unmarshal(document, &r); err != nil {
		return nil, fmt.Errorf("the AuthnRequest cannot be read: %w", err)
	}
	r.Issuer = strings.TrimSpace(r.Issuer)
	return &r, nil
}

// check compares a request with the connected service provider. The request must have an ID and an
// issuer. It may omit the other fields.
func (r *authnRequest) check(a *Application) error {
	sp := a.serviceProvider()
	switch {
	case r.Version != "2.0":
		return fmt.Errorf("the AuthnRequest has the version %q, not 2.0", r.Version)
	case utf8.RuneCountInString(r.ID) > maxMessageID, !messageID.MatchString(r.ID):
		return errors.New("the AuthnRequest has no usable ID")
	case r.Issuer != sp.entityID:
		return fmt.Errorf("the AuthnRequest comes from %q; connected is %q", r.Issuer, sp.entityID)
	case r.Destination != "" && r.Destination != a.SAMLSignOnURL():
		return fmt.Errorf("the AuthnRequest is for %q; this is %q", r.Destination, a.SAMLSignOnURL())
	case r.ACSURL != "" && r.ACSURL != sp.acsURL:
		return fmt.Errorf("the AuthnRequest wants its answer at %q; connected is %q", r.ACSURL, sp.acsURL)
	case r.Binding != "" && r.Binding != saml.HTTPPostBinding:
		return fmt.Errorf("the AuthnRequest wants its answer by %q; only %q is served", r.Binding, saml.HTTPPostBinding)
	}
	return nil
}
