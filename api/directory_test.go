package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/people"
)

func TestDirectory(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		g := w.want(201, "POST", "/organizations",
			object{"name": "Contoso", "domain_data": []object{{"domain": "contoso.example", "state": "verified"}}})
		d := w.want(201, "POST", "/directories",
			object{"organization_id": g.text("id"), "name": "Okta", "type": "okta scim v2.0"})
		path := "/directories/" + d.text("id")
		if got, want := d.text("scim.base_url"), publicURL+"/scim/v2/"+d.text("id"); got != want {
			t.Errorf("base_url %q, want %q", got, want)
		}
		if d.text("state") != "validating" {
			t.Errorf("a new directory is %v", d)
		}
		opened := must[*directory.Access](t)(
			directory.Across(w.store).Authenticate(t.Context(), d.text("scim.bearer_token"))).Directory
		org := w.store.Org(opened.OrganizationID, opened.Actor())
		tenant := tenant{org: org, id: opened.ID}
		tenant.group(w, "Staff", tenant.user(w, "ada@contoso.example").ID)
		bob := tenant.user(w, "bob@contoso.example")
		must[*people.User](t)(directory.Of(org, opened.ID).UpdateUser(t.Context(), bob.ID,
			func(u *people.UserDraft) error { u.Active = false; return nil }))

		t.Run("it is linked once its identity provider came, and counts what is in it", func(t *testing.T) {
			o := w.get(path)
			want := map[string]any{"users": map[string]any{"active": 1.0, "inactive": 1.0}, "groups": 1.0}
			if diff := cmp.Diff(want, o["metadata"]); diff != "" || o.text("state") != "linked" {
				t.Errorf("%v: %s", o, diff)
			}
			if o.at("scim.bearer_token") != nil {
				t.Error("the token is shown again")
			}
		})
		t.Run("it is renamed", func(t *testing.T) {
			w.want(200, "PATCH", path, object{"name": "Okta, new"})
			if o := w.get("/directories?search=NEW"); o.text("data.0.name") != "Okta, new" {
				t.Errorf("got %v", o)
			}
		})
		t.Run("its settings change, and it keeps those that the body does not name", func(t *testing.T) {
			want := map[string]any{"strict": false, "mass_change_percent": 20.0, "mass_change_window_seconds": 3600.0,
				"mass_change": nil}
			check := func(o object) {
				t.Helper()
				if diff := cmp.Diff(any(want), o["rollcall"]); diff != "" || o.text("name") != "Okta, new" {
					t.Errorf("%v: %s", o, diff)
				}
			}
			check(w.get(path))
			want["strict"] = true
			check(w.want(200, "PATCH", path, object{"strict": true}))
			check(w.want(200, "PATCH", path, object{}))
			want["mass_change_percent"], want["mass_change_window_seconds"] = 1.0, 86400.0
			check(w.want(200, "PATCH", path, object{"mass_change_percent": 1, "mass_change_window_seconds": 86400}))
			want["mass_change_percent"], want["strict"] = 100.0, false
			check(w.want(200, "PATCH", path, object{"mass_change_percent": 100, "strict": false}))
			check(w.get(path))
		})
		t.Run("lists find by organization and domain", func(t *testing.T) {
			other := w.tenant(w.client, "fabrikam")
			for query, want := range map[string]string{
				"organization_id=" + g.text("id"): d.text("id"), "domain=contoso.example": d.text("id"),
				"organization_id=" + other.organization: other.directory, "domain=nowhere.example": "",
			} {
				if got := strings.Join(w.get("/directories?"+query).ids(), ","); got != want {
					t.Errorf("%s lists %q, want %q", query, got, want)
				}
			}
		})
		t.Run("it has two tokens at most, and a deleted one opens nothing", func(t *testing.T) {
			second := w.want(201, "POST", path+"/tokens",
				object{"name": "second", "type": "bearer", "expires_at": "2999-12-31"})
			if second.text("expires_at") != "2999-12-31T00:00:00.000Z" {
				t.Errorf("got %v", second)
			}
			w.want(409, "POST", path+"/tokens", object{"name": "third"})
			list := w.get(path + "/tokens")
			if len(list.data()) != 2 || list.at("data.1.bearer_token") != nil ||
				list.text("data.1.token_suffix") != second.text("bearer_token")[len(second.text("bearer_token"))-4:] {
				t.Errorf("got %v", list)
			}
			w.want(204, "DELETE", path+"/tokens/"+list.text("data.0.id"), nil)
			_, err := directory.Across(w.store).Authenticate(t.Context(), d.text("scim.bearer_token"))
			if model.KindOf(err) != model.Denied {
				t.Errorf("the deleted token: %v", err)
			}
			must[*directory.Access](t)(directory.Across(w.store).Authenticate(t.Context(), second.text("bearer_token")))
			w.want(201, "POST", path+"/tokens", object{"name": "third"})
		})
		t.Run("client credentials count as one of the two, and their secret is shown once", func(t *testing.T) {
			list := w.get(path + "/tokens")
			w.want(204, "DELETE", path+"/tokens/"+list.text("data.0.id"), nil)
			made := w.want(201, "POST", path+"/tokens", object{"name": "client", "type": "client_credentials"})
			if made.text("client_id") != made.text("id") || made.text("token_url") != publicURL+"/scim/oauth2/token" ||
				made["bearer_token"] != nil {
				t.Errorf("got %v", made)
			}
			bought, _, err := directory.Across(w.store).DirectoryAccessToken(t.Context(), made.text("client_id"),
				made.text("client_secret"))
			if err != nil {
				t.Fatal(err)
			}
			must[*directory.Access](t)(directory.Across(w.store).Authenticate(t.Context(), bought))
			w.want(409, "POST", path+"/tokens", object{"name": "another", "type": "client_credentials"})
			list = w.get(path + "/tokens")
			if list.text("data.1.type") != "client_credentials" || list.text("data.0.type") != "bearer" ||
				list.at("data.1.client_secret") != nil {
				t.Errorf("got %v", list)
			}
		})
	})
}

func TestDirectoryUsersAndGroups(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		tenant := w.tenant(w.client, "contoso")
		ada, bob := tenant.user(w, "ada@contoso.example"), tenant.user(w, "bob@contoso.example")
		document := person("bo@contoso.example")
		delete(document, "externalId")
		plain := must[*people.User](t)(directory.Of(tenant.org, tenant.id).CreateUser(t.Context(), document))
		staff, admins := tenant.group(w, "Staff", ada.ID, bob.ID), tenant.group(w, "Admins", ada.ID)
		unowned := must[*people.User](t)(
			people.In(tenant.org).CreateUser(t.Context(), person("login@elsewhere.example")))
		id := func(u *people.User) string { return model.DirectoryUserPrefix.ID(u.ID) }
		groupID := func(g *people.DirectoryGroup) string { return model.DirectoryGroupPrefix.ID(g.ID) }

		for _, test := range []struct {
			name, query string
			want        []string
		}{
			{"all of a directory, newest first", "directory=" + tenant.directory,
				[]string{id(plain), id(bob), id(ada)}},
			{"those of a group", "group=" + groupID(staff), []string{id(bob), id(ada)}},
			{"those of a group and directory", "group=" + groupID(admins) + "&directory=" + tenant.directory,
				[]string{id(ada)}},
			{"by e-mail in another case", "email=ADA@Contoso.example&directory=" + tenant.directory, []string{id(ada)}},
			{"by an e-mail of nobody", "email=nobody&directory=" + tenant.directory, []string{}},
			{"by externalId", "idp_id=x-bob@contoso.example&directory=" + tenant.directory, []string{id(bob)}},
			{"by SCIM id where there is no externalId", "idp_id=" + plain.ID + "&directory=" + tenant.directory,
				[]string{id(plain)}},
			{"by SCIM id where there is an externalId", "idp_id=" + ada.ID + "&directory=" + tenant.directory,
				[]string{}},
		} {
			t.Run(test.name, func(t *testing.T) {
				if diff := cmp.Diff(test.want, w.get("/directory_users?"+test.query).ids()); diff != "" {
					t.Error(diff)
				}
			})
		}
		t.Run("a user has its groups, in a list and alone", func(t *testing.T) {
			o := w.get("/directory_users/" + id(ada))
			diff := cmp.Diff([]any{groupID(staff), groupID(admins)}, []any{o.at("groups.0.id"), o.at("groups.1.id")})
			if diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(map[string]any(o),
				w.get("/directory_users?group="+groupID(admins)).at("data.0")); diff != "" {
				t.Error(diff)
			}
			if o := w.get("/directory_users/" + id(plain)); o.text("idp_id") != plain.ID ||
				len(o["groups"].([]any)) != 0 {
				t.Errorf("got %v", o)
			}
			want := object{"state": "active", "email": "ada@contoso.example", "first_name": "Given",
				"job_title": "Engineer", "idp_id": "x-ada@contoso.example"}
			for name, value := range want {
				if o[name] != value {
					t.Errorf("%s is %v", name, o[name])
				}
			}
		})
		t.Run("groups are listed by directory and by user", func(t *testing.T) {
			for query, want := range map[string][]string{
				"directory=" + tenant.directory: {groupID(admins), groupID(staff)}, "user=" + id(bob): {groupID(staff)},
				"user=" + id(ada) + "&directory=" + tenant.directory + "&order=asc": {groupID(staff), groupID(admins)},
				"user=" + id(plain): {},
			} {
				if diff := cmp.Diff(want, w.get("/directory_groups?"+query).ids()); diff != "" {
					t.Errorf("%s: %s", query, diff)
				}
			}
		})
		t.Run("who belongs to no directory is no directory user", func(t *testing.T) {
			w.want(404, "GET", "/directory_users/"+id(unowned), nil)
			w.want(200, "GET", "/users/"+model.UserPrefix.ID(unowned.ID), nil)
		})
	})
}

// A page of users who are in many groups is shorter than asked for. Who goes on by its cursors gets
// each user once, with all groups, in both directions.
func TestPagesOfUsersWithManyGroups(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		tenant := w.tenant(w.client, "contoso")
		const users, groups = 50, 45 // 2,250 memberships
		var ids []string
		for i := range users {
			ids = append(ids, tenant.user(w, fmt.Sprintf("user-%d@contoso.example", i)).ID)
		}
		for i := range groups {
			tenant.group(w, fmt.Sprint("Group ", i), ids...)
		}
		slices.Reverse(ids)
		for i := range ids {
			ids[i] = model.DirectoryUserPrefix.ID(ids[i])
		}
		for _, cursor := range []string{"after", "before"} {
			var seen []string
			for at, pages := "", 0; ; pages++ {
				query := "/directory_users?limit=100&directory=" + tenant.directory
				if cursor == "before" && at == "" {
					at = ids[users-1]
					seen = append(seen, ids[users-1])
				}
				if at != "" {
					query += "&" + cursor + "=" + at
				}
				list := w.get(query)
				var page []string
				for _, u := range list["data"].([]any) {
					u := object(u.(map[string]any))
					page = append(page, u.text("id"))
					if n := len(u["groups"].([]any)); n != groups {
						t.Fatalf("a user with %d groups", n)
					}
				}
				if cursor == "before" {
					seen = append(page, seen...)
				} else {
					seen = append(seen, page...)
				}
				next, more := list.at("list_metadata." + cursor).(string)
				if at = next; !more {
					if pages < 1 {
						t.Error("all on one page")
					}
					break
				}
			}
			if diff := cmp.Diff(ids, seen); diff != "" {
				t.Error(cursor, diff)
			}
		}
	})
}

func TestUsers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		tenant := w.tenant(w.client, "contoso")
		ada := tenant.user(w, "ada@contoso.example")
		path := "/users/" + model.UserPrefix.ID(ada.ID)
		epoch := func() int64 { return must[*people.User](t)(people.In(tenant.org).User(t.Context(), ada.ID)).Epoch }

		o := w.get(path)
		for name, value := range map[string]any{"object": "user", "role": "member", "email_verified": true,
			"directory_id":    tenant.directory,
			"organization_id": tenant.organization, "state": "active", "inactive_reason": nil,
			"profile_picture_url": nil} {
			if o[name] != value {
				t.Errorf("%s is %v, want %v", name, o[name], value)
			}
		}
		t.Run("found by e-mail", func(t *testing.T) {
			for email, want := range map[string]int{"ADA@contoso.example": 1, "bob@contoso.example": 0, "": 1} {
				got := w.get("/users?organization_id=" + tenant.organization + "&email=" + email).ids()
				if len(got) != want {
					t.Errorf("%q finds %d", email, len(got))
				}
			}
		})
		t.Run("the role changes, and taking admin away ends access", func(t *testing.T) {
			before := epoch()
			o := w.want(200, "PATCH", path, object{"role": "admin"})
			if o.text("role") != "admin" || epoch() != before {
				t.Errorf("got %v, epoch %d after %d", o, epoch(), before)
			}
			w.want(409, "DELETE", path, nil)
			w.want(409, "PATCH", path, object{"role": "member"}) // the last administrator stays
			w.want(200, "PATCH", "/users/"+model.UserPrefix.ID(tenant.user(w, "stand-in@contoso.example").ID),
				object{"role": "admin"})
			if o := w.want(200, "PATCH", path, object{"role": "member"}); o.text("role") != "member" ||
				epoch() != before+1 {
				t.Errorf("got %v, epoch %d after %d", o, epoch(), before)
			}
		})
		t.Run("revoking ends access and leaves the user active", func(t *testing.T) {
			before := epoch()
			o := w.want(200, "POST", path+"/revoke_sessions", nil)
			if o.text("state") != "active" || epoch() != before+1 {
				t.Errorf("got %v, epoch %d after %d", o, epoch(), before)
			}
			e := w.get("/events?events=user.access_ended&order=desc&limit=1")
			if e.text("data.0.data.reason") != "revoked" || e.text("data.0.data.actor") != "operator:bootstrap" {
				t.Errorf("got %v", e)
			}
		})
		t.Run("deleting leaves a tombstone, which an administrator removes", func(t *testing.T) {
			w.want(204, "DELETE", path, nil)
			w.want(404, "GET", path, nil)
			stones := "/organizations/" + tenant.organization + "/tombstones"
			list := w.get(stones)
			if list.text("data.0.user_id") != model.UserPrefix.ID(ada.ID) {
				t.Fatalf("got %v", list)
			}
			w.want(204, "DELETE", stones+"/"+list.text("data.0.id"), nil)
			if list := w.get(stones); len(list.data()) != 0 {
				t.Errorf("got %v", list)
			}
		})
	})
}

func TestAdoption(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		tenant := w.tenant(w.client, "contoso")
		create := func(userName, role string) string {
			u := must[*people.User](t)(people.In(tenant.org).CreateUser(t.Context(), person(userName)))
			w.want(200, "PATCH", "/users/"+model.UserPrefix.ID(u.ID), object{"role": role})
			return model.UserPrefix.ID(u.ID)
		}
		root := create("root@contoso.example", "admin")
		create("guest@elsewhere.example", "admin")
		create("member@contoso.example", "member")
		path := "/directories/" + tenant.directory + "/adoptions"

		_, err := directory.Of(tenant.org, tenant.id).CreateUser(t.Context(), person("root@contoso.example"))
		if model.KindOf(err) != model.Conflict {
			t.Fatalf("an unconfirmed administrator: %v", err)
		}
		if diff := cmp.Diff([]string{root}, w.get(path).ids()); diff != "" {
			t.Errorf("waiting: %s", diff)
		}
		if o := w.want(200, "POST", path+"/"+root+"/confirm", nil); o["adoption_confirmed"] != true {
			t.Errorf("got %v", o)
		}
		if got := w.get(path).ids(); len(got) != 0 {
			t.Errorf("still waiting: %v", got)
		}
		adopted := tenant.user(w, "root@contoso.example")
		o := w.get("/users/" + root)
		if model.UserPrefix.ID(adopted.ID) != root || o.text("directory_id") != tenant.directory ||
			o.text("role") != "admin" {
			t.Errorf("adopted as %v", o)
		}
	})
}
