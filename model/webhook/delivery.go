package webhook

import (
	"context"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
)

// DeliveryState is how far a delivery is.
type DeliveryState string

// The states of a delivery. A failed one was tried for three days, and its lane has gone on.
const (
	Pending   DeliveryState = "pending"
	Delivered DeliveryState = "delivered"
	Failed    DeliveryState = "failed"
)

// Delivery is one event on its way to one endpoint.
type Delivery struct {
	ID           string          `gorm:"primaryKey"`
	EndpointID   string          `gorm:"<-:create"`
	EventID      string          `gorm:"<-:create"`
	EventType    model.EventType `gorm:"<-:create"`
	Lane         string          `gorm:"<-:create"` // deliveries of one lane are sent one after the other
	Restore      int64           `gorm:"<-:create"` // with Tx and EventID the place in the feed
	Tx           int64           `gorm:"<-:create"`
	State        DeliveryState
	Attempts     int64
	NextAt       model.Time // not before
	LeaseUntil   model.Time // somebody is sending it until then
	LastStatus   int64      // of the last answer, 0 without one
	LastError    string     // why the last attempt failed, in our words: never what the receiver wrote
	LastDuration int64      // of the last attempt, in milliseconds
	CreatedAt    model.Time `gorm:"autoCreateTime:false"`
	DueAt        model.Time // from when on it is tried for three days
	FinishedAt   *model.Time
}

// TableName is the table of deliveries.
func (*Delivery) TableName() string { return "webhook_deliveries" }

// DeliveryObject is the public form of a delivery.
type DeliveryObject struct {
	Object            string          `json:"object"`
	ID                string          `json:"id"`
	WebhookEndpointID string          `json:"webhook_endpoint_id"`
	EventID           string          `json:"event_id"`
	Event             model.EventType `json:"event"`
	State             DeliveryState   `json:"state"`
	Attempts          int64           `json:"attempts"`
	NextAttemptAt     *model.Time     `json:"next_attempt_at"`
	LastStatus        *int64          `json:"last_status"`
	LastError         *string         `json:"last_error"`
	LastDurationMS    *int64          `json:"last_duration_ms"`
	CreatedAt         model.Time      `json:"created_at"`
	FinishedAt        *model.Time     `json:"finished_at"`
}

// PublicForm returns the object that the API shows.
func (d *Delivery) PublicForm() DeliveryObject {
	o := DeliveryObject{
		Object: "webhook_delivery", ID: DeliveryPrefix.ID(d.ID),
		WebhookEndpointID: EndpointPrefix.ID(d.EndpointID), EventID: model.EventPrefix.ID(d.EventID),
		Event: d.EventType, State: d.State, Attempts: d.Attempts, LastError: model.OrNull(d.LastError),
		CreatedAt: d.CreatedAt, FinishedAt: d.FinishedAt,
	}
	if d.State == Pending {
		o.NextAttemptAt = &d.NextAt
	}
	if d.LastStatus != 0 {
		o.LastStatus = &d.LastStatus
	}
	if d.Attempts > 0 {
		o.LastDurationMS = &d.LastDuration
	}
	return o
}

// Deliveries lists the deliveries of an endpoint, those of one state where it is not empty.
func (s Store) Deliveries(ctx context.Context, scope model.Scope, endpoint string, state DeliveryState, p model.Page) (
	[]Delivery, model.PageInfo, error) {
	if _, err := s.Endpoint(ctx, scope, endpoint); err != nil {
		return nil, model.PageInfo{}, err
	}
	db := across.Read(ctx, s).Model(&Delivery{}).Where("endpoint_id = ?", endpoint)
	if state != "" {
		db = db.Where(tenant.IsBeside("state"), state)
	}
	return tenant.Paged(s, db, p, func(d Delivery) string { return d.ID })
}

// hurry has what waits for an endpoint sent now, and tried for three days from now on.
func (s Store) hurry(db *gorm.DB, endpoint string, now model.Time) error {
	return db.Model(&Delivery{}).Where("endpoint_id = ? AND state = 'pending'", endpoint).
		UpdateColumns(map[string]any{"next_at": now, "due_at": now}).Error
}

// mostReplayed is how many deliveries one call sends again.
const mostReplayed = 1000

// errNothing explains why there is nothing to replay.
func errNothing() error {
	return model.NotFoundf("the endpoint has had no such delivery; deliveries are kept for 30 days")
}

// ReplayOne sends an event again, which the endpoint has had or would have had. It takes its place
// in its lane.
func (s Store) ReplayOne(ctx context.Context, scope model.Scope, endpoint, event string) error {
	e, err := s.Endpoint(ctx, scope, endpoint)
	if err != nil {
		return err
	}
	found, err := s.eventIn(ctx, e, event)
	if err != nil {
		return err
	}
	if found == nil {
		return model.NotFoundf("there is no event %s in the feed of this endpoint's application",
			model.EventPrefix.ID(event))
	}
	now := model.TimeOf(s.Now())
	d := newDelivery(e, found, laneOf(found), now)
	r := across.DB(ctx, s).Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "endpoint_id"}, {Name: "event_id"}},
		DoUpdates: clause.Assignments(anew(now)),
	}).Create(&d)
	if r.Error != nil {
		return tenant.Translate(s, fmt.Errorf("replay: %w", r.Error))
	}
	return nil
}

// anew is what makes a delivery one that has not been tried.
func anew(now model.Time) map[string]any {
	return map[string]any{"state": Pending, "attempts": 0, "next_at": now, "due_at": now, "finished_at": nil}
}

// ReplaySince sends again what an endpoint was sent of the events of a time, the oldest first and a
// thousand at most: more says that there are others. With failed it sends only what failed.
func (s Store) ReplaySince(ctx context.Context, scope model.Scope, endpoint string, from, to model.Time, failed bool) (
	n int64, more bool, err error) {
	if _, err := s.Endpoint(ctx, scope, endpoint); err != nil {
		return 0, false, err
	}
	states := []DeliveryState{Failed}
	if !failed {
		states = append(states, Delivered)
	}
	now := model.TimeOf(s.Now())
	some := across.DB(ctx, s).Model(&Delivery{}).Select("id").Where("endpoint_id = ?", endpoint).
		Where("created_at >= ? AND created_at < ?", from, to).Where(tenant.Beside("state")+" IN ?", states).
		Order("id").Limit(mostReplayed)
	r := across.DB(ctx, s).Model(&Delivery{}).Where("id IN (?)", some).UpdateColumns(anew(now))
	if r.Error != nil {
		return 0, false, tenant.Translate(s, fmt.Errorf("replay: %w", r.Error))
	}
	if r.RowsAffected == 0 {
		return 0, false, errNothing()
	}
	return r.RowsAffected, r.RowsAffected == mostReplayed, nil
}
