package model_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/modeltest"
)

const (
	otherPassword = "seven herons argued over marmalade"
)

// setPassword gives the estate's administrator a password, and leaves a link to set another one.
func (e *estate) setPassword(t testing.TB) {
	t.Helper()
	// Nobody signs in by it: hashing one for each of so many takes a while.
	must(t, model.Within(e.org, t.Context()).Create(&model.UserPassword{UserID: e.unowned.ID, Hash: "hash"}).Error)
	_, _, err := e.org.CreatePasswordSetup(t.Context(), e.unowned.ID)
	must(t, err)
}

func createPasswordSetup(ctx context.Context, org *model.Org, of estate) (any, error) {
	p, _, err := org.CreatePasswordSetup(ctx, of.unowned.ID)
	return p, err
}

func startAuthorization(ctx context.Context, org *model.Org, of estate) (any, error) {
	p := model.PendingAuthorization{ApplicationID: *of.login.ApplicationID, BrowserHash: []byte("hash")}
	return done(org.StartAuthorization(ctx, &p))
}

func setPassword(t testing.TB, s *model.Store, org *model.Org, u *model.User, password string) {
	t.Helper()
	_, token, err := org.CreatePasswordSetup(t.Context(), u.ID)
	must(t, err)
	must(t, s.SetPassword(t.Context(), token, password))
}

// enter signs somebody in by a password.
func enter(t testing.TB, s *model.Store, email, password string) (*model.SignedUp, error) {
	t.Helper()
	return s.SignInByPassword(t.Context(), model.PasswordSignIn{Email: email, Password: password, IPAddress: "192.0.2.1"})
}

// passwords counts what is stored of passwords and links.
func passwords(t testing.TB, s *model.Store) (stored, links int64) {
	t.Helper()
	must(t, model.Across(s, t.Context()).Model(&model.UserPassword{}).Count(&stored).Error)
	must(t, model.Across(s, t.Context()).Model(&model.PasswordSetup{}).Count(&links).Error)
	return stored, links
}

// TestPasswordsEnd walks each way in which a password goes, with what it had opened.
func TestPasswordsEnd(t *testing.T) {
	t.Parallel()
	settings := func(change func(*model.Settings)) func(*testing.T, house, *model.User) {
		return func(t *testing.T, h house, _ *model.User) {
			_, err := h.org.UpdateOrganization(t.Context(), func(g *model.OrganizationFields) error {
				change(&g.Settings)
				return nil
			})
			must(t, err)
		}
	}
	for _, c := range []struct {
		name   string
		end    func(t *testing.T, h house, u *model.User)
		stays  bool
		events []model.EventType
	}{
		{"no administrator any more", func(t *testing.T, h house, u *model.User) {
			_, err := h.org.SetRole(t.Context(), u.ID, model.Member)
			must(t, err)
		}, false, []model.EventType{model.UserRoleChanged, model.UserPasswordRemoved, model.UserAccessEnded}},
		{"passwords are forbidden", settings(func(o *model.Settings) { o.AllowAdminPasswords = false }), false,
			[]model.EventType{model.UserPasswordRemoved, model.UserAccessEnded, model.OrganizationUpdated}},
		{"deleted by a person", func(t *testing.T, h house, u *model.User) { must(t, h.org.DeleteUser(t.Context(), u.ID)) }, false,
			[]model.EventType{model.UserDeleted, model.UserAccessEnded}},
		{"sign-on is required: an administrator keeps it", settings(func(o *model.Settings) { o.SSORequired = true }), true,
			[]model.EventType{model.OrganizationUpdated}},
		{"linked to an identity provider: an administrator keeps it", func(t *testing.T, h house, u *model.User) { h.linked(t, u) }, true,
			[]model.EventType{model.UserIdentityLinked}},
		{"adopted by a directory: an administrator keeps it", func(t *testing.T, h house, u *model.User) {
			_, err := h.org.ConfirmAdoption(t.Context(), u.ID)
			must(t, err)
			_, err = h.org.CreateDirectoryUser(t.Context(), h.d.ID, person(u.Email))
			must(t, err)
		}, true, []model.EventType{model.UserAdopted, model.DirectoryUserCreated}},
	} {
		t.Run(c.name, func(t *testing.T) {
			modeltest.Each(t, func(t *testing.T, s *model.Store) {
				h := open(t, s, "northwind")
				_, err := signIn(t, h.org, h.c, claimsOf("tester", h.mail("tester"))) // the connection is tested
				must(t, err)
				h.admin(t, h.unowned(t, h.mail("stand-in"), h.mail("stand-in")))
				u := h.admin(t, h.unowned(t, h.mail("ada"), h.mail("ada")))
				setPassword(t, h.s, h.org, u, goodPassword)
				out, err := enter(t, h.s, u.Email, goodPassword)
				must(t, err)
				_, _, err = h.org.CreatePasswordSetup(t.Context(), u.ID)
				must(t, err)
				got := newEvents(t, h.s, h.org, func() { c.end(t, h, u) })
				if diff := cmp.Diff(c.events, got); diff != "" {
					t.Error(diff)
				}
				_, bySession := h.s.SessionByToken(t.Context(), out.SessionToken)
				_, again := enter(t, h.s, u.Email, goodPassword)
				stored, links := passwords(t, h.s)
				if c.stays {
					if err := errors.Join(bySession, again); err != nil || stored != 1 || links != 1 {
						t.Errorf("%d passwords, %d links: %v", stored, links, err)
					}
					return
				}
				wantKind(t, bySession, model.Denied)
				wantKind(t, again, model.Denied)
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
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		h := open(t, s, "northwind")
		_, err := signIn(t, h.org, h.c, claimsOf("tester", h.mail("tester")))
		must(t, err)
		ada, bob := h.admin(t, h.unowned(t, h.mail("ada"), h.mail("ada"))), h.unowned(t, h.mail("bob"), h.mail("bob"))
		setPassword(t, h.s, h.org, ada, goodPassword)
		must(t, model.Within(h.org, t.Context()).Create(&model.UserPassword{UserID: bob.ID, Hash: "x"}).Error)
		got := newEvents(t, h.s, h.org, func() {
			_, err := h.org.UpdateOrganization(t.Context(), func(g *model.OrganizationFields) error {
				g.Settings.SSORequired = true
				return nil
			})
			must(t, err)
		})
		if diff := cmp.Diff([]model.EventType{model.UserPasswordRemoved, model.OrganizationUpdated}, got); diff != "" {
			t.Error(diff)
		}
		if stored, _ := passwords(t, h.s); stored != 1 {
			t.Errorf("%d passwords are left", stored)
		}
	})
}

func TestPasswordSetup(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		s := modeltest.Open(t, db, model.Options{Now: clock.Now})
		org, d := contoso(t, s)
		ada := createUser(t, org, d, "ada@contoso.example")
		link := func(t *testing.T) string {
			t.Helper()
			_, token, err := org.CreatePasswordSetup(t.Context(), ada.ID)
			must(t, err)
			return token
		}
		set := func(token, password string) error { return s.SetPassword(t.Context(), token, password) }
		t.Run("a member has none", func(t *testing.T) {
			_, _, err := org.CreatePasswordSetup(t.Context(), ada.ID)
			wantKind(t, err, model.Conflict, "user_id")
		})
		_, err := org.SetRole(t.Context(), ada.ID, model.Admin)
		must(t, err)
		t.Run("a weak password leaves the link", func(t *testing.T) {
			token := link(t)
			for _, weak := range []string{"", "short", "passwordpassword", "ada@contoso.example"} {
				unchanged(t, s, func() { wantKind(t, set(token, weak), model.Invalid, "password") })
			}
			must(t, set(token, goodPassword))
		})
		t.Run("it is good once", func(t *testing.T) {
			token := link(t)
			must(t, set(token, goodPassword))
			wantKind(t, set(token, otherPassword), model.NotFound)
			_, err := enter(t, s, ada.Email, goodPassword)
			must(t, err)
		})
		t.Run("of two who use it at once one does", func(t *testing.T) {
			token := link(t)
			errs := make(chan error, 2)
			for _, p := range []string{goodPassword, otherPassword} {
				go func() { errs <- set(token, p) }()
			}
			if a, b := <-errs, <-errs; (a == nil) == (b == nil) {
				t.Errorf("%v, %v", a, b)
			}
		})
		t.Run("a new one voids the old one", func(t *testing.T) {
			old := link(t)
			must(t, set(link(t), goodPassword))
			wantKind(t, set(old, otherPassword), model.NotFound)
		})
		t.Run("it runs out after a day", func(t *testing.T) {
			token := link(t)
			clock.Advance(24 * time.Hour)
			wantKind(t, set(token, otherPassword), model.NotFound)
			_, err := s.Sweep(t.Context())
			must(t, err)
		})
		t.Run("a new password ends what the old one opened", func(t *testing.T) {
			out, err := enter(t, s, ada.Email, goodPassword)
			must(t, err)
			token := link(t)
			got := newEvents(t, s, org, func() { must(t, set(token, otherPassword)) })
			if diff := cmp.Diff([]model.EventType{model.UserPasswordSet, model.UserAccessEnded}, got); diff != "" {
				t.Error(diff)
			}
			_, err = s.SessionByToken(t.Context(), out.SessionToken)
			wantKind(t, err, model.Denied)
			_, err = enter(t, s, ada.Email, goodPassword)
			wantKind(t, err, model.Denied)
		})
		t.Run("neither the link nor the password is stored", func(t *testing.T) {
			token := link(t)
			for _, row := range dump(t, s, org) {
				for _, secret := range []string{token, goodPassword, otherPassword} {
					if strings.Contains(row, secret) {
						t.Errorf("%s is stored in %v", secret, row)
					}
				}
			}
		})
		t.Run("one who is inactive has none", func(t *testing.T) {
			token := link(t)
			deactivate(t, org, d, ada)
			wantKind(t, set(token, goodPassword), model.NotFound)
			_, _, err := org.CreatePasswordSetup(t.Context(), ada.ID)
			wantKind(t, err, model.Conflict, "user_id")
			_, err = enter(t, s, ada.Email, otherPassword)
			wantKind(t, err, model.Denied)
		})
		t.Run("one from before stays void when they come back", func(t *testing.T) {
			for name, leave := range map[string]func(){
				"deactivated": func() { deactivate(t, org, d, ada) },
				"their directory is deleted": func() {
					must(t, org.DeleteDirectory(t.Context(), d.ID))
					d = directory(t, org)
				},
			} {
				_, err := org.UpdateDirectoryUser(t.Context(), d.ID, ada.ID, setActive(true))
				must(t, err)
				token := link(t)
				leave()
				_, err = org.ConfirmAdoption(t.Context(), ada.ID)
				if kind := model.KindOf(err); err != nil && kind != model.Conflict {
					t.Fatal(err)
				}
				_, err = org.UpdateDirectoryUser(t.Context(), d.ID, ada.ID, setActive(true))
				must(t, err)
				if kind := model.KindOf(set(token, otherPassword)); kind != model.NotFound {
					t.Errorf("%s: the link is good again: kind %v", name, kind)
				}
			}
		})
	})
}

func TestSignOnIsRequiredOnlyOnceTested(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		org, _ := contoso(t, s)
		c := connect(t, org)
		require := func() error {
			_, err := org.UpdateOrganization(t.Context(), func(g *model.OrganizationFields) error {
				g.Settings.SSORequired = true
				return nil
			})
			return err
		}
		unchanged(t, s, func() { wantKind(t, require(), model.Invalid, "sso_required") })
		_, err := signIn(t, org, c, claimsOf("tester", "tester@contoso.example"))
		must(t, err)
		must(t, require())
	})
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		g := &model.Organization{OrganizationFields: model.OrganizationFields{Name: "New", Settings: model.DefaultSettings()}}
		g.Settings.SSORequired = true
		wantKind(t, s.CreateOrganization(t.Context(), "operator:test", model.Everywhere(), g, nil), model.Invalid, "sso_required")
	})
}

// TestLastAdministratorLeavesByDirectory is obeyed, and flagged.
func TestLastAdministratorLeavesByDirectory(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(t *testing.T, org *model.Org, d *model.Directory, u *model.User){
		"deactivated": func(t *testing.T, org *model.Org, d *model.Directory, u *model.User) { deactivate(t, org, d, u) },
		"deleted": func(t *testing.T, org *model.Org, d *model.Directory, u *model.User) {
			must(t, org.DeleteDirectoryUser(t.Context(), d.ID, u.ID))
		},
		"its directory deleted": func(t *testing.T, org *model.Org, d *model.Directory, _ *model.User) {
			must(t, org.DeleteDirectory(t.Context(), d.ID))
		},
	} {
		t.Run(name, func(t *testing.T) {
			modeltest.Each(t, func(t *testing.T, s *model.Store) {
				org, d := contoso(t, s)
				first, second := createUser(t, org, d, "first@contoso.example"), createUser(t, org, d, "second@contoso.example")
				for _, u := range []*model.User{first, second} {
					_, err := org.SetRole(t.Context(), u.ID, model.Admin)
					must(t, err)
				}
				flagged := func(run func()) (n int) {
					for _, e := range newEvents(t, s, org, run) {
						if e == model.OrganizationWithoutAdmin {
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
