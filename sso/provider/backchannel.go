package provider

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/sync/errgroup"

	"rollcall/model"
	"rollcall/model/grant"
	"rollcall/model/store"
	"rollcall/web"
	"rollcall/worker"
)

// Logouts tells applications that sessions have ended (OpenID Connect Back-Channel Logout). Each
// process may run one.
type Logouts struct {
	server   Server
	outbound *web.Outbound
	log      *slog.Logger
}

// NewLogouts returns a Logouts for the server at a public URL.
func NewLogouts(store *store.Store, publicURL string, outbound *web.Outbound, log *slog.Logger) *Logouts {
	return &Logouts{server: Server{Store: store, PublicURL: publicURL}, outbound: outbound, log: log}
}

const (
	logoutsEvery = 250 * time.Millisecond
	// logoutsBatch is how many are sent at once, so that an application which does not answer does
	// not delay the others for long.
	logoutsBatch = 16
	// logoutTimeout is for one request.
	logoutTimeout = 5 * time.Second
	// logoutTokenTime is how long a logout token is good. Each attempt has a new one, because a
	// receiver refuses one that it has seen.
	logoutTokenTime = 2 * time.Minute
)

// Run sends what is due until ctx ends.
func (l *Logouts) Run(ctx context.Context) error {
	round := func(ctx context.Context) (more bool, err error) {
		n, err := l.RunOnce(ctx)
		return n == logoutsBatch, err
	}
	return worker.Every(ctx, logoutsEvery, l.log, "logouts not sent", round)
}

// RunOnce sends a batch of what is due, and returns how many it sent.
func (l *Logouts) RunOnce(ctx context.Context) (n int, err error) {
	due, err := grant.Across(l.server.Store).ClaimLogouts(ctx, logoutsBatch)
	var g errgroup.Group
	for i := range due {
		g.Go(func() error { return l.deliver(ctx, &due[i]) })
	}
	return len(due), errors.Join(err, g.Wait())
}

// deliver makes one attempt.
func (l *Logouts) deliver(ctx context.Context, d *grant.DueLogout) error {
	grants := grant.Across(l.server.Store)
	if d.Application.BackchannelLogoutURI == "" { // it was withdrawn
		return grants.FinishLogout(ctx, d)
	}
	status, err := l.send(ctx, d)
	switch {
	case err == nil && (status == http.StatusOK || status == http.StatusNoContent):
		return grants.FinishLogout(ctx, d)
	case ctx.Err() != nil:
		return nil // the lease ends, and another process tries
	}
	reason := fmt.Sprintf("the answer has the status %d", status)
	if err != nil {
		reason = "no answer came"
	}
	l.log.InfoContext(ctx, "logout not delivered", "application", model.ApplicationPrefix.ID(d.ApplicationID),
		"attempt", d.Attempts, "status", status, "error", err)
	// 400 says that the application refuses the token (section 2.8), which it will again.
	return grants.FailLogout(ctx, d, reason, status == http.StatusBadRequest)
}

// send sends a logout token, and returns the status of the answer.
func (l *Logouts) send(ctx context.Context, d *grant.DueLogout) (status int, err error) {
	now := l.server.Store.Now()
	token, err := l.server.sign(ctx, d.Application.IDTokenAlgorithm, "logout+jwt", claims{
		"iss": l.server.Issuer(), "aud": model.ApplicationPrefix.ID(d.ApplicationID), "iat": now.Unix(),
		"exp": now.Add(logoutTokenTime).Unix(), "jti": model.NewID(), "sub": model.UserPrefix.ID(d.UserID),
		"sid":    model.SessionPrefix.ID(d.SessionID),
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": struct{}{}},
	})
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, logoutTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.Application.BackchannelLogoutURI,
		strings.NewReader(url.Values{"logout_token": {token}}.Encode()))
	if err != nil {
		return 0, err
	}
	r.Header.Set(echo.HeaderContentType, echo.MIMEApplicationForm)
	client := l.outbound.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}
