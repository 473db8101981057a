package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"

	"rollcall/config"
	"rollcall/testidp"
)

// demo runs the server and the test identity provider side by side. They meet
// over TCP only, as they would in two companies.
func (p *program) demo(ctx context.Context, args []string) error {
	f := p.flags("demo")
	listen := f.String("listen", "127.0.0.1:8080", "the `ADDRESS` of the server; another port is used when it is taken")
	idpListen := f.String("idp-listen", testidp.DefaultListen, "the `ADDRESS` of the identity provider; likewise")
	if err := parse(f, args); err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "rollcall-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	listener, err := listenNear(*listen)
	if err != nil {
		return err
	}
	idpListener, err := listenNear(*idpListen)
	if err != nil {
		_ = listener.Close()
		return err
	}
	public := &url.URL{Scheme: "http", Host: listener.Addr().String()}
	d := demonstration{
		program: p, key: "sk_demo_" + strings.ToLower(rand.Text()),
		api: public.String(), idp: "http://" + idpListener.Addr().String(),
	}
	log := slog.New(slog.NewTextHandler(p.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	ready := make(chan struct{})
	s := server{
		config: config.Config{
			PublicURL: public, APIKey: config.Secret(d.key),
			Database: config.Secret("sqlite:" + filepath.Join(folder, "rollcall.db")),
		},
		log: log, listener: listener, opened: func() { close(ready) },
	}
	fmt.Fprintln(p.out, "Starting Rollcall on SQLite in a temporary folder …")
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.run(ctx) })
	g.Go(func() error {
		select {
		case <-ctx.Done():
			return idpListener.Close()
		case <-ready:
		}
		err := d.run(ctx, g, idpListener)
		if ctx.Err() != nil {
			return nil // a request that Ctrl-C broke off is no failure
		}
		return err
	})
	err = g.Wait()
	if err == nil {
		fmt.Fprintln(p.out, "\nStopped. The temporary folder is gone.")
	}
	return err
}

// listenNear listens on address, or on a free port of the same host when that
// one is taken: somebody who tries a demo may well run something else on 8080.
func listenNear(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err == nil || !errors.Is(err, syscall.EADDRINUSE) {
		return l, err
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	return net.Listen("tcp", net.JoinHostPort(host, "0"))
}

// demonstration is the part of the demo that plays the outside world: an
// operator who sets up two customers, and their identity providers.
type demonstration struct {
	program *program
	key     string
	api     string // the base URL of the server, without a slash at its end
	idp     string // the URL of the identity provider's page
}

// customer is an organization of the demo.
type customer struct {
	name, domain, directoryType string
	dialect                     testidp.Dialect

	directory string // its directory's id, once it is set up
}

func (d *demonstration) run(ctx context.Context, g *errgroup.Group, listener net.Listener) error {
	customers := []*customer{
		{name: "Contoso", domain: "contoso.example", directoryType: "okta scim v2.0", dialect: testidp.Okta},
		{name: "Fabrikam", domain: "fabrikam.example", directoryType: "azure scim v2.0", dialect: testidp.Entra},
	}
	var options testidp.Options
	for _, c := range customers {
		application, err := d.setUp(ctx, c)
		if err != nil {
			_ = listener.Close()
			return fmt.Errorf("set up %s: %w", c.name, err)
		}
		options.Applications = append(options.Applications, application)
	}
	idp, err := testidp.New(options)
	if err != nil {
		_ = listener.Close()
		return err
	}
	g.Go(func() error { return idp.Serve(ctx, listener) })
	for _, a := range idp.Applications() {
		if err := d.program.provision(ctx, a); err != nil {
			return fmt.Errorf("provision %s: %w", a.Name(), err)
		}
	}
	lastEvent, err := d.lastEvent(ctx)
	if err != nil {
		return err
	}
	d.explain(customers, idp.Applications(), lastEvent)
	return nil
}

// setUp creates an organization with a directory through the API, as the
// operator's own program would.
func (d *demonstration) setUp(ctx context.Context, c *customer) (testidp.ApplicationOptions, error) {
	var organization struct{ ID string }
	err := d.call(ctx, http.MethodPost, "/organizations", map[string]any{
		"name": c.name, "domain_data": []any{map[string]any{"domain": c.domain, "state": "verified"}},
	}, &organization)
	if err != nil {
		return testidp.ApplicationOptions{}, err
	}
	var directory struct {
		ID   string
		SCIM struct {
			BaseURL     string `json:"base_url"`
			BearerToken string `json:"bearer_token"`
		}
	}
	err = d.call(ctx, http.MethodPost, "/directories", map[string]any{
		"organization_id": organization.ID, "name": c.name + "'s directory", "type": c.directoryType,
	}, &directory)
	c.directory = directory.ID
	return testidp.ApplicationOptions{
		Name: c.name, SCIMURL: directory.SCIM.BaseURL, Token: directory.SCIM.BearerToken, Dialect: c.dialect, Domain: c.domain,
	}, err
}
