package api

import (
	"time"

	"rollcall/model"
)

// samlSwitches are what a body says of how a connection speaks SAML.
type samlSwitches struct {
	SignRequests              *bool                   `json:"sign_requests"`
	AllowEncrypted            *model.EncryptedAllowed `json:"allow_encrypted"`
	NameIDFormat              optional[string]        `json:"name_id_format"`
	RefuseExpiredCertificates *bool                   `json:"refuse_expired_certificates"`
}

// switchOn changes the members that were sent.
func (b *samlSwitches) switchOn(c *model.ConnectionFields) {
	if b.SignRequests != nil {
		c.UnsignedRequests = !*b.SignRequests
	}
	set(&c.AllowEncrypted, b.AllowEncrypted)
	b.NameIDFormat.into(&c.NameIDFormat)
	set(&c.RefuseExpiredCertificates, b.RefuseExpiredCertificates)
}

// samlDetails are the same in an answer, with how the trust stands.
type samlDetails struct {
	SignRequests              bool                   `json:"sign_requests"`
	AllowEncrypted            model.EncryptedAllowed `json:"allow_encrypted"`
	NameIDFormat              *string                `json:"name_id_format"`
	RefuseExpiredCertificates bool                   `json:"refuse_expired_certificates"`
	Metadata                  *metadataObject        `json:"metadata"`
	Certificates              []model.Certificate    `json:"certificates"`
}

// metadataObject says how the metadata behind an address stands.
type metadataObject struct {
	URL         string      `json:"url"`
	RefreshedAt *model.Time `json:"refreshed_at"` // when it was last taken over
	TriedAt     *model.Time `json:"tried_at"`     // when the server last asked for it by itself
	Error       *string     `json:"error"`        // why the last attempt was in vain
}

func samlDetailsOf(c *model.Connection, now time.Time) samlDetails {
	d := samlDetails{
		SignRequests: !c.UnsignedRequests, AllowEncrypted: c.AllowEncrypted, NameIDFormat: orNull(c.NameIDFormat),
		RefuseExpiredCertificates: c.RefuseExpiredCertificates, Certificates: c.Certificates(now),
	}
	if c.IDPMetadataURL != "" {
		d.Metadata = &metadataObject{c.IDPMetadataURL, c.MetadataRefreshedAt, c.MetadataTriedAt, orNull(c.MetadataError)}
	}
	return d
}
