package oidc

import (
	"strings"
	"unicode"
)

// Refused is a message or a document that is not accepted. What it says is for the organization's
// own log: a browser is told nothing but a reference.
type Refused struct {
	Reason   Reason
	Expected string // what would have been accepted; empty where Reason says it all
	Received string // what was there instead, shortened; it is the sender's own text
	Err      error  // the cause, for the server's log
}

// Error is the text for the server's log. It leaves out what was received, in which there may be
// names of people, or whatever a stranger wants to have in our log.
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

func refuse(reason Reason, expected, received string) error {
	return &Refused{Reason: reason, Expected: expected, Received: shorten(received)}
}

// shorten makes the sender's text fit to be stored and shown.
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
