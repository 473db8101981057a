package oidc

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
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

// answer is what an endpoint of the provider answered.
type answer struct {
	status int
	kind   string // the media type, without its parameters
	body   []byte // without a byte order mark, which RFC 8259, section 8.1, lets a reader ignore
}

// readAnswer reads an answer of at most the given size. The error is errTooLarge, or one of the
// network.
func readAnswer(w *http.Response, most int64) (*answer, error) {
	body, err := io.ReadAll(io.LimitReader(w.Body, most+1))
	kind, _, badKind := mime.ParseMediaType(w.Header.Get("Content-Type"))
	if badKind != nil {
		kind = ""
	}
	a := &answer{status: w.StatusCode, kind: kind, body: bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))}
	if int64(len(body)) > most {
		return a, errTooLarge
	}
	return a, err
}

// fetch gets a document with GET. The error is errTooLarge, or one of the network.
func fetch(ctx context.Context, client *http.Client, address string, header http.Header) (*answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	for name, values := range header {
		r.Header[name] = values
	}
	w, err := withoutRedirects(client).Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = w.Body.Close() }()
	return readAnswer(w, maxDocument)
}

// object reads the body as a JSON object.
func (a *answer) object() (members claims, ok bool) {
	return members, json.Unmarshal(a.body, &members) == nil && members != nil
}

// isObject reports whether the body begins as a JSON object does, whatever its type says.
func (a *answer) isObject() bool {
	return strings.HasPrefix(strings.TrimLeft(string(a.body[:min(len(a.body), 64)]), " \t\r\n"), "{")
}

// describe says what an answer is: its status, its type, and of a JSON object the names of its
// members. It never has their values, which may be tokens.
func (a *answer) describe() string {
	text := fmt.Sprintf("status %d, ", a.status)
	if a.kind == "" {
		text += "without a Content-Type"
	} else {
		text += a.kind
	}
	members, ok := a.object()
	switch {
	case ok && len(members) == 0:
		return text + ", a JSON object without members"
	case ok:
		return text + ", a JSON object with " + quoted(members.names())
	case len(a.body) == 0:
		return text + ", an empty body"
	case bytes.Count(a.body, []byte(".")) == 2 && !bytes.ContainsAny(a.body, " {<"):
		return text + ", a signed JSON Web Token where plain JSON is read"
	case bytes.HasPrefix(bytes.TrimSpace(a.body), []byte("<")):
		return text + ", a page (HTML or XML) and no JSON"
	}
	return text + ", no JSON object"
}

// maxNames is how many names a description lists.
const maxNames = 20

// quoted lists names in quotes, so that white space around them is seen.
func quoted(names []string) string {
	list := make([]string, 0, len(names))
	for _, n := range names[:min(len(names), maxNames)] {
		list = append(list, quote(n))
	}
	if len(names) > maxNames {
		list = append(list, fmt.Sprintf("and %d more", len(names)-maxNames))
	}
	return strings.Join(list, ", ")
}

// quote puts a value of the sender into quotes: what is compared exactly may differ by a space.
func quote(text string) string { return `"` + text + `"` }

// names are the names of the claims, sorted.
func (c claims) names() []string {
	return slices.Sorted(maps.Keys(c))
}

// describeNetwork says why no answer came, where the cause is one that an administrator can
// correct.
func describeNetwork(err error) string {
	switch {
	case is[*net.DNSError](err):
		return "the name of the host is not known to DNS"
	case is[*tls.CertificateVerificationError](err), is[x509.UnknownAuthorityError](err), is[x509.HostnameError](err),
		is[x509.CertificateInvalidError](err):
		return "the TLS certificate of the host is not trusted: it is expired, of another name, or its chain lacks a " +
			"certificate"
	case is[tls.RecordHeaderError](err), is[tls.AlertError](err):
		return "no TLS connection that both sides accept"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), timedOut(err):
		return "no answer in time"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused"
	case errors.Is(err, errTooLarge):
		return "an answer that is too large"
	}
	return "no connection, or one that broke off"
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func timedOut(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}
