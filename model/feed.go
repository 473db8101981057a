package model

import (
	"context"
	"fmt"

	"gorm.io/gorm"
)

// EventQuery asks for events. Before and After are stored ids of events.
type EventQuery struct {
	Types          []EventType
	OrganizationID OrganizationID
	From, To       *Time // From is included, To is not
	Page
}

// Events reads the feed: every event of the scope once, in an order in which
// each user's own events stand as they happened. A reader that goes on from the
// last event it saw never misses one, whatever is being written meanwhile.
func (s *Store) Events(ctx context.Context, scope Scope, q EventQuery) ([]Event, PageInfo, error) {
	db := s.within(s.feed(ctx), scope, "organization_id")
	if q.OrganizationID != "" {
		db = db.Where("organization_id = ?", q.OrganizationID)
	}
	if len(q.Types) > 0 {
		db = db.Where("type IN ?", q.Types)
	}
	if q.From != nil {
		db = db.Where("created_at >= ?", *q.From)
	}
	if q.To != nil {
		db = db.Where("created_at < ?", *q.To)
	}
	var place []any
	if cursor := q.cursor(); cursor != "" {
		at, err := s.place(ctx, scope, q.Page)
		if err != nil {
			return nil, PageInfo{}, err
		}
		place = []any{at.Restore, at.Tx, at.ID}
	}
	events, info, err := walk(db, q.Page, []string{"restore", "tx", "id"}, place, func(e Event) string { return e.ID })
	return events, info, s.translate(err)
}

// feed are the events that may be shown: on PostgreSQL only those of
// transactions older than any that still runs, since a running one may yet
// commit events that stand before what is newer.
func (s *Store) feed(ctx context.Context) *gorm.DB {
	db := s.readAcross(ctx).Model(&Event{})
	if s.dialect == postgresDialect {
		db = db.Where("(restore < ? OR tx < pg_snapshot_xmin(pg_current_snapshot())::text::bigint)", s.restore)
	}
	return db
}

// place finds where in the feed an event stands.
func (s *Store) place(ctx context.Context, scope Scope, p Page) (*Event, error) {
	var es []Event
	if id := p.cursor(); isID(id) {
		err := s.within(s.readAcross(ctx).Model(&Event{}), scope, "organization_id").Where("id = ?", id).Find(&es).Error
		if err != nil {
			return nil, s.translate(fmt.Errorf("read event: %w", err))
		}
	}
	if len(es) == 0 {
		return nil, Invalidf(p.cursorName(), "the cursor names no event that you can read; start again without it")
	}
	return &es[0], nil
}
