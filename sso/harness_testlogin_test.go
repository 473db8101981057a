package sso_test

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/entitle"
	"rollcall/model/people"
	"rollcall/model/setup"
	"rollcall/model/signon"
	"rollcall/model/testlogin"
	"rollcall/testidp"
	"rollcall/web"
)

// invite opens a set-up link of the tenant's organization in a browser.
func (b *browser) invite(n tenant) *browser {
	b.w.t.Helper()
	b.invited(n, setup.ScopeSSO)
	return b
}

// invited is the link of invite, with a scope.
func (b *browser) invited(n tenant, scope setup.Scope) *setup.Link {
	b.w.t.Helper()
	ctx := b.w.t.Context()
	link, token, err := setup.In(n.org).CreateLink(ctx, setup.LinkFields{Scopes: []setup.Scope{scope},
		ExpiresAt: *model.TimeOf(b.w.clock.Now()).Later(72 * time.Hour)})
	must(b.w.t, err)
	_, visit, err := setup.Across(b.w.store).Redeem(ctx, token, setup.Sender{})
	must(b.w.t, err)
	u, err := url.Parse(b.w.url)
	must(b.w.t, err)
	b.http.Jar.SetCookies(u, []*http.Cookie{{Name: web.CookiesAt(b.w.url).Name(web.SetupCookie), Value: visit,
		Path: "/", Secure: true}})
	return link
}

// testURL is the address that begins a test for who holds a set-up link.
func (w *world) testURL(c *connection.Connection) string {
	protocol := "saml"
	if c.OIDC() {
		protocol = "oidc"
	}
	return w.url + "/sso/" + protocol + "/" + model.ConnectionPrefix.ID(c.ID) + "/test"
}

// footprint is all that a login writes in an organization.
func (w *world) footprint(n tenant) string {
	w.t.Helper()
	ctx, ten := w.t.Context(), model.Page{Limit: 100}
	var b strings.Builder
	for _, u := range w.users(n) {
		fmt.Fprintln(&b, encoded(w.t, u))
		identities, err := people.In(n.org).Identities(ctx, u.ID)
		must(w.t, err)
		sessions, _, err := signon.In(n.org).Sessions(ctx, u.ID, ten)
		must(w.t, err)
		fmt.Fprintln(&b, encoded(w.t, identities), encoded(w.t, sessions))
	}
	licenses, _, err := entitle.In(n.org).Licenses(ctx, entitle.LicenseQuery{Page: ten})
	must(w.t, err)
	groups, _, err := entitle.In(n.org).GroupAssignments(ctx, entitle.AssignmentQuery{Page: ten})
	must(w.t, err)
	attempts, _, err := signon.In(n.org).LoginAttempts(ctx, n.connection.ID, ten)
	must(w.t, err)
	fmt.Fprintln(&b, encoded(w.t, licenses), encoded(w.t, groups), len(attempts), encoded(w.t, w.events()))
	return b.String()
}

func encoded(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	must(t, err)
	return string(text)
}

// leavesNothing demands that run writes nothing that a login writes.
func (w *world) leavesNothing(n tenant, run func()) {
	w.t.Helper()
	before := w.footprint(n)
	run()
	if after := w.footprint(n); before != after {
		w.t.Errorf("it left something: %s", cmp.Diff(before, after))
	}
}

// shown follows an answer to the page of its test, and returns the test and the page.
func (b *browser) shown(n tenant, a answer) (*testlogin.Test, string) {
	b.w.t.Helper()
	id, ok := testlogin.Prefix.Parse(strings.TrimPrefix(a.location.Path, "/setup/tests/"))
	if a.status != http.StatusSeeOther || !ok {
		b.w.t.Fatalf("not sent to a test: %d to %q: %s %q", a.status, a.location, a.body, b.w.log(n))
	}
	if b.signedIn() || a.cookie("__Host-rollcall") != nil {
		b.w.t.Error("the test signs in")
	}
	t, err := testlogin.In(n.org).Test(b.w.t.Context(), id)
	must(b.w.t, err)
	page := b.get(a.location.String())
	if page.status != http.StatusOK {
		b.w.t.Fatalf("the page of the test: %d %s", page.status, page.body)
	}
	return t, html.UnescapeString(page.body)
}

// begun begins a test and returns where the browser is sent.
func (b *browser) begun(n tenant) answer { return b.get(b.w.testURL(n.connection)) }

// tests makes a test over SAML in a browser that holds a set-up link.
func (b *browser) tests(n tenant, who testidp.Person, o testidp.ResponseOptions) (*testlogin.Test, string) {
	b.w.t.Helper()
	return b.shown(n, b.post(b.w.sp(n.connection, "/acs"), n.answer(b.w.t, b.begun(n), who, o)))
}

// is demands the result and the reason of a test.
func (w *world) is(t *testlogin.Test, want testlogin.Result, reason any) {
	w.t.Helper()
	if t.Result != want || t.Reason != fmt.Sprint(reason) {
		w.t.Errorf("it is %s %s, want %s %v: %+v", t.Result, t.Reason, want, reason, t.Report)
	}
}

// of are the verdicts of a test, as subject=verdict, of those that do not fit.
func odd(t *testlogin.Test) (out []string) {
	for _, c := range t.Report.Checks {
		if c.Verdict != testlogin.Fits {
			out = append(out, string(c.Subject)+"="+string(c.Verdict))
		}
	}
	slices.Sort(out)
	return out
}

// stored is the tenant's connection now.
func (w *world) stored(n tenant) *connection.Connection {
	w.t.Helper()
	c, err := connection.In(n.org).Connection(w.t.Context(), n.connection.ID)
	must(w.t, err)
	return c
}
