package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// The limits of a connection. A client that sends its request byte by byte cannot keep a connection
// for longer than these times. A handler whose answer takes longer extends its deadline with
// http.ResponseController.
const (
	headerTimeout = 10 * time.Second
	readTimeout   = 60 * time.Second // with the body: 8 MiB in this time is 1.1 Mbit/s
	writeTimeout  = 120 * time.Second
	idleTimeout   = 120 * time.Second

	// maxHeader is the largest request line with headers, in bytes. A SCIM filter has at most
	// 8 KiB, and a SAML message in a query about 16 KiB.
	maxHeader = 64 << 10
)

// Run serves until ctx ends. Then it accepts no more requests, waits for those in flight for up to
// Options.Grace, cuts off the rest and returns nil. Any other end is an error. Run closes
// Options.Listener, so it can be called only once.
func (s *Server) Run(ctx context.Context) error {
	if s.options.Listener == nil {
		return errors.New("serve: there is no listener")
	}
	// The requests have a context of their own: the end of ctx must not cancel those in flight.
	requests, abandon := context.WithCancel(context.WithoutCancel(ctx))
	defer abandon()
	server := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		BaseContext:       func(net.Listener) context.Context { return requests },
		// Its lines contain the addresses of clients, so they are written at debug level only.
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(s.options.Listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(requests, s.options.Grace)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		s.log.WarnContext(ctx, "requests cut off", slog.Duration("grace", s.options.Grace))
		_ = server.Close()
	}
	return nil
}
