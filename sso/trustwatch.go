package sso

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/sync/errgroup"

	"rollcall/model"
	"rollcall/sso/saml"
	"rollcall/web"
)

// TrustWatch keeps what connections know of their identity providers up to date: it reads the
// metadata behind addresses again, and warns of certificates that end.
type TrustWatch struct {
	Store    *model.Store
	Outbound *web.Outbound
	Log      *slog.Logger
}

const (
	// watchEvery is the pause between two looks for what is due: a login that met an unknown key
	// waits for the first of them.
	watchEvery = 10 * time.Second
	// watchLease is how long one replica has for what it claimed; the guard's time-out is shorter.
	watchLease = 5 * time.Minute
	// watchBatch is how many connections are claimed at once, and fetched for beside each other:
	// a host that does not answer must not keep the others.
	watchBatch = 8
)

// Run looks for what is due until ctx ends. What fails is tried again.
func (w *TrustWatch) Run(ctx context.Context) error {
	for {
		n, err := w.RunOnce(ctx)
		if err != nil && ctx.Err() == nil {
			w.Log.WarnContext(ctx, "connections not watched", "error", err)
		}
		pause := watchEvery
		if err == nil && n >= watchBatch {
			pause = 0 // there may be more
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// RunOnce does what is due, up to a batch of each kind, and returns how many connections it looked at.
func (w *TrustWatch) RunOnce(ctx context.Context) (n int, err error) {
	due, err := w.Store.ClaimMetadata(ctx, watchBatch, watchLease)
	var g errgroup.Group
	for i := range due {
		g.Go(func() error { return w.refresh(ctx, &due[i]) })
	}
	err = errors.Join(err, g.Wait())
	checked, claimErr := w.Store.ClaimCertificates(ctx, watchBatch, watchLease)
	err = errors.Join(err, claimErr)
	for i := range checked {
		_, checkErr := w.org(&checked[i]).CheckCertificates(ctx, checked[i].ID)
		err = errors.Join(err, unlessGone(checkErr))
	}
	return max(len(due), len(checked)), err
}

func (w *TrustWatch) org(c *model.Connection) *model.Org {
	return w.Store.Org(c.OrganizationID, model.System)
}

// unlessGone drops the error that the connection was deleted meanwhile.
func unlessGone(err error) error {
	if model.KindOf(err) == model.NotFound {
		return nil
	}
	return err
}

// refresh reads a connection's metadata again. An answer that is not the metadata of the same
// identity provider changes nothing that is known.
func (w *TrustWatch) refresh(ctx context.Context, c *model.Connection) error {
	idp, err := w.read(ctx, c)
	if ctx.Err() != nil {
		return nil // the lease ends, and another process goes on
	}
	message, refused := unread(err)
	if err == nil {
		_, err = w.org(c).RefreshMetadata(ctx, c.ID, c.IDPMetadataURL, func(c *model.ConnectionFields) {
			c.IDPEntityID, c.IDPSSORedirectURL, c.IDPSSOPostURL = idp.EntityID, idp.SSORedirectURL, idp.SSOPostURL
			c.IDPCertificates = saml.EncodeCertificates(idp.Certificates)
			c.IDPSLORedirectURL, c.IDPSLORedirectResponseURL = idp.SLO.RedirectURL, idp.SLO.RedirectResponseURL
			c.IDPSLOPostURL, c.IDPSLOPostResponseURL = idp.SLO.PostURL, idp.SLO.PostResponseURL
		})
		message, refused = unread(err)
	}
	if !refused {
		return unlessGone(err)
	}
	// Not the error: it has the address in it, and there may be a secret in that.
	w.Log.WarnContext(ctx, "metadata not taken over", "connection", model.ConnectionPrefix.ID(c.ID), "reason", message)
	_, err = w.org(c).RefuseMetadata(ctx, c.ID, c.IDPMetadataURL, message)
	return unlessGone(err)
}

// read fetches and parses a connection's metadata. Of an aggregate it takes the provider that the
// connection is to.
func (w *TrustWatch) read(ctx context.Context, c *model.Connection) (saml.IDP, error) {
	document, err := w.Outbound.Fetch(ctx, c.IDPMetadataURL, saml.MetadataAccept)
	if err != nil {
		return saml.IDP{}, err
	}
	return saml.ParseMetadata(document, c.IDPEntityID, w.Store.Now())
}

// unread says why metadata was not taken over, where that is the other side's doing.
func unread(err error) (message string, refused bool) {
	if r, ok := errors.AsType[*saml.Refused](err); ok {
		return r.Explain(), true
	}
	if r, ok := errors.AsType[*model.Error](err); ok && r.Kind == model.Invalid {
		return r.Message, true
	}
	return "", false
}

// suspectKey has the metadata of a connection read soon where a response may be signed by a key
// that the identity provider has only just begun to use. What was encrypted counts whatever failed:
// nothing here may depend on how far its decryption came.
func (s *Server) suspectKey(c echo.Context, connection *model.Connection, err error) {
	r, ok := errors.AsType[*saml.Refused](err)
	if !ok || r.Reason != saml.WrongKey && r.Reason != saml.Undecryptable {
		return
	}
	if _, err := s.org(connection).WantMetadata(c.Request().Context(), connection); err != nil {
		s.Log.WarnContext(c.Request().Context(), "metadata not asked for", "connection", model.ConnectionPrefix.ID(connection.ID), "error", err)
	}
}
