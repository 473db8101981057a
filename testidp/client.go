package testidp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	requestTimeout = 20 * time.Second
	maxAnswer      = 4 << 20 // bytes; a list of 100 people is well under 1 MiB
	maxAttempts    = 4
	maxPause       = 30 * time.Second
	firstPause     = 500 * time.Millisecond
)

// Refused is the error for a SCIM response that is no success, or a success that cannot be used.
type Refused struct {
	Method, Path string // of the request, without the query, which may have an e-mail address
	Status       int    // of the response
	Type         string // the server's scimType (RFC 7644 §3.12); empty if there is none
	Detail       string // the server's own text, or what its response lacks
}

// Error returns the request, the status and the detail.
func (e *Refused) Error() string {
	s := fmt.Sprintf("%s %s answered %d", e.Method, e.Path, e.Status)
	if e.Type != "" {
		s += " " + e.Type
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// ErrNoSCIM is the error of operations on an application without a SCIM server.
var ErrNoSCIM = errors.New("this application has no SCIM server, so nobody can be pushed to it")

// fatal reports whether the server will refuse every other request as well.
func (e *Refused) fatal() bool {
	switch e.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return true
	}
	return e.Status >= 300 && e.Status < 400
}

// client sends SCIM requests to one server and records each exchange.
type client struct {
	base   *url.URL // its query is sent with every request, as Entra ID does with its flags
	token  string
	header http.Header
	http   *http.Client
	now    func() time.Time
	record func(Exchange)
}

// send sends one request, repeats it while the status is 429 or 503, and returns the body of a 2xx
// response. The path is relative to the base URL. Path and query are escaped already.
func (c *client) send(ctx context.Context, method, path, query string, body any) ([]byte, error) {
	if c.base.Host == "" {
		return nil, ErrNoSCIM
	}
	var payload []byte
	if body != nil {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(body); err != nil {
			return nil, fmt.Errorf("encode the body of %s %s: %w", method, path, err)
		}
		payload = bytes.TrimSpace(b.Bytes())
	}
	for attempt := 1; ; attempt++ {
		r, err := c.once(ctx, method, path, query, payload)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s %s: %w", method, path, err)
		case r.status >= 200 && r.status < 300:
			return r.body, nil
		}
		refused := c.refusal(method, path, r)
		if !r.busy() || attempt == maxAttempts {
			return nil, refused
		}
		d := pause(r.header.Get("Retry-After"), attempt, c.now())
		if d > maxPause {
			refused.Detail = strings.TrimSpace(fmt.Sprintf("%s (it asks to wait %s, longer than %s)",
				refused.Detail, d.Round(time.Second), maxPause))
			return nil, refused
		}
		if err := wait(ctx, d); err != nil {
			return nil, errors.Join(refused, err)
		}
	}
}

// reply is an HTTP answer, read to its end.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (r reply) busy() bool {
	return r.status == http.StatusTooManyRequests || r.status == http.StatusServiceUnavailable
}

// once makes one attempt and records it, also if it fails.
func (c *client) once(ctx context.Context, method, path, query string, payload []byte) (reply, error) {
	x := Exchange{
		At: c.now(), Method: method, Path: c.redact(path), Request: c.show(payload, maxShownRequest),
	}
	if plain, err := url.QueryUnescape(query); err == nil && query != "" {
		x.Path += "?" + c.redact(plain)
	}
	r, err := c.exchange(ctx, method, path, query, payload)
	x.Status, x.Duration, x.Answer = r.status, c.now().Sub(x.At), c.show(r.body, maxShownAnswer)
	if err != nil {
		x.Problem = c.redact(err.Error())
	}
	c.record(x)
	return r, err
}

// exchange sends a request and reads the response.
func (c *client) exchange(ctx context.Context, method, path, query string, payload []byte) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	target := strings.TrimSuffix(c.base.Scheme+"://"+c.base.Host+c.base.EscapedPath(), "/") + path
	if query = strings.Trim(c.base.RawQuery+"&"+query, "&"); query != "" {
		target += "?" + query
	}
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(payload))
	if err != nil {
		return reply{}, err
	}
	req.Header = c.header.Clone()
	req.Header.Set("Authorization", "Bearer "+c.token)
	resp, err := c.http.Do(req)
	if err != nil {
		// The text of a url.Error has the address, and so the filter: keep only the cause.
		if u := new(url.Error); errors.As(err, &u) {
			err = u.Err
		}
		return reply{}, err
	}
	defer resp.Body.Close()
	r := reply{status: resp.StatusCode, header: resp.Header}
	r.body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err == nil && len(r.body) > maxAnswer {
		err = fmt.Errorf("the answer is longer than %d MiB", maxAnswer>>20)
	}
	return r, err
}

// redact removes the token from a text for readers: a server may repeat it in its response.
func (c *client) redact(s string) string { return strings.ReplaceAll(s, c.token, "(token)") }

// refusal returns the error for a response that is no success.
func (c *client) refusal(method, path string, r reply) *Refused {
	e := &Refused{Method: method, Path: path, Status: r.status}
	var body struct {
		ScimType string `json:"scimType"`
		Detail   string `json:"detail"`
	}
	if json.Unmarshal(r.body, &body) == nil {
		e.Type, e.Detail = c.redact(body.ScimType), cut(c.redact(body.Detail), 500)
	}
	if r.status >= 300 && r.status < 400 {
		e.Detail = "redirects are not followed, since the token would go with them; give the final URL"
	}
	return e
}

// pause returns how long to wait before the next attempt: the time in Retry-After, in seconds or as
// a date (RFC 9110 §10.2.3), or else a time that doubles with each attempt.
func pause(retryAfter string, attempt int, now time.Time) time.Duration {
	if s, err := strconv.ParseUint(retryAfter, 10, 31); err == nil {
		return time.Duration(s) * time.Second
	}
	if t, err := http.ParseTime(retryAfter); err == nil {
		return max(0, t.Sub(now))
	}
	return firstPause << (attempt - 1)
}

// wait waits for a time, or until ctx ends.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
