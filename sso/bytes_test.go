package sso_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"rollcall/testidp"
)

// TestTextThatNoDatabaseTakes sends NUL and what is no UTF-8 wherever text is stored or looked up.
func TestTextThatNoDatabaseTakes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		for _, text := range []string{"\x00", "a\x00b", "\xff", "\xed\xa0\x80"} {
			for name, c := range map[string]struct {
				status int
				a      answer
			}{
				"state":         {http.StatusSeeOther, w.browser().get(w.asks("state", "s"+text))},
				"login_hint":    {http.StatusSeeOther, w.browser().get(w.asks("login_hint", text))},
				"domain":        {http.StatusSeeOther, w.browser().get(w.asks("connection", "", "domain", text))},
				"organization":  {http.StatusSeeOther, w.browser().get(w.asks("connection", "", "organization", text))},
				"client":        {http.StatusBadRequest, w.browser().get(w.asks("client_id", text))},
				"redirect_uri":  {http.StatusBadRequest, w.browser().get(w.asks("redirect_uri", text))},
				"login address": {http.StatusNotFound, w.browser().get("/login/" + url.PathEscape(text))},
				"connection":    {http.StatusNotFound, w.browser().get("/sso/saml/" + url.PathEscape(text) + "/login")},
				"jwks":          {http.StatusNotFound, w.send(nil, http.MethodGet, "/sso/jwks/"+url.PathEscape(text))},
				"logout token":  {http.StatusNotFound, w.browser().get("/sso/logout?token=" + url.QueryEscape(text))},
				"RelayState": {http.StatusForbidden, w.browser().
					post(w.sp(w.connection, "/acs"), url.Values{"SAMLResponse": {"x"}, "RelayState": {text}})},
				"SAMLResponse": {http.StatusForbidden, w.browser().
					post(w.sp(w.connection, "/acs"), url.Values{"SAMLResponse": {text}})},
				"cookie": {http.StatusUnauthorized, w.send(nil, http.MethodGet, "/sso/session",
					"Cookie", sessionCookie+"="+url.QueryEscape(text))},
			} {
				if c.a.status != c.status {
					t.Errorf("%s %q: %d to %s: %s", name, text, c.a.status, c.a.location, c.a.body)
				}
			}
		}
		// An event has the name of the browser.
		a := w.send(nil, http.MethodPost, w.sp(w.connection, "/acs"), "Content-Type", formType,
			"User-Agent", "agent\xff", "", "SAMLResponse=x")
		if a.status != http.StatusForbidden || len(w.log(w.tenant)) == 0 {
			t.Errorf("User-Agent: %d", a.status)
		}
		w.events()
	})
}

// TestAtOnce sends the same at the same time: one wins.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		const many = 6
		together := func(run func() answer) (won []answer) {
			answers := make([]answer, many)
			var all sync.WaitGroup
			for i := range answers {
				all.Go(func() { answers[i] = run() })
			}
			all.Wait()
			for _, a := range answers {
				switch {
				case strings.HasSuffix(a.location.Path, "/again"): // led to where it is signed in
				case a.status == http.StatusOK || a.status == http.StatusSeeOther:
					won = append(won, a)
				case a.status >= http.StatusInternalServerError:
					t.Errorf("%d %s", a.status, a.body)
				}
			}
			return won
		}
		b := w.begin(w.tenant)
		response := w.answer(t, b.sent, person(w.tenant, 11), testidp.ResponseOptions{})
		won := together(func() answer { return b.post(w.sp(w.connection, "/acs"), response) })
		if len(won) != 1 {
			t.Fatalf("a response signs in %d times", len(won))
		}
		code := won[0].code(t)
		body := w.clientForm(code).Encode()
		won = together(func() answer {
			return w.send(nil, http.MethodPost, "/sso/token", "Content-Type", formType, "", body)
		})
		if len(won) != 1 {
			t.Fatalf("a code is exchanged %d times", len(won))
		}
		if w.profile(won[0].object(t)["access_token"].(string)) != nil {
			t.Error("the token of a code that was sent several times opens something")
		}
		// Two tabs of a new person: neither login finds a user, and both sign in the same one.
		who := person(w.tenant, 12)
		tab := w.browser()
		left, right := tab.get(w.asks()), tab.get(w.asks())
		sent := make(chan url.Values, 2)
		sent <- w.answer(t, left, who, testidp.ResponseOptions{})
		sent <- w.answer(t, right, who, testidp.ResponseOptions{})
		var all sync.WaitGroup
		results := make([]answer, 2)
		for i := range results {
			all.Go(func() { results[i] = tab.post(w.sp(w.connection, "/acs"), <-sent) })
		}
		all.Wait()
		var users []string
		for _, a := range results {
			users = append(users, w.profile(first(w.exchange(a.code(t))))["user_id"].(string))
		}
		if users[0] != users[1] || strings.Contains(w.logged.String(), "level=ERROR") {
			t.Errorf("signed in as %v", users)
		}
	})
}
