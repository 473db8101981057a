package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// request is what the middleware knows about a request.
type request struct {
	id      string
	address netip.Addr
}

type requestKey struct{}

// RequestID returns the id of the request of ctx, as the log and error pages show it. It is a UUID
// or what a trusted proxy sent. It is empty when ctx belongs to no request.
func RequestID(ctx context.Context) string {
	r, _ := ctx.Value(requestKey{}).(request)
	return r.id
}

// ClientAddress returns the address of the client that sent the request of ctx, as trusted proxies
// report it. It is the zero Addr when ctx belongs to no request. Many people may share an address,
// so it proves no identity.
func ClientAddress(ctx context.Context) netip.Addr {
	r, _ := ctx.Value(requestKey{}).(request)
	return r.address
}

// proxyRequestID matches the request ids that are accepted from a proxy. They are shown in logs and
// pages, so they are short and contain no markup.
var proxyRequestID = regexp.MustCompile(`^[A-Za-z0-9._-]{8,64}$`)

// identify gives the request its id and its client address.
func (s *Server) identify(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		found := request{address: clientAddress(r, s.options.TrustedProxies)}
		// A client could send the id of another request, so only trusted proxies choose the id.
		sent := r.Header.Get(echo.HeaderXRequestID)
		if within(peer(r), s.options.TrustedProxies) && proxyRequestID.MatchString(sent) {
			found.id = sent
		} else {
			id, err := uuid.NewV7()
			if err != nil {
				return fmt.Errorf("make request id: %w", err)
			}
			found.id = id.String()
		}
		c.Response().Header().Set(echo.HeaderXRequestID, found.id)
		c.SetRequest(r.WithContext(context.WithValue(r.Context(), requestKey{}, found)))
		return next(c)
	}
}

// peer is the address at the other end of the connection.
func peer(r *http.Request) netip.Addr {
	p, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return p.Addr().Unmap().WithZone("")
}

// clientAddress reads X-Forwarded-For from the right, because each proxy appends the address of its
// own caller. It stops at the first address that is not a trusted proxy: the entries left of it may
// be written by the client.
func clientAddress(r *http.Request, proxies []netip.Prefix) netip.Addr {
	address := peer(r)
	hops := strings.Split(strings.Join(r.Header.Values(echo.HeaderXForwardedFor), ","), ",")
	for i := len(hops) - 1; i >= 0 && within(address, proxies); i-- {
		hop, err := parseHop(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		address = hop
	}
	return address
}

// parseHop reads one entry of X-Forwarded-For. Azure Application Gateway adds the port to the
// address.
func parseHop(text string) (netip.Addr, error) {
	if p, err := netip.ParseAddrPort(text); err == nil {
		return p.Addr().Unmap().WithZone(""), nil
	}
	addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return addr.Unmap().WithZone(""), err
}

// record answers the error that the handler returned and writes one line about the request to the
// log. The line has the route instead of the path, because a path may contain tokens and names, and
// it never has the query. The text of an error is logged only when the server caused the error,
// because errors about input quote the input.
func (s *Server) record(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := time.Now()
		err := next(c)
		r, w := c.Request(), c.Response()
		interrupted := err != nil && w.Committed
		if err != nil {
			c.Error(err)
		}
		if late := dropped(c); late != nil {
			err, interrupted = late, false
			c.Error(late)
		}
		attrs := []slog.Attr{
			slog.String("request", RequestID(r.Context())),
			slog.String("method", r.Method),
			slog.String("route", c.Path()),
			slog.Int("status", w.Status),
			slog.Duration("duration", time.Since(start)),
			slog.Int64("bytes", w.Size),
		}
		level := routine(c)
		if err != nil {
			if broken, ok := c.Get(brokenRender).(error); ok {
				err = errors.Join(err, broken)
			}
			if f := describe(r.Context(), err); max(f.Status, w.Status) >= 500 {
				level = max(level, levelOf(f.Status))
				attrs = append(attrs, slog.String("error", err.Error()))
			}
			if p, ok := errors.AsType[*panicked](err); ok {
				attrs = append(attrs, slog.String("stack", string(p.stack)))
			}
		}
		s.log.LogAttrs(r.Context(), level, "request", attrs...)
		if interrupted {
			abort(w)
		}
		return nil
	}
}

// routine is the level at which an answered request is logged. Requests for health checks and
// assets are frequent and get a lower level.
func routine(c echo.Context) slog.Level {
	switch c.Path() {
	case healthPath, readyPath, assetRoute:
		return slog.LevelDebug
	}
	return levelOf(c.Response().Status)
}

func levelOf(status int) slog.Level {
	switch {
	case status == http.StatusServiceUnavailable:
		return slog.LevelWarn
	case status == http.StatusNotImplemented: // the client asks for something that does not exist
		return slog.LevelInfo
	case status >= 500:
		return slog.LevelError
	}
	return slog.LevelInfo
}

// abort closes the connection of an answer that broke off. Otherwise the client would take the
// first part for the complete answer.
func abort(w *echo.Response) {
	if conn, _, err := w.Hijack(); err == nil {
		_ = conn.Close()
	}
}
