package sso_test

import (
	"net/url"
	"slices"
	"testing"
	"time"

	"rollcall/model/connection"
	"rollcall/model/refusal"
	"rollcall/model/testlogin"
	"rollcall/sso/oidc"
	"rollcall/sso/saml"
	"rollcall/testidp"
)

// crossed is the answer of one login with the handle of another.
func crossed(answer, handle url.Values) url.Values {
	return url.Values{"SAMLResponse": answer["SAMLResponse"], "RelayState": handle["RelayState"]}
}

// TestATestAnswersNoLogin: the answer to a test ends that test only, that to a login only that
// login, in one browser that has both, whatever handle comes with which answer.
func TestATestAnswersNoLogin(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		b, acs := w.browser().invite(w.tenant), w.sp(w.connection, "/acs")
		answers := func() (real, test url.Values) {
			real = w.tenant.answer(t, b.get(w.authorize(w.tenant)), person(w.tenant, 1), testidp.ResponseOptions{})
			return real, w.tenant.answer(t, b.begun(w.tenant), person(w.tenant, 1), testidp.ResponseOptions{})
		}
		real, test := answers()
		a := b.post(acs, crossed(test, real)) // a test's answer for a login
		if w.noted(w.tenant, string(saml.WrongInResponseTo)); a.location.Query().Get("code") != "" || b.signedIn() {
			t.Error("the answer to a test signs in")
		}
		w.leavesNothing(w.tenant, func() { // a login's answer for a test
			found, _ := b.shown(w.tenant, b.post(acs, crossed(real, test)))
			w.is(found, testlogin.Red, saml.WrongInResponseTo)
		})
		a = b.post(acs, url.Values{"SAMLResponse": test["SAMLResponse"]}) // for nothing
		if w.noted(w.tenant, string(refusal.LoginUnknown)); b.signedIn() {
			t.Errorf("%d", a.status)
		}
		w.update(w.tenant, func(c *connection.ConnectionFields) { c.AllowIDPInitiated = true })
		_, test = answers()
		w.refused(w.tenant, w.browser().post(acs, url.Values{"SAMLResponse": test["SAMLResponse"]}),
			string(refusal.LoginUnknown)) // as one that the identity provider began
		found, _ := b.shown(w.tenant, b.post(acs, test))
		w.is(found, testlogin.Green, "")
		w.refused(w.tenant, w.browser().post(acs, url.Values{"SAMLResponse": test["SAMLResponse"]}),
			string(refusal.AssertionReplayed)) // and after it has ended the test
	})
}

// TestATestEndsOnce, in its own browser, at its own connection, in time.
func TestATestEndsOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		other := w.newTenant("fabrikam", "fabrikam.example", testidp.PlainSAML, "GenericSAML")
		w.activate(other)
		b, acs := w.browser().invite(w.tenant), w.sp(w.connection, "/acs")
		good := w.tenant.answer(t, b.begun(w.tenant), ada(w.tenant), testidp.ResponseOptions{})

		w.refused(w.tenant, w.browser().post(acs, good), string(refusal.LoginForeign)) // in another browser
		stolen := w.browser().post(w.sp(other.connection, "/acs"), good)               // at another organization
		w.refused(other, stolen, string(saml.WrongDestination))
		second := w.second(w.tenant)
		w.refused(second, b.post(w.sp(second.connection, "/acs"), good), string(saml.WrongDestination))
		w.at(w.tenant)

		first, _ := b.shown(w.tenant, b.post(acs, good))
		w.is(first, testlogin.Green, "")
		bad := crossed(w.tenant.answer(t, b.begun(w.tenant), ada(w.tenant), testidp.ResponseOptions{}), good)
		w.leavesNothing(w.tenant, func() {
			for _, again := range []url.Values{good, bad} { // the same once more, and another
				found, _ := b.shown(w.tenant, b.post(acs, again))
				if w.is(found, testlogin.Green, ""); found.ID != first.ID || *found.AnsweredAt != *first.AnsweredAt {
					t.Errorf("%+v", found)
				}
			}
		})
		another := w.tenant.answer(t, b.begun(w.tenant), ada(w.tenant), testidp.ResponseOptions{})
		replayed, _ := b.shown(w.tenant, b.post(acs, crossed(good, another))) // for another test
		w.is(replayed, testlogin.Red, saml.WrongInResponseTo)
		late := w.tenant.answer(t, b.begun(w.tenant), ada(w.tenant), testidp.ResponseOptions{})
		w.clock.Advance(10 * time.Minute)
		found, _ := b.shown(w.tenant, b.post(acs, late))
		w.is(found, testlogin.Red, refusal.LoginUsed)
	})
}

// TestATestAnswersNoLoginOverOpenIDConnect is the same with codes and states.
func TestATestAnswersNoLoginOverOpenIDConnect(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		o := w.newOpenID("contoso-oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
		b := w.browser().invite(o.tenant)
		answers := func() (real, test url.Values) {
			read := func(location string) url.Values {
				u, err := url.Parse(location)
				must(t, err)
				return u.Query()
			}
			real = read(o.answer(b.get(w.authorize(o.tenant)), person(o.tenant, 1)))
			return real, read(o.answer(b.begun(o.tenant), person(o.tenant, 1)))
		}
		mixed := func(code, state url.Values) string {
			q := url.Values{"code": code["code"], "state": state["state"], "iss": code["iss"]}
			return o.callback() + "?" + q.Encode()
		}
		real, test := answers()
		a := b.get(mixed(test, real))
		if a.location.Query().Get("code") != "" || b.signedIn() || o.attempt().Reason != string(oidc.CodeRefused) {
			t.Errorf("%d to %s, %+v", a.status, a.location, o.attempt())
		}
		real, test = answers()
		w.leavesNothing(o.tenant, func() {
			found, _ := b.shown(o.tenant, b.get(mixed(real, test)))
			w.is(found, testlogin.Red, oidc.CodeRefused)
			found, _ = b.shown(o.tenant, b.get(mixed(test, test))) // the first answer counts
			w.is(found, testlogin.Red, oidc.CodeRefused)
		})
		_, test = answers()
		w.refused(o.tenant, w.browser().get(mixed(test, test)), string(refusal.LoginForeign))
		found, _ := b.shown(o.tenant, b.get(mixed(test, test)))
		w.is(found, testlogin.Green, "")
		w.leavesNothing(o.tenant, func() {
			found, _ := b.shown(o.tenant, b.get(mixed(test, test)))
			w.is(found, testlogin.Green, "")
		})
	})
}

// TestALoginOfBeforeEndsAtADraftForTests: a login that began before the connection was set to be
// activated by hand signs nobody in.
func TestALoginOfBeforeEndsAtADraftForTests(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		begun := w.tenant.answer(t, b.get(w.sp(w.connection, "/login")), ada(w.tenant), testidp.ResponseOptions{})
		isIn(t, w.switches(w.tenant, `{"activate_on_first_login":false}`), "draft")
		w.refused(w.tenant, b.post(w.sp(w.connection, "/acs"), begun), string(refusal.ConnectionIsDraft))
		if c := w.stored(w.tenant); c.TestedAt != nil || b.signedIn() || len(w.users(w.tenant)) > 0 {
			t.Errorf("%+v", c)
		}
	})
}

// TestAttacksOnATestAreRed, each for its reason, and leave nothing.
func TestAttacksOnATestAreRed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		b, acs := w.browser().invite(w.tenant), w.sp(w.connection, "/acs")
		var tried int
		for _, a := range attacks() {
			if !slices.Contains([]saml.Reason{saml.WrongKey, saml.Altered, saml.Unsigned, saml.SeveralAssertions,
				saml.MisplacedSignature, saml.WrongAudience, saml.NameIDSpace, saml.Doctype}, a.want) {
				continue
			}
			if tried++; tried > testlogin.MaxTests {
				break
			}
			_, id, relayState := request(t, b.begun(w.tenant))
			g := newGenuine(t, w.clock.Now(), w.idp.SAMLEntityID(), acs, w.sp(w.connection, "/metadata"), id)
			g.key, g.certificate = keys().idp, parsed(t, w.connection.IDPCertificates...)[0]
			w.leavesNothing(w.tenant, func() {
				found, _ := b.shown(w.tenant, b.post(acs, url.Values{"SAMLResponse": {a.make(g)},
					"RelayState": {relayState}}))
				w.is(found, testlogin.Red, a.want)
			})
		}
		if c := w.stored(w.tenant); tried < 10 || c.TestedAt != nil {
			t.Errorf("%d attacks, tested at %v", tried, c.TestedAt)
		}
	})
}
