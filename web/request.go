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

// request is what the middleware found out about a request.
type request struct {
	id      string
	address netip.Addr
}

type requestKey struct{}

// RequestID names the request that ctx belongs to, in the log and towards the user. It is a UUID,
// or what a trusted proxy sent, and empty when ctx belongs to no request.
func RequestID(ctx context.Context) string {
	r, _ := ctx.Value(requestKey{}).(request)
	return r.id
}

// ClientAddress is the address of the client that sent the request of ctx, as far as trusted
// proxies vouch for it. It is the zero Addr when ctx belongs to no request. An address may be
// shared by many people and is no proof of identity.
func ClientAddress(ctx context.Context) netip.Addr {
	r, _ := ctx.Value(requestKey{}).(request)
	return r.address
}

// proxyRequestID keeps what ends up in logs and pages short and free of markup.
var proxyRequestID = regexp.MustCompile(`^[A-Za-z0-9._-]{8,64}$`)

// identify gives the request its id and its client address.
func (s *Server) identify(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		found := request{address: clientAddress(r, s.options.TrustedProxies)}
		// Anyone else could send the id of a request that is already in the log, or one that
		// belongs to somebody else.
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

// clientAddress walks X-Forwarded-For from the right, where each proxy appends the address it was
// called from, for as long as the address so far is a trusted proxy's. Anything further left was
// written by the client itself.
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

// parseHop reads one entry of X-Forwarded-For. Azure Application Gateway writes the port behind
// the address.
func parseHop(text string) (netip.Addr, error) {
	if p, err := netip.ParseAddrPort(text); err == nil {
		return p.Addr().Unmap().WithZone(""), nil
	}
	addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return addr.Unmap().WithZone(""), err
}

// record answers the error that the handler returned and writes the request's line of the log. The
// line has the route and not the path, whose segments may be tokens or name people, and never the
// query. An error's text is logged only when it is the server's: those about input quote the input.
func (s *Server) record(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := time.Now()
		err := next(c)
		r, w := c.Request(), c.Response()
		interrupted := err != nil && w.Committed
		if err != nil {
			c.Error(err)
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

// routine is the level of an answered request. Probes and assets would drown the rest.
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
	case status == http.StatusNotImplemented: // the client's wish, not our fault
		return slog.LevelInfo
	case status >= 500:
		return slog.LevelError
	}
	return slog.LevelInfo
}

// abort closes the connection of an answer that broke off, for the client would take what it has
// for the whole.
func abort(w *echo.Response) {
	if conn, _, err := w.Hijack(); err == nil {
		_ = conn.Close()
	}
}
