package model_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/modeltest"
)

// waiting waits until some statement of the store's database waits for a lock.
func waiting(t testing.TB, s *model.Store) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		var n int
		must(t, model.Across(s, t.Context()).Raw(
			"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&n).Error)
		if n > 0 {
			return
		}
	}
	t.Fatal("nothing waits for a lock")
}

func TestRemovalStandsAfterWhatItOvertook(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]func(org *model.Org, d *model.Directory) error{
		"of a directory":     func(org *model.Org, d *model.Directory) error { return org.DeleteDirectory(t.Context(), d.ID) },
		"of an organization": func(org *model.Org, _ *model.Directory) error { return org.DeleteOrganization(t.Context()) },
	} {
		t.Run(name, func(t *testing.T) {
			s := modeltest.Open(t, modeltest.Postgres(t), model.Options{})
			org, d := contoso(t, s)
			first, second := createUser(t, org, d, "first"), createUser(t, org, d, "second")
			group := createGroup(t, org, d, "Engineers")
			before := len(events(t, s, org))

			// The removal waits for the first user, in the feed it has its place already.
			held := model.Across(s, t.Context()).Begin()
			must(t, held.Exec("SELECT id FROM users WHERE id = ? FOR UPDATE", first.ID).Error)
			removed := make(chan error)
			go func() { removed <- remove(org, d) }()
			waiting(t, s)
			_, err := org.UpdateDirectoryUser(t.Context(), d.ID, second.ID, count)
			must(t, err)
			must(t, held.Rollback().Error)
			must(t, <-removed)

			var types []model.EventType
			for _, e := range events(t, s, org)[before:] {
				types = append(types, e.Type)
			}
			if len(types) != 2 || types[0] != model.DirectoryUserUpdated {
				t.Errorf("the feed says %v", types)
			}
			if _, err := org.DirectoryGroup(t.Context(), d.ID, group.ID); model.KindOf(err) != model.NotFound {
				t.Errorf("the group is still there: %v", err)
			}
		})
	}
}

func TestRemovalUnderWrites(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		for name, remove := range map[string]func(org *model.Org, d *model.Directory) error{
			"of a directory":     func(org *model.Org, d *model.Directory) error { return org.DeleteDirectory(t.Context(), d.ID) },
			"of an organization": func(org *model.Org, _ *model.Directory) error { return org.DeleteOrganization(t.Context()) },
		} {
			t.Run(name, func(t *testing.T) {
				org, d := organization(t, s, name, fmt.Sprint(len(name), ".example"))
				var users []*model.User
				for i := range 6 {
					users = append(users, createUser(t, org, d, fmt.Sprint("user-", i)))
				}
				g := createGroup(t, org, d, "Engineers", users...)
				// Writers of every sort go on until they are told that there is nothing to write to.
				stop, ended := make(chan bool), make(chan error)
				writers := []func(n int) error{
					func(n int) error {
						_, err := org.UpdateDirectoryUser(t.Context(), d.ID, users[n%3].ID, count)
						return err
					},
					func(n int) error {
						op := []model.MembersOp{model.RemoveMembers, model.AddMembers}[n%2]
						_, err := org.UpdateDirectoryGroup(t.Context(), d.ID, g.ID, unaltered, model.MembersChange{Op: op, UserIDs: ids(users[3:]...)})
						return err
					},
					func(n int) error {
						_, err := org.CreateDirectoryUser(t.Context(), d.ID, person(fmt.Sprint("new-", n)))
						return err
					},
					func(n int) error {
						_, err := org.CreateDirectoryGroup(t.Context(), d.ID, map[string]any{"displayName": fmt.Sprint("new-", n)}, ids(users[:2]...))
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
				must(t, err)
				if left, _, err := org.DirectoryUsers(t.Context(), d.ID, model.ResourceQuery{Limit: 10}); err != nil || len(left) > 0 {
					t.Errorf("the directory still has %v: %v", left, err)
				}
			})
		}
	})
}

// unaltered is a change of a group that changes nothing.
func unaltered(*model.GroupDraft) error { return nil }

func TestDeleteDirectory(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		org, d := contoso(t, s)
		kept := directory(t, org)
		ada, alan := createUser(t, org, d, "ada@contoso.example"), createUser(t, org, d, "alan@contoso.example")
		grace := createUser(t, org, kept, "grace@contoso.example")
		createGroup(t, org, d, "Engineers", ada, alan)
		remaining := createGroup(t, org, kept, "Engineers", grace)
		alan = deactivate(t, org, d, alan)
		_, bearer, err := org.CreateDirectoryToken(t.Context(), d.ID, "second", nil)
		must(t, err)
		_, err = s.Authenticate(t.Context(), bearer)
		must(t, err)

		got := newEvents(t, s, org, func() { must(t, org.DeleteDirectory(t.Context(), d.ID)) })
		if diff := cmp.Diff([]model.EventType{model.DirectoryDeleted}, got); diff != "" {
			t.Errorf("events: %s", diff)
		}
		t.Run("who was active is unowned, inactive for this reason, and without access", func(t *testing.T) {
			u := stored(t, org, ada.ID)
			if u.DirectoryID != nil || u.Active || u.InactiveReason != model.DirectoryRemoved || u.Epoch != ada.Epoch+1 || u.Version != ada.Version+1 {
				t.Errorf("%+v", u)
			}
		})
		t.Run("who was inactive is unowned and keeps the reason", func(t *testing.T) {
			u := stored(t, org, alan.ID)
			if u.DirectoryID != nil || u.Active || u.InactiveReason != model.Deprovisioned || u.Epoch != alan.Epoch {
				t.Errorf("%+v", u)
			}
		})
		t.Run("its groups and tokens are gone, another directory's remain", func(t *testing.T) {
			gs, _, err := org.GroupPage(t.Context(), model.GroupQuery{Page: model.Page{Limit: 10}})
			if err != nil || len(gs) != 1 || gs[0].ID != remaining.ID {
				t.Error(gs, err)
			}
			_, err = s.Authenticate(t.Context(), bearer)
			wantKind(t, err, model.Denied)
			if u := stored(t, org, grace.ID); !u.Active || *u.DirectoryID != kept.ID {
				t.Errorf("%+v", u)
			}
		})
		t.Run("a second time there is nothing", func(t *testing.T) {
			wantKind(t, org.DeleteDirectory(t.Context(), d.ID), model.NotFound)
		})
		t.Run("adopted without a word about active they stay inactive, now for the directory's reason", func(t *testing.T) {
			temporary := directory(t, org)
			before := createUser(t, org, temporary, "left@contoso.example")
			must(t, org.DeleteDirectory(t.Context(), temporary.ID))
			u, err := org.UpdateDirectoryUser(t.Context(), kept.ID, before.ID, func(*model.UserDraft) error { return nil })
			if err != nil || *u.DirectoryID != kept.ID || u.Active || u.InactiveReason != model.Deprovisioned || u.Epoch != before.Epoch+1 {
				t.Errorf("%+v %v", u, err)
			}
		})
		t.Run("a new directory adopts them", func(t *testing.T) {
			next := directory(t, org)
			for _, old := range []*model.User{ada, alan} {
				u := createUser(t, org, next, old.UserName)
				if u.ID != old.ID || !u.Active || u.InactiveReason != "" || u.Epoch <= old.Epoch && old == ada {
					t.Errorf("%+v", u)
				}
			}
		})
	})
}

func TestDeleteOrganization(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		e := settle(t, s, "alpha")
		serving(t, s, e.org.ID)
		got := newEvents(t, s, e.org, func() { must(t, e.org.DeleteOrganization(t.Context())) })
		if diff := cmp.Diff([]model.EventType{model.OrganizationDeleted}, got); diff != "" {
			t.Errorf("events: %s", diff)
		}
		for _, row := range dump(t, s, e.org) {
			if !slices.ContainsFunc([]string{"events ", "application_organizations "}, func(p string) bool { return row[:len(p)] == p }) {
				t.Errorf("left: %s", row)
			}
		}
		_, err := s.Authenticate(t.Context(), e.bearer)
		wantKind(t, err, model.Denied)
		wantKind(t, e.org.DeleteOrganization(t.Context()), model.NotFound)
		as, _, err := s.Applications(t.Context(), model.Page{Limit: 10})
		if err != nil || len(as) != 2 || len(as[0].Organizations)+len(as[1].Organizations) != 0 {
			t.Errorf("its application still serves it: %v %v", as, err)
		}
	})
}
