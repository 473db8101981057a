package storetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"sync"
	"testing"
	"time"

	"rollcall/model/connection"
	"rollcall/model/signon"
	"rollcall/model/store"
	"rollcall/model/testlogin"
)

// NewConnection is a connection to an identity provider that no test contacts.
func NewConnection() *connection.Connection {
	return &connection.Connection{
		Type: "OktaSAML", SPCertificate: "certificate",
		ConnectionFields: connection.ConnectionFields{
			Name:              "Okta",
			IDPEntityID:       "https://idp.example",
			IDPSSORedirectURL: "https://idp.example/sso",
			IDPCertificates:   []string{"certificate"},
		},
	}
}

// Connect makes the connection of NewConnection.
func Connect(t testing.TB, org *store.Org) *connection.Connection {
	t.Helper()
	c := NewConnection()
	Must(t, connection.In(org).CreateConnection(t.Context(), c, []byte("key")))
	return c
}

// Begin begins a login at a connection.
func Begin(t testing.TB, org *store.Org, c *connection.Connection) *signon.Login {
	t.Helper()
	l := &signon.Login{
		ConnectionID: c.ID, RequestID: "_" + rand.Text(), BrowserHash: []byte("hash"), RedirectURI: Callback,
	}
	signon.In(org).StartLogin(l)
	return l
}

// ClaimsOf is what an identity provider says of a user.
func ClaimsOf(subject, email string) signon.Claims {
	return signon.Claims{
		Issuer: "https://idp.example", Subject: subject, Email: email, EmailVerified: true,
		FirstName: "Ada", LastName: "Lovelace",
		Groups: []string{"Staff"}, GroupsSent: true, Attributes: map[string][]string{"email": {email}},
	}
}

// Response is the verified response of an identity provider to a login.
func Response(c *connection.Connection, l *signon.Login, claims signon.Claims) signon.SignIn {
	return signon.SignIn{Connection: c, Login: l, AssertionID: "_" + rand.Text(), ReplayUntil: 1 << 60, Claims: claims,
		AtProvider: signon.ProviderSession{
			NameID: "name of " + claims.Subject, SessionIndex: "index of " + claims.Subject,
		},
		Attempt: signon.LoginAttempt{Reference: "reference"}}
}

// SignIn begins a login and completes it.
func SignIn(t testing.TB, org *store.Org, c *connection.Connection, claims signon.Claims) (*signon.SignInResult,
	error) {
	t.Helper()
	return signon.In(org).SignIn(t.Context(), Response(c, Begin(t, org, c), claims))
}

// BeginTest begins a test of a connection.
func BeginTest(t testing.TB, org *store.Org, c *connection.Connection) *signon.Login {
	t.Helper()
	test, err := testlogin.In(org).Begin(t.Context(), c.ID)
	Must(t, err)
	l := &signon.Login{ConnectionID: c.ID, RequestID: "_" + rand.Text(), BrowserHash: []byte("hash"), TestID: test.ID}
	signon.In(org).StartLogin(l)
	return l
}

// Tested makes a test of a connection, which succeeds.
func Tested(t testing.TB, org *store.Org, c *connection.Connection) *testlogin.Test {
	t.Helper()
	c, err := connection.In(org).Connection(t.Context(), c.ID)
	Must(t, err)
	test, err := testlogin.In(org).Finish(t.Context(), testlogin.Answer{Connection: c, Login: BeginTest(t, org, c),
		AssertionID: "_" + rand.Text(), ReplayUntil: 1 << 60, Result: testlogin.Green})
	Must(t, err)
	return test
}

// CertificateUntil makes a new certificate that is valid until end, in PEM. It is empty on an
// error.
func CertificateUntil(end time.Time) string {
	key := certificateKey()
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100))
	if err != nil {
		return ""
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "idp"}, NotBefore: end.AddDate(-2, 0, 0), NotAfter: end,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return ""
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// certificateKey is the key of all certificates.
var certificateKey = sync.OnceValue(func() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil
	}
	return key
})
