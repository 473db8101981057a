package tenant_test

import (
	"errors"
	"slices"
	"testing"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/guard"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/store"
)

// names is a type without an organization, such as one that reads some columns only.
type names struct{ ID, UserName string }

func TestGuardRefuses(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		e := storetest.Settle(t, s, "alpha")
		ctx := t.Context()
		unscoped, within := storetest.Unscoped(s, ctx), storetest.Within(e.Org, ctx)
		var us []people.User
		var n int64
		var texts []string
		for outcome, refused := range map[string]func() error{
			"an unscoped read": func() error { return unscoped.Find(&us).Error },
			"an unscoped read of one": func() error {
				return unscoped.First(&people.User{}, "id = ?", e.User.ID).Error
			},
			"an unscoped create": func() error {
				return unscoped.Create(&people.User{ID: storetest.NewID()}).Error
			},
			"an unscoped update": func() error {
				return unscoped.Model(&people.User{}).Where("1 = 1").Update("active", false).Error
			},
			"an unscoped delete": func() error {
				return unscoped.Where("1 = 1").Delete(&people.User{}).Error
			},
			"an unscoped count": func() error { return unscoped.Model(&people.User{}).Count(&n).Error },
			"an unscoped pluck": func() error {
				return unscoped.Model(&people.User{}).Pluck("id", &texts).Error
			},
			"an unscoped read of an ownerless": func() error {
				return unscoped.Find(&[]organization.Application{}).Error
			},
			"unscoped raw SQL": func() error {
				return unscoped.Raw("SELECT * FROM users").Scan(&us).Error
			},
			"unscoped exec": func() error {
				return unscoped.Exec("UPDATE users SET active = false").Error
			},
			"unscoped rows": func() error {
				rows, err := unscoped.Model(&people.User{}).Rows()
				if err == nil {
					return rows.Close()
				}
				return err
			},
			"an unscoped table": func() error {
				return unscoped.Table("users").Find(&[]map[string]any{}).Error
			},
			"raw SQL": func() error { return within.Raw("SELECT * FROM users").Scan(&us).Error },
			"exec":    func() error { return within.Exec("UPDATE users SET active = false").Error },
			"a table": func() error {
				return within.Table("users").Find(&[]map[string]any{}).Error
			},
			"a table with a type": func() error { return within.Table("users").Find(&[]names{}).Error },
			"a table with another's type": func() error {
				return within.Table("api_keys").Find(&[]people.User{}).Error
			},
			"a table with an owned type": func() error { return within.Table("users AS u").Find(&us).Error },
			"a count of a table":         func() error { return within.Table("users").Count(&n).Error },
			"an ownerless model":         func() error { return within.Find(&[]organization.Application{}).Error },
			"a create of an ownerless": func() error {
				return within.Create(&organization.APIKey{ID: storetest.NewID()}).Error
			},
		} {
			t.Run(outcome, func(t *testing.T) {
				if err := refused(); !errors.Is(err, guard.ErrNoTenant) {
					t.Errorf("the error is %v, want %v", err, guard.ErrNoTenant)
				}
			})
		}
	})
}

// row is a user that nothing has checked.
func row(id, name string) *people.User {
	return &people.User{ID: id, UserName: name, UserNameFolded: name, Active: true, Role: people.Member,
		Document: "{}", ProfileIDs: []string{}}
}

func TestPredicateHolds(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		a, b := storetest.Settle(t, s, "alpha"), storetest.Settle(t, s, "bravo")
		ctx := t.Context()
		within := func() *gorm.DB { return storetest.Within(a.Org, ctx) }
		users := func(t *testing.T, db *gorm.DB, want int) {
			t.Helper()
			var us []people.User
			storetest.Must(t, db.Find(&us).Error)
			if len(us) != want {
				t.Errorf("%d users are found, want %d", len(us), want)
			}
			for _, u := range us {
				if u.OrganizationID != a.Org.ID {
					t.Errorf("a user of %s is found", u.OrganizationID)
				}
			}
		}
		t.Run("in reads", func(t *testing.T) {
			users(t, within(), 3)
			users(t, within().Where("id = ?", "none").Or("1 = 1"), 3)
			users(t, within().Where("id = ? OR 1 = 1", "none"), 3)
			users(t, within().Not("id = ?", "none").Or("version > 0"), 3)
			users(t, within().Unscoped(), 3)
			users(t, within().Where("id IN (?)", within().Model(&storetest.UserValue{}).Select("user_id")), 3)
			users(t, within().Where("organization_id = ?", b.Org.ID), 0)
			users(t, within().Where("organization_id = ?", b.Org.ID).Or("organization_id = ?", b.Org.ID), 0)
		})
		t.Run("in counts, plucks and scans", func(t *testing.T) {
			var n int64
			storetest.Must(t, within().Model(&people.User{}).Where("id = ?", b.User.ID).Or("1 = 1").Count(&n).Error)
			var found []model.OrganizationID
			storetest.Must(t, within().Model(&people.User{}).Distinct().Pluck("organization_id", &found).Error)
			var rows []names
			storetest.Must(t, within().Model(&people.User{}).Where("1 = 0").Or("1 = 1").Scan(&rows).Error)
			if n != 3 || len(found) != 1 || found[0] != a.Org.ID || len(rows) != 3 {
				t.Error(n, found, rows)
			}
		})
		before := storetest.Dump(t, s, b.Org)
		t.Run("in writes", func(t *testing.T) {
			for outcome, r := range map[string]*gorm.DB{
				"update": within().Model(&people.User{}).Where("id = ?", b.User.ID).Update("active", false),
				"delete": within().Where("id = ?", b.User.ID).Delete(&people.User{}),
				"move": within().Model(&people.User{}).Where("id = ?", a.User.ID).
					Updates(map[string]any{"organization_id": b.Org.ID}),
				"upsert": within().Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "id"}}, UpdateAll: true}).
					Create(row(b.User.ID, "stolen")),
				"save": within().Save(row(b.Other.ID, "saved")),
			} {
				if r.RowsAffected != 0 {
					t.Errorf("%s affects %d rows: %v", outcome, r.RowsAffected, r.Error)
				}
			}
			d := organization.Domain{ID: storetest.NewID(), OrganizationID: b.Org.ID, Domain: "x.example"}
			if err := within().Create(&d).Error; err == nil {
				t.Error("a row of another organization was created")
			}
			if storetest.Stored(t, a.Org, a.User.ID).OrganizationID != a.Org.ID {
				t.Error("a user moved to another organization")
			}
		})
		if after := storetest.Dump(t, s, b.Org); !slices.Equal(before, after) {
			t.Errorf("the other organization's rows changed:\n%v\n%v", before, after)
		}
	})
}

func TestDatabaseRefusesLinksBetweenOrganizations(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		a, b := storetest.Settle(t, s, "alpha"), storetest.Settle(t, s, "bravo")
		db := storetest.Across(s, t.Context())
		now := model.TimeOf(modeltest.NewClock().Now())
		for outcome, r := range map[string]*gorm.DB{
			"a member of another organization, as the group's row": db.Exec(
				"INSERT INTO directory_group_members VALUES (?, ?, ?)",
				a.Org.ID, a.Group.ID, b.User.ID),
			"a group of another organization as a member": db.Exec(
				"INSERT INTO directory_group_groups VALUES (?, ?, ?)",
				a.Org.ID, a.Group.ID, b.Group.ID),
			"a member of another organization, as the user's row": db.Exec(
				"INSERT INTO directory_group_members VALUES (?, ?, ?)",
				b.Org.ID, a.Group.ID, b.User.ID),
			"a user in another organization's directory": db.Exec(
				"UPDATE users SET directory_id = ? WHERE id = ?",
				b.Directory.ID, a.User.ID),
			"a group in another organization's directory": db.Exec(
				"UPDATE directory_groups SET directory_id = ?, display_name_folded = 'x' WHERE id = ?",
				b.Directory.ID, a.Group.ID),
			"a value of another organization's user": db.Exec(
				"INSERT INTO user_values VALUES (?, ?, 1, 9, 'x', '', false)",
				a.Org.ID, b.User.ID),
			"an identity of another organization's user": db.Exec(
				"INSERT INTO identities (id, organization_id, connection_id, issuer, subject, user_id, "+
					"created_at, updated_at) VALUES (?, ?, 'c', 'i', 'x', ?, ?, ?)",
				storetest.NewID(), a.Org.ID, b.User.ID, now, now),
			"a token of another organization's directory": db.Exec(
				"UPDATE directory_tokens SET directory_id = ? WHERE id = ?",
				b.Directory.ID, a.Token.ID),
			"a hash of another organization's tombstone": db.Exec(
				"INSERT INTO tombstone_keys VALUES (?, ?, ?)",
				a.Org.ID, b.Tombstone.ID, []byte{1}),
			"a user moved to another organization": db.Exec(
				"UPDATE users SET organization_id = ?, user_name_folded = 'x' WHERE id = ?",
				b.Org.ID, a.User.ID),
		} {
			if !errors.Is(r.Error, gorm.ErrForeignKeyViolated) {
				t.Errorf("%s: the error is %v, want %v", outcome, r.Error, gorm.ErrForeignKeyViolated)
			}
		}
	})
}
