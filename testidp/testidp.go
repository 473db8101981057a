// Package testidp is an identity provider for demos and tests: it pushes people over SCIM and signs
// them in over SAML and OpenID Connect.
//
// Its directory, "Northwind Directory", has 25 people and 4 groups. Each Application connects the
// directory to one SCIM 2.0 server and speaks to it as Okta or as Microsoft Entra ID does, request
// by request; and to one SAML 2.0 service provider, whose AuthnRequests it answers as Okta, Entra ID
// or AD FS does; and to one OpenID Connect relying party, likewise. A Server shows the applications on a page where people are assigned, unassigned and
// edited, together with everything that was sent, and signs in whomever its visitor picks: there is
// no password. Respond makes any variation of a SAML response with the genuine key, for tests, and
// VaryTokens has the OpenID provider send what a provider may not.
//
// The package works against any SCIM server and service provider and imports nothing of Rollcall, so that what it proves
// about a server does not depend on code shared with that server.
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

// DefaultListen is the address to listen on unless told otherwise. It is on loopback: the pages
// have no sign-in, so whoever reaches them can change the directory.
const DefaultListen = "127.0.0.1:9090"

// Options says what a Server is made of.
type Options struct {
	// Applications are what the directory is connected to, at least one.
	Applications []ApplicationOptions
	// BaseURL is the URL under which browsers reach the pages, without a path. SAML's entity IDs
	// and URLs begin with it, so that they are known before the server listens. Its host is one of
	// those that the pages answer to. When empty it is http:// and DefaultListen.
	BaseURL string
	// Hosts are the host names, without port, that the pages answer to beside localhost, 127.0.0.1
	// and [::1]. Naming one also allows Serve to use a listener that is not on loopback.
	Hosts []string
	// Client sends the SCIM requests; nil means a client of its own. Whatever is given, redirects
	// are not followed.
	Client *http.Client
	// Now is the clock; time.Now when nil.
	Now func() time.Time
	// Log receives one line for each operation; nothing is logged when nil. Neither tokens, names,
	// e-mail addresses nor bodies are ever logged.
	Log *slog.Logger
}

// Server is the test identity provider: its applications and the pages that drive them.
// It is an http.Handler, safe for concurrent use.
type Server struct {
	applications []*Application
	hosts        map[string]bool
	exposed      bool // Options names a host: other machines may reach the pages
	formToken    string
	sessionKey   []byte // authenticates the cookie that remembers who is signed in
	secure       bool   // browsers reach the pages over TLS
	pages        map[string]*template.Template
	handler      http.Handler
	log          *slog.Logger
}

// New makes a Server. It sends nothing. The error names every option that cannot be used.
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

// ServeHTTP answers the pages and their JSON form; the routes are listed at routes.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Serve answers HTTP on l until ctx ends, then lets requests in flight finish for up to 5 seconds.
// It refuses a listener that other machines can reach unless Options.Hosts names a host.
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
		// Serve ended by itself: the listener broke.
		return fmt.Errorf("serve the test identity provider: %w", err)
	}
	return <-stopped
}
