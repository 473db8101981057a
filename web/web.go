// Package web is the HTTP server that api, scim, sso and console mount their routes on.
//
// New makes the Server with the middleware of every request, the error answers and the health
// checks. The other packages add their routes to its Echo. Status maps the error that a handler
// returns to a status. A Renderer writes the answer: a page or a problem document by default, or
// what a package sets with Errors for its paths.
//
// Pages renders HTML pages. Form, OwnForms and Cookies are for the pages with forms. Outbound makes
// all requests to addresses that customers enter.
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

	// PublicURL is the URL by which browsers reach the server. When it is https, the answers have
	// Strict-Transport-Security.
	PublicURL string

	// TrustedProxies are the networks of the proxies whose X-Forwarded-For and X-Request-Id are
	// used.
	TrustedProxies []netip.Prefix

	// BodyLimit is the largest request body in bytes, 8 MiB when zero. Larger ones are refused
	// with 413. A chunked body is refused when the handler reads past the limit.
	BodyLimit int64

	// Ready returns an error while the server cannot do its work. Only the message of a model.Error
	// is shown. Its context ends after five seconds. Without Ready the server is always ready.
	Ready func(context.Context) error

	// Lasts waits until a failover undoes nothing of what the request of its context has read, see
	// package lasting. An answer that rests on it is 503 while Lasts fails. It may be nil.
	Lasts func(context.Context) error

	// Grace is how long Run waits for requests in flight when the server stops, 30 s when zero.
	Grace time.Duration

	// Log receives one line for each request. It is slog.Default when nil.
	Log *slog.Logger
}

// Server is one HTTP server. Packages mount their routes on Echo before Open is called.
type Server struct {
	Echo  *echo.Echo
	Pages *Pages

	options Options
	log     *slog.Logger
	waiting *echo.Echo // answers before Open
	opened  atomic.Bool
	bodies  *bodies
	usedUp  map[string]bool // paths of the routes that OnlyGET marks; set by Open
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
	s := &Server{Pages: pages, options: o, log: o.Log, bodies: newBodies()}
	if o.Ready == nil {
		o.Ready = func(context.Context) error { return nil }
	}
	s.Echo = s.newEcho(o.Ready)
	s.waiting = s.newEcho(starting)
	s.waiting.RouteNotFound("/*", func(c echo.Context) error { return starting(c.Request().Context()) })
	return s, nil
}

// newEcho makes an Echo with the middleware, the health checks, the assets and the error answers.
func (s *Server) newEcho(ready func(context.Context) error) *echo.Echo {
	e := echo.New()
	// Echo's own log is text on standard output. The same is in our log.
	e.Logger.SetOutput(io.Discard)
	e.IPExtractor = func(r *http.Request) string { return clientAddress(r, s.options.TrustedProxies).String() }
	e.HTTPErrorHandler = func(err error, c echo.Context) { answer(c, err, s.Pages.renderFailure) }
	e.Use(
		s.identify, // first, so that everything after can name the request
		limitTime,  // around record, which tells late answers from abandoned ones
		s.record,   // answers errors, so that the line has the final status
		headers(strings.HasPrefix(s.options.PublicURL, "https://")),
		s.contain, // turns panics of what follows into errors
		limitBody(s.options.BodyLimit),
		s.holdBody,
		s.last, // around the handler, and what answers its error
	)
	s.mountHealth(e, ready)
	s.Pages.mountAssets(e)
	return e
}

// Open makes the routes on Echo reachable, those of GET by HEAD, too. No route may be added
// afterwards. Before Open the server answers only health checks and assets, and every other request
// with 503, so that it can be seen alive while it migrates the database.
func (s *Server) Open() {
	answerHEAD(s.Echo)
	s.usedUp = map[string]bool{}
	for _, r := range s.Echo.Routes() {
		if r.Name == onlyGET {
			s.usedUp[r.Path] = true
		}
	}
	s.opened.Store(true)
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.opened.Load() {
		s.Echo.ServeHTTP(w, r)
		return
	}
	s.waiting.ServeHTTP(w, r)
}
