package web

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"rollcall/model"
)

// OutboundOptions are the limits of requests to addresses that customers enter.
type OutboundOptions struct {
	// Allow are networks that may be reached although they are private, also over http.
	Allow []netip.Prefix

	// AllowHosts are entries host:port, in lower case: webhooks may be sent to that port.
	AllowHosts []string

	// Timeout is for one request with its redirects and the reading of the answer, 10 s when zero.
	Timeout time.Duration

	// MaxBytes is the largest answer, after decompression, 1 MiB when zero.
	MaxBytes int64

	// Resolver and Roots replace those of the system when not nil.
	Resolver *net.Resolver
	Roots    *x509.CertPool
}

// maxRedirects is enough for a move of the host and a change of the path.
const maxRedirects = 3

// Outbound makes all requests to addresses that a customer enters: for metadata, discovery
// documents and keys, and webhooks. With another client a customer could make the server send
// requests into networks that only the server reaches, such as to a cloud's metadata service
// (server-side request forgery).
//
// It connects to public addresses over https, and to the networks of Allow over https and http. The
// address of each connection is checked after name resolution, when it is dialed, so a host name
// cannot change its address between the check and the connection. The port is checked for webhooks
// only: identity providers of customers are at any port.
type Outbound struct {
	hosts    []string // of AllowHosts
	resolver *net.Resolver
	permit   map[string]func(netip.Addr) bool // by scheme
	timeout  time.Duration
	maxBytes int64
	secure   *http.Transport // for https: to public addresses and to Allow
	plain    *http.Transport // for http: to Allow only
}

// NewOutbound makes an Outbound. It keeps connections open for reuse, so one for the process is
// enough.
func NewOutbound(o OutboundOptions) *Outbound {
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 1 << 20
	}
	allowed := func(a netip.Addr) bool { return within(a, o.Allow) }
	secure := func(a netip.Addr) bool { return isPublic(a) || allowed(a) }
	return &Outbound{
		hosts:    o.AllowHosts,
		resolver: o.Resolver,
		permit:   map[string]func(netip.Addr) bool{"https": secure, "http": allowed},
		timeout:  o.Timeout,
		maxBytes: o.MaxBytes,
		secure:   o.transport(secure),
		plain:    o.transport(allowed),
	}
}

// transport makes a transport that connects only to addresses that permit accepts.
func (o OutboundOptions) transport(permit func(netip.Addr) bool) *http.Transport {
	dialer := &net.Dialer{
		Timeout:  5 * time.Second,
		Resolver: o.Resolver,
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			p, err := netip.ParseAddrPort(address)
			if err == nil && permit(p.Addr().Unmap().WithZone("")) {
				return nil
			}
			// The address is for the log only. In the message it would show customers the internal
			// network.
			return unreachable(address)
		},
	}
	return &http.Transport{
		// Proxy stays nil: a proxy would connect in our place, without the check.
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.Roots},
		TLSHandshakeTimeout:    5 * time.Second,
		MaxIdleConnsPerHost:    2,
		MaxIdleConns:           100,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// unreachable is the error for an address that is not connected to.
func unreachable(address string) error {
	return &model.Error{
		Kind: model.Invalid,
		Message: "The host is not reachable from here: its address is not public, or the URL is " +
			"http. Use an https URL of a public host, or have the operator allow its network.",
		Err: fmt.Errorf("address %s is refused", address),
	}
}

// Client returns a new http.Client without cookies that sends its requests through o. The caller
// may set its CheckRedirect and its Timeout. A refusal is a model.Error of kind Invalid in the
// chain of the error; an answer that is too large is one of kind TooLarge.
func (o *Outbound) Client() *http.Client {
	return &http.Client{Transport: o, CheckRedirect: checkRedirect, Timeout: o.timeout}
}

// Webhooks is Client for webhooks. It sends to the ports 443 and 8443, and to those of AllowHosts:
// a customer could otherwise have the server speak to any service of a host. It follows no
// redirect.
func (o *Outbound) Webhooks() *http.Client {
	return &http.Client{Transport: webhooks{o}, Timeout: o.timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// webhooks is an Outbound that checks ports.
type webhooks struct{ *Outbound }

// RoundTrip sends one request.
func (o webhooks) RoundTrip(r *http.Request) (*http.Response, error) {
	if message := o.refusedPort(r.URL); message != "" {
		return nil, refuse(r, message)
	}
	return o.Outbound.RoundTrip(r)
}

// refusedPort says why webhooks are not sent to the port of a URL, or nothing.
func (o *Outbound) refusedPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	host := strings.ToLower(net.JoinHostPort(u.Hostname(), port))
	if port == "443" || port == "8443" || slices.Contains(o.hosts, host) {
		return ""
	}
	return "Webhooks go to the ports 443 and 8443. Use one of them, or have the operator allow " +
		host + " (ROLLCALL_OUTBOUND_ALLOW)."
}

// lookupTime is how long CheckWebhook waits for the addresses of a name.
const lookupTime = 5 * time.Second

// CheckWebhook tells, without connecting, whether webhooks could be sent to an address: a customer
// is told at once what would be refused at each delivery. A name without an address passes, because
// it may get one. The error is a model.Error of kind Invalid.
func (o *Outbound) CheckWebhook(ctx context.Context, address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return model.Invalidf("", "That is not a URL.")
	}
	if message := refusedForm(u); message != "" {
		return model.Invalidf("", "%s", message)
	}
	if message := o.refusedPort(u); message != "" {
		return model.Invalidf("", "%s", message)
	}
	ctx, done := context.WithTimeout(ctx, lookupTime)
	defer done()
	resolver := o.resolver
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	found, err := resolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil || len(found) == 0 {
		return nil
	}
	for _, a := range found {
		if o.permit[u.Scheme](a.Unmap().WithZone("")) {
			return nil
		}
	}
	return unreachable(found[0].String())
}

// refusedForm says why no request is sent to a URL, whatever its host is, or nothing.
func refusedForm(u *url.URL) string {
	switch {
	case u.User != nil:
		return "The URL has a user name or a password in it; leave them out."
	case u.Scheme != "https" && u.Scheme != "http":
		return "The URL must begin with https://."
	}
	return ""
}

func checkRedirect(r *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return model.Invalidf("", "The URL redirects more than %d times.", maxRedirects)
	}
	if r.URL.Scheme == "http" && via[len(via)-1].URL.Scheme == "https" {
		return model.Invalidf("", "The URL redirects from https to http.")
	}
	return nil
}

// RoundTrip sends one request of a Client. Each redirect is another call.
func (o *Outbound) RoundTrip(r *http.Request) (*http.Response, error) {
	if message := refusedForm(r.URL); message != "" {
		return nil, refuse(r, message)
	}
	transport := o.secure
	if r.URL.Scheme == "http" {
		transport = o.plain
	}
	response, err := transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	response.Body = &answerBody{http.MaxBytesReader(nil, response.Body, o.maxBytes)}
	return response, nil
}

// refuse is the error of a request that is not sent. It closes the body, as a RoundTripper must.
func refuse(r *http.Request, message string) error {
	if r.Body != nil {
		_ = r.Body.Close()
	}
	return model.Invalidf("", "%s", message)
}

// answerBody is the body of an answer, limited in size.
type answerBody struct{ io.ReadCloser }

func (b *answerBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if large, ok := errors.AsType[*http.MaxBytesError](err); ok {
		// Without the cause: a MaxBytesError in the chain means that the request to us is too
		// large.
		err = &model.Error{Kind: model.TooLarge,
			Message: fmt.Sprintf("The answer is larger than %d bytes.", large.Limit)}
	}
	return n, err
}
