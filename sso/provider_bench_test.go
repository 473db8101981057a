package sso_test

import (
	"net/url"
	"testing"

	"rollcall/model/modeltest"
	"rollcall/model/organization"
	"rollcall/model/store"
)

// BenchmarkProvider measures what the calls of an application cost at the OpenID provider, the
// client's side and the TLS of the test included.
func BenchmarkProvider(b *testing.B) {
	for _, database := range []struct {
		name string
		open func(t testing.TB) modeltest.Database
	}{
		{"sqlite", func(t testing.TB) modeltest.Database { return modeltest.SQLite(t) }},
		{"postgres", func(t testing.TB) modeltest.Database { return modeltest.Postgres(t) }},
	} {
		b.Run(database.name, func(b *testing.B) {
			w := newWorld(b, database.open(b), store.Options{}).refreshing()
			tokens := w.opened(w.openCode("scope", offline))
			access, refresh := tokens["access_token"].(string), tokens["refresh_token"].(string)
			client := w.browser()
			post := func(path string, form url.Values) func() {
				form.Set("client_id", w.clientID())
				form.Set("client_secret", w.secret)
				return func() {
					if a := w.send(client, "POST", path, "Content-Type", formType, "", form.Encode()); a.status != 200 {
						b.Fatalf("%d %s", a.status, a.body)
					}
				}
			}
			again := post("/oauth2/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}})
			for _, c := range []struct {
				name, algorithm string
				call            func()
			}{
				{"refresh RS256", organization.SignRS256, again},
				{"refresh ES256", organization.SignES256, again},
				{"introspect", organization.SignRS256, post("/oauth2/introspect", url.Values{"token": {access}})},
				{"userinfo", organization.SignRS256, func() {
					w.send(client, "GET", "/oauth2/userinfo", "Authorization", "Bearer "+access)
				}},
				{"discovery", organization.SignRS256, func() {
					w.send(client, "GET", "/.well-known/openid-configuration")
				}},
			} {
				w.changeApp(func(a *organization.ApplicationFields) { a.IDTokenAlgorithm = c.algorithm })
				b.Run(c.name, func(b *testing.B) {
					for b.Loop() {
						c.call()
					}
				})
			}
		})
	}
}
