package tenant

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"rollcall/model"
)

// EventQuery asks for events. Before and After are stored ids of events.
type EventQuery struct {
	Types          []model.EventType
	OrganizationID model.OrganizationID
	From, To       *model.Time // From is included, To is not
	model.Page
}

// Events reads the feed: every event of the scope once, in an order in which
// each user's own events stand as they happened. A reader that goes on from the
// last event it saw never misses one, whatever is being written meanwhile.
func (s *Store) Events(ctx context.Context, scope model.Scope, q EventQuery) ([]model.Event, model.PageInfo, error) {
	db := Within(s, s.feed(ctx), scope, "organization_id")
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
	if cursor := q.Cursor(); cursor != "" {
		at, err := s.place(ctx, scope, q.Page)
		if err != nil {
			return nil, model.PageInfo{}, err
		}
		place = []any{at.Restore, at.Tx, at.ID}
	}
	events, info, err := walk(db, q.Page, []string{"restore", "tx", "id"}, place, func(e model.Event) string { return e.ID })
	return events, info, Translate(s, err)
}

// feed are the events that may be shown: on PostgreSQL only those of
// transactions older than any that still runs, since a running one may yet
// commit events that stand before what is newer.
func (s *Store) feed(ctx context.Context) *gorm.DB {
	db := s.readAcross(ctx).Model(&model.Event{})
	if s.dialect == PostgresDialect {
		db = db.Where("(restore < ? OR tx < pg_snapshot_xmin(pg_current_snapshot())::text::bigint)", s.restore)
	}
	return db
}

// place finds where in the feed an event stands.
func (s *Store) place(ctx context.Context, scope model.Scope, p model.Page) (*model.Event, error) {
	var es []model.Event
	if id := p.Cursor(); model.IsID(id) {
		err := Within(s, s.readAcross(ctx).Model(&model.Event{}), scope, "organization_id").Where("id = ?", id).Find(&es).Error
		if err != nil {
			return nil, Translate(s, fmt.Errorf("read event: %w", err))
		}
	}
	if len(es) == 0 {
		return nil, model.Invalidf(p.CursorName(), "the cursor names no event that you can read; start again without it")
	}
	return &es[0], nil
}
