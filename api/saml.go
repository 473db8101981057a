package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
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
	samlSwitches
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
	samlDetails
}

type certificateObject struct {
	FingerprintSHA256 string     `json:"fingerprint_sha256"`
	Subject           string     `json:"subject"`
	NotBefore         model.Time `json:"not_before"`
	NotAfter          model.Time `json:"not_after"`
}

// samlForm writes the addresses of docs/design/signon.md, "Addresses": the entity ID is where the
// metadata is.
func (s *Server) samlForm(c *model.Connection, id string) (samlObject, error) {
	base := strings.TrimSuffix(s.PublicURL, "/") + "/sso/saml/" + id
	o := samlObject{
		SPEntityID: base + "/metadata", ACSURL: base + "/acs", SLOURL: base + "/slo", SPMetadataURL: base + "/metadata",
		IDPEntityID: c.IDPEntityID, IDPSSOURL: c.IDPSSORedirectURL, IDPMetadataURL: orNull(c.IDPMetadataURL), IDPSLOURL: orNull(cmp.Or(c.IDPSLORedirectURL, c.IDPSLOPostURL)),
		IDPCertificates: []certificateObject{}, samlDetails: samlDetailsOf(c, s.Store.Now()),
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
	described, err := s.described(ctx, b)
	return func(c *model.Connection) {
		described(c)
		b.switchOn(c)
	}, err
}

// described is what a body says of the identity provider itself.
func (s *Server) described(ctx context.Context, b *samlBody) (describe func(*model.Connection), err error) {
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
	certificates := saml.EncodeCertificates(idp.Certificates)
	return func(c *model.Connection) {
		c.IDPEntityID, c.IDPSSORedirectURL, c.IDPSSOPostURL = idp.EntityID, idp.SSORedirectURL, idp.SSOPostURL
		c.IDPCertificates, c.IDPMetadataURL = certificates, address
		describeLogout(c, idp.SLO)
		if address != "" {
			c.MetadataTaken(s.Store.Now())
		}
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
	return saml.EncodeCertificates(read), nil
}

// refused puts a refusal of package saml into the API's words.
func refused(field string, err error) error {
	r, ok := errors.AsType[*saml.Refused](err)
	if !ok {
		return err
	}
	if r.Reason == saml.MetadataOfSeveral || r.Reason == saml.MetadataWithoutChosen {
		field = fieldEntityID
	}
	return &model.Error{Kind: model.Invalid, Field: field, Message: r.Explain(), Err: err}
}

// fetchMetadata gets what an address answers, through the guard.
func (s *Server) fetchMetadata(ctx context.Context, address string) ([]byte, error) {
	if s.Outbound == nil {
		return nil, invalidf(fieldMetadataURL, "this server fetches nothing; send idp_metadata_xml")
	}
	if len(address) > maxAddress {
		return nil, invalidf(fieldMetadataURL, "%s is longer than %d characters", fieldMetadataURL, maxAddress)
	}
	document, err := s.Outbound.Fetch(ctx, address, saml.MetadataAccept)
	if refused, ok := errors.AsType[*model.Error](err); ok {
		return nil, &model.Error{Kind: model.Invalid, Field: fieldMetadataURL, Message: refused.Message + " You can send idp_metadata_xml instead.", Err: err}
	}
	return document, err
}

// maxAddress is the longest address that is stored.
const maxAddress = 2048
