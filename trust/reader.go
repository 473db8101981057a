package trust

import (
	"rollcall/model/connection"
	"rollcall/model/store"
	"rollcall/web"
)

// Reader turns what administrators say about an identity provider into changes of a connection.
type Reader struct {
	Store *store.Store

	// Outbound fetches metadata and discovery documents. Nothing is fetched when it is nil.
	Outbound *web.Outbound
}

// Change alters a connection that is being created or updated. It is made before the transaction
// begins, so that no lock is held while an identity provider is asked.
type Change func(*connection.ConnectionFields) error

// set copies a value where there is one.
func set[T any](into, given *T) {
	if given != nil {
		*into = *given
	}
}
