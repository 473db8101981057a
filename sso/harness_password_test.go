package sso_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"rollcall/model"
	"rollcall/model/people"
)

const (
	password = "glacier tuba 41 window"
	admin    = "hedy@" + domain
)

// admin creates an administrator without a directory.
func (w *world) admin(n tenant, email string) *people.User {
	w.t.Helper()
	u, err := people.In(n.org).CreateUser(w.t.Context(), map[string]any{"userName": email,
		"emails": []any{map[string]any{"value": email, "primary": true}}})
	must(w.t, err)
	u, err = people.In(n.org).SetRole(w.t.Context(), u.ID, people.Admin)
	must(w.t, err)
	return u
}

// link is the path of a one-time link that sets a user's password.
func (w *world) link(id string) string {
	w.t.Helper()
	a := w.send(nil, http.MethodPost, "/users/"+model.UserPrefix.ID(id)+"/password_setup",
		"Authorization", "Bearer "+bootstrapKey)
	location, found := strings.CutPrefix(a.object(w.t)["url"].(string), w.url)
	if a.status != http.StatusCreated || !found {
		w.t.Fatalf("%d %s", a.status, a.body)
	}
	return location
}

// setPassword sets a user's password as they do.
func (w *world) setPassword(id, password string) {
	w.t.Helper()
	if a := w.browser().submit(w.link(id), url.Values{"password": {password},
		"again": {password}}); a.status != http.StatusOK {
		w.t.Fatalf("%d %s", a.status, a.body)
	}
}

// enter sends the form of the login page's second step.
func (b *browser) enter(email, password string, more ...string) answer {
	b.w.t.Helper()
	form := url.Values{"email": {email}, "password": {password}}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return b.submit("/login/password", form)
}

// fields are the values of a page's form.
func fields(t testing.TB, page string) url.Values {
	t.Helper()
	document, err := html.Parse(strings.NewReader(page))
	must(t, err)
	out := url.Values{}
	for n := range document.Descendants() {
		if n.Data != "input" {
			continue
		}
		var name, value string
		for _, a := range n.Attr {
			switch a.Key {
			case "name":
				name = a.Val
			case "value":
				value = a.Val
			}
		}
		out.Set(name, value)
	}
	return out
}

// continues submits the form of a page with these values.
func (b *browser) continues(page answer, entered ...string) answer {
	b.w.t.Helper()
	form := fields(b.w.t, page.body)
	for i := 0; i < len(entered); i += 2 {
		form.Set(entered[i], entered[i+1])
	}
	return b.submit(read(b.w.t.(*testing.T), page.body).action, form)
}

// eventsOf are the types of the tenant's events since there were so many.
func (w *world) typesSince(before int) []string {
	w.t.Helper()
	var out []string
	for _, e := range w.events()[before:] {
		out = append(out, e.Event)
	}
	return out
}
