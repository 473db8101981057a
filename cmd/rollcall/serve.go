package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"rollcall/api"
	"rollcall/config"
	"rollcall/console"
	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/entitle"
	"rollcall/model/grant"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/requestlog"
	"rollcall/model/setup"
	"rollcall/model/store"
	"rollcall/portal"
	"rollcall/scim"
	"rollcall/sso"
	"rollcall/sso/provider"
	"rollcall/trust"
	"rollcall/web"
	"rollcall/webhook"
	"rollcall/worker"
)

// serve is the command serve.
func (p *program) serve(ctx context.Context, args []string) error {
	f := p.flags("serve")
	file := configFlag(f)
	noMigrate := f.Bool("no-migrate", false, "leave the database's schema as it is, and wait until it is current")
	if err := parse(f, args); err != nil {
		return err
	}
	c, err := p.load(*file)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(p.err, nil))
	warn(log, c)
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return err
	}
	log.Info("listening", "address", listener.Addr().String(), "url", c.PublicURL.String(), "version", buildVersion)
	limitMemory(log)
	s := server{config: c, log: log, listener: listener, noMigrate: *noMigrate}
	return s.run(ctx)
}

// warn tells the risks of the settings.
func warn(log *slog.Logger, c config.Config) {
	for _, text := range c.Warnings {
		log.Warn("risky setting", "problem", text)
	}
}

// server is the whole of Rollcall in one process.
type server struct {
	config    config.Config
	log       *slog.Logger
	listener  net.Listener
	noMigrate bool
	opened    func() // called when requests are served; may be nil

	requests *requestlog.Log // set when the store is open, like the next two
	outbound *web.Outbound
	domains  *organization.DomainWatch
}

// run serves until ctx ends. It answers health checks at once. It is ready when the database can be
// reached and is migrated, however long that takes.
func (s *server) run(ctx context.Context) error {
	var store storeWhenOpen
	w, err := web.New(web.Options{
		Listener: s.listener, PublicURL: s.config.PublicURL.String(), TrustedProxies: s.config.TrustedProxies,
		Ready: store.ready, Lasts: store.lasts, Log: s.log,
	})
	if err != nil {
		_ = s.listener.Close()
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return w.Run(ctx) })
	g.Go(func() error {
		opened, err := s.open(ctx)
		if err != nil || opened == nil {
			return err
		}
		if err := s.mount(w, opened); err != nil {
			return errors.Join(err, opened.Close())
		}
		store.set(opened)
		w.Open()
		s.log.Info("ready")
		if s.opened != nil {
			s.opened()
		}
		return s.work(ctx, opened)
	})
	err = g.Wait()
	if s.requests != nil { // the requests that were answered while the server ended
		s.flush(context.WithoutCancel(ctx))
	}
	if closed := store.close(); err == nil {
		err = closed
	}
	return err
}

// mount adds the routes of all packages.
func (s *server) mount(w *web.Server, store *store.Store) error {
	url := s.config.PublicURL.String()
	s.requests = requestlog.New(requestlog.Across(store))
	(&scim.Server{Store: store, PublicURL: url, Rate: s.config.SCIMRate, Requests: s.requests,
		Log: s.log}).Mount(w.Echo)
	s.outbound = web.NewOutbound(web.OutboundOptions{Allow: s.config.OutboundAllow.Networks,
		AllowHosts: s.config.OutboundAllow.Hosts})
	s.domains = organization.NewDomainWatch(organization.Across(store), web.NewLookupTXT(s.config.DNSServers))
	(&api.Server{Store: store, PublicURL: url, BootstrapKey: string(s.config.APIKey), Outbound: s.outbound,
		Domains: s.domains, Log: s.log}).Mount(w.Echo)
	if err := (&console.Server{Store: store, Pages: w.Pages, PublicURL: url}).Mount(w.Echo); err != nil {
		return err
	}
	err := (&portal.Server{Store: store, Pages: w.Pages, PublicURL: url, Domains: s.domains, Outbound: s.outbound,
		Log: s.log}).Mount(w.Echo)
	if err != nil {
		return err
	}
	return (&sso.Server{Store: store, Pages: w.Pages, PublicURL: url, Outbound: s.outbound, Log: s.log}).Mount(w.Echo)
}

// work does the background work until ctx ends.
func (s *server) work(ctx context.Context, store *store.Store) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.sweep(ctx, store) })
	g.Go(func() error { return s.shrink(ctx, store) })
	g.Go(func() error { return s.requests.Run(ctx) })
	g.Go(func() error { return directory.NewMassChangeGuard(directory.Across(store)).Run(ctx) })
	g.Go(func() error { return (&trust.Watch{Store: store, Outbound: s.outbound, Log: s.log}).Run(ctx) })
	g.Go(func() error { return s.domains.Run(ctx) })
	g.Go(func() error { return s.keys(ctx, store) })
	g.Go(func() error {
		return provider.NewLogouts(store, s.config.PublicURL.String(), s.outbound, s.log).Run(ctx)
	})
	g.Go(func() error { return setup.NewExpiryWatch(setup.Across(store)).Run(ctx) })
	g.Go(func() error { return entitle.NewRecomputer(entitle.Across(store)).Run(ctx) })
	g.Go(func() error { return (&webhook.Sender{Store: store, Outbound: s.outbound, Log: s.log}).Run(ctx) })
	return g.Wait()
}

// flushTime is the limit for writing the last lines of the request log at the end.
const flushTime = 2 * time.Second

// flush writes the last lines of the request log. A failure is only logged.
func (s *server) flush(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, flushTime)
	defer cancel()
	if _, err := s.requests.RunOnce(ctx); err != nil {
		s.log.Warn("last lines of the request log lost", "error", err)
	}
}

const (
	// sweepEvery is the pause between two sweeps.
	sweepEvery = time.Minute
	// sweepTime is how long a sweep may take. It deletes by batches, so that the next one goes on
	// where this one ended.
	sweepTime = 10 * time.Minute
)

// sweep deletes expired rows until ctx ends. The next sweep repeats the work of one that failed.
func (s *server) sweep(ctx context.Context, store *store.Store) error {
	round := func(ctx context.Context) (more bool, err error) {
		n, err := operator.Across(store).Sweep(ctx)
		if err == nil && n > 0 {
			s.log.Info("swept", "rows", n)
		}
		return false, err
	}
	return worker.EveryWithin(ctx, sweepEvery, sweepTime, s.log, "sweep failed", round)
}

// keysEvery is the pause between two looks at the keys of ID tokens.
const keysEvery = time.Hour

// keys makes the keys of ID tokens in time, so that each is published for a day before it signs.
func (s *server) keys(ctx context.Context, store *store.Store) error {
	round := func(ctx context.Context) (more bool, err error) {
		_, err = grant.Across(store).Keys(ctx)
		return false, err
	}
	return worker.Every(ctx, keysEvery, s.log, "keys of ID tokens not made", round)
}

// shrinkEvery is the pause between two looks at the length of SQLite's log.
const shrinkEvery = 10 * time.Second

// shrink keeps the log of SQLite short until ctx ends.
func (s *server) shrink(ctx context.Context, store *store.Store) error {
	round := func(ctx context.Context) (more bool, err error) { return false, store.ShrinkLog(ctx) }
	return worker.Every(ctx, shrinkEvery, s.log, "log of SQLite not shrunk", round)
}

// retryEvery is the pause between attempts to reach a database at start.
const retryEvery = time.Second

// tellEvery is the pause between lines about a database that cannot be reached.
const tellEvery = time.Minute

// open opens the store. It tries again while the database cannot be reached or is not migrated. It
// returns nil when ctx ends first.
func (s *server) open(ctx context.Context) (*store.Store, error) {
	keys, err := secretKeys(ctx, s.config)
	if err != nil {
		return nil, err
	}
	var told time.Time
	for {
		store, err := store.Open(ctx, string(s.config.Database),
			store.Options{Keys: keys, Log: s.log, NoMigrate: s.noMigrate})
		if err == nil {
			return store, nil
		}
		if ctx.Err() != nil {
			return nil, nil
		}
		if kind := model.KindOf(err); kind != model.Unavailable && kind != model.Busy {
			return nil, err
		}
		if now := time.Now(); now.Sub(told) >= tellEvery {
			told = now
			s.log.Warn("database not ready", "error", err, "again", retryEvery.String())
		}
		select {
		case <-ctx.Done():
			return nil, nil
		case <-time.After(retryEvery):
		}
	}
}

// sqlitePath returns the file of a sqlite: URL.
func sqlitePath(url config.Secret) (string, bool) {
	return strings.CutPrefix(string(url), "sqlite:")
}
