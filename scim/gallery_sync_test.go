package scim_test

import (
	"fmt"
	"strings"
	"testing"
)

// matched finds a user as Entra does before each change, and returns the id.
func (c *client) matched(name string) string {
	c.t.Helper()
	id, _ := c.found("/Users", `userName eq "`+name+`@northwind.example"`, "").body["id"].(string)
	return id
}

// galleryUsers are the checks of Entra's provisioning of users.
var galleryUsers = []gallery{
	{"M12 Users_Create", func(t *testing.T, c *client) {
		if c.matched("ada") != "" {
			t.Fatal("nobody is found")
		}
		id := c.galleryUser("ada")
		if c.matched("ada") != id ||
			c.found("/Users", `emails[type eq "work"].value eq "ADA@northwind.example"`, "").body["id"] != id ||
			c.found("/Users", `externalId eq "ada"`, "").body["id"] != id {
			t.Error("who was created is not found")
		}
	}},
	{"M13 Users_Update", func(t *testing.T, c *client) {
		id := c.galleryUser("ada")
		values := inQuotes(galleryAttributes)
		delete(values, "userName")
		c.want(200, "PATCH", "/Users/"+id+"?aadOptscim062020",
			strings.ReplaceAll(patchAll("Replace", values), `"Replace"`, `"replace"`))
		if a := c.want(200, "GET", "/Users/"+c.matched("ada"), ""); a.body["title"] != "New" || a.body["id"] != id {
			t.Error(a.text)
		}
	}},
	{"M14 Users_Disable", func(t *testing.T, c *client) {
		id := c.galleryUser("ada")
		c.want(200, "PATCH", "/Users/"+c.matched("ada"), patchAll("Replace", map[string]string{"active": `"False"`}))
		a := c.found("/Users", `userName eq "ada@northwind.example"`, "")
		if a.body["active"] != false || a.body["id"] != id {
			t.Errorf("a disabled user is not found: %s", a.text)
		}
	}},
	{"M15 Users_Delete", func(t *testing.T, c *client) {
		id := c.galleryUser("ada")
		c.want(204, "DELETE", "/Users/"+id, "")
		c.want(404, "GET", "/Users/"+id, "")
		if c.matched("ada") != "" {
			t.Error("who was deleted is found")
		}
	}},
	{"M16 Users_UpdateManager", func(t *testing.T, c *client) {
		id, first, second := c.galleryUser("ada"), c.galleryUser("boss"), c.galleryUser("chief")
		probe := func(manager string) bool {
			return c.found("/Users", `id eq "`+id+`" and manager eq "`+manager+`"`, "&attributes=id").body["id"] == id
		}
		for _, manager := range []string{first, second, ""} {
			c.want(200, "PATCH", "/Users/"+id,
				patchAll("Replace", map[string]string{enterprise + ":manager": fmt.Sprintf("%q", manager)}))
			if probe(first) != (manager == first) || probe(second) != (manager == second) {
				t.Errorf("the manager is not %q", manager)
			}
		}
	}},
	{"M17 Users_Restore", func(t *testing.T, c *client) {
		id := c.galleryUser("ada")
		c.want(200, "PATCH", "/Users/"+id, patchAll("Replace", map[string]string{"active": `"False"`}))
		c.want(200, "PATCH", "/Users/"+id, patchAll("Replace", map[string]string{"active": `"True"`}))
		if a := c.want(200, "GET", "/Users/"+id, ""); a.body["active"] != true {
			t.Error(a.text)
		}
		c.want(204, "DELETE", "/Users/"+id, "")
		if again := c.galleryUser("ada"); c.matched("ada") != again || again == id {
			t.Error("who is assigned again is not there")
		}
	}},
	{"M18 Users_ProvisionOnDemand", func(t *testing.T, c *client) {
		id := c.galleryUser("ada")
		before := c.want(200, "GET", "/Users/"+c.matched("ada"), "")
		c.want(200, "PATCH", "/Users/"+id, patchAll("Replace", map[string]string{"displayName": `"Ada Okafor"`}))
		if now := c.want(200, "GET", "/Users/"+id, ""); now.text != before.text {
			t.Errorf("nothing was changed: %s", now.text)
		}
	}},
}

// matchedGroup finds a group as Entra does, without its members.
func (c *client) matchedGroup(name string) reply {
	c.t.Helper()
	return c.found("/Groups", `displayName eq "`+name+`"`, "&excludedAttributes=members")
}

func entraMember(op, id string) string {
	return patchOf(`[{"op":"` + op + `","path":"members","value":[{"$ref":null,"value":"` + id + `"}]}]`)
}

// isMember asks for a membership as Entra does.
func (c *client) isMember(group, user string) bool {
	c.t.Helper()
	return c.found("/Groups", `id eq "`+group+`" and members eq "`+user+`"`, "&attributes=id").body["id"] == group
}

// galleryGroups are the checks of Entra's provisioning of groups.
var galleryGroups = []gallery{
	{"M19 Groups_Create", func(t *testing.T, c *client) {
		if c.matchedGroup("Crew").body != nil {
			t.Fatal("a group is found")
		}
		id := c.group("Crew", c.galleryUser("ada"))
		if a := c.matchedGroup("Crew"); a.body["id"] != id || a.body["members"] != nil {
			t.Error(a.text)
		}
	}},
	{"M20 Groups_Update", func(t *testing.T, c *client) {
		id := c.group("Crew")
		c.want(204, "PATCH", "/Groups/"+id, patchAll("Replace", map[string]string{"displayName": `"Pilots"`}))
		if c.matchedGroup("Pilots").body["id"] != id || c.matchedGroup("Crew").body != nil {
			t.Error("the group has its old name, or another id")
		}
	}},
	{"M21 Groups_Delete", func(t *testing.T, c *client) {
		id := c.group("Crew", c.galleryUser("ada"))
		c.want(204, "DELETE", "/Groups/"+id, "")
		if c.want(404, "GET", "/Groups/"+id, ""); c.matchedGroup("Crew").body != nil || c.matched("ada") == "" {
			t.Error("the group is there, or its member is not")
		}
	}},
	{"M22 Groups_AddMember", func(t *testing.T, c *client) {
		user, id := c.galleryUser("ada"), c.group("Crew")
		if c.isMember(id, user) {
			t.Error("a member already")
		}
		c.want(204, "PATCH", "/Groups/"+id, entraMember("Add", user))
		c.want(204, "PATCH", "/Groups/"+id, entraMember("Add", user))
		if !c.isMember(id, user) {
			t.Error("no member")
		}
	}},
	{"M23 Groups_RemoveMember", func(t *testing.T, c *client) {
		ada, ben := c.galleryUser("ada"), c.galleryUser("ben")
		id := c.group("Crew", ada, ben)
		c.want(204, "PATCH", "/Groups/"+id, entraMember("Remove", ada))
		c.want(204, "PATCH", "/Groups/"+id, entraMember("Remove", ada))
		if c.isMember(id, ada) || !c.isMember(id, ben) {
			t.Error("not just the one was removed")
		}
	}},
	{"M24 Groups_Restore", func(t *testing.T, c *client) {
		ada := c.galleryUser("ada")
		id := c.group("Crew", ada)
		c.want(204, "DELETE", "/Groups/"+id, "")
		again := c.group("Crew")
		c.want(204, "PATCH", "/Groups/"+again, entraMember("Add", ada))
		if c.matchedGroup("Crew").body["id"] != again || !c.isMember(again, ada) {
			t.Error("the group that came back has no member")
		}
	}},
	{"M25 Groups_ProvisionOnDemand", func(t *testing.T, c *client) {
		ada := c.galleryUser("ada")
		id := c.group("Crew", ada)
		before := c.want(200, "GET", "/Groups/"+id+"?excludedAttributes=members", "")
		c.want(204, "PATCH", "/Groups/"+id, patchAll("Replace", map[string]string{"displayName": `"Crew"`}))
		now := c.want(200, "GET", "/Groups/"+id+"?excludedAttributes=members", "")
		if now.text != before.text || !c.isMember(id, ada) {
			t.Errorf("nothing was changed: %s", now.text)
		}
	}},
}
