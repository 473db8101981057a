package model

import (
	"encoding/json"
	"time"
)

// Time is a moment in milliseconds since 1970-01-01T00:00:00Z. Both databases store it as bigint,
// so that order, comparison and what a SCIM client gets back never depend on how a driver reads
// time zones or fractions.
type Time int64

const timeLayout = "2006-01-02T15:04:05.000Z"

// TimeOf cuts t to the millisecond.
func TimeOf(t time.Time) Time { return Time(t.UnixMilli()) }

// Time returns t in UTC.
func (t Time) Time() time.Time { return time.UnixMilli(int64(t)).UTC() }

// String returns RFC 3339 in UTC with exactly three digits of fraction.
func (t Time) String() string { return t.Time().Format(timeLayout) }

// MarshalJSON writes String as a JSON string.
func (t Time) MarshalJSON() ([]byte, error) { return json.Marshal(t.String()) }

// UnmarshalJSON reads RFC 3339 with any fraction, cut to the millisecond. Null changes nothing, as
// encoding/json demands.
func (t *Time) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	var at time.Time
	if err := json.Unmarshal(b, &at); err != nil {
		return err
	}
	*t = TimeOf(at)
	return nil
}

// Later returns the moment d after t.
func (t Time) Later(d time.Duration) *Time {
	later := t + Time(d.Milliseconds())
	return &later
}
