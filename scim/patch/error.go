package patch

import (
	"errors"
	"fmt"
	"strconv"
)

// The scimType values of RFC 7644 §3.12 (Table 9) that an Error can have.
const (
	InvalidSyntax = "invalidSyntax"
	InvalidFilter = "invalidFilter"
	InvalidPath   = "invalidPath"
	InvalidValue  = "invalidValue"
	NoTarget      = "noTarget"
	Mutability    = "mutability"
	TooMany       = "tooMany"
)

// Error is a request that is refused as it is: a SCIM error with status 400.
type Error struct {
	ScimType string // one of the constants above
	Detail   string // what to change; it names attributes but no values, and may be shown to the client

	undeclared bool // the name is one that no schema declares
}

// Error returns the scimType and the detail.
func (e *Error) Error() string { return e.ScimType + ": " + e.Detail }

// fail returns an *Error with a formatted detail.
func fail(scimType, format string, args ...any) error {
	return &Error{ScimType: scimType, Detail: fmt.Sprintf(format, args...)}
}

// undeclared is fail with InvalidPath for a name that no schema declares.
func undeclared(format string, args ...any) error {
	return &Error{ScimType: InvalidPath, Detail: fmt.Sprintf(format, args...), undeclared: true}
}

// isUndeclared reports whether an error is one of undeclared.
func isUndeclared(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.undeclared
}

// quote returns a name as the client spells it, shortened for a message.
func quote(name string) string {
	const most = 80
	if len(name) > most {
		name = name[:most] + "…"
	}
	return strconv.Quote(name)
}
