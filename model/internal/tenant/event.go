package tenant

import (
	"context"
	"encoding/json"
	"fmt"

	"rollcall/model"
)

// Record notes an event of the running transaction. A transaction's events are
// written at its end by one INSERT, and those of a large one by spill before.
func Record(h Bound, t model.EventType, subject string, data any) error {
	o := h.org()
	b, err := Encode(data)
	if err != nil {
		return fmt.Errorf("encode event %s: %w", t, err)
	}
	o.tx.events = append(o.tx.events, model.Event{
		ID: model.NewID(), Type: t, Actor: o.by, Subject: subject, Data: b, Restore: o.store.restore, CreatedAt: o.tx.at,
	})
	o.tx.size += len(b)
	return nil
}

// eventMemory is how many bytes of events a transaction keeps in memory.
const eventMemory = 4 << 20

// Spill writes the events so far when they have grown large: a change of many
// members has an event for each of them, with all that is known of that user.
func Spill(ctx context.Context, h Bound) error {
	o := h.org()
	if o.tx.size < eventMemory {
		return nil
	}
	return o.writeEvents(ctx)
}

// eventColumns are those that an INSERT of an event has.
const eventColumns = 8

func (o *Org) writeEvents(ctx context.Context) error {
	if len(o.tx.events) == 0 {
		return nil
	}
	if err := o.db.WithContext(ctx).CreateInBatches(o.tx.events, o.store.dialect.Batch(eventColumns)).Error; err != nil {
		return fmt.Errorf("write events: %w", err)
	}
	o.tx.events, o.tx.size = nil, 0
	return nil
}

// Encode writes v as compact JSON as JSON.stringify does: no escapes for <, >
// and &, since receivers sign their own re-serialization of it (docs/design/store.md, "Events").
func Encode(v any) (string, error) {
	b, err := model.Marshal(v)
	return string(b), err
}

// Decode reads a stored JSON column, which this package wrote.
func Decode(text string, into any) error {
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fmt.Errorf("stored JSON: %w", err)
	}
	return nil
}
