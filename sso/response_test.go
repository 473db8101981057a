package sso_test

import (
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"rollcall/model"
	"rollcall/model/organization"
	"rollcall/model/signon"
	"rollcall/testidp"
)

// TestResponseOfARefusedLogin: what the identity provider sent can be read by the organization's
// application, where it may be the identity provider's.
func TestResponseOfARefusedLogin(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		last := func() map[string]any {
			a := w.send(nil, http.MethodGet,
				"/connections/"+model.ConnectionPrefix.ID(w.connection.ID)+"/login_attempts?limit=1", "Authorization",
				"Bearer "+w.secret)
			return a.object(t)["data"].([]any)[0].(map[string]any)
		}
		read := func(key string) answer {
			return w.send(nil, http.MethodGet, "/login_attempts/"+last()["id"].(string)+"/response",
				"Authorization", "Bearer "+key)
		}
		stranger, err := testidp.New(testidp.Options{Now: w.clock.Now, BaseURL: "https://stranger.example",
			Applications: []testidp.ApplicationOptions{{Name: "stranger", Domain: domain,
				Key: must2(rsa.GenerateKey(rand.Reader, 2048))(t)}}})
		must(t, err)
		must(t, stranger.Applications()[0].ConnectSAML(w.sp(w.connection, "/metadata"), w.sp(w.connection, "/acs")))
		foreign := tenant{w.org, w.connection, stranger.Applications()[0]}
		said := func(path, text string) testidp.ResponseOptions {
			return testidp.ResponseOptions{Edit: func(r *etree.Element) {
				for _, el := range r.FindElements(path) {
					el.SetText(text)
				}
			}}
		}
		for _, c := range []struct {
			name, reason string
			of           tenant
			o            testidp.ResponseOptions
			kept         bool
		}{
			{"another audience", "wrong_audience", w.tenant, said("//Audience", "https://other.example/"), true},
			{"another issuer, under the right key", "wrong_issuer", w.tenant,
				said("//Issuer", "https://other.example/"), true},
			{"somebody who may not come in", "not_provisioned", w.tenant, as("x@elsewhere.example", "x"), true},
			{"the right issuer, under another key", "wrong_key", foreign, said("//Issuer", w.idp.SAMLEntityID()), true},
			{"a stranger's", "wrong_key", foreign, testidp.ResponseOptions{}, false},
		} {
			b := w.browser()
			form := c.of.answer(t, b.get(w.asks()), ada(c.of), c.o)
			w.refused(w.tenant, b.post(w.sp(w.connection, "/acs"), form), c.reason)
			if kept := last()["response_expires_at"] != nil; kept != c.kept {
				t.Errorf("%s: kept: %t", c.name, kept)
			}
			a := read(w.secret)
			if !c.kept {
				if a.status != http.StatusNotFound {
					t.Errorf("%s: %d %s", c.name, a.status, a.body)
				}
				continue
			}
			if got, _ := a.object(t)["response"].(string); got != decoded(t, form.Get("SAMLResponse")) ||
				a.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %d %.300s", c.name, a.status, a.body)
			}
		}
		for name, form := range map[string]url.Values{
			"nothing that could be read": {"SAMLResponse": {"AAAA"}}, "no XML": {"SAMLResponse": {"PGE+"}},
			"nothing": {},
		} {
			w.browser().post(w.sp(w.connection, "/acs"), form)
			if last()["response_expires_at"] != nil {
				t.Errorf("%s is kept", name)
			}
		}
		t.Run("another organization's key finds nothing, and no event or log has the text",
			func(t *testing.T) {
				b := w.browser()
				w.refused(w.tenant, b.post(w.sp(w.connection, "/acs"),
					w.answer(t, b.get(w.asks()), ada(w.tenant),
						as("secret@elsewhere.example", "y"))), "not_provisioned")
				other := &organization.Application{ApplicationFields: organization.ApplicationFields{
					Name: "Other", RedirectURIs: []string{callback},
				}}
				key, err := organization.Across(w.store).CreateApplication(t.Context(), other, nil)
				must(t, err)
				if a := read(key); a.status != http.StatusNotFound {
					t.Errorf("%d %s", a.status, a.body)
				}
				before := len(w.events())
				if a := read(w.secret); a.status != http.StatusOK {
					t.Errorf("%d %s", a.status, a.body)
				}
				all := w.events()
				if len(all) != before+1 || all[before].Event != string(signon.LoginResponseRead) ||
					all[before].Data["response"] != nil {
					t.Errorf("%v", all[before:])
				}
				if strings.Contains(w.logged.String(), "secret@elsewhere.example") {
					t.Error("the server's log tells of it")
				}
			})
	})
}

// must2 returns a value that must be there.
func must2[T any](v T, err error) func(t testing.TB) T {
	return func(t testing.TB) T { t.Helper(); must(t, err); return v }
}
