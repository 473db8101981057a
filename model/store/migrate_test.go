package store_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/removed"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/people"
	"rollcall/model/store"
)

// fresh runs a test on an empty database of each kind, without any table.
func fresh(t *testing.T, test func(t *testing.T, db modeltest.Database)) {
	t.Run("sqlite", func(t *testing.T) { test(t, modeltest.EmptySQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, modeltest.EmptyPostgres(t)) })
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	t.Run("several processes that start at once all succeed, and each migration is applied once", func(t *testing.T) {
		fresh(t, func(t *testing.T, db modeltest.Database) {
			const processes = 8
			stores, errs := make([]*store.Store, processes), make([]error, processes)
			var started sync.WaitGroup
			for i := range processes {
				started.Go(func() { stores[i], errs[i] = store.Open(t.Context(), db.URL, storetest.Options()) })
			}
			started.Wait()
			storetest.Must(t, errors.Join(errs...))
			for _, s := range stores {
				storetest.Must(t, s.Ready(t.Context()))
				t.Cleanup(func() { _ = s.Close() })
			}
			states, err := store.MigrationStatus(t.Context(), db.URL)
			storetest.Must(t, err)
			var applied int64
			storetest.Must(t, storetest.Across(stores[0], t.Context()).Table("schema_migrations").Count(&applied).Error)
			if len(states) == 0 || int(applied) != len(states) {
				t.Errorf("%d migrations are recorded of %d", applied, len(states))
			}
			// All of them have the same key of hashes.
			org, d := storetest.Contoso(t, stores[0])
			u := storetest.CreateUser(t, org, d, "ada@contoso.example")
			traces, err := storetest.TracesOf(u)
			storetest.Must(t, err)
			storetest.Must(t, directory.Of(org, d.ID).DeleteUser(t.Context(), u.ID))
			for i, s := range stores {
				departed, err := directory.In(s.Org(org.ID, "system")).Departed(t.Context(), traces)
				if err != nil || !departed {
					t.Errorf("store %d does not recognize the user that another store deleted: %v", i, err)
				}
			}
		})
	})
	t.Run("a store that must not migrate refuses a database with pending migrations and leaves it", func(t *testing.T) {
		fresh(t, func(t *testing.T, db modeltest.Database) {
			o := storetest.Options()
			o.NoMigrate = true
			_, err := store.Open(t.Context(), db.URL, o)
			storetest.WantKind(t, err, model.Unavailable)
			if !strings.Contains(err.Error(), "rollcall migrate") {
				t.Errorf("the error does not say what to do: %v", err)
			}
			states, err := store.MigrationStatus(t.Context(), db.URL)
			storetest.Must(t, err)
			for _, m := range states {
				if m.AppliedAt != nil {
					t.Errorf("%s was applied", m.Version)
				}
			}
			modeltest.Open(t, db, store.Options{})
			modeltest.Open(t, db, o)
		})
	})
	t.Run("a database that a newer version has migrated is refused", func(t *testing.T) {
		fresh(t, func(t *testing.T, db modeltest.Database) {
			s := modeltest.Open(t, db, store.Options{})
			insert := "INSERT INTO schema_migrations VALUES ('9999_future', 1)"
			storetest.Must(t, storetest.Across(s, t.Context()).Exec(insert).Error)
			if err := s.Ready(t.Context()); err == nil {
				t.Error("it is ready")
			}
			_, err := store.Open(t.Context(), db.URL, storetest.Options())
			if err == nil || !strings.Contains(err.Error(), "newer") {
				t.Errorf("the error is %v", err)
			}
		})
	})
	t.Run("a statement that fails leaves nothing of any migration", func(t *testing.T) {
		fresh(t, func(t *testing.T, db modeltest.Database) {
			// The table restores, which the second migration creates, is there already.
			s := modeltest.Open(t, db, store.Options{})
			for _, of := range storetest.Tables(t, s) {
				if of.Name != "restores" {
					drop(t, s, of.Name)
				}
			}
			_, err := store.Open(t.Context(), db.URL, storetest.Options())
			if err == nil || !strings.Contains(err.Error(), "0002_events") {
				t.Fatalf("the error is %v, want one that names the migration", err)
			}
			names, err := storetest.Across(s, t.Context()).Migrator().GetTables()
			storetest.Must(t, err)
			for _, name := range names {
				if name != "restores" && !strings.HasPrefix(name, "sqlite_") {
					t.Errorf("table %s was created", name)
				}
			}
		})
	})
}

// Filters also find rows that are older than the columns for filters.
func TestMigrateFoldsStoredDocuments(t *testing.T) {
	t.Parallel()
	fresh(t, func(t *testing.T, db modeltest.Database) {
		s := modeltest.Open(t, db, store.Options{})
		org, d := storetest.Contoso(t, s)
		var want []string
		storetest.Must(t, org.Tx(t.Context(), func(org *store.Org) error {
			for i := range 501 { // more than one batch
				document := storetest.Person(fmt.Sprint("user-", i))
				document["title"] = "Überflieger"
				u, err := directory.Of(org, d.ID).CreateUser(t.Context(), document)
				if err != nil {
					return err
				}
				want = append(want, u.ID)
			}
			return nil
		}))
		document := map[string]any{"displayName": "Engineers", "urn:x": map[string]any{"floor": 7}}
		g, err := directory.Of(org, d.ID).CreateGroup(t.Context(), document, nil)
		storetest.Must(t, err)
		for _, q := range []string{
			"DROP INDEX users_employee_number",
			"ALTER TABLE users DROP COLUMN document_folded", "ALTER TABLE directory_groups DROP COLUMN document_folded",
			"DELETE FROM schema_migrations WHERE version = '0003_filter_index'",
		} {
			storetest.Must(t, storetest.Across(s, t.Context()).Exec(q).Error)
		}
		s = modeltest.Open(t, db, store.Options{})
		org = s.Org(org.ID, "system")
		query := storetest.Query(t, `title eq "ÜBERFLIEGER"`)
		us, extent, err := directory.Of(org, d.ID).Users(t.Context(), query)
		storetest.Must(t, err)
		if extent.Total != len(want) || us[0].ID != want[0] {
			t.Errorf("%d of %d users are found", extent.Total, len(want))
		}
		found := storetest.Filtered(t, org, d.ID, "urn:x:floor eq 7", true)
		if !slices.Equal(found, []string{g.ID}) {
			t.Errorf("groups %v are found", found)
		}
	})
}

// drop drops a table, and on PostgreSQL the foreign keys that refer to it.
func drop(t testing.TB, s *store.Store, table string) {
	t.Helper()
	suffix := " CASCADE"
	if !storetest.OnPostgres(s) {
		suffix = ""
		storetest.Must(t, storetest.Across(s, t.Context()).Exec("PRAGMA foreign_keys = 0").Error)
	}
	storetest.Must(t, storetest.Across(s, t.Context()).Exec("DROP TABLE "+table+suffix).Error)
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{
		"no URL": "", "another database": "mysql://localhost/rollcall", "SQLite without a file": "sqlite:",
		"SQLite in memory": "sqlite::memory:", "a broken URL": "postgres://user:secret@host:port/x",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := store.Open(t.Context(), url, storetest.Options())
			if err == nil {
				t.Fatal("it was opened")
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
	t.Run("a folder that does not exist", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "none", "rollcall.db")
		_, err := store.Open(t.Context(), "sqlite:"+path, storetest.Options())
		storetest.WantKind(t, err, model.Unavailable)
	})
	t.Run("a server that does not answer", func(t *testing.T) {
		_, err := store.Open(t.Context(), "postgres:///rollcall?host="+t.TempDir(), storetest.Options())
		storetest.WantKind(t, err, model.Unavailable)
	})
}

func TestOpenTakesAnyFileName(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a b%41?c#d&e.db")
	s := modeltest.Open(t, modeltest.Database{Name: "sqlite", URL: "sqlite:" + path}, store.Options{})
	storetest.Contoso(t, s)
	found, err := filepath.Glob(filepath.Join(filepath.Dir(path), "a b%41[?]c#d&e.db"))
	if err != nil || len(found) != 1 {
		t.Errorf("the file is not at %s: %v", path, err)
	}
}

// A directory also remembers what it had and lost before there was a table for that.
func TestMigrateRemembersRemovedResources(t *testing.T) {
	t.Parallel()
	fresh(t, func(t *testing.T, db modeltest.Database) {
		s := modeltest.Open(t, db, store.Options{})
		org, d := storetest.Contoso(t, s)
		two, first := storetest.Organization(t, s, "Fabrikam", "fabrikam.example")
		second, _, err := directory.In(two).CreateDirectory(t.Context(), "Other", "generic scim v2.0")
		storetest.Must(t, err)
		left, _, err := directory.In(two).CreateDirectory(t.Context(), "Left", "generic scim v2.0")
		storetest.Must(t, err)
		deleted := func(org *store.Org, d *directory.Directory, name string, byAPI bool) string {
			u := storetest.CreateUser(t, org, d, name)
			if byAPI {
				storetest.Must(t, directory.In(org).DeleteUser(t.Context(), u.ID))
			} else {
				storetest.Must(t, directory.Of(org, d.ID).DeleteUser(t.Context(), u.ID))
			}
			return u.ID
		}
		want := map[string][]string{d.ID: {}, first.ID: {}, second.ID: {}}
		note := func(d *directory.Directory, id string) { want[d.ID] = append(want[d.ID], id) }
		note(d, deleted(org, d, "by its tombstone alone", false))
		storetest.Must(t, storetest.Across(s, t.Context()).Exec("DELETE FROM events").Error)
		for i := range 120 { // more than one batch
			note(d, deleted(org, d, fmt.Sprint("user-", i), i%2 == 0))
		}
		note(first, deleted(two, first, "of the first", false))
		note(second, deleted(two, second, "of the second", true))
		deleted(two, left, "of one that is gone", true)
		g := storetest.CreateGroup(t, two, second, "Engineers")
		storetest.Must(t, directory.Of(two, second.ID).DeleteGroup(t.Context(), g.ID))
		note(second, g.ID)
		storetest.Must(t, directory.In(two).DeleteDirectory(t.Context(), left.ID))
		unowned := storetest.CreateUnowned(t, two, "unowned@fabrikam.example")
		storetest.Must(t, directory.In(two).DeleteUser(t.Context(), unowned.ID))
		storetest.CreateUser(t, two, first, "still there")
		drop(t, s, "removed_resources")
		undo := "DELETE FROM schema_migrations WHERE version = '0017_removed_resources'"
		storetest.Must(t, storetest.Across(s, t.Context()).Exec(undo).Error)

		s = modeltest.Open(t, db, store.Options{})
		var rows []removed.Resource
		storetest.Must(t, storetest.Across(s, t.Context()).Order("id").Find(&rows).Error)
		got := map[string][]string{d.ID: {}, first.ID: {}, second.ID: {}}
		for _, r := range rows {
			got[r.DirectoryID] = append(got[r.DirectoryID], r.ID)
		}
		for _, ids := range want {
			slices.Sort(ids)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// Stored userNames are found by their usual characters. Of two that have one name now, both stay.
func TestMigrateFoldsWidths(t *testing.T) {
	t.Parallel()
	fresh(t, func(t *testing.T, db modeltest.Database) {
		s := modeltest.Open(t, db, store.Options{})
		org, d := storetest.Contoso(t, s)
		alone := storetest.CreateUser(t, org, d, "ﾃｽﾄ-1")
		first := storetest.CreateUser(t, org, d, "テスト-2")
		second := storetest.CreateUser(t, org, d, "another")
		for id, old := range map[string][2]string{
			alone.ID: {"ﾃｽﾄ-1", "ﾃｽﾄ-1"}, second.ID: {"ﾃｽﾄ-2", "ﾃｽﾄ-2"}} {
			storetest.Must(t, storetest.Across(s, t.Context()).Exec(
				"UPDATE users SET user_name = ?, user_name_folded = ?, document = ? WHERE id = ?",
				old[0], old[1], fmt.Sprintf(`{"userName":%q}`, old[0]), id).Error)
		}
		undo := "DELETE FROM schema_migrations WHERE version = '0026_user_name_width'"
		storetest.Must(t, storetest.Across(s, t.Context()).Exec(undo).Error)

		s = modeltest.Open(t, db, store.Options{})
		org = s.Org(org.ID, "system")
		for name, want := range map[string]string{"ﾃｽﾄ-1": alone.ID, "テスト-1": alone.ID, "ﾃｽﾄ-2": first.ID,
			"テスト-2": first.ID} {
			got := storetest.Filtered(t, org, d.ID, fmt.Sprintf("userName eq %q", name), false)
			if !slices.Equal(got, []string{want}) {
				t.Errorf("%s finds %v, want %s", name, got, want)
			}
		}
		// Who kept the older form can still be changed, and leave.
		after := storetest.Deactivate(t, org, d, second)
		if after.Active || after.UserName != "ﾃｽﾄ-2" {
			t.Errorf("%+v", after)
		}
		_, err := directory.Of(org, d.ID).UpdateUser(t.Context(), second.ID, func(u *people.UserDraft) error {
			return u.SetDocument(map[string]any{"userName": "ﾃｽﾄ-2", "title": "Pilot"})
		})
		storetest.Must(t, err)
	})
}
