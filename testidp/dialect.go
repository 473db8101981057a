package testidp

import (
	"context"
	"crypto/rand"
	"net/http"
)

// Dialect is the identity provider that an application imitates in SCIM.
type Dialect string

// The dialects follow the documentation of the identity providers, and recorded requests.
const (
	Okta  Dialect = "okta"  // an integration of the Okta Integration Network: PATCH and PUT
	Entra Dialect = "entra" // a Microsoft Entra ID enterprise application: PATCH only
)

// dialect has the differences between the identity providers in SCIM. If a function is nil, the
// provider sends no request for that purpose.
type dialect struct {
	label  string
	header http.Header
	newID  func(kind, seed string) string // makes the provider's own ids

	// Queries, with %s for the escaped filter.
	userQuery, groupQuery string
	testQuery             func() string
	matchBy               []string // attributes by which a person is searched for, the best first

	newUser func(p Person) any
	// updateUser updates the server's user. found is the user as the server returned it, or nil.
	updateUser func(ctx context.Context, c *client, id string, found resource, p Person) error
	setActive  func(active bool) []patchOp
	// setManager replaces one manager by another. Both are ids of the server, or empty.
	setManager func(ctx context.Context, c *client, id, before, after string) error
	// deletesUsers is set if the provider sends DELETE for people, after it has disabled them.
	deletesUsers bool

	newGroup    func(g Group) any
	renameGroup func(id, name string) []patchOp
	// readsGroup is set if the provider reads an existing group before it changes members.
	readsGroup  bool
	groupFields string // the query with which it reads a group
	// isMember asks the server whether a user is in a group.
	isMember func(ctx context.Context, c *client, group, user string) (bool, error)
	// setMembers returns the PATCH requests that change the members. If all is set, the members at
	// the server are unknown and add is the whole list.
	setMembers func(group, name string, add, remove []member, all bool) [][]patchOp
}

// member is a user of the server in a group.
type member struct{ id, userName string }

// batch is the greatest number of members in one PATCH. Most servers accept that many.
const batch = 100

type name struct {
	Formatted  string `json:"formatted,omitempty"`
	FamilyName string `json:"familyName"`
	GivenName  string `json:"givenName"`
}

type value struct {
	Primary bool   `json:"primary,omitempty"`
	Type    string `json:"type"`
	Value   string `json:"value"`
}

type enterprise struct {
	EmployeeNumber string `json:"employeeNumber,omitempty"`
	Department     string `json:"department,omitempty"`
}

// workEmail returns the value of emails.
func workEmail(p Person) []value { return []value{{Primary: true, Type: "work", Value: p.UserName}} }

// mobile returns the value of phoneNumbers.
func mobile(p Person) []value {
	if p.Mobile == "" {
		return nil
	}
	return []value{{Type: "mobile", Value: p.Mobile}}
}

// newSecret returns 26 random characters.
func newSecret() string { return rand.Text() }
