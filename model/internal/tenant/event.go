package tenant

import (
	"context"
	"fmt"

	"gorm.io/gorm/clause"

	"rollcall/model"
)

// Record notes an event of the running transaction. One INSERT writes all events of a transaction
// at its end. Spill writes those of a large one before.
func Record(h Bound, t model.EventType, subject string, data any) error {
	o := h.org()
	b, err := Encode(data)
	if err != nil {
		return fmt.Errorf("encode event %s: %w", t, err)
	}
	o.tx.events = append(o.tx.events, model.Event{
		ID: model.NewID(), Type: t, Actor: o.by, Subject: subject, Data: b,
		Restore: o.store.restore, CreatedAt: o.tx.at,
	})
	o.tx.size += len(b)
	return nil
}

// eventMemory is how many bytes of events a transaction keeps in memory.
const eventMemory = 4 << 20

// Spill writes the events so far when they have grown large. A change of many members has an event
// for each of them, with all attributes of that user.
func Spill(ctx context.Context, h Bound) error {
	o := h.org()
	if o.tx.size < eventMemory {
		return nil
	}
	return o.writeEvents(ctx)
}

// eventColumns are how many columns an INSERT of an event has.
const eventColumns = 8

// writeEvents writes the events that are not written yet.
func (o *Org) writeEvents(ctx context.Context) error {
	if len(o.tx.events) == 0 {
		return nil
	}
	batch := o.store.dialect.Batch(eventColumns)
	if err := o.db().WithContext(ctx).CreateInBatches(o.tx.events, batch).Error; err != nil {
		return fmt.Errorf("write events: %w", err)
	}
	o.tx.events, o.tx.size = nil, 0
	return nil
}

// InsertEvents is the part of a WITH statement that inserts the events recorded so far, once per
// row of from.
func InsertEvents(h Bound, from string) clause.Expr {
	o := h.org()
	n := len(o.tx.events)
	ids, types, subjects, data := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	for i, e := range o.tx.events {
		ids[i], types[i], subjects[i], data[i] = e.ID, string(e.Type), e.Subject, e.Data
	}
	return Named("told AS (INSERT INTO events (id, organization_id, type, actor, subject, data, restore, created_at) "+
		"SELECT e.id, @organization, e.type, @actor, e.subject, e.data, @restore::bigint, @at::bigint FROM "+from+", "+
		"unnest(@ids::text[], @types::text[], @subjects::text[], @data::text[]) AS e (id, type, subject, data))",
		map[string]any{
			"organization": string(o.ID), "actor": string(o.by), "restore": o.store.restore, "at": int64(o.tx.at),
			"ids": ids, "types": types, "subjects": subjects, "data": data,
		})
}
