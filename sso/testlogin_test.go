package sso_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"rollcall/model/connection"
	"rollcall/model/organization"
	"rollcall/model/refusal"
	"rollcall/model/setup"
	"rollcall/model/testlogin"
	"rollcall/sso/oidc"
	"rollcall/sso/saml"
	"rollcall/testidp"
)

// TestTestLogin is green in every state of a connection, changes none, and leaves only the test.
func TestTestLogin(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		b := w.browser().invite(w.tenant)
		passes := func(state connection.ConnectionState) {
			t.Helper()
			w.leavesNothing(w.tenant, func() {
				test, page := b.tests(w.tenant, ada(w.tenant), testidp.ResponseOptions{})
				w.is(test, testlogin.Green, "")
				for _, text := range []string{"It works", "What would happen", "would", "Signature", "Certificate",
					"Issuer", "Audience", "Recipient", "Time", "Person", "E-mail", "First name", "Last name", "Groups",
					"Other attributes", ada(w.tenant).UserName, "Expected", "Received", "Result", "Fits",
					"Test again"} {
					if !strings.Contains(page, text) {
						t.Errorf("the page does not say %q:\n%s", text, page)
					}
				}
			})
			if c := w.stored(w.tenant); c.State != state || c.TestedAt == nil {
				t.Errorf("it is %s, tested at %v", c.State, c.TestedAt)
			}
		}
		passes(connection.ConnectionDraft) // of the API, which a login activates and a test does not
		isIn(t, w.switches(w.tenant, `{"activate_on_first_login":false}`), "draft")
		passes(connection.ConnectionDraft)
		isIn(t, w.switches(w.tenant, `{"state":"active"}`), "active")
		passes(connection.ConnectionActive)
		isIn(t, w.switches(w.tenant, `{"state":"inactive"}`), "inactive")
		passes(connection.ConnectionInactive)
	})
}

// TestTestLoginOfARefusedPerson is red for the reason of the login, and shows which row is wrong.
func TestTestLoginOfARefusedPerson(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		b := w.browser().invite(w.tenant)
		w.settings(w.tenant, func(g *organization.OrganizationFields) { g.Settings.JIT = false })
		w.leavesNothing(w.tenant, func() {
			test, page := b.tests(w.tenant, ada(w.tenant), testidp.ResponseOptions{})
			w.is(test, testlogin.Red, refusal.NotProvisioned)
			if !strings.Contains(page, "Error: the test login would be refused") ||
				!strings.Contains(page, "What to mend first") || !strings.Contains(page, "assigned") ||
				len(odd(test)) > 0 {
				t.Errorf("%v\n%s", odd(test), page)
			}
		})
		if c := w.stored(w.tenant); c.TestedAt != nil || c.State != connection.ConnectionDraft {
			t.Errorf("it is %s, tested at %v", c.State, c.TestedAt)
		}
		if a := w.switches(w.tenant, `{"state":"active"}`); a.status != http.StatusUnprocessableEntity {
			t.Errorf("switched on: %d %s", a.status, a.body)
		}
	})
}

// child finds the first element below by its tag.
func child(el *etree.Element, path ...string) *etree.Element {
	for _, tag := range path {
		el = el.SelectElement(tag)
	}
	return el
}

// TestWhatATestShows of each fault of a SAML answer: the reason of a login, and the rows.
func TestWhatATestShows(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		b := w.browser().invite(w.tenant)
		edit := func(change func(response *etree.Element)) testidp.ResponseOptions {
			return testidp.ResponseOptions{Edit: change}
		}
		for _, c := range []struct {
			name   string
			o      testidp.ResponseOptions
			result testlogin.Result
			reason any
			odd    []string
		}{
			{"not signed", testidp.ResponseOptions{Sign: testidp.SignNone}, testlogin.Red, saml.Unsigned,
				[]string{"certificate=missing", "signature=missing"}},
			{"another audience", edit(func(r *etree.Element) {
				child(r, "Assertion", "Conditions", "AudienceRestriction", "Audience").SetText("https://other.example")
			}), testlogin.Red, saml.WrongAudience, []string{"audience=wrong"}},
			{"another recipient", edit(func(r *etree.Element) {
				child(r, "Assertion", "Subject", "SubjectConfirmation", "SubjectConfirmationData").
					CreateAttr("Recipient", "https://other.example/acs")
			}), testlogin.Red, saml.WrongRecipient, []string{"recipient=wrong"}},
			{"another issuer", edit(func(r *etree.Element) {
				child(r, "Assertion", "Issuer").SetText("https://other.example")
			}), testlogin.Red, saml.WrongIssuer, []string{"issuer=wrong"}},
			{"a slow clock", testidp.ResponseOptions{Now: w.clock.Now().Add(-10 * time.Minute)}, testlogin.Red,
				saml.IssuedLongAgo, []string{"time=wrong"}},
			{"a failure that is reported", testidp.ResponseOptions{Status: "RequestDenied"}, testlogin.Red,
				saml.BadStatus, []string{"answer=wrong", "attributes=missing", "audience=missing",
					"certificate=missing", "email=missing", "first_name=missing", "groups=missing",
					"last_name=missing", "person=missing", "signature=missing"}},
			{"another domain", edit(func(r *etree.Element) {
				for _, v := range r.FindElements("//AttributeValue") {
					v.SetText(strings.ReplaceAll(v.Text(), "@"+domain, "@other.example"))
				}
				name := child(r, "Assertion", "Subject", "NameID")
				name.SetText(strings.ReplaceAll(name.Text(), "@"+domain, "@other.example"))
			}), testlogin.Red, refusal.NotProvisioned, []string{"email=wrong"}},
			{"no groups", edit(func(r *etree.Element) {
				for _, el := range r.FindElements("//Attribute") {
					if strings.Contains(strings.ToLower(el.SelectAttrValue("Name", "")), "group") {
						el.Parent().RemoveChild(el)
					}
				}
			}), testlogin.Amber, "", []string{"groups=missing"}},
		} {
			w.leavesNothing(w.tenant, func() {
				test, page := b.tests(w.tenant, ada(w.tenant), c.o)
				if w.is(test, c.result, c.reason); !slices.Equal(odd(test), c.odd) {
					t.Errorf("%s: odd are %v, want %v", c.name, odd(test), c.odd)
				}
				if c.result == testlogin.Red && !strings.Contains(page, "What to mend first") {
					t.Errorf("%s: the page does not say what to mend:\n%s", c.name, page)
				}
			})
		}
	})
}

// TestExpiredCertificateIsAmber: it is accepted, and to look at.
func TestExpiredCertificateIsAmber(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.clock.Advance(20 * 365 * 24 * time.Hour)
		test, _ := w.browser().invite(w.tenant).tests(w.tenant, ada(w.tenant), testidp.ResponseOptions{})
		if w.is(test, testlogin.Amber, ""); !slices.Equal(odd(test), []string{"certificate=look"}) {
			t.Errorf("odd are %v", odd(test))
		}
		if w.stored(w.tenant).TestedAt == nil {
			t.Error("it cannot be turned on")
		}
	})
}

// TestTestLoginOverOpenIDConnect is green, red and amber, and leaves only the test.
func TestTestLoginOverOpenIDConnect(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		o := w.draftOpenID("contoso-oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
		b := w.browser().invite(o.tenant)
		person := []string{"attributes=missing", "email=missing", "first_name=missing", "groups=missing",
			"last_name=missing", "person=missing"}
		with := func(more ...string) []string { return slices.Sorted(slices.Values(append(more, person...))) }
		noGroups := claim("groups", nil)
		noGroups.UserInfo = noGroups.Edit
		for _, c := range []struct {
			name   string
			vary   testidp.TokenOptions
			result testlogin.Result
			reason any
			odd    []string
		}{
			{"as it should be", testidp.TokenOptions{}, testlogin.Green, "", nil},
			{"another key", testidp.TokenOptions{Sign: signedBy(otherKey())}, testlogin.Red, oidc.TokenWrongKey,
				with("certificate=wrong", "issuer=missing", "audience=missing", "recipient=missing", "time=missing")},
			{"another audience", claim("aud", "another"), testlogin.Red, oidc.TokenAudience,
				with("audience=wrong", "recipient=missing", "time=missing")},
			{"an address that is not vouched for", claim("email_verified", false), testlogin.Red,
				refusal.NotProvisioned, []string{"email=wrong"}},
			{"no groups", noGroups, testlogin.Amber, "", []string{"groups=missing"}},
		} {
			o.idp.VaryTokens(c.vary)
			w.leavesNothing(o.tenant, func() {
				test, _ := b.shown(o.tenant, o.signIn(b, ada(o.tenant), w.testURL(o.connection)))
				if w.is(test, c.result, c.reason); !slices.Equal(odd(test), c.odd) {
					t.Errorf("%s: odd are %v, want %v", c.name, odd(test), c.odd)
				}
			})
		}
		o.idp.VaryTokens(testidp.TokenOptions{})
		w.leavesNothing(o.tenant, func() { // what the provider reports, and an answer without anything
			for answer, reason := range map[string]oidc.Reason{"error=access_denied": oidc.ProviderError,
				"": oidc.MissingResponseIss, "iss=" + url.QueryEscape(o.idp.OIDCIssuer()): oidc.NoCode} {
				state := b.begun(o.tenant).location.Query().Get("state")
				test, page := b.shown(o.tenant, b.get(o.callback()+"?"+answer+"&state="+url.QueryEscape(state)))
				if w.is(test, testlogin.Red, reason); !strings.Contains(page, "Answer") {
					t.Errorf("%s", page)
				}
			}
		})
		if c := w.stored(o.tenant); c.State != connection.ConnectionDraft || c.TestedAt == nil {
			t.Errorf("it is %s, tested at %v", c.State, c.TestedAt)
		}
		fresh := w.draftOpenID("contoso-gone", "gone.example", testidp.PlainSAML, "GenericOIDC")
		fresh.server.Close()
		gone := w.browser().invite(fresh.tenant)
		w.leavesNothing(fresh.tenant, func() {
			test, _ := gone.shown(fresh.tenant, gone.begun(fresh.tenant))
			w.is(test, testlogin.Red, oidc.DiscoveryUnreachable)
		})
	})
}

// TestDraftServesTestsOnly where no login activates it: its login address ends on the page of the
// test, which the browser of the test may see, until the connection is switched on.
func TestDraftServesTestsOnly(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		isIn(t, w.switches(w.tenant, `{"activate_on_first_login":false}`), "draft")
		o := w.draftOpenID("contoso-oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
		isIn(t, w.switches(o.tenant, `{"activate_on_first_login":false}`), "draft")
		acs := w.sp(w.connection, "/acs")
		for _, kind := range []struct {
			n     tenant
			enter func(b *browser) answer
		}{
			{w.tenant, func(b *browser) answer {
				sent := b.get(w.sp(w.connection, "/login"))
				return b.post(acs, w.tenant.answer(t, sent, ada(w.tenant), testidp.ResponseOptions{}))
			}},
			{o.tenant, func(b *browser) answer { return o.signIn(b, ada(o.tenant), o.login()) }},
		} {
			b := w.browser()
			var ended answer
			w.leavesNothing(kind.n, func() {
				ended = kind.enter(b)
				test, page := b.shown(kind.n, ended)
				if w.is(test, testlogin.Green, ""); test.Actor != "" || strings.Contains(page, "Back to the set-up") {
					t.Errorf("%+v %s", test, page)
				}
			})
			if a := w.browser().get(ended.location.String()); a.status != http.StatusNotFound {
				t.Errorf("another browser sees it: %d", a.status)
			}
			if a := w.browser().invite(kind.n).get(ended.location.String()); a.status != http.StatusOK {
				t.Errorf("who holds a set-up link does not see it: %d", a.status)
			}
			isIn(t, w.switches(kind.n, `{"state":"active"}`), "active")
			if a := kind.enter(b); a.location.Path != "/sso/signed-in" || !b.signedIn() {
				t.Errorf("when it is on: %d to %s", a.status, a.location)
			}
		}
	})
}

// TestWhoMayTest: without a set-up link of the organization nobody begins a test, or sees one.
func TestWhoMayTest(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		other := w.newTenant("fabrikam", "fabrikam.example", testidp.PlainSAML, "GenericSAML")
		for name, b := range map[string]*browser{"nobody": w.browser(),
			"another organization's": w.browser().invite(other)} {
			if a := b.begun(w.tenant); a.status != http.StatusForbidden || len(a.header.Values("Set-Cookie")) > 0 {
				t.Errorf("%s begins a test: %d %s", name, a.status, a.location)
			}
		}
		for _, scope := range setup.Scopes {
			may := slices.Contains([]setup.Scope{setup.ScopeSSO, setup.ScopeEnforce, setup.ScopeCertificate}, scope)
			b := w.browser()
			b.invited(other, scope)
			if a := b.begun(other); a.toProvider(other) != may {
				t.Errorf("%s begins a test: %d", scope, a.status)
			}
		}
		b := w.browser()
		link := b.invited(w.tenant, setup.ScopeSSO)
		sent := b.begun(w.tenant)
		tests, err := testlogin.In(w.org).Tests(t.Context(), w.connection.ID, 10)
		if must(t, err); len(tests) != 1 || tests[0].Result != testlogin.Pending ||
			tests[0].Actor != link.Actor() {
			t.Fatalf("%+v", tests)
		}
		page := "/setup/tests/" + testlogin.Prefix.ID(tests[0].ID)
		if a := b.get(page); a.status != http.StatusOK || !strings.Contains(a.body, "Nothing has come back yet") ||
			!strings.Contains(a.body, "AADSTS50105") {
			t.Errorf("while it waits: %d %s", a.status, a.body)
		}
		b.shown(w.tenant, b.post(w.sp(w.connection, "/acs"),
			w.tenant.answer(t, sent, ada(w.tenant), testidp.ResponseOptions{})))
		_, err = setup.In(w.org).RevokeLink(t.Context(), link.ID)
		must(t, err)
		for name, b := range map[string]*browser{"nobody": w.browser(),
			"another organization's":                        w.browser().invite(other),
			"the browser of the test, whose link has ended": b} {
			if a := b.get(page); a.status != http.StatusNotFound || strings.Contains(a.body, ada(w.tenant).UserName) {
				t.Errorf("%s sees it: %d %s", name, a.status, a.body)
			}
		}
		for _, path := range []string{"/setup/tests/test_01H00000000000000000000000", "/setup/tests/x"} {
			if a := w.browser().invite(w.tenant).get(path); a.status != http.StatusNotFound {
				t.Errorf("%s: %d", path, a.status)
			}
		}
	})
}

// TestTooManyTests are refused before the browser leaves.
func TestTooManyTests(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		b := w.browser().invite(w.tenant)
		for range testlogin.MaxTests {
			if a := b.begun(w.tenant); !a.toProvider(w.tenant) {
				t.Fatalf("%d %s", a.status, a.body)
			}
		}
		a := b.begun(w.tenant)
		if a.status != http.StatusTooManyRequests || !strings.Contains(a.body, "last hour") {
			t.Errorf("%d %s", a.status, a.body)
		}
		w.clock.Advance(time.Hour)
		if a := b.begun(w.tenant); !a.toProvider(w.tenant) {
			t.Errorf("an hour later: %d", a.status)
		}
	})
}
