package scim_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/people"
)

// dialect is one way to set active.
type dialect struct {
	name   string
	method string
	body   func(o *tenant, active bool) string
}

// dialects are the ways of known identity providers.
var dialects = []dialect{
	{"PATCH with a path", http.MethodPatch, operations(`[{"op":"replace","path":"active","value":%t}]`)},
	{"PATCH without a path, as Okta sends it", http.MethodPatch,
		operations(`[{"op":"replace","value":{"active":%t}}]`)},
	{"PATCH with a path and a string, as Entra sends it", http.MethodPatch,
		quoted(operations(`[{"op":"Replace","path":"active","value":%t}]`))},
	{"PATCH without a path and with a string", http.MethodPatch,
		quoted(operations(`[{"op":"Replace","value":{"active":%t}}]`))},
	{"PATCH by the full name of the attribute", http.MethodPatch,
		operations(`[{"op":"Add","path":"` + coreUser + `:ACTIVE","value":%t}]`)},
	{"PATCH among other changes", http.MethodPatch,
		operations(`[{"op":"replace","path":"title","value":"Driver"},{"op":"replace","path":"active","value":%t}]`)},
	{"PUT", http.MethodPut, put},
	{"PUT with a string", http.MethodPut, quoted(put)},
}

// operations makes a PATCH body of a format for a boolean.
func operations(format string) func(*tenant, bool) string {
	return func(_ *tenant, active bool) string { return patchOf(fmt.Sprintf(format, active)) }
}

func put(o *tenant, active bool) string {
	return strings.Replace(post("ada", o.mail("ada")), `"active":true`, fmt.Sprintf(`"active":%t`, active), 1)
}

// quoted sends the boolean as a string, as Entra does.
func quoted(body func(*tenant, bool) string) func(*tenant, bool) string {
	return func(o *tenant, active bool) string {
		return strings.NewReplacer(":true", `:"True"`, ":false", `:"False"`).Replace(body(o, active))
	}
}

// TestDeactivation tests the row active:false of docs/design/identity.md, "Leaving", in every
// dialect. Access ends at once, and the user can be activated again with the same data.
func TestDeactivation(t *testing.T) {
	t.Parallel()
	var tests []tenantTest
	for _, d := range dialects {
		tests = append(tests, tenantTest{d.name, func(o *tenant) { deactivate(o, d) }})
	}
	eachTenant(t, tests)
}

func deactivate(o *tenant, d dialect) {
	id := o.create("/Users", post("ada", o.mail("ada")))
	group := o.group("Drivers", id)
	// The user is the only administrator. A directory may deactivate that user, too.
	if _, err := people.In(o.org).SetRole(o.t.Context(), id, people.Admin); err != nil {
		o.t.Fatal(err)
	}
	o.happened()
	before := o.row(id)

	send := func(active bool) {
		o.t.Helper()
		a := o.want(200, d.method, "/Users/"+id, d.body(o, active))
		if a.body["id"] != id || a.body["active"] != active || a.path("groups", 0, "value") != group {
			o.t.Errorf("answer %s", a.text)
		}
		if diff := cmp.Diff(a.body, o.want(200, "GET", "/Users/"+id, "").body); diff != "" {
			o.t.Errorf("GET after %s (-answer +GET):\n%s", d.name, diff)
		}
		if got := o.want(200, "GET", "/Groups/"+group, "").path("members", 0, "value"); got != id {
			o.t.Errorf("the group's member is %v", got)
		}
		o.owned(id, people.Admin, active)
	}

	send(false)
	left := o.row(id)
	if left.Epoch <= before.Epoch || left.InactiveReason != people.Deprovisioned {
		o.t.Errorf("epoch %d after %d, reason %q", left.Epoch, before.Epoch, left.InactiveReason)
	}
	flagged := o.by(people.OrganizationWithoutAdmin, id)
	flagged.Subject = model.OrganizationPrefix.ID(string(o.org.ID))
	events := o.expect(o.by(people.DirectoryUserUpdated, id), o.ended(id, people.EndedDeprovisioned), flagged)
	if len(events) == 3 {
		o.tellsOfLeaving(id, events[0], events[1])
	}

	send(false) // again, without another event
	if got := o.row(id); got.Epoch != left.Epoch || got.InactiveReason != people.Deprovisioned {
		o.t.Errorf("epoch %d after %d, reason %q", got.Epoch, left.Epoch, got.InactiveReason)
	}
	o.expect()

	send(true)
	back := o.row(id)
	if back.Epoch < left.Epoch || back.InactiveReason != "" {
		o.t.Errorf("epoch %d after %d, reason %q", back.Epoch, left.Epoch, back.InactiveReason)
	}
	o.expect(o.by(people.DirectoryUserUpdated, id))
}

// tellsOfLeaving checks the two events of a deactivation.
func (o *tenant) tellsOfLeaving(id string, updated, ended model.Event) {
	o.t.Helper()
	u := eventData(o.t, updated)
	previous, _ := u["previous_attributes"].(map[string]any)
	if u["id"] != model.DirectoryUserPrefix.ID(id) || u["state"] != "inactive" || previous["state"] != "active" {
		o.t.Errorf("%s says %s", updated.Type, updated.Data)
	}
	want := map[string]any{
		"user_id":           model.UserPrefix.ID(id),
		"directory_user_id": model.DirectoryUserPrefix.ID(id),
		"profile_ids":       []any{},
		"organization_id":   model.OrganizationPrefix.ID(string(o.id)),
		"reason":            "deprovisioned",
		"actor":             string(o.directory.Actor()),
	}
	if diff := cmp.Diff(want, eventData(o.t, ended)); diff != "" {
		o.t.Errorf("%s (-want +got):\n%s", ended.Type, diff)
	}
}

func TestInactiveUsers(t *testing.T) {
	t.Parallel()
	eachTenant(t, []tenantTest{
		{"created inactive: deprovisioned, and there was no access to end", func(o *tenant) {
			id := o.create("/Users", `{"userName":"ada","active":false}`)
			o.owned(id, people.Member, false)
			if got := o.row(id).InactiveReason; got != people.Deprovisioned {
				o.t.Errorf("reason %q", got)
			}
			o.expect(o.by(people.DirectoryUserCreated, id))
		}},
		{"created again while inactive: 409, and still inactive", func(o *tenant) {
			id := o.create("/Users", `{"userName":"ada","active":false}`)
			o.happened()
			refused(o.t, o.do("POST", "/Users", `{"userName":"ADA","active":true}`), 409, "uniqueness", "userName")
			o.owned(id, people.Member, false)
			o.expect()
		}},
		{"another change while inactive: still inactive", func(o *tenant) {
			id := o.create("/Users", `{"userName":"ada","active":false}`)
			epoch := o.row(id).Epoch
			o.happened()
			o.want(200, "PATCH", "/Users/"+id, patchOf(`[{"op":"Replace","path":"title","value":"Driver"}]`))
			o.owned(id, people.Member, false)
			if got := o.row(id).Epoch; got < epoch {
				o.t.Errorf("epoch %d after %d", got, epoch)
			}
			o.expect(o.by(people.DirectoryUserUpdated, id))
		}},
		{"PUT without active, or with null: still inactive, and the same changes nothing", func(o *tenant) {
			id := o.create("/Users", `{"userName":"ada","active":false}`)
			o.happened()
			for _, body := range []string{`{"userName":"ada"}`, `{"userName":"ada","active":null}`,
				`{"userName":"ada","active":""}`} {
				if a := o.want(200, "PUT", "/Users/"+id, body); a.body["active"] != false ||
					a.path("meta", "version") != `W/"1"` {
					o.t.Errorf("answer %s", a.text)
				}
			}
			o.owned(id, people.Member, false)
			o.expect()
			o.want(200, "PUT", "/Users/"+id, `{"userName":"ada","active":true}`)
			o.owned(id, people.Member, true)
		}},
	})
}

// TestDeletion tests the row SCIM DELETE of docs/design/identity.md, "Leaving".
func TestDeletion(t *testing.T) {
	t.Parallel()
	eachTenant(t, []tenantTest{
		{"the row is gone, its id is 404, and its groups lose a member", func(o *tenant) {
			id := o.create("/Users", post("ada", o.mail("ada")))
			other := o.create("/Users", post("ben", o.mail("ben")))
			group := o.group("Drivers", id, other)
			o.happened()
			if a := o.want(204, "DELETE", "/Users/"+id, ""); a.text != "" {
				o.t.Errorf("answer %q", a.text)
			}
			if _, err := people.In(o.org).User(o.t.Context(), id); model.KindOf(err) != model.NotFound {
				o.t.Errorf("the row is there: %v", err)
			}
			for _, request := range [][2]string{
				{http.MethodGet, ""}, {http.MethodPut, post("ada", o.mail("ada"))},
				{http.MethodPatch, patchOf(`[{"op":"replace","path":"active","value":true}]`)}, {http.MethodDelete, ""},
			} {
				refused(o.t, o.do(request[0], "/Users/"+id, request[1]), 404, "", id)
			}
			a := o.want(200, "GET", "/Groups/"+group, "")
			if members, _ := a.body["members"].([]any); len(members) != 1 || a.path("members", 0, "value") != other {
				o.t.Errorf("members %v", members)
			}
			events := o.expect(o.by(people.DirectoryUserDeleted, id), o.ended(id, people.EndedDeleted))
			if len(events) == 2 && eventData(o.t, events[1])["directory_user_id"] != model.DirectoryUserPrefix.ID(id) {
				o.t.Errorf("%s says %s", events[1].Type, events[1].Data)
			}
		}},
		{"the last administrator: obeyed", func(o *tenant) {
			id := o.create("/Users", post("ada", o.mail("ada")))
			if _, err := people.In(o.org).SetRole(o.t.Context(), id, people.Admin); err != nil {
				o.t.Fatal(err)
			}
			o.want(204, "DELETE", "/Users/"+id, "")
			o.finds("/Users")
		}},
		{"the userName is free: a later create is another user, and a member", func(o *tenant) {
			id := o.create("/Users", post("ada", o.mail("ada")))
			if _, err := people.In(o.org).SetRole(o.t.Context(), id, people.Admin); err != nil {
				o.t.Fatal(err)
			}
			o.want(204, "DELETE", "/Users/"+id, "")
			o.happened()
			again := o.create("/Users", post("ada", o.mail("ada")))
			if again == id {
				o.t.Error("the id is the old one")
			}
			o.owned(again, people.Member, true)
			o.expect(o.by(people.DirectoryUserCreated, again))
		}},
	})
}

// TestDirectoryDeletion tests the row of docs/design/identity.md, "Leaving", about the deletion of
// a directory.
func TestDirectoryDeletion(t *testing.T) {
	t.Parallel()
	// remove makes an active and an inactive user in a group, and deletes the directory.
	remove := func(o *tenant) (active, inactive *people.User) {
		first, second := o.create("/Users", post("ada", o.mail("ada"))), o.create("/Users", post("ben", o.mail("ben")))
		o.group("Drivers", first, second)
		o.want(200, "PATCH", "/Users/"+second, patchOf(`[{"op":"replace","path":"active","value":false}]`))
		active, inactive = o.row(first), o.row(second)
		o.happened()
		if err := directory.In(o.org).DeleteDirectory(o.t.Context(), o.directory.ID); err != nil {
			o.t.Fatal(err)
		}
		return active, inactive
	}
	eachTenant(t, []tenantTest{
		{"its token opens nothing", func(o *tenant) {
			remove(o)
			refused(o.t, o.do("GET", "/Users", ""), 401, "")
		}},
		{"its active users become unowned and inactive, and their access ends", func(o *tenant) {
			before, _ := remove(o)
			u := o.row(before.ID)
			if u.DirectoryID != nil || u.Active || u.InactiveReason != people.DirectoryRemoved ||
				u.Epoch <= before.Epoch {
				o.t.Errorf("owned by %v, active %t, reason %q, epoch %d after %d", u.DirectoryID, u.Active,
					u.InactiveReason, u.Epoch, before.Epoch)
			}
		}},
		{"its inactive users become unowned and keep their reason", func(o *tenant) {
			_, before := remove(o)
			u := o.row(before.ID)
			if u.DirectoryID != nil || u.Active || u.InactiveReason != people.Deprovisioned || u.Epoch < before.Epoch {
				o.t.Errorf("owned by %v, active %t, reason %q, epoch %d after %d", u.DirectoryID, u.Active,
					u.InactiveReason, u.Epoch, before.Epoch)
			}
		}},
		{"one event tells of it, and none of each user without a live session", func(o *tenant) {
			remove(o)
			o.expect(happening{Type: directory.DirectoryDeleted, Subject: model.DirectoryPrefix.ID(o.directory.ID),
				Actor: operatorActor})
		}},
		{"a new directory finds its users, and adopts them with their ids", func(o *tenant) {
			active, inactive := remove(o)
			o.client = o.client.client(o.id)
			o.finds("/Users")
			o.happened()
			for _, before := range []*people.User{active, inactive} {
				o.finds(filtered("/Users", fmt.Sprintf("userName eq %q", before.UserName)), before.ID)
				gone := o.row(before.ID)
				if got := o.create("/Users", post(before.UserName, before.Email)); got != before.ID {
					o.t.Errorf("created %s, want %s", got, before.ID)
				}
				o.owned(before.ID, people.Member, true)
				if u := o.row(before.ID); u.InactiveReason != "" || u.Epoch < gone.Epoch {
					o.t.Errorf("reason %q, epoch %d after %d", u.InactiveReason, u.Epoch, gone.Epoch)
				}
				o.expect(o.adopted(before.ID)...)
			}
			o.finds("/Users", active.ID, inactive.ID)
		}},
		{"a new directory that only changes a user leaves it inactive", func(o *tenant) {
			before, _ := remove(o)
			o.client = o.client.client(o.id)
			o.want(200, "PATCH", "/Users/"+before.ID, patchOf(`[{"op":"replace","path":"title","value":"Driver"}]`))
			o.owned(before.ID, people.Member, false)
		}},
		{"a new directory that replaces a user without active leaves it inactive", func(o *tenant) {
			before, _ := remove(o)
			o.client = o.client.client(o.id)
			a := o.want(200, "PUT", "/Users/"+before.ID, `{"userName":"ada.okafor"}`)
			if a.body["active"] != false || a.body["userName"] != "ada.okafor" {
				o.t.Errorf("answer %s", a.text)
			}
			o.owned(before.ID, people.Member, false)
		}},
		{"its groups are gone", func(o *tenant) {
			before, _ := remove(o)
			groups, _, err := directory.In(o.org).GroupPage(o.t.Context(),
				directory.GroupQuery{Page: model.Page{Limit: 10}})
			if err != nil || len(groups) != 0 {
				o.t.Errorf("%d groups (%v)", len(groups), err)
			}
			o.client = o.client.client(o.id)
			if a := o.want(200, "GET", "/Users/"+before.ID, ""); a.body["groups"] != nil {
				o.t.Errorf("groups %v", a.body["groups"])
			}
		}},
	})
}

// TestConsoleDeletion tests the row of docs/design/identity.md, "Leaving", about a deletion by an
// administrator of the organization.
func TestConsoleDeletion(t *testing.T) {
	t.Parallel()
	eachTenant(t, []tenantTest{
		{"the directory's user is gone, with a tombstone", func(o *tenant) {
			id := o.create("/Users", post("ada", o.mail("ada")))
			o.happened()
			if err := directory.In(o.org).DeleteUser(o.t.Context(), id); err != nil {
				o.t.Fatal(err)
			}
			refused(o.t, o.do("GET", "/Users/"+id, ""), 404, "", id)
			o.departed(true, people.Traces{UserName: "ada"})
			o.expect(
				happening{Type: people.UserDeleted, Subject: model.UserPrefix.ID(id), Actor: operatorActor},
				happening{Type: people.UserAccessEnded, Subject: model.UserPrefix.ID(id), Actor: operatorActor,
					Reason: "deleted"},
			)
		}},
		{"the last administrator: refused, and nothing changes", func(o *tenant) {
			id := o.create("/Users", post("ada", o.mail("ada")))
			if _, err := people.In(o.org).SetRole(o.t.Context(), id, people.Admin); err != nil {
				o.t.Fatal(err)
			}
			o.happened()
			if err := directory.In(o.org).DeleteUser(o.t.Context(), id); model.KindOf(err) != model.Conflict {
				o.t.Errorf("error %v", err)
			}
			o.owned(id, people.Admin, true)
			o.expect()
		}},
	})
}
