package model_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/modeltest"
)

// withEmail is a person whose userName is not the e-mail.
func withEmail(userName, email string) map[string]any {
	d := person(userName)
	d["emails"] = []any{map[string]any{"value": email, "primary": true}}
	return d
}

// The rows of docs/design/identity.md, "Adoption", in their order.
func TestAdoptionAtCreate(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		org, d := contoso(t, s)
		send := func(document map[string]any) (*model.User, error) {
			return org.CreateDirectoryUser(t.Context(), d.ID, document)
		}
		t.Run("nobody known: created as a member", func(t *testing.T) {
			u, err := send(person("new@contoso.example"))
			if err != nil || u.Role != model.Member || u.Version != 1 {
				t.Error(u, err)
			}
		})
		t.Run("the same e-mail and externalId on an owned user: created beside it", func(t *testing.T) {
			document := withEmail("another", "new@contoso.example")
			document["externalId"] = "x-new@contoso.example"
			if u, err := send(document); err != nil || u.Version != 1 {
				t.Error(u, err)
			}
		})
		for outcome, document := range map[string]map[string]any{
			"userName": withEmail("Unowned-1@contoso.example", "elsewhere@fabrikam.example"),
			"e-mail":   withEmail("anything", "UNOWNED-2@contoso.example"),
		} {
			t.Run("an unowned member with that "+outcome+": adopted under the same id", func(t *testing.T) {
				name := map[string]string{"userName": "unowned-1@contoso.example", "e-mail": "unowned-2@contoso.example"}[outcome]
				before := createUnowned(t, org, name)
				var u *model.User
				got := newEvents(t, s, org, func() {
					var err error
					u, err = send(document)
					must(t, err)
				})
				if u.ID != before.ID || u.DirectoryID == nil || *u.DirectoryID != d.ID || u.Epoch != before.Epoch || !u.Active {
					t.Errorf("%+v", u)
				}
				if u.UserName != document["userName"] {
					t.Errorf("the document is not the directory's: %s", u.Document)
				}
				if diff := cmp.Diff([]model.EventType{model.UserAdopted, model.DirectoryUserCreated}, got); diff != "" {
					t.Error(diff)
				}
				if diff := cmp.Diff(u, stored(t, org, u.ID)); diff != "" {
					t.Error(diff)
				}
			})
		}
		t.Run("an unowned administrator: a conflict until confirmed, then adopted and still an administrator", func(t *testing.T) {
			admin := createUnowned(t, org, "admin@contoso.example")
			_, err := org.SetRole(t.Context(), admin.ID, model.Admin)
			must(t, err)
			for _, document := range []map[string]any{person("admin@contoso.example"), withEmail("x", "admin@contoso.example")} {
				unchanged(t, s, func() {
					_, err := send(document)
					wantKind(t, err, model.Conflict)
					if !strings.Contains(err.Error(), "an administrator must confirm") {
						t.Error(err)
					}
				})
			}
			confirmed, err := org.ConfirmAdoption(t.Context(), admin.ID)
			if err != nil || !confirmed.AdoptionConfirmed {
				t.Fatal(confirmed, err)
			}
			u, err := send(person("admin@contoso.example"))
			if err != nil || u.ID != admin.ID || u.Role != model.Admin || u.AdoptionConfirmed {
				t.Errorf("%+v %v", u, err)
			}
			_, err = org.ConfirmAdoption(t.Context(), admin.ID)
			wantKind(t, err, model.Conflict)
		})
		t.Run("an owned user with that userName: a conflict", func(t *testing.T) {
			_, err := send(person("NEW@contoso.example"))
			wantKind(t, err, model.Conflict, "userName")
		})
		t.Run("an unowned user with that userName outside the verified domains: a conflict that says what to do", func(t *testing.T) {
			createUnowned(t, org, "guest@fabrikam.example")
			unchanged(t, s, func() {
				_, err := send(person("guest@fabrikam.example"))
				wantKind(t, err, model.Conflict, "userName")
				if !strings.Contains(err.Error(), "verify the e-mail's domain first") {
					t.Error(err)
				}
			})
		})
		t.Run("a domain that is only pending is no verified one", func(t *testing.T) {
			_, err := org.CreateDomain(t.Context(), "pending.example", model.DomainStatePending)
			must(t, err)
			createUnowned(t, org, "guest@pending.example")
			_, err = send(person("guest@pending.example"))
			wantKind(t, err, model.Conflict)
		})
		t.Run("an unowned user with that e-mail outside the verified domains: created beside it", func(t *testing.T) {
			createUnowned(t, org, "visitor@fabrikam.example")
			if u, err := send(withEmail("visitor", "visitor@fabrikam.example")); err != nil || u.Version != 1 {
				t.Error(u, err)
			}
		})
		t.Run("several unowned users with that e-mail: a conflict, but a userName decides", func(t *testing.T) {
			for _, name := range []string{"shared-1", "shared-2", "shared-3"} {
				_, err := org.CreateUser(t.Context(), withEmail(name, "shared@contoso.example"))
				must(t, err)
			}
			_, err := send(withEmail("shared-4", "shared@contoso.example"))
			wantKind(t, err, model.Conflict, "emails")
			if u, err := send(withEmail("shared-3", "shared@contoso.example")); err != nil || u.Version != 2 {
				t.Error(u, err)
			}
		})
		t.Run("adopted as inactive, access ends", func(t *testing.T) {
			before := createUnowned(t, org, "leaving@contoso.example")
			document := person("leaving@contoso.example")
			document["active"] = false
			var u *model.User
			got := newEvents(t, s, org, func() {
				var err error
				u, err = send(document)
				must(t, err)
			})
			if u.Active || u.Epoch != before.Epoch+1 || u.InactiveReason != model.Deprovisioned {
				t.Errorf("%+v", u)
			}
			if diff := cmp.Diff([]model.EventType{model.UserAdopted, model.DirectoryUserCreated, model.UserAccessEnded}, got); diff != "" {
				t.Error(diff)
			}
		})
		t.Run("the role never comes from the document", func(t *testing.T) {
			document := person("climber@contoso.example")
			document["roles"] = []any{map[string]any{"value": "admin"}}
			u, err := send(document)
			if err != nil || u.Role != model.Member || !strings.Contains(u.Document, `"roles":[{"value":"admin"}]`) {
				t.Errorf("%+v %v", u, err)
			}
		})
	})
}

// The last row of docs/design/identity.md, "Adoption".
func TestUnownedUsersAreHidden(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		org, d := contoso(t, s)
		owned := createUser(t, org, d, "owned@contoso.example")
		unowned := createUnowned(t, org, "unowned@contoso.example")
		guest := createUnowned(t, org, "guest@fabrikam.example")
		admin := createUnowned(t, org, "admin@contoso.example")
		_, err := org.SetRole(t.Context(), admin.ID, model.Admin)
		must(t, err)
		elsewhere := createUser(t, org, directory(t, org), "elsewhere@contoso.example")
		for text, want := range map[string][]*model.User{
			``:               {owned},
			`active eq true`: {owned},
			`displayName eq "Person unowned@contoso.example"`:                              {},
			`not (userName eq "owned@contoso.example")`:                                    {},
			`userName eq "owned@contoso.example" or userName eq "unowned@contoso.example"`: {owned},
			`id eq "` + unowned.ID + `"`:                                                   {},
			`userName eq "unowned@contoso.example"`:                                        {unowned},
			`externalId eq "x-unowned@contoso.example"`:                                    {unowned},
			`emails eq "unowned@contoso.example"`:                                          {unowned},
			`emails[type eq "work" and value eq "unowned@contoso.example"]`:                {unowned},
			`userName eq "unowned@contoso.example" and active eq true`:                     {unowned},
			`userName eq "guest@fabrikam.example"`:                                         {},
			`userName eq "admin@contoso.example"`:                                          {},
			`userName eq "elsewhere@contoso.example"`:                                      {},
		} {
			if diff := cmp.Diff(ids(want...), filtered(t, org, d.ID, text, false)); diff != "" {
				t.Errorf("%s: %s", text, diff)
			}
		}
		t.Run("by id who is adoptable is shown, anyone else is not there", func(t *testing.T) {
			if _, err := org.DirectoryUser(t.Context(), d.ID, unowned.ID); err != nil {
				t.Error(err)
			}
			for _, u := range []*model.User{guest, admin, elsewhere} {
				unchanged(t, s, func() {
					_, err := org.DirectoryUser(t.Context(), d.ID, u.ID)
					wantKind(t, err, model.NotFound)
					_, err = org.UpdateDirectoryUser(t.Context(), d.ID, u.ID, setActive(false))
					wantKind(t, err, model.NotFound)
					wantKind(t, org.DeleteDirectoryUser(t.Context(), d.ID, u.ID), model.NotFound)
					_, err = org.CreateDirectoryGroup(t.Context(), d.ID, map[string]any{"displayName": "G"}, ids(u))
					wantKind(t, err, model.Invalid, "members")
				})
			}
		})
		t.Run("one who is only adoptable cannot be deleted", func(t *testing.T) {
			unchanged(t, s, func() {
				wantKind(t, org.DeleteDirectoryUser(t.Context(), d.ID, unowned.ID), model.NotFound)
			})
		})
		t.Run("a change adopts, although it alters nothing", func(t *testing.T) {
			u, err := org.UpdateDirectoryUser(t.Context(), d.ID, unowned.ID, func(*model.UserDraft) error { return nil })
			if err != nil || *u.DirectoryID != d.ID || u.ID != unowned.ID || u.UserName != unowned.UserName {
				t.Errorf("%+v %v", u, err)
			}
		})
		t.Run("being named as a member adopts", func(t *testing.T) {
			second := createUnowned(t, org, "second@contoso.example")
			var g *model.DirectoryGroup
			got := newEvents(t, s, org, func() { g = createGroup(t, org, d, "Engineers", owned, second, second) })
			if u := stored(t, org, second.ID); u.DirectoryID == nil || *u.DirectoryID != d.ID {
				t.Errorf("%+v", u)
			}
			members, err := org.GroupMembers(t.Context(), g.ID)
			if err != nil || len(members[g.ID]) != 2 {
				t.Error(members, err)
			}
			want := []model.EventType{model.DirectoryGroupCreated, model.UserAdopted, model.DirectoryUserCreated,
				model.DirectoryGroupUserAdded, model.DirectoryGroupUserAdded}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
		t.Run("an administrator is shown once confirmed", func(t *testing.T) {
			_, err := org.ConfirmAdoption(t.Context(), admin.ID)
			must(t, err)
			if _, err := org.DirectoryUser(t.Context(), d.ID, admin.ID); err != nil {
				t.Error(err)
			}
		})
	})
}

func TestConfirmAdoption(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		org, d := organization(t, s, "Contoso", "contoso.example")
		ada := createUnowned(t, org, "ada@contoso.example")
		if _, err := org.ConfirmAdoption(t.Context(), ada.ID); model.KindOf(err) != model.Conflict {
			t.Errorf("a member's adoption is confirmed: %v", err)
		}
		standIn := createUnowned(t, org, "hedy@contoso.example") // or she could not become a member again
		_, err := org.SetRole(t.Context(), standIn.ID, model.Admin)
		must(t, err)
		for _, role := range []model.Role{model.Admin, model.Member, model.Admin} {
			if _, err := org.SetRole(t.Context(), ada.ID, role); err != nil {
				t.Fatal(err)
			}
			if role == model.Admin {
				if _, err := org.CreateDirectoryUser(t.Context(), d.ID, person("ada@contoso.example")); model.KindOf(err) != model.Conflict {
					t.Fatalf("an administrator whom nobody confirmed as one is adopted: %v", err)
				}
				if _, err := org.ConfirmAdoption(t.Context(), ada.ID); err != nil {
					t.Fatal(err)
				}
			}
		}
		u, err := org.CreateDirectoryUser(t.Context(), d.ID, person("ada@contoso.example"))
		if err != nil || u.ID != ada.ID || u.Role != model.Admin || u.AdoptionConfirmed {
			t.Errorf("a confirmed administrator is not adopted as one: %+v %v", u, err)
		}
	})
}
