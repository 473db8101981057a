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

// headers sets the headers of every answer. It runs before the handler, which can replace them.
func headers(https bool) echo.MiddlewareFunc {
	set := [][2]string{
		// No inline script and no script of another host runs, so that text which a page shows
		// unescaped by mistake does no harm. No page can be framed, against clickjacking.
		{echo.HeaderContentSecurityPolicy, "default-src 'none'; style-src 'self'; script-src 'self'; " +
			"img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"},
		{echo.HeaderXFrameOptions, "DENY"},
		{echo.HeaderXContentTypeOptions, "nosniff"},
		// Paths may be one-time links, which other sites must not see. With no-referrer browsers
		// would send our own forms without an Origin, and OwnForms needs it.
		{echo.HeaderReferrerPolicy, "same-origin"},
		{"Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"},
		{"Cross-Origin-Opener-Policy", "same-origin"},
		{"Cross-Origin-Resource-Policy", "same-origin"},
		{echo.HeaderCacheControl, "no-store"},
	}
	if https {
		// Without includeSubDomains: the sub-domains may belong to other servers.
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

// panicked is the error of a handler that panicked.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// contain turns a panic of a handler into an error: the process goes on, and the request is
// answered by the renderer of its path.
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

// limitBody bounds the length of the body. A body whose Content-Length is larger is refused before
// it is read, any other body when it is read past the limit. Errors of reading are caused by the
// client and become a model.Error, which a handler can return unchanged.
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
				// MaxBytesReader closes the connection after a body that is too large, and needs
				// the writer of net/http for that.
				r.Body = &body{http.MaxBytesReader(c.Response().Writer, r.Body, limit), tooLarge}
			}
			return next(c)
		}
	}
}

// body is a request body whose errors are answers to the client.
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
