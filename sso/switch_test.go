package sso_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/refusal"
	"rollcall/testidp"
)

// switches sends a PATCH of the tenant's connection, and reads the copy of it here again.
func (w *world) switches(n tenant, body string) answer {
	w.t.Helper()
	a := w.send(nil, http.MethodPatch, "/connections/"+model.ConnectionPrefix.ID(n.connection.ID),
		"Authorization", "Bearer "+bootstrapKey, "Content-Type", "application/json", "", body)
	c, err := connection.In(n.org).Connection(w.t.Context(), n.connection.ID)
	must(w.t, err)
	*n.connection = *c
	return a
}

// isIn demands the state of the tenant's connection in an answer of the API.
func isIn(t *testing.T, a answer, state string) {
	t.Helper()
	if a.status != http.StatusOK || a.object(t)["state"] != state {
		t.Fatalf("%d %s, want %s", a.status, a.body, state)
	}
}

// TestConnectionIsSwitchedOff ends the access of those who signed in by it, and lets nobody in
// until it is switched on.
func TestConnectionIsSwitchedOff(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		w.update(w.tenant, func(c *connection.ConnectionFields) { c.AllowIDPInitiated = true })
		b := w.browser()
		token := w.token(w.tenant, b, ada(w.tenant))
		begun, waiting := w.browser(), w.browser()
		late := w.tenant.answer(t, begun.get(w.authorize(w.tenant)), person(w.tenant, 1), testidp.ResponseOptions{})
		test := w.tenant.answer(t, waiting.get(w.sp(w.connection, "/login")), person(w.tenant, 1),
			testidp.ResponseOptions{})
		before := len(w.events())

		isIn(t, w.switches(w.tenant, `{"state":"inactive"}`), "inactive")
		if w.profile(token) != nil || b.signedIn() {
			t.Error("whoever had signed in still is")
		}
		if got := w.typesSince(before); !slices.Equal(got, []string{"connection.deactivated", "user.access_ended"}) {
			t.Errorf("events %v", got)
		}
		acs := w.sp(w.connection, "/acs")
		w.refused(w.tenant, begun.post(acs, late), string(refusal.ConnectionIsInactive))
		w.refused(w.tenant, waiting.post(acs, test), string(refusal.ConnectionIsInactive))
		unasked := w.browser().post(acs, w.unasked(t, ada(w.tenant), ""))
		w.refused(w.tenant, unasked, string(refusal.ConnectionIsInactive))
		if a := w.browser().get(w.authorize(w.tenant)); a.location.Query().Get("error") != "connection_unlinked" ||
			!strings.Contains(a.location.Query().Get("error_description"), "switched off") {
			t.Errorf("the application is told %s", a.location)
		}
		organization := w.authorize(w.tenant, "connection", "", "organization",
			model.OrganizationPrefix.ID(string(w.org.ID)))
		if a := w.browser().get(organization); a.location.Query().Get("error") != "organization_invalid" {
			t.Errorf("for the organization it is told %s", a.location)
		}
		if a := w.browser().get(w.sp(w.connection, "/login")); a.status != http.StatusForbidden ||
			!strings.Contains(a.body, "switched off") || len(a.header.Values("Set-Cookie")) > 0 {
			t.Errorf("the login address: %d %s", a.status, a.body)
		}
		before = len(w.events())
		isIn(t, w.switches(w.tenant, `{"state":"inactive"}`), "inactive")
		isIn(t, w.switches(w.tenant, `{"name":"Renamed"}`), "inactive")
		if got := w.typesSince(before); len(got) > 0 {
			t.Errorf("a second time: %v", got)
		}

		isIn(t, w.switches(w.tenant, `{"state":"active"}`), "active")
		if got := w.typesSince(before); !slices.Equal(got, []string{"connection.activated"}) {
			t.Errorf("events %v", got)
		}
		if w.profile(token) != nil || b.signedIn() {
			t.Error("an old session lives again")
		}
		if w.profile(w.token(w.tenant, w.browser(), ada(w.tenant))) == nil {
			t.Error("nobody signs in after it is on again")
		}
	})
}

// TestConnectionIsOffWhateverChanges: only the switch turns it on.
func TestConnectionIsOffWhateverChanges(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		isIn(t, w.switches(w.tenant, `{"state":"inactive"}`), "inactive")
		w.update(w.tenant, func(c *connection.ConnectionFields) { c.IDPEntityID = "https://other.example/" })
		w.update(w.tenant, func(c *connection.ConnectionFields) { c.IDPEntityID = w.idp.SAMLEntityID() })
		if w.connection.State != connection.ConnectionInactive || w.connection.TestedAt != nil {
			t.Errorf("with another identity provider it is %s", w.connection.State)
		}
		if a := w.browser().get(w.sp(w.connection, "/login")); a.status != http.StatusForbidden {
			t.Errorf("the login address: %d", a.status)
		}
	})
}

// TestDraftIsActivatedByHand after a login has tested it, where the first login does not do that.
func TestDraftIsActivatedByHand(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		tested := func(a answer) any { return a.object(t)["rollcall"].(map[string]any)["tested_at"] }
		for _, body := range []string{`{"state":"active"}`, `{"state":"drafts","name":"x"}`, `{"state":"validating"}`,
			`{"state":null}`, `{"state":true}`, `{"state":"inactive","names":"x"}`} {
			if a := w.switches(w.tenant, body); a.status != http.StatusUnprocessableEntity ||
				w.connection.State != connection.ConnectionDraft || w.connection.Name != "Northwind" {
				t.Errorf("%s: %d %s", body, a.status, a.body)
			}
		}
		isIn(t, w.switches(w.tenant, `{"state":"draft"}`), "draft")
		a := w.switches(w.tenant, `{"activate_on_first_login":false}`)
		if isIn(t, a, "draft"); tested(a) != nil {
			t.Errorf("tested at %v", tested(a))
		}
		before := len(w.events())
		w.activate(w.tenant)
		if got := w.typesSince(before); len(got) > 0 {
			t.Errorf("the test login does more than test: %v", got)
		}
		if a = w.switches(w.tenant, `{}`); tested(a) == nil || w.connection.TestedAt == nil {
			t.Error("the test login is not noted")
		}
		isIn(t, a, "draft")
		if a := w.browser().get(w.authorize(w.tenant)); a.location.Query().Get("error") != "connection_unlinked" {
			t.Errorf("an application is told %s", a.location)
		}
		w.activate(w.tenant) // as often as one likes
		a = w.switches(w.tenant, `{"state":"active"}`)
		if isIn(t, a, "active"); tested(a) == nil {
			t.Error("an active connection forgets its test")
		}
		w.token(w.tenant, w.browser(), ada(w.tenant))
	})
}

// TestUnfinishedConnection has our addresses for the identity provider, and signs nobody in before
// it knows that one.
func TestUnfinishedConnection(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		o := w.api(http.MethodPost, "/connections", map[string]any{"connection_type": "GenericSAML", "name": "Later",
			"organization_id": model.OrganizationPrefix.ID(string(w.org.ID))})
		saml := o["saml"].(map[string]any)
		if saml["idp_entity_id"] != nil || saml["idp_sso_url"] != nil || o["state"] != "draft" {
			t.Errorf("%v", o)
		}
		id, _ := model.ConnectionPrefix.Parse(o["id"].(string))
		c, err := connection.In(w.org).Connection(t.Context(), id)
		must(t, err)
		n := tenant{org: w.org, idp: w.idp, connection: c}
		if a := w.browser().get(saml["sp_metadata_url"].(string)); a.status != http.StatusOK ||
			!strings.Contains(a.body, saml["acs_url"].(string)) {
			t.Errorf("our metadata: %d %s", a.status, a.body)
		}
		if a := w.browser().get(w.sp(c, "/login")); a.status != http.StatusForbidden ||
			!strings.Contains(a.body, "identity provider") {
			t.Errorf("the login address: %d %s", a.status, a.body)
		}
		must(t, w.idp.ConnectSAML(saml["sp_entity_id"].(string), saml["acs_url"].(string)))
		w.refused(n, w.browser().post(w.sp(c, "/acs"), n.unasked(t, ada(n), "")), string(refusal.ConnectionUnfinished))
		if a := w.browser().get(w.sp(c, "/slo?SAMLRequest=x")); a.status < 400 || a.status >= 500 {
			t.Errorf("a logout: %d", a.status)
		}
		if a := w.switches(n, `{"state":"active"}`); a.status != http.StatusUnprocessableEntity {
			t.Errorf("%d %s", a.status, a.body)
		}
		w.api(http.MethodPatch, "/connections/"+o["id"].(string), map[string]any{
			"saml": map[string]any{"idp_metadata_xml": string(w.idp.SAMLMetadata())}})
		w.activate(n)
		isIn(t, w.switches(n, `{}`), "active")
		if a := w.switches(n, `{"saml":{"idp_entity_id":"","idp_sso_url":"","idp_certificates":[]}}`); a.status !=
			http.StatusUnprocessableEntity {
			t.Errorf("an active connection forgets its identity provider: %d %s", a.status, a.body)
		}
	})
}

// TestUnfinishedOpenIDConnection is the same over OpenID Connect.
func TestUnfinishedOpenIDConnection(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		o := w.api(http.MethodPost, "/connections", map[string]any{"connection_type": "GenericOIDC", "name": "Later",
			"organization_id": model.OrganizationPrefix.ID(string(w.org.ID))})
		known := o["oidc"].(map[string]any)
		if known["issuer"] != nil || known["client_id"] != nil || known["redirect_uri"] == "" {
			t.Errorf("%v", o)
		}
		base := strings.TrimSuffix(known["redirect_uri"].(string), "/callback")
		for _, path := range []string{"/login", "/login?iss=https://idp.example", "/callback?code=x&state=y"} {
			if a := w.browser().get(base + path); a.status < 400 || a.status >= 500 {
				t.Errorf("%s: %d %s", path, a.status, a.body)
			}
		}
	})
}
