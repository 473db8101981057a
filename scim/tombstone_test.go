package scim_test

import (
	"fmt"
	"strings"
	"testing"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/people"
)

// departed checks whether a tombstone prevents a login from creating a user.
func (o *tenant) departed(want bool, who people.Traces) {
	o.t.Helper()
	got, err := directory.In(o.org).Departed(o.t.Context(), who)
	if err != nil || got != want {
		o.t.Errorf("departed %t (%v), want %t, for %+v", got, err, want, who)
	}
}

// leave creates a user with an identity and deletes the user.
func (o *tenant) leave() (byUserName, byEmail, byIdentity people.Traces) {
	o.t.Helper()
	id := o.create("/Users", fmt.Sprintf(
		`{"userName":"Ada","emails":[{"value":%q,"type":"work"},{"value":"ada@home.example","type":"home"}]}`,
		o.mail("ada")))
	identity := people.Identity{
		ConnectionID: "0190c0de-0000-7000-8000-000000000001", Issuer: "https://idp.example", Subject: "ada-7",
		UserID: id,
	}
	if _, err := people.In(o.org).LinkIdentity(o.t.Context(), identity); err != nil {
		o.t.Fatal(err)
	}
	o.want(204, "DELETE", "/Users/"+id, "")
	o.happened()
	return people.Traces{UserName: "ADA"},
		people.Traces{Emails: []string{strings.ToUpper(o.mail("ada"))}},
		people.Traces{Identities: []people.Identity{identity}}
}

// TestTombstones has a test for each rule in docs/design/identity.md, "Leaving", about them.
func TestTombstones(t *testing.T) {
	t.Parallel()
	eachTenant(t, []tenantTest{
		{"keep the person out by userName, by each e-mail and by identity", func(o *tenant) {
			userName, email, identity := o.leave()
			for _, who := range []people.Traces{userName, email, identity, {Emails: []string{"ada@home.example"}}} {
				o.departed(true, who)
			}
		}},
		{"keep nobody else out", func(o *tenant) {
			o.leave()
			o.departed(false, people.Traces{UserName: "ben", Emails: []string{o.mail("ben")}})
			o.departed(false, people.Traces{})
		}},
		{"keep nobody out of another organization", func(o *tenant) {
			userName, email, _ := o.leave()
			other := o.store.Org(o.organization("Southwind"), operatorActor)
			_, _, err := directory.In(other).CreateDirectory(o.t.Context(), "Staff", "generic scim v2.0")
			if err != nil {
				o.t.Fatal(err)
			}
			for _, who := range []people.Traces{userName, email} {
				if got, err := directory.In(other).Departed(o.t.Context(), who); got || err != nil {
					o.t.Errorf("departed %t (%v)", got, err)
				}
			}
		}},
		{"are not left by a deactivation", func(o *tenant) {
			id := o.create("/Users", post("ada", o.mail("ada")))
			o.want(200, "PATCH", "/Users/"+id, patchOf(`[{"op":"replace","path":"active","value":false}]`))
			o.departed(false, people.Traces{UserName: "ada", Emails: []string{o.mail("ada")}})
		}},
		{"end when the directory creates the person again", func(o *tenant) {
			userName, email, identity := o.leave()
			o.create("/Users", post("ada", o.mail("ada")))
			for _, who := range []people.Traces{userName, email, identity} {
				o.departed(false, who)
			}
		}},
		{"end when another directory creates the person by the e-mail", func(o *tenant) {
			userName, email, identity := o.leave()
			o.client.client(o.id).create("/Users", post("ada.okafor", o.mail("ada")))
			for _, who := range []people.Traces{userName, email, identity} {
				o.departed(false, who)
			}
		}},
		{"stay when the directory creates somebody else", func(o *tenant) {
			userName, _, _ := o.leave()
			o.create("/Users", post("ben", o.mail("ben")))
			o.departed(true, userName)
		}},
		{"end when an administrator clears them", func(o *tenant) {
			userName, email, identity := o.leave()
			stones, _, err := directory.In(o.org).Tombstones(o.t.Context(), model.Page{Limit: 10})
			if err != nil || len(stones) != 1 {
				o.t.Fatalf("%d tombstones (%v), want 1", len(stones), err)
			}
			if err := directory.In(o.org).DeleteTombstone(o.t.Context(), stones[0].ID); err != nil {
				o.t.Fatal(err)
			}
			for _, who := range []people.Traces{userName, email, identity} {
				o.departed(false, who)
			}
		}},
		{"keep nobody out once the organization has no directory", func(o *tenant) {
			userName, email, identity := o.leave()
			if err := directory.In(o.org).DeleteDirectory(o.t.Context(), o.directory.ID); err != nil {
				o.t.Fatal(err)
			}
			for _, who := range []people.Traces{userName, email, identity} {
				o.departed(false, who)
			}
		}},
		{"keep the person out while another directory is left", func(o *tenant) {
			userName, _, _ := o.leave()
			o.client.client(o.id)
			if err := directory.In(o.org).DeleteDirectory(o.t.Context(), o.directory.ID); err != nil {
				o.t.Fatal(err)
			}
			o.departed(true, userName)
		}},
	})
}
