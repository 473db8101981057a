package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"

	"rollcall/config"
	"rollcall/testidp"
)

// demo is the command demo. It runs the server, the test identity provider and an application. They
// communicate only over TCP, as if they belonged to three companies.
func (p *program) demo(ctx context.Context, args []string) error {
	f := p.flags("demo")
	listen := f.String("listen", "127.0.0.1:8080", "the `ADDRESS` of the server; another port is used when it is taken")
	idpListen := f.String("idp-listen", testidp.DefaultListen, "the `ADDRESS` of the identity provider; likewise")
	appListen := f.String("app-listen", "127.0.0.1:8090", "the `ADDRESS` of the application; likewise")
	if err := parse(f, args); err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "rollcall-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	listeners, err := listenAll(*listen, *idpListen, *appListen)
	if err != nil {
		return err
	}
	if err := p.runDemo(ctx, folder, listeners); err != nil {
		return err
	}
	fmt.Fprintln(p.out, "\nStopped. The temporary folder is gone.")
	return nil
}

// runDemo runs the three servers until ctx ends. The listeners are those of the server, of the
// identity provider and of the application.
func (p *program) runDemo(ctx context.Context, folder string, listeners []net.Listener) error {
	public := &url.URL{Scheme: "http", Host: listeners[0].Addr().String()}
	d := demonstration{
		program: p, key: "sk_demo_" + strings.ToLower(rand.Text()),
		api: public.String(), idp: byName(listeners[1].Addr()), app: byName(listeners[2].Addr()),
	}
	log := slog.New(slog.NewTextHandler(p.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	ready := make(chan struct{})
	s := server{
		config: config.Config{
			PublicURL: public, APIKey: config.Secret(d.key),
			Database: config.Secret("sqlite:" + filepath.Join(folder, "rollcall.db")),
			// The server sends OpenID Connect requests to the identity provider, on loopback.
			OutboundAllow: config.Reach{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"),
				netip.MustParsePrefix("::1/128")}},
		},
		log: log, listener: listeners[0], opened: func() { close(ready) },
	}
	fmt.Fprintln(p.out, "Starting Rollcall on SQLite in a temporary folder …")
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.run(ctx) })
	g.Go(func() error {
		select {
		case <-ctx.Done():
			return closeAll(listeners[1:])
		case <-ready:
		}
		err := d.run(ctx, g, listeners[1], listeners[2])
		if ctx.Err() != nil {
			return nil // a request that Ctrl-C broke off is no failure
		}
		return err
	})
	return g.Wait()
}

// listenAll listens on each address, as listenNear does.
func listenAll(addresses ...string) ([]net.Listener, error) {
	var listeners []net.Listener
	for _, address := range addresses {
		l, err := listenNear(address)
		if err != nil {
			return nil, errors.Join(err, closeAll(listeners))
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

func closeAll(listeners []net.Listener) error {
	var problems []error
	for _, l := range listeners {
		problems = append(problems, l.Close())
	}
	return errors.Join(problems...)
}

// byName is the URL of a listener, with the host localhost for 127.0.0.1. The server keeps its
// address, so for browsers it is another site than the identity provider and the application, as in
// a real installation.
func byName(address net.Addr) string {
	host, port, err := net.SplitHostPort(address.String())
	if err != nil || host != "127.0.0.1" {
		return "http://" + address.String()
	}
	return "http://localhost:" + port
}

// listenNear listens on address, or on a free port of the same host when the port is in use, which
// is likely for a port such as 8080.
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

// demonstration does the part of the operator and of three customers: it sets up their
// organizations, their identity providers and the operator's application.
type demonstration struct {
	program *program
	key     string
	api     string // the base URL of the server, without a slash at its end
	idp     string // the same of the identity provider
	app     string // the same of the application
}

// customer is an organization of the demo.
type customer struct {
	name, domain   string
	directoryType  string
	connectionType string
	dialect        testidp.Dialect
	personality    testidp.Personality
	tile           bool // people may begin a sign-in at the identity provider
	oidc           bool // people sign in over OpenID Connect

	organization, directory, connection string // the ids of what is set up
}

// run sets everything up, starts the other two servers in g and prints the screen.
func (d *demonstration) run(ctx context.Context, g *errgroup.Group, idpListener, appListener net.Listener) error {
	customers := []*customer{
		{name: "Contoso", domain: "contoso.example", directoryType: "okta scim v2.0", connectionType: "OktaSAML",
			dialect: testidp.Okta, personality: testidp.OktaSAML, tile: true},
		{name: "Fabrikam", domain: "fabrikam.example", directoryType: "azure scim v2.0", connectionType: "AzureSAML",
			dialect: testidp.Entra, personality: testidp.EntraSAML},
		{name: "Tailspin", domain: "tailspin.example", directoryType: "generic scim v2.0",
			connectionType: "GenericOIDC",
			dialect:        testidp.Okta, personality: testidp.PlainSAML, oidc: true},
	}
	idp, err := d.setUp(ctx, customers)
	if err != nil {
		return errors.Join(err, closeAll([]net.Listener{idpListener, appListener}))
	}
	g.Go(func() error { return idp.Serve(ctx, idpListener) })
	app, err := d.connect(ctx, customers, idp)
	if err != nil {
		return errors.Join(err, appListener.Close())
	}
	g.Go(func() error { return app.serve(ctx, appListener) })
	for i, a := range idp.Applications() {
		if err := d.program.provision(ctx, a); err != nil {
			return fmt.Errorf("provision %s: %w", a.Name(), err)
		}
		if err := d.testLogin(ctx, customers[i], a); err != nil {
			return fmt.Errorf("test the sign-on of %s: %w", a.Name(), err)
		}
		if err := d.license(ctx, customers[i]); err != nil {
			return fmt.Errorf("license %s: %w", a.Name(), err)
		}
	}
	for _, c := range customers {
		if err := d.licensed(ctx, c); err != nil {
			return fmt.Errorf("wait for the licenses of %s: %w", c.name, err)
		}
	}
	lastEvent, err := d.lastEvent(ctx)
	if err != nil {
		return err
	}
	d.explain(customers, idp.Applications(), lastEvent)
	return nil
}

// setUp creates the customers through the API, as the operator's own program would, and their
// identity providers.
func (d *demonstration) setUp(ctx context.Context, customers []*customer) (*testidp.Server, error) {
	options := testidp.Options{BaseURL: d.idp}
	for _, c := range customers {
		application, err := d.createDirectory(ctx, c)
		if err != nil {
			return nil, fmt.Errorf("set up %s: %w", c.name, err)
		}
		options.Applications = append(options.Applications, application)
	}
	return testidp.New(options)
}

// connect creates the application and connects the customers with their identity providers, which
// must be running.
func (d *demonstration) connect(ctx context.Context, customers []*customer, idp *testidp.Server) (*analytics, error) {
	application, err := d.createApplication(ctx, customers)
	if err != nil {
		return nil, fmt.Errorf("set up the application: %w", err)
	}
	for i, c := range customers {
		if err := d.createConnection(ctx, c, idp.Applications()[i], application.clientID); err != nil {
			return nil, fmt.Errorf("connect %s: %w", c.name, err)
		}
	}
	return newAnalytics(application)
}
