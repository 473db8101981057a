package patch

import (
	"fmt"
	"strconv"
)

// The scimType values of RFC 7644 §3.12 that an Error can have.
const (
	InvalidSyntax = "invalidSyntax"
	InvalidFilter = "invalidFilter"
	InvalidPath   = "invalidPath"
	InvalidValue  = "invalidValue"
	NoTarget      = "noTarget"
	Mutability    = "mutability"
	TooMany       = "tooMany"
)

// Error is a request that cannot be carried out as it is: a SCIM error with status 400. Detail
// says what to change and may be shown to the client. It names attributes, but repeats no values.
type Error struct {
	ScimType string // one of the constants above
	Detail   string
}

// Error is the scimType and the detail.
func (e *Error) Error() string { return e.ScimType + ": " + e.Detail }

func fail(scimType, format string, args ...any) error {
	return &Error{ScimType: scimType, Detail: fmt.Sprintf(format, args...)}
}

// quote is a name as the client spells it, short enough for a message.
func quote(name string) string {
	const most = 80
	if len(name) > most {
		name = name[:most] + "…"
	}
	return strconv.Quote(name)
}
