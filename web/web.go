// Package web is the HTTP ground shared by scim, sso and console.
//
// New makes the Server with the middleware that every request passes, its error answers and its
// health checks; the other packages mount their routes on its Echo. Errors that handlers return are
// mapped to a status once, here, and drawn by the renderer of their path: a page or a problem
// document unless a package took a prefix for itself with Errors. Pages renders HTML, Outbound is
// the only client for requests to addresses that customers name.
package web

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
)

// Options are what a Server needs to know. The zero value is usable in tests.
type Options struct {
	// Listener is where Run accepts connections. A server that only serves tests has none.
	Listener net.Listener

	// PublicURL is how browsers reach the server. Where it is https, browsers are told to stay there.
	PublicURL string

	// TrustedProxies are the addresses whose X-Forwarded-For and X-Request-Id are believed.
	TrustedProxies []netip.Prefix

	// BodyLimit is the largest request body in bytes, 8 MiB when zero. Larger ones are refused
	// with 413, chunked ones where the handler reads past the limit.
	BodyLimit int64

	// Ready tells why the server cannot do its work at the moment, nil when it can. Only the
	// message of a model.Error is shown. It is given five seconds. Nil is always ready.
	Ready func(context.Context) error

	// Grace is how long requests in flight may take once the server stops, 30 s when zero.
	Grace time.Duration

	// Log receives one line for each request, and slog.Default does when nil.
	Log *slog.Logger
}

// Server is one HTTP server. Packages mount their routes on Echo before Open is called.
type Server struct {
	Echo  *echo.Echo
	Pages *Pages

	options Options
	log     *slog.Logger
	waiting *echo.Echo // answers until Open
	opened  atomic.Bool
}

// New makes a server with its middleware, health checks, assets and error answers. The error says
// which of the embedded templates is broken.
func New(o Options) (*Server, error) {
	if o.BodyLimit == 0 {
		o.BodyLimit = 8 << 20
	}
	if o.Grace == 0 {
		o.Grace = 30 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	pages, err := newPages()
	if err != nil {
		return nil, err
	}
	s := &Server{Pages: pages, options: o, log: o.Log}
	if o.Ready == nil {
		o.Ready = func(context.Context) error { return nil }
	}
	s.Echo = s.newEcho(o.Ready)
	s.waiting = s.newEcho(starting)
	s.waiting.RouteNotFound("/*", func(c echo.Context) error { return starting(c.Request().Context()) })
	return s, nil
}

// newEcho makes an Echo with everything that does not depend on what is mounted.
func (s *Server) newEcho(ready func(context.Context) error) *echo.Echo {
	e := echo.New()
	// Echo's own log is text on standard output; what it would say is in ours.
	e.Logger.SetOutput(io.Discard)
	e.IPExtractor = func(r *http.Request) string { return clientAddress(r, s.options.TrustedProxies).String() }
	e.HTTPErrorHandler = func(err error, c echo.Context) { answer(c, err, s.Pages.renderFailure) }
	e.Use(
		s.identify, // first, so that everything after can name the request
		s.record,   // answers errors, so that the line has the final status
		headers(strings.HasPrefix(s.options.PublicURL, "https://")),
		s.contain, // turns panics of what follows into errors
		limitBody(s.options.BodyLimit),
	)
	s.mountHealth(e, ready)
	s.Pages.mountAssets(e)
	return e
}

// Open lets requests through to what is mounted on Echo, where no route may be added from then on.
// Until then Run answers health checks and tells everyone else to try again, so that the server can
// be seen alive while it migrates the database.
func (s *Server) Open() { s.opened.Store(true) }

// ServeHTTP answers a request as Run would.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.opened.Load() {
		s.Echo.ServeHTTP(w, r)
		return
	}
	s.waiting.ServeHTTP(w, r)
}
