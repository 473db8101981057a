package saml

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	dsig "github.com/russellhaering/goxmldsig"
)

// The two parameters in which the HTTP-Redirect binding carries a message.
const (
	RequestParameter  = "SAMLRequest"
	ResponseParameter = "SAMLResponse"
)

// maxRelayState is the greatest length of a RelayState in bytes (SAML Bindings §3.4.3 and §3.5.3).
const maxRelayState = 80

// maxQuery is the greatest length of a query in bytes. Browsers and proxies allow less.
const maxQuery = 64 << 10

// Redirected is a message that came by HTTP-Redirect with a valid signature.
type Redirected struct {
	Parameter  string // RequestParameter or ResponseParameter
	Document   []byte // the XML, which has passed the precheck
	RelayState string
	Signer     *x509.Certificate // the certificate whose key signed
}

// RedirectURL returns the address to which the browser takes a message by HTTP-Redirect. The
// signature is over the query itself (SAML Bindings §3.4.4.1): over the parameters in this order
// and escaping, without the rest of the address. The document has no signature of its own. The
// error is for a RelayState over 80 bytes, an address that is no URL, or a key that cannot sign.
func (sp SP) RedirectURL(address, parameter string, document []byte, relayState string) (string, error) {
	if len(relayState) > maxRelayState {
		return "", fmt.Errorf("saml: a RelayState has at most %d bytes", maxRelayState)
	}
	return sp.signedURL(address, parameter, document, relayState)
}

// signedURL is RedirectURL for a RelayState of any length: one that the identity provider made is
// returned unchanged.
func (sp SP) signedURL(address, parameter string, document []byte, relayState string) (string, error) {
	query, err := redirectQuery(parameter, document, relayState)
	if err != nil {
		return "", err
	}
	query += "&SigAlg=" + url.QueryEscape(dsig.RSASHA256SignatureMethod)
	signature, err := sp.sign([]byte(query))
	if err != nil {
		return "", err
	}
	return addQuery(address, query+"&Signature="+url.QueryEscape(base64.StdEncoding.EncodeToString(signature)))
}

// redirectQuery encodes a message in the parameters of a query, without a signature.
func redirectQuery(parameter string, document []byte, relayState string) (string, error) {
	var deflated bytes.Buffer
	w, err := flate.NewWriter(&deflated, flate.BestCompression)
	if err != nil {
		return "", err
	}
	if _, err := w.Write(document); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	query := parameter + "=" + url.QueryEscape(base64.StdEncoding.EncodeToString(deflated.Bytes()))
	if relayState != "" {
		query += "&RelayState=" + url.QueryEscape(relayState)
	}
	return query, nil
}

// addQuery appends parameters to the query of an address.
func addQuery(address, query string) (string, error) {
	location, err := url.Parse(address)
	if err != nil {
		return "", fmt.Errorf("saml: the identity provider's address: %w", err)
	}
	if location.RawQuery != "" {
		query = location.RawQuery + "&" + query
	}
	location.RawQuery = query
	return location.String(), nil
}

// sign signs octets by RSA with SHA-256.
func (sp SP) sign(octets []byte) ([]byte, error) {
	if err := sp.checkKey(); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(octets)
	signature, err := sp.Key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("saml: sign a message: %w", err)
	}
	return signature, nil
}

// checkKey returns an error if the service provider has no RSA key with a certificate.
func (sp SP) checkKey() error {
	if sp.Key == nil || sp.Certificate == nil {
		return errors.New("saml: the service provider has no key")
	}
	if _, ok := sp.Key.Public().(*rsa.PublicKey); !ok {
		return errors.New("saml: the service provider's key is not RSA")
	}
	return nil
}

// ReadRedirect reads a message by HTTP-Redirect and requires a signature by the identity provider
// (SAML Bindings §3.4). rawQuery is the query as it came, undecoded. Every error is a [*Refused].
// The caller checks the content of the message, and whether it came before.
func (idp IDP) ReadRedirect(rawQuery string) (*Redirected, error) {
	if err := checkQueryLength(rawQuery); err != nil {
		return nil, err
	}
	raw, err := redirectParameters(rawQuery)
	if err != nil {
		return nil, err
	}
	m := &Redirected{Parameter: RequestParameter}
	if _, ok := raw[ResponseParameter]; ok {
		m.Parameter = ResponseParameter
	}
	// SAML Bindings §3.4.4.1: the signature is over the values as they were sent, in this order,
	// whatever the order of the query is.
	var signed []string
	decoded := map[string]string{}
	for _, name := range []string{m.Parameter, "RelayState", "SigAlg", "Signature"} {
		value, ok := raw[name]
		if !ok {
			continue
		}
		if name != "Signature" {
			signed = append(signed, name+"="+value)
		}
		if decoded[name], err = url.QueryUnescape(value); err != nil {
			return nil, &Refused{Reason: NotBase64, Expected: "a URL-encoded " + name, Err: err}
		}
	}
	m.RelayState = decoded["RelayState"]
	octets := strings.Join(signed, "&")
	if m.Signer, err = querySigner(octets, decoded["SigAlg"], decoded["Signature"], idp.Certificates); err != nil {
		return nil, err
	}
	document, err := inflate(decoded[m.Parameter])
	if err != nil {
		return nil, err
	}
	m.Document, err = precheck(document, messageLimits)
	return m, err
}

// checkQueryLength refuses a query that is longer than maxQuery.
func checkQueryLength(rawQuery string) error {
	if len(rawQuery) > maxQuery {
		expected := fmt.Sprintf("at most %d bytes of query", maxQuery)
		return refuse(TooLarge, expected, fmt.Sprintf("%d bytes", len(rawQuery)))
	}
	return nil
}

// redirectParameters returns the binding's own parameters of a query, still encoded, and refuses
// one that is there twice.
func redirectParameters(rawQuery string) (map[string]string, error) {
	known := []string{RequestParameter, ResponseParameter, "RelayState", "SigAlg", "Signature", "SAMLEncoding"}
	raw := map[string]string{}
	for pair := range strings.SplitSeq(rawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		// A reader that decodes names first would take an escaped name for another parameter.
		decoded, err := url.QueryUnescape(name)
		if err == nil && decoded != name && slices.Contains(known, decoded) {
			return nil, refuse(Repeated, "parameter names as the binding spells them", name)
		}
		if !slices.Contains(known, name) {
			continue
		}
		if _, twice := raw[name]; twice {
			return nil, refuse(Repeated, "each parameter once", name)
		}
		raw[name] = value
	}
	_, request := raw[RequestParameter]
	_, response := raw[ResponseParameter]
	encoding, encoded := raw["SAMLEncoding"]
	switch {
	case !request && !response:
		return nil, refuse(NoMessage, "the parameter SAMLRequest or SAMLResponse", "")
	case request && response:
		return nil, refuse(Repeated, "SAMLRequest or SAMLResponse", "both")
	case encoded && encoding != url.QueryEscape("urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE"):
		return nil, refuse(NotDeflated, "the encoding DEFLATE", encoding)
	}
	return raw, nil
}

// querySigner returns the certificate whose key signed the octets of a query.
func querySigner(
	octets, algorithm, encoded string, certificates []*x509.Certificate,
) (*x509.Certificate, error) {
	if encoded == "" || algorithm == "" {
		return nil, refuse(Unsigned, "the parameters SigAlg and Signature", "")
	}
	method, ok := signatureMethods[algorithm]
	if !ok {
		return nil, refuseAlgorithm(algorithm, dsig.RSASHA256SignatureMethod)
	}
	value, err := base64.StdEncoding.DecodeString(withoutSpace(encoded))
	if err != nil || len(value) == 0 {
		return nil, &Refused{Reason: IncompleteSignature, Expected: "base64 in Signature", Err: err}
	}
	return (&signature{method: method, value: value}).signer([]byte(octets), certificates)
}

// inflate decodes the DEFLATE encoding of SAML Bindings §3.4.4.1. It reads one byte more than a
// message may have, so that the precheck refuses a larger one.
func inflate(encoded string) ([]byte, error) {
	deflated, err := base64.StdEncoding.DecodeString(withoutSpace(encoded))
	if err != nil {
		return nil, &Refused{Reason: NotBase64, Expected: "base64", Err: err}
	}
	inflated := flate.NewReader(bytes.NewReader(deflated))
	document, err := io.ReadAll(io.LimitReader(inflated, int64(messageLimits.bytes)+1))
	if err != nil {
		return nil, &Refused{Reason: NotDeflated, Expected: "a deflated message", Err: err}
	}
	return document, nil
}
