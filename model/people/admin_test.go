package people_test

import (
	"testing"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/store"
)

// An organization without an administrator can mend nothing. So nobody takes the role from the last
// one who can sign in, and an administrator who left is none.
func TestLastAdministratorKeepsTheRole(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		other func(t *testing.T, h storetest.House, u *people.User)
		want  model.Kind
	}{
		"no other": {func(*testing.T, storetest.House, *people.User) {}, model.Conflict},
		"another":  {func(t *testing.T, h storetest.House, u *people.User) { h.Admin(t, u) }, 0},
		"another who left": {func(t *testing.T, h storetest.House, u *people.User) {
			h.Admin(t, u)
			storetest.Deactivate(t, h.Org, h.D, u)
		}, model.Conflict},
		"one of another organization": {func(t *testing.T, h storetest.House, _ *people.User) {
			other := storetest.Open(t, h.S, "fabrikam")
			other.Admin(t, other.Owned(t, other.D, "ada", "x", other.Mail("ada")))
		}, model.Conflict},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			modeltest.Each(t, func(t *testing.T, s *store.Store) {
				h := storetest.Open(t, s, "contoso")
				ada := h.Admin(t, h.Owned(t, h.D, "ada", "x", h.Mail("ada")))
				c.other(t, h, h.Owned(t, h.D, "grace", "y", h.Mail("grace")))
				u, err := people.In(h.Org).SetRole(t.Context(), ada.ID, people.Member)
				if c.want == 0 {
					storetest.Must(t, err)
					if u.Role != people.Member || u.Epoch == ada.Epoch {
						t.Errorf("%+v", u)
					}
					return
				}
				storetest.WantKind(t, err, c.want)
				if after := storetest.Stored(t, h.Org, ada.ID); after.Role != people.Admin || after.Epoch != ada.Epoch {
					t.Errorf("%+v", after)
				}
			})
		})
	}
}

// A role that a directory's group gives is taken back there. One that a person gives is theirs.
func TestRoleByMappingAndByHand(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		h := storetest.Open(t, s, "contoso")
		h.Admin(t, h.Owned(t, h.D, "stand-in", "y", h.Mail("stand-in")))
		ada := h.Admin(t, h.Owned(t, h.D, "ada", "x", h.Mail("ada")))
		storetest.Must(t, storetest.Within(h.Org, t.Context()).Model(&people.User{}).Where("id = ?", ada.ID).
			UpdateColumn("role_mapped", true).Error)
		_, err := people.In(h.Org).SetRole(t.Context(), ada.ID, people.Member)
		storetest.WantKind(t, err, model.Conflict, "role")
		u, err := people.In(h.Org).SetRole(t.Context(), ada.ID, people.Admin)
		if err != nil || u.RoleMapped || u.Epoch != ada.Epoch {
			t.Errorf("%+v: %v", u, err)
		}
		u, err = people.In(h.Org).SetRole(t.Context(), ada.ID, people.Member)
		if err != nil || u.Role != people.Member {
			t.Errorf("%+v: %v", u, err)
		}
		_, err = people.In(h.Org).SetRole(t.Context(), ada.ID, "owner")
		storetest.WantKind(t, err, model.Invalid, "role")
	})
}

// A directory takes over whom it names. Of an administrator it would gain the powers, so that a
// person agrees to that first, and to the administrator as they are now.
func TestAdministratorsAgreeToAnAdoption(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before  func(t *testing.T, h storetest.House, u *people.User)
		refused bool
	}{
		"a member":         {func(*testing.T, storetest.House, *people.User) {}, false},
		"an administrator": {func(t *testing.T, h storetest.House, u *people.User) { h.Admin(t, u) }, true},
		"an administrator who agreed": {func(t *testing.T, h storetest.House, u *people.User) {
			h.Admin(t, u)
			_, err := people.In(h.Org).ConfirmAdoption(t.Context(), u.ID)
			storetest.Must(t, err)
		}, false},
		"an administrator again since": {func(t *testing.T, h storetest.House, u *people.User) {
			h.Admin(t, h.Owned(t, h.D, "stand-in", "y", h.Mail("stand-in")))
			h.Admin(t, u)
			_, err := people.In(h.Org).ConfirmAdoption(t.Context(), u.ID)
			storetest.Must(t, err)
			_, err = people.In(h.Org).SetRole(t.Context(), u.ID, people.Member)
			storetest.Must(t, err)
			h.Admin(t, u)
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			modeltest.Each(t, func(t *testing.T, s *store.Store) {
				h := storetest.Open(t, s, "contoso")
				u := h.Unowned(t, h.Mail("ada"), h.Mail("ada"))
				c.before(t, h, u)
				adopted, err := directory.Of(h.Org, h.D.ID).CreateUser(t.Context(), storetest.Person(u.UserName))
				if c.refused {
					storetest.WantKind(t, err, model.Conflict)
					if after := storetest.Stored(t, h.Org, u.ID); after.DirectoryID != nil {
						t.Errorf("%+v", after)
					}
					return
				}
				storetest.Must(t, err)
				if adopted.ID != u.ID {
					t.Errorf("it is %+v", adopted)
				}
			})
		})
	}
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		h := storetest.Open(t, s, "contoso")
		for _, u := range []*people.User{
			h.Unowned(t, "member", h.Mail("member")),
			h.Admin(t, h.Owned(t, h.D, "owned", "x", h.Mail("owned"))),
		} {
			_, err := people.In(h.Org).ConfirmAdoption(t.Context(), u.ID)
			storetest.WantKind(t, err, model.Conflict, "user_id")
		}
	})
}

// An application gives access by the groups of a person: those that have the person, and those that
// have one of these groups. Where they are too many, it is told so, and gets no half of them.
func TestGroupsOfAPerson(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		h := storetest.Open(t, s, "contoso")
		ada, alone := h.Owned(t, h.D, "ada", "x", h.Mail("ada")), h.Owned(t, h.D, "alone", "y", h.Mail("alone"))
		staff := storetest.CreateGroup(t, h.Org, h.D, "Staff", ada)
		crew := storetest.CreateGroup(t, h.Org, h.D, "Crew", ada)
		all := storetest.Nested(t, h.Org, h.D, "All", staff.ID, crew.ID)
		top := storetest.Nested(t, h.Org, h.D, "Top", all.ID)
		want := map[string]bool{staff.ID: false, crew.ID: false, all.ID: true, top.ID: true} // whether indirect
		for _, most := range []int{0, 1, 2, 3, 4, 5} {
			got, complete, err := people.In(h.Org).SomeGroupsOf(t.Context(), most, ada.ID, alone.ID)
			storetest.Must(t, err)
			if complete != (most >= len(want)) || !complete && got != nil {
				t.Errorf("at most %d: %t, %+v", most, complete, got)
			}
			if !complete {
				continue
			}
			if len(got[ada.ID]) != len(want) || len(got[alone.ID]) != 0 {
				t.Errorf("at most %d: %+v", most, got)
			}
			for _, g := range got[ada.ID] {
				if indirect, known := want[g.ID]; !known || indirect != g.Indirect {
					t.Errorf("at most %d: %+v", most, g)
				}
			}
		}
		grace := h.Owned(t, h.D, "grace", "z", h.Mail("grace"))
		storetest.Change(t, h.Org, crew, directory.MembersChange{Op: directory.AddMembers, UserIDs: []string{grace.ID}})
		both, err := people.In(h.Org).GroupsOf(t.Context(), ada.ID, grace.ID)
		if err != nil || len(both[ada.ID]) != 4 || len(both[grace.ID]) != 3 {
			t.Errorf("of two people: %+v %v", both, err)
		}
		form, err := ada.DirectoryUserForm()
		if err != nil || form.DirectoryID != model.DirectoryPrefix.ID(h.D.ID) || form.State != "active" {
			t.Errorf("%+v %v", form, err)
		}
		for _, ids := range [][]string{nil, {alone.ID}} {
			got, complete, err := people.In(h.Org).SomeGroupsOf(t.Context(), 0, ids...)
			if err != nil || !complete || len(got) != 0 {
				t.Errorf("%v: %+v %t %v", ids, got, complete, err)
			}
		}
		direct := storetest.CreateGroup(t, h.Org, h.D, "Direct", alone)
		for most, want := range map[int]bool{0: false, 1: true} {
			got, complete, err := people.In(h.Org).SomeGroupsOf(t.Context(), most, alone.ID)
			if err != nil || complete != want || want && got[alone.ID][0].ID != direct.ID {
				t.Errorf("at most %d: %+v %t %v", most, got, complete, err)
			}
		}
	})
}

// An unused session ends, where the organization wants that.
func TestIdleTimeOfASession(t *testing.T) {
	t.Parallel()
	for seconds, want := range map[int64]model.Time{0: 0, 1: 6_000, 600: 605_000} {
		s := people.Session{IdleSeconds: seconds}
		got := s.IdleFrom(5_000)
		if (got == nil) != (want == 0) || got != nil && *got != want {
			t.Errorf("after %d seconds: %v", seconds, got)
		}
	}
}

// The page to enter a password is shown where somebody has one.
func TestWhetherAnOrganizationHasPasswords(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		h, other := storetest.Open(t, s, "contoso"), storetest.Open(t, s, "fabrikam")
		h.Settings(t, func(g *organization.Settings) { g.AllowAdminPasswords = true })
		ada := h.Admin(t, h.Owned(t, h.D, "ada", "x", h.Mail("ada")))
		for _, want := range []bool{false, true} {
			got, err := people.In(h.Org).HasPasswords(t.Context())
			none, otherErr := people.In(other.Org).HasPasswords(t.Context())
			if err != nil || otherErr != nil || got != want || none {
				t.Errorf("%t, want %t; in another organization %t: %v %v", got, want, none, err, otherErr)
			}
			storetest.SetPassword(t, s, h.Org, ada, storetest.GoodPassword)
		}
	})
}
