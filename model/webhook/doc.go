// Package webhook keeps which applications want to be told of events, and what they were told.
//
// An Endpoint is an address that an application named. FanOut reads the feed and adds a Delivery
// for each event to each endpoint that wants it. Claim takes deliveries that may be sent now, and
// Finish records how it went. What sends them is package webhook at the top.
//
// The order holds in a lane: the events of one user are sent one after the other, in the order of
// the feed, and the next one waits until the one before was taken. Lanes do not wait for each
// other.
package webhook

import (
	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// The prefixes of ids in the API.
const (
	EndpointPrefix model.Prefix = "we"
	DeliveryPrefix model.Prefix = "delivery"
)

// Store is the whole store with the operations of this package. An endpoint belongs to no
// organization: its scope says of which ones it hears.
type Store struct{ *tenant.Store }

// Across returns the store with the operations of this package.
func Across(store tenant.Base) Store { return Store{tenant.StoreOf(store)} }
