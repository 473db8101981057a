package directory_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/people"
	"rollcall/model/store"
)

// The rows of docs/design/identity.md, "Leaving", that are about users; directories and
// organizations have their own in TestDeleteDirectory and TestDeleteOrganization.
func TestLeaving(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		t.Run("deactivated: kept with id, role and groups, without access", func(t *testing.T) {
			u := storetest.CreateUser(t, org, d, "ada@contoso.example")
			g := storetest.CreateGroup(t, org, d, "Engineers", u)
			_, err := people.In(org).SetRole(t.Context(), u.ID, people.Admin)
			storetest.Must(t, err)
			var after *people.User
			got := storetest.NewEvents(t, s, org, func() { after = storetest.Deactivate(t, org, d, u) })
			if after.ID != u.ID || after.Active || after.InactiveReason != people.Deprovisioned ||
				after.Role != people.Admin || after.Epoch != u.Epoch+1 {
				t.Errorf("%+v", after)
			}
			want := []model.EventType{
				people.DirectoryUserUpdated, people.UserAccessEnded, people.OrganizationWithoutAdmin}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if of, err := people.In(org).GroupsOf(t.Context(), u.ID); err != nil || len(of[u.ID]) != 1 ||
				of[u.ID][0].ID != g.ID {
				t.Error(of, err)
			}
			// Admins, the last one included, are the directory's to deactivate.
			if admins := storetest.Stored(t, org, u.ID); admins.Active {
				t.Error("the last administrator is still active")
			}
		})
		t.Run("deactivated again, nothing happens", func(t *testing.T) {
			u := storetest.Deactivate(t, org, d, storetest.CreateUser(t, org, d, "again@contoso.example"))
			storetest.Unchanged(t, s, func() { storetest.Deactivate(t, org, d, u) })
		})
		t.Run("deleted by the directory: gone, the userName free, a tombstone left", func(t *testing.T) {
			u := storetest.CreateUser(t, org, d, "grace@contoso.example")
			g := storetest.CreateGroup(t, org, d, "Sailors", u)
			got := storetest.NewEvents(t, s, org,
				func() { storetest.Must(t, directory.Of(org, d.ID).DeleteUser(t.Context(), u.ID)) })
			want := []model.EventType{people.DirectoryUserDeleted, people.UserAccessEnded}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			_, err := people.In(org).User(t.Context(), u.ID)
			storetest.WantKind(t, err, model.NotFound)
			if after, err := directory.Of(org, d.ID).Group(t.Context(), g.ID); err != nil ||
				after.Version != g.Version+1 {
				t.Errorf("the group has lost a member and is still of version %d: %v", after.Version, err)
			}
			storetest.WantKind(t, directory.Of(org, d.ID).DeleteUser(t.Context(), u.ID), model.NotFound)
			if again := storetest.CreateUser(t, org, d, "grace@contoso.example"); again.ID == u.ID {
				t.Error("a deleted user came back under the same id")
			}
		})
		t.Run("deleted by an operator: the same, with the member's event", func(t *testing.T) {
			u := storetest.CreateUser(t, org, d, "alan@contoso.example")
			got := storetest.NewEvents(t, s, org,
				func() { storetest.Must(t, directory.In(org).DeleteUser(t.Context(), u.ID)) })
			if diff := cmp.Diff([]model.EventType{people.UserDeleted, people.UserAccessEnded}, got); diff != "" {
				t.Error(diff)
			}
			traces, err := storetest.TracesOf(u)
			storetest.Must(t, err)
			if departed, err := directory.In(org).Departed(t.Context(), traces); err != nil || !departed {
				t.Error(departed, err)
			}
		})
		t.Run("the event of ended access names the person, the reason and who did it", func(t *testing.T) {
			u := storetest.CreateUser(t, org, d, "named@contoso.example")
			id, err := people.In(org).LinkIdentity(t.Context(),
				people.Identity{ConnectionID: "c", Issuer: "i", Subject: "s", UserID: u.ID})
			storetest.Must(t, err)
			storetest.Must(t, directory.Of(org, d.ID).DeleteUser(t.Context(), u.ID))
			all := storetest.Events(t, s, org)
			last := all[len(all)-1]
			var data map[string]any
			storetest.Must(t, json.Unmarshal([]byte(last.Data), &data))
			want := map[string]any{
				"user_id": model.UserPrefix.ID(u.ID), "directory_user_id": model.DirectoryUserPrefix.ID(u.ID),
				"profile_ids":     []any{model.ProfilePrefix.ID(id.ID)},
				"organization_id": model.OrganizationPrefix.ID(string(org.ID)),
				"reason":          "deleted", "actor": string(d.Actor()),
			}
			if diff := cmp.Diff(want, data); diff != "" || last.Actor != d.Actor() ||
				last.Subject != model.UserPrefix.ID(u.ID) {
				t.Error(diff, last)
			}
		})
	})
}

func TestLastAdministrator(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		admin := func(name string) *people.User {
			u := storetest.CreateUser(t, org, d, name)
			u, err := people.In(org).SetRole(t.Context(), u.ID, people.Admin)
			storetest.Must(t, err)
			return u
		}
		first := admin("first@contoso.example")
		t.Run("cannot be deleted", func(t *testing.T) {
			storetest.Unchanged(t, s, func() {
				storetest.WantKind(t, directory.In(org).DeleteUser(t.Context(), first.ID), model.Conflict)
			})
		})
		t.Run("is not the last while another is active, an inactive one does not count", func(t *testing.T) {
			second := admin("second@contoso.example")
			second = storetest.Deactivate(t, org, d, second)
			storetest.WantKind(t, directory.In(org).DeleteUser(t.Context(), first.ID), model.Conflict)
			storetest.Must(t, directory.In(org).DeleteUser(t.Context(), second.ID))
		})
		t.Run("of two who are deleted at once one remains", func(t *testing.T) {
			for i := range 5 {
				org, d := storetest.Organization(t, s, "Fabrikam", fmt.Sprint("fabrikam-", i, ".example"))
				errs := make([]error, 2)
				admins := []*people.User{storetest.CreateUser(t, org, d, "a"), storetest.CreateUser(t, org, d, "b")}
				var wait sync.WaitGroup
				for _, u := range admins {
					_, err := people.In(org).SetRole(t.Context(), u.ID, people.Admin)
					storetest.Must(t, err)
				}
				for i, u := range admins {
					wait.Go(func() { errs[i] = directory.In(org).DeleteUser(t.Context(), u.ID) })
				}
				wait.Wait()
				if errs[0] == nil {
					errs[0], errs[1] = errs[1], errs[0]
				}
				storetest.WantKind(t, errs[0], model.Conflict)
				storetest.Must(t, errs[1])
			}
		})
	})
}

// docs/design/identity.md, "Ended access".
func TestEpoch(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		var counter modeltest.Statements
		s := modeltest.Open(t, db, counter.Options())
		org, d := storetest.Contoso(t, s)
		u := storetest.CreateUser(t, org, d, "ada@contoso.example")
		set := func(active bool) *people.User {
			after, err := directory.Of(org, d.ID).UpdateUser(t.Context(), u.ID, storetest.SetActive(active))
			storetest.Must(t, err)
			return after
		}
		t.Run("ended access is one update with the deactivation", func(t *testing.T) {
			updates := 0
			for _, q := range counter.During(func() { u = set(false) }) {
				if strings.Contains(q, "UPDATE ") && !strings.HasSuffix(q, "UPDATE") { // and no lock
					updates++
					if !strings.Contains(q, "epoch") || !strings.Contains(q, "active") {
						t.Error(q)
					}
				}
			}
			if updates != 1 || u.Epoch != 2 {
				t.Errorf("%d updates, epoch %d", updates, u.Epoch)
			}
		})
		t.Run("re-activation neither lowers nor raises it, and the next end is a new one", func(t *testing.T) {
			if u = set(true); u.Epoch != 2 || u.InactiveReason != "" {
				t.Errorf("%+v", u)
			}
			if u = set(false); u.Epoch != 3 {
				t.Errorf("%+v", u)
			}
			u = set(true)
		})
		step := func(name string, end func() (*people.User, error), epoch int64, want ...model.EventType) {
			t.Run(name, func(t *testing.T) {
				got := storetest.NewEvents(t, s, org, func() {
					var err error
					u, err = end()
					storetest.Must(t, err)
				})
				if diff := cmp.Diff(append([]model.EventType{}, want...), got); diff != "" ||
					u.Epoch != epoch || !u.Active {
					t.Errorf("%s %+v", diff, u)
				}
				if diff := cmp.Diff(u, storetest.Stored(t, org, u.ID)); diff != "" {
					t.Error(diff)
				}
			})
		}
		role := func(r people.Role) func() (*people.User, error) {
			return func() (*people.User, error) { return people.In(org).SetRole(t.Context(), u.ID, r) }
		}
		step("revoking sessions raises it and leaves the user active",
			func() (*people.User, error) { return people.In(org).RevokeSessions(t.Context(), u.ID) },
			4, people.UserAccessEnded)
		step("becoming an administrator leaves it", role(people.Admin), 4, people.UserRoleChanged)
		step("the same role again does nothing", role(people.Admin), 4)
		t.Run("the last administrator stays one", func(t *testing.T) {
			storetest.Unchanged(t, s, func() {
				_, err := role(people.Member)()
				storetest.WantKind(t, err, model.Conflict, "id")
			})
			standIn := storetest.CreateUser(t, org, d, "stand-in@contoso.example")
			_, err := people.In(org).SetRole(t.Context(), standIn.ID, people.Admin)
			storetest.Must(t, err)
		})
		step("being an administrator no longer raises it", role(people.Member), 5, people.UserRoleChanged,
			people.UserAccessEnded)
		t.Run("there are no other roles", func(t *testing.T) {
			_, err := people.In(org).SetRole(t.Context(), u.ID, "owner")
			storetest.WantKind(t, err, model.Invalid, "role")
		})
		t.Run("an event shows the user as stored", func(t *testing.T) {
			all := storetest.Events(t, s, org)
			for _, e := range all[len(all)-2:] {
				if e.Type == people.UserRoleChanged &&
					!strings.Contains(e.Data, `"updated_at":"`+u.UpdatedAt.String()+`"`) {
					t.Errorf("the user is of %s: %s", u.UpdatedAt, e.Data)
				}
			}
		})
	})
}
