package oidc

import (
	"context"
	"errors"
	"io"
	"net/http"
)

// maxDocument is the largest discovery document, key set or userinfo that is read, in bytes.
const maxDocument = 256 << 10

// errTooLarge is the error for a body with more than maxDocument bytes.
var errTooLarge = errors.New("the answer is too large")

// withoutRedirects returns a client that follows no redirect. Only the discovery document says
// where a provider's endpoints are, and a redirect of the token endpoint would send the client's
// secret to another address.
func withoutRedirects(client *http.Client) *http.Client {
	c := *client
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

// fetch gets a document with GET. The error is errTooLarge, or one of the network.
func fetch(
	ctx context.Context, client *http.Client, address string, header http.Header,
) (status int, body []byte, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Accept", "application/json")
	for name, values := range header {
		r.Header[name] = values
	}
	w, err := withoutRedirects(client).Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = w.Body.Close() }()
	body, err = io.ReadAll(io.LimitReader(w.Body, maxDocument+1))
	if len(body) > maxDocument {
		return w.StatusCode, nil, errTooLarge
	}
	return w.StatusCode, body, err
}
