package model_test

import (
	"encoding/json"
	"testing"

	"rollcall/model"
)

// endingOf is why access ended, of an event user.access_ended; empty for other events.
func endingOf(t testing.TB, e model.Event) model.EndingReason {
	t.Helper()
	if e.Type != model.UserAccessEnded {
		return ""
	}
	var data struct{ Reason model.EndingReason }
	must(t, json.Unmarshal([]byte(e.Data), &data))
	return data.Reason
}
