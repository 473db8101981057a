package webhook

import (
	"context"
	"fmt"
	"time"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
)

const (
	// keptTime is how long a delivery is kept for the list after it has ended.
	keptTime = 30 * 24 * time.Hour
	// keptDeliveries is how many deliveries of an endpoint are kept, at most.
	keptDeliveries = 10_000
	// sweepBatch is how many rows one statement deletes.
	sweepBatch = 1000
)

// Sweep deletes deliveries that have ended, after 30 days and beyond the newest 10,000 of each
// endpoint. What is pending is never deleted.
func (s Store) Sweep(ctx context.Context) (swept int64, err error) {
	var es []Endpoint
	if err := across.Read(ctx, s).Select("id").Order("id").Find(&es).Error; err != nil {
		return 0, tenant.Translate(s, fmt.Errorf("read webhook endpoints: %w", err))
	}
	old := model.TimeOf(s.Now()) - model.Time(keptTime.Milliseconds())
	for _, e := range es {
		oldest := "" // of those that are kept
		err := across.Read(ctx, s).Model(&Delivery{}).Where("endpoint_id = ?", e.ID).Order("id DESC").
			Offset(keptDeliveries-1).Limit(1).Pluck("id", &oldest).Error
		if err != nil {
			return swept, tenant.Translate(s, fmt.Errorf("read deliveries: %w", err))
		}
		for n := int64(sweepBatch); n == sweepBatch; swept += n {
			some := across.DB(ctx, s).Model(&Delivery{}).Select("id").
				Where("endpoint_id = ? AND (id < ? OR finished_at < ?)", e.ID, oldest, old).
				Where(tenant.Beside("state")+" <> ?", Pending).Order("id").Limit(sweepBatch)
			r := across.DB(ctx, s).Where("id IN (?)", some).Delete(&Delivery{})
			if n = r.RowsAffected; r.Error != nil {
				return swept, tenant.Translate(s, fmt.Errorf("sweep deliveries: %w", r.Error))
			}
		}
	}
	return swept, nil
}
