package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"

	"golang.org/x/sync/errgroup"

	"rollcall/testidp"
)

func (p *program) testIDP(ctx context.Context, args []string) error {
	f := p.flags("testidp")
	url := f.String("scim-url", "", "the base `URL` of the SCIM server, to which /Users and /Groups are added")
	token := f.String("token", "", "the bearer `TOKEN` of the SCIM server")
	dialect := f.String("dialect", string(testidp.Okta), "the `DIALECT` to speak: okta or entra")
	domain := f.String("domain", "northwind.example", "the e-mail `DOMAIN` of the people")
	host := f.String("host", "", "the `NAME` by which other machines reach the page, with a --listen that is not loopback")
	listen := f.String("listen", testidp.DefaultListen, "the `ADDRESS` of the page; loopback, since the page has no sign-in")
	idle := f.Bool("no-provision", false, "send nothing until a button is pressed")
	if err := parse(f, args); err != nil {
		return err
	}
	var hosts []string
	if *host != "" {
		hosts = append(hosts, *host)
	}
	idp, err := testidp.New(testidp.Options{
		Hosts: hosts,
		Applications: []testidp.ApplicationOptions{{
			Name: "Your application", SCIMURL: *url, Token: *token, Dialect: testidp.Dialect(*dialect), Domain: *domain,
		}},
		Log: slog.New(slog.NewTextHandler(p.err, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return errUsage{err}
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "Northwind Directory: http://%s\n", listener.Addr())
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return idp.Serve(ctx, listener) })
	if !*idle {
		g.Go(func() error {
			err := p.provision(ctx, idp.Applications()[0])
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				fmt.Fprintf(p.err, "%v\nOpen the page and press \"Push everyone\" to try again.\n", err)
			}
			return nil
		})
	}
	return g.Wait()
}

// provision pushes everyone, with a line that tells how far it is.
func (p *program) provision(ctx context.Context, a *testidp.Application) error {
	bar := progress{out: p.out, title: fmt.Sprintf("%s, as %s", a.Name(), a.Dialect())}
	_, err := a.Provision(ctx, bar.set)
	bar.end()
	return err
}
