package signon

import (
	"context"
	"fmt"
	"time"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/people"
)

// The most failed logins that are kept of one day: whoever can reach a
// connection's address could otherwise fill the database with them.
const (
	maxFailures        = 1000 // of a connection
	maxAddressFailures = 200  // of a connection and one network
	// A flood must not hide the failure that the customer's IT looks for: from commonFailures on only
	// networks that have few are noted, and from manyFailures on only reasons that are rare. A stranger
	// has many addresses, and yet no message that fails for a reason behind the signature.
	commonFailures = 800
	manyFailures   = 900
	rareFailures   = 10 // of a network, or of a reason
)

// roomForFailure tells whether a failure is still kept: it counts those of the last day, in one read.
func (o Org) roomForFailure(ctx context.Context, a *LoginAttempt) (bool, error) {
	var day []struct{ Address, Reason string }
	err := tenant.Read(o).WithContext(ctx).Model(&LoginAttempt{}).Select("address", "reason").
		Where("connection_id = ? AND succeeded = ? AND created_at > ?", a.ConnectionID, false, tenant.Now(o)-model.Time((24*time.Hour).Milliseconds())).
		Limit(maxFailures).Find(&day).Error
	if err != nil {
		return false, fmt.Errorf("count failed logins: %w", err)
	}
	addresses, reason := make([]string, len(day)), 0
	for i, d := range day {
		addresses[i] = d.Address
		if d.Reason == a.Reason {
			reason++
		}
	}
	near := people.SameNetwork(addresses, a.Address)
	switch {
	case len(day) >= maxFailures || near >= maxAddressFailures:
		return false, nil
	case len(day) >= manyFailures:
		return reason < rareFailures, nil
	case len(day) >= commonFailures:
		return near < rareFailures, nil
	}
	return true, nil
}
