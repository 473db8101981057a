package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
)

const (
	// feedReader is the name of FanOut among the readers of the feed.
	feedReader = "webhooks"
	// feedPage is how many events FanOut reads at a time.
	feedPage = 500
	// bornBefore is how much older than its endpoint an event may be that the endpoint is told of:
	// the clocks of two replicas differ.
	bornBefore = time.Second
)

// enabled lists the endpoints that are told of events, as far as they meet the conditions.
func (s Store) enabled(ctx context.Context, conditions ...string) ([]Endpoint, error) {
	db := across.Read(ctx, s).Where("status = ?", Enabled)
	for _, c := range conditions {
		db = db.Where(c)
	}
	var es []Endpoint
	if err := db.Order("id").Find(&es).Error; err != nil {
		return nil, tenant.Translate(s, fmt.Errorf("read webhook endpoints: %w", err))
	}
	return es, nil
}

// Waiting lists the enabled endpoints that have deliveries to be sent, now or later.
func (s Store) Waiting(ctx context.Context) ([]Endpoint, error) {
	return s.enabled(ctx, "EXISTS (SELECT 1 FROM webhook_deliveries d "+
		"WHERE d.endpoint_id = webhook_endpoints.id AND d.state = 'pending')")
}

// FanOut reads the next events of the feed, and adds a delivery of each to each endpoint that wants
// it. It returns whether there may be more. The first call begins with what happens from then on.
// Any number of replicas may call it: the one that moves the cursor first has added its deliveries,
// and the others add none.
func (s Store) FanOut(ctx context.Context) (more bool, err error) {
	cursor, err := tenant.OpenCursor(ctx, s, feedReader)
	if err != nil {
		return false, err
	}
	events, err := tenant.HeadersAfter(ctx, s, cursor, feedPage)
	if err != nil || len(events) == 0 {
		return false, err
	}
	endpoints, err := s.enabled(ctx) // after the events: who is not there yet hears of later ones
	if err != nil {
		return false, err
	}
	hears, err := s.hearers(ctx, endpoints, events)
	if err != nil {
		return false, err
	}
	lanes, err := s.lanes(ctx, endpoints, events)
	if err != nil {
		return false, err
	}
	var ds []Delivery
	now := model.TimeOf(s.Now())
	for i := range events {
		for j := range endpoints {
			if e := &endpoints[j]; e.wants(&events[i]) && hears(e, events[i].OrganizationID) {
				ds = append(ds, newDelivery(e, &events[i], lanes[events[i].ID], now))
			}
		}
	}
	return len(events) == feedPage, s.add(ctx, ds, cursor, events[len(events)-1].ID)
}

// errElsewhere ends the transaction of a replica that was not the first.
var errElsewhere = errors.New("another replica has read these events")

// add writes deliveries and moves the cursor.
func (s Store) add(ctx context.Context, ds []Delivery, from *tenant.FeedCursor, to string) error {
	err := across.DB(ctx, s).Transaction(func(db *gorm.DB) error {
		r := db.Model(&tenant.FeedCursor{}).Where("name = ? AND event_id = ?", from.Name, from.EventID).
			UpdateColumn("event_id", to)
		if r.Error != nil {
			return r.Error
		}
		if r.RowsAffected == 0 {
			return errElsewhere
		}
		if len(ds) == 0 {
			return nil
		}
		const columns = 17
		return db.Clauses(clause.OnConflict{DoNothing: true}).
			CreateInBatches(ds, tenant.DialectOf(s).Batch(columns)).Error
	})
	if err != nil && !errors.Is(err, errElsewhere) {
		return tenant.Translate(s, fmt.Errorf("add deliveries: %w", err))
	}
	return nil
}

// newDelivery is a delivery that may be sent at once.
func newDelivery(e *Endpoint, of *model.Event, lane string, now model.Time) Delivery {
	return Delivery{ID: model.NewID(), EndpointID: e.ID, EventID: of.ID, EventType: of.Type, Lane: lane,
		Restore: of.Restore, Tx: of.Tx, State: Pending, NextAt: now, DueAt: now, CreatedAt: now}
}

// wants tells whether an endpoint is told of events of this type, and was there when it happened.
func (e *Endpoint) wants(of *model.Event) bool {
	return slices.Contains(e.Events, of.Type) && of.CreatedAt >= e.CreatedAt-model.Time(bornBefore.Milliseconds())
}

// hearers returns a function that tells whether an endpoint's application serves an organization.
func (s Store) hearers(ctx context.Context, endpoints []Endpoint, events []model.Event) (
	hears func(*Endpoint, model.OrganizationID) bool, err error) {
	var applications []string
	organizations := map[string]bool{}
	for _, e := range endpoints {
		if e.ApplicationID != nil {
			applications = append(applications, *e.ApplicationID)
		}
	}
	for i := range events {
		organizations[string(events[i].OrganizationID)] = true
	}
	all, listed := map[string]bool{}, map[organization.ApplicationOrganization]bool{}
	if len(applications) > 0 {
		var as []organization.Application
		err := across.Read(ctx, s).Select("id", "all_organizations").Where("id IN ?", applications).Find(&as).Error
		if err != nil {
			return nil, tenant.Translate(s, fmt.Errorf("read applications: %w", err))
		}
		for _, a := range as {
			all[a.ID] = a.AllOrganizations
		}
		var rows []organization.ApplicationOrganization
		err = across.Read(ctx, s).Where("application_id IN ? AND organization_id IN ?", applications,
			tenant.SortedKeys(organizations)).Find(&rows).Error
		if err != nil {
			return nil, tenant.Translate(s, fmt.Errorf("read application's organizations: %w", err))
		}
		for _, r := range rows {
			listed[r] = true
		}
	}
	return func(e *Endpoint, id model.OrganizationID) bool {
		if e.ApplicationID == nil || all[*e.ApplicationID] {
			return true
		}
		return listed[organization.ApplicationOrganization{ApplicationID: *e.ApplicationID, OrganizationID: id}]
	}, nil
}

// lanes returns the lanes of the events that some endpoint wants, by the ids of the events. A
// user's membership, license or login is about the user, and only its data says whose it is.
func (s Store) lanes(ctx context.Context, endpoints []Endpoint, events []model.Event) (map[string]string, error) {
	of, unclear := map[string]string{}, []string{}
	for i := range events {
		e := &events[i]
		if !slices.ContainsFunc(endpoints, func(to Endpoint) bool { return to.wants(e) }) {
			continue
		}
		if of[e.ID] = laneOf(e); userOf(e.Subject) == "" {
			unclear = append(unclear, e.ID)
		}
	}
	const some = 100 // an event of a large user is hundreds of kilobytes
	for part := range slices.Chunk(unclear, some) {
		var whole []model.Event
		err := across.Read(ctx, s).Select("id", "organization_id", "subject", "data").Where("id IN ?", part).
			Find(&whole).Error
		if err != nil {
			return nil, tenant.Translate(s, fmt.Errorf("read events: %w", err))
		}
		for i := range whole {
			of[whole[i].ID] = laneOf(&whole[i])
		}
	}
	return of, nil
}

// laneOf returns the lane of an event: that of its user, else that of its subject.
func laneOf(e *model.Event) string {
	if user := userOf(e.Subject); user != "" {
		return user
	}
	var data struct {
		UserID          string `json:"user_id"`
		DirectoryUserID string `json:"directory_user_id"`
		User            struct {
			ID string `json:"id"`
		} `json:"user"`
	}
	if json.Unmarshal([]byte(e.Data), &data) == nil {
		for _, id := range []string{data.UserID, data.DirectoryUserID, data.User.ID} {
			if user := userOf(id); user != "" {
				return user
			}
		}
	}
	if e.Subject != "" {
		return e.Subject
	}
	return model.OrganizationPrefix.ID(string(e.OrganizationID))
}

// userOf returns the stored id of the user that an API id names, or nothing. A user and a directory
// user are the same row.
func userOf(apiID string) string {
	for _, p := range []model.Prefix{model.UserPrefix, model.DirectoryUserPrefix} {
		if id, ok := p.Parse(apiID); ok && strings.HasPrefix(apiID, string(p)) {
			return id
		}
	}
	return ""
}

// scopeOf is what an endpoint hears of.
func (s Store) scopeOf(ctx context.Context, e *Endpoint) (model.Scope, error) {
	if e.ApplicationID == nil {
		return model.Everywhere(), nil
	}
	a, err := organization.InsideStore(tenant.InsideStore(s)).ApplicationIn(across.Read(ctx, s), *e.ApplicationID)
	if err != nil {
		return model.Scope{}, err
	}
	return a.Scope(), nil
}

// eventsFor reads events by their ids, as far as an endpoint hears of them.
func (s Store) eventsFor(ctx context.Context, e *Endpoint, ids []string) ([]model.Event, error) {
	scope, err := s.scopeOf(ctx, e)
	if model.KindOf(err) == model.NotFound { // the application was deleted a moment ago
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var events []model.Event
	db := across.Read(ctx, s).Where("id IN ?", ids)
	if err := tenant.Within(db, scope, tenant.Beside("organization_id")).Find(&events).Error; err != nil {
		return nil, tenant.Translate(s, fmt.Errorf("read events: %w", err))
	}
	return events, nil
}

// eventIn reads one event, or nil.
func (s Store) eventIn(ctx context.Context, e *Endpoint, id string) (*model.Event, error) {
	events, err := s.eventsFor(ctx, e, []string{id})
	if err != nil || len(events) == 0 {
		return nil, err
	}
	return &events[0], nil
}
