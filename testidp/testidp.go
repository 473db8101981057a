// Package testidp is an identity provider for demos and tests: it pushes people over SCIM and signs
// them in over SAML and OpenID Connect.
//
// Its directory, "Northwind Directory", has 25 people and 4 groups. An Application connects the
// directory to up to three servers: to a SCIM 2.0 server, to which it sends the same requests as
// Okta or Microsoft Entra ID; to a SAML 2.0 service provider, to which it responds like Okta, Entra
// ID or AD FS; and to an OpenID Connect relying party, likewise. A Server has pages for the
// applications, on which a visitor assigns, unassigns and edits people, and sees all requests that
// were sent. A visitor signs in as any person, without a password. For tests, Respond makes any
// variation of a SAML response with the genuine key, and VaryTokens changes what the OpenID
// provider sends.
//
// The package works with any SCIM server, service provider and relying party. It imports nothing of
// Rollcall, so that a fault in shared code cannot hide a fault of the server.
package testidp

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// DefaultListen is the default address to listen on. It is on loopback, because the pages need no
// sign-in: anybody who reaches them can change the directory.
const DefaultListen = "127.0.0.1:9090"

// Options configure a Server.
type Options struct {
	// Applications are connected to the directory. There must be at least one.
	Applications []ApplicationOptions
	// BaseURL is the URL under which browsers reach the pages, without a path. The entity IDs and
	// URLs of SAML begin with it, so that they are known before the server listens. The pages are
	// served for its host too. The default is http:// and DefaultListen.
	BaseURL string
	// Hosts are the host names, without port, for which the pages are served besides localhost,
	// 127.0.0.1 and [::1]. With at least one, Serve accepts a listener that is not on loopback.
	Hosts []string
	// Client sends the SCIM requests. The default is a new client. Redirects are never followed.
	Client *http.Client
	// Now is the clock. The default is time.Now.
	Now func() time.Time
	// Log gets one line per operation; nil logs nothing. Tokens, names, e-mail addresses and bodies
	// are never logged.
	Log *slog.Logger
}

// Server is the test identity provider: its applications and the pages that drive them.
// It is an http.Handler, safe for concurrent use.
type Server struct {
	applications []*Application
	hosts        map[string]bool
	exposed      bool   // Options has hosts, so other machines may reach the pages
	formToken    string // in each form of the pages, against requests of other sites
	sessionKey   []byte // authenticates the session cookie
	secure       bool   // browsers reach the pages over TLS
	pages        map[string]*template.Template
	handler      http.Handler
	log          *slog.Logger
}

// New returns a Server. It sends no request. The error names every option that cannot be used.
func New(o Options) (*Server, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		hosts:     map[string]bool{"localhost": true, "127.0.0.1": true, "::1": true},
		formToken: newSecret(), sessionKey: []byte(newSecret()),
		exposed: len(o.Hosts) > 0,
		log:     o.Log,
	}
	for _, h := range o.Hosts {
		s.hosts[strings.ToLower(strings.Trim(h, "[]"))] = true
	}
	var problems []error
	if o.BaseURL == "" {
		o.BaseURL = "http://" + DefaultListen
	}
	if base, err := checkBaseURL(o.BaseURL); err != nil {
		problems = append(problems, err)
	} else {
		o.BaseURL, s.secure = base.String(), base.Scheme == "https"
		s.hosts[strings.ToLower(base.Hostname())] = true
	}
	if len(o.Applications) == 0 {
		problems = append(problems, errors.New("applications: name at least one"))
	}
	for i, ao := range o.Applications {
		a, err := newApplication(i+1, ao, o)
		if err != nil {
			problems = append(problems, fmt.Errorf("application %d: %w", i+1, err))
		}
		s.applications = append(s.applications, a)
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	pages, err := parsePages()
	if err != nil {
		return nil, fmt.Errorf("parse pages: %w", err)
	}
	s.pages = pages
	s.handler = s.routes()
	return s, nil
}

// checkBaseURL parses a URL without a path.
func checkBaseURL(s string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSuffix(s, "/"))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || !plainHost.MatchString(u.Host) ||
		u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("base URL: write scheme, host and port only, such as http://localhost:9090")
	}
	return u, nil
}

// Applications returns the applications in the order of Options.
func (s *Server) Applications() []*Application { return s.applications }

// ServeHTTP serves the pages, also as JSON. The routes are listed at routes.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Serve serves HTTP on l until ctx ends. Then it waits up to 5 seconds for running requests. It
// refuses a listener that other machines can reach, unless Options.Hosts has a host.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	if tcp, ok := l.Addr().(*net.TCPAddr); ok && !tcp.IP.IsLoopback() && !s.exposed {
		return fmt.Errorf("listen on %s: anyone who reaches the test identity provider can use it; "+
			"listen on 127.0.0.1, or name the host it is reached by", tcp)
	}
	server := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		err := server.Shutdown(grace)
		if err != nil {
			err = errors.Join(err, server.Close())
		}
		stopped <- err
	})
	err := server.Serve(l)
	if stop() {
		// Serve ended before ctx: the listener failed.
		return fmt.Errorf("serve the test identity provider: %w", err)
	}
	return <-stopped
}
