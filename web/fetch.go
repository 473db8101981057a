package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"rollcall/model"
)

// Fetch returns the body that an address answers with status 200. An error is a model.Error of kind
// Invalid, and its message is for the user who entered the address: it contains nothing of the
// answer and nothing about the server's network.
func (o *Outbound) Fetch(ctx context.Context, address, accept string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, unfetched("That is not a URL.", err)
	}
	r.Header.Set("Accept", accept)
	w, err := o.Client().Do(r)
	if err != nil {
		return nil, unfetched("", err)
	}
	defer func() { _ = w.Body.Close() }()
	if w.StatusCode != http.StatusOK {
		return nil,
			unfetched(fmt.Sprintf("The address answers with status %d. Open it in a browser.", w.StatusCode), nil)
	}
	text, err := io.ReadAll(w.Body)
	if err != nil {
		return nil, unfetched("", err)
	}
	return text, nil
}

// Unanswered says why a request got no answer.
type Unanswered uint8

// The reasons of Unanswered.
const (
	BrokenOff Unanswered = iota // or another one than those that follow
	NoHost
	Untrusted
	TooSlow
)

// WhyUnanswered finds the reason in the error of a request.
func WhyUnanswered(err error) Unanswered {
	var timeout net.Error
	var name *net.DNSError
	var untrusted *tls.CertificateVerificationError
	switch {
	case errors.As(err, &name) && name.IsNotFound:
		return NoHost
	case errors.As(err, &untrusted):
		return Untrusted
	case errors.As(err, &timeout) && timeout.Timeout():
		return TooSlow
	}
	return BrokenOff
}

// unfetchedBecause are the messages of unfetched.
var unfetchedBecause = map[Unanswered]string{
	NoHost:    "There is no host of that name. Check the URL.",
	Untrusted: "The host's TLS certificate is not trusted. Use a URL with a publicly trusted one.",
	TooSlow:   "The host does not answer in time. Try again.",
	BrokenOff: "The host cannot be reached, or breaks off. Check the URL.",
}

// unfetched is the error of Fetch. When message is empty, the message follows from err.
func unfetched(message string, err error) error {
	known, isKnown := errors.AsType[*model.Error](err)
	switch {
	case message != "":
	case isKnown: // the guard's own words
		message = known.Message
	default:
		message = unfetchedBecause[WhyUnanswered(err)]
	}
	return &model.Error{Kind: model.Invalid, Message: message, Err: err}
}
