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

// idpFlags are the flags of rollcall testidp.
type idpFlags struct {
	scimURL, token, dialect             string
	entityID, acsURL                    string
	clientID, clientSecret, redirectURI string
	personality, domain                 string
	host, baseURL, listen               string
	noProvision                         bool
}

// parseIDPFlags reads the flags of rollcall testidp.
func (p *program) parseIDPFlags(args []string) (idpFlags, error) {
	var v idpFlags
	f := p.flags("testidp")
	f.StringVar(&v.scimURL, "scim-url", "",
		"the base `URL` of the SCIM server, to which /Users and /Groups are added")
	f.StringVar(&v.token, "token", "", "the bearer `TOKEN` of the SCIM server")
	f.StringVar(&v.dialect, "dialect", string(testidp.Okta), "the `DIALECT` to speak: okta or entra")
	f.StringVar(&v.entityID, "saml-entity-id", "",
		"the entity `ID` of the SAML service provider; the page can connect it later")
	f.StringVar(&v.acsURL, "saml-acs-url", "", "the `URL` of its assertion consumer service")
	f.StringVar(&v.clientID, "oidc-client-id", "",
		"the client `ID` of the OpenID Connect relying party; the page can connect it later")
	f.StringVar(&v.clientSecret, "oidc-client-secret", "", "its `SECRET`")
	f.StringVar(&v.redirectURI, "oidc-redirect-uri", "", "the `URL` to which browsers go back")
	f.StringVar(&v.personality, "personality", "", "the `PROVIDER` whose SAML responses and ID tokens to send: "+
		"plain, okta, entra or adfs; that of the dialect when not given")
	f.StringVar(&v.domain, "domain", "northwind.example", "the e-mail `DOMAIN` of the people")
	f.StringVar(&v.host, "host", "",
		"the `NAME` by which other machines reach the page, with a --listen that is not loopback")
	f.StringVar(&v.baseURL, "base-url", "",
		"the `URL` by which browsers reach the page, where it is not that of --host and --listen")
	f.StringVar(&v.listen, "listen", testidp.DefaultListen,
		"the `ADDRESS` of the page; loopback, since the page has no sign-in")
	f.BoolVar(&v.noProvision, "no-provision", false, "send nothing until a button is pressed")
	return v, parse(f, args)
}

// provisions reports whether the flags name a SCIM server.
func (v *idpFlags) provisions() bool { return v.scimURL != "" || v.token != "" }

// application returns the options of the application that the flags describe.
func (v *idpFlags) application() (testidp.ApplicationOptions, error) {
	o := testidp.ApplicationOptions{
		Name: "Your application", SCIMURL: v.scimURL, Token: v.token, Dialect: testidp.Dialect(v.dialect),
		Domain: v.domain, Personality: testidp.Personality(v.personality), EntityID: v.entityID, ACSURL: v.acsURL,
	}
	if !v.provisions() {
		if v.entityID == "" && v.acsURL == "" && v.clientID == "" && v.personality == "" {
			return o, errUsage{errNothingToDo}
		}
		o.Dialect = ""
	}
	return o, nil
}

// testIDP is the command testidp.
func (p *program) testIDP(ctx context.Context, args []string) error {
	v, err := p.parseIDPFlags(args)
	if err != nil {
		return err
	}
	application, err := v.application()
	if err != nil {
		return err
	}
	// The URLs of SAML contain the port, so the server listens before they are made.
	listener, err := net.Listen("tcp", v.listen)
	if err != nil {
		return err
	}
	options := testidp.Options{
		Applications: []testidp.ApplicationOptions{application},
		BaseURL:      v.baseURL,
		Log:          slog.New(slog.NewTextHandler(p.err, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	if v.host != "" {
		options.Hosts = []string{v.host}
	}
	if options.BaseURL == "" {
		options.BaseURL = reachedBy(listener.Addr(), v.host)
	}
	idp, err := testidp.New(options)
	if err == nil && v.clientID != "" {
		err = idp.Applications()[0].ConnectOIDC(v.clientID, v.clientSecret, v.redirectURI)
	}
	if err != nil {
		return errUsage{errors.Join(err, listener.Close())}
	}
	fmt.Fprintf(p.out, "Northwind Directory: http://%s\n", listener.Addr())
	fmt.Fprintf(p.out, "SAML metadata: %s\nOpenID issuer: %s\n",
		idp.Applications()[0].SAMLMetadataURL(), idp.Applications()[0].OIDCIssuer())
	return p.serveIDP(ctx, idp, listener, v.provisions() && !v.noProvision)
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

// serveIDP serves until ctx ends. It pushes all people first if provision is true.
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

// provision pushes all people of an application, with a line that shows the progress.
func (p *program) provision(ctx context.Context, a *testidp.Application) error {
	bar := progress{out: p.out, title: fmt.Sprintf("%s, as %s", a.Name(), a.Dialect())}
	_, err := a.Provision(ctx, bar.set)
	bar.end()
	return err
}
