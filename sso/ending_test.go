package sso_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"rollcall/model/organization"
	"rollcall/model/people"
)

// TestUnknownTokenLearnsNothing: only a token that was good once is told why it is not any more.
func TestUnknownTokenLearnsNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		b := w.browser()
		token := w.token(w.tenant, b, ada(w.tenant))
		other := w.token(w.tenant, w.browser(), person(w.tenant, 1))
		_, err := people.In(w.org).RevokeSessions(t.Context(), w.user(w.tenant, ada(w.tenant).UserName).ID)
		must(t, err)
		secret, trace, _ := strings.Cut(token, ".")
		unknown, _, _ := strings.Cut(other, ".")
		for _, bad := range []string{"", "x", "rc_at_x", "rc_at_" + strings.Repeat("A", 43), secret, secret + ".",
			unknown + "." + trace, secret + "." + trace[:len(trace)-2], "." + trace, trace, token + "A",
			"rc_at_x." + trace, w.secret} {
			for path, a := range map[string]answer{
				"/sso/profile": w.send(nil, http.MethodGet, "/sso/profile", "Authorization", "Bearer "+bad),
				"/sso/session": w.send(nil, http.MethodGet, "/sso/session", "Cookie", "__Host-rollcall="+bad),
			} {
				if o := a.object(t); a.status != http.StatusUnauthorized || len(o) != 2 ||
					strings.Contains(a.body, "revoked") {
					t.Errorf("%s with %.20s… answers %d %v", path, bad, a.status, o)
				}
			}
		}
		if a := w.send(nil, http.MethodGet, "/sso/profile", "Authorization", "Bearer "+token); a.object(t)["reason"] !=
			"revoked" {
			t.Errorf("the token itself: %s", a.body)
		}
	})
}

// TestTokenThatEndsWithoutAnEvent learns the reason as well.
func TestTokenThatEndsWithoutAnEvent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		reason string
		end    func(w *world, b *browser, token string)
	}{
		{"signed_out", func(w *world, b *browser, token string) { b.get(w.logoutURL(w.profile(token)["id"])) }},
		{"expired", func(w *world, _ *browser, _ string) { w.clock.Advance(25 * time.Hour) }},
		{"idle", func(w *world, _ *browser, _ string) { w.clock.Advance(6 * time.Minute) }},
		{"withdrawn", func(w *world, _ *browser, _ string) {
			for _, d := range w.domains() {
				must(w.t, organization.In(w.org).DeleteDomain(w.t.Context(), d))
			}
		}},
		{"", func(w *world, _ *browser, _ string) {
			must(w.t, organization.Across(w.store).DeleteApplication(w.t.Context(), w.app.ID))
		}},
	} {
		t.Run("reason "+c.reason, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, w *world) {
				w.activate(w.tenant)
				if c.reason == "idle" {
					w.settings(w.tenant, func(g *organization.OrganizationFields) {
						g.Settings.SessionIdleSeconds = 300
					})
				}
				b := w.browser()
				token := w.token(w.tenant, b, ada(w.tenant))
				c.end(w, b, token)
				learns := func(want string) {
					t.Helper()
					a := w.send(nil, http.MethodGet, "/sso/profile", "Authorization", "Bearer "+token)
					o := a.object(t)
					reason, _ := o["reason"].(string)
					if a.status != http.StatusUnauthorized || reason != want || o["event_id"] != nil {
						t.Errorf("%d %v, want %q", a.status, o, want)
					}
				}
				learns(c.reason)
				if c.reason == "withdrawn" || c.reason == "" {
					return
				}
				// What happens to the person later is another matter.
				w.clock.Advance(time.Minute)
				_, err := people.In(w.org).RevokeSessions(t.Context(), w.user(w.tenant, ada(w.tenant).UserName).ID)
				must(t, err)
				learns(c.reason)
			})
		})
	}
}

// domains are the stored ids of the organization's domains.
func (w *world) domains() (ids []string) {
	w.t.Helper()
	all, err := organization.In(w.org).Domains(w.t.Context())
	must(w.t, err)
	for _, d := range all {
		ids = append(ids, d.ID)
	}
	return ids
}
