package api_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/entitle"
	"rollcall/model/modeltest"
	"rollcall/model/people"
	"rollcall/model/store"
)

// eachAt is each with a clock that the test advances.
func eachAt(t *testing.T, test func(t *testing.T, w *world, clock *modeltest.Clock)) {
	t.Helper()
	clock := modeltest.NewClock()
	modeltest.EachWith(t, store.Options{Now: clock.Now}, func(t *testing.T, store *store.Store) {
		test(t, start(t, store), clock)
	})
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	eachAt(t, func(t *testing.T, w *world, clock *modeltest.Clock) {
		tenant := w.tenant(w.client, "contoso")
		organization := "/organizations/" + tenant.organization
		work := func() {
			t.Helper()
			clock.Advance(3 * time.Second)
			must[int](t)(entitle.NewRecomputer(entitle.Across(w.store)).RunOnce(context.WithoutCancel(t.Context())))
		}
		w.want(404, "GET", organization+"/recompute", nil)
		account := w.want(201, "POST", "/accounts",
			object{"organization_id": tenant.organization, "name": "Workspace", "seats": 1})
		if account.at("seats") != 1.0 || account.at("seats_used") != 0.0 || account.text("object") != "account" {
			t.Errorf("the account is %v", account)
		}
		path := "/accounts/" + account.text("id")
		ada, alan := tenant.user(w, "ada@contoso.example"), tenant.user(w, "alan@contoso.example")
		staff := tenant.group(w, "Staff", ada.ID, alan.ID)
		group := w.want(201, "POST", path+"/groups", object{"name": "Editors", "permissions": []string{"edit"},
			"mappings": []object{{"directory_group_id": model.DirectoryGroupPrefix.ID(staff.ID)}}})
		groups := path + "/groups/" + group.text("id")
		connection := w.connect(w.client, tenant.organization, object{"accounts": []string{account.text("id")}})
		if connection.at("accounts.0") != account.text("id") {
			t.Errorf("the connection is %v", connection)
		}
		tenant.signIn(w, connection.text("id"), ada.ExternalID, "ada@contoso.example")
		work()
		r := w.get(organization + "/recompute")
		if r.text("state") != "done" || r.at("total") != r.at("done") || r.at("finished_at") == nil {
			t.Errorf("the progress is %v", r)
		}
		licenses := w.get("/licenses?organization_id=" + tenant.organization)
		if len(licenses.data()) != 2 {
			t.Fatalf("the licenses are %v", licenses)
		}
		granted := w.get("/licenses?state=granted&organization_id=" + tenant.organization).data()
		if len(granted) != 1 || granted[0].text("user_id") != model.UserPrefix.ID(ada.ID) ||
			granted[0].text("cause") != "sign_on" ||
			granted[0].at("sources.0") != "rule" {
			t.Errorf("granted are %v", granted)
		}
		w.get("/licenses/" + granted[0].text("id"))
		waiting := w.get("/licenses?state=waiting&user_id=" + model.UserPrefix.ID(alan.ID) + "&organization_id=" +
			tenant.organization).data()
		if len(waiting) != 1 {
			t.Errorf("waiting are %v", waiting)
		}
		if in := w.get(groups + "/users").data(); len(in) != 2 || in[0].text("object") != "group_assignment" {
			t.Errorf("in the group are %v", in)
		}
		w.want(409, "PATCH", path, object{"seats": 0})
		if a := w.want(200, "PATCH", path, object{"seats": nil}); a.at("seats_used") != 2.0 {
			t.Errorf("without a limit it is %v", a)
		}
		testPreview(t, w, organization, account, group, ada)

		var told []string
		for _, e := range w.get(
			"/events?limit=100&events=license.granted,license.waiting,group.assigned&organization_id=" +
				tenant.organization).data() {
			told = append(told, e.text("event")+" "+e.text("data.cause"))
		}
		slices.Sort(told)
		want := "group.assigned configuration, group.assigned sign_on, license.granted seat, license.granted " +
			"sign_on, " +
			"license.waiting configuration"
		if strings.Join(told, ", ") != want {
			t.Errorf("told is %v", told)
		}
		w.want(200, "DELETE", groups+"/mappings?directory_group_id="+model.DirectoryGroupPrefix.ID(staff.ID), nil)
		work()
		if in := w.get(groups + "/users").data(); len(in) != 0 {
			t.Errorf("in the group without a mapping are %v", in)
		}
		w.want(204, "DELETE", groups, nil)
		w.want(204, "DELETE", path, nil)
		if c := w.get("/connections/" + connection.text("id")); len(c.at("accounts").([]any)) != 0 {
			t.Errorf("the connection has %v", c.at("accounts"))
		}
	})
}

func testPreview(t *testing.T, w *world, organization string, account, group object, ada *people.User) {
	t.Helper()
	p := w.want(200, "POST", organization+"/entitlement_preview?limit=1", object{
		"groups":       []object{{"id": group.text("id"), "mappings": []object{}}},
		"role_mapping": object{"name": "staff"}})
	if p.at("users") != 2.0 || p.at("groups.0.lost") != 2.0 || p.at("admins.gained") != 2.0 || len(p.data()) != 1 ||
		p.text("list_metadata.after") == "" {
		t.Errorf("the preview is %v", p)
	}
	if p.text("data.0.user_id") != model.UserPrefix.ID(ada.ID) || p.at("data.0.groups.lost.0") != group.text("id") ||
		p.text("data.0.role.to") != "admin" {
		t.Errorf("the preview of the first user is %v", p.at("data.0"))
	}
	next := w.want(200, "POST", organization+"/entitlement_preview?limit=1&after="+p.text("list_metadata.after"),
		object{"role_mapping": nil,
			"groups": []object{{"id": group.text("id"), "mappings": []object{}}}})
	if len(next.data()) != 1 || next.at("list_metadata.after") != nil || next.at("data.0.role") != nil {
		t.Errorf("the second page is %v", next)
	}
	if same := w.want(200, "POST", organization+"/entitlement_preview", object{}); same.at("users") != 0.0 {
		t.Errorf("nothing proposed changes %v of %s", same, account.text("id"))
	}
}

func TestManualAssignment(t *testing.T) {
	t.Parallel()
	eachAt(t, func(t *testing.T, w *world, _ *modeltest.Clock) {
		tenant := w.tenant(w.client, "contoso")
		user := model.UserPrefix.ID(tenant.user(w, "ada@contoso.example").ID)
		account := w.want(201, "POST", "/accounts",
			object{"organization_id": tenant.organization, "name": "Workspace"}).text("id")
		group := w.want(201, "POST", "/accounts/"+account+"/groups", object{"name": "Editors"}).text("id")
		in := "/accounts/" + account + "/groups/" + group + "/users/" + user
		wanted := object{"user_id": user, "account_id": account}
		w.want(409, "POST", "/licenses", wanted)
		w.want(200, "PUT", "/organizations/"+tenant.organization,
			object{"rollcall": object{"allow_manual_assignments": true}})
		w.want(409, "PUT", in, nil) // without a license
		l := w.want(201, "POST", "/licenses", wanted)
		if l.at("sources.0") != "manual" || l.text("state") != "granted" {
			t.Errorf("the license is %v", l)
		}
		if a := w.want(200, "PUT", in, nil); a.at("sources.0") != "manual" {
			t.Errorf("the assignment is %v", a)
		}
		w.want(204, "DELETE", in, nil)
		w.want(404, "DELETE", in, nil)
		w.want(204, "DELETE", "/licenses/"+l.text("id"), nil)
		w.want(404, "GET", "/licenses/"+l.text("id"), nil)
	})
}

func TestAccountsRefuse(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		tenant, other := w.tenant(w.client, "contoso"), w.tenant(w.client, "fabrikam")
		organization := "/organizations/" + tenant.organization
		account := w.want(201, "POST", "/accounts",
			object{"organization_id": tenant.organization, "name": "Workspace"}).text("id")
		theirs := w.want(201, "POST", "/accounts",
			object{"organization_id": other.organization, "name": "Workspace"}).text("id")
		path := "/accounts/" + account
		group := w.want(201, "POST", path+"/groups",
			object{"name": "Editors", "mappings": []object{{"name": "Staff"}}}).text("id")
		foreign := model.DirectoryGroupPrefix.ID(other.group(w, "Staff").ID)
		mappings := path + "/groups/" + group + "/mappings"
		before := w.get(path + "/groups/" + group)
		for _, c := range []struct {
			what, method, path string
			body               any
			status             int
		}{
			{"an account without a name", "POST", "/accounts", object{"organization_id": tenant.organization}, 422},
			{"an account without an organization", "POST", "/accounts", object{"name": "A"}, 422},
			{"an account of an unknown organization", "POST", "/accounts",
				object{"organization_id": "org_" + anID, "name": "A"}, 404},
			{"seats below none", "POST", "/accounts",
				object{"organization_id": tenant.organization, "name": "A", "seats": -1}, 422},
			{"seats of the wrong type", "POST", "/accounts",
				object{"organization_id": tenant.organization, "name": "A", "seats": "many"}, 422},
			{"an account's name twice", "POST", "/accounts",
				object{"organization_id": tenant.organization, "name": "WORKSPACE"}, 409},
			{"an unknown account", "GET", "/accounts/acct_" + anID, nil, 404},
			{"a group of an unknown account", "POST", "/accounts/acct_" + anID + "/groups", object{"name": "A"}, 404},
			{"a group's name twice", "POST", path + "/groups", object{"name": "editors"}, 409},
			{"an empty permission", "POST", path + "/groups", object{"name": "A", "permissions": []string{""}}, 422},
			{"an unknown group", "GET", path + "/groups/group_" + anID, nil, 404},
			{"a group at another account", "GET", "/accounts/" + theirs + "/groups/" + group, nil, 404},
			{"mappings with a group's name", "PATCH", path + "/groups/" + group, object{"mappings": []object{}}, 422},
			{"a mapping twice, in another case", "POST", mappings, object{"name": "STAFF"}, 409},
			{"a mapping of nothing", "POST", mappings, object{}, 422},
			{"a mapping of both", "POST", mappings, object{"name": "A", "directory_group_id": foreign}, 422},
			{"a mapping of an unknown directory group", "POST", mappings,
				object{"directory_group_id": "directory_group_" + anID}, 422},
			{"a mapping of another organization's group", "POST", mappings, object{"directory_group_id": foreign}, 422},
			{"a mapping of no id", "POST", mappings, object{"directory_group_id": "staff"}, 422},
			{"the end of a mapping that is not there", "DELETE", mappings + "?name=others", nil, 404},
			{"no role mapping", "GET", organization + "/role_mapping", nil, 404},
			{"the end of no role mapping", "DELETE", organization + "/role_mapping", nil, 404},
			{"a role mapping of another organization's group", "PUT", organization + "/role_mapping",
				object{"directory_group_id": foreign}, 422},
			{"licenses of nobody", "GET", "/licenses", nil, 422},
			{"licenses of an unknown state", "GET", "/licenses?state=lost&organization_id=" + tenant.organization,
				nil, 422},
			{"a preview of an unknown group", "POST", organization + "/entitlement_preview",
				object{"groups": []object{{"id": "group_" + anID}}}, 422},
			{"a preview of another organization's account", "POST", organization + "/entitlement_preview",
				object{"connections": []object{{"id": "conn_" + anID, "accounts": []string{theirs}}}}, 422},
			{"a connection for another organization's account", "POST", "/connections",
				object{"organization_id": tenant.organization, "name": "C",
					"connection_type": "GenericSAML", "saml": object{"idp_metadata_xml": metadata(t, 0)},
					"accounts": []string{theirs}}, 422},
		} {
			t.Run(c.what, func(t *testing.T) {
				status, _, o := w.send(c.method, c.path, c.body)
				if status != c.status || o.text("message") == "" {
					t.Errorf("it answers %d, want %d: %v", status, c.status, o)
				}
			})
		}
		after := w.get(path + "/groups/" + group)
		if len(after.at("mappings").([]any)) != len(before.at("mappings").([]any)) {
			t.Errorf("what was refused changed the group to %v", after)
		}
		if cs := w.get("/connections?organization_id=" + tenant.organization).data(); len(cs) != 0 {
			t.Errorf("what was refused made %v", cs)
		}
	})
}

func TestRoleMappingKeepsTheLastAdmin(t *testing.T) {
	t.Parallel()
	eachAt(t, func(t *testing.T, w *world, clock *modeltest.Clock) {
		tenant := w.tenant(w.client, "contoso")
		path := "/organizations/" + tenant.organization + "/role_mapping"
		ada := tenant.user(w, "ada@contoso.example")
		chiefs := model.DirectoryGroupPrefix.ID(tenant.group(w, "Chiefs", ada.ID).ID)
		m := w.want(200, "PUT", path, object{"directory_group_id": chiefs})
		if m.text("role") != "admin" || m.text("directory_group_id") != chiefs {
			t.Errorf("the mapping is %v", m)
		}
		clock.Advance(3 * time.Second)
		must[int](t)(entitle.NewRecomputer(entitle.Across(w.store)).RunOnce(t.Context()))
		user := "/users/" + model.UserPrefix.ID(ada.ID)
		w.want(409, "DELETE", path, nil)
		w.want(409, "PUT", path, object{"name": "nobody"})
		w.want(409, "PATCH", user, object{"role": "member"})
		w.want(200, "PATCH", user, object{"role": "admin"}) // set by hand from now on
		w.want(204, "DELETE", path, nil)
		clock.Advance(3 * time.Second)
		must[int](t)(entitle.NewRecomputer(entitle.Across(w.store)).RunOnce(t.Context()))
		if u := w.get(user); u.at("role.slug") != "admin" && u.at("role") != "admin" {
			t.Errorf("an administrator by hand became %v", u)
		}
	})
}
