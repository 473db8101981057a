package directory_test

import (
	"context"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/people"
	"rollcall/model/search"
)

// A token that ends while a request is on its way opens nothing for it any more: the look at the
// token is in the statement that does the work, whatever a cache remembers.
func TestRequestsOfATokenThatHasEnded(t *testing.T) {
	t.Parallel()
	type contents = directory.Contents
	works := map[string]func(ctx context.Context, c contents, u *people.User, g *people.DirectoryGroup) error{
		"a user is read": func(ctx context.Context, c contents, u *people.User, _ *people.DirectoryGroup) error {
			_, err := c.User(ctx, u.ID)
			return err
		},
		"a group is read": func(ctx context.Context, c contents, _ *people.User, g *people.DirectoryGroup) error {
			_, err := c.Group(ctx, g.ID)
			return err
		},
		"users are listed": func(ctx context.Context, c contents, _ *people.User, _ *people.DirectoryGroup) error {
			if _, _, err := c.Users(ctx, search.Query{Limit: 10}); err != nil {
				return err
			}
			return c.Confirm(ctx)
		},
		"a user is made": func(ctx context.Context, c contents, _ *people.User, _ *people.DirectoryGroup) error {
			_, err := c.CreateUser(ctx, storetest.Person(model.NewID()+"@new.example"))
			return err
		},
		"a user is changed": func(ctx context.Context, c contents, u *people.User, _ *people.DirectoryGroup) error {
			_, err := c.UpdateUser(ctx, u.ID, storetest.SetActive(false))
			return err
		},
		"a user is deleted": func(ctx context.Context, c contents, u *people.User, _ *people.DirectoryGroup) error {
			return c.DeleteUser(ctx, u.ID)
		},
		"a group is made": func(ctx context.Context, c contents, u *people.User, _ *people.DirectoryGroup) error {
			_, err := c.CreateGroup(ctx, map[string]any{"displayName": "New"}, []string{u.ID})
			return err
		},
		"a group is changed": func(ctx context.Context, c contents, u *people.User, g *people.DirectoryGroup) error {
			_, err := c.UpdateGroup(ctx, g.ID, storetest.Unaltered,
				directory.MembersChange{Op: directory.RemoveMembers, UserIDs: []string{u.ID}})
			return err
		},
		"a group is deleted": func(ctx context.Context, c contents, _ *people.User, g *people.DirectoryGroup) error {
			return c.DeleteGroup(ctx, g.ID)
		},
		"nothing is done": func(ctx context.Context, c contents, _ *people.User, _ *people.DirectoryGroup) error {
			return c.Confirm(ctx)
		},
	}
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		s, clock := clocked(t, db)
		org, _ := storetest.Contoso(t, s)
		const lifetime = time.Hour
		for ending, c := range map[string]struct {
			end   func(t *testing.T, d *directory.Directory, token *directory.DirectoryToken)
			lives bool
		}{
			"it lives": {func(*testing.T, *directory.Directory, *directory.DirectoryToken) {}, true},
			"its last moment": {func(*testing.T, *directory.Directory, *directory.DirectoryToken) {
				clock.Advance(lifetime - time.Millisecond)
			}, true},
			"it expires": {func(*testing.T, *directory.Directory, *directory.DirectoryToken) {
				clock.Advance(lifetime)
			}, false},
			"it is revoked": {func(t *testing.T, d *directory.Directory, token *directory.DirectoryToken) {
				storetest.Must(t, directory.Of(org, d.ID).RevokeToken(t.Context(), token.ID))
			}, false},
		} {
			for name, work := range works {
				t.Run(ending+", and "+name, func(t *testing.T) {
					d := storetest.Directory(t, org)
					until := model.TimeOf(clock.Now().Add(lifetime))
					token, bearer := newToken(t, org, d, &until)
					u := storetest.CreateUser(t, org, d, model.NewID()+"@contoso.example")
					g := storetest.CreateGroup(t, org, d, "Staff", u)
					opened, err := directory.Across(s).Authenticate(t.Context(), bearer)
					storetest.Must(t, err)
					c.end(t, d, token)
					do := func() error {
						contents := opened.Contents(s.Org(org.ID, d.Actor()))
						err := work(t.Context(), contents, u, g)
						if model.KindOf(err) == model.NotFound { // a token that is gone sees nothing
							err = contents.Confirm(t.Context())
						}
						return err
					}
					if c.lives {
						storetest.Must(t, do())
						return
					}
					storetest.Unchanged(t, s, func() { storetest.WantKind(t, do(), model.Denied) })
				})
			}
		}
	})
}
