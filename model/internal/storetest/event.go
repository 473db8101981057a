package storetest

import (
	"encoding/json"
	"testing"

	"rollcall/model"
	"rollcall/model/people"
	"rollcall/model/store"
)

// Events are all events of an organization in the order of the feed.
func Events(t testing.TB, s *store.Store, org *store.Org) []model.Event {
	t.Helper()
	es, _, err := s.Events(t.Context(), model.Everywhere(),
		store.EventQuery{OrganizationID: org.ID, Page: model.Page{Ascending: true, Limit: 10_000}})
	if err != nil {
		t.Fatal(err)
	}
	return es
}

// NewEvents returns the types of the events that run makes.
func NewEvents(t testing.TB, s *store.Store, org *store.Org, run func()) []model.EventType {
	t.Helper()
	before := len(Events(t, s, org))
	run()
	types := []model.EventType{}
	for _, e := range Events(t, s, org)[before:] {
		types = append(types, e.Type)
	}
	return types
}

// ended is the data of an event user.access_ended.
type ended struct {
	UserID     string              `json:"user_id"`
	Reason     people.EndingReason `json:"reason"`
	ProfileIDs []string            `json:"profile_ids"`
}

// endedBy returns the data of an event user.access_ended, and nothing for other events.
func endedBy(t testing.TB, e model.Event) (of ended) {
	t.Helper()
	if e.Type == people.UserAccessEnded {
		Must(t, json.Unmarshal([]byte(e.Data), &of))
	}
	return of
}

// EndingOf returns why access ended, and an empty text for events that do not end access.
func EndingOf(t testing.TB, e model.Event) people.EndingReason { return endedBy(t, e).Reason }
