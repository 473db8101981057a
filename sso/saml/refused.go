package saml

import (
	"strings"
	"unicode"
)

// Refused is the error for a message or document that is not accepted. Its details are for the
// organization's own login log: the browser gets only a reference to the entry, because an attacker
// would learn from the details too.
type Refused struct {
	Reason   Reason
	Expected string // what would have been accepted; empty if the Reason is clear alone
	Received string // the sender's own text, shortened
	Err      error  // the cause in a library, for the server's log

	Warnings []*Refused // faults that were accepted before this one was found
}

// Error returns the text for the server's log. It omits Received, which may have personal data or
// text that an attacker wants to place in the log.
func (r *Refused) Error() string {
	text := "saml: " + string(r.Reason)
	if r.Expected != "" {
		text += ": expected " + r.Expected
	}
	if r.Err != nil {
		text += ": " + r.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (r *Refused) Unwrap() error { return r.Err }

// maxReceived is how much of the sender's text a refusal carries, in bytes.
const maxReceived = 200

// refuse returns a *Refused without a cause.
func refuse(reason Reason, expected, received string) error {
	return &Refused{Reason: reason, Expected: expected, Received: shorten(received)}
}

// shorten is shortenTo with maxReceived bytes.
func shorten(text string) string { return shortenTo(text, maxReceived) }

// shortenTo cuts the sender's text to a length in bytes, and replaces control characters and
// invalid UTF-8: PostgreSQL stores neither a zero byte nor half of a character.
func shortenTo(text string, length int) string {
	end := ""
	if len(text) > length {
		text, end = text[:length], "…"
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "")) + end
}
