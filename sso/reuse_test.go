package sso_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/beevik/etree"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/modeltest"
	"rollcall/model/organization"
	"rollcall/model/refusal"
	"rollcall/model/store"
	"rollcall/testidp"
)

// signedInBrowser is a browser with a session, and the application's access token.
func (w *world) signedInBrowser(n tenant, who testidp.Person) (*browser, string) {
	w.t.Helper()
	b := w.browser()
	return b, w.token(w.at(n), b, who)
}

func TestLiveSessionIsUsedAgain(t *testing.T) {
	t.Parallel()
	w := one(t)
	second := w.second(w.tenant)
	fabrikam := w.newTenant("fabrikam", "fabrikam.example", testidp.PlainSAML, "GenericSAML")
	w.activate(fabrikam)
	for _, c := range []struct {
		name   string
		at     tenant
		extra  []string
		after  time.Duration
		reused bool
	}{
		{"at the same connection", w.tenant, nil, time.Hour, true},
		{"by its organization", w.tenant, []string{"prompt", "none"}, time.Hour, true},
		{"with a young enough session", w.tenant, []string{"max_age", "3601"}, time.Hour, true},
		{"not with one that is too old", w.tenant, []string{"max_age", "3600"}, time.Hour, false},
		{"not with max_age=0", w.tenant, []string{"max_age", "0"}, 0, false},
		{"not with prompt=login", w.tenant, []string{"prompt", "login"}, 0, false},
		{"not at another connection", second, nil, 0, false},
		{"not at another organization", fabrikam, nil, 0, false},
		{"not after a day", w.tenant, nil, 24 * time.Hour, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, token := w.signedInBrowser(w.tenant, ada(w.tenant))
			w.clock.Advance(c.after)
			before := len(w.log(c.at))
			a := b.get(w.authorize(w.at(c.at), c.extra...), "Sec-Fetch-Site", "none")
			if c.reused {
				if status, body := w.exchange(a.code(t)); status != http.StatusOK || len(w.log(c.at)) != before {
					t.Errorf("%d %v", status, body)
				}
				return
			}
			if !a.toProvider(c.at) {
				t.Fatalf("%d to %s", a.status, a.location)
			}
			silent := b.get(w.authorize(c.at, append(c.extra, "prompt", "none")...))
			if c.name != "not with prompt=login" && silent.location.Query().Get("error") != "login_required" {
				t.Errorf("asked silently: %s", silent.location)
			}
			// A login that is not completed keeps the session of before.
			if c.after < 24*time.Hour && (w.profile(token) == nil || !b.signedIn()) {
				t.Error("a login that is not finished ends the session")
			}
			b.post(w.sp(c.at.connection, "/acs"), c.at.answer(t, a, ada(c.at), testidp.ResponseOptions{})).code(t)
			if elsewhere := c.at.org.ID != w.org.ID; (w.profile(token) != nil) != elsewhere {
				t.Errorf("the session that this browser had, of another organization: %t, lives on: %t",
					elsewhere, !elsewhere)
			}
			if !b.signedIn() {
				t.Error("nobody is signed in")
			}
		})
	}
}

// TestSessionIsAsOldAsItsAuthentication: what an identity provider answered out of a session of its
// own that is weeks old does not become an authentication of today.
func TestSessionIsAsOldAsItsAuthentication(t *testing.T) {
	t.Parallel()
	w := newWorld(t, modeltest.SQLite(t), store.Options{})
	entra := w.newTenant("entra", "entra.example", testidp.EntraSAML, connection.AzureSAML)
	w.activate(entra)
	for _, c := range []struct {
		mode   connection.Reauthentication
		reused bool
	}{{connection.ReauthenticationEnforced, false}, {connection.ReauthenticationRequested, true}} {
		w.update(entra, func(co *connection.ConnectionFields) { co.Reauthentication = c.mode })
		b, _ := w.signedInBrowser(entra, ada(entra))
		if a := b.get(w.authorize(entra, "max_age", "3600")); a.toProvider(entra) == c.reused {
			t.Errorf("%s: %d to %s", c.mode, a.status, a.location)
		}
	}
}

func TestSessionOfAnotherApplication(t *testing.T) {
	t.Parallel()
	w := one(t)
	b, token := w.signedInBrowser(w.tenant, ada(w.tenant))
	other := &organization.Application{ApplicationFields: organization.ApplicationFields{
		Name: "Billing", AllOrganizations: true, RedirectURIs: []string{"https://billing.example/cb"},
	}}
	_, err := organization.Across(w.store).CreateApplication(t.Context(), other, nil)
	must(t, err)
	a := b.get(w.asks("client_id", model.ApplicationPrefix.ID(other.ID), "redirect_uri", "https://billing.example/cb"))
	code := a.location.Query().Get("code")
	if a.status != http.StatusSeeOther || a.location.Host != "billing.example" || code == "" {
		t.Fatalf("%d to %s", a.status, a.location)
	}
	if status, body := w.exchange(code); status != http.StatusBadRequest || body["error"] != "invalid_grant" {
		t.Errorf("the code of another application: %d %v", status, body)
	}
	if w.profile(token) == nil {
		t.Error("the first application lost its token")
	}
}

func TestIdentityProviderShortensASession(t *testing.T) {
	t.Parallel()
	w := one(t)
	b := w.browser()
	until := w.clock.Now().Add(30 * time.Minute)
	form := w.answer(t, b.get(w.asks()), ada(w.tenant), testidp.ResponseOptions{Edit: func(r *etree.Element) {
		r.FindElement("//AuthnStatement").CreateAttr("SessionNotOnOrAfter", until.Format(time.RFC3339))
	}})
	_, body := w.exchange(b.post(w.sp(w.connection, "/acs"), form).code(t))
	if body["expires_in"] != float64(1800) {
		t.Errorf("%v", body)
	}
	w.clock.Advance(29 * time.Minute)
	if !b.signedIn() {
		t.Error("the session ends too early")
	}
	w.clock.Advance(time.Minute)
	if b.signedIn() || w.profile(body["access_token"].(string)) != nil {
		t.Error("the session outlives what the identity provider allowed")
	}
}

// TestReusedSessionIsCheckedAgain: a session that is used again is checked as the first login was.
func TestReusedSessionIsCheckedAgain(t *testing.T) {
	t.Parallel()
	w := one(t)
	b, _ := w.signedInBrowser(w.tenant, ada(w.tenant))
	sent := w.begin(w.tenant)
	outside := func(on bool) {
		w.settings(w.tenant, func(g *organization.OrganizationFields) { g.AllowProfilesOutsideOrganization = on })
	}
	domains, err := organization.In(w.org).Organization(t.Context())
	must(t, err)
	must(t, organization.In(w.org).DeleteDomain(t.Context(), domains.Domains[0].ID))
	told := func(a answer, code string) {
		t.Helper()
		if q := a.location.Query(); q.Get("error") != code || q.Get("state") != "a state" || q.Has("code") ||
			len(q["error"]) != 1 {
			t.Errorf("%d to %s: %s", a.status, a.location, a.body)
		}
	}
	told(b.get(w.asks()), "profile_not_allowed_outside_organization")
	w.noted(w.tenant, string(refusal.ProfileOutside))
	a := sent.post(w.sp(w.connection, "/acs"), w.answer(t, sent.sent, ada(w.tenant), testidp.ResponseOptions{}))
	told(a, "profile_not_allowed_outside_organization")
	w.noted(w.tenant, string(refusal.ProfileOutside))
	if sent.signedIn() {
		t.Error("the refused login left a session")
	}
	outside(true)
	b.get(w.asks()).code(t)
	w.begin(w.tenant)
	_, token := w.signedInBrowser(w.tenant, ada(w.tenant))
	if w.profile(token)["email"] != ada(w.tenant).UserName {
		t.Error("no profile")
	}

	_, err = organization.Across(w.store).UpdateApplication(t.Context(), w.app.ID,
		func(a *organization.ApplicationFields) error {
			a.AllOrganizations = false
			return nil
		})
	must(t, err)
	told(b.get(w.asks()), "connection_invalid")
}

// TestApplicationWithdrawnMeanwhile takes the organization from the application during a login.
func TestApplicationWithdrawnMeanwhile(t *testing.T) {
	t.Parallel()
	w := one(t)
	b := w.begin(w.tenant)
	_, err := organization.Across(w.store).UpdateApplication(t.Context(), w.app.ID,
		func(a *organization.ApplicationFields) error {
			a.AllOrganizations = false
			return nil
		})
	must(t, err)
	a := b.post(w.sp(w.connection, "/acs"), w.answer(t, b.sent, ada(w.tenant), testidp.ResponseOptions{}))
	if a.location.Query().Get("error") != "organization_invalid" || a.cookie(sessionCookie) != nil {
		t.Errorf("%d to %s", a.status, a.location)
	}
	w.noted(w.tenant, string(refusal.ApplicationWithdrawn))
}

// TestRedirectURIWithdrawnMeanwhile removes the redirect URI from the application during a login.
// Neither a code nor an error may go there: the address may have another owner.
func TestRedirectURIWithdrawnMeanwhile(t *testing.T) {
	t.Parallel()
	w := one(t)
	b := w.begin(w.tenant)
	_, err := organization.Across(w.store).UpdateApplication(t.Context(), w.app.ID,
		func(a *organization.ApplicationFields) error {
			a.RedirectURIs = []string{"https://new.example/callback"}
			return nil
		})
	must(t, err)
	w.refused(w.tenant, b.post(w.sp(w.connection, "/acs"), w.answer(t, b.sent, ada(w.tenant),
		testidp.ResponseOptions{})), string(refusal.RedirectURIWithdrawn))
}
