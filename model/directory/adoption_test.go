package directory_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/store"
)

// The rows of docs/design/identity.md, "Adoption", in their order.
func TestAdoptionAtCreate(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		send := func(document map[string]any) (*people.User, error) {
			return directory.Of(org, d.ID).CreateUser(t.Context(), document)
		}
		t.Run("no known user: created as a member", func(t *testing.T) {
			u, err := send(storetest.Person("new@contoso.example"))
			if err != nil || u.Role != people.Member || u.Version != 1 {
				t.Error(u, err)
			}
		})
		t.Run("the same e-mail and externalId on an owned user: created as another user", func(t *testing.T) {
			document := storetest.WithEmail("another", "new@contoso.example")
			document["externalId"] = "x-new@contoso.example"
			if u, err := send(document); err != nil || u.Version != 1 {
				t.Error(u, err)
			}
		})
		for outcome, document := range map[string]map[string]any{
			"userName": storetest.WithEmail("Unowned-1@contoso.example", "elsewhere@fabrikam.example"),
			"e-mail":   storetest.WithEmail("anything", "UNOWNED-2@contoso.example"),
		} {
			t.Run("an unowned member with that "+outcome+": adopted under the same id", func(t *testing.T) {
				name := map[string]string{
					"userName": "unowned-1@contoso.example", "e-mail": "unowned-2@contoso.example"}[outcome]
				before := storetest.CreateUnowned(t, org, name)
				var u *people.User
				got := storetest.NewEvents(t, s, org, func() {
					var err error
					u, err = send(document)
					storetest.Must(t, err)
				})
				if u.ID != before.ID || u.DirectoryID == nil || *u.DirectoryID != d.ID || u.Epoch != before.Epoch ||
					!u.Active {
					t.Errorf("%+v", u)
				}
				if u.UserName != document["userName"] {
					t.Errorf("the document is not the directory's: %s", u.Document)
				}
				want := []model.EventType{people.UserAdopted, people.DirectoryUserCreated}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
				if diff := cmp.Diff(u, storetest.Stored(t, org, u.ID)); diff != "" {
					t.Error(diff)
				}
			})
		}
		t.Run("an unowned administrator: a conflict until confirmed, then adopted as one", func(t *testing.T) {
			admin := storetest.CreateUnowned(t, org, "admin@contoso.example")
			_, err := people.In(org).SetRole(t.Context(), admin.ID, people.Admin)
			storetest.Must(t, err)
			for _, document := range []map[string]any{
				storetest.Person("admin@contoso.example"), storetest.WithEmail("x", "admin@contoso.example"),
			} {
				storetest.Unchanged(t, s, func() {
					_, err := send(document)
					storetest.WantKind(t, err, model.Conflict)
					if !strings.Contains(err.Error(), "an administrator must confirm") {
						t.Error(err)
					}
				})
			}
			confirmed, err := people.In(org).ConfirmAdoption(t.Context(), admin.ID)
			if err != nil || !confirmed.AdoptionConfirmed {
				t.Fatal(confirmed, err)
			}
			u, err := send(storetest.Person("admin@contoso.example"))
			if err != nil || u.ID != admin.ID || u.Role != people.Admin || u.AdoptionConfirmed {
				t.Errorf("%+v %v", u, err)
			}
			_, err = people.In(org).ConfirmAdoption(t.Context(), admin.ID)
			storetest.WantKind(t, err, model.Conflict)
		})
		t.Run("an owned user with that userName: a conflict", func(t *testing.T) {
			_, err := send(storetest.Person("NEW@contoso.example"))
			storetest.WantKind(t, err, model.Conflict, "userName")
		})
		t.Run("an unowned user with that userName outside the verified domains: a conflict", func(t *testing.T) {
			storetest.CreateUnowned(t, org, "guest@fabrikam.example")
			storetest.Unchanged(t, s, func() {
				_, err := send(storetest.Person("guest@fabrikam.example"))
				storetest.WantKind(t, err, model.Conflict, "userName")
				if !strings.Contains(err.Error(), "verify the e-mail's domain first") {
					t.Error(err)
				}
			})
		})
		t.Run("a domain that is only pending is no verified one", func(t *testing.T) {
			_, err := organization.In(org).CreateDomain(t.Context(), "pending.example", organization.DomainStatePending)
			storetest.Must(t, err)
			storetest.CreateUnowned(t, org, "guest@pending.example")
			_, err = send(storetest.Person("guest@pending.example"))
			storetest.WantKind(t, err, model.Conflict)
		})
		t.Run("an unowned user with that e-mail outside the verified domains: another is created", func(t *testing.T) {
			storetest.CreateUnowned(t, org, "visitor@fabrikam.example")
			if u, err := send(storetest.WithEmail("visitor", "visitor@fabrikam.example")); err != nil ||
				u.Version != 1 {
				t.Error(u, err)
			}
		})
		t.Run("several unowned users with that e-mail: a conflict, but a userName decides", func(t *testing.T) {
			for _, name := range []string{"shared-1", "shared-2", "shared-3"} {
				_, err := people.In(org).CreateUser(t.Context(), storetest.WithEmail(name, "shared@contoso.example"))
				storetest.Must(t, err)
			}
			_, err := send(storetest.WithEmail("shared-4", "shared@contoso.example"))
			storetest.WantKind(t, err, model.Conflict, "emails")
			if u, err := send(storetest.WithEmail("shared-3", "shared@contoso.example")); err != nil || u.Version != 2 {
				t.Error(u, err)
			}
		})
		t.Run("adopted as inactive, access ends", func(t *testing.T) {
			before := storetest.CreateUnowned(t, org, "leaving@contoso.example")
			document := storetest.Person("leaving@contoso.example")
			document["active"] = false
			var u *people.User
			got := storetest.NewEvents(t, s, org, func() {
				var err error
				u, err = send(document)
				storetest.Must(t, err)
			})
			if u.Active || u.Epoch != before.Epoch+1 || u.InactiveReason != people.Deprovisioned {
				t.Errorf("%+v", u)
			}
			want := []model.EventType{people.UserAdopted, people.DirectoryUserCreated, people.UserAccessEnded}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
		t.Run("the role never comes from the document", func(t *testing.T) {
			document := storetest.Person("climber@contoso.example")
			document["roles"] = []any{map[string]any{"value": "admin"}}
			u, err := send(document)
			if err != nil || u.Role != people.Member || !strings.Contains(u.Document, `"roles":[{"value":"admin"}]`) {
				t.Errorf("%+v %v", u, err)
			}
		})
	})
}

// The last row of docs/design/identity.md, "Adoption".
func TestUnownedUsersAreHidden(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		owned := storetest.CreateUser(t, org, d, "owned@contoso.example")
		unowned := storetest.CreateUnowned(t, org, "unowned@contoso.example")
		guest := storetest.CreateUnowned(t, org, "guest@fabrikam.example")
		admin := storetest.CreateUnowned(t, org, "admin@contoso.example")
		_, err := people.In(org).SetRole(t.Context(), admin.ID, people.Admin)
		storetest.Must(t, err)
		elsewhere := storetest.CreateUser(t, org, storetest.Directory(t, org), "elsewhere@contoso.example")
		for text, want := range map[string][]*people.User{
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
			if diff := cmp.Diff(storetest.Ids(want...), storetest.Filtered(t, org, d.ID, text, false)); diff != "" {
				t.Errorf("%s: %s", text, diff)
			}
		}
		t.Run("by id an adoptable user is found, any other unowned user is not", func(t *testing.T) {
			if _, err := directory.Of(org, d.ID).User(t.Context(), unowned.ID); err != nil {
				t.Error(err)
			}
			for _, u := range []*people.User{guest, admin, elsewhere} {
				storetest.Unchanged(t, s, func() {
					_, err := directory.Of(org, d.ID).User(t.Context(), u.ID)
					storetest.WantKind(t, err, model.NotFound)
					_, err = directory.Of(org, d.ID).UpdateUser(t.Context(), u.ID, storetest.SetActive(false))
					storetest.WantKind(t, err, model.NotFound)
					storetest.WantKind(t, directory.Of(org, d.ID).DeleteUser(t.Context(), u.ID), model.NotFound)
					_, err = directory.Of(org, d.ID).CreateGroup(t.Context(), map[string]any{"displayName": "G"},
						storetest.Ids(u))
					storetest.WantKind(t, err, model.Invalid, "members")
				})
			}
		})
		t.Run("a user that is only adoptable cannot be deleted", func(t *testing.T) {
			storetest.Unchanged(t, s, func() {
				storetest.WantKind(t, directory.Of(org, d.ID).DeleteUser(t.Context(), unowned.ID), model.NotFound)
			})
		})
		t.Run("a change adopts, although it alters nothing", func(t *testing.T) {
			u, err := directory.Of(org, d.ID).UpdateUser(t.Context(), unowned.ID,
				func(*people.UserDraft) error { return nil })
			if err != nil || *u.DirectoryID != d.ID || u.ID != unowned.ID || u.UserName != unowned.UserName {
				t.Errorf("%+v %v", u, err)
			}
		})
		t.Run("being named as a member adopts", func(t *testing.T) {
			second := storetest.CreateUnowned(t, org, "second@contoso.example")
			var g *people.DirectoryGroup
			got := storetest.NewEvents(t, s, org, func() {
				g = storetest.CreateGroup(t, org, d, "Engineers", owned, second, second)
			})
			if u := storetest.Stored(t, org, second.ID); u.DirectoryID == nil || *u.DirectoryID != d.ID {
				t.Errorf("%+v", u)
			}
			members, err := people.In(org).GroupMembers(t.Context(), g.ID)
			if err != nil || len(members[g.ID]) != 2 {
				t.Error(members, err)
			}
			want := []model.EventType{directory.DirectoryGroupCreated, people.UserAdopted, people.DirectoryUserCreated,
				directory.DirectoryGroupUserAdded, directory.DirectoryGroupUserAdded}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
		t.Run("an administrator is shown once confirmed", func(t *testing.T) {
			_, err := people.In(org).ConfirmAdoption(t.Context(), admin.ID)
			storetest.Must(t, err)
			if _, err := directory.Of(org, d.ID).User(t.Context(), admin.ID); err != nil {
				t.Error(err)
			}
		})
	})
}

func TestConfirmAdoption(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Organization(t, s, "Contoso", "contoso.example")
		ada := storetest.CreateUnowned(t, org, "ada@contoso.example")
		if _, err := people.In(org).ConfirmAdoption(t.Context(), ada.ID); model.KindOf(err) != model.Conflict {
			t.Errorf("a member's adoption is confirmed: %v", err)
		}
		// The last administrator could not become a member again.
		standIn := storetest.CreateUnowned(t, org, "hedy@contoso.example")
		_, err := people.In(org).SetRole(t.Context(), standIn.ID, people.Admin)
		storetest.Must(t, err)
		for _, role := range []people.Role{people.Admin, people.Member, people.Admin} {
			if _, err := people.In(org).SetRole(t.Context(), ada.ID, role); err != nil {
				t.Fatal(err)
			}
			if role == people.Admin {
				_, err := directory.Of(org, d.ID).CreateUser(t.Context(), storetest.Person("ada@contoso.example"))
				if model.KindOf(err) != model.Conflict {
					t.Fatalf("an administrator without a confirmation is adopted: %v", err)
				}
				if _, err := people.In(org).ConfirmAdoption(t.Context(), ada.ID); err != nil {
					t.Fatal(err)
				}
			}
		}
		u, err := directory.Of(org, d.ID).CreateUser(t.Context(), storetest.Person("ada@contoso.example"))
		if err != nil || u.ID != ada.ID || u.Role != people.Admin || u.AdoptionConfirmed {
			t.Errorf("a confirmed administrator is not adopted as one: %+v %v", u, err)
		}
	})
}
