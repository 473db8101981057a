package oidc

import (
	"strings"
	"unicode"
)

// Refused is the error for a message or document that is not accepted. Its details are for the
// organization's own login log: the browser gets only a reference to the entry.
type Refused struct {
	Reason   Reason
	Expected string // what would have been accepted; empty if the Reason is clear alone
	Received string // the sender's own text, at most 300 bytes and an ellipsis
	Err      error  // the cause, for the server's log

	Warnings []Warning // faults that were accepted before this one was found
}

// Warning is a fault that did not make a login fail.
type Warning struct {
	Reason   Reason
	Received string // as in Refused; may be empty
}

// Error returns the text for the server's log. It omits Received, which may have personal data or
// text that an attacker wants to place in the log.
func (r *Refused) Error() string {
	text := "oidc: " + string(r.Reason)
	if r.Expected != "" {
		text += ": expected " + r.Expected
	}
	return text
}

// Unwrap returns the cause.
func (r *Refused) Unwrap() error { return r.Err }

// maxReceived is how much of the sender's text a refusal carries, in bytes.
const maxReceived = 300

// refuse returns a *Refused without a cause.
func refuse(reason Reason, expected, received string) error {
	return &Refused{Reason: reason, Expected: expected, Received: shorten(received)}
}

// shorten cuts the sender's text to maxReceived, and replaces control characters and invalid UTF-8.
func shorten(text string) string {
	end := ""
	if len(text) > maxReceived {
		text, end = text[:maxReceived], "…"
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "")) + end
}
