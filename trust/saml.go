package trust

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/sso/saml"
)

// SAML is what an administrator says about a SAML identity provider, in one of three ways: the
// address of its metadata, the metadata itself, or its parts by hand. What is nil was not said.
type SAML struct {
	MetadataURL  *string
	MetadataXML  *string
	EntityID     *string // with the metadata of several identity providers, it chooses one
	SSOURL       *string
	SLOURL       *string
	Certificates *[]string // in PEM or base64
}

// The fields that refusals name.
const (
	fieldMetadataURL  = "saml.idp_metadata_url"
	fieldMetadataXML  = "saml.idp_metadata_xml"
	fieldEntityID     = "saml.idp_entity_id"
	fieldCertificates = "saml.idp_certificates"
)

// maxAddress is the longest address of metadata that is stored.
const maxAddress = 2048

// ways counts the ways in which the identity provider is described.
func (s *SAML) ways() (n int) {
	byHand := s.SSOURL != nil || s.SLOURL != nil || s.Certificates != nil
	for _, given := range []bool{s.MetadataURL != nil, s.MetadataXML != nil, byHand} {
		if given {
			n++
		}
	}
	return n
}

// SAML reads a description of a SAML identity provider and fetches the metadata that it refers to.
// It answers model.Invalid, with the field of the API, when the description cannot be used.
func (r *Reader) SAML(ctx context.Context, said SAML) (Change, error) {
	if said.ways() > 1 {
		return nil, model.Invalidf("saml", "send idp_metadata_url, or idp_metadata_xml, or idp_entity_id, "+
			"idp_sso_url, idp_slo_url and idp_certificates; of two that differ it could not be told which one counts")
	}
	var entityID string
	set(&entityID, said.EntityID)
	entityID = model.Trimmed(entityID)
	switch {
	case said.MetadataURL != nil:
		address := model.Trimmed(*said.MetadataURL)
		document, err := r.fetchMetadata(ctx, address)
		if err != nil {
			return nil, err
		}
		idp, err := saml.ParseMetadata(document, entityID, r.Store.Now())
		if err != nil {
			return nil, refused(fieldMetadataURL, err)
		}
		return r.describedBy(idp, address), nil
	case said.MetadataXML != nil:
		idp, err := saml.ParseMetadataText(*said.MetadataXML, entityID, r.Store.Now())
		if err != nil {
			return nil, refused(fieldMetadataXML, err)
		}
		return r.describedBy(idp, ""), nil
	}
	return said.byHand()
}

// fetchMetadata fetches metadata for an administrator, who can also send the document itself.
func (r *Reader) fetchMetadata(ctx context.Context, address string) ([]byte, error) {
	if r.Outbound == nil {
		return nil, model.Invalidf(fieldMetadataURL, "this server fetches nothing; send idp_metadata_xml")
	}
	if len(address) > maxAddress {
		return nil, model.Invalidf(fieldMetadataURL, "%s is longer than %d characters", fieldMetadataURL, maxAddress)
	}
	document, err := fetchMetadata(ctx, r.Outbound, address)
	if refused, ok := errors.AsType[*model.Error](err); ok {
		message := refused.Message
		if !strings.HasSuffix(message, cutOut) {
			message += " You can send idp_metadata_xml instead."
		}
		return nil, &model.Error{Kind: model.Invalid, Field: fieldMetadataURL, Message: message, Err: err}
	}
	return document, err
}

// describedBy returns the change to what metadata says. The address is where it was fetched, and
// empty where somebody sent the document itself.
func (r *Reader) describedBy(idp saml.IDP, address string) Change {
	return func(c *connection.ConnectionFields) error {
		describe(c, &idp)
		c.IDPMetadataURL = address
		if address != "" {
			c.MetadataTaken(r.Store.Now())
		}
		return nil
	}
}

// describe writes what metadata says about an identity provider into a connection.
func describe(c *connection.ConnectionFields, idp *saml.IDP) {
	c.IDPEntityID, c.IDPSSORedirectURL, c.IDPSSOPostURL = idp.EntityID, idp.SSORedirectURL, idp.SSOPostURL
	c.IDPCertificates = saml.EncodeCertificates(idp.Certificates)
	c.MetadataNotes = leftOut(idp.LeftOut)
	describeLogout(c, idp.SLO)
}

// describeLogout sets where the identity provider takes logout messages.
func describeLogout(c *connection.ConnectionFields, l saml.LogoutService) {
	c.IDPSLORedirectURL, c.IDPSLORedirectResponseURL = l.RedirectURL, l.RedirectResponseURL
	c.IDPSLOPostURL, c.IDPSLOPostResponseURL = l.PostURL, l.PostResponseURL
}

// byHand changes the fields that were sent. It clears the address of the metadata, which from then
// on says something else than the connection.
func (s *SAML) byHand() (Change, error) {
	var certificates []string
	if s.Certificates != nil {
		var err error
		if certificates, err = readCertificates(*s.Certificates); err != nil {
			return nil, err
		}
	}
	return func(c *connection.ConnectionFields) error {
		if s.EntityID != nil || s.SSOURL != nil || s.SLOURL != nil || s.Certificates != nil {
			c.IDPMetadataURL, c.MetadataNotes = "", []string{}
		}
		set(&c.IDPEntityID, s.EntityID)
		if s.SSOURL != nil {
			c.IDPSSORedirectURL, c.IDPSSOPostURL = *s.SSOURL, ""
		}
		if s.SLOURL != nil {
			describeLogout(c, saml.LogoutService{RedirectURL: *s.SLOURL, RedirectResponseURL: *s.SLOURL})
		}
		if s.Certificates != nil {
			c.IDPCertificates = certificates
		}
		return nil
	}, nil
}

// readCertificates reads pasted certificates and keeps each of them once.
func readCertificates(pasted []string) ([]string, error) {
	var read []*x509.Certificate
	for i, text := range pasted {
		if strings.Count(text, "BEGIN CERTIFICATE") > 1 {
			return nil, model.Invalidf(fieldCertificates,
				"%s: number %d is several certificates; make each of them one of the list", fieldCertificates, i+1)
		}
		certificate, err := saml.ParseCertificate(text)
		if err != nil {
			return nil, badCertificate(i+1, err)
		}
		if !slices.ContainsFunc(read, certificate.Equal) {
			read = append(read, certificate)
		}
	}
	return saml.EncodeCertificates(read), nil
}

// badCertificate is the error for one of the pasted certificates. It says which one it is.
func badCertificate(number int, err error) error {
	r, ok := errors.AsType[*saml.Refused](err)
	if !ok {
		return err
	}
	return &model.Error{Kind: model.Invalid, Field: fieldCertificates, Err: err,
		Message: fmt.Sprintf("%s: number %d is %s. %s", fieldCertificates, number,
			cmp.Or(strings.ToValidUTF8(r.Received, ""), "nothing"), adviceSAML(r.Reason))}
}

// refused turns a refusal of package saml into an error about a field of the API.
func refused(field string, err error) error {
	r, ok := errors.AsType[*saml.Refused](err)
	if !ok {
		return err
	}
	if r.Reason == saml.MetadataOfSeveral || r.Reason == saml.MetadataWithoutChosen {
		field = fieldEntityID
	}
	message := explainMetadata(r)
	if field == fieldMetadataXML {
		message = explainPasted(r)
	}
	return &model.Error{Kind: model.Invalid, Field: field, Message: message, Err: err}
}
