package sso_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/organization"
	"rollcall/model/refusal"
	"rollcall/sso/saml"
	"rollcall/testidp"
)

// unasked is the form of a response that answers no request.
func (n tenant) unasked(t testing.TB, who testidp.Person, relayState string) url.Values {
	t.Helper()
	response, err := n.idp.Respond(who.ID, testidp.ResponseOptions{})
	must(t, err)
	return url.Values{"SAMLResponse": {response}, "RelayState": {relayState}}
}

func TestUnsolicitedResponseIsRefusedWhereItIsNotAllowed(t *testing.T) {
	t.Parallel()
	w := one(t)
	acs := w.sp(w.connection, "/acs")
	for _, relayState := range []string{"", "https://app.example/deep/link"} {
		w.refused(w.tenant, w.browser().post(acs, w.unasked(t, ada(w.tenant), relayState)), string(saml.Unsolicited))
	}
	// Nor does a login that is on its way let one in, allowed or not.
	for _, allowed := range []bool{false, true} {
		w.update(w.tenant, func(c *connection.ConnectionFields) { c.AllowIDPInitiated = allowed })
		b := w.begin(w.tenant)
		_, _, relayState := request(t, b.sent)
		w.refused(w.tenant, b.post(acs, w.unasked(t, ada(w.tenant), relayState)), string(saml.MissingInResponseTo))
	}
	// Even when such logins are allowed, an answer to the request of another browser is refused.
	other := w.begin(w.tenant)
	form := w.answer(t, other.sent, ada(w.tenant), testidp.ResponseOptions{})
	form.Set("RelayState", "")
	w.refused(w.tenant, other.post(acs, form), string(refusal.LoginUnknown))
}

// TestUnsolicitedResponseStartsALogin: it signs nobody in itself, wherever it leads.
func TestUnsolicitedResponseStartsALogin(t *testing.T) {
	t.Parallel()
	const initiate, withdrawn = "https://app.example/sso/start?from=idp", "Withdrawn"
	application := func(name, initiate string) func(w *world) *organization.Application {
		return func(w *world) *organization.Application {
			a := &organization.Application{ApplicationFields: organization.ApplicationFields{
				Name: name, AllOrganizations: true, RedirectURIs: []string{callback}, InitiateLoginURI: initiate,
			}}
			_, err := organization.Across(w.store).CreateApplication(w.t.Context(), a, nil)
			must(w.t, err)
			return a
		}
	}
	only := func(w *world) *organization.Application {
		a, err := organization.Across(w.store).UpdateApplication(w.t.Context(), w.app.ID,
			func(a *organization.ApplicationFields) error {
				a.InitiateLoginURI = initiate
				return nil
			})
		must(w.t, err)
		return a
	}
	for _, c := range []struct {
		name  string
		apps  []func(w *world) *organization.Application
		named int    // which of them the connection names; 0 for none
		want  string // the address, or empty for our own request
	}{
		{"the organization's only application", []func(w *world) *organization.Application{only}, 0, initiate},
		{"the connection's application", []func(w *world) *organization.Application{application("Billing", initiate)},
			1, initiate},
		{"several applications, none named", []func(w *world) *organization.Application{only,
			application("Billing", "https://billing.example/start")}, 0, ""},
		{"several applications, one named", []func(w *world) *organization.Application{only,
			application("Billing", "https://billing.example/start")}, 2, "https://billing.example/start"},
		{"an application without the address", nil, 0, ""},
		{"an application that does not serve the organization any more",
			[]func(w *world) *organization.Application{application(withdrawn, "https://foreign.example/start")}, 1, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := one(t)
			var named *string
			for i, make := range c.apps {
				if a := make(w); i+1 == c.named {
					named = &a.ID
				}
			}
			w.update(w.tenant, func(co *connection.ConnectionFields) {
				co.AllowIDPInitiated, co.ApplicationID = true, named
			})
			if named != nil {
				_, err := organization.Across(w.store).UpdateApplication(t.Context(), *named,
					func(a *organization.ApplicationFields) error {
						a.AllOrganizations = a.Name != withdrawn
						return nil
					})
				must(t, err)
			}
			b := w.browser()
			form := w.unasked(t, ada(w.tenant), "https://evil.example/")
			a := b.post(w.sp(w.connection, "/acs"), form)
			if a.status != http.StatusSeeOther || a.cookie(sessionCookie) != nil || b.signedIn() {
				t.Fatalf("%d %v %s", a.status, a.header, a.body)
			}
			if c.want == "" {
				w.endsOnOurPage(b, a)
			} else {
				w.startsAtTheApplication(a, c.want)
			}
			w.refused(w.tenant, w.browser().post(w.sp(w.connection, "/acs"), form), string(refusal.AssertionReplayed))
		})
	}
}

// endsOnOurPage walks on to the identity provider and to the page that says who signed in.
func (w *world) endsOnOurPage(b *browser, a answer) {
	w.t.Helper()
	// The session's cookie did not come with the provider's form. It does with what follows.
	if a.location.String() != w.sp(w.connection, "/login") {
		w.t.Fatalf("sent to %s", a.location)
	}
	if a = b.get(a.location.String(), "Sec-Fetch-Site", "cross-site"); !a.toProvider(w.tenant) {
		w.t.Fatalf("sent to %s", a.location)
	}
	end := b.post(w.sp(w.connection, "/acs"), w.answer(w.t, a, ada(w.tenant), testidp.ResponseOptions{}))
	if end.status != http.StatusSeeOther || end.location.String() != w.url+"/sso/signed-in" || !b.signedIn() {
		w.t.Fatalf("%d to %s", end.status, end.location)
	}
	if page := b.get("/sso/signed-in"); page.status != http.StatusOK ||
		!strings.Contains(page.body, ada(w.tenant).UserName) {
		w.t.Errorf("%d %s", page.status, page.body)
	}
}

// startsAtTheApplication demands the address with the parameters of OpenID Connect Core, section 4,
// and those of Rollcall.
func (w *world) startsAtTheApplication(a answer, want string) {
	w.t.Helper()
	q := a.location.Query()
	for name, value := range map[string]string{"iss": w.url, "connection": model.ConnectionPrefix.ID(w.connection.ID),
		"organization": model.OrganizationPrefix.ID(string(w.org.ID))} {
		if q.Get(name) != value {
			w.t.Errorf("%s is %q, want %q", name, q.Get(name), value)
		}
	}
	if !strings.HasPrefix(a.location.String(), want) || strings.Contains(a.location.String(), "evil") {
		w.t.Errorf("sent to %s", a.location)
	}
}

func TestUnsolicitedResponseThatIsLateOrToADraft(t *testing.T) {
	t.Parallel()
	w := one(t)
	w.update(w.tenant, func(c *connection.ConnectionFields) { c.AllowIDPInitiated = true })
	late := w.unasked(t, ada(w.tenant), "")
	w.clock.Advance(10 * time.Minute)
	w.refused(w.tenant, w.browser().post(w.sp(w.connection, "/acs"), late), string(saml.IssuedLongAgo))

	draft := tenant{org: w.org, idp: w.idp}
	draft.connection = w.connect(draft, "GenericSAML")
	w.update(draft, func(c *connection.ConnectionFields) { c.AllowIDPInitiated = true })
	w.refused(draft, w.browser().post(w.sp(draft.connection, "/acs"), draft.unasked(t, ada(draft), "")),
		string(refusal.ConnectionIsDraft))
	if slices.Contains(w.log(draft), "") {
		t.Error("the draft signed somebody in")
	}
}

// TestUnsolicitedResponseIsGoodOnceOnAnyReplica replays it at another server on the same database.
func TestUnsolicitedResponseIsGoodOnceOnAnyReplica(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		w.update(w.tenant, func(c *connection.ConnectionFields) { c.AllowIDPInitiated = true })
		other := w.replica(t)
		form, acs := w.unasked(t, ada(w.tenant), ""), w.sp(w.connection, "/acs")
		if a := w.browser().post(acs, form); a.location.String() != w.sp(w.connection, "/login") {
			t.Fatalf("%d to %s: %s", a.status, a.location, a.body)
		}
		w.refused(w.tenant, w.browser().post(strings.Replace(acs, w.url, other.server.URL, 1), form),
			string(refusal.AssertionReplayed))
	})
}
