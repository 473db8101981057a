package storetest

import (
	"context"
	"testing"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/directory"
	"rollcall/model/entitle"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/setup"
	"rollcall/model/signon"
	"rollcall/model/store"
	"rollcall/model/testlogin"
)

// Estate is an organization with a row of every kind. Two estates differ only in ids, secrets, slug
// and the verified domain.
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
	Test         *testlogin.Test
	Schema       directory.Schema
	Account      *entitle.Account
	AccountGroup *entitle.AccountGroup
	License      *entitle.License
	Link         *setup.Link // redeemed
	LinkToken    string
	Visitor      string // the token of a browser that redeemed the link
	Verified     string
	ExternalID   string
}

// Settle makes an estate.
func Settle(t testing.TB, s *store.Store, name string) Estate {
	t.Helper()
	ctx := t.Context()
	e := Estate{Verified: name + ".example", ExternalID: "customer " + name}
	g := &organization.Organization{OrganizationFields: organization.OrganizationFields{
		Name: "Contoso", Slug: name, ExternalID: &e.ExternalID, Settings: organization.DefaultSettings(),
	}}
	domains := map[string]organization.DomainState{
		e.Verified: organization.DomainStateVerified, "pending." + e.Verified: organization.DomainStatePending,
	}
	Must(t, operator.Across(s).CreateOrganization(ctx, "operator:test", model.Everywhere(), g, domains))
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
	rank := []directory.SchemaAttribute{{Name: "rank"}}
	e.Schema = directory.Schema{URN: "urn:example:" + name, Name: "Crew", Attributes: rank}
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
	e.link(t, s)
	e.User = Stored(t, e.Org, e.User.ID)
	return e
}

// With is the estate with another directory, as in a request that mixes ids.
func (e Estate) With(d *directory.Directory) Estate {
	e.Directory = d
	return e
}

// Identifying are the texts that occur in an answer only when it shows something of the estate.
func (e Estate) Identifying() []string {
	return []string{string(e.Org.ID), e.Domain.ID, e.Directory.ID, e.Token.ID, e.User.ID, e.Other.ID, e.Unowned.ID,
		e.Group.ID, e.Identity.ID, e.Connection.ID, e.Login.ID, e.Logout.ID, e.SignedIn.Session.ID,
		e.Attempt.ID, e.Test.ID, e.Tombstone.ID, e.Schema.ID,
		e.Account.ID, e.AccountGroup.ID, e.License.ID, e.Link.ID, e.Verified, e.ExternalID}
}

// setPassword gives the estate's administrator a password, and leaves a link to set another one.
func (e *Estate) setPassword(t testing.TB) {
	t.Helper()
	// No test signs in by it, and hashing one for each estate would take long.
	Must(t, Within(e.Org, t.Context()).Create(&UserPassword{UserID: e.Unowned.ID, Hash: "hash"}).Error)
	_, _, err := people.In(e.Org).CreatePasswordSetup(t.Context(), e.Unowned.ID)
	Must(t, err)
}

// signOn connects an identity provider and signs the user in, with a session, a code that is
// exchanged, and a line in the login log.
func (e *Estate) signOn(t testing.TB, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	e.Connection = Connect(t, e.Org)
	claims := ClaimsOf("s", "ada@shared.example")
	claims.NameID = "ada@shared.example"
	_, err := operator.In(e.Org).UpdateOrganization(ctx, func(g *organization.OrganizationFields) error {
		g.AllowProfilesOutsideOrganization = true
		return nil
	})
	Must(t, err)
	e.Login = Begin(t, e.Org, e.Connection)
	a := Application(t, s)
	e.Login.ApplicationID = &a.ID
	in := Response(e.Connection, e.Login, claims)
	in.IDToken = "an.id.token"
	out, err := signon.In(e.Org).SignIn(ctx, in)
	Must(t, err)
	e.Cookie = out.SessionToken
	e.SignedIn, err = signon.Across(s).SessionByToken(ctx, e.Cookie)
	Must(t, err)
	e.Identity = &e.SignedIn.Identity
	_, e.Access, err = signon.Across(s).RedeemCode(ctx, signon.Redemption{ApplicationID: a.ID, Code: out.Code})
	Must(t, err)
	_, err = signon.In(e.Org).RecordFailedLogin(ctx, signon.LoginAttempt{
		ConnectionID: e.Connection.ID, Reason: "expired",
		Response: func() []byte { return []byte("<Response/>") },
	}, "")
	Must(t, err)
	attempts, _, err := signon.In(e.Org).LoginAttempts(ctx, e.Connection.ID, model.Page{Limit: 1})
	Must(t, err)
	e.Attempt = attempts[0]
	e.Test = Tested(t, e.Org, e.Connection)
	e.Logout = &signon.SingleLogout{ConnectionID: e.Connection.ID, RequestID: "_1", BrowserHash: []byte("hash")}
	Must(t, signon.In(e.Org).StartLogout(ctx, e.Logout))
}

// entitle gives an estate an account for which the connection is configured, with a group and a
// mapping, and a license and a place in the group by hand.
func (e *Estate) entitle(t testing.TB) {
	t.Helper()
	ctx := t.Context()
	_, err := operator.In(e.Org).UpdateOrganization(ctx, func(g *organization.OrganizationFields) error {
		g.Settings.AllowManualAssignments = true
		return nil
	})
	Must(t, err)
	e.Account = &entitle.Account{AccountFields: entitle.AccountFields{Name: "Workspace"}}
	Must(t, entitle.In(e.Org).CreateAccount(ctx, e.Account))
	mappings := []entitle.GroupMapping{{DirectoryGroupRef: ByID(e.Group)}}
	e.AccountGroup = &entitle.AccountGroup{
		AccountID: e.Account.ID, Mappings: mappings, AccountGroupFields: entitle.AccountGroupFields{Name: "Editors"},
	}
	Must(t, entitle.In(e.Org).CreateAccountGroup(ctx, e.AccountGroup))
	Must(t, entitle.In(e.Org).SetConnectionAccounts(ctx, e.Connection.ID, []string{e.Account.ID}))
	_, err = entitle.In(e.Org).SetRoleMapping(ctx, ByID(e.Group))
	Must(t, err)
	e.License, err = entitle.In(e.Org).AssignLicense(ctx, e.Other.ID, e.Account.ID)
	Must(t, err)
	_, err = entitle.In(e.Org).AssignGroup(ctx, e.Account.ID, e.AccountGroup.ID, e.Other.ID)
	Must(t, err)
}

// link gives an estate a set-up link that somebody looked at and redeemed, and a step that is done.
func (e *Estate) link(t testing.TB, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	var err error
	e.Link, e.LinkToken, err = setup.In(e.Org).CreateLink(ctx, setup.LinkFields{Scopes: setup.Scopes})
	Must(t, err)
	Must(t, setup.In(e.Org).NoteLook(ctx, e.Link.ID, setup.Sender{Address: "192.0.2.1", Browser: "Firefox"}))
	_, e.Visitor, err = setup.Across(s).Redeem(ctx, e.LinkToken, setup.Sender{Address: "192.0.2.1", Browser: "Firefox"})
	Must(t, err)
	Must(t, setup.In(e.Org).Complete(ctx, setup.StepDomains))
}

// CreatePasswordSetup makes a link by which a user sets a password.
func CreatePasswordSetup(ctx context.Context, org *store.Org, of Estate) (any, error) {
	p, _, err := people.In(org).CreatePasswordSetup(ctx, of.Unowned.ID)
	return p, err
}

// Done returns true instead of an error that is nil.
func Done(err error) (any, error) { return err == nil, err }
