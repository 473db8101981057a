package testidp

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// entra returns the dialect of Microsoft Entra ID, from "Develop and plan provisioning for a SCIM
// endpoint" and "Known issues … with SCIM 2.0 protocol compliance". If compliant is set, the
// requests are those that the flag aadOptscim062020 turns on.
func entra(compliant bool) dialect {
	e := entraDialect{compliant}
	testQuery := func() string { return "filter=" + escape(equals("userName", entraID("probe", newSecret()))) }
	return dialect{
		label: "Microsoft Entra ID",
		header: http.Header{
			"User-Agent":   {"Northwind-Directory"},
			"Accept":       {"application/scim+json"},
			"Content-Type": {"application/scim+json; charset=utf-8"},
		},
		newID:        entraID,
		userQuery:    "filter=%s",
		groupQuery:   "excludedAttributes=members&filter=%s",
		testQuery:    testQuery,
		matchBy:      []string{"externalId", "userName"},
		newUser:      entraNewUser,
		updateUser:   e.updateUser,
		setActive:    e.setActive,
		setManager:   e.setManager,
		deletesUsers: true,
		newGroup:     entraNewGroup,
		renameGroup:  e.rename,
		readsGroup:   true,
		groupFields:  "excludedAttributes=members",
		isMember:     entraIsMember,
		setMembers:   e.setMembers,
	}
}

type entraDialect struct {
	compliant bool
}

// entraID returns an object id: a UUID made from the seed.
func entraID(kind, seed string) string {
	b := sha256.Sum256([]byte(kind + "/" + seed))
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// entraNewUser returns the body that creates a user. Attributes that a person lacks are null, as
// Entra ID sends them.
func entraNewUser(p Person) any {
	var title *string
	if p.Title != "" {
		title = &p.Title
	}
	return struct {
		Schemas           []string          `json:"schemas"`
		ExternalID        string            `json:"externalId"`
		UserName          string            `json:"userName"`
		Active            bool              `json:"active"`
		Addresses         []value           `json:"addresses"`
		DisplayName       string            `json:"displayName"`
		Emails            []value           `json:"emails"`
		Meta              map[string]string `json:"meta"`
		Name              name              `json:"name"`
		PhoneNumbers      []value           `json:"phoneNumbers"`
		PreferredLanguage *string           `json:"preferredLanguage"`
		Roles             []string          `json:"roles"`
		Title             *string           `json:"title"`
		Enterprise        enterprise        `json:"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"`
	}{
		Schemas:      []string{coreUser, enterpriseUser},
		ExternalID:   p.ExternalID,
		UserName:     p.UserName,
		Active:       true,
		DisplayName:  p.Name(),
		Emails:       workEmail(p),
		Meta:         map[string]string{"resourceType": "User"},
		Name:         name{p.Name(), p.FamilyName, p.GivenName},
		PhoneNumbers: mobile(p),
		Roles:        []string{},
		Title:        title,
		Enterprise:   enterprise{p.EmployeeNumber, p.Department},
	}
}

// op returns an operation. Entra ID capitalizes its name, unless the flag is set.
func (e entraDialect) op(verb, path string, v any) patchOp {
	if e.compliant {
		verb = strings.ToLower(verb)
	}
	return patchOp{Op: verb, Path: path, Value: v}
}

// setActive returns the change of active. It is a string, unless the flag is set.
func (e entraDialect) setActive(active bool) []patchOp {
	if e.compliant {
		return []patchOp{e.op("Replace", "active", active)}
	}
	return []patchOp{e.op("Replace", "active", map[bool]string{true: "True", false: "False"}[active])}
}

// updateUser sends an operation for each attribute in which the server's user differs from the
// person. It reads the user first, unless found has it.
func (e entraDialect) updateUser(ctx context.Context, c *client, id string, found resource, p Person) error {
	if found == nil {
		var err error
		if found, err = c.read(ctx, userPath(id), ""); err != nil {
			return err
		}
	}
	ops := e.difference(found, p)
	if len(ops) == 0 {
		return nil
	}
	return c.patch(ctx, userPath(id), ops)
}

// difference returns the operations that update the server's user.
func (e entraDialect) difference(found resource, p Person) []patchOp {
	var ops []patchOp
	withoutPath := map[string]any{}
	for _, a := range []struct{ path, want, have string }{
		{"userName", p.UserName, found.text("userName")},
		{"displayName", p.Name(), found.text("displayName")},
		{"title", p.Title, found.text("title")},
		{`emails[type eq "work"].value`, p.UserName, found.element("emails", "work")},
		{"name.givenName", p.GivenName, found.text("name", "givenName")},
		{"name.familyName", p.FamilyName, found.text("name", "familyName")},
		{"name.formatted", p.Name(), found.text("name", "formatted")},
		{`phoneNumbers[type eq "mobile"].value`, p.Mobile, found.element("phoneNumbers", "mobile")},
		{"externalId", p.ExternalID, found.text("externalId")},
		{enterpriseUser + ":employeeNumber", p.EmployeeNumber, found.text(enterpriseUser, "employeeNumber")},
		{enterpriseUser + ":department", p.Department, found.text(enterpriseUser, "department")},
	} {
		switch {
		case a.want == a.have:
		case a.want == "":
			ops = append(ops, e.op("Remove", a.path, nil))
		case a.have == "":
			ops = append(ops, e.op("Add", a.path, a.want))
		case e.compliant && !strings.Contains(a.path, "["):
			// With the flag, all changed single values are in one object without a path, under
			// dotted names.
			withoutPath[a.path] = a.want
		default:
			ops = append(ops, e.op("Replace", a.path, a.want))
		}
	}
	if len(withoutPath) > 0 {
		ops = append(ops, e.op("Replace", "", withoutPath))
	}
	return ops
}

// setManager sends the manager's id as a plain string. It first asks the server whether the user
// has this manager already, as Entra ID does for reference attributes.
func (e entraDialect) setManager(ctx context.Context, c *client, id, before, after string) error {
	verb := "Replace"
	if before == "" {
		verb = "Add"
	}
	if after != "" {
		filter := equals("id", id) + " and " + equals("manager", after)
		found, err := c.list(ctx, "/Users", "filter="+escape(filter)+"&attributes=id")
		if err == nil && len(found) == 1 && found[0].text("id") == id {
			return nil
		}
	}
	return c.patch(ctx, userPath(id), []patchOp{e.op(verb, enterpriseUser+":manager", after)})
}

// entraNewGroup returns the body that creates a group.
func entraNewGroup(g Group) any {
	return struct {
		Schemas     []string          `json:"schemas"`
		ExternalID  string            `json:"externalId"`
		DisplayName string            `json:"displayName"`
		Meta        map[string]string `json:"meta"`
	}{
		// The second URN is Entra ID's own. Servers ignore it.
		[]string{coreGroup, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"},
		g.ExternalID, g.Name, map[string]string{"resourceType": "Group"},
	}
}

// rename returns the change of a group's name.
func (e entraDialect) rename(_, name string) []patchOp {
	return []patchOp{e.op("Replace", "displayName", name)}
}

// entraIsMember asks the server whether a user is a member of a group.
func entraIsMember(ctx context.Context, c *client, group, user string) (bool, error) {
	filter := equals("id", group) + " and " + equals("members", user)
	found, err := c.list(ctx, "/Groups", "excludedAttributes=members&filter="+escape(filter))
	return len(found) == 1 && found[0].text("id") == group, err
}

type entraMember struct {
	Ref   *string `json:"$ref"` // always null
	Value string  `json:"value"`
}

// setMembers returns requests of at most batch members each.
func (e entraDialect) setMembers(_, _ string, add, remove []member, _ bool) [][]patchOp {
	var requests [][]patchOp
	for part := range slices.Chunk(add, batch) {
		requests = append(requests, []patchOp{e.op("Add", "members", entraMembers(part))})
	}
	for part := range slices.Chunk(remove, batch) {
		if !e.compliant {
			requests = append(requests, []patchOp{e.op("Remove", "members", entraMembers(part))})
			continue
		}
		var ops []patchOp
		for _, m := range part {
			ops = append(ops, e.op("Remove", "members["+equals("value", m.id)+"]", nil))
		}
		requests = append(requests, ops)
	}
	return requests
}

// entraMembers returns the value that adds or removes members.
func entraMembers(members []member) []entraMember {
	out := make([]entraMember, len(members))
	for i, m := range members {
		out[i] = entraMember{Value: m.id}
	}
	return out
}
