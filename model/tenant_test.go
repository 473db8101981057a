package model_test

import (
	"errors"
	"slices"
	"testing"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/modeltest"
)

// names is a type without an organization, such as one that reads some columns only.
type names struct{ ID, UserName string }

func TestGuardRefuses(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		e := settle(t, s, "alpha")
		ctx := t.Context()
		unscoped, within := model.Unscoped(s, ctx), model.Within(e.org, ctx)
		var us []model.User
		var n int64
		var texts []string
		for outcome, refused := range map[string]func() error{
			"an unscoped read":                 func() error { return unscoped.Find(&us).Error },
			"an unscoped read of one":          func() error { return unscoped.First(&model.User{}, "id = ?", e.user.ID).Error },
			"an unscoped create":               func() error { return unscoped.Create(&model.User{ID: model.NewID()}).Error },
			"an unscoped update":               func() error { return unscoped.Model(&model.User{}).Where("1 = 1").Update("active", false).Error },
			"an unscoped delete":               func() error { return unscoped.Where("1 = 1").Delete(&model.User{}).Error },
			"an unscoped count":                func() error { return unscoped.Model(&model.User{}).Count(&n).Error },
			"an unscoped pluck":                func() error { return unscoped.Model(&model.User{}).Pluck("id", &texts).Error },
			"an unscoped read of an ownerless": func() error { return unscoped.Find(&[]model.Application{}).Error },
			"unscoped raw SQL":                 func() error { return unscoped.Raw("SELECT * FROM users").Scan(&us).Error },
			"unscoped exec":                    func() error { return unscoped.Exec("UPDATE users SET active = false").Error },
			"unscoped rows": func() error {
				rows, err := unscoped.Model(&model.User{}).Rows()
				if err == nil {
					return rows.Close()
				}
				return err
			},
			"an unscoped table":           func() error { return unscoped.Table("users").Find(&[]map[string]any{}).Error },
			"raw SQL":                     func() error { return within.Raw("SELECT * FROM users").Scan(&us).Error },
			"exec":                        func() error { return within.Exec("UPDATE users SET active = false").Error },
			"a table":                     func() error { return within.Table("users").Find(&[]map[string]any{}).Error },
			"a table with a type":         func() error { return within.Table("users").Find(&[]names{}).Error },
			"a table with another's type": func() error { return within.Table("api_keys").Find(&[]model.User{}).Error },
			"a table with an owned type":  func() error { return within.Table("users AS u").Find(&us).Error },
			"a count of a table":          func() error { return within.Table("users").Count(&n).Error },
			"an ownerless model":          func() error { return within.Find(&[]model.Application{}).Error },
			"a create of an ownerless":    func() error { return within.Create(&model.APIKey{ID: model.NewID()}).Error },
		} {
			t.Run(outcome, func(t *testing.T) {
				if err := refused(); !errors.Is(err, model.ErrNoTenant) {
					t.Errorf("the error is %v, want %v", err, model.ErrNoTenant)
				}
			})
		}
	})
}

func TestPredicateHolds(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		a, b := settle(t, s, "alpha"), settle(t, s, "bravo")
		ctx := t.Context()
		within := func() *gorm.DB { return model.Within(a.org, ctx) }
		users := func(t *testing.T, db *gorm.DB, want int) {
			t.Helper()
			var us []model.User
			must(t, db.Find(&us).Error)
			if len(us) != want {
				t.Errorf("%d users are found, want %d", len(us), want)
			}
			for _, u := range us {
				if u.OrganizationID != a.org.ID {
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
			users(t, within().Where("id IN (?)", within().Model(&model.UserValue{}).Select("user_id")), 3)
			users(t, within().Where("organization_id = ?", b.org.ID), 0)
			users(t, within().Where("organization_id = ?", b.org.ID).Or("organization_id = ?", b.org.ID), 0)
		})
		t.Run("in counts, plucks and scans", func(t *testing.T) {
			var n int64
			must(t, within().Model(&model.User{}).Where("id = ?", b.user.ID).Or("1 = 1").Count(&n).Error)
			var found []model.OrganizationID
			must(t, within().Model(&model.User{}).Distinct().Pluck("organization_id", &found).Error)
			var rows []names
			must(t, within().Model(&model.User{}).Where("1 = 0").Or("1 = 1").Scan(&rows).Error)
			if n != 3 || len(found) != 1 || found[0] != a.org.ID || len(rows) != 3 {
				t.Error(n, found, rows)
			}
		})
		before := dump(t, s, b.org)
		t.Run("in writes", func(t *testing.T) {
			for outcome, r := range map[string]*gorm.DB{
				"update": within().Model(&model.User{}).Where("id = ?", b.user.ID).Update("active", false),
				"delete": within().Where("id = ?", b.user.ID).Delete(&model.User{}),
				"move":   within().Model(&model.User{}).Where("id = ?", a.user.ID).Updates(map[string]any{"organization_id": b.org.ID}),
				"upsert": within().Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "id"}}, UpdateAll: true}).
					Create(&model.User{ID: b.user.ID, UserName: "stolen", UserNameFolded: "stolen", Active: true, Role: model.Member, Document: "{}", ProfileIDs: []string{}}),
				"save": within().Save(&model.User{ID: b.other.ID, UserName: "saved", UserNameFolded: "saved", Role: model.Member, Document: "{}", ProfileIDs: []string{}}),
			} {
				if r.RowsAffected != 0 {
					t.Errorf("%s affects %d rows: %v", outcome, r.RowsAffected, r.Error)
				}
			}
			if err := within().Create(&model.Domain{ID: model.NewID(), OrganizationID: b.org.ID, Domain: "x.example"}).Error; err == nil {
				t.Error("a row of another organization was created")
			}
			if stored(t, a.org, a.user.ID).OrganizationID != a.org.ID {
				t.Error("a user moved to another organization")
			}
		})
		if after := dump(t, s, b.org); !slices.Equal(before, after) {
			t.Errorf("the other organization's rows changed:\n%v\n%v", before, after)
		}
	})
}

func TestDatabaseRefusesLinksBetweenOrganizations(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		a, b := settle(t, s, "alpha"), settle(t, s, "bravo")
		db := model.Across(s, t.Context())
		now := model.TimeOf(modeltest.NewClock().Now())
		for outcome, r := range map[string]*gorm.DB{
			"a member of another organization, as the group's row": db.Exec("INSERT INTO directory_group_members VALUES (?, ?, ?)", a.org.ID, a.group.ID, b.user.ID),
			"a group of another organization as a member":          db.Exec("INSERT INTO directory_group_groups VALUES (?, ?, ?)", a.org.ID, a.group.ID, b.group.ID),
			"a member of another organization, as the user's row":  db.Exec("INSERT INTO directory_group_members VALUES (?, ?, ?)", b.org.ID, a.group.ID, b.user.ID),
			"a user in another organization's directory":           db.Exec("UPDATE users SET directory_id = ? WHERE id = ?", b.directory.ID, a.user.ID),
			"a group in another organization's directory":          db.Exec("UPDATE directory_groups SET directory_id = ?, display_name_folded = 'x' WHERE id = ?", b.directory.ID, a.group.ID),
			"a value of another organization's user":               db.Exec("INSERT INTO user_values VALUES (?, ?, 1, 9, 'x', '', false)", a.org.ID, b.user.ID),
			"an identity of another organization's user": db.Exec("INSERT INTO identities (id, organization_id, connection_id, issuer, subject, user_id, created_at, updated_at) VALUES (?, ?, 'c', 'i', 'x', ?, ?, ?)",
				model.NewID(), a.org.ID, b.user.ID, now, now),
			"a token of another organization's directory": db.Exec("UPDATE directory_tokens SET directory_id = ? WHERE id = ?", b.directory.ID, a.token.ID),
			"a hash of another organization's tombstone":  db.Exec("INSERT INTO tombstone_keys VALUES (?, ?, ?)", a.org.ID, b.tombstone.ID, []byte{1}),
			"a user moved to another organization":        db.Exec("UPDATE users SET organization_id = ?, user_name_folded = 'x' WHERE id = ?", b.org.ID, a.user.ID),
		} {
			if !errors.Is(r.Error, gorm.ErrForeignKeyViolated) {
				t.Errorf("%s: the error is %v, want %v", outcome, r.Error, gorm.ErrForeignKeyViolated)
			}
		}
	})
}
