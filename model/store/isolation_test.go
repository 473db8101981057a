package store_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/requestlog"
	"rollcall/model/search"
	"rollcall/model/signon"
	"rollcall/model/store"
)

// call is one use of a method by an organization on what an estate holds. What
// it finds is empty when there is nothing.
type call func(ctx context.Context, org *store.Org, of storetest.Estate) (found any, err error)

// The methods that name something by its id: for another organization there is nothing.
var naming = map[string]call{
	"people.ConfirmAdoption": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return people.In(org).ConfirmAdoption(ctx, of.Unowned.ID)
	},
	"connection.Connection": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return connection.In(org).Connection(ctx, of.Connection.ID)
	},
	"directory.Contents.CreateGroup": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return directory.Of(org, of.Directory.ID).CreateGroup(ctx, map[string]any{"displayName": "New"},
			storetest.Ids(of.User))
	},
	"directory.Contents.CreateToken": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		t, _, err := directory.Of(org, of.Directory.ID).CreateToken(ctx, "second", nil)
		return t, err
	},
	"people.CreatePasswordSetup": storetest.CreatePasswordSetup,
	"directory.Contents.CreateUser": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return directory.Of(org, of.Directory.ID).CreateUser(ctx, storetest.Person("new@shared.example"))
	},
	"connection.DeleteConnection": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return storetest.Done(connection.In(org).DeleteConnection(ctx, of.Connection.ID))
	},
	"directory.DeleteDirectory": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return storetest.Done(directory.In(org).DeleteDirectory(ctx, of.Directory.ID))
	},
	"directory.Contents.DeleteGroup": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return storetest.Done(directory.Of(org, of.Directory.ID).DeleteGroup(ctx, of.Group.ID))
	},
	"directory.Contents.DeleteUser": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return storetest.Done(directory.Of(org, of.Directory.ID).DeleteUser(ctx, of.User.ID))
	},
	"organization.DeleteDomain": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return storetest.Done(organization.In(org).DeleteDomain(ctx, of.Domain.ID))
	},
	"directory.DeleteSchema": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return storetest.Done(directory.In(org).DeleteSchema(ctx, of.Schema.URN))
	},
	"directory.DeleteTombstone": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return storetest.Done(directory.In(org).DeleteTombstone(ctx, of.Tombstone.ID))
	},
	"directory.DeleteUser": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return storetest.Done(directory.In(org).DeleteUser(ctx, of.User.ID))
	},
	"directory.Directory": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return directory.In(org).Directory(ctx, of.Directory.ID)
	},
	"directory.Contents.Confirm": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		access := directory.Access{Directory: *of.Directory, Token: *of.Token}
		return storetest.Done(access.Contents(org).Confirm(ctx))
	},
	"directory.Contents.Counts": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return directory.Of(org, of.Directory.ID).Counts(ctx)
	},
	"requestlog.Requests": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		rs, _, err := requestlog.In(org).Requests(ctx, of.Directory.ID, model.Page{Limit: 10})
		return rs, err
	},
	"people.DirectoryGroup": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return people.In(org).DirectoryGroup(ctx, "", of.Group.ID)
	},
	"directory.Contents.Group": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return directory.Of(org, of.Directory.ID).Group(ctx, of.Group.ID)
	},
	"directory.Contents.Groups": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		gs, _, err := directory.Of(org, of.Directory.ID).Groups(ctx, search.Query{Limit: 10})
		return gs, err
	},
	"directory.DirectoryGroupsOf": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		groups, _, err := directory.In(org).DirectoryGroupsOf(ctx, 10, of.User.ID)
		return groups, err
	},
	"directory.Contents.Tokens": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return directory.Of(org, of.Directory.ID).Tokens(ctx)
	},
	"directory.Contents.User": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return directory.Of(org, of.Directory.ID).User(ctx, of.User.ID)
	},
	"directory.Contents.Users": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		us, _, err := directory.Of(org, of.Directory.ID).Users(ctx, search.Query{Limit: 10})
		return us, err
	},
	"organization.Domain": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return organization.In(org).Domain(ctx, of.Domain.ID)
	},
	"signon.EndSession": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return storetest.Done(signon.In(org).EndSession(ctx, of.SignedIn.Session.ID))
	},
	"signon.EndSessionsOf": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return signon.In(org).EndSessionsOf(ctx, of.Identity.ID, 1<<60)
	},
	"organization.ForceDomain": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return organization.In(org).ForceDomain(ctx, of.Domain.ID)
	},
	"people.SomeGroupMembers": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		members, _, err := people.In(org).SomeGroupMembers(ctx, 10, of.Group.ID)
		return members, err
	},
	"people.GroupMembers": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return people.In(org).GroupMembers(ctx, of.Group.ID)
	},
	"directory.GroupPage": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		gs, _, err := directory.In(org).GroupPage(ctx, directory.GroupQuery{UserID: of.User.ID,
			Page: model.Page{Limit: 10}})
		return gs, err
	},
	"people.SomeGroupsOf": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		groups, _, err := people.In(org).SomeGroupsOf(ctx, 10, of.User.ID)
		return groups, err
	},
	"people.GroupsOf": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return people.In(org).GroupsOf(ctx, of.User.ID)
	},
	"signon.HandOver": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return signon.In(org).HandOver(ctx, of.SignedIn,
			signon.CodeRequest{ApplicationID: *of.Login.ApplicationID, RedirectURI: "https://app.example/callback"})
	},
	"connection.IDToken": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return connection.In(org).IDToken(ctx, of.SignedIn.Session.ID)
	},
	"people.Identities": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return people.In(org).Identities(ctx, of.User.ID)
	},
	"people.LinkIdentity": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return people.In(org).LinkIdentity(ctx, people.Identity{ConnectionID: of.Connection.ID, Issuer: "i",
			Subject: "another", UserID: of.User.ID})
	},
	"signon.LoginAttempts": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		as, _, err := signon.In(org).LoginAttempts(ctx, of.Connection.ID, model.Page{Limit: 10})
		return as, err
	},
	"signon.LoginResponse": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return signon.In(org).LoginResponse(ctx, of.Attempt.ID)
	},
	"signon.Profile": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		p, err := signon.In(org).Profile(ctx, of.SignedIn)
		if err != nil {
			return nil, err
		}
		return p.Groups, nil // the rest is what the caller already had
	},
	"signon.RecordFailedLogin": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return signon.In(org).RecordFailedLogin(ctx, signon.LoginAttempt{ConnectionID: of.Connection.ID,
			Reason: "expired"}, "too late")
	},
	"signon.RememberAssertion": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return storetest.Done(signon.In(org).RememberAssertion(ctx, of.Connection.ID, "another", 1<<60))
	},
	"directory.Contents.RevokeToken": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return storetest.Done(directory.Of(org, of.Directory.ID).RevokeToken(ctx, of.Token.ID))
	},
	"people.RevokeSessions": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return people.In(org).RevokeSessions(ctx, of.User.ID)
	},
	"signon.Sessions": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		ss, _, err := signon.In(org).Sessions(ctx, of.User.ID, model.Page{Limit: 10})
		return ss, err
	},
	"signon.SignIn": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		l := signon.Login{ConnectionID: of.Connection.ID, RequestID: "_2", BrowserHash: []byte("hash")}
		signon.In(org).StartLogin(&l)
		out, err := signon.In(org).SignIn(ctx, storetest.Response(of.Connection, &l,
			storetest.ClaimsOf("s", "ada@shared.example")))
		if err != nil {
			return nil, err
		}
		return out.User, nil
	},
	"directory.Schema": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return directory.In(org).Schema(ctx, of.Schema.URN)
	},
	"people.SetRole": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return people.In(org).SetRole(ctx, of.User.ID, people.Admin)
	},
	"store.Tx": func(ctx context.Context, org *store.Org, of storetest.Estate) (found any, err error) {
		err = org.Tx(ctx, func(org *store.Org) error {
			found, err = people.In(org).User(ctx, of.User.ID)
			return err
		})
		return found, err
	},
	"directory.Contents.CreateClient": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		t, _, err := directory.Of(org, of.Directory.ID).CreateClient(ctx, "client", nil)
		return t, err
	},
	"connection.UpdateConnection": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return connection.In(org).UpdateConnection(ctx, of.Connection.ID, func(c *connection.ConnectionFields) error {
			c.IDPEntityID = "https://other.example"
			return nil
		})
	},
	"connection.UpdateConnectionIn": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return connection.In(org).UpdateConnectionIn(ctx, of.Connection.ID, connection.ConnectionActive,
			func(c *connection.ConnectionFields) error {
				c.IDPEntityID = "https://other.example"
				return nil
			})
	},
	"directory.UpdateDirectory": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return directory.In(org).UpdateDirectory(ctx, of.Directory.ID, storetest.Named("Renamed"))
	},
	"directory.Contents.UpdateGroup": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return directory.Of(org, of.Directory.ID).UpdateGroup(ctx, of.Group.ID, func(g *directory.GroupDraft) error {
			return g.SetDocument(map[string]any{"displayName": "Renamed"})
		}, directory.MembersChange{Op: directory.ReplaceMembers, UserIDs: storetest.Ids(of.Other)})
	},
	"directory.Contents.UpdateUser": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return directory.Of(org, of.Directory.ID).UpdateUser(ctx, of.User.ID, storetest.SetActive(false))
	},
	"people.User": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return people.In(org).User(ctx, of.User.ID)
	},
	"people.Users": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		us, _, err := people.In(org).Users(ctx, people.UserQuery{GroupID: of.Group.ID, Page: model.Page{Limit: 10}})
		return us, err
	},
	"organization.VerifyDomain": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return organization.In(org).VerifyDomain(ctx, of.Domain.ID)
	},
}

// The methods that are about the organization as a whole, which the other one
// may call, too: for itself.
var whole = map[string]call{
	"connection.ActiveConnections": func(ctx context.Context, org *store.Org, _ storetest.Estate) (any, error) {
		return connection.In(org).ActiveConnections(ctx)
	},
	"connection.CreateConnection": func(ctx context.Context, org *store.Org, _ storetest.Estate) (any, error) {
		c := storetest.NewConnection()
		return c, connection.In(org).CreateConnection(ctx, c, []byte("key"))
	},
	"directory.CreateDirectory": func(ctx context.Context, org *store.Org, _ storetest.Estate) (any, error) {
		d, _, err := directory.In(org).CreateDirectory(ctx, "Entra ID", "azure scim v2.0")
		return d, err
	},
	"organization.CreateDomain": func(ctx context.Context, org *store.Org, _ storetest.Estate) (any, error) {
		return organization.In(org).CreateDomain(ctx, "another.example", organization.DomainStatePending)
	},
	"people.CreateUser": func(ctx context.Context, org *store.Org, _ storetest.Estate) (any, error) {
		return people.In(org).CreateUser(ctx, storetest.Person("new@shared.example"))
	},
	"operator.DeleteOrganization": func(ctx context.Context, org *store.Org, _ storetest.Estate) (any, error) {
		return storetest.Done(operator.In(org).DeleteOrganization(ctx))
	},
	"directory.Departed": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return directory.In(org).Departed(ctx, of.Departed)
	},
	"organization.Domains": func(ctx context.Context, org *store.Org, _ storetest.Estate) (any, error) {
		return organization.In(org).Domains(ctx)
	},
	"people.HasPasswords": func(ctx context.Context, org *store.Org, _ storetest.Estate) (any, error) {
		return people.In(org).HasPasswords(ctx)
	},
	"organization.Organization": func(ctx context.Context, org *store.Org, _ storetest.Estate) (any, error) {
		return organization.In(org).Organization(ctx)
	},
	"directory.PutSchema": func(ctx context.Context, org *store.Org, _ storetest.Estate) (any, error) {
		return directory.In(org).PutSchema(ctx, &directory.Schema{URN: "urn:example:another", Name: "Another",
			Attributes: []directory.SchemaAttribute{{Name: "a"}}})
	},
	"directory.Schemas": func(ctx context.Context, org *store.Org, _ storetest.Estate) (any, error) {
		return directory.In(org).Schemas(ctx)
	},
	"organization.SetDomains": func(ctx context.Context, org *store.Org, _ storetest.Estate) (any, error) {
		return organization.In(org).SetDomains(ctx, map[string]organization.DomainState{"third." + string(org.ID) +
			".example": organization.DomainStateVerified})
	},
	"directory.Tombstones": func(ctx context.Context, org *store.Org, _ storetest.Estate) (any, error) {
		ts, _, err := directory.In(org).Tombstones(ctx, model.Page{Limit: 10})
		return ts, err
	},
	"operator.UpdateOrganization": func(ctx context.Context, org *store.Org, _ storetest.Estate) (any, error) {
		return operator.In(org).UpdateOrganization(ctx, func(g *organization.OrganizationFields) error {
			g.Name = "Renamed"
			return nil
		})
	},
}

func TestIsolation(t *testing.T) {
	t.Parallel()
	maps.Copy(naming, entitlementCalls())
	maps.Copy(naming, logoutNaming)
	maps.Copy(naming, loginNaming)
	maps.Copy(naming, testNaming)
	maps.Copy(whole, entitlementWhole())
	maps.Copy(whole, loginWhole)
	maps.Copy(whole, testWhole)
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		b := storetest.Settle(t, s, "bravo")
		alpha, own := unaltered{prefix: "alpha"}, unaltered{prefix: "own"}
		for _, name := range handleMethods() {
			use, names := naming[name]
			if !names {
				use = whole[name]
			}
			if use == nil {
				t.Errorf("%s has no entry in the tables of this test", name)
				continue
			}
			t.Run(name, func(t *testing.T) {
				isolated(t, s, alpha.estate(t, s), b, use, names)
				mine := own.estate(t, s)
				found, err := use(t.Context(), mine.Org, mine)
				if err != nil || empty(found) {
					t.Errorf("called by its own organization it found %+v: %v", found, err)
				}
			})
		}
	})
}

// unaltered is an estate that lasts until something has changed its rows.
type unaltered struct {
	prefix string
	n      int
	of     storetest.Estate
	rows   []string
}

// estate returns the estate, or a new one in the place of one that was changed.
func (u *unaltered) estate(t *testing.T, s *store.Store) storetest.Estate {
	t.Helper()
	if u.of.Org == nil || !slices.Equal(u.rows, storetest.Dump(t, s, u.of.Org)) {
		u.n++
		u.of = storetest.Settle(t, s, fmt.Sprint(u.prefix, "-", u.n))
		u.rows = storetest.Dump(t, s, u.of.Org)
	}
	return u.of
}

// isolated uses a method as the organization of a on what b has, and on what is partly a's.
func isolated(t *testing.T, s *store.Store, a, b storetest.Estate, use call, names bool) {
	t.Helper()
	before := storetest.Dump(t, s, b.Org)
	for _, target := range []storetest.Estate{b, a.With(b.Directory), b.With(a.Directory)} {
		found, err := use(t.Context(), a.Org, target)
		if err != nil && model.KindOf(err) == model.Internal {
			t.Errorf("a foreign id is an internal error: %v", err)
		}
		if names && target.Directory == b.Directory && target.User == b.User && err == nil && !empty(found) {
			t.Errorf("called by the other organization it found %+v", found)
		}
		if err == nil {
			checkShowsNothing(t, found, b)
		}
		if diff := cmp.Diff(before, storetest.Dump(t, s, b.Org)); diff != "" {
			t.Fatalf("called by the other organization it changed rows (-before +after):\n%s", diff)
		}
	}
}
