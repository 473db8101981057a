// Package urgent marks work that must go on while the database is busy with other work: the check
// of a session, a profile, whether the server is ready. It has connections of its own.
package urgent

import "context"

type key struct{}

// Mark returns a context for urgent work.
func Mark(ctx context.Context) context.Context { return context.WithValue(ctx, key{}, true) }

// Is tells whether the context is one for urgent work.
func Is(ctx context.Context) bool { return ctx.Value(key{}) != nil }
