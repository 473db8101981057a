package store_test

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"testing"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/internal/tenant"
	"rollcall/model/modeltest"
	"rollcall/model/people"
	"rollcall/model/search"
	"rollcall/model/signon"
	"rollcall/model/store"
)

// A crowd is an organization that grows to many people under the eyes of a database that does not
// know of it yet.
type crowd struct {
	storetest.House
	db    modeltest.Database
	in    storetest.Opened       // a session, a code and an access token
	big   *people.DirectoryGroup // everybody is a member
	small *people.DirectoryGroup // a few are
	token string                 // of the directory
	n     int                    // makes names unique
}

// The sizes of the crowd. ROLLCALL_TEST_CROWD makes it larger.
var (
	crowdSize       = crowdFromEnvironment()
	neighbors       = crowdSize / 20
	neighborsPeople = 10
)

func crowdFromEnvironment() int {
	if n, err := strconv.Atoi(os.Getenv("ROLLCALL_TEST_CROWD")); err == nil {
		return n
	}
	return 4_000
}

func newCrowd(t *testing.T, db modeltest.Database, o store.Options) *crowd {
	s := modeltest.Open(t, db, o)
	c := &crowd{House: storetest.Open(t, s, "contoso"), db: db}
	c.in = c.SignOn(t, "ada")
	c.big = storetest.CreateGroup(t, c.Org, c.D, "Everybody", c.in.User)
	c.small = storetest.CreateGroup(t, c.Org, c.D, "Few", c.in.User)
	var err error
	_, c.token, err = directory.Of(c.Org, c.D.ID).CreateToken(t.Context(), "token", nil)
	storetest.Must(t, err)
	return c
}

// next returns a name that is not used yet.
func (c *crowd) next() string {
	c.n++
	return fmt.Sprintf("new-%d@contoso.example", c.n)
}

// everybody is the one operation that reads as much as the crowd is.
const everybody = "members of everybody"

// operations are what the product does most often, by name.
func (c *crowd) operations(t *testing.T) map[string]func() error {
	ctx := t.Context()
	of := directory.Of(c.Org, c.D.ID)
	find := func(filter string) func() error {
		return func() error {
			us, _, err := of.Users(ctx, storetest.Query(t, filter))
			if err == nil && len(us) != 1 {
				err = fmt.Errorf("%d users", len(us))
			}
			return err
		}
	}
	members := func(g *people.DirectoryGroup, op directory.MembersOp, users ...*people.User) error {
		_, err := of.UpdateGroup(ctx, g.ID, storetest.Unaltered,
			directory.MembersChange{Op: op, UserIDs: storetest.Ids(users...)})
		return err
	}
	make := func() *people.User { return storetest.CreateUser(t, c.Org, c.D, c.next()) }
	one, two, three := make(), make(), make()
	storetest.Must(t, members(c.small, directory.AddMembers, one))
	active, turn := true, false
	return map[string]func() error{
		"create":                func() error { _, err := of.CreateUser(ctx, storetest.Person(c.next())); return err },
		"look up a userName":    find(`userName eq "` + one.UserName + `"`),
		"look up an externalId": find(`externalId eq "x-` + one.UserName + `"`),
		"look up an e-mail":     find(`emails[type eq "work"].value eq "` + one.UserName + `"`),
		"look up a name":        find(`displayName eq "Person ` + one.UserName + `"`),
		"look up a group": func() error {
			gs, _, err := of.Groups(ctx, storetest.Query(t, `displayName eq "Few"`))
			if err == nil && len(gs) != 1 {
				err = fmt.Errorf("%d groups", len(gs))
			}
			return err
		},
		"read":         func() error { _, err := of.User(ctx, one.ID); return err },
		"read a group": func() error { _, err := of.Group(ctx, c.small.ID); return err },
		everybody: func() error {
			_, err := people.In(c.Org).GroupMembers(ctx, c.big.ID)
			return err
		},
		"groups of a user": func() error { _, err := people.In(c.Org).GroupsOf(ctx, one.ID); return err },
		"change active": func() error {
			active = !active
			_, err := of.UpdateUser(ctx, one.ID, storetest.SetActive(active))
			return err
		},
		"change a title": func() error { _, err := of.UpdateUser(ctx, two.ID, storetest.Count); return err },
		"change an e-mail": func() error {
			_, err := of.UpdateUser(ctx, three.ID, func(u *people.UserDraft) error {
				return u.SetDocument(storetest.WithEmail(three.UserName, c.next()))
			})
			return err
		},
		"add a member":    func() error { return members(c.big, directory.AddMembers, make()) },
		"add two members": func() error { return members(c.big, directory.AddMembers, make(), make()) },
		"remove a member": func() error {
			u := make()
			return errors.Join(members(c.big, directory.AddMembers, u), members(c.big, directory.RemoveMembers, u))
		},
		"replace members": func() error {
			turn = !turn
			if turn {
				return members(c.small, directory.ReplaceMembers, one, two)
			}
			return members(c.small, directory.ReplaceMembers, one, three)
		},
		"delete": func() error { return of.DeleteUser(ctx, make().ID) },
		"create a group": func() error {
			g, err := of.CreateGroup(ctx, map[string]any{"displayName": c.next()}, storetest.Ids(one, two))
			return errors.Join(err, of.DeleteGroup(ctx, g.ID))
		},
		"list by cursor": func() error {
			place := fmt.Sprintf("[%d, %q]", int64(one.CreatedAt), one.ID)
			_, _, err := of.Users(ctx, search.Query{Limit: 10, Cursor: &search.Cursor{Place: place, Total: 1}})
			return err
		},
		"list of the API": func() error {
			_, _, err := people.In(c.Org).Users(ctx, people.UserQuery{DirectoryID: c.D.ID,
				Page: model.Page{Limit: 10, After: one.ID}})
			return err
		},
		"directory token": func() error {
			directory.InsideStore(tenant.InsideStore(c.S)).ForgetTokens()
			_, err := directory.Across(c.S).Authenticate(ctx, c.token)
			return err
		},
		"session": func() error { _, err := signon.Across(c.S).SessionByToken(ctx, c.in.Out.SessionToken); return err },
		"access token and profile": func() error {
			in, err := signon.Across(c.S).SessionByAccessToken(ctx, c.in.Token)
			if err == nil {
				_, err = signon.In(c.Org).Profile(ctx, in)
			}
			return err
		},
		"sign in": func() error {
			out, err := storetest.SignIn(t, c.Org, c.C, storetest.ClaimsOf("ada", c.Mail("ada")))
			if err == nil {
				err = signon.In(c.Org).EndSession(ctx, out.Session.ID)
			}
			return err
		},
		"sign in for the first time": func() error {
			name := c.next()
			_, err := storetest.SignIn(t, c.Org, c.C, storetest.ClaimsOf(name, name))
			return err
		},
		"page of the feed": func() error {
			es, _, err := c.S.Events(ctx, model.Everywhere(), store.EventQuery{Page: model.Page{Limit: 1}})
			if err != nil || len(es) == 0 {
				return err
			}
			for _, q := range []store.EventQuery{{}, {OrganizationID: c.Org.ID},
				{Types: []model.EventType{people.DirectoryUserUpdated, "dsync.deleted"}}} {
				q.Page = model.Page{Limit: 4, After: es[0].ID, Ascending: true}
				_, _, err := c.S.Events(ctx, model.Everywhere(), q)
				if err != nil {
					return err
				}
				q.Page = model.Page{Limit: 4}
				if _, _, err = c.S.Events(ctx, model.Everywhere(), q); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
