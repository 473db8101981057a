package testidp

import (
	"context"
	"crypto/rand"
	"net/http"
)

// Dialect is the identity provider whose requests an application sends.
type Dialect string

// The dialects. Both are as their makers document them, with what is known of their traffic.
const (
	Okta  Dialect = "okta"  // an integration of the Okta Integration Network: PATCH and PUT
	Entra Dialect = "entra" // a Microsoft Entra ID enterprise application: PATCH only
)

// dialect is what the identity providers do differently; the rest is the same for all in
// Application. A nil function means that this provider sends nothing for that purpose.
type dialect struct {
	label  string
	header http.Header
	newID  func(kind, seed string) string // makes the provider's own ids

	// Queries; %s stands for the escaped filter.
	userQuery, groupQuery string
	testQuery             func() string
	matchBy               []string // the attributes by which a person is looked for, best first

	newUser func(p Person) any
	// updateUser makes the server's user agree with the person; found is nil if it was not read.
	updateUser func(ctx context.Context, c *client, id string, found resource, p Person) error
	setActive  func(active bool) []patchOp
	// setManager replaces one manager by another; both are ids of the server, or empty.
	setManager func(ctx context.Context, c *client, id, before, after string) error
	// deletesUsers says that the provider sends DELETE for people, after it has disabled them.
	deletesUsers bool

	newGroup    func(g Group) any
	renameGroup func(id, name string) []patchOp
	// readsGroup says that the provider reads a group that was there before it changes members.
	readsGroup  bool
	groupFields string // the query with which it reads a group
	// isMember asks the server whether a user is in a group.
	isMember func(ctx context.Context, c *client, group, user string) (bool, error)
	// setMembers returns the PATCH requests that change the members. With all, the server's members
	// are not known and add is the whole list.
	setMembers func(group, name string, add, remove []member, all bool) [][]patchOp
}

// member is a user as the server knows them, in a group.
type member struct{ id, userName string }

// batch is how many members one PATCH names at most: servers commonly accept that many.
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

func workEmail(p Person) []value { return []value{{Primary: true, Type: "work", Value: p.UserName}} }

func mobile(p Person) []value {
	if p.Mobile == "" {
		return nil
	}
	return []value{{Type: "mobile", Value: p.Mobile}}
}

// newSecret returns 26 random characters.
func newSecret() string { return rand.Text() }
