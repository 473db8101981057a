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

// The limits of a connection. A client that sends its request byte by byte holds a connection for
// these times and no longer. A handler whose answer takes longer moves its own deadline with
// http.ResponseController.
const (
	headerTimeout = 10 * time.Second
	readTimeout   = 60 * time.Second // with the body: 8 MiB in this time is 1.1 Mbit/s
	writeTimeout  = 120 * time.Second
	idleTimeout   = 120 * time.Second

	// maxHeader bounds the request line and the header, in bytes. A SCIM filter has at most 8 KiB,
	// a SAML message in a query some 16 KiB.
	maxHeader = 64 << 10
)

// Run serves until ctx ends. Then it accepts nothing more, lets the requests in flight finish for
// as long as Options.Grace allows, cuts off the rest and returns nil. Any other end is an error.
// It takes Options.Listener over and runs once.
func (s *Server) Run(ctx context.Context) error {
	if s.options.Listener == nil {
		return errors.New("serve: there is no listener")
	}
	// The requests do not belong to ctx: its end must not break off what may still finish.
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
		// Its lines name the addresses of clients: they are for the search for a fault only.
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
