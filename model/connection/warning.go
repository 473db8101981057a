package connection

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// CertificateWarning is the row that says that one warning about a certificate was recorded.
type CertificateWarning struct {
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	ConnectionID   string               `gorm:"primaryKey"`
	Fingerprint    string               `gorm:"primaryKey"`
	Days           int                  `gorm:"primaryKey"`
	CreatedAt      model.Time           `gorm:"autoCreateTime:false"`
}

// TableName is the name of the table; GORM would derive another one.
func (CertificateWarning) TableName() string { return "certificate_warnings" }

// warnedDays are the days before the end of a certificate on which a warning is due.
var warnedDays = []int{90, 30, 7, 1}

// CheckCertificates records a warning for each certificate of a connection that expires soon, and
// returns how many it recorded. If several are due for one certificate, it records the last of
// them.
func (o Org) CheckCertificates(ctx context.Context, id string) (warned int, err error) {
	err = o.Tx(ctx, func(org Org) error {
		warned = 0
		c, err := org.inner().LockConnection(ctx, id, tenant.ToChange)
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
		err = tenant.DB(ctx, org).Model(&Connection{}).Where("id = ?", id).
			Select("CertificatesDueAt").UpdateColumns(c).Error
		if err != nil {
			return fmt.Errorf("note certificates: %w", err)
		}
		return nil
	})
	return warned, err
}

// day is a day in milliseconds.
const day = model.Time(24 * time.Hour / time.Millisecond)

// warning returns which of warnedDays a certificate has reached, or 0, and when it reaches the next
// one, or nil.
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

// warn records a warning unless it was recorded before, and returns whether it did.
func (o Org) warn(ctx context.Context, c *Connection, of Certificate, days int) (bool, error) {
	w := CertificateWarning{ConnectionID: c.ID, Fingerprint: of.Fingerprint, Days: days, CreatedAt: tenant.Now(o)}
	r := tenant.DB(ctx, o).Clauses(clause.OnConflict{DoNothing: true}).Create(&w)
	if r.Error != nil || r.RowsAffected == 0 {
		return false, r.Error
	}
	e := c.certificateEvent(of)
	left, expired := int((of.NotAfter-tenant.Now(o))/day), of.State == CertificateExpired
	e.Days, e.Certificate.IsExpired = &left, &expired
	return true, tenant.Record(o, CertificateRenewalNeeded, e.Connection.ID, e)
}
