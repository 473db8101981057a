package model_test

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/modeltest"
)

// estate is one organization's share of everything there is. Two estates differ
// in nothing but ids, secrets, slug and the verified domain.
type estate struct {
	org          *model.Org
	domain       *model.Domain
	directory    *model.Directory
	token        *model.DirectoryToken
	bearer       string
	user         *model.User // of the directory, in the group, with an identity
	other        *model.User // of the directory, in no group
	unowned      *model.User // an administrator whom the directory could adopt, once confirmed
	group        *model.DirectoryGroup
	identity     *model.Identity
	tombstone    model.Tombstone
	departed     model.Traces
	connection   *model.Connection
	login        *model.Login // used
	logout       *model.SingleLogout
	signedIn     *model.SignedIn
	cookie       string
	access       string // an access token
	attempt      model.LoginAttempt
	schema       model.Schema
	account      *model.Account
	accountGroup *model.AccountGroup
	license      *model.License
	verified     string
	externalID   string
}

func settle(t testing.TB, s *model.Store, name string) estate {
	t.Helper()
	ctx := t.Context()
	e := estate{verified: name + ".example", externalID: "customer " + name}
	g := &model.Organization{OrganizationFields: model.OrganizationFields{
		Name: "Contoso", Slug: name, ExternalID: &e.externalID, Settings: model.DefaultSettings(),
	}}
	must(t, s.CreateOrganization(ctx, "operator:test", model.Everywhere(), g, map[string]model.DomainState{
		e.verified: model.DomainStateVerified, "pending." + e.verified: model.DomainStatePending}))
	e.org = s.Org(g.ID, "operator:test")
	e.domain = &g.Domains[0]
	if e.domain.State != model.DomainStatePending {
		e.domain = &g.Domains[1]
	}
	var err error
	e.directory, e.bearer, err = e.org.CreateDirectory(ctx, "Okta", "okta scim v2.0")
	must(t, err)
	tokens, err := e.org.DirectoryTokens(ctx, e.directory.ID)
	must(t, err)
	e.token = &tokens[0]
	e.user = createUser(t, e.org, e.directory, "ada@shared.example")
	e.other = createUser(t, e.org, e.directory, "grace@shared.example")
	document := person("alan@shared.example")
	document["emails"] = []any{map[string]any{"value": "alan@" + e.verified, "primary": true}}
	e.unowned, err = e.org.CreateUser(ctx, document)
	must(t, err)
	e.unowned, err = e.org.SetRole(ctx, e.unowned.ID, model.Admin)
	must(t, err)
	e.setPassword(t)
	e.group = createGroup(t, e.org, e.directory, "Engineers", e.user)
	e.signOn(t, s)
	note(t, s, e.directory, 1)
	e.schema = model.Schema{URN: "urn:example:" + name, Name: "Crew", Attributes: []model.SchemaAttribute{{Name: "rank"}}}
	_, err = e.org.PutSchema(ctx, &e.schema)
	must(t, err)
	gone := createUser(t, e.org, e.directory, "gone@shared.example")
	e.departed, err = model.TracesOf(gone)
	must(t, err)
	must(t, e.org.DeleteDirectoryUser(ctx, e.directory.ID, gone.ID))
	stones, _, err := e.org.Tombstones(ctx, model.Page{Limit: 1})
	must(t, err)
	e.tombstone = stones[0]
	e.entitle(t)
	e.user = stored(t, e.org, e.user.ID)
	return e
}

// call is one use of a method by an organization on what an estate holds. What
// it finds is empty when there is nothing.
type call func(ctx context.Context, org *model.Org, of estate) (found any, err error)

// The methods that name something by its id: for another organization there is nothing.
var naming = map[string]call{
	"ConfirmAdoption": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return org.ConfirmAdoption(ctx, of.unowned.ID)
	},
	"Connection": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return org.Connection(ctx, of.connection.ID)
	},
	"CreateDirectoryGroup": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return org.CreateDirectoryGroup(ctx, of.directory.ID, map[string]any{"displayName": "New"}, ids(of.user))
	},
	"CreateDirectoryToken": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		t, _, err := org.CreateDirectoryToken(ctx, of.directory.ID, "second", nil)
		return t, err
	},
	"CreatePasswordSetup": createPasswordSetup,
	"CreateDirectoryUser": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return org.CreateDirectoryUser(ctx, of.directory.ID, person("new@shared.example"))
	},
	"DeleteConnection": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return done(org.DeleteConnection(ctx, of.connection.ID))
	},
	"DeleteDirectory": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return done(org.DeleteDirectory(ctx, of.directory.ID))
	},
	"DeleteDirectoryGroup": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return done(org.DeleteDirectoryGroup(ctx, of.directory.ID, of.group.ID))
	},
	"DeleteDirectoryUser": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return done(org.DeleteDirectoryUser(ctx, of.directory.ID, of.user.ID))
	},
	"DeleteDomain": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return done(org.DeleteDomain(ctx, of.domain.ID))
	},
	"DeleteSchema": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return done(org.DeleteSchema(ctx, of.schema.URN))
	},
	"DeleteTombstone": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return done(org.DeleteTombstone(ctx, of.tombstone.ID))
	},
	"DeleteUser": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return done(org.DeleteUser(ctx, of.user.ID))
	},
	"Directory": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return org.Directory(ctx, of.directory.ID)
	},
	"DirectoryCounts": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return org.DirectoryCounts(ctx, of.directory.ID)
	},
	"DirectoryRequests": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		rs, _, err := org.DirectoryRequests(ctx, of.directory.ID, model.Page{Limit: 10})
		return rs, err
	},
	"DirectoryGroup": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return org.DirectoryGroup(ctx, "", of.group.ID)
	},
	"DirectoryGroups": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		gs, _, err := org.DirectoryGroups(ctx, of.directory.ID, model.ResourceQuery{Limit: 10})
		return gs, err
	},
	"DirectoryGroupsOf": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return org.DirectoryGroupsOf(ctx, of.user.ID)
	},
	"DirectoryTokens": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return org.DirectoryTokens(ctx, of.directory.ID)
	},
	"DirectoryUser": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return org.DirectoryUser(ctx, of.directory.ID, of.user.ID)
	},
	"DirectoryUsers": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		us, _, err := org.DirectoryUsers(ctx, of.directory.ID, model.ResourceQuery{Limit: 10})
		return us, err
	},
	"Domain": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return org.Domain(ctx, of.domain.ID)
	},
	"EndSession": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return done(org.EndSession(ctx, of.signedIn.Session.ID))
	},
	"EndSessionsOf": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return org.EndSessionsOf(ctx, of.identity.ID)
	},
	"ForceDomain": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return org.ForceDomain(ctx, of.domain.ID)
	},
	"GroupMembers": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return org.GroupMembers(ctx, of.group.ID)
	},
	"GroupPage": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		gs, _, err := org.GroupPage(ctx, model.GroupQuery{UserID: of.user.ID, Page: model.Page{Limit: 10}})
		return gs, err
	},
	"GroupsOf": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return org.GroupsOf(ctx, of.user.ID)
	},
	"HandOver": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return org.HandOver(ctx, of.signedIn, *of.login.ApplicationID, "https://app.example/callback", "")
	},
	"IDToken": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return org.IDToken(ctx, of.signedIn.Session.ID)
	},
	"Identities": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return org.Identities(ctx, of.user.ID)
	},
	"LinkIdentity": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return org.LinkIdentity(ctx, model.Identity{ConnectionID: of.connection.ID, Issuer: "i", Subject: "another", UserID: of.user.ID})
	},
	"Login": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return org.Login(ctx, of.connection.ID, of.login.ID)
	},
	"LoginAttempts": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		as, _, err := org.LoginAttempts(ctx, of.connection.ID, model.Page{Limit: 10})
		return as, err
	},
	"LoginResponse": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return org.LoginResponse(ctx, of.attempt.ID)
	},
	"Profile": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		p, err := org.Profile(ctx, of.signedIn)
		if err != nil {
			return nil, err
		}
		return p.Groups, nil // the rest is what the caller already had
	},
	"RecordFailedLogin": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return org.RecordFailedLogin(ctx, model.LoginAttempt{ConnectionID: of.connection.ID, Reason: "expired"}, "too late")
	},
	"RememberAssertion": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return done(org.RememberAssertion(ctx, of.connection.ID, "another", 1<<60))
	},
	"RevokeDirectoryToken": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return done(org.RevokeDirectoryToken(ctx, of.directory.ID, of.token.ID))
	},
	"RevokeSessions": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return org.RevokeSessions(ctx, of.user.ID)
	},
	"Sessions": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		ss, _, err := org.Sessions(ctx, of.user.ID, model.Page{Limit: 10})
		return ss, err
	},
	"SignIn": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		l := model.Login{ConnectionID: of.connection.ID, RequestID: "_2", BrowserHash: []byte("hash")}
		if err := org.StartLogin(ctx, &l); err != nil {
			l = *of.login // what is not theirs cannot be begun; it cannot be ended either
		}
		out, err := org.SignIn(ctx, response(of.connection, &l, claimsOf("s", "ada@shared.example")))
		if err != nil {
			return nil, err
		}
		return out.User, nil
	},
	"StartLogin": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		l := model.Login{ConnectionID: of.connection.ID, RequestID: "_1", BrowserHash: []byte("hash")}
		return done(org.StartLogin(ctx, &l))
	},
	"Schema": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return org.Schema(ctx, of.schema.URN)
	},
	"SetRole": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return org.SetRole(ctx, of.user.ID, model.Admin)
	},
	"Tx": func(ctx context.Context, org *model.Org, of estate) (found any, err error) {
		err = org.Tx(ctx, func(org *model.Org) error {
			found, err = org.User(ctx, of.user.ID)
			return err
		})
		return found, err
	},
	"CreateDirectoryClient": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		t, _, err := org.CreateDirectoryClient(ctx, of.directory.ID, "client", nil)
		return t, err
	},
	"UpdateConnection": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return org.UpdateConnection(ctx, of.connection.ID, func(c *model.ConnectionFields) error {
			c.IDPEntityID = "https://other.example"
			return nil
		})
	},
	"UpdateDirectory": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return org.UpdateDirectory(ctx, of.directory.ID, named("Renamed"))
	},
	"UpdateDirectoryGroup": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return org.UpdateDirectoryGroup(ctx, of.directory.ID, of.group.ID, func(g *model.GroupDraft) error {
			return g.SetDocument(map[string]any{"displayName": "Renamed"})
		}, model.MembersChange{Op: model.ReplaceMembers, UserIDs: ids(of.other)})
	},
	"UpdateDirectoryUser": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return org.UpdateDirectoryUser(ctx, of.directory.ID, of.user.ID, setActive(false))
	},
	"User": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return org.User(ctx, of.user.ID)
	},
	"Users": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		us, _, err := org.Users(ctx, model.UserQuery{GroupID: of.group.ID, Page: model.Page{Limit: 10}})
		return us, err
	},
	"VerifyDomain": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return org.VerifyDomain(ctx, of.domain.ID)
	},
}

// The methods that are about the organization as a whole, which the other one
// may call, too: for itself.
var whole = map[string]call{
	"ActiveConnections": func(ctx context.Context, org *model.Org, _ estate) (any, error) {
		return org.ActiveConnections(ctx)
	},
	"CreateConnection": func(ctx context.Context, org *model.Org, _ estate) (any, error) {
		c := newConnection()
		return c, org.CreateConnection(ctx, c, []byte("key"))
	},
	"CreateDirectory": func(ctx context.Context, org *model.Org, _ estate) (any, error) {
		d, _, err := org.CreateDirectory(ctx, "Entra ID", "azure scim v2.0")
		return d, err
	},
	"CreateDomain": func(ctx context.Context, org *model.Org, _ estate) (any, error) {
		return org.CreateDomain(ctx, "another.example", model.DomainStatePending)
	},
	"CreateUser": func(ctx context.Context, org *model.Org, _ estate) (any, error) {
		return org.CreateUser(ctx, person("new@shared.example"))
	},
	"DeleteOrganization": func(ctx context.Context, org *model.Org, _ estate) (any, error) {
		return done(org.DeleteOrganization(ctx))
	},
	"Departed": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return org.Departed(ctx, of.departed)
	},
	"Domains":      func(ctx context.Context, org *model.Org, _ estate) (any, error) { return org.Domains(ctx) },
	"HasPasswords": func(ctx context.Context, org *model.Org, _ estate) (any, error) { return org.HasPasswords(ctx) },
	"Organization": func(ctx context.Context, org *model.Org, _ estate) (any, error) {
		return org.Organization(ctx)
	},
	"PutSchema": func(ctx context.Context, org *model.Org, _ estate) (any, error) {
		return org.PutSchema(ctx, &model.Schema{URN: "urn:example:another", Name: "Another", Attributes: []model.SchemaAttribute{{Name: "a"}}})
	},
	"Schemas": func(ctx context.Context, org *model.Org, _ estate) (any, error) { return org.Schemas(ctx) },
	"SetDomains": func(ctx context.Context, org *model.Org, _ estate) (any, error) {
		return org.SetDomains(ctx, map[string]model.DomainState{"third." + string(org.ID) + ".example": model.DomainStateVerified})
	},
	"StartAuthorization": startAuthorization,
	"Tombstones": func(ctx context.Context, org *model.Org, _ estate) (any, error) {
		ts, _, err := org.Tombstones(ctx, model.Page{Limit: 10})
		return ts, err
	},
	"UpdateOrganization": func(ctx context.Context, org *model.Org, _ estate) (any, error) {
		return org.UpdateOrganization(ctx, func(g *model.OrganizationFields) error { g.Name = "Renamed"; return nil })
	},
}

// done is what a method finds that returns nothing but an error.

func TestIsolation(t *testing.T) {
	t.Parallel()
	methods := reflect.TypeFor[*model.Org]()
	maps.Copy(naming, entitlementCalls())
	maps.Copy(whole, entitlementWhole())
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		b := settle(t, s, "bravo")
		for i := range methods.NumMethod() {
			name := methods.Method(i).Name
			use, names := naming[name]
			if !names {
				use, names = logoutNaming[name]
			}
			if !names {
				use = whole[name]
			}
			if use == nil {
				t.Errorf("%s has no entry in the tables of this test", name)
				continue
			}
			t.Run(name, func(t *testing.T) {
				a := settle(t, s, fmt.Sprint("alpha-", i))
				before := dump(t, s, b.org)
				for _, target := range []estate{b, a.with(b.directory), b.with(a.directory)} {
					found, err := use(t.Context(), a.org, target)
					if err != nil && model.KindOf(err) == model.Internal {
						t.Errorf("a foreign id is an internal error: %v", err)
					}
					if names && target.directory == b.directory && target.user == b.user && err == nil && !empty(found) {
						t.Errorf("called by the other organization it found %+v", found)
					}
					if err == nil {
						checkShowsNothing(t, found, b)
					}
					if diff := cmp.Diff(before, dump(t, s, b.org)); diff != "" {
						t.Fatalf("called by the other organization it changed rows (-before +after):\n%s", diff)
					}
				}
				own := settle(t, s, fmt.Sprint("own-", i))
				found, err := use(t.Context(), own.org, own)
				if err != nil || empty(found) {
					t.Errorf("called by its own organization it found %+v: %v", found, err)
				}
			})
		}
	})
}

// with is the estate with another directory, as in a request that mixes ids.
func (e estate) with(d *model.Directory) estate {
	e.directory = d
	return e
}
