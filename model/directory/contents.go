package directory

import (
	"context"

	"rollcall/model/internal/tenant"
	"rollcall/model/people"
)

// Contents is what belongs to one directory: its users, groups, tokens and request log.
type Contents struct {
	org Org
	id  string // of the directory
}

// Of returns the contents of one directory of an organization. Where the organization has no
// such directory, nothing is found in it.
func Of(org tenant.Bound, directoryID string) Contents { return Contents{In(org), directoryID} }

// tx runs fn in one transaction, see tenant.Org.Tx.
func (c Contents) tx(ctx context.Context, fn func(c Contents) error) error {
	return c.org.Tx(ctx, func(org Org) error { return fn(Of(org, c.id)) })
}

// change is tx for a write that starts again when others' locks have ended it, see tenant.Change.
func (c Contents) change(ctx context.Context, fn func(c Contents) error) error {
	return c.org.change(ctx, func(org Org) error { return fn(Of(org, c.id)) })
}

// Group returns one group of the directory.
func (c Contents) Group(ctx context.Context, id string) (*people.DirectoryGroup, error) {
	return people.In(c.org).DirectoryGroup(ctx, c.id, id)
}
