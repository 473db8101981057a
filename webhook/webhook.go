// Package webhook sends events to the endpoints of applications.
//
// A Sender is the worker. What is sent to whom, and in which order, package model/webhook decides.
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"rollcall/model"
	"rollcall/model/webhook"
	"rollcall/web"
)

// The headers of a delivery. The first is the reference's, the others are those of Standard
// Webhooks (https://www.standardwebhooks.com) and of the draft of the HTTP header field
// Idempotency-Key.
const (
	ReferenceHeader   = "WorkOS-Signature"
	IDHeader          = "webhook-id"
	TimestampHeader   = "webhook-timestamp"
	SignatureHeader   = "webhook-signature"
	idempotencyHeader = "Idempotency-Key"
)

// Sign sets the headers of a delivery that is sent now. Each attempt is signed anew: receivers take
// no signature that is older than some minutes.
//
// The reference's SDKs read one signature, in milliseconds, and use the whole text of the secret as
// the key. While a secret is rotated, theirs is made with the old one, because two would be
// refused; the one of Standard Webhooks is made with both.
func Sign(h http.Header, id string, body []byte, s webhook.Secrets, now time.Time) {
	h.Set(IDHeader, id)
	h.Set(idempotencyHeader, id)

	theirs := s.Current
	if s.Old != "" {
		theirs = s.Old
	}
	ms := strconv.FormatInt(now.UnixMilli(), 10)
	h.Set(ReferenceHeader, "t="+ms+", v1="+hex.EncodeToString(mac([]byte(theirs), ms+".", body)))

	seconds := strconv.FormatInt(now.Unix(), 10)
	h.Set(TimestampHeader, seconds)
	signatures := []string{standard(s.Current, id+"."+seconds+".", body)}
	if s.Old != "" {
		signatures = append(signatures, standard(s.Old, id+"."+seconds+".", body))
	}
	h.Set(SignatureHeader, strings.Join(signatures, " "))
}

// standard is a signature of Standard Webhooks.
func standard(secret, before string, body []byte) string {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil { // never: the server has made the secret
		key = []byte(secret)
	}
	return "v1," + base64.StdEncoding.EncodeToString(mac(key, before, body))
}

func mac(key []byte, before string, body []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(before))
	m.Write(body)
	return m.Sum(nil)
}

// Client sends deliveries.
type Client struct {
	HTTP *http.Client // of Outbound.Webhooks
	Now  func() time.Time
	Log  *slog.Logger
}

// answerTime is how long a receiver has to answer.
const answerTime = 15 * time.Second

// Send sends an event once. The outcome says nothing of what the receiver wrote: the log of
// deliveries would make its network readable.
func (c *Client) Send(ctx context.Context, e *webhook.Endpoint, of *model.Event, s webhook.Secrets) webhook.Outcome {
	began := c.Now()
	o, err := c.send(ctx, e, of, s, began)
	o.Duration = c.Now().Sub(began)
	if err != nil {
		o.Error = explain(err)
		c.Log.DebugContext(ctx, "webhook not delivered", "endpoint", webhook.EndpointPrefix.ID(e.ID),
			"error", withoutAddress(err))
	}
	return o
}

// withoutAddress is an error without the address that it happened at, which often has a secret in
// it.
func withoutAddress(err error) error {
	if at, ok := errors.AsType[*url.Error](err); ok {
		return at.Err
	}
	return err
}

func (c *Client) send(ctx context.Context, e *webhook.Endpoint, of *model.Event, s webhook.Secrets, at time.Time) (
	o webhook.Outcome, err error) {
	ctx, done := context.WithTimeout(ctx, answerTime)
	defer done()
	body, err := web.Stringify(webhook.EventForm(of))
	if err != nil {
		return o, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, bytes.NewReader(body))
	if err != nil {
		return o, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Rollcall")
	Sign(r.Header, model.EventPrefix.ID(of.ID), body, s, at)
	w, err := c.HTTP.Do(r)
	if err != nil {
		return o, err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(w.Body, keptAlive))
	_ = w.Body.Close()
	o.Status = w.StatusCode
	switch {
	case w.StatusCode >= 300 && w.StatusCode < 400:
		o.Error = fmt.Sprintf("the receiver answered %d, and redirects are not followed; "+
			"name the address that it leads to", w.StatusCode)
	case w.StatusCode < 200 || w.StatusCode >= 400:
		o.Error = fmt.Sprintf("the receiver answered %d", w.StatusCode)
	}
	o.RetryAfter = retryAfter(w.Header.Get("Retry-After"), at)
	return o, nil
}

// keptAlive is how much of an answer is read, so that the connection can be used again.
const keptAlive = 64 << 10

// retryAfter reads the header Retry-After (RFC 9110, section 10.2.3).
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// explain says why nothing was answered.
func explain(err error) string {
	if known, ok := errors.AsType[*model.Error](err); ok {
		return known.Message // the guard's own words
	}
	switch web.WhyUnanswered(err) {
	case web.NoHost:
		return "there is no host of that name"
	case web.Untrusted:
		return "the host's TLS certificate is not trusted"
	case web.TooSlow:
		return fmt.Sprintf("the receiver did not answer within %.0f seconds", answerTime.Seconds())
	}
	return "the host cannot be reached, or broke the connection off"
}
