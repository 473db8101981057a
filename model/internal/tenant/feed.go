package tenant

import (
	"context"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/model"
)

// EventQuery asks for events. Before and After are stored ids of events.
type EventQuery struct {
	Types          []model.EventType
	OrganizationID model.OrganizationID
	From, To       *model.Time // From is included, To is not
	model.Page
}

// Events reads the feed: every event of the scope once, with the events of each user in the order
// in which they happened. A reader that goes on after the last event that it has seen misses none,
// even when others write at the same time.
func (s *Store) Events(ctx context.Context, scope model.Scope, q EventQuery) ([]model.Event, model.PageInfo, error) {
	db := Within(s.feed(ctx), scope, "organization_id")
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
	events, info, err := walk(db, q.Page, feedOrder, place, eventID)
	return events, info, Translate(s, err)
}

// feedOrder are the columns that the feed is ordered by.
var feedOrder = []string{"restore", "tx", "id"}

func eventID(e model.Event) string { return e.ID }

// feed returns the events that may be shown. On PostgreSQL these are the events of transactions
// that are older than every running one, because a running transaction may still commit events that
// come before newer ones.
func (s *Store) feed(ctx context.Context) *gorm.DB {
	db := s.readAcross(ctx).Model(&model.Event{})
	if s.dialect == PostgresDialect {
		db = db.Where("(restore < ? OR tx < pg_snapshot_xmin(pg_current_snapshot())::text::bigint)", s.restore)
	}
	return db
}

// place returns the event of a cursor, with its place in the feed.
func (s *Store) place(ctx context.Context, scope model.Scope, p model.Page) (*model.Event, error) {
	var es []model.Event
	if id := p.Cursor(); model.IsID(id) {
		db := Within(s.readAcross(ctx).Model(&model.Event{}), scope, "organization_id")
		if err := db.Where("id = ?", id).Find(&es).Error; err != nil {
			return nil, Translate(s, fmt.Errorf("read event: %w", err))
		}
	}
	if len(es) == 0 {
		return nil, model.Invalidf(p.CursorName(),
			"the cursor names no event that you can read; start again without it")
	}
	return &es[0], nil
}

// FeedCursor is how far a worker has read the feed, on any replica.
type FeedCursor struct {
	Name    string `gorm:"primaryKey"`
	EventID string // empty at the feed's beginning
}

// OpenCursor returns how far a worker has read. A new one begins with what happens from now on.
func OpenCursor(ctx context.Context, h Base, name string) (*FeedCursor, error) {
	s := h.base()
	var c FeedCursor
	r := s.readAcross(ctx).Where("name = ?", name).Limit(1).Find(&c)
	if r.Error != nil {
		return nil, Translate(s, fmt.Errorf("read cursor: %w", r.Error))
	}
	if r.RowsAffected == 1 {
		return &c, nil
	}
	newest, _, err := s.Events(ctx, model.Everywhere(), EventQuery{Page: model.Page{Limit: 1}})
	if err != nil {
		return nil, err
	}
	c = FeedCursor{Name: name}
	if len(newest) > 0 {
		c.EventID = newest[0].ID
	}
	// When several replicas begin at once, one of them decides where.
	r = s.across(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&c)
	if r.Error == nil && r.RowsAffected == 0 {
		r = s.across(ctx).Where("name = ?", name).Limit(1).Find(&c)
	}
	return &c, Translate(s, r.Error)
}

// MoveFeedCursor notes that a worker has read further, unless another replica has noted that.
func MoveFeedCursor(ctx context.Context, h Base, from *FeedCursor, to string) error {
	s := h.base()
	db := s.across(ctx).Model(&FeedCursor{}).Where("name = ? AND event_id = ?", from.Name, from.EventID)
	if err := db.UpdateColumn("event_id", to).Error; err != nil {
		return Translate(s, fmt.Errorf("move cursor: %w", err))
	}
	return nil
}

// HeadersAfter reads events of all organizations without their data, in the order of the feed. It
// begins after the event with an id, or with the first event when the id is empty.
func HeadersAfter(ctx context.Context, h Base, id string, limit int) ([]model.Event, error) {
	s := h.base()
	db := s.feed(ctx).Select("id", "organization_id", "type", "actor", "subject", "restore", "tx", "created_at")
	p := model.Page{Ascending: true, Limit: limit, After: id}
	columns, place := feedOrder, []any(nil)
	if s.dialect == SqliteDialect {
		columns = []string{"tx"} // the primary key on SQLite
	}
	if id != "" {
		at, err := s.place(ctx, model.Everywhere(), p)
		if err != nil {
			return nil, err
		}
		if place = []any{at.Restore, at.Tx, at.ID}; s.dialect == SqliteDialect {
			place = []any{at.Tx}
		}
	}
	events, _, err := walk(db, p, columns, place, eventID)
	return events, Translate(s, err)
}
