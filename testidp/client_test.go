package testidp

import (
	"testing"
	"time"
)

func TestPause(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name, retryAfter string
		attempt          int
		want             time.Duration
	}{
		{"seconds are waited for", "7", 1, 7 * time.Second},
		{"a date is waited for", "Sun, 22 Nov 2026 08:00:05 GMT", 1, 5 * time.Second},
		{"a date in the past is no pause", "Sun, 22 Nov 2026 07:00:00 GMT", 1, 0},
		{"without a value the first pause is short", "", 1, 500 * time.Millisecond},
		{"and each one is twice as long", "", 3, 2 * time.Second},
		{"what cannot be understood is left out", "-5", 2, time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := pause(tt.retryAfter, tt.attempt, now); got != tt.want {
				t.Errorf("pause is %s, want %s", got, tt.want)
			}
		})
	}
}

func TestJournalStaysSmall(t *testing.T) {
	t.Parallel()
	var j journal
	for range 70 {
		j.begin("many", time.Time{})
		for range 40 {
			j.add(Exchange{Method: "GET"})
		}
	}
	o := j.begin("one", time.Time{})
	for range 2 * maxExchanges {
		j.add(Exchange{Method: "PATCH"})
	}
	if len(j.operations) != 1 || len(o.Exchanges) != maxExchanges || o.Number != 71 {
		t.Errorf("%d operations, the last is number %d with %d exchanges", len(j.operations), o.Number,
			len(o.Exchanges))
	}
}
