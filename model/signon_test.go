package model_test

import (
	"crypto/rand"
	"testing"

	"rollcall/model"
)

// newConnection is a connection to an identity provider that nobody asks for anything.
func newConnection() *model.Connection {
	return &model.Connection{Type: "OktaSAML", SPCertificate: "certificate", ConnectionFields: model.ConnectionFields{
		Name:              "Okta",
		IDPEntityID:       "https://idp.example",
		IDPSSORedirectURL: "https://idp.example/sso",
		IDPCertificates:   []string{"certificate"},
	}}
}

func connect(t testing.TB, org *model.Org) *model.Connection {
	t.Helper()
	c := newConnection()
	must(t, org.CreateConnection(t.Context(), c, []byte("key")))
	return c
}

func application(t testing.TB, s *model.Store) *model.Application {
	t.Helper()
	a := &model.Application{ApplicationFields: model.ApplicationFields{
		Name: "Analytics", AllOrganizations: true, RedirectURIs: []string{"https://app.example/callback"},
	}}
	_, err := s.CreateApplication(t.Context(), a, nil)
	must(t, err)
	return a
}

func begin(t testing.TB, org *model.Org, c *model.Connection) *model.Login {
	t.Helper()
	l := &model.Login{ConnectionID: c.ID, RequestID: "_" + rand.Text(), BrowserHash: []byte("hash"), RedirectURI: "https://app.example/callback"}
	must(t, org.StartLogin(t.Context(), l))
	return l
}

func claimsOf(subject, email string) model.Claims {
	return model.Claims{
		Issuer: "https://idp.example", Subject: subject, Email: email, EmailVerified: true, FirstName: "Ada", LastName: "Lovelace",
		Groups: []string{"Staff"}, GroupsSent: true, Attributes: map[string][]string{"email": {email}},
	}
}

// response is a verified response to a login.
func response(c *model.Connection, l *model.Login, claims model.Claims) model.SignIn {
	return model.SignIn{Connection: c, Login: l, AssertionID: "_" + rand.Text(), ReplayUntil: 1 << 60, Claims: claims,
		AtProvider: model.ProviderSession{NameID: "name of " + claims.Subject, SessionIndex: "index of " + claims.Subject},
		Attempt:    model.LoginAttempt{Reference: "reference"}}
}

// signIn begins a login and ends it at once.
func signIn(t testing.TB, org *model.Org, c *model.Connection, claims model.Claims) (*model.SignedUp, error) {
	t.Helper()
	return org.SignIn(t.Context(), response(c, begin(t, org, c), claims))
}

// signOn connects an identity provider and signs the user in, with a session, a code that is
// exchanged, and a line in the login log.
func (e *estate) signOn(t testing.TB, s *model.Store) {
	t.Helper()
	ctx := t.Context()
	e.connection = connect(t, e.org)
	claims := claimsOf("s", "ada@shared.example")
	claims.NameID = "ada@shared.example"
	_, err := e.org.UpdateOrganization(ctx, func(g *model.OrganizationFields) error {
		g.AllowProfilesOutsideOrganization = true
		return nil
	})
	must(t, err)
	e.login = begin(t, e.org, e.connection)
	a := application(t, s)
	e.login.ApplicationID = &a.ID
	in := response(e.connection, e.login, claims)
	in.IDToken = "an.id.token"
	out, err := e.org.SignIn(ctx, in)
	must(t, err)
	e.cookie = out.SessionToken
	e.signedIn, err = s.SessionByToken(ctx, e.cookie)
	must(t, err)
	e.identity = &e.signedIn.Identity
	_, e.access, err = s.RedeemCode(ctx, model.Redemption{ApplicationID: a.ID, Code: out.Code})
	must(t, err)
	_, err = e.org.RecordFailedLogin(ctx, model.LoginAttempt{ConnectionID: e.connection.ID, Reason: "expired",
		Response: func() []byte { return []byte("<Response/>") }}, "")
	must(t, err)
	attempts, _, err := e.org.LoginAttempts(ctx, e.connection.ID, model.Page{Limit: 1})
	must(t, err)
	e.attempt = attempts[0]
	e.logout = &model.SingleLogout{ConnectionID: e.connection.ID, RequestID: "_1", BrowserHash: []byte("hash")}
	must(t, e.org.StartLogout(ctx, e.logout))
}
