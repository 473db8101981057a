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

// Fetch gets what an address answers with status 200, through the guard. An error is a model.Error
// of kind Invalid whose message is for whoever named the address: nothing of the answer, and nothing
// of our network.
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
		return nil, unfetched(fmt.Sprintf("The address answers with status %d. Open it in a browser.", w.StatusCode), nil)
	}
	text, err := io.ReadAll(w.Body)
	if err != nil {
		return nil, unfetched("", err)
	}
	return text, nil
}

// unfetched says why an address could not be fetched: message, or what can be told of the error.
func unfetched(message string, err error) error {
	known, isKnown := errors.AsType[*model.Error](err)
	var timeout net.Error
	var name *net.DNSError
	var untrusted *tls.CertificateVerificationError
	switch {
	case message != "":
	case isKnown: // the guard's own words
		message = known.Message
	case errors.As(err, &name) && name.IsNotFound:
		message = "There is no host of that name. Check the URL."
	case errors.As(err, &untrusted):
		message = "The host's TLS certificate is not trusted. Use a URL with a publicly trusted one."
	case errors.As(err, &timeout) && timeout.Timeout():
		message = "The host does not answer in time. Try again."
	default:
		message = "The host cannot be reached, or breaks off. Check the URL."
	}
	return &model.Error{Kind: model.Invalid, Message: message, Err: err}
}
