package directory_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/search"
	"rollcall/model/store"
)

// waiting returns when a statement of the store's database waits for a lock.
func waiting(t testing.TB, s *store.Store) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		var n int
		storetest.Must(t, storetest.Across(s, t.Context()).Raw(
			"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").
			Scan(&n).Error)
		if n > 0 {
			return
		}
	}
	t.Fatal("nothing waits for a lock")
}

func TestRemovalIsLastInTheFeed(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]func(org *store.Org, d *directory.Directory) error{
		"of a directory": func(org *store.Org, d *directory.Directory) error {
			return directory.In(org).DeleteDirectory(t.Context(), d.ID)
		},
		"of an organization": func(org *store.Org, _ *directory.Directory) error {
			return operator.In(org).DeleteOrganization(t.Context())
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := modeltest.Open(t, modeltest.Postgres(t), store.Options{})
			org, d := storetest.Contoso(t, s)
			first, second := storetest.CreateUser(t, org, d, "first"), storetest.CreateUser(t, org, d, "second")
			group := storetest.CreateGroup(t, org, d, "Engineers")
			before := len(storetest.Events(t, s, org))

			// The removal has its place in the feed, and waits for the first user.
			held := storetest.Across(s, t.Context()).Begin()
			storetest.Must(t, held.Exec("SELECT id FROM users WHERE id = ? FOR UPDATE", first.ID).Error)
			removed := make(chan error)
			go func() { removed <- remove(org, d) }()
			waiting(t, s)
			_, err := directory.Of(org, d.ID).UpdateUser(t.Context(), second.ID, storetest.Count)
			storetest.Must(t, err)
			storetest.Must(t, held.Rollback().Error)
			storetest.Must(t, <-removed)

			var types []model.EventType
			for _, e := range storetest.Events(t, s, org)[before:] {
				types = append(types, e.Type)
			}
			if len(types) != 2 || types[0] != people.DirectoryUserUpdated {
				t.Errorf("the feed says %v", types)
			}
			if _, err := directory.Of(org, d.ID).Group(t.Context(), group.ID); model.KindOf(err) != model.NotFound {
				t.Errorf("the group is still there: %v", err)
			}
		})
	}
}

func TestRemovalUnderWrites(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		for name, remove := range map[string]func(org *store.Org, d *directory.Directory) error{
			"of a directory": func(org *store.Org, d *directory.Directory) error {
				return directory.In(org).DeleteDirectory(t.Context(), d.ID)
			},
			"of an organization": func(org *store.Org, _ *directory.Directory) error {
				return operator.In(org).DeleteOrganization(t.Context())
			},
		} {
			t.Run(name, func(t *testing.T) {
				org, d := storetest.Organization(t, s, name, fmt.Sprint(len(name), ".example"))
				var users []*people.User
				for i := range 6 {
					users = append(users, storetest.CreateUser(t, org, d, fmt.Sprint("user-", i)))
				}
				g := storetest.CreateGroup(t, org, d, "Engineers", users...)
				// Writers of all kinds go on until the directory does not exist.
				stop, ended := make(chan bool), make(chan error)
				writers := []func(n int) error{
					func(n int) error {
						_, err := directory.Of(org, d.ID).UpdateUser(t.Context(), users[n%3].ID, storetest.Count)
						return err
					},
					func(n int) error {
						op := []directory.MembersOp{directory.RemoveMembers, directory.AddMembers}[n%2]
						_, err := directory.Of(org, d.ID).UpdateGroup(t.Context(), g.ID, storetest.Unaltered,
							directory.MembersChange{Op: op, UserIDs: storetest.Ids(users[3:]...)})
						return err
					},
					func(n int) error {
						_, err := directory.Of(org, d.ID).CreateUser(t.Context(),
							storetest.Person(fmt.Sprint("new-", n)))
						return err
					},
					func(n int) error {
						_, err := directory.Of(org, d.ID).CreateGroup(t.Context(),
							map[string]any{"displayName": fmt.Sprint("new-", n)}, storetest.Ids(users[:2]...))
						return err
					},
					func(n int) error {
						c := directory.Of(org, d.ID)
						u, err := c.CreateUser(t.Context(), storetest.Person(fmt.Sprint("brief-", n)))
						if err == nil {
							err = c.DeleteUser(t.Context(), u.ID)
						}
						return err
					},
					func(n int) error {
						c := directory.Of(org, d.ID)
						document := map[string]any{"displayName": fmt.Sprint("brief-", n)}
						g, err := c.CreateGroup(t.Context(), document, nil)
						if err == nil {
							err = c.DeleteGroup(t.Context(), g.ID)
						}
						return err
					},
				}
				for _, write := range writers {
					go func() {
						for n := 0; ; n++ {
							select {
							case <-stop:
								ended <- nil
								return
							default:
							}
							switch err := write(n); model.KindOf(err) {
							case model.Internal, model.Unavailable:
								if err != nil {
									ended <- err
									return
								}
							}
						}
					}()
				}
				err := remove(org, d)
				close(stop)
				for range writers {
					if err := <-ended; err != nil {
						t.Errorf("a writer got %v", err)
					}
				}
				storetest.Must(t, err)
				if left, _, err := directory.Of(org, d.ID).
					Users(t.Context(), search.Query{Limit: 10}); err != nil || len(left) > 0 {
					t.Errorf("the directory still has %v: %v", left, err)
				}
			})
		}
	})
}

func TestDeleteDirectory(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		kept := storetest.Directory(t, org)
		ada, alan := storetest.CreateUser(t, org, d, "ada@contoso.example"), storetest.CreateUser(t, org, d,
			"alan@contoso.example")
		grace := storetest.CreateUser(t, org, kept, "grace@contoso.example")
		storetest.CreateGroup(t, org, d, "Engineers", ada, alan)
		remaining := storetest.CreateGroup(t, org, kept, "Engineers", grace)
		alan = storetest.Deactivate(t, org, d, alan)
		_, bearer, err := directory.Of(org, d.ID).CreateToken(t.Context(), "second", nil)
		storetest.Must(t, err)
		_, err = directory.Across(s).Authenticate(t.Context(), bearer)
		storetest.Must(t, err)

		got := storetest.NewEvents(t, s, org,
			func() { storetest.Must(t, directory.In(org).DeleteDirectory(t.Context(), d.ID)) })
		if diff := cmp.Diff([]model.EventType{directory.DirectoryDeleted}, got); diff != "" {
			t.Errorf("events: %s", diff)
		}
		t.Run("an active user becomes unowned and inactive for this reason, and loses access", func(t *testing.T) {
			u := storetest.Stored(t, org, ada.ID)
			if u.DirectoryID != nil || u.Active || u.InactiveReason != people.DirectoryRemoved ||
				u.Epoch != ada.Epoch+1 || u.Version != ada.Version+1 {
				t.Errorf("%+v", u)
			}
		})
		t.Run("an inactive user becomes unowned and keeps the reason", func(t *testing.T) {
			u := storetest.Stored(t, org, alan.ID)
			if u.DirectoryID != nil || u.Active || u.InactiveReason != people.Deprovisioned || u.Epoch != alan.Epoch {
				t.Errorf("%+v", u)
			}
		})
		t.Run("its groups and tokens are gone, another directory's remain", func(t *testing.T) {
			gs, _, err := directory.In(org).GroupPage(t.Context(), directory.GroupQuery{Page: model.Page{Limit: 10}})
			if err != nil || len(gs) != 1 || gs[0].ID != remaining.ID {
				t.Error(gs, err)
			}
			_, err = directory.Across(s).Authenticate(t.Context(), bearer)
			storetest.WantKind(t, err, model.Denied)
			if u := storetest.Stored(t, org, grace.ID); !u.Active || *u.DirectoryID != kept.ID {
				t.Errorf("%+v", u)
			}
		})
		t.Run("a second time it is not found", func(t *testing.T) {
			storetest.WantKind(t, directory.In(org).DeleteDirectory(t.Context(), d.ID), model.NotFound)
		})
		t.Run("adopted by a change of nothing, a user stays inactive for the directory's reason", func(t *testing.T) {
			temporary := storetest.Directory(t, org)
			before := storetest.CreateUser(t, org, temporary, "left@contoso.example")
			storetest.Must(t, directory.In(org).DeleteDirectory(t.Context(), temporary.ID))
			u, err := directory.Of(org, kept.ID).UpdateUser(t.Context(), before.ID,
				func(*people.UserDraft) error { return nil })
			if err != nil || *u.DirectoryID != kept.ID || u.Active || u.InactiveReason != people.Deprovisioned ||
				u.Epoch != before.Epoch+1 {
				t.Errorf("%+v %v", u, err)
			}
		})
		t.Run("a new directory adopts them", func(t *testing.T) {
			next := storetest.Directory(t, org)
			for _, old := range []*people.User{ada, alan} {
				u := storetest.CreateUser(t, org, next, old.UserName)
				if u.ID != old.ID || !u.Active || u.InactiveReason != "" || u.Epoch <= old.Epoch && old == ada {
					t.Errorf("%+v", u)
				}
			}
		})
	})
}

func TestDeleteOrganization(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		e := storetest.Settle(t, s, "alpha")
		storetest.Serving(t, s, e.Org.ID)
		got := storetest.NewEvents(t, s, e.Org,
			func() { storetest.Must(t, operator.In(e.Org).DeleteOrganization(t.Context())) })
		if diff := cmp.Diff([]model.EventType{organization.OrganizationDeleted}, got); diff != "" {
			t.Errorf("events: %s", diff)
		}
		for _, row := range storetest.Dump(t, s, e.Org) {
			if !slices.ContainsFunc([]string{"events ", "application_organizations "},
				func(p string) bool { return row[:len(p)] == p }) {
				t.Errorf("left: %s", row)
			}
		}
		_, err := directory.Across(s).Authenticate(t.Context(), e.Bearer)
		storetest.WantKind(t, err, model.Denied)
		storetest.WantKind(t, operator.In(e.Org).DeleteOrganization(t.Context()), model.NotFound)
		as, _, err := organization.Across(s).Applications(t.Context(), model.Page{Limit: 10})
		if err != nil || len(as) != 2 || len(as[0].Organizations)+len(as[1].Organizations) != 0 {
			t.Errorf("its application still serves it: %v %v", as, err)
		}
	})
}
