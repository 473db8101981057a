package people_test

import (
	"errors"
	"strings"
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
	"rollcall/model/signon"
	"rollcall/model/store"
)

// TestPasswordsEnd walks each way in which a password goes, with what it had opened.
func TestPasswordsEnd(t *testing.T) {
	t.Parallel()
	settings := func(change func(*organization.Settings)) func(*testing.T, storetest.House, *people.User) {
		return func(t *testing.T, h storetest.House, _ *people.User) {
			_, err := operator.In(h.Org).UpdateOrganization(t.Context(),
				func(g *organization.OrganizationFields) error {
					change(&g.Settings)
					return nil
				})
			storetest.Must(t, err)
		}
	}
	for _, c := range []struct {
		name   string
		end    func(t *testing.T, h storetest.House, u *people.User)
		stays  bool
		events []model.EventType
	}{
		{"no administrator any more", func(t *testing.T, h storetest.House, u *people.User) {
			_, err := people.In(h.Org).SetRole(t.Context(), u.ID, people.Member)
			storetest.Must(t, err)
		}, false, []model.EventType{people.UserRoleChanged, people.UserPasswordRemoved, people.UserAccessEnded}},
		{"passwords are forbidden", settings(func(o *organization.Settings) { o.AllowAdminPasswords = false }), false,
			[]model.EventType{people.UserPasswordRemoved, people.UserAccessEnded, organization.OrganizationUpdated}},
		{"deactivated by a directory, and back", func(t *testing.T, h storetest.House, u *people.User) {
			_, err := people.In(h.Org).ConfirmAdoption(t.Context(), u.ID)
			storetest.Must(t, err)
			_, err = directory.Of(h.Org, h.D.ID).CreateUser(t.Context(), storetest.Person(u.Email))
			storetest.Must(t, err)
			for _, active := range []bool{false, true} {
				_, err = directory.Of(h.Org, h.D.ID).UpdateUser(t.Context(), u.ID, storetest.SetActive(active))
				storetest.Must(t, err)
			}
		}, false, []model.EventType{people.UserAdopted, people.DirectoryUserCreated, people.DirectoryUserUpdated,
			people.UserPasswordRemoved, people.UserAccessEnded, people.DirectoryUserUpdated}},
		{"the directory is deleted", func(t *testing.T, h storetest.House, u *people.User) {
			_, err := people.In(h.Org).ConfirmAdoption(t.Context(), u.ID)
			storetest.Must(t, err)
			_, err = directory.Of(h.Org, h.D.ID).CreateUser(t.Context(), storetest.Person(u.Email))
			storetest.Must(t, err)
			storetest.Must(t, directory.In(h.Org).DeleteDirectory(t.Context(), h.D.ID))
		}, false, []model.EventType{people.UserAdopted, people.DirectoryUserCreated, people.UserAccessEnded,
			people.UserPasswordRemoved, directory.DirectoryDeleted}},
		{"deleted by a person", func(t *testing.T, h storetest.House, u *people.User) {
			storetest.Must(t, directory.In(h.Org).DeleteUser(t.Context(), u.ID))
		}, false,
			[]model.EventType{people.UserDeleted, people.UserAccessEnded}},
		{"sign-on is required: an administrator keeps it",
			settings(func(o *organization.Settings) { o.SSORequired = true }), true,
			[]model.EventType{organization.OrganizationUpdated}},
		{"linked to an identity provider: an administrator keeps it",
			func(t *testing.T, h storetest.House, u *people.User) { h.Linked(t, u) }, true,
			[]model.EventType{people.UserIdentityLinked}},
		{"adopted by a directory: an administrator keeps it", func(t *testing.T, h storetest.House, u *people.User) {
			_, err := people.In(h.Org).ConfirmAdoption(t.Context(), u.ID)
			storetest.Must(t, err)
			_, err = directory.Of(h.Org, h.D.ID).CreateUser(t.Context(), storetest.Person(u.Email))
			storetest.Must(t, err)
		}, true, []model.EventType{people.UserAdopted, people.DirectoryUserCreated}},
	} {
		t.Run(c.name, func(t *testing.T) {
			modeltest.Each(t, func(t *testing.T, s *store.Store) {
				h := storetest.Open(t, s, "northwind")
				_, err := storetest.SignIn(t, h.Org, h.C, storetest.ClaimsOf("tester",
					h.Mail("tester"))) // the connection is tested
				storetest.Must(t, err)
				h.Admin(t, h.Unowned(t, h.Mail("stand-in"), h.Mail("stand-in")))
				u := h.Admin(t, h.Unowned(t, h.Mail("ada"), h.Mail("ada")))
				storetest.SetPassword(t, h.S, h.Org, u, storetest.GoodPassword)
				out, err := storetest.Enter(t, h.S, u.Email, storetest.GoodPassword)
				storetest.Must(t, err)
				_, _, err = people.In(h.Org).CreatePasswordSetup(t.Context(), u.ID)
				storetest.Must(t, err)
				got := storetest.NewEvents(t, h.S, h.Org, func() { c.end(t, h, u) })
				if diff := cmp.Diff(c.events, got); diff != "" {
					t.Error(diff)
				}
				_, bySession := signon.Across(h.S).SessionByToken(t.Context(), out.SessionToken)
				_, again := storetest.Enter(t, h.S, u.Email, storetest.GoodPassword)
				stored, links := storetest.Passwords(t, h.S)
				if c.stays {
					if err := errors.Join(bySession, again); err != nil || stored != 1 || links != 1 {
						t.Errorf("%d passwords, %d links: %v", stored, links, err)
					}
					return
				}
				storetest.WantKind(t, bySession, model.Denied)
				storetest.WantKind(t, again, model.Denied)
				if stored != 0 || links != 0 {
					t.Errorf("%d passwords and %d links are left", stored, links)
				}
			})
		})
	}
}

// TestPasswordsOfOthersEndWhenSignOnIsRequired puts a password where the rules let none be.
func TestPasswordsOfOthersEndWhenSignOnIsRequired(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		h := storetest.Open(t, s, "northwind")
		_, err := storetest.SignIn(t, h.Org, h.C, storetest.ClaimsOf("tester", h.Mail("tester")))
		storetest.Must(t, err)
		ada, bob := h.Admin(t, h.Unowned(t, h.Mail("ada"), h.Mail("ada"))), h.Unowned(t, h.Mail("bob"), h.Mail("bob"))
		storetest.SetPassword(t, h.S, h.Org, ada, storetest.GoodPassword)
		storetest.Must(t, storetest.Within(h.Org, t.Context()).Create(&storetest.UserPassword{UserID: bob.ID,
			Hash: "x"}).Error)
		got := storetest.NewEvents(t, h.S, h.Org, func() {
			_, err := operator.In(h.Org).UpdateOrganization(t.Context(),
				func(g *organization.OrganizationFields) error {
					g.Settings.SSORequired = true
					return nil
				})
			storetest.Must(t, err)
		})
		if diff := cmp.Diff([]model.EventType{people.UserPasswordRemoved, organization.OrganizationUpdated},
			got); diff != "" {
			t.Error(diff)
		}
		if stored, _ := storetest.Passwords(t, h.S); stored != 1 {
			t.Errorf("%d passwords are left", stored)
		}
	})
}

func TestPasswordSetup(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		s := modeltest.Open(t, db, store.Options{Now: clock.Now})
		org, d := storetest.Contoso(t, s)
		ada := storetest.CreateUser(t, org, d, "ada@contoso.example")
		link := func(t *testing.T) string {
			t.Helper()
			_, token, err := people.In(org).CreatePasswordSetup(t.Context(), ada.ID)
			storetest.Must(t, err)
			return token
		}
		set := func(token, password string) error { return people.Across(s).SetPassword(t.Context(), token, password) }
		t.Run("a member has none", func(t *testing.T) {
			_, _, err := people.In(org).CreatePasswordSetup(t.Context(), ada.ID)
			storetest.WantKind(t, err, model.Conflict, "user_id")
		})
		_, err := people.In(org).SetRole(t.Context(), ada.ID, people.Admin)
		storetest.Must(t, err)
		t.Run("a weak password leaves the link", func(t *testing.T) {
			token := link(t)
			for _, weak := range []string{"", "short", "passwordpassword", "ada@contoso.example"} {
				storetest.Unchanged(t, s, func() { storetest.WantKind(t, set(token, weak), model.Invalid, "password") })
			}
			storetest.Must(t, set(token, storetest.GoodPassword))
		})
		t.Run("it is good once", func(t *testing.T) {
			token := link(t)
			storetest.Must(t, set(token, storetest.GoodPassword))
			storetest.WantKind(t, set(token, storetest.OtherPassword), model.NotFound)
			_, err := storetest.Enter(t, s, ada.Email, storetest.GoodPassword)
			storetest.Must(t, err)
		})
		t.Run("of two who use it at once one does", func(t *testing.T) {
			token := link(t)
			errs := make(chan error, 2)
			for _, p := range []string{storetest.GoodPassword, storetest.OtherPassword} {
				go func() { errs <- set(token, p) }()
			}
			if a, b := <-errs, <-errs; (a == nil) == (b == nil) {
				t.Errorf("%v, %v", a, b)
			}
		})
		t.Run("a new one voids the old one", func(t *testing.T) {
			old := link(t)
			storetest.Must(t, set(link(t), storetest.GoodPassword))
			storetest.WantKind(t, set(old, storetest.OtherPassword), model.NotFound)
		})
		t.Run("it runs out after a day", func(t *testing.T) {
			token := link(t)
			clock.Advance(24 * time.Hour)
			storetest.WantKind(t, set(token, storetest.OtherPassword), model.NotFound)
			_, err := operator.Across(s).Sweep(t.Context())
			storetest.Must(t, err)
		})
		t.Run("a new password ends what the old one opened", func(t *testing.T) {
			out, err := storetest.Enter(t, s, ada.Email, storetest.GoodPassword)
			storetest.Must(t, err)
			token := link(t)
			got := storetest.NewEvents(t, s, org, func() { storetest.Must(t, set(token, storetest.OtherPassword)) })
			if diff := cmp.Diff([]model.EventType{people.UserPasswordSet, people.UserAccessEnded}, got); diff != "" {
				t.Error(diff)
			}
			_, err = signon.Across(s).SessionByToken(t.Context(), out.SessionToken)
			storetest.WantKind(t, err, model.Denied)
			_, err = storetest.Enter(t, s, ada.Email, storetest.GoodPassword)
			storetest.WantKind(t, err, model.Denied)
		})
		t.Run("neither the link nor the password is stored", func(t *testing.T) {
			token := link(t)
			for _, row := range storetest.Dump(t, s, org) {
				for _, secret := range []string{token, storetest.GoodPassword, storetest.OtherPassword} {
					if strings.Contains(row, secret) {
						t.Errorf("%s is stored in %v", secret, row)
					}
				}
			}
		})
		t.Run("one who is inactive has none", func(t *testing.T) {
			token := link(t)
			storetest.Deactivate(t, org, d, ada)
			storetest.WantKind(t, set(token, storetest.GoodPassword), model.NotFound)
			_, _, err := people.In(org).CreatePasswordSetup(t.Context(), ada.ID)
			storetest.WantKind(t, err, model.Conflict, "user_id")
			_, err = storetest.Enter(t, s, ada.Email, storetest.OtherPassword)
			storetest.WantKind(t, err, model.Denied)
		})
		t.Run("one from before stays void when they come back", func(t *testing.T) {
			for name, leave := range map[string]func(){
				"deactivated": func() { storetest.Deactivate(t, org, d, ada) },
				"their directory is deleted": func() {
					storetest.Must(t, directory.In(org).DeleteDirectory(t.Context(), d.ID))
					d = storetest.Directory(t, org)
				},
			} {
				_, err := directory.Of(org, d.ID).UpdateUser(t.Context(), ada.ID, storetest.SetActive(true))
				storetest.Must(t, err)
				token := link(t)
				leave()
				_, err = people.In(org).ConfirmAdoption(t.Context(), ada.ID)
				if kind := model.KindOf(err); err != nil && kind != model.Conflict {
					t.Fatal(err)
				}
				_, err = directory.Of(org, d.ID).UpdateUser(t.Context(), ada.ID, storetest.SetActive(true))
				storetest.Must(t, err)
				if kind := model.KindOf(set(token, storetest.OtherPassword)); kind != model.NotFound {
					t.Errorf("%s: the link is good again: kind %v", name, kind)
				}
			}
		})
	})
}

func TestSignOnIsRequiredOnlyOnceTested(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, _ := storetest.Contoso(t, s)
		c := storetest.Connect(t, org)
		require := func() error {
			_, err := operator.In(org).UpdateOrganization(t.Context(), func(g *organization.OrganizationFields) error {
				g.Settings.SSORequired = true
				return nil
			})
			return err
		}
		storetest.Unchanged(t, s, func() { storetest.WantKind(t, require(), model.Invalid, "sso_required") })
		_, err := storetest.SignIn(t, org, c, storetest.ClaimsOf("tester", "tester@contoso.example"))
		storetest.Must(t, err)
		storetest.Must(t, require())
	})
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		g := &organization.Organization{OrganizationFields: organization.OrganizationFields{Name: "New",
			Settings: organization.DefaultSettings()}}
		g.Settings.SSORequired = true
		storetest.WantKind(t, operator.Across(s).CreateOrganization(t.Context(), "operator:test", model.Everywhere(), g,
			nil), model.Invalid, "sso_required")
	})
}

// TestLastAdministratorLeavesByDirectory is obeyed, and flagged.
func TestLastAdministratorLeavesByDirectory(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(t *testing.T, org *store.Org, d *directory.Directory, u *people.User){
		"deactivated": func(t *testing.T, org *store.Org, d *directory.Directory, u *people.User) {
			storetest.Deactivate(t, org, d, u)
		},
		"deleted": func(t *testing.T, org *store.Org, d *directory.Directory, u *people.User) {
			storetest.Must(t, directory.Of(org, d.ID).DeleteUser(t.Context(), u.ID))
		},
		"its directory deleted": func(t *testing.T, org *store.Org, d *directory.Directory, _ *people.User) {
			storetest.Must(t, directory.In(org).DeleteDirectory(t.Context(), d.ID))
		},
	} {
		t.Run(name, func(t *testing.T) {
			modeltest.Each(t, func(t *testing.T, s *store.Store) {
				org, d := storetest.Contoso(t, s)
				first, second := storetest.CreateUser(t, org, d, "first@contoso.example"),
					storetest.CreateUser(t, org, d, "second@contoso.example")
				for _, u := range []*people.User{first, second} {
					_, err := people.In(org).SetRole(t.Context(), u.ID, people.Admin)
					storetest.Must(t, err)
				}
				flagged := func(run func()) (n int) {
					for _, e := range storetest.NewEvents(t, s, org, run) {
						if e == people.OrganizationWithoutAdmin {
							n++
						}
					}
					return n
				}
				if name != "its directory deleted" {
					if n := flagged(func() { leave(t, org, d, first) }); n != 0 {
						t.Error("flagged while there is another one")
					}
				}
				if n := flagged(func() { leave(t, org, d, second) }); n != 1 {
					t.Errorf("flagged %d times", n)
				}
			})
		})
	}
}
