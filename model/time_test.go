package model_test

import (
	"encoding/json"
	"testing"
	"time"

	"rollcall/model"
)

func TestTime(t *testing.T) {
	t.Parallel()
	at := model.TimeOf(time.Date(2026, 3, 4, 5, 6, 7, 890_999_999, time.FixedZone("", 3600)))
	for _, c := range []struct{ text, want string }{
		{`"2026-03-04T04:06:07.890Z"`, "2026-03-04T04:06:07.890Z"},
		{`"2026-03-04T05:06:07.89+01:00"`, "2026-03-04T04:06:07.890Z"},
		{`"2026-03-04T04:06:07.8909999Z"`, "2026-03-04T04:06:07.890Z"},
	} {
		var got model.Time
		if err := json.Unmarshal([]byte(c.text), &got); err != nil || got != at || got.String() != c.want {
			t.Errorf("%s is %s: %v", c.text, got, err)
		}
	}
	if text, err := json.Marshal(at); err != nil || string(text) != `"2026-03-04T04:06:07.890Z"` {
		t.Errorf("%s %v", text, err)
	}
	if text, err := json.Marshal(model.Time(1000)); err != nil || string(text) != `"1970-01-01T00:00:01.000Z"` {
		t.Errorf("%s %v", text, err)
	}
	kept := at
	if err := json.Unmarshal([]byte(`null`), &kept); err != nil || kept != at {
		t.Errorf("null is %s: %v", kept, err)
	}
	if err := json.Unmarshal([]byte(`"yesterday"`), &kept); err == nil {
		t.Error("yesterday is a time")
	}
}
