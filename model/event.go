package model

import (
	"context"
	"encoding/json"
	"fmt"
)

// Event is something that happened in an organization. Events are never
// changed. Data is the JSON that the API and webhooks show, without secrets.
type Event struct {
	ID             string         `gorm:"primaryKey"`
	OrganizationID OrganizationID `gorm:"<-:create"`
	Type           EventType
	Actor          Actor
	Subject        string // what it happened to, as an API id
	Data           string
	Restore        int64
	Tx             int64 `gorm:"->"` // given by the database; with Restore and ID the feed's order
	CreatedAt      Time  `gorm:"autoCreateTime:false"`
}

// record notes an event of the running transaction. A transaction's events are
// written at its end by one INSERT, and those of a large one by spill before.
func (o *Org) record(t EventType, subject string, data any) error {
	b, err := encode(data)
	if err != nil {
		return fmt.Errorf("encode event %s: %w", t, err)
	}
	o.tx.events = append(o.tx.events, Event{
		ID: newID(), Type: t, Actor: o.by, Subject: subject, Data: b, Restore: o.store.restore, CreatedAt: o.tx.at,
	})
	o.tx.size += len(b)
	return nil
}

// eventMemory is how many bytes of events a transaction keeps in memory.
const eventMemory = 4 << 20

// spill writes the events so far when they have grown large: a change of many
// members has an event for each of them, with all that is known of that user.
func (o *Org) spill(ctx context.Context) error {
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
	if err := o.db.WithContext(ctx).CreateInBatches(o.tx.events, o.store.dialect.batch(eventColumns)).Error; err != nil {
		return fmt.Errorf("write events: %w", err)
	}
	o.tx.events, o.tx.size = nil, 0
	return nil
}

// encode writes v as compact JSON as JSON.stringify does: no escapes for <, >
// and &, since receivers sign their own re-serialization of it (docs/design/store.md, "Events").
func encode(v any) (string, error) {
	b, err := marshal(v)
	return string(b), err
}

// decode reads a stored JSON column, which this package wrote.
func decode(text string, into any) error {
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fmt.Errorf("stored JSON: %w", err)
	}
	return nil
}
