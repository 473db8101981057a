package scim_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/organization"
	"rollcall/model/people"
)

// TestMatchingAtCreate has a test for each row of what a directory's create means
// (docs/design/identity.md, "Adoption").
func TestMatchingAtCreate(t *testing.T) {
	t.Parallel()
	eachTenant(t, []tenantTest{
		{"nobody is known: created as a member", func(o *tenant) {
			id := o.create("/Users", post(o.mail("ada"), o.mail("ada")))
			o.owned(id, people.Member, true)
			o.expect(o.by(people.DirectoryUserCreated, id))
		}},
		{"the role admin in roles: kept and returned, and the user is a member", func(o *tenant) {
			a := o.want(201, "POST", "/Users", `{"userName":"ada","roles":[{"value":"admin","primary":true}]}`)
			if got := a.path("roles", 0, "value"); got != "admin" {
				o.t.Errorf("roles[0].value is %v", got)
			}
			o.owned(a.body["id"].(string), people.Member, true)
		}},
		{"the same e-mail on another owned user: created", func(o *tenant) {
			first := o.create("/Users", post("ada", o.mail("desk")))
			second := o.create("/Users", post("ben", o.mail("desk")))
			o.expect(o.by(people.DirectoryUserCreated, first), o.by(people.DirectoryUserCreated, second))
			o.finds(filtered("/Users", fmt.Sprintf(`emails[type eq "work"].value eq %q`, o.mail("desk"))),
				first, second)
		}},
		{"the same externalId on another owned user: created", func(o *tenant) {
			first := o.create("/Users", `{"userName":"ada","externalId":"7"}`)
			second := o.create("/Users", `{"userName":"ben","externalId":"7"}`)
			o.finds(filtered("/Users", `externalId eq "7"`), first, second)
		}},
		{"an unowned user with that userName: adopted with its id", func(o *tenant) {
			id := o.unowned(person("Ada", o.mail("ada")))
			before := o.row(id)
			a := o.want(201, "POST", "/Users", post("ADA", o.mail("ada.new")))
			if a.body["id"] != id || a.header.Get("Location") != o.location+"/Users/"+id {
				o.t.Errorf("created %v at %s, want %s", a.body["id"], a.header.Get("Location"), id)
			}
			o.owned(id, people.Member, true)
			if u := o.row(id); u.UserName != "ADA" || u.Email != o.mail("ada.new") || u.Epoch != before.Epoch {
				o.t.Errorf("userName %s, e-mail %s, epoch %d after %d", u.UserName, u.Email, u.Epoch, before.Epoch)
			}
			o.expect(o.adopted(id)...)
			o.finds("/Users", id)
		}},
		{"an unowned user with that e-mail: adopted with its id", func(o *tenant) {
			id := o.unowned(person(o.mail("ada"), strings.ToUpper(o.mail("ada"))))
			if got := o.create("/Users", post("ada.okafor", o.mail("ada"))); got != id {
				o.t.Errorf("created %s, want %s", got, id)
			}
			o.owned(id, people.Member, true)
			if got := o.row(id).UserName; got != "ada.okafor" {
				o.t.Errorf("userName %s", got)
			}
			o.expect(o.adopted(id)...)
		}},
		{"an unowned user, sent as inactive: adopted, and access ends", func(o *tenant) {
			id := o.unowned(person("ada", o.mail("ada")))
			before := o.row(id)
			o.want(201, "POST", "/Users", `{"userName":"ada","active":false}`)
			o.owned(id, people.Member, false)
			if u := o.row(id); u.Epoch <= before.Epoch || u.InactiveReason != people.Deprovisioned {
				o.t.Errorf("epoch %d after %d, reason %s", u.Epoch, before.Epoch, u.InactiveReason)
			}
			o.expect(append(o.adopted(id), o.ended(id, people.EndedDeprovisioned))...)
		}},
		{"an unowned administrator: 409 until confirmed, then adopted as an administrator", func(o *tenant) {
			id := o.unowned(person("ada", o.mail("ada")))
			if _, err := people.In(o.org).SetRole(o.t.Context(), id, people.Admin); err != nil {
				o.t.Fatal(err)
			}
			o.happened()
			before := o.row(id)
			body := post("ada", o.mail("ada"))
			refused(o.t, o.do("POST", "/Users", body), 409, "uniqueness", "an administrator must confirm")
			refused(o.t, o.do("POST", "/Users", post("other", o.mail("ada"))), 409, "uniqueness",
				"an administrator must confirm")
			refused(o.t, o.do("GET", "/Users/"+id, ""), 404, "")
			refused(o.t, o.do("PATCH", "/Users/"+id, patchOf(`[{"op":"replace","path":"active","value":false}]`)),
				404, "")
			refused(o.t, o.do("PUT", "/Users/"+id, body), 404, "")
			o.untouched(before)

			if _, err := people.In(o.org).ConfirmAdoption(o.t.Context(), id); err != nil {
				o.t.Fatal(err)
			}
			o.finds(filtered("/Users", `userName eq "ada"`), id)
			if got := o.create("/Users", body); got != id {
				o.t.Errorf("created %s, want %s", got, id)
			}
			o.owned(id, people.Admin, true)
			o.expect(o.adopted(id)...)
		}},
		{"owned by this directory: 409", func(o *tenant) {
			id := o.create("/Users", post("Ada", o.mail("ada")))
			o.happened()
			refused(o.t, o.do("POST", "/Users", post("aDA", o.mail("other"))), 409, "uniqueness", "userName")
			o.expect()
			o.finds("/Users", id)
		}},
		{"owned by another directory: 409, and the detail names no directory", func(o *tenant) {
			id := o.create("/Users", post("ada", o.mail("ada")))
			second := o.client.client(o.id)
			second.want(200, "GET", "/Users", "")
			o.happened()
			a := second.do("POST", "/Users", post("ADA", o.mail("ada")))
			refused(o.t, a, 409, "uniqueness", "userName")
			detail := a.body["detail"].(string)
			for _, name := range []string{o.directory.ID, o.directory.Name,
				model.DirectoryPrefix.ID(o.directory.ID), id} {
				if strings.Contains(detail, name) {
					o.t.Errorf("detail %q names %q", detail, name)
				}
			}
			refused(o.t, second.do("GET", "/Users/"+id, ""), 404, "")
			refused(o.t, second.do("DELETE", "/Users/"+id, ""), 404, "")
			o.owned(id, people.Member, true)
			o.expect()
		}},
		{"an unowned user whose domain nobody verified: 409 until it is verified", func(o *tenant) {
			domain := "pending-" + o.domain
			d, err := organization.In(o.org).CreateDomain(o.t.Context(), domain, organization.DomainStatePending)
			if err != nil {
				o.t.Fatal(err)
			}
			id := o.unowned(person("ada", "ada@"+domain))
			before := o.row(id)
			body := post("Ada", "ada@"+domain)
			refused(o.t, o.do("POST", "/Users", body), 409, "uniqueness", "verify the e-mail's domain first")
			o.untouched(before)

			if _, err := organization.In(o.org).VerifyDomain(o.t.Context(), d.ID); err != nil {
				o.t.Fatal(err)
			}
			o.happened()
			if got := o.create("/Users", body); got != id {
				o.t.Errorf("created %s, want %s", got, id)
			}
			o.expect(o.adopted(id)...)
		}},
		{"an unowned user with that e-mail, whose domain nobody verified: another user is created", func(o *tenant) {
			before := o.row(o.unowned(person("ada", "ada@elsewhere.example")))
			id := o.create("/Users", post("ada.okafor", "ada@elsewhere.example"))
			if id == before.ID {
				o.t.Error("the user was adopted")
			}
			o.expect(o.by(people.DirectoryUserCreated, id))
			if diff := cmp.Diff(before, o.row(before.ID)); diff != "" {
				o.t.Errorf("the unowned user changed (-before +after):\n%s", diff)
			}
		}},
	})
}

// TestUnownedUsers has a test for each part of the last row of docs/design/identity.md, "Adoption":
// what a directory may read and change of users without a directory.
func TestUnownedUsers(t *testing.T) {
	t.Parallel()
	document := func(o *tenant) map[string]any {
		d := person("ada", o.mail("ada"))
		d["externalId"], d["displayName"] = "7", "Ada"
		return d
	}
	eachTenant(t, []tenantTest{
		{"hidden from lists, shown to an exact filter and to GET by id", func(o *tenant) {
			id := o.unowned(document(o))
			before := o.row(id)
			o.finds("/Users")
			o.finds("/Users?startIndex=1&count=100")
			o.finds(filtered("/Users", `displayName eq "Ada"`))
			for _, filter := range []string{
				`userName eq "ADA"`,
				`externalId eq "7"`,
				fmt.Sprintf(`emails[type eq "work"].value eq %q`, o.mail("ada")),
				fmt.Sprintf(`emails.value eq %q`, o.mail("ada")),
			} {
				o.finds(filtered("/Users", filter), id)
			}
			a := o.want(200, "GET", "/Users/"+id, "")
			if a.body["id"] != id || a.body["userName"] != "ada" {
				o.t.Errorf("GET by id: %s", a.text)
			}
			o.expect()
			if diff := cmp.Diff(before, o.row(id)); diff != "" {
				o.t.Errorf("looking changed the user (-before +after):\n%s", diff)
			}
		}},
		{"PATCH adopts", func(o *tenant) {
			id := o.unowned(document(o))
			a := o.want(200, "PATCH", "/Users/"+id, patchOf(`[{"op":"replace","path":"title","value":"Driver"}]`))
			if a.body["title"] != "Driver" || a.body["userName"] != "ada" {
				o.t.Errorf("answer %s", a.text)
			}
			o.owned(id, people.Member, true)
			o.expect(o.adopted(id)...)
			o.finds("/Users", id)
		}},
		{"PATCH that changes nothing adopts", func(o *tenant) {
			id := o.unowned(document(o))
			o.want(200, "PATCH", "/Users/"+id, patchOf(`[{"op":"replace","path":"displayName","value":"Ada"}]`))
			o.owned(id, people.Member, true)
			o.expect(o.adopted(id)...)
		}},
		{"PATCH that deactivates adopts, and access ends", func(o *tenant) {
			id := o.unowned(document(o))
			epoch := o.row(id).Epoch
			o.want(200, "PATCH", "/Users/"+id, patchOf(`[{"op":"Replace","path":"active","value":"False"}]`))
			o.owned(id, people.Member, false)
			if got := o.row(id).Epoch; got <= epoch {
				o.t.Errorf("epoch %d after %d", got, epoch)
			}
			o.expect(append(o.adopted(id), o.ended(id, people.EndedDeprovisioned))...)
		}},
		{"PATCH that is refused adopts nobody", func(o *tenant) {
			id := o.unowned(document(o))
			refused(o.t, o.do("PATCH", "/Users/"+id, patchOf(`[{"op":"remove","path":"userName"}]`)), 400,
				"mutability", "userName")
			if o.row(id).DirectoryID != nil {
				o.t.Error("the directory owns the user")
			}
			o.expect()
		}},
		{"PUT adopts", func(o *tenant) {
			id := o.unowned(document(o))
			a := o.want(200, "PUT", "/Users/"+id, post("ada.okafor", o.mail("ada")))
			if a.body["userName"] != "ada.okafor" || a.body["displayName"] != nil {
				o.t.Errorf("answer %s", a.text)
			}
			o.owned(id, people.Member, true)
			o.expect(o.adopted(id)...)
		}},
		{"being named as a member of a new group adopts", func(o *tenant) {
			id := o.unowned(document(o))
			group := o.group("Drivers", id)
			o.owned(id, people.Member, true)
			events := o.adopted(id)
			o.expect(
				happening{Type: directory.DirectoryGroupCreated, Subject: model.DirectoryGroupPrefix.ID(group),
					Actor: o.directory.Actor()},
				events[0], events[1],
				happening{Type: directory.DirectoryGroupUserAdded, Subject: model.DirectoryGroupPrefix.ID(group),
					Actor: o.directory.Actor()},
			)
		}},
		{"being added to a group adopts", func(o *tenant) {
			id := o.unowned(document(o))
			group := o.group("Drivers")
			o.happened()
			o.want(204, "PATCH", "/Groups/"+group,
				patchOf(fmt.Sprintf(`[{"op":"Add","path":"members","value":[{"$ref":null,"value":%q}]}]`, id)))
			o.owned(id, people.Member, true)
			o.expect(append(o.adopted(id),
				happening{Type: directory.DirectoryGroupUserAdded, Subject: model.DirectoryGroupPrefix.ID(group),
					Actor: o.directory.Actor()})...)
		}},
		{"DELETE is 404, and the user stays", func(o *tenant) {
			id := o.unowned(document(o))
			before := o.row(id)
			refused(o.t, o.do("DELETE", "/Users/"+id, ""), 404, "")
			if diff := cmp.Diff(before, o.row(id)); diff != "" {
				o.t.Errorf("the user changed (-before +after):\n%s", diff)
			}
			o.expect()
		}},
		{"without a verified domain everything is 404, and shown to no filter", func(o *tenant) {
			id := o.unowned(map[string]any{"userName": "ada", "externalId": "7",
				"emails": []any{map[string]any{"value": "ada@elsewhere.example", "type": "work"}}})
			before := o.row(id)
			body := post("ada", "ada@elsewhere.example")
			for _, request := range [][2]string{
				{http.MethodGet, ""},
				{http.MethodPatch, patchOf(`[{"op":"replace","path":"active","value":false}]`)},
				{http.MethodPut, body},
				{http.MethodDelete, ""},
			} {
				refused(o.t, o.do(request[0], "/Users/"+id, request[1]), 404, "")
			}
			o.finds(filtered("/Users", `externalId eq "7"`))
			o.finds(filtered("/Users", `emails[type eq "work"].value eq "ada@elsewhere.example"`))
			o.untouched(before)
		}},
		{"an administrator becomes a member once confirmed", func(o *tenant) {
			id := o.unowned(document(o))
			if _, err := people.In(o.org).SetRole(o.t.Context(), id, people.Admin); err != nil {
				o.t.Fatal(err)
			}
			o.happened()
			before := o.row(id)
			body := fmt.Sprintf(`{"displayName":"Drivers","members":[{"value":%q}]}`, id)
			refused(o.t, o.do("POST", "/Groups", body), 400, "invalidValue", id)
			o.finds(filtered("/Users", `externalId eq "7"`))
			o.untouched(before)
			if _, err := people.In(o.org).ConfirmAdoption(o.t.Context(), id); err != nil {
				o.t.Fatal(err)
			}
			o.want(200, "GET", "/Users/"+id, "")
			o.want(201, "POST", "/Groups", body)
			o.owned(id, people.Admin, true)
		}},
		{"without a verified domain nobody becomes a member", func(o *tenant) {
			id := o.unowned(person("ada", "ada@elsewhere.example"))
			before := o.row(id)
			refused(o.t, o.do("POST", "/Groups", fmt.Sprintf(`{"displayName":"Drivers","members":[{"value":%q}]}`, id)),
				400, "invalidValue", id)
			o.untouched(before)
			o.finds("/Groups")
		}},
	})
}
