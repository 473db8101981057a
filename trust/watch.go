package trust

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/store"
	"rollcall/sso/saml"
	"rollcall/web"
	"rollcall/worker"
)

// Watch keeps the rows of SAML connections up to date: it fetches their metadata again, and records
// a warning about each certificate that expires soon.
type Watch struct {
	Store    *store.Store
	Outbound *web.Outbound
	Log      *slog.Logger
}

const (
	// watchEvery is the pause between two rounds. A person whose login met an unknown key has to
	// wait for the next round.
	watchEvery = 10 * time.Second
	// watchLease is how long one replica has for the connections that it claimed. The time-out of
	// web.Outbound is shorter.
	watchLease = 5 * time.Minute
	// watchBatch is how many connections are claimed at once. Their metadata is fetched
	// concurrently, so that a host that does not answer does not delay the others.
	watchBatch = 8
)

// Run does the work that is due until ctx ends. Work that fails is tried again.
func (w *Watch) Run(ctx context.Context) error {
	round := func(ctx context.Context) (more bool, err error) {
		n, err := w.RunOnce(ctx)
		return n >= watchBatch, err
	}
	return worker.Every(ctx, watchEvery, w.Log, "connections not watched", round)
}

// RunOnce does the work that is due, up to a batch of each kind, and returns how many connections
// it looked at.
func (w *Watch) RunOnce(ctx context.Context) (n int, err error) {
	due, err := connection.Across(w.Store).ClaimMetadata(ctx, watchBatch, watchLease)
	var g errgroup.Group
	for i := range due {
		g.Go(func() error { return w.refresh(ctx, &due[i]) })
	}
	err = errors.Join(err, g.Wait())
	checked, claimErr := connection.Across(w.Store).ClaimCertificates(ctx, watchBatch, watchLease)
	err = errors.Join(err, claimErr)
	for i := range checked {
		_, checkErr := connection.In(w.org(&checked[i])).CheckCertificates(ctx, checked[i].ID)
		err = errors.Join(err, unlessGone(checkErr))
	}
	return max(len(due), len(checked)), err
}

func (w *Watch) org(c *connection.Connection) *store.Org {
	return w.Store.Org(c.OrganizationID, model.System)
}

// unlessGone drops the error that the connection was deleted meanwhile.
func unlessGone(err error) error {
	if model.KindOf(err) == model.NotFound {
		return nil
	}
	return err
}

// refresh fetches a connection's metadata again. An answer that is not the metadata of the same
// identity provider changes nothing but the connection's metadata error.
func (w *Watch) refresh(ctx context.Context, c *connection.Connection) error {
	idp, err := w.read(ctx, c)
	if ctx.Err() != nil {
		return nil // the lease ends, and another process goes on
	}
	message, refused := unread(err)
	if err == nil {
		w.logLeftOut(ctx, c, idp.LeftOut)
		fill := func(c *connection.ConnectionFields) { describe(c, &idp) }
		_, err = connection.In(w.org(c)).RefreshMetadata(ctx, c.ID, c.IDPMetadataURL, fill)
		message, refused = unread(err)
	}
	if !refused {
		return unlessGone(err)
	}
	// The error is not logged: it contains the address, which may contain a secret.
	w.Log.WarnContext(ctx, "metadata not taken over",
		"connection", model.ConnectionPrefix.ID(c.ID), "reason", message)
	_, err = connection.In(w.org(c)).RefuseMetadata(ctx, c.ID, c.IDPMetadataURL, message)
	return unlessGone(err)
}

// logLeftOut logs that parts of metadata were of no use. It logs only the reasons: the parts
// themselves may contain a secret, as an address does.
func (w *Watch) logLeftOut(ctx context.Context, c *connection.Connection, parts []saml.LeftOut) {
	if len(parts) == 0 {
		return
	}
	var reasons []saml.Reason
	for _, p := range parts {
		if !slices.Contains(reasons, p.Refused.Reason) {
			reasons = append(reasons, p.Refused.Reason)
		}
	}
	w.Log.WarnContext(ctx, "metadata taken over in part",
		"connection", model.ConnectionPrefix.ID(c.ID), "left out", len(parts), "reasons", reasons)
}

// read fetches and parses a connection's metadata. From the metadata of several identity providers
// it takes the one with the connection's entity ID.
func (w *Watch) read(ctx context.Context, c *connection.Connection) (saml.IDP, error) {
	document, err := fetchMetadata(ctx, w.Outbound, c.IDPMetadataURL)
	if err != nil {
		return saml.IDP{}, err
	}
	return saml.ParseMetadata(document, c.IDPEntityID, w.Store.Now())
}

// unread says why metadata was not taken over, where the identity provider is the cause.
func unread(err error) (message string, refused bool) {
	if r, ok := errors.AsType[*saml.Refused](err); ok {
		return explainMetadata(r), true
	}
	if r, ok := errors.AsType[*model.Error](err); ok && r.Kind == model.Invalid {
		return r.Message, true
	}
	return "", false
}

// SuspectKey has the metadata of a connection fetched soon where err says that a response may be
// signed by a key that the identity provider has only just begun to use. It does so for every
// response that could not be decrypted, whatever failed: nothing here may depend on how far the
// decryption came.
func SuspectKey(ctx context.Context, org *store.Org, c *connection.Connection, err error) error {
	r, ok := errors.AsType[*saml.Refused](err)
	if !ok || r.Reason != saml.WrongKey && r.Reason != saml.Undecryptable {
		return nil
	}
	_, err = connection.In(org).WantMetadata(ctx, c)
	return err
}
