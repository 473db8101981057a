package tenant

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm/clause"

	"rollcall/model"
)

// feedPlace is a place in the feed.
type feedPlace struct {
	restore, tx int64
	id          string
	resumed     bool // the event of the cursor is gone, see resume
}

// place returns the place of a cursor.
func (s *Store) place(ctx context.Context, scope model.Scope, p model.Page) (feedPlace, error) {
	id := p.Cursor()
	if !model.IsID(id) {
		return feedPlace{}, model.Invalidf(p.CursorName(),
			"the cursor is not the id of an event; start again without it")
	}
	f := &feedQuery{store: s, columns: eventHeader}
	f.scope(scope)
	f.where("id = ?", id)
	found, _, err := f.page(ctx, model.Page{Limit: 1})
	if err != nil {
		return feedPlace{}, Translate(s, err)
	}
	if len(found) == 1 {
		return feedPlace{restore: found[0].Restore, tx: found[0].Tx, id: id}, nil
	}
	return s.resume(ctx, scope, p)
}

const (
	// resumedFrom is how much earlier than its lost event a reader goes on. The order of ids is not
	// the order of the feed: they differ by as long as a transaction takes.
	resumedFrom = 5 * time.Minute
	// resumedWithin is how much later the first event in the feed may have been created.
	resumedWithin = 15 * time.Minute
)

// resume returns the place where a reader goes on whose event is gone: a failover has lost it, the
// database was restored, or the event was too old to be kept. The id of an event tells when it was
// created. The reader goes on from the first event, in the order of the feed, that was created five
// minutes earlier. It may read events again, and misses none. When all events of that time are
// gone, it may have missed some: that is ErrCursorExpired.
func (s *Store) resume(ctx context.Context, scope model.Scope, p model.Page) (feedPlace, error) {
	created := timeOfID(p.Cursor())
	forward, back := p.Ascending != (p.Before != ""), -resumedFrom
	if !forward {
		back = resumedFrom
	}
	begin := created.Add(back)
	older, err := s.boundary(ctx, scope, "id < ?", idAt(created), "id DESC")
	if err != nil {
		return feedPlace{}, err
	}
	if older == nil && forward {
		return feedPlace{}, s.expired(ctx, scope, p)
	}
	var first *model.Event
	if forward {
		first, err = s.boundary(ctx, scope, "id >= ? AND id < ?", []any{idAt(begin), idAt(begin.Add(resumedWithin))},
			"restore, tx, id")
		if err == nil && first == nil {
			first, err = s.boundary(ctx, scope, "id >= ?", idAt(begin), "id")
		}
	} else {
		first, err = s.boundary(ctx, scope, "id < ? AND id >= ?", []any{idAt(begin), idAt(begin.Add(-resumedWithin))},
			"restore DESC, tx DESC, id DESC")
		if err == nil && first == nil {
			first, err = s.boundary(ctx, scope, "id < ?", idAt(begin), "id DESC")
		}
	}
	switch {
	case err != nil:
		return feedPlace{}, err
	case first != nil && forward: // just before it
		return feedPlace{first.Restore, first.Tx - 1, "~", true}, nil
	case first != nil: // just after it
		return feedPlace{first.Restore, first.Tx + 1, "", true}, nil
	case forward: // nothing has happened since
		return feedPlace{older.Restore, older.Tx, older.ID, true}, nil
	}
	return feedPlace{resumed: true}, nil
}

// boundary returns the first event of an order whose id meets a condition, and nil without one.
func (s *Store) boundary(
	ctx context.Context, scope model.Scope, condition string, ids any, order string,
) (*model.Event, error) {
	f := &feedQuery{store: s}
	f.scope(scope)
	db := s.readAcross(ctx).Model(&model.Event{}).Select(eventHeader)
	for _, c := range f.conditions {
		db = db.Where(c)
	}
	values, many := ids.([]any)
	if !many {
		values = []any{ids}
	}
	var found []model.Event
	if err := db.Where(condition, values...).Order(order).Limit(1).Find(&found).Error; err != nil {
		return nil, Translate(s, fmt.Errorf("read event: %w", err))
	}
	if len(found) == 0 {
		return nil, nil
	}
	return &found[0], nil
}

// expired is the error for a cursor older than all events.
func (s *Store) expired(ctx context.Context, scope model.Scope, p model.Page) error {
	oldest, err := s.boundary(ctx, scope, "id > ?", "", "id")
	if err != nil {
		return err
	}
	message := "the event of the cursor is gone, and so are all that were there at its time; start again without it"
	if oldest != nil {
		message = "the event of the cursor is too old to be kept; the oldest event that you can read is " +
			model.EventPrefix.ID(oldest.ID) + "; read the present state, and start again without the cursor"
	}
	return &model.Error{Kind: model.Invalid, Field: p.CursorName(), Message: message, Err: model.ErrCursorExpired}
}

// timeOfID returns when an id was made.
func timeOfID(id string) time.Time {
	u, err := uuid.Parse(id)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(u[:8]) >> 16))
}

// idAt returns the text before all ids that were made at a time or later.
func idAt(t time.Time) string {
	var u uuid.UUID
	binary.BigEndian.PutUint64(u[:8], uint64(max(t.UnixMilli(), 0))<<16)
	return u.String()
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
// begins after the event of a cursor, or with the first event when the cursor is empty. A worker
// never stops for an event that is gone: it goes on where resume says, or with the oldest event.
func HeadersAfter(ctx context.Context, h Base, cursor *FeedCursor, limit int) ([]model.Event, error) {
	s := h.base()
	f := s.feed(eventHeader)
	p := model.Page{Ascending: true, Limit: limit, After: cursor.EventID}
	standing := ""
	if cursor.EventID != "" {
		at, err := s.place(ctx, model.Everywhere(), p)
		if errors.Is(err, model.ErrCursorExpired) {
			at, err = feedPlace{resumed: true}, nil
		}
		if err != nil {
			return nil, err
		}
		f.from(at, p)
		if at.resumed {
			standing = at.id
			s.log.WarnContext(ctx, "the last event that was read is gone; some are read again",
				"reader", cursor.Name, "event", cursor.EventID)
		}
	}
	events, _, err := f.page(ctx, p)
	if err == nil && len(events) == 0 && model.IsID(standing) { // the next round need not look again
		err = MoveFeedCursor(ctx, h, cursor, standing)
	}
	return events, Translate(s, err)
}
