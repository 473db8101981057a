package model

import (
	"context"
	"fmt"
	"slices"

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
	backward := q.Before != ""
	ascending := q.Ascending != backward
	if cursor := q.Before + q.After; cursor != "" {
		at, err := s.place(ctx, scope, cursor)
		if err != nil {
			return nil, PageInfo{}, err
		}
		comparison := "(restore, tx, id) < (?, ?, ?)"
		if ascending {
			comparison = "(restore, tx, id) > (?, ?, ?)"
		}
		db = db.Where(comparison, at.Restore, at.Tx, at.ID)
	}
	order := "restore DESC, tx DESC, id DESC"
	if ascending {
		order = "restore, tx, id"
	}
	var rows []Event
	if err := db.Order(order).Limit(q.Limit + 1).Find(&rows).Error; err != nil {
		return nil, PageInfo{}, s.translate(fmt.Errorf("read events: %w", err))
	}
	more := len(rows) > q.Limit
	if more {
		rows = rows[:q.Limit]
	}
	if backward {
		slices.Reverse(rows)
	}
	var info PageInfo
	if n := len(rows); n > 0 {
		if backward && more || !backward && q.After != "" {
			info.Before = rows[0].ID
		}
		if backward || more {
			info.After = rows[n-1].ID
		}
	}
	return rows, info, nil
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
func (s *Store) place(ctx context.Context, scope Scope, id string) (*Event, error) {
	var e Event
	r := s.within(s.readAcross(ctx).Model(&Event{}), scope, "organization_id").Where("id = ?", id).Limit(1).Find(&e)
	if r.Error != nil {
		return nil, s.translate(fmt.Errorf("read event: %w", r.Error))
	}
	if r.RowsAffected == 0 {
		return nil, Invalidf("after", "the cursor names no event that you can read; start again without it")
	}
	return &e, nil
}
