package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"

	"rollcall/model"
	"rollcall/sso/saml"
)

// samlBody tells of an identity provider in one of three ways: where its metadata is, its metadata,
// or the fields by hand. With metadata of several, idp_entity_id chooses one.
type samlBody struct {
	IDPMetadataURL  *string   `json:"idp_metadata_url"`
	IDPMetadataXML  *string   `json:"idp_metadata_xml"`
	IDPEntityID     *string   `json:"idp_entity_id"`
	IDPSSOURL       *string   `json:"idp_sso_url"`
	IDPSLOURL       *string   `json:"idp_slo_url"`
	IDPCertificates *[]string `json:"idp_certificates"`
}

// The fields that refusals name.
const (
	fieldMetadataURL  = "saml.idp_metadata_url"
	fieldMetadataXML  = "saml.idp_metadata_xml"
	fieldEntityID     = "saml.idp_entity_id"
	fieldCertificates = "saml.idp_certificates"
)

// samlObject is both sides of a connection: what the identity provider is set up with, and what is
// known of it.
type samlObject struct {
	SPEntityID      string              `json:"sp_entity_id"`
	ACSURL          string              `json:"acs_url"`
	SLOURL          string              `json:"slo_url"`
	SPMetadataURL   string              `json:"sp_metadata_url"`
	IDPEntityID     string              `json:"idp_entity_id"`
	IDPSSOURL       string              `json:"idp_sso_url"`
	IDPSLOURL       *string             `json:"idp_slo_url"`
	IDPMetadataURL  *string             `json:"idp_metadata_url"`
	IDPCertificates []certificateObject `json:"idp_certificates"`
}

type certificateObject struct {
	FingerprintSHA256 string     `json:"fingerprint_sha256"`
	Subject           string     `json:"subject"`
	NotBefore         model.Time `json:"not_before"`
	NotAfter          model.Time `json:"not_after"`
}

// samlForm writes the addresses of sso.md, section 2: the entity ID is where the metadata is.
func (s *Server) samlForm(c *model.Connection, id string) (samlObject, error) {
	base := strings.TrimSuffix(s.PublicURL, "/") + "/sso/saml/" + id
	o := samlObject{
		SPEntityID: base + "/metadata", ACSURL: base + "/acs", SLOURL: base + "/slo", SPMetadataURL: base + "/metadata",
		IDPEntityID: c.IDPEntityID, IDPSSOURL: c.IDPSSORedirectURL, IDPMetadataURL: orNull(c.IDPMetadataURL), IDPSLOURL: orNull(cmp.Or(c.IDPSLORedirectURL, c.IDPSLOPostURL)),
		IDPCertificates: []certificateObject{},
	}
	if o.IDPSSOURL == "" {
		o.IDPSSOURL = c.IDPSSOPostURL
	}
	for _, text := range c.IDPCertificates {
		certificate, err := saml.ParseCertificate(text)
		if err != nil {
			return o, fmt.Errorf("read the certificates of connection %s: %w", c.ID, err)
		}
		sum := sha256.Sum256(certificate.Raw)
		o.IDPCertificates = append(o.IDPCertificates, certificateObject{hex.EncodeToString(sum[:]), certificate.Subject.String(),
			model.TimeOf(certificate.NotBefore), model.TimeOf(certificate.NotAfter)})
	}
	return o, nil
}

// identityProvider reads what a body tells of the identity provider, fetching it where need be, and
// returns what that changes about a connection. It is done before anything is locked.
func (s *Server) identityProvider(ctx context.Context, b *samlBody) (describe func(*model.Connection), err error) {
	if b == nil {
		return func(*model.Connection) {}, nil
	}
	ways := 0
	for _, given := range []bool{b.IDPMetadataURL != nil, b.IDPMetadataXML != nil, b.IDPSSOURL != nil || b.IDPSLOURL != nil || b.IDPCertificates != nil} {
		if given {
			ways++
		}
	}
	if ways > 1 {
		return nil, invalidf("saml", "send idp_metadata_url, or idp_metadata_xml, or idp_entity_id, idp_sso_url, idp_slo_url and idp_certificates; "+
			"of two that differ it could not be told which one counts")
	}
	var document []byte
	var address, field string
	switch {
	case b.IDPMetadataURL != nil:
		address, field = *b.IDPMetadataURL, fieldMetadataURL
		if document, err = s.fetchMetadata(ctx, address); err != nil {
			return nil, err
		}
	case b.IDPMetadataXML != nil:
		document, field = []byte(*b.IDPMetadataXML), fieldMetadataXML
	default:
		return b.byHand()
	}
	var entityID string
	set(&entityID, b.IDPEntityID)
	idp, err := saml.ParseMetadata(document, entityID, s.Store.Now())
	if err != nil {
		return nil, refused(field, err)
	}
	certificates := pemTexts(idp.Certificates)
	return func(c *model.Connection) {
		c.IDPEntityID, c.IDPSSORedirectURL, c.IDPSSOPostURL = idp.EntityID, idp.SSORedirectURL, idp.SSOPostURL
		c.IDPCertificates, c.IDPMetadataURL = certificates, address
		describeLogout(c, idp.SLO)
	}, nil
}

// byHand changes the fields that were sent. Where the metadata came from is forgotten: it says
// something else from then on.
func (b *samlBody) byHand() (describe func(*model.Connection), err error) {
	var certificates []string
	if b.IDPCertificates != nil {
		if certificates, err = readCertificates(*b.IDPCertificates); err != nil {
			return nil, err
		}
	}
	return func(c *model.Connection) {
		if b.IDPEntityID != nil || b.IDPSSOURL != nil || b.IDPSLOURL != nil || b.IDPCertificates != nil {
			c.IDPMetadataURL = ""
		}
		set(&c.IDPEntityID, b.IDPEntityID)
		if b.IDPSSOURL != nil {
			c.IDPSSORedirectURL, c.IDPSSOPostURL = *b.IDPSSOURL, ""
		}
		if b.IDPSLOURL != nil {
			describeLogout(c, saml.LogoutService{RedirectURL: *b.IDPSLOURL, RedirectResponseURL: *b.IDPSLOURL})
		}
		if b.IDPCertificates != nil {
			c.IDPCertificates = certificates
		}
	}, nil
}

// describeLogout sets where the identity provider takes logout messages.
func describeLogout(c *model.Connection, l saml.LogoutService) {
	c.IDPSLORedirectURL, c.IDPSLORedirectResponseURL = l.RedirectURL, l.RedirectResponseURL
	c.IDPSLOPostURL, c.IDPSLOPostResponseURL = l.PostURL, l.PostResponseURL
}

// readCertificates reads what was pasted, each certificate once.
func readCertificates(pasted []string) ([]string, error) {
	var read []*x509.Certificate
	for i, text := range pasted {
		if strings.Count(text, "BEGIN CERTIFICATE") > 1 {
			return nil, invalidf(fieldCertificates, "%s: number %d is several certificates; make each of them one of the list", fieldCertificates, i+1)
		}
		certificate, err := saml.ParseCertificate(text)
		if err != nil {
			return nil, refused(fieldCertificates, err)
		}
		if !slices.ContainsFunc(read, certificate.Equal) {
			read = append(read, certificate)
		}
	}
	return pemTexts(read), nil
}

func pemTexts(certificates []*x509.Certificate) []string {
	texts := make([]string, len(certificates))
	for i, c := range certificates {
		texts[i] = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	return texts
}

// refused puts a refusal of package saml into the API's words. What was there instead is told only
// where it is of SAML: anything else that an address answers is not the caller's to read here.
func refused(field string, err error) error {
	r, ok := errors.AsType[*saml.Refused](err)
	if !ok {
		return err
	}
	message := r.Reason.Advice()
	switch r.Reason {
	case saml.MetadataOfSeveral, saml.MetadataWithoutChosen:
		field = fieldEntityID
		message += " There are: " + strings.ToValidUTF8(r.Received, "")
	case saml.MetadataExpired, saml.MetadataBadAddress:
		message += " It says: " + strings.ToValidUTF8(r.Received, "")
	}
	return &model.Error{Kind: model.Invalid, Field: field, Message: message, Err: err}
}

// fetchMetadata gets what an address answers, through the guard.
func (s *Server) fetchMetadata(ctx context.Context, address string) ([]byte, error) {
	if s.Outbound == nil {
		return nil, invalidf(fieldMetadataURL, "this server fetches nothing; send idp_metadata_xml")
	}
	if len(address) > maxAddress {
		return nil, invalidf(fieldMetadataURL, "%s is longer than %d characters", fieldMetadataURL, maxAddress)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, unfetched("That is not a URL.", err)
	}
	r.Header.Set("Accept", "application/samlmetadata+xml, application/xml;q=0.9, */*;q=0.8")
	w, err := s.Outbound.Client().Do(r)
	if err != nil {
		return nil, unfetched("", err)
	}
	defer func() { _ = w.Body.Close() }()
	if w.StatusCode != http.StatusOK {
		return nil, unfetched(fmt.Sprintf("The address answers with status %d. Open it in a browser, or send idp_metadata_xml.", w.StatusCode), nil)
	}
	text, err := io.ReadAll(w.Body)
	if err != nil {
		return nil, unfetched("", err)
	}
	return text, nil
}

// maxAddress is the longest address that is stored.
const maxAddress = 2048

// unfetched says why metadata could not be fetched: message, or what can be told of the error.
func unfetched(message string, err error) error {
	known, isKnown := errors.AsType[*model.Error](err)
	var timeout net.Error
	var name *net.DNSError
	var untrusted *tls.CertificateVerificationError
	switch {
	case message != "":
	case isKnown: // the guard's own words
		message = known.Message
	case errors.As(err, &name) && name.IsNotFound:
		message = "There is no host of that name. Check the URL."
	case errors.As(err, &untrusted):
		message = "The host's TLS certificate is not trusted. Use a URL with a publicly trusted one, or send idp_metadata_xml."
	case errors.As(err, &timeout) && timeout.Timeout():
		message = "The host does not answer in time. Try again, or send idp_metadata_xml."
	default:
		message = "The host cannot be reached, or breaks off. Check the URL, or send idp_metadata_xml."
	}
	return &model.Error{Kind: model.Invalid, Field: fieldMetadataURL, Message: message, Err: err}
}
