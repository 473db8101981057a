package model

import (
	"context"
	"fmt"

	"gorm.io/gorm/clause"
)

// feedCursor is how far a worker has read the feed, on whatever replica.
type feedCursor struct {
	Name    string `gorm:"primaryKey"`
	EventID string // empty at the feed's beginning
}

// feedCursor returns how far a reader has come. A new one begins with what
// happens from now on.
func (s *Store) feedCursor(ctx context.Context, name string) (*feedCursor, error) {
	var c feedCursor
	r := s.readAcross(ctx).Where("name = ?", name).Limit(1).Find(&c)
	if r.Error != nil {
		return nil, s.translate(fmt.Errorf("read cursor: %w", r.Error))
	}
	if r.RowsAffected == 1 {
		return &c, nil
	}
	newest, _, err := s.Events(ctx, Everywhere(), EventQuery{Page: Page{Limit: 1}})
	if err != nil {
		return nil, err
	}
	c = feedCursor{Name: name}
	if len(newest) > 0 {
		c.EventID = newest[0].ID
	}
	// Of several replicas that begin at once, one decides where.
	r = s.across(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&c)
	if r.Error == nil && r.RowsAffected == 0 {
		r = s.across(ctx).Where("name = ?", name).Limit(1).Find(&c)
	}
	return &c, s.translate(r.Error)
}

// moveFeedCursor notes that a reader has come further, unless another replica's has.
func (s *Store) moveFeedCursor(ctx context.Context, from *feedCursor, to string) error {
	err := s.across(ctx).Model(&feedCursor{}).Where("name = ? AND event_id = ?", from.Name, from.EventID).UpdateColumn("event_id", to).Error
	if err != nil {
		return s.translate(fmt.Errorf("move cursor: %w", err))
	}
	return nil
}

// headersAfter reads events of all organizations without their data, in the
// order of the feed, after the one with an id; from the first where there is none.
func (s *Store) headersAfter(ctx context.Context, id string, limit int) ([]Event, error) {
	db := s.feed(ctx).Select("id", "organization_id", "type", "actor", "subject", "restore", "tx", "created_at")
	p := Page{Ascending: true, Limit: limit, After: id}
	columns, place := []string{"restore", "tx", "id"}, []any(nil)
	if s.dialect == sqliteDialect {
		columns = []string{"tx"} // the primary key there
	}
	if id != "" {
		at, err := s.place(ctx, Everywhere(), p)
		if err != nil {
			return nil, err
		}
		if place = []any{at.Restore, at.Tx, at.ID}; s.dialect == sqliteDialect {
			place = []any{at.Tx}
		}
	}
	events, _, err := walk(db, p, columns, place, func(e Event) string { return e.ID })
	return events, s.translate(err)
}
