package provider

import (
	"encoding/base64"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/organization"
	"rollcall/web"
)

// credentials are what a client authenticates with.
type credentials struct {
	id, secret string
	none       bool // a public client has no secret
}

func (s *Server) clients() organization.Store { return organization.Across(s.Store) }

// errClient is the same for everything that does not authenticate a client.
var errClient error = &Error{Status: http.StatusUnauthorized, Code: "invalid_client",
	Description: "client_id or client_secret is wrong; the secret is an API key (sk_…) of the application that " +
		"client_id names",
	Challenge: `Basic realm="Rollcall"`}

// client returns the application that sends a form (RFC 6749, section 2.3).
func (s *Server) client(c echo.Context, form url.Values) (*organization.Application, error) {
	sent, err := readCredentials(c.Request().Header.Values(echo.HeaderAuthorization), form)
	if err != nil {
		return nil, err
	}
	ctx := c.Request().Context()
	err = errClient
	var application *organization.Application
	id, ok := model.ApplicationPrefix.Parse(sent.id)
	if ok && sent.none {
		application, err = s.clients().PublicClient(ctx, id)
	} else if ok {
		application, err = s.clients().Client(ctx, id, sent.secret)
	}
	if err == nil || model.KindOf(err) != model.Denied && err != errClient {
		return application, err
	}
	if wait := s.failures.note(guesser{id, web.ClientAddress(ctx)}, s.Store.Now()); wait > 0 {
		c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(int(wait/time.Second)+1))
		return nil, &Error{Status: http.StatusTooManyRequests, Code: "invalid_client",
			Description: "too many wrong secrets; wait a minute"}
	}
	return nil, errClient
}

// readCredentials finds what a client authenticates with, in exactly one way.
func readCredentials(headers []string, form url.Values) (credentials, error) {
	inForm := credentials{id: form.Get("client_id"), secret: form.Get("client_secret"),
		none: !form.Has("client_secret")}
	if form.Has("client_assertion") || form.Has("client_assertion_type") {
		return credentials{}, Refused("invalid_request", "client_assertion is not supported; send client_secret")
	}
	if len(headers) == 0 {
		return inForm, nil
	}
	scheme, encoded, _ := strings.Cut(headers[0], " ")
	if len(headers) > 1 || !inForm.none {
		return credentials{}, Refused("invalid_request",
			"authenticate once: in the header Authorization or in the form")
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	id, secret, both := strings.Cut(string(raw), ":")
	if !strings.EqualFold(scheme, "Basic") || err != nil || !both {
		return credentials{}, errClient
	}
	// Both are encoded as in a form (RFC 6749, section 2.3.1).
	id, idErr := url.QueryUnescape(id)
	secret, secretErr := url.QueryUnescape(secret)
	if idErr != nil || secretErr != nil {
		return credentials{}, errClient
	}
	if inForm.id != "" && inForm.id != id {
		return credentials{}, Refused("invalid_request", "client_id is not the one in the header Authorization")
	}
	return credentials{id: id, secret: secret}, nil
}

const (
	maxFailures   = 20 // wrong secrets of a client and an address in a failureWindow
	failureWindow = time.Minute
	failuresKept  = 10_000 // clients and addresses
)

// failures counts wrong secrets. The right one is never refused: secrets are too long to be
// guessed, and somebody at the same address could lock an application out.
type failures struct {
	mu   sync.Mutex
	seen *lru.Cache[guesser, failed]
}

// guesser is who sent a wrong secret. What names no client is one for each address: strangers
// choose how long it is, and could choose another one for each request.
type guesser struct {
	client  string // its id, or empty
	address netip.Addr
}

// failed are the wrong secrets since a time.
type failed struct {
	since time.Time
	count int
}

func (f *failures) init() { f.seen, _ = lru.New[guesser, failed](failuresKept) }

// note counts a wrong secret. It returns how long to wait where there were too many.
func (f *failures) note(who guesser, now time.Time) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, _ := f.seen.Get(who)
	if now.Sub(n.since) >= failureWindow || now.Before(n.since) {
		n = failed{since: now}
	}
	n.count++
	f.seen.Add(who, n)
	if n.count <= maxFailures {
		return 0
	}
	return failureWindow - now.Sub(n.since)
}
