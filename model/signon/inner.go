package signon

import (
	"context"

	"rollcall/model/internal/tenant"
)

// Inner is an Org with what the other packages of the store build on. Its methods run in the
// transaction of their caller, who carries out what follows.
type Inner struct{ Org }

// InnerStore is a Store with what the other packages of the store build on.
type InnerStore struct{ Store }

// InsideStore returns the InnerStore of the store. Only a package of the store can make its
// argument.
func InsideStore(s tenant.InnerStore) InnerStore { return InnerStore{Across(s)} }

// Inside returns the Inner of an organization. Only a package of the store can make its argument.
func Inside(org tenant.Inner) Inner { return Inner{In(org)} }

// UseLogin marks a login as used. The second use of a login is refused.
func (o Inner) UseLogin(ctx context.Context, l *Login) error { return o.useLogin(ctx, l) }
