package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/model"
)

const (
	healthPath = "/healthz"
	readyPath  = "/readyz"
)

// starting is the error that answers every request before Open.
func starting(context.Context) error {
	return &model.Error{Kind: model.Unavailable, Message: "The server is starting. Try again in a moment."}
}

// health is the body of both health checks.
type health struct {
	Status string `json:"status"`           // "ok" or "unavailable"
	Reason string `json:"reason,omitempty"` // a sentence
}

// mountHealth adds the health checks. /healthz succeeds while the process answers requests, so that
// a supervisor does not restart it. /readyz succeeds when a load balancer may send requests to it.
func (s *Server) mountHealth(e *echo.Echo, ready func(context.Context) error) {
	methods := []string{http.MethodGet, http.MethodHead}
	e.Match(methods, healthPath, func(c echo.Context) error {
		return c.JSON(http.StatusOK, health{Status: "ok"})
	})
	e.Match(methods, readyPath, func(c echo.Context) error {
		ctx, cancel := context.WithTimeout(c.Request().Context(), 5*time.Second)
		defer cancel()
		err := contained(func() error { return ready(ctx) })
		if err == nil {
			return c.JSON(http.StatusOK, health{Status: "ok"})
		}
		s.log.WarnContext(ctx, "not ready",
			slog.String("request", RequestID(ctx)), slog.String("error", err.Error()))
		reason := "The server cannot do its work at the moment."
		if known, ok := errors.AsType[*model.Error](err); ok && known.Kind != model.Internal {
			reason = known.Message
		}
		return c.JSON(http.StatusServiceUnavailable, health{Status: "unavailable", Reason: reason})
	})
}
