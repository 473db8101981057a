package storetest

import (
	"crypto/rand"
	"testing"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/signon"
	"rollcall/model/store"
)

// NewConnection is a connection to an identity provider that nobody asks for anything.
func NewConnection() *connection.Connection {
	return &connection.Connection{Type: "OktaSAML", SPCertificate: "certificate", ConnectionFields: connection.ConnectionFields{
		Name:              "Okta",
		IDPEntityID:       "https://idp.example",
		IDPSSORedirectURL: "https://idp.example/sso",
		IDPCertificates:   []string{"certificate"},
	}}
}

func Connect(t testing.TB, org *store.Org) *connection.Connection {
	t.Helper()
	c := NewConnection()
	Must(t, connection.In(org).CreateConnection(t.Context(), c, []byte("key")))
	return c
}

func Application(t testing.TB, s *store.Store) *organization.Application {
	t.Helper()
	a := &organization.Application{ApplicationFields: organization.ApplicationFields{
		Name: "Analytics", AllOrganizations: true, RedirectURIs: []string{"https://app.example/callback"},
	}}
	_, err := organization.Across(s).CreateApplication(t.Context(), a, nil)
	Must(t, err)
	return a
}

func Begin(t testing.TB, org *store.Org, c *connection.Connection) *signon.Login {
	t.Helper()
	l := &signon.Login{ConnectionID: c.ID, RequestID: "_" + rand.Text(), BrowserHash: []byte("hash"), RedirectURI: "https://app.example/callback"}
	Must(t, signon.In(org).StartLogin(t.Context(), l))
	return l
}

func ClaimsOf(subject, email string) signon.Claims {
	return signon.Claims{
		Issuer: "https://idp.example", Subject: subject, Email: email, EmailVerified: true, FirstName: "Ada", LastName: "Lovelace",
		Groups: []string{"Staff"}, GroupsSent: true, Attributes: map[string][]string{"email": {email}},
	}
}

// Response is a verified response to a login.
func Response(c *connection.Connection, l *signon.Login, claims signon.Claims) signon.SignIn {
	return signon.SignIn{Connection: c, Login: l, AssertionID: "_" + rand.Text(), ReplayUntil: 1 << 60, Claims: claims,
		AtProvider: signon.ProviderSession{NameID: "name of " + claims.Subject, SessionIndex: "index of " + claims.Subject},
		Attempt:    signon.LoginAttempt{Reference: "reference"}}
}

// SignIn begins a login and ends it at once.
func SignIn(t testing.TB, org *store.Org, c *connection.Connection, claims signon.Claims) (*signon.SignInResult, error) {
	t.Helper()
	return signon.In(org).SignIn(t.Context(), Response(c, Begin(t, org, c), claims))
}

// signOn connects an identity provider and signs the user in, with a session, a code that is
// exchanged, and a line in the login log.
func (e *Estate) signOn(t testing.TB, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	e.Connection = Connect(t, e.Org)
	claims := ClaimsOf("s", "ada@shared.example")
	claims.NameID = "ada@shared.example"
	_, err := operator.In(e.Org).UpdateOrganization(ctx, func(g *organization.OrganizationFields) error {
		g.AllowProfilesOutsideOrganization = true
		return nil
	})
	Must(t, err)
	e.Login = Begin(t, e.Org, e.Connection)
	a := Application(t, s)
	e.Login.ApplicationID = &a.ID
	in := Response(e.Connection, e.Login, claims)
	in.IDToken = "an.id.token"
	out, err := signon.In(e.Org).SignIn(ctx, in)
	Must(t, err)
	e.Cookie = out.SessionToken
	e.SignedIn, err = signon.Across(s).SessionByToken(ctx, e.Cookie)
	Must(t, err)
	e.Identity = &e.SignedIn.Identity
	_, e.Access, err = signon.Across(s).RedeemCode(ctx, signon.Redemption{ApplicationID: a.ID, Code: out.Code})
	Must(t, err)
	_, err = signon.In(e.Org).RecordFailedLogin(ctx, signon.LoginAttempt{ConnectionID: e.Connection.ID, Reason: "expired",
		Response: func() []byte { return []byte("<Response/>") }}, "")
	Must(t, err)
	attempts, _, err := signon.In(e.Org).LoginAttempts(ctx, e.Connection.ID, model.Page{Limit: 1})
	Must(t, err)
	e.Attempt = attempts[0]
	e.Logout = &signon.SingleLogout{ConnectionID: e.Connection.ID, RequestID: "_1", BrowserHash: []byte("hash")}
	Must(t, signon.In(e.Org).StartLogout(ctx, e.Logout))
}
