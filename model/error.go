package model

import (
	"errors"
	"fmt"
)

// Kind says what went wrong. SCIM, OAuth, the API and the pages have their own status for each
// kind.
type Kind uint8

// The kinds of errors.
const (
	// Internal is every error that no input caused. Its text is for the log only.
	Internal Kind = iota
	// Invalid is input that breaks a rule; Error.Field names the input.
	Invalid
	// NotFound is a row that does not exist, or that the caller must not know of.
	NotFound
	// Conflict is input that is right in itself but collides with what is stored.
	Conflict
	// Stale is a write that expected another version of the row.
	Stale
	// Denied is a request by someone who is known but must not do this.
	Denied
	// Full is a limit of the organization that is reached, such as its seats.
	Full
	// TooLarge is input or a result beyond a limit of the server.
	TooLarge
	// Busy is a write that waited too long for the locks of others. Trying again helps.
	Busy
	// Unavailable is a database that cannot be reached or written now.
	Unavailable
)

// Error is a failure that the caller may see. Message is for the caller. Err is for the log and is
// never shown.
type Error struct {
	Kind    Kind
	Field   string // the input that is wrong, in its API spelling; empty when it is all of it
	Message string
	Err     error
}

// Error returns the text for the log: the message, and the cause when there is one.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %v", e.Message, e.Err)
	}
	return e.Message
}

// Unwrap returns the private cause.
func (e *Error) Unwrap() error { return e.Err }

// ErrCursorExpired is the cause of an Invalid error: the event of a cursor is gone, with all that
// were there at its time.
var ErrCursorExpired = errors.New("the cursor has expired")

// KindOf returns the kind of the first Error in err's chain, and Internal for any other error.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Invalidf makes an Invalid error about one input field.
func Invalidf(field, format string, args ...any) *Error {
	return &Error{Kind: Invalid, Field: field, Message: fmt.Sprintf(format, args...)}
}

// NotFoundf makes a NotFound error.
func NotFoundf(format string, args ...any) *Error {
	return &Error{Kind: NotFound, Message: fmt.Sprintf(format, args...)}
}

// Conflictf makes a Conflict error about one input field.
func Conflictf(field, format string, args ...any) *Error {
	return &Error{Kind: Conflict, Field: field, Message: fmt.Sprintf(format, args...)}
}

// Deniedf makes a Denied error.
func Deniedf(format string, args ...any) *Error {
	return &Error{Kind: Denied, Message: fmt.Sprintf(format, args...)}
}
