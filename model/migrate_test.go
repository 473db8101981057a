package model_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"rollcall/model"
	"rollcall/model/modeltest"
)

// fresh runs a test on an empty database of each kind, without any table.
func fresh(t *testing.T, test func(t *testing.T, db modeltest.Database)) {
	t.Run("sqlite", func(t *testing.T) { test(t, modeltest.EmptySQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, modeltest.EmptyPostgres(t)) })
}

func options() model.Options { return model.Options{Keys: [][]byte{modeltest.Key}} }

func TestMigrate(t *testing.T) {
	t.Parallel()
	t.Run("several processes that start at once all succeed, and each migration is applied once", func(t *testing.T) {
		fresh(t, func(t *testing.T, db modeltest.Database) {
			const processes = 8
			stores, errs := make([]*model.Store, processes), make([]error, processes)
			var started sync.WaitGroup
			for i := range processes {
				started.Go(func() { stores[i], errs[i] = model.Open(t.Context(), db.URL, options()) })
			}
			started.Wait()
			must(t, errors.Join(errs...))
			for _, s := range stores {
				must(t, s.Ready(t.Context()))
				t.Cleanup(func() { _ = s.Close() })
			}
			states, err := model.MigrationStatus(t.Context(), db.URL)
			must(t, err)
			var applied int64
			must(t, model.Across(stores[0], t.Context()).Table("schema_migrations").Count(&applied).Error)
			if len(states) == 0 || int(applied) != len(states) {
				t.Errorf("%d migrations are recorded of %d", applied, len(states))
			}
			// All of them seal and hash with one key.
			org, d := contoso(t, stores[0])
			u := createUser(t, org, d, "ada@contoso.example")
			traces, err := model.TracesOf(u)
			must(t, err)
			must(t, org.DeleteDirectoryUser(t.Context(), d.ID, u.ID))
			for i, s := range stores {
				if departed, err := s.Org(org.ID, "system").Departed(t.Context(), traces); err != nil || !departed {
					t.Errorf("store %d does not recognize whom another one buried: %v", i, err)
				}
			}
		})
	})
	t.Run("a store that must not migrate refuses a database with pending migrations and leaves it", func(t *testing.T) {
		fresh(t, func(t *testing.T, db modeltest.Database) {
			o := options()
			o.NoMigrate = true
			_, err := model.Open(t.Context(), db.URL, o)
			wantKind(t, err, model.Unavailable)
			if !strings.Contains(err.Error(), "rollcall migrate") {
				t.Errorf("the error does not say what to do: %v", err)
			}
			states, err := model.MigrationStatus(t.Context(), db.URL)
			must(t, err)
			for _, m := range states {
				if m.AppliedAt != nil {
					t.Errorf("%s was applied", m.Version)
				}
			}
			modeltest.Open(t, db, model.Options{})
			modeltest.Open(t, db, o)
		})
	})
	t.Run("a database that a newer version has migrated is refused", func(t *testing.T) {
		fresh(t, func(t *testing.T, db modeltest.Database) {
			s := modeltest.Open(t, db, model.Options{})
			must(t, model.Across(s, t.Context()).Exec("INSERT INTO schema_migrations VALUES ('9999_future', 1)").Error)
			if err := s.Ready(t.Context()); err == nil {
				t.Error("it is ready")
			}
			if _, err := model.Open(t.Context(), db.URL, options()); err == nil || !strings.Contains(err.Error(), "newer") {
				t.Errorf("the error is %v", err)
			}
		})
	})
	t.Run("a statement that fails leaves nothing of any migration", func(t *testing.T) {
		fresh(t, func(t *testing.T, db modeltest.Database) {
			// A table that a later migration creates is in the way.
			s := modeltest.Open(t, db, model.Options{})
			for _, of := range tables(t, s) {
				if of.name != "restores" {
					drop(t, s, of.name)
				}
			}
			_, err := model.Open(t.Context(), db.URL, options())
			if err == nil || !strings.Contains(err.Error(), "0002_events") {
				t.Fatalf("the error is %v, want one that names the migration", err)
			}
			names, err := model.Across(s, t.Context()).Migrator().GetTables()
			must(t, err)
			for _, name := range names {
				if name != "restores" && !strings.HasPrefix(name, "sqlite_") {
					t.Errorf("table %s is there", name)
				}
			}
		})
	})
}

// Rows that are older than the columns for filters are found by filters as well.
func TestMigrateFoldsStoredDocuments(t *testing.T) {
	t.Parallel()
	fresh(t, func(t *testing.T, db modeltest.Database) {
		s := modeltest.Open(t, db, model.Options{})
		org, d := contoso(t, s)
		var want []string
		must(t, org.Tx(t.Context(), func(org *model.Org) error {
			for i := range 501 { // more than are folded at once
				document := person(fmt.Sprint("user-", i))
				document["title"] = "Überflieger"
				u, err := org.CreateDirectoryUser(t.Context(), d.ID, document)
				if err != nil {
					return err
				}
				want = append(want, u.ID)
			}
			return nil
		}))
		g, err := org.CreateDirectoryGroup(t.Context(), d.ID, map[string]any{"displayName": "Engineers", "urn:x": map[string]any{"floor": 7}}, nil)
		must(t, err)
		for _, q := range []string{
			"DROP INDEX users_employee_number", "ALTER TABLE users DROP COLUMN document_folded", "ALTER TABLE directory_groups DROP COLUMN document_folded",
			"DELETE FROM schema_migrations WHERE version = '0003_filter_index'",
		} {
			must(t, model.Across(s, t.Context()).Exec(q).Error)
		}
		s = modeltest.Open(t, db, model.Options{})
		org = s.Org(org.ID, "system")
		us, extent, err := org.DirectoryUsers(t.Context(), d.ID, query(t, `title eq "ÜBERFLIEGER"`))
		must(t, err)
		if extent.Total != len(want) || us[0].ID != want[0] {
			t.Errorf("%d of %d users are found", extent.Total, len(want))
		}
		if found := filtered(t, org, d.ID, "urn:x:floor eq 7", true); !slices.Equal(found, []string{g.ID}) {
			t.Errorf("groups %v are found", found)
		}
	})
}

func drop(t testing.TB, s *model.Store, table string) {
	t.Helper()
	suffix := " CASCADE"
	if !model.OnPostgres(s) {
		suffix = ""
		must(t, model.Across(s, t.Context()).Exec("PRAGMA foreign_keys = 0").Error)
	}
	must(t, model.Across(s, t.Context()).Exec("DROP TABLE "+table+suffix).Error)
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{
		"no URL": "", "another database": "mysql://localhost/rollcall", "SQLite without a file": "sqlite:",
		"SQLite in memory": "sqlite::memory:", "a broken URL": "postgres://user:secret@host:port/x",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := model.Open(t.Context(), url, options())
			if err == nil {
				t.Fatal("it was opened")
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error tells the password: %v", err)
			}
		})
	}
	t.Run("a folder that is not there", func(t *testing.T) {
		_, err := model.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "none", "rollcall.db"), options())
		wantKind(t, err, model.Unavailable)
	})
	t.Run("a server that is not there", func(t *testing.T) {
		_, err := model.Open(t.Context(), "postgres:///rollcall?host="+t.TempDir(), options())
		wantKind(t, err, model.Unavailable)
	})
}

func TestOpenTakesAnyFileName(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a b%41?c#d&e.db")
	s := modeltest.Open(t, modeltest.Database{Name: "sqlite", URL: "sqlite:" + path}, model.Options{})
	contoso(t, s)
	if found, err := filepath.Glob(filepath.Join(filepath.Dir(path), "a b%41[?]c#d&e.db")); err != nil || len(found) != 1 {
		t.Errorf("the file is not at %s: %v", path, err)
	}
}
