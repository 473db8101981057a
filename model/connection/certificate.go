package connection

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
)

// CertificateState says how a certificate's dates stand.
type CertificateState string

// The states of a certificate.
const (
	CertificateValid       CertificateState = "valid"
	CertificateExpiring    CertificateState = "expiring" // within the first of warnedDays
	CertificateExpired     CertificateState = "expired"
	CertificateNotYetValid CertificateState = "not_yet_valid"
)

// warnedDays are how long before the end of a certificate its organization is told, each once.
var warnedDays = []int{90, 30, 7, 1}

// CertificateUse says what a certificate of a connection is for.
type CertificateUse string

// The uses of certificates, as the reference's events name them.
const (
	ResponseSigning CertificateUse = "ResponseSigning" // the identity provider's
	RequestSigning  CertificateUse = "RequestSigning"  // ours
)

// Certificate is what is told of a certificate of a connection.
type Certificate struct {
	Use         CertificateUse   `json:"certificate_type"`
	Subject     string           `json:"subject"`
	Fingerprint string           `json:"fingerprint_sha256"`
	NotBefore   model.Time       `json:"not_before"`
	NotAfter    model.Time       `json:"not_after"`
	State       CertificateState `json:"state"`
}

// Certificates are those of a connection: the identity provider's, ours, and the one that stands by.
// One that cannot be read is left out: it must not keep anybody from replacing it.
func (c *Connection) Certificates(now time.Time) []Certificate {
	var out []Certificate
	for i, text := range slices.Concat(c.IDPCertificates, organization.Optional(c.SPCertificate), organization.Optional(c.SPStandbyCertificate)) {
		use := ResponseSigning
		if i >= len(c.IDPCertificates) {
			use = RequestSigning
		}
		if read, err := ReadCertificate(text, use, now); err == nil {
			out = append(out, read)
		}
	}
	return out
}

// ReadCertificate reads a certificate as connections keep it, in PEM.
func ReadCertificate(text string, use CertificateUse, now time.Time) (Certificate, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return Certificate{}, errors.New("a certificate is not PEM")
	}
	read, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return Certificate{}, err
	}
	sum := sha256.Sum256(read.Raw)
	c := Certificate{use, read.Subject.String(), hex.EncodeToString(sum[:]), model.TimeOf(read.NotBefore), model.TimeOf(read.NotAfter), CertificateValid}
	switch {
	case now.After(read.NotAfter):
		c.State = CertificateExpired
	case now.Before(read.NotBefore):
		c.State = CertificateNotYetValid
	case c.NotAfter <= model.TimeOf(now.AddDate(0, 0, warnedDays[0])):
		c.State = CertificateExpiring
	}
	return c, nil
}

// CertificateCause says by what the certificates of a connection changed.
type CertificateCause string

// The causes of connection.certificates_changed.
const (
	ByAdministrator CertificateCause = "administrator" // by hand
	ByMetadata      CertificateCause = "metadata"      // the identity provider's metadata was read again
	ByRotation      CertificateCause = "rotation"      // of our own key
)

// certificatesEvent is the data of connection.certificates_changed.
type certificatesEvent struct {
	ConnectionObject
	Added   []Certificate    `json:"added"`
	Removed []Certificate    `json:"removed"`
	Cause   CertificateCause `json:"cause"`
}

// certificateEvent is a certificate as the reference's events show it, and what tells it from others.
type certificateEvent struct {
	Connection  connectionName   `json:"connection"`
	Certificate namedCertificate `json:"certificate"`
	Days        *int             `json:"days_until_expiry,omitempty"`
	RenewedAt   *model.Time      `json:"renewed_at,omitempty"`
}

type connectionName struct {
	ID             string `json:"id"`
	OrganizationID string `json:"organization_id"`
}

type namedCertificate struct {
	Use         CertificateUse `json:"certificate_type"`
	ExpiryDate  model.Time     `json:"expiry_date"`
	IsExpired   *bool          `json:"is_expired,omitempty"`
	Fingerprint string         `json:"fingerprint_sha256"`
	Subject     string         `json:"subject"`
}

func (c *Connection) certificateEvent(of Certificate) certificateEvent {
	return certificateEvent{
		Connection:  connectionName{model.ConnectionPrefix.ID(c.ID), model.OrganizationPrefix.ID(string(c.OrganizationID))},
		Certificate: namedCertificate{Use: of.Use, ExpiryDate: of.NotAfter, Fingerprint: of.Fingerprint, Subject: of.Subject},
	}
}

// recordCertificates notes which certificates of a connection came and which went, if any did.
func (o Org) recordCertificates(before, after *Connection, cause CertificateCause) error {
	if slices.Equal(before.IDPCertificates, after.IDPCertificates) && before.SPCertificate == after.SPCertificate &&
		before.SPStandbyCertificate == after.SPStandbyCertificate {
		return nil
	}
	had, has := before.Certificates(tenant.StoreOf(o).Now()), after.Certificates(tenant.StoreOf(o).Now())
	e := certificatesEvent{after.PublicForm(), without(has, had), without(had, has), cause}
	if len(e.Added)+len(e.Removed) > 0 {
		if err := tenant.Record(o, CertificatesChanged, e.ID, e); err != nil {
			return err
		}
	}
	for _, c := range e.Added {
		if c.Use != ResponseSigning {
			continue // it only stands by
		}
		if err := o.recordRenewed(after, c); err != nil {
			return err
		}
	}
	return nil
}

// recordRenewed notes that a certificate is in use from now on.
func (o Org) recordRenewed(c *Connection, renewed Certificate) error {
	e, at := c.certificateEvent(renewed), tenant.Now(o)
	e.RenewedAt = &at
	return tenant.Record(o, CertificateRenewed, e.Connection.ID, e)
}

// without are the certificates of a list that are not in another one.
func without(list, other []Certificate) []Certificate {
	out := []Certificate{}
	for _, c := range list {
		if !slices.ContainsFunc(other, func(o Certificate) bool { return o.Fingerprint == c.Fingerprint }) {
			out = append(out, c)
		}
	}
	return out
}

// CertificateWarning remembers that a certificate was warned of.
type CertificateWarning struct {
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	ConnectionID   string               `gorm:"primaryKey"`
	Fingerprint    string               `gorm:"primaryKey"`
	Days           int                  `gorm:"primaryKey"`
	CreatedAt      model.Time           `gorm:"autoCreateTime:false"`
}

// TableName names the table: GORM would do so by another plural.
func (CertificateWarning) TableName() string { return "certificate_warnings" }

// CheckCertificates warns of the certificates of a connection that end soon, and returns how many
// warnings that were. Of several that one certificate would be due it gives the last.
func (o Org) CheckCertificates(ctx context.Context, id string) (warned int, err error) {
	err = o.Tx(ctx, func(org Org) error {
		warned = 0
		c, err := org.LockConnection(ctx, id, tenant.ToChange)
		if err != nil {
			return err
		}
		now := tenant.StoreOf(o).Now()
		c.CertificatesDueAt = nil
		for _, certificate := range c.Certificates(now) {
			days, next := certificate.warning(model.TimeOf(now))
			if next != nil && (c.CertificatesDueAt == nil || *next < *c.CertificatesDueAt) {
				c.CertificatesDueAt = next
			}
			if days == 0 {
				continue
			}
			done, err := org.warn(ctx, c, certificate, days)
			if err != nil {
				return err
			}
			if done {
				warned++
			}
		}
		err = tenant.DB(org).WithContext(ctx).Model(&Connection{}).Where("id = ?", id).Select("CertificatesDueAt").UpdateColumns(c).Error
		if err != nil {
			return fmt.Errorf("note certificates: %w", err)
		}
		return nil
	})
	return warned, err
}

const day = model.Time(24 * time.Hour / time.Millisecond)

// warning tells which of warnedDays a certificate has reached, 0 for none, and when it reaches the
// next one, nil for never.
func (c Certificate) warning(now model.Time) (reached int, next *model.Time) {
	for _, days := range warnedDays {
		at := c.NotAfter - model.Time(days)*day
		if at > now {
			return reached, &at
		}
		reached = days
	}
	return reached, nil
}

// warn records a warning unless it was given before.
func (o Org) warn(ctx context.Context, c *Connection, of Certificate, days int) (bool, error) {
	w := CertificateWarning{ConnectionID: c.ID, Fingerprint: of.Fingerprint, Days: days, CreatedAt: tenant.Now(o)}
	r := tenant.DB(o).WithContext(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&w)
	if r.Error != nil || r.RowsAffected == 0 {
		return false, r.Error
	}
	e := c.certificateEvent(of)
	left, expired := int((of.NotAfter-tenant.Now(o))/day), of.State == CertificateExpired
	e.Days, e.Certificate.IsExpired = &left, &expired
	return true, tenant.Record(o, CertificateRenewalNeeded, e.Connection.ID, e)
}
