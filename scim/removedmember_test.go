package scim_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/people"
)

// removed is a directory of the tenant with the users A, B and D and the group G, and with gone,
// which it had: a user or a group that was deleted in one of the ways.
type removed struct {
	*tenant
	ids map[string]string
}

// waysOfDeleting are the ways in which a member of a group can be deleted.
var waysOfDeleting = map[string]func(o *tenant) (id string){
	"SCIM DELETE": func(o *tenant) string {
		id := o.user("gone")
		o.want(204, "DELETE", "/Users/"+id, "")
		return id
	},
	"SCIM DELETE of a group": func(o *tenant) string {
		id := o.group("gone")
		o.want(204, "DELETE", "/Groups/"+id, "")
		return id
	},
	"Bulk": func(o *tenant) string {
		id := o.user("gone")
		o.want(200, "POST", "/Bulk", bulkOf(`{"method":"DELETE","path":"/Users/`+id+`"}`))
		return id
	},
	"Bulk of a group": func(o *tenant) string {
		id := o.group("gone")
		o.want(200, "POST", "/Bulk", bulkOf(`{"method":"DELETE","path":"/Groups/`+id+`"}`))
		return id
	},
	"the API": func(o *tenant) string {
		id := o.user("gone")
		if err := directory.In(o.org).DeleteUser(o.t.Context(), id); err != nil {
			o.t.Fatal(err)
		}
		return id
	},
	"the API, and the tombstone cleared": func(o *tenant) string {
		id := o.user("gone")
		if err := directory.In(o.org).DeleteUser(o.t.Context(), id); err != nil {
			o.t.Fatal(err)
		}
		stones, _, err := directory.In(o.org).Tombstones(o.t.Context(), model.Page{Limit: 10})
		if err != nil || len(stones) != 1 {
			o.t.Fatalf("%d tombstones: %v", len(stones), err)
		}
		if err := directory.In(o.org).DeleteTombstone(o.t.Context(), stones[0].ID); err != nil {
			o.t.Fatal(err)
		}
		return id
	},
	"SCIM DELETE, and created again": func(o *tenant) string {
		id := o.user("gone")
		o.want(204, "DELETE", "/Users/"+id, "")
		o.user("gone")
		return id
	},
	"SCIM DELETE of an adopted user": func(o *tenant) string {
		id := o.unowned(person("gone", o.mail("gone")))
		o.create("/Users", post("gone", o.mail("gone")))
		o.want(204, "DELETE", "/Users/"+id, "")
		return id
	},
}

// members are the names of the group's members.
func (o *removed) members() string {
	o.t.Helper()
	var names []string
	for _, m := range o.want(200, "GET", "/Groups/"+o.ids["G"], "").path("members").([]any) {
		for name, id := range o.ids {
			if m.(map[string]any)["value"] == id {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// named puts ids into the place of their names.
func (o *removed) named(body string) string {
	for name, id := range o.ids {
		body = strings.ReplaceAll(body, "<"+name+">", id)
	}
	return body
}

// begin gives the group the members A and D, and the users who are gone.
func begin(o *tenant, deleted func(*tenant) string) *removed {
	r := &removed{o, map[string]string{"A": o.user("a"), "B": o.user("b"), "D": o.user("d"), "gone": deleted(o)}}
	r.ids["never"] = nobody
	other := o.client.client(o.id)
	r.ids["elsewhere"] = other.user("e")
	other.want(204, "DELETE", "/Users/"+r.ids["elsewhere"], "")
	unowned, err := people.In(o.org).CreateUser(o.t.Context(), person("unowned", o.mail("unowned")))
	if err != nil {
		o.t.Fatal(err)
	}
	r.ids["unowned"] = unowned.ID
	if err := directory.In(o.org).DeleteUser(o.t.Context(), unowned.ID); err != nil {
		o.t.Fatal(err)
	}
	r.ids["G"] = o.group("G", r.ids["A"], r.ids["D"])
	return r
}

const value = `{"value":"<%s>"}`

// listed is a list of members.
func listed(names ...string) string {
	var values []string
	for _, name := range names {
		values = append(values, fmt.Sprintf(value, name))
	}
	return "[" + strings.Join(values, ",") + "]"
}

func operation(op string, names ...string) string {
	return fmt.Sprintf(`{"op":%q,"path":"members","value":%s}`, op, listed(names...))
}

// TestMembersThatAreGone checks that an identity provider whose list of members is older than a
// deletion can still take access away.
func TestMembersThatAreGone(t *testing.T) {
	t.Parallel()
	var tests []tenantTest
	for name, deleted := range waysOfDeleting {
		tests = append(tests, tenantTest{"deleted by " + name, func(o *tenant) {
			r := begin(o, deleted)
			for _, test := range []struct {
				name, method, body string
				members            string
			}{
				{"a list with one who is gone", "PATCH",
					patchOf("[" + operation("replace", "A", "B", "gone") + "]"), "A B"},
				{"a list without a path", "PATCH",
					patchOf(`[{"op":"replace","value":{"members":` + listed("A", "gone") + `}}]`), "A"},
				{"only who is gone", "PATCH", patchOf("[" + operation("replace", "gone") + "]"), ""},
				{"a PUT", "PUT", `{"displayName":"G","members":` + listed("gone", "B") + `}`, "B"},
				{"a PUT of only who is gone", "PUT", `{"displayName":"G","members":` + listed("gone") + `}`, ""},
				{"a removal and an addition", "PATCH",
					patchOf("[" + operation("remove", "D") + "," + operation("add", "gone") + "]"), "A"},
				{"an addition of others too", "PATCH", patchOf("[" + operation("add", "gone", "B") + "]"), "A B D"},
				{"an addition of one who is a member", "PATCH",
					patchOf("[" + operation("add", "A", "gone") + "]"), "A D"},
				{"a removal", "PATCH", patchOf("[" + operation("remove", "D", "gone") + "]"), "A"},
			} {
				group, body := "/Groups/"+r.ids["G"], r.named(test.body)
				again := r.named(`{"displayName":"G","members":` + listed("A", "D") + `}`)
				if a := o.do(test.method, group, body); a.status >= 300 || r.members() != test.members {
					o.t.Errorf("%s: %d %s, members %q, want %q", test.name, a.status, a.text, r.members(), test.members)
				}
				o.want(200, "PUT", group, again)
				o.want(200, "POST", "/Bulk",
					bulkOf(fmt.Sprintf(`{"method":%q,"path":%q,"data":%s}`, test.method, group, body)))
				if got := r.members(); got != test.members {
					o.t.Errorf("%s: members by Bulk %q, want %q", test.name, got, test.members)
				}
				o.want(200, "PUT", group, again)
			}
		}})
	}
	eachTenant(t, tests)
}

// TestMembersThatNeverWere checks that nothing else is passed over: an id that the directory never
// had is an error, and an addition of nobody is one too.
func TestMembersThatNeverWere(t *testing.T) {
	t.Parallel()
	refuse := func(o *removed, who, method, path, body string) {
		o.t.Helper()
		refused(o.t, o.do(method, path, o.named(body)), 400, "invalidValue", o.ids[who])
		if got := o.members(); got != "A D" {
			o.t.Errorf("%s: members %q", body, got)
		}
	}
	eachTenant(t, []tenantTest{
		{"an id that is not the directory's", func(o *tenant) {
			r := begin(o, waysOfDeleting["SCIM DELETE"])
			group := "/Groups/" + r.ids["G"]
			for _, who := range []string{"never", "elsewhere", "unowned"} {
				refuse(r, who, "PATCH", group, patchOf("["+operation("replace", "A", "gone", who)+"]"))
				refuse(r, who, "PATCH", group, patchOf("["+operation("add", "A", "gone", who)+"]"))
				refuse(r, who, "PATCH", group, patchOf("["+operation("remove", "D")+","+operation("add", who)+"]"))
				refuse(r, who, "PUT", group, `{"displayName":"G","members":`+listed("A", who)+`}`)
			}
		}},
		{"an addition of only who is gone", func(o *tenant) {
			r := begin(o, waysOfDeleting["SCIM DELETE"])
			refuse(r, "gone", "PATCH", "/Groups/"+r.ids["G"], patchOf("["+operation("add", "gone")+"]"))
			refuse(r, "gone", "POST", "/Groups", `{"displayName":"New","members":`+listed("A", "gone")+`}`)
		}},
		{"a strict directory", func(o *tenant) {
			r := begin(o, waysOfDeleting["SCIM DELETE"])
			strict := func(d *directory.DirectoryFields) error { d.Strict = true; return nil }
			if _, err := directory.In(o.org).UpdateDirectory(o.t.Context(), o.directory.ID, strict); err != nil {
				o.t.Fatal(err)
			}
			group := "/Groups/" + r.ids["G"]
			refuse(r, "gone", "PATCH", group, patchOf("["+operation("replace", "A", "gone")+"]"))
			refuse(r, "gone", "PUT", group,
				`{"schemas":["`+coreGroup+`"],"displayName":"G","members":`+listed("gone")+`}`)
			refuse(r, "gone", "PATCH", group, patchOf(`[{"op":"remove","path":"members[value eq \"<D>\"]"},`+
				operation("add", "gone")+"]"))
		}},
	})
}
