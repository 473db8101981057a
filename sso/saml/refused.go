package saml

import (
	"strings"
	"unicode"
)

// Refused is a message or a document that is not accepted. What it says is for the organization's
// own log: a browser is told nothing but a reference, since an attacker would learn from it too.
type Refused struct {
	Reason   Reason
	Expected string // what would have been accepted; empty where Reason says it all
	Received string // what was there instead, shortened; it is the sender's own text
	Err      error  // the cause in a library, for the server's log
}

// Error is the text for the server's log. It leaves out what was received, in which there may be
// names of people, or whatever a stranger wants to have in our log.
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

func refuse(reason Reason, expected, received string) error {
	return &Refused{Reason: reason, Expected: expected, Received: shorten(received)}
}

// shorten makes the sender's text fit to be stored and shown: PostgreSQL takes no NUL and no half
// of a character.
func shorten(text string) string { return shortenTo(text, maxReceived) }

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
