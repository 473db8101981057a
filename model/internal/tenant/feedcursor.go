package tenant

import (
	"context"
	"fmt"

	"gorm.io/gorm/clause"

	"rollcall/model"
)

// FeedCursor is how far a worker has read the feed, on whatever replica.
type FeedCursor struct {
	Name    string `gorm:"primaryKey"`
	EventID string // empty at the feed's beginning
}

// FeedCursor returns how far a reader has come. A new one begins with what
// happens from now on.
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
	// Of several replicas that begin at once, one decides where.
	r = s.across(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&c)
	if r.Error == nil && r.RowsAffected == 0 {
		r = s.across(ctx).Where("name = ?", name).Limit(1).Find(&c)
	}
	return &c, Translate(s, r.Error)
}

// MoveFeedCursor notes that a reader has come further, unless another replica's has.
func MoveFeedCursor(ctx context.Context, h Base, from *FeedCursor, to string) error {
	s := h.base()
	err := s.across(ctx).Model(&FeedCursor{}).Where("name = ? AND event_id = ?", from.Name, from.EventID).UpdateColumn("event_id", to).Error
	if err != nil {
		return Translate(s, fmt.Errorf("move cursor: %w", err))
	}
	return nil
}

// HeadersAfter reads events of all organizations without their data, in the
// order of the feed, after the one with an id; from the first where there is none.
func HeadersAfter(ctx context.Context, h Base, id string, limit int) ([]model.Event, error) {
	s := h.base()
	db := s.feed(ctx).Select("id", "organization_id", "type", "actor", "subject", "restore", "tx", "created_at")
	p := model.Page{Ascending: true, Limit: limit, After: id}
	columns, place := []string{"restore", "tx", "id"}, []any(nil)
	if s.dialect == SqliteDialect {
		columns = []string{"tx"} // the primary key there
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
	events, _, err := walk(db, p, columns, place, func(e model.Event) string { return e.ID })
	return events, Translate(s, err)
}
