package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"

	"golang.org/x/sync/errgroup"

	"rollcall/testidp"
)

func (p *program) testIDP(ctx context.Context, args []string) error {
	f := p.flags("testidp")
	url := f.String("scim-url", "", "the base `URL` of the SCIM server, to which /Users and /Groups are added")
	token := f.String("token", "", "the bearer `TOKEN` of the SCIM server")
	dialect := f.String("dialect", string(testidp.Okta), "the `DIALECT` to speak: okta or entra")
	entityID := f.String("saml-entity-id", "", "the entity `ID` of the SAML service provider; the page can connect it later")
	acsURL := f.String("saml-acs-url", "", "the `URL` of its assertion consumer service")
	clientID := f.String("oidc-client-id", "", "the client `ID` of the OpenID Connect relying party; the page can connect it later")
	clientSecret := f.String("oidc-client-secret", "", "its `SECRET`")
	redirectURI := f.String("oidc-redirect-uri", "", "the `URL` to which browsers go back")
	personality := f.String("personality", "", "the `PROVIDER` whose SAML responses and ID tokens to send: plain, okta, entra or adfs; that of the dialect when not given")
	domain := f.String("domain", "northwind.example", "the e-mail `DOMAIN` of the people")
	host := f.String("host", "", "the `NAME` by which other machines reach the page, with a --listen that is not loopback")
	base := f.String("base-url", "", "the `URL` by which browsers reach the page, where it is not that of --host and --listen")
	listen := f.String("listen", testidp.DefaultListen, "the `ADDRESS` of the page; loopback, since the page has no sign-in")
	idle := f.Bool("no-provision", false, "send nothing until a button is pressed")
	if err := parse(f, args); err != nil {
		return err
	}
	application := testidp.ApplicationOptions{
		Name: "Your application", SCIMURL: *url, Token: *token, Dialect: testidp.Dialect(*dialect), Domain: *domain,
		Personality: testidp.Personality(*personality), EntityID: *entityID, ACSURL: *acsURL,
	}
	provisions := *url != "" || *token != ""
	if !provisions {
		if *entityID == "" && *acsURL == "" && *clientID == "" && *personality == "" {
			return errUsage{errNothingToDo}
		}
		application.Dialect = ""
	}
	// The port must be known before the URLs that SAML names are.
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	options := testidp.Options{
		Applications: []testidp.ApplicationOptions{application},
		BaseURL:      *base,
		Log:          slog.New(slog.NewTextHandler(p.err, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	if *host != "" {
		options.Hosts = []string{*host}
	}
	if options.BaseURL == "" {
		options.BaseURL = reachedBy(listener.Addr(), *host)
	}
	idp, err := testidp.New(options)
	if err == nil && *clientID != "" {
		err = idp.Applications()[0].ConnectOIDC(*clientID, *clientSecret, *redirectURI)
	}
	if err != nil {
		return errUsage{errors.Join(err, listener.Close())}
	}
	fmt.Fprintf(p.out, "Northwind Directory: http://%s\n", listener.Addr())
	fmt.Fprintf(p.out, "SAML metadata: %s\nOpenID issuer: %s\n", idp.Applications()[0].SAMLMetadataURL(), idp.Applications()[0].OIDCIssuer())
	return p.serveIDP(ctx, idp, listener, provisions && !*idle)
}

var errNothingToDo = errors.New("say what to do: --scim-url and --token push people over SCIM, " +
	"--saml-entity-id and --saml-acs-url sign them in over SAML, --oidc-client-id, --oidc-client-secret and " +
	"--oidc-redirect-uri over OpenID Connect, and so does --personality with an application that is connected later; " +
	"all of them do everything")

// reachedBy returns the URL of a listener, under a host name if there is one.
func reachedBy(address net.Addr, host string) string {
	if host == "" {
		return "http://" + address.String()
	}
	_, port, err := net.SplitHostPort(address.String())
	if err != nil {
		return "http://" + host
	}
	return "http://" + net.JoinHostPort(strings.Trim(host, "[]"), port)
}

func (p *program) serveIDP(ctx context.Context, idp *testidp.Server, listener net.Listener, provision bool) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return idp.Serve(ctx, listener) })
	if provision {
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
