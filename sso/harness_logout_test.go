package sso_test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/signon"
	"rollcall/sso/saml"
	"rollcall/testidp"
)

// logsOut gives the tenant's connection and its identity provider each other's logout addresses.
func (w *world) logsOut(n tenant) {
	w.t.Helper()
	known, err := saml.ParseMetadata(n.idp.SAMLMetadata(), "", w.clock.Now())
	must(w.t, err)
	w.update(n, func(c *connection.ConnectionFields) {
		c.IDPSLORedirectURL, c.IDPSLORedirectResponseURL = known.SLO.RedirectURL, known.SLO.RedirectResponseURL
		c.IDPSLOPostURL, c.IDPSLOPostResponseURL = known.SLO.PostURL, known.SLO.PostResponseURL
	})
	must(w.t, n.idp.ConnectLogout(w.sp(n.connection, "/slo")))
}

// byPost leaves the connection only the HTTP-POST binding.
func (w *world) byPost(n tenant) {
	w.t.Helper()
	w.update(n, func(c *connection.ConnectionFields) { c.IDPSLORedirectURL, c.IDPSLORedirectResponseURL = "", "" })
}

// loggingOut is a logout message of Rollcall to the identity provider.
type loggingOut struct {
	to, parameter, relayState string
	root                      *etree.Element
}

// loggingOut reads what the browser is sent to the identity provider with, by whichever binding,
// and checks its signature.
func (w *world) loggingOut(a answer) loggingOut {
	w.t.Helper()
	if a.status == http.StatusOK {
		return w.postedLogout(a)
	}
	q := a.location.Query()
	m := loggingOut{to: strings.Split(a.location.String(), "?")[0], parameter: saml.RequestParameter,
		relayState: q.Get("RelayState")}
	if q.Has(saml.ResponseParameter) {
		m.parameter = saml.ResponseParameter
	}
	_, err := saml.IDP{Certificates: parsed(w.t, w.connection.SPCertificate)}.ReadRedirect(a.location.RawQuery)
	if a.status != http.StatusSeeOther || err != nil {
		w.t.Fatalf("%d to %q: %v %s", a.status, a.location, err, a.body)
	}
	deflated, err := base64.StdEncoding.DecodeString(q.Get(m.parameter))
	must(w.t, err)
	document, err := io.ReadAll(flate.NewReader(bytes.NewReader(deflated)))
	must(w.t, err)
	m.root = fragment(w.t, string(document)).Root()
	return m
}

func (w *world) postedLogout(a answer) loggingOut {
	w.t.Helper()
	if policy := a.header.Get("Content-Security-Policy"); strings.Contains(policy, "form-action") {
		w.t.Errorf("the form cannot leave the page: %s", policy)
	}
	form := fragment(w.t, "<f>"+between(w.t, a.body, "<form", "</form>")+"</f>")
	m := loggingOut{to: form.FindElement("//form").SelectAttrValue("action", "")}
	for _, input := range form.FindElements("//input") {
		value := input.SelectAttrValue("value", "")
		switch name := input.SelectAttrValue("name", ""); name {
		case "RelayState":
			m.relayState = value
		default:
			m.parameter, m.root = name, fragment(w.t, decoded(w.t, value)).Root()
		}
	}
	if m.root == nil || m.root.SelectElement("Signature") == nil {
		w.t.Fatalf("no signed message: %s", a.body)
	}
	return m
}

// between is the first part of a page that is an element, as XML.
func between(t testing.TB, page, begin, end string) string {
	t.Helper()
	_, rest, found := strings.Cut(page, begin)
	part, _, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("there is no %s: %s", begin, page)
	}
	part = begin + part + end
	for _, el := range strings.Split(part, "<input")[1:] {
		tag, _, _ := strings.Cut(el, ">")
		part = strings.Replace(part, tag+">", tag+"/>", 1)
	}
	return part
}

// text is that of an element of the message; empty where there is none.
func (m loggingOut) text(tag string) string {
	if el := m.root.FindElement(tag); el != nil {
		return el.Text()
	}
	return ""
}

func (m loggingOut) attribute(name string) string { return m.root.SelectAttrValue(name, "") }

// request is a LogoutRequest of the tenant's identity provider.
func (n tenant) request(t testing.TB, who testidp.Person, o testidp.LogoutOptions) *testidp.LogoutMessage {
	t.Helper()
	m, err := n.idp.LogoutRequest(who.ID, o)
	must(t, err)
	return m
}

// bring has a browser bring a message: by HTTP-Redirect, or by HTTP-POST.
func (b *browser) bring(m *testidp.LogoutMessage, post bool) answer {
	b.w.t.Helper()
	if post {
		form, err := m.Form()
		must(b.w.t, err)
		return b.post(m.To, form)
	}
	location, err := m.URL()
	must(b.w.t, err)
	return b.get(location)
}

// indexOf is the SessionIndex of a browser's session.
func (w *world) indexOf(t *testing.T, b *browser) string {
	t.Helper()
	in, err := signon.Across(w.store).SessionByToken(t.Context(), b.sessionToken(t))
	must(t, err)
	known, err := signon.In(w.store.Org(in.Session.OrganizationID, model.System)).
		ProviderSession(t.Context(), in.Session.ID)
	must(t, err)
	if known == nil || known.SessionIndex == "" {
		t.Fatalf("the session is known as %+v", known)
	}
	return known.SessionIndex
}

func (b *browser) sessionToken(t *testing.T) string {
	t.Helper()
	u, err := url.Parse(b.w.url)
	must(t, err)
	for _, c := range b.http.Jar.Cookies(u) {
		if c.Name == sessionCookie {
			return c.Value
		}
	}
	t.Fatal("no session")
	return ""
}

// logoutRefused demands that an answer is the page of a refused logout, without a redirect, and
// that the newest line of the login log has the reason.
func (w *world) logoutRefused(n tenant, a answer, reason string) {
	w.t.Helper()
	if a.status != http.StatusForbidden || !strings.Contains(a.body, "Signing out did not complete") ||
		a.location.String() != "" || len(a.header.Values("Set-Cookie")) > 0 {
		w.t.Errorf("not the page of a refusal: %d to %q: %s", a.status, a.location, a.body)
	}
	if _, page, _ := strings.Cut(a.body, "<main"); strings.Contains(page, reason) {
		w.t.Errorf("the browser is told the reason: %s", page)
	}
	w.noted(n, reason)
}
