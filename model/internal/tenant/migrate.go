package tenant

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"gorm.io/gorm"

	"rollcall/model"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// Migration is one step of the schema, forward only.
type Migration struct {
	Version string // its file's number and name, such as 0001_start
	sql     string
}

// SchemaMigration is the row of an applied migration.
type SchemaMigration struct {
	Version   string `gorm:"primaryKey"`
	AppliedAt model.Time
}

// migrations lists the steps for this database in order. NNNN_name.sql is for both databases,
// NNNN_name.postgres.sql and NNNN_name.sqlite.sql are for one.
func (d Dialect) migrations() ([]Migration, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var out []Migration
	for _, name := range names {
		version, _, _ := strings.Cut(strings.TrimPrefix(name, "migrations/"), ".")
		if strings.Count(name, ".") > 1 && !strings.HasSuffix(name, "."+d.Name()+".sql") {
			continue
		}
		text, err := migrationFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		out = append(out, Migration{Version: version, sql: string(text)})
	}
	return out, nil
}

// pendingMigrations lists the steps that this database has not seen. It refuses a database with
// steps that this program does not know, because that database belongs to a newer program.
func (s *Store) pendingMigrations(ctx context.Context) ([]Migration, error) {
	return s.pending(s.across(ctx))
}

// pending is pendingMigrations for the transaction of db.
func (s *Store) pending(db *gorm.DB) ([]Migration, error) {
	all, err := s.dialect.migrations()
	if err != nil {
		return nil, err
	}
	query := "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_migrations'"
	if s.dialect == PostgresDialect {
		query = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'schema_migrations'"
	}
	var tables int64
	if err := db.Raw(query).Scan(&tables).Error; err != nil {
		return nil, Translate(s, err)
	}
	if tables == 0 {
		return all, nil
	}
	var done []SchemaMigration
	if err := db.Find(&done).Error; err != nil {
		return nil, Translate(s, err)
	}
	applied := map[string]bool{}
	for _, m := range done {
		applied[m.Version] = true
	}
	pending := slices.DeleteFunc(all, func(m Migration) bool {
		seen := applied[m.Version]
		delete(applied, m.Version)
		return seen
	})
	if len(applied) > 0 {
		return nil, errors.New("the database was migrated by a newer rollcall; run that version or a later one")
	}
	return pending, nil
}

// migrationLock is the advisory lock of migrating processes, an arbitrary constant.
const migrationLock = 0x726f6c6c63616c6c

// migrateTries is how often a process waits for SQLite's lock, five seconds each time, because
// another process may be migrating a large table.
const migrateTries = 12

// migrate applies what is pending in one transaction, under a lock. When several processes start at
// once, one migrates and the others find nothing left.
func (s *Store) migrate(ctx context.Context) error {
	var err error
	for range migrateTries {
		err = s.migrateAtOnce(ctx)
		if s.dialect == PostgresDialect || model.KindOf(Translate(s, err)) != model.Busy {
			break
		}
	}
	return err
}

// migrateAtOnce is one try of migrate.
func (s *Store) migrateAtOnce(ctx context.Context) error {
	if pending, err := s.pendingMigrations(ctx); err != nil || len(pending) == 0 {
		return err
	}
	return s.across(ctx).Transaction(func(db *gorm.DB) error {
		if err := s.lockMigrations(db); err != nil {
			return err
		}
		err := db.Exec("CREATE TABLE IF NOT EXISTS schema_migrations " +
			"(version text NOT NULL PRIMARY KEY, applied_at bigint NOT NULL)").Error
		if err != nil {
			return err
		}
		pending, err := s.pending(db)
		if err != nil {
			return err
		}
		for _, m := range pending {
			for _, statement := range statements(m.sql) {
				if err := db.Exec(statement).Error; err != nil {
					return fmt.Errorf("%s: %w", m.Version, err)
				}
			}
			if complete := s.Completions[m.Version]; complete != nil {
				// The table may not have all columns of its rows yet.
				asItIs := db.Session(&gorm.Session{})
				asItIs.QueryFields = false
				if err := complete(asItIs); err != nil {
					return fmt.Errorf("%s: %w", m.Version, err)
				}
			}
			if err := db.Create(&SchemaMigration{m.Version, model.TimeOf(s.now())}).Error; err != nil {
				return err
			}
		}
		return nil
	})
}

// lockMigrations makes the transaction of db wait until no other process migrates. On SQLite the
// transaction itself does.
func (s *Store) lockMigrations(db *gorm.DB) error {
	if s.dialect != PostgresDialect {
		return nil
	}
	// A large table may take longer than a request may, and is read from end to end.
	for _, q := range []string{"SET LOCAL statement_timeout = 0", "SET LOCAL lock_timeout = 0",
		"SET LOCAL enable_seqscan = on", "SET LOCAL enable_hashjoin = on", "SET LOCAL enable_mergejoin = on"} {
		if err := db.Exec(q).Error; err != nil {
			return err
		}
	}
	return db.Exec("SELECT pg_advisory_xact_lock(?)", int64(migrationLock)).Error
}

// statements splits a migration at the semicolons that end a line. The files are written for that.
// What is between two $$ is one statement.
func statements(text string) []string {
	var out []string
	begun := ""
	for part := range strings.SplitSeq(text, ";\n") {
		if part = begun + part; strings.Count(part, "$$")%2 == 1 {
			begun = part + ";\n"
			continue
		}
		begun = ""
		lines := strings.Split(part, "\n")
		lines = slices.DeleteFunc(lines, func(l string) bool {
			return strings.HasPrefix(strings.TrimSpace(l), "--") || strings.TrimSpace(l) == ""
		})
		if len(lines) > 0 {
			out = append(out, strings.Join(lines, "\n"))
		}
	}
	return out
}

// MigrationState is a migration of this program, and when it was applied to a database.
type MigrationState struct {
	Version   string
	AppliedAt *model.Time // nil while pending
}

// MigrationStatus lists the migrations of the database at url, and changes nothing in it. An empty
// url means a database that does not exist yet: all migrations are pending.
func MigrationStatus(ctx context.Context, url string) ([]MigrationState, error) {
	d, applied := SqliteDialect, []SchemaMigration(nil)
	if url != "" {
		s := &Store{}
		if err := s.connect(url, nil); err != nil {
			return nil, err
		}
		defer s.Close()
		d = s.dialect
		pending, err := s.pendingMigrations(ctx)
		if err != nil {
			return nil, err
		}
		if all, err := d.migrations(); err != nil || len(pending) < len(all) {
			if err := s.across(ctx).Find(&applied).Error; err != nil {
				return nil, Translate(s, fmt.Errorf("read migrations: %w", err))
			}
		}
	}
	all, err := d.migrations()
	if err != nil {
		return nil, err
	}
	states := make([]MigrationState, len(all))
	for i, m := range all {
		states[i].Version = m.Version
		for _, a := range applied {
			if a.Version == m.Version {
				states[i].AppliedAt = &a.AppliedAt
			}
		}
	}
	return states, nil
}
