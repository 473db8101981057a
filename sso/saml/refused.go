package saml

import "fmt"

// Refused is a message or a document that is not accepted. The text is for the organization's
// log: a browser is told nothing but a reference, since an attacker would learn from it too.
type Refused struct {
	Reason   Reason
	Expected string // what would have been accepted; empty where Reason says it all
	Received string // what was there instead, shortened; it is the sender's own text
	Err      error  // the cause in a library, for the server's log
}

// Error is the text for the log.
func (r *Refused) Error() string {
	text := "saml: " + string(r.Reason)
	if r.Expected != "" {
		text += ": expected " + r.Expected
	}
	if r.Received != "" {
		text += fmt.Sprintf(": received %q", r.Received)
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

func shorten(text string) string {
	if len(text) <= maxReceived {
		return text
	}
	return text[:maxReceived] + "…"
}
