package api_test

import (
	"strings"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/setup"
)

// redeem opens a link as a browser does.
func (w *world) redeem(link string) (*setup.Visitor, error) {
	w.t.Helper()
	_, token, found := strings.Cut(link, publicURL+"/setup/")
	if !found || len(token) != 43 {
		w.t.Fatalf("the link is %q", link)
	}
	_, visit, err := setup.Across(w.store).Redeem(w.t.Context(), token, setup.Sender{Address: "192.0.2.1",
		Browser: "Firefox"})
	if err != nil {
		return nil, err
	}
	return setup.Across(w.store).Visitor(w.t.Context(), visit)
}

// TestGenerateLink in the shape of the reference: each intent opens its own steps, and none of them
// changes who can sign in.
func TestGenerateLink(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		g := w.tenant(w.client, "contoso").organization
		app := w.application("all")
		for intent, want := range map[string]string{
			"sso": "domains sso", "dsync": "directory token", "domain_verification": "domains",
			"certificate_renewal": "certificate",
		} {
			o := app.want(201, "POST", "/portal/generate_link", object{"organization": g, "intent": intent,
				"return_url": "https://app.example/settings", "success_url": "https://app.example/done"})
			v := must[*setup.Visitor](t)(w.redeem(o.text("link")))
			var scopes []string
			for _, s := range v.Link.Scopes {
				scopes = append(scopes, string(s))
			}
			if got := strings.Join(scopes, " "); got != want || len(o) != 1 {
				t.Errorf("%s: scopes %q of %v", intent, got, o)
			}
			days := (v.Link.ExpiresAt - v.Link.CreatedAt) / model.Time((24 * time.Hour).Milliseconds())
			if days != 14 ||
				v.Link.ReturnURL != "https://app.example/settings" || v.Link.SuccessURL != "https://app.example/done" ||
				!strings.HasPrefix(string(v.Link.CreatedBy), "application:app_") {
				t.Errorf("%s: %+v", intent, v.Link)
			}
		}
		for field, body := range map[string]object{
			"intent":            {"organization": g, "intent": "audit_logs"},
			"organization":      {"intent": "sso"},
			"it_contact_emails": {"organization": g, "intent": "sso", "it_contact_emails": []string{"a@b.example"}},
			"return_url":        {"organization": g, "intent": "sso", "return_url": "javascript:alert(1)"},
			"success_url":       {"organization": g, "intent": "sso", "success_url": "http://app.example"},
		} {
			if o := app.want(422, "POST", "/portal/generate_link", body); o.text("errors.0.field") != field {
				t.Errorf("%s: %v", field, o)
			}
		}
		app.want(422, "POST", "/portal/generate_link", object{"organization": g})
		app.want(404, "POST", "/portal/generate_link", object{"organization": "org_unknown", "intent": "sso"})
		other := w.application([]string{})
		other.want(404, "POST", "/portal/generate_link", object{"organization": g, "intent": "sso"})
	})
}

// TestSetupLinks are made, listed with who opened them, and revoked.
func TestSetupLinks(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		g := w.tenant(w.client, "contoso").organization
		path := "/organizations/" + g + "/setup_links"
		made := w.want(201, "POST", path, object{"scopes": []string{"enforce", "sso", "domains"}, "note": "for Ada",
			"return_url": "https://app.example/", "expires_at": time.Now().Add(48 * time.Hour).Format(time.RFC3339)})
		for member, want := range map[string]string{"object": "setup_link", "state": "open", "scopes.0": "domains",
			"scopes.2": "enforce", "note": "for Ada", "organization_id": g, "created_by": "operator:bootstrap"} {
			if got := made.text(member); got != want {
				t.Errorf("%s is %q: %v", member, got, made)
			}
		}
		if !strings.HasPrefix(made.text("id"), "setup_") {
			t.Errorf("the id is %q", made.text("id"))
		}
		must[*setup.Visitor](t)(w.redeem(made.text("url")))
		second := w.want(201, "POST", path, object{"scopes": []string{"token"}})
		list := w.get(path + "?limit=1")
		if list.text("data.0.id") != second.text("id") || list.text("list_metadata.after") != second.text("id") ||
			len(list.data()[0]["visits"].([]any)) != 0 {
			t.Errorf("the first page is %v", list)
		}
		list = w.get(path + "?limit=1&after=" + second.text("id"))
		if list.text("data.0.visits.0.browser") != "Firefox" || list.at("data.0.visits.0.redeemed") != true ||
			list.text("data.0.url") != "" {
			t.Errorf("the second page is %v", list)
		}
		reach := w.application([]string{})
		for _, c := range []*client{reach, w.as("sk_unknown")} {
			for _, r := range [][2]string{{"GET", path}, {"POST", path}, {"DELETE", "/setup_links/" +
				made.text("id")}} {
				var body any
				if r[0] == "POST" {
					body = object{"scopes": []string{"sso"}}
				}
				if status, _, o := c.send(r[0], r[1], body); status != 404 && status != 401 {
					t.Errorf("%s %s: %d %v", r[0], r[1], status, o)
				}
			}
		}
		for range 2 { // revoking again changes nothing
			w.want(204, "DELETE", "/setup_links/"+made.text("id"), nil)
		}
		if _, err := w.redeem(made.text("url")); model.KindOf(err) != model.Denied {
			t.Errorf("redeemed after it was revoked: %v", err)
		}
		if o := w.get(path); o.text("data.1.state") != "revoked" || o.text("data.1.revoked_at") == "" {
			t.Errorf("after revoking: %v", o)
		}
		w.want(404, "DELETE", "/setup_links/setup_unknown", nil)
		events := w.get("/events?events=setup_link.created,setup_link.redeemed,setup_link.revoked&organization_id=" + g)
		if n := len(events.data()); n != 4 || events.text("data.1.data.object") != "setup_link" ||
			!strings.HasPrefix(events.text("data.1.context.actor.id"), "setup_") {
			t.Errorf("events %v", events)
		}
	})
}

func TestRefusedSetupLinks(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		g := w.tenant(w.client, "contoso").organization
		sso := []string{"sso"}
		for field, body := range map[string]object{
			"scopes":     {},
			"intent":     {"scopes": sso, "intent": "sso"},
			"expires_at": {"scopes": sso, "expires_at": "2020-01-01T00:00:00Z"},
			"note":       {"scopes": sso, "note": strings.Repeat("x", 501)},
			"return_url": {"scopes": sso, "return_url": "ftp://app.example"},
		} {
			if o := w.want(422, "POST", "/organizations/"+g+"/setup_links", body); o.text("errors.0.field") != field {
				t.Errorf("%s: %v", field, o)
			}
		}
		for _, body := range []object{{"scopes": []string{"admin"}}, {"scopes": []string{}}, {"scopes": "sso"},
			{"scopes": sso, "expires_at": time.Now().Add(91 * 24 * time.Hour).Format(time.RFC3339)},
			{"scopes": sso, "expires_at": "tomorrow"}} {
			w.want(422, "POST", "/organizations/"+g+"/setup_links", body)
		}
	})
}
