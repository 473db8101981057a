package sso_test

import (
	"encoding/json"
	"net/http"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/testidp"
)

// scimDirectory is a directory of a tenant with its bearer token.
type scimDirectory struct {
	w     *world
	id    string
	url   string
	token string
}

// newDirectory connects the tenant's directory by SCIM.
func (w *world) newDirectory(n tenant, kind string) scimDirectory {
	w.t.Helper()
	d, token, err := directory.In(n.org).CreateDirectory(w.t.Context(), "Staff", kind)
	must(w.t, err)
	return scimDirectory{w, d.ID, "/scim/v2/" + model.DirectoryPrefix.ID(d.ID), token}
}

// call sends a SCIM request and demands its status.
func (d scimDirectory) call(method, path string, status int, body any) map[string]any {
	d.w.t.Helper()
	text, err := json.Marshal(body)
	must(d.w.t, err)
	a := d.w.send(nil, method, d.url+path, "Authorization", "Bearer "+d.token,
		"Content-Type", "application/scim+json", "", string(text))
	if a.status != status {
		d.w.t.Fatalf("%s %s: %d %s", method, path, a.status, a.body)
	}
	if a.body == "" {
		return nil
	}
	return a.object(d.w.t)
}

// provision creates a person and returns the id that SCIM has of them.
func (d scimDirectory) provision(userName, externalID string, who testidp.Person) string {
	d.w.t.Helper()
	return d.call(http.MethodPost, "/Users", http.StatusCreated, map[string]any{
		"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": userName,
		"externalId": externalID, "active": true,
		"name":   map[string]string{"givenName": who.GivenName, "familyName": who.FamilyName},
		"emails": []map[string]any{{"value": who.UserName, "type": "work", "primary": true}},
	})["id"].(string)
}

// setActive assigns or unassigns a person.
func (d scimDirectory) setActive(id string, active bool) {
	d.w.t.Helper()
	d.call(http.MethodPatch, "/Users/"+id, http.StatusOK, map[string]any{
		"schemas":    []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"},
		"Operations": []map[string]any{{"op": "replace", "path": "active", "value": active}},
	})
}

// event is one of the feed.
type event struct {
	Event   string         `json:"event"`
	Data    map[string]any `json:"data"`
	Context struct {
		Actor struct{ ID, Source string }
	} `json:"context"`
}

// events are the application's feed from its beginning, as it reads them.
func (w *world) events() []event {
	w.t.Helper()
	var all []event
	for after := ""; ; {
		a := w.send(nil, http.MethodGet, "/events?limit=100"+after, "Authorization", "Bearer "+w.secret)
		var page struct {
			Data []struct {
				ID string
				event
			}
			Metadata struct{ After *string } `json:"list_metadata"`
		}
		if err := json.Unmarshal([]byte(a.body), &page); err != nil || a.status != http.StatusOK {
			w.t.Fatalf("%d %s: %v", a.status, a.body, err)
		}
		for _, e := range page.Data {
			all = append(all, e.event)
		}
		if page.Metadata.After == nil {
			return all
		}
		after = "&after=" + *page.Metadata.After
	}
}
