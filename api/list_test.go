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

// listed is a list with 25 objects: its path and their ids, the oldest first.
type listed struct {
	path string
	ids  []string
}

// lists creates 25 objects for each list.
func lists(t *testing.T, w *world) []listed {
	tenant := w.tenant(w.client, "contoso")
	organizations, directories := []string{tenant.organization}, []string{tenant.directory}
	var users, groups, stones, applications, admins []string
	var first, last string
	for i := range 25 {
		u := tenant.user(w, fmt.Sprintf("u%02d@contoso.example", i))
		users = append(users, model.DirectoryUserPrefix.ID(u.ID))
		members := []string{u.ID}
		if i == 0 {
			first = u.ID
		}
		g := tenant.group(w, fmt.Sprintf("Group %02d", i), append(members, first)...)
		groups = append(groups, model.DirectoryGroupPrefix.ID(g.ID))
		last = g.ID
	}
	for i := range 25 {
		admin := must[*people.User](t)(
			people.In(tenant.org).CreateUser(t.Context(), person(fmt.Sprintf("admin%02d@contoso.example", i))))
		admins = append(admins, model.UserPrefix.ID(admin.ID))
		w.want(200, "PATCH", "/users/"+admins[i], object{"role": "admin"})
		gone := must[*people.User](t)(
			people.In(tenant.org).CreateUser(t.Context(), person(fmt.Sprintf("gone%02d@elsewhere.example", i))))
		w.want(204, "DELETE", "/users/"+model.UserPrefix.ID(gone.ID), nil)
		a := w.want(201, "POST", "/applications", object{"name": "A"})
		applications = append(applications, a.text("id"))
		if i > 0 {
			g := w.want(201, "POST", "/organizations", object{"name": "Another"})
			organizations = append(organizations, g.text("id"))
			d := w.want(201, "POST", "/directories",
				object{"organization_id": g.text("id"), "name": "D", "type": "generic scim v2.0"})
			directories = append(directories, d.text("id"))
		}
	}
	all := w.get("/organizations/" + tenant.organization + "/tombstones?limit=100&order=asc")
	stones = all.ids()
	must[*people.DirectoryGroup](t)(directory.Of(tenant.org, tenant.id).UpdateGroup(t.Context(), last,
		func(*directory.GroupDraft) error { return nil },
		directory.MembersChange{Op: directory.AddMembers, UserIDs: stored(users, model.DirectoryUserPrefix)}))
	members := w.get("/events?limit=100&order=desc&organization_id=" + tenant.organization +
		"&events=dsync.user.created").ids()
	slices.Reverse(members)
	asUsers := make([]string, len(users))
	for i, id := range users {
		asUsers[i] = strings.Replace(id, "directory_user_", "user_", 1)
	}
	return []listed{
		{"/organizations", organizations},
		{"/directories", directories},
		{"/applications", applications},
		{"/directory_users?directory=" + tenant.directory, users},
		{"/directory_users?group=" + model.DirectoryGroupPrefix.ID(last), users},
		{"/directory_groups?directory=" + tenant.directory, groups},
		{"/directory_groups?user=" + users[0], groups},
		{"/users?organization_id=" + tenant.organization, append(asUsers, admins...)},
		{"/directories/" + tenant.directory + "/adoptions", admins},
		{"/organizations/" + tenant.organization + "/tombstones", stones},
		{"/events?events=dsync.user.created", members},
	}
}

func stored(ids []string, kind model.Prefix) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i], _ = kind.Parse(id)
	}
	return out
}

// TestPages reads each list in each order, forward to its end and back to its beginning.
func TestPages(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		for _, list := range lists(t, w) {
			w.t = t
			t.Run(list.path[1:], func(t *testing.T) {
				if len(list.ids) < 25 {
					t.Fatalf("the list has %d objects", len(list.ids))
				}
				join := "?"
				if strings.Contains(list.path, "?") {
					join = "&"
				}
				newest := slices.Clone(list.ids)
				slices.Reverse(newest)
				usual, want := "desc", newest
				if strings.HasPrefix(list.path, "/events") {
					usual, want = "asc", list.ids
				}
				if got := w.get(list.path).ids(); !slices.Equal(got, want[:10]) {
					t.Errorf("without parameters: %v", cmp.Diff(want[:10], got))
				}
				if got := w.get(list.path + join + "order=" + usual + "&limit=100").ids(); !slices.Equal(got, want) {
					t.Errorf("whole: %s", cmp.Diff(want, got))
				}
				for order, want := range map[string][]string{"asc": list.ids, "desc": newest, "normal": newest} {
					next, previous := "after", "before"
					if order == "normal" {
						next, previous = previous, next
					}
					walk(t, w, list.path+join+"limit=7&order="+order, next, previous, want)
				}
			})
		}
	})
}

// walk reads pages of seven objects to the end and back, with the cursors of each page.
func walk(t *testing.T, w *world, path, next, previous string, want []string) {
	t.Helper()
	var pages [][]string
	got := []string{}
	page := w.get(path)
	if page.at("list_metadata."+previous) != nil {
		t.Errorf("%s: the first page has a page before it: %v", path, page["list_metadata"])
	}
	for {
		pages = append(pages, page.ids())
		got = append(got, page.ids()...)
		cursor := page.text("list_metadata." + next)
		if cursor == "" {
			break
		}
		page = w.get(path + "&" + next + "=" + cursor)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s onward: %s", path, diff)
	}
	for i := len(pages) - 2; i >= 0; i-- {
		cursor := page.text("list_metadata." + previous)
		if cursor == "" {
			t.Errorf("%s: page %d says that nothing is before it", path, i+1)
			return
		}
		page = w.get(path + "&" + previous + "=" + cursor)
		if diff := cmp.Diff(pages[i], page.ids()); diff != "" {
			t.Errorf("%s back to page %d: %s", path, i, diff)
		}
	}
	if page.at("list_metadata."+previous) != nil {
		t.Errorf("%s: back at the first page there is a page before it", path)
	}
}

func TestEmptyLists(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		want := object{"object": "list", "data": []any{}, "list_metadata": map[string]any{"before": nil, "after": nil}}
		for _, path := range []string{"/organizations", "/directories", "/applications", "/events",
			"/events?limit=1&order=desc"} {
			if diff := cmp.Diff(want, w.get(path)); diff != "" {
				t.Errorf("%s: %s", path, diff)
			}
		}
	})
}
