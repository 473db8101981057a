package sso_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"rollcall/model/connection"
)

// TestPages renders each page once: whole, in our layout, with nothing inline and nothing from
// elsewhere.
func TestPages(t *testing.T) {
	t.Parallel()
	w := one(t)
	_, err := connection.In(w.org).UpdateConnection(t.Context(), w.connection.ID,
		func(c *connection.ConnectionFields) error {
			c.Name = `<b>"Northwind" & Söhne</b>`
			return nil
		})
	must(t, err)
	who := person(w.tenant, 20) // Seán O'Brien
	b := w.browser()
	b.signIn(w.tenant, who)
	second := w.second(w.tenant)
	choice := b.get("/login/contoso")
	post := tenant{org: w.org, idp: w.idp, connection: second.connection}
	w.update(post, func(c *connection.ConnectionFields) { c.IDPSSORedirectURL = "" })
	hedy := w.admin(w.tenant, admin)
	set := url.Values{"password": {password}, "again": {password}}
	for name, c := range map[string]struct {
		answer
		status int
		title  string
		form   string   // where the form goes; empty without one
		says   []string // in the text
	}{
		"choose": {choice, 200, "Choose how to sign in", "", []string{`<b>"Northwind" & Söhne</b>`}},
		"post": {b.get(w.sp(post.connection, "/login")), 200, "Signing in", w.idp.SAMLSignOnURL(),
			[]string{"Continue"}},
		"refused": {b.post(w.sp(w.connection, "/acs"), url.Values{}), 403, "You were not signed in", "",
			[]string{"reference"}},
		"signed in": {b.get("/sso/signed-in"), 200, "You are signed in", "/sso/logout",
			[]string{who.UserName, who.Name(), "contoso", "member"}},
		"logout":     {b.get("/sso/logout"), 200, "Sign out", "/sso/logout", []string{"Sign out?"}},
		"signed out": {w.browser().submit("/sso/logout", url.Values{}), 200, "You are signed out", "", nil},
		"logout refused": {b.get(w.sp(w.connection, "/slo")), 403, "Signing out did not complete", "",
			[]string{"reference"}},
		"login": {b.get("/login?organization=contoso"), 200, "Sign in", "/login",
			[]string{"E-mail address", "Use a password", "contoso"}},
		"no address": {b.submit("/login", url.Values{"email": {`"><b>`}}), 400, "Error: Sign in", "/login",
			[]string{"whole e-mail address"}},
		"password": {b.submit("/login", url.Values{"email": {admin}, "with": {"password"}}), 200,
			"Sign in with a password", "/login/password", []string{"Password"}},
		"wrong": {b.submit("/login/password", url.Values{"email": {admin}, "password": {"not it"}}), 403,
			"Error: Sign in with a password", "/login/password", []string{"is wrong."}},
		"new password": {b.get(w.link(hedy.ID)), 200, "Set your password", "",
			[]string{admin, "contoso", "15 characters"}},
		"weak password": {b.submit(w.link(hedy.ID), url.Values{}), 400, "Error: Set your password", "",
			[]string{"is not empty"}},
		"password set": {b.submit(w.link(hedy.ID), set), 200, "Your password is set", "",
			[]string{"password manager"}},
		"not here": {b.get("/login/nobody"), 404, "Nothing here", "",
			[]string{"There is no organization with this login address."}},
		"bad client": {b.get("/sso/authorize"), 400, "Not understood", "", []string{"client_id"}},
		"nobody":     {w.browser().get("/sso/signed-in"), 401, "Sign in first", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			if c.answer.status != c.status || c.header.Get("Content-Type") != "text/html; charset=UTF-8" ||
				c.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%d %v", c.answer.status, c.header)
			}
			page := read(t, c.body)
			if page.title != c.title+" – Rollcall" || page.h1 == "" || page.action != c.form {
				t.Errorf("title %q, heading %q, form to %q", page.title, page.h1, page.action)
			}
			for _, want := range c.says {
				if !strings.Contains(page.text, want) {
					t.Errorf("it does not say %q: %s", want, page.text)
				}
			}
			policy := directives(c.header.Get("Content-Security-Policy"))
			if policy["default-src"] != "'none'" || policy["script-src"] != "'self'" ||
				policy["style-src"] != "'self'" || policy["frame-ancestors"] != "'none'" ||
				policy["base-uri"] != "'none'" {
				t.Errorf("%v", policy)
			}
			// The forms that go on to the identity provider or an application alone may leave:
			// where to is theirs.
			leaves := c.form == w.idp.SAMLSignOnURL() || name == "logout" || c.form == "/login" ||
				c.form == "/login/password"
			if bound := policy["form-action"] == "'self'"; bound == leaves {
				t.Errorf("form-action %q", policy["form-action"])
			}
			for _, asset := range page.assets {
				if a := b.get(asset); a.status != http.StatusOK {
					t.Errorf("%s: %d", asset, a.status)
				}
			}
		})
	}
}

// rendered is what matters of an HTML page.
type rendered struct {
	title, h1, text, action string
	assets                  []string
}

// read reads a page, and refuses what the policy would keep from running anyway.
func read(t *testing.T, body string) rendered {
	t.Helper()
	document, err := html.Parse(strings.NewReader(body))
	must(t, err)
	var p rendered
	for n := range document.Descendants() {
		if n.Type == html.TextNode {
			p.text += n.Data
			switch n.Parent.Data {
			case "title":
				p.title = n.Data
			case "h1":
				p.h1 = n.Data
			case "script", "style":
				t.Errorf("inline %s: %s", n.Parent.Data, n.Data)
			}
			continue
		}
		for _, a := range n.Attr {
			switch {
			case a.Key == "style" || strings.HasPrefix(a.Key, "on") ||
				strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Val)), "javascript:"):
				t.Errorf("inline %s of %s: %s", a.Key, n.Data, a.Val)
			case n.Data == "form" && a.Key == "action":
				p.action = a.Val
			case a.Key == "src", n.Data == "link" && a.Key == "href":
				if !strings.HasPrefix(a.Val, "/assets/") {
					t.Errorf("%s from elsewhere: %s", n.Data, a.Val)
				}
				p.assets = append(p.assets, a.Val)
			}
		}
	}
	return p
}

// directives are those of a Content-Security-Policy.
func directives(policy string) map[string]string {
	out := map[string]string{}
	for part := range strings.SplitSeq(policy, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), " ")
		out[name] = value
	}
	return out
}

// TestPostBinding signs a person in at an identity provider that takes requests by HTTP-POST only.
func TestPostBinding(t *testing.T) {
	t.Parallel()
	w := one(t)
	w.update(w.tenant, func(c *connection.ConnectionFields) { c.IDPSSORedirectURL = "" })
	b := w.browser()
	a := b.get(w.asks())
	document, err := html.Parse(strings.NewReader(a.body))
	must(t, err)
	fields := url.Values{}
	for n := range document.Descendants() {
		var name, value string
		for _, at := range n.Attr {
			switch at.Key {
			case "name":
				name = at.Val
			case "value":
				value = at.Val
			}
		}
		if n.Data == "input" {
			fields.Set(name, value)
		}
	}
	id := requestID.FindStringSubmatch(decoded(t, fields.Get("SAMLRequest")))
	if id == nil || !strings.Contains(decoded(t, fields.Get("SAMLRequest")), "Signature>") {
		t.Fatalf("no signed request: %s", a.body)
	}
	response := w.tenant.respond(t, ada(w.tenant), id[1])
	b.post(w.sp(w.connection, "/acs"), url.Values{"SAMLResponse": {response},
		"RelayState": {fields.Get("RelayState")}}).code(t)
}

// TestMetadata is what an administrator gives to their identity provider.
func TestMetadata(t *testing.T) {
	t.Parallel()
	w := one(t)
	a := w.browser().get(w.sp(w.connection, "/metadata"))
	for _, want := range []string{`entityID="` + w.sp(w.connection, "/metadata") + `"`,
		`Location="` + w.sp(w.connection, "/acs") + `"`, `use="signing"`} {
		if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/samlmetadata+xml" ||
			!strings.Contains(a.body, want) {
			t.Errorf("%d, no %s in %s", a.status, want, a.body)
		}
	}
	if strings.Contains(a.body, `use="encryption"`) {
		t.Error("AD FS encrypts as soon as it sees a certificate for that")
	}
}
