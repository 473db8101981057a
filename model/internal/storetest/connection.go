package storetest

import (
	"encoding/json"
	"fmt"
	"testing"

	"rollcall/model"
	"rollcall/model/people"
)

// ended is the data of an event user.access_ended.
type ended struct {
	UserID     string              `json:"user_id"`
	Reason     people.EndingReason `json:"reason"`
	ProfileIDs []string            `json:"profile_ids"`
}

func endedBy(t testing.TB, e model.Event) (of ended) {
	t.Helper()
	if e.Type == people.UserAccessEnded {
		Must(t, json.Unmarshal([]byte(e.Data), &of))
	}
	return of
}

// EndingOf is why access ended; empty for other events.
func EndingOf(t testing.TB, e model.Event) people.EndingReason { return endedBy(t, e).Reason }

// EventsAfter lists the events after some, with the names of those whose access ended.
func (h House) EventsAfter(t testing.TB, before int, names map[string]string) []string {
	t.Helper()
	out := []string{}
	for _, e := range Events(t, h.S, h.Org)[before:] {
		name := string(e.Type)
		if of := endedBy(t, e); of.UserID != "" {
			name += fmt.Sprintf(" %s %s %d", names[of.UserID], of.Reason, len(of.ProfileIDs))
		}
		out = append(out, name)
	}
	return out
}
