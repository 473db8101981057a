package connection

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

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

// warnedDays are how long before the end of a certificate its organization is told, each once.
var warnedDays = []int{90, 30, 7, 1}

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
		err = tenant.DB(org).WithContext(ctx).Model(&Connection{}).Where("id = ?", id).Select("CertificatesDueAt").
			UpdateColumns(c).Error
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
