package api

import (
	"time"

	"rollcall/model"
	"rollcall/model/connection"
)

// samlSwitches are the settings of a SAML connection that do not describe the identity provider.
type samlSwitches struct {
	SignRequests              *bool                        `json:"sign_requests"`
	AllowEncrypted            *connection.EncryptedAllowed `json:"allow_encrypted"`
	NameIDFormat              optional[string]             `json:"name_id_format"`
	RefuseExpiredCertificates *bool                        `json:"refuse_expired_certificates"`
}

// switchOn changes the members that were sent.
func (b *samlSwitches) switchOn(c *connection.ConnectionFields) {
	if b.SignRequests != nil {
		c.UnsignedRequests = !*b.SignRequests
	}
	set(&c.AllowEncrypted, b.AllowEncrypted)
	b.NameIDFormat.into(&c.NameIDFormat)
	set(&c.RefuseExpiredCertificates, b.RefuseExpiredCertificates)
}

// samlDetails are these settings in an answer, with the state of metadata and certificates.
type samlDetails struct {
	SignRequests              bool                        `json:"sign_requests"`
	AllowEncrypted            connection.EncryptedAllowed `json:"allow_encrypted"`
	NameIDFormat              *string                     `json:"name_id_format"`
	RefuseExpiredCertificates bool                        `json:"refuse_expired_certificates"`
	Metadata                  *metadataObject             `json:"metadata"`
	Certificates              []connection.Certificate    `json:"certificates"`
}

// metadataObject is the state of metadata: where it was fetched, if it was, and what was of no use
// in it.
type metadataObject struct {
	URL         *string     `json:"url"`
	RefreshedAt *model.Time `json:"refreshed_at"` // when the connection was last updated from it
	TriedAt     *model.Time `json:"tried_at"`     // when the server last fetched it by itself
	Error       *string     `json:"error"`        // why the last attempt failed
	Notes       []string    `json:"notes"`        // what was left out
}

func samlDetailsOf(c *connection.Connection, now time.Time) samlDetails {
	d := samlDetails{
		SignRequests: !c.UnsignedRequests, AllowEncrypted: c.AllowEncrypted, NameIDFormat: model.OrNull(c.NameIDFormat),
		RefuseExpiredCertificates: c.RefuseExpiredCertificates, Certificates: c.Certificates(now),
	}
	if c.IDPMetadataURL != "" || len(c.MetadataNotes) > 0 {
		d.Metadata = &metadataObject{model.OrNull(c.IDPMetadataURL), c.MetadataRefreshedAt, c.MetadataTriedAt,
			model.OrNull(c.MetadataError), append([]string{}, c.MetadataNotes...)}
	}
	return d
}
