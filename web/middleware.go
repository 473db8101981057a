package web

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"

	"github.com/labstack/echo/v4"

	"rollcall/model"
)

// headers sets what every answer carries, before the handler runs so that it can say otherwise.
func headers(https bool) echo.MiddlewareFunc {
	set := [][2]string{
		// Nothing inline and nothing from elsewhere runs: text that slips unescaped into a page
		// stays text. Frames are refused against clickjacking.
		{echo.HeaderContentSecurityPolicy, "default-src 'none'; style-src 'self'; script-src 'self'; " +
			"img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"},
		{echo.HeaderXFrameOptions, "DENY"},
		{echo.HeaderXContentTypeOptions, "nosniff"},
		// Paths may hold one-time links, which no other site may learn. No-referrer would blank
		// the Origin of our own forms, which guards them against forgery.
		{echo.HeaderReferrerPolicy, "same-origin"},
		{"Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"},
		{"Cross-Origin-Opener-Policy", "same-origin"},
		{"Cross-Origin-Resource-Policy", "same-origin"},
		{echo.HeaderCacheControl, "no-store"},
	}
	if https {
		// Sub-domains are left out: they may be somebody else's.
		set = append(set, [2]string{echo.HeaderStrictTransportSecurity, "max-age=31536000"})
	}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			h := c.Response().Header()
			for _, pair := range set {
				h.Set(pair[0], pair[1])
			}
			return next(c)
		}
	}
}

// panicked is a panic of a handler, which is answered like any other internal error.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// contain turns a panic into an error, so that one request cannot end the process and is answered
// in the form of its path.
func (s *Server) contain(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		return contained(func() error { return next(c) })
	}
}

func contained(run func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &panicked{value, debug.Stack()}
		}
	}()
	return run()
}

// limitBody bounds the body: one that says it is larger is refused unread, any other at the byte
// past the limit. What goes wrong while reading is the client's doing and becomes a model.Error, so
// that a handler passes it on as it is.
func limitBody(limit int64) echo.MiddlewareFunc {
	tooLarge := &model.Error{Kind: model.TooLarge,
		Message: fmt.Sprintf("The request body is larger than %d bytes; send less at once.", limit)}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			if r.ContentLength > limit {
				return tooLarge
			}
			if r.Body != nil && r.Body != http.NoBody {
				// The bare writer: it is told to close the connection behind a body too large.
				r.Body = &body{http.MaxBytesReader(c.Response().Writer, r.Body, limit), tooLarge}
			}
			return next(c)
		}
	}
}

// body is a request body whose errors are for the client.
type body struct {
	io.ReadCloser
	tooLarge *model.Error
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == nil || err == io.EOF {
		return n, err
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return n, &model.Error{Kind: b.tooLarge.Kind, Message: b.tooLarge.Message, Err: err}
	}
	return n, &model.Error{Kind: model.Invalid, Err: err,
		Message: "The request body ended early or came too slowly; send it again."}
}
