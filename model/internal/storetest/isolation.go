package storetest

import (
	"testing"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/directory"
	"rollcall/model/entitle"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/signon"
	"rollcall/model/store"
)

// Estate is one organization's share of everything there is. Two estates differ
// in nothing but ids, secrets, slug and the verified domain.
type Estate struct {
	Org          *store.Org
	Domain       *organization.Domain
	Directory    *directory.Directory
	Token        *directory.DirectoryToken
	Bearer       string
	User         *people.User // of the directory, in the group, with an identity
	Other        *people.User // of the directory, in no group
	Unowned      *people.User // an administrator whom the directory could adopt, once confirmed
	Group        *people.DirectoryGroup
	Identity     *people.Identity
	Tombstone    directory.Tombstone
	Departed     people.Traces
	Connection   *connection.Connection
	Login        *signon.Login // used
	Logout       *signon.SingleLogout
	SignedIn     *signon.SignedIn
	Cookie       string
	Access       string // an access token
	Attempt      signon.LoginAttempt
	Schema       directory.Schema
	Account      *entitle.Account
	AccountGroup *entitle.AccountGroup
	License      *entitle.License
	Verified     string
	ExternalID   string
}

func Settle(t testing.TB, s *store.Store, name string) Estate {
	t.Helper()
	ctx := t.Context()
	e := Estate{Verified: name + ".example", ExternalID: "customer " + name}
	g := &organization.Organization{OrganizationFields: organization.OrganizationFields{
		Name: "Contoso", Slug: name, ExternalID: &e.ExternalID, Settings: organization.DefaultSettings(),
	}}
	Must(t, operator.Across(s).CreateOrganization(ctx, "operator:test", model.Everywhere(), g, map[string]organization.DomainState{
		e.Verified: organization.DomainStateVerified, "pending." + e.Verified: organization.DomainStatePending}))
	e.Org = s.Org(g.ID, "operator:test")
	e.Domain = &g.Domains[0]
	if e.Domain.State != organization.DomainStatePending {
		e.Domain = &g.Domains[1]
	}
	var err error
	e.Directory, e.Bearer, err = directory.In(e.Org).CreateDirectory(ctx, "Okta", "okta scim v2.0")
	Must(t, err)
	tokens, err := directory.Of(e.Org, e.Directory.ID).Tokens(ctx)
	Must(t, err)
	e.Token = &tokens[0]
	e.User = CreateUser(t, e.Org, e.Directory, "ada@shared.example")
	e.Other = CreateUser(t, e.Org, e.Directory, "grace@shared.example")
	document := Person("alan@shared.example")
	document["emails"] = []any{map[string]any{"value": "alan@" + e.Verified, "primary": true}}
	e.Unowned, err = people.In(e.Org).CreateUser(ctx, document)
	Must(t, err)
	e.Unowned, err = people.In(e.Org).SetRole(ctx, e.Unowned.ID, people.Admin)
	Must(t, err)
	e.setPassword(t)
	e.Group = CreateGroup(t, e.Org, e.Directory, "Engineers", e.User)
	e.signOn(t, s)
	Note(t, s, e.Directory, 1)
	e.Schema = directory.Schema{URN: "urn:example:" + name, Name: "Crew", Attributes: []directory.SchemaAttribute{{Name: "rank"}}}
	_, err = directory.In(e.Org).PutSchema(ctx, &e.Schema)
	Must(t, err)
	gone := CreateUser(t, e.Org, e.Directory, "gone@shared.example")
	e.Departed, err = TracesOf(gone)
	Must(t, err)
	Must(t, directory.Of(e.Org, e.Directory.ID).DeleteUser(ctx, gone.ID))
	stones, _, err := directory.In(e.Org).Tombstones(ctx, model.Page{Limit: 1})
	Must(t, err)
	e.Tombstone = stones[0]
	e.entitle(t)
	e.User = Stored(t, e.Org, e.User.ID)
	return e
}

// With is the estate with another directory, as in a request that mixes ids.
func (e Estate) With(d *directory.Directory) Estate {
	e.Directory = d
	return e
}
