package testidp

import (
	"context"
	"crypto/sha256"
	"maps"
	"math/big"
	"net/http"
	"slices"
)

// okta returns the dialect of Okta, from its "SCIM 2.0 protocol reference" and from recorded
// traffic. Okta never deletes a user.
func okta() dialect {
	const paging = "filter=%s&startIndex=1&count=100"
	return dialect{
		label: "Okta",
		header: http.Header{
			"User-Agent":     {"Okta SCIM Client 1.0.0"},
			"Accept":         {"application/scim+json"},
			"Accept-Charset": {"utf-8"},
			// Okta sends this on GET as well.
			"Content-Type": {"application/scim+json; charset=utf-8"},
		},
		newID:       oktaID,
		userQuery:   paging,
		groupQuery:  paging,
		testQuery:   func() string { return "startIndex=1&count=2" },
		matchBy:     []string{"userName"},
		newUser:     oktaNewUser,
		updateUser:  oktaUpdateUser,
		setActive:   func(active bool) []patchOp { return replaceAll(map[string]any{"active": active}) },
		newGroup:    oktaNewGroup,
		renameGroup: oktaRename,
		setMembers:  oktaSetMembers,
	}
}

// oktaID returns an id such as 00u8f2kq1x9Zb3LmN5d7, made from the seed.
func oktaID(kind, seed string) string {
	sum := sha256.Sum256([]byte(kind + "/" + seed))
	const width = 17
	s := new(big.Int).SetBytes(sum[:]).Text(62)
	prefix := map[string]string{"user": "00u", "group": "00g"}[kind]
	return prefix + s[len(s)-width:]
}

// oktaNewUser returns the body that creates a user.
func oktaNewUser(p Person) any {
	return struct {
		Schemas      []string   `json:"schemas"`
		UserName     string     `json:"userName"`
		Name         name       `json:"name"`
		Emails       []value    `json:"emails"`
		Title        string     `json:"title,omitempty"`
		DisplayName  string     `json:"displayName"`
		Locale       string     `json:"locale"`
		ExternalID   string     `json:"externalId"`
		PhoneNumbers []value    `json:"phoneNumbers,omitempty"`
		Enterprise   enterprise `json:"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"`
		Groups       []string   `json:"groups"`
		Password     string     `json:"password"`
		Active       bool       `json:"active"`
	}{
		Schemas:      []string{coreUser, enterpriseUser},
		UserName:     p.UserName,
		Name:         name{GivenName: p.GivenName, FamilyName: p.FamilyName},
		Emails:       workEmail(p),
		Title:        p.Title,
		DisplayName:  p.Name(),
		Locale:       "en-US",
		ExternalID:   p.ExternalID,
		PhoneNumbers: mobile(p),
		Enterprise:   enterprise{p.EmployeeNumber, p.Department},
		Groups:       []string{},
		// Okta sends a placeholder even if passwords are not synchronized.
		Password: newSecret()[:8],
		Active:   true,
	}
}

// oktaUpdateUser reads the user and sends it back with the changed profile by PUT. Other attributes
// that the server returned, such as id and meta, are sent back unchanged.
func oktaUpdateUser(ctx context.Context, c *client, id string, _ resource, p Person) error {
	r, err := c.read(ctx, userPath(id), "")
	if err != nil {
		return err
	}
	names, extension := asObject(r["name"]), asObject(r[enterpriseUser])
	if names == nil {
		names = resource{}
	}
	if extension == nil {
		extension = resource{}
	}
	names.set("givenName", p.GivenName)
	names.set("familyName", p.FamilyName)
	names.set("formatted", "") // it would still have the old name
	extension.set("employeeNumber", p.EmployeeNumber)
	extension.set("department", p.Department)
	r.set("title", p.Title)
	r.set("userName", p.UserName)
	r.set("displayName", p.Name())
	r.set("locale", "en-US")
	r.set("externalId", p.ExternalID)
	maps.Copy(r, resource{
		"schemas": withSchemas(r["schemas"], coreUser, enterpriseUser), "name": names, enterpriseUser: extension,
		"emails": workEmail(p), "phoneNumbers": mobile(p), "groups": []string{}, "active": true,
	})
	if p.Mobile == "" {
		delete(r, "phoneNumbers")
	}
	_, err = c.send(ctx, http.MethodPut, userPath(id), "", r)
	return err
}

// withSchemas returns the schemas that a server returned, with those added that the body uses.
func withSchemas(returned any, used ...string) []any {
	schemas, _ := returned.([]any)
	for _, s := range used {
		if !slices.Contains(schemas, any(s)) {
			schemas = append(schemas, s)
		}
	}
	return schemas
}

// oktaNewGroup returns the body that creates a group.
func oktaNewGroup(g Group) any {
	return struct {
		Schemas     []string `json:"schemas"`
		DisplayName string   `json:"displayName"`
		Members     []string `json:"members"`
	}{[]string{coreGroup}, g.Name, []string{}}
}

// oktaRename returns the change of a group's name.
func oktaRename(id, name string) []patchOp {
	return replaceAll(map[string]any{"id": id, "displayName": name})
}

// replaceAll returns a change in Okta's form: one replace without a path.
func replaceAll(value map[string]any) []patchOp { return []patchOp{{Op: "replace", Value: value}} }

type oktaMember struct {
	Value   string `json:"value"`
	Display string `json:"display"`
}

// oktaSetMembers returns the change of members. Before it, Okta always sends the group's name.
func oktaSetMembers(group, name string, add, remove []member, all bool) [][]patchOp {
	members := make([]oktaMember, len(add))
	for i, m := range add {
		members[i] = oktaMember{m.id, m.userName}
	}
	var ops []patchOp
	for _, m := range remove {
		ops = append(ops, patchOp{Op: "remove", Path: "members[" + equals("value", m.id) + "]"})
	}
	switch {
	case all:
		ops = append(ops, patchOp{Op: "replace", Path: "members", Value: members})
	case len(members) > 0:
		ops = append(ops, patchOp{Op: "add", Path: "members", Value: members})
	}
	return [][]patchOp{oktaRename(group, name), ops}
}
