package api

import (
	"cmp"
	"context"
	"fmt"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/trust"
)

// samlBody is what a call says about a SAML connection.
type samlBody struct {
	samlProvider
	samlSwitches
}

// samlProvider has the fields of trust.SAML.
type samlProvider struct {
	MetadataURL  *string   `json:"idp_metadata_url"`
	MetadataXML  *string   `json:"idp_metadata_xml"`
	EntityID     *string   `json:"idp_entity_id"`
	SSOURL       *string   `json:"idp_sso_url"`
	SLOURL       *string   `json:"idp_slo_url"`
	Certificates *[]string `json:"idp_certificates"`
}

// samlObject is both sides of a SAML connection: the endpoints that the identity provider is set up
// with, and what is stored about the identity provider.
type samlObject struct {
	SPEntityID      string              `json:"sp_entity_id"`
	ACSURL          string              `json:"acs_url"`
	SLOURL          string              `json:"slo_url"`
	SPMetadataURL   string              `json:"sp_metadata_url"`
	IDPEntityID     *string             `json:"idp_entity_id"` // null, as all of it, until it is known
	IDPSSOURL       *string             `json:"idp_sso_url"`
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

func (s *Server) samlForm(c *connection.Connection) (samlObject, error) {
	our, now := trust.SAMLEndpointsOf(s.PublicURL, c), s.Store.Now()
	o := samlObject{
		SPEntityID: our.EntityID, ACSURL: our.ACS, SLOURL: our.SLO, SPMetadataURL: our.EntityID,
		IDPEntityID: model.OrNull(c.IDPEntityID), IDPMetadataURL: model.OrNull(c.IDPMetadataURL),
		IDPSSOURL:       model.OrNull(cmp.Or(c.IDPSSORedirectURL, c.IDPSSOPostURL)),
		IDPSLOURL:       model.OrNull(cmp.Or(c.IDPSLORedirectURL, c.IDPSLOPostURL)),
		IDPCertificates: []certificateObject{}, samlDetails: samlDetailsOf(c, now),
	}
	for _, text := range c.IDPCertificates {
		read, err := connection.ReadCertificate(text, connection.ResponseSigning, now)
		if err != nil {
			return o, fmt.Errorf("read the certificates of connection %s: %w", c.ID, err)
		}
		o.IDPCertificates = append(o.IDPCertificates,
			certificateObject{read.Fingerprint, read.Subject, read.NotBefore, read.NotAfter})
	}
	return o, nil
}

// overSAML reads what a body says about a SAML connection.
func (s *Server) overSAML(ctx context.Context, b *samlBody) (trust.Change, error) {
	if b == nil {
		return func(*connection.ConnectionFields) error { return nil }, nil
	}
	change, err := s.reader().SAML(ctx, trust.SAML(b.samlProvider))
	if err != nil {
		return nil, err
	}
	return func(c *connection.ConnectionFields) error {
		if err := change(c); err != nil {
			return err
		}
		b.switchOn(c)
		return nil
	}, nil
}
