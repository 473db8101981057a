package tenant

import (
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/model"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// Migration is one step of the schema, forward only.
type Migration struct {
	Version string // its file's number and name, such as 0001_start
	sql     string
}

// SchemaMigration is the row that tells of an applied migration.
type SchemaMigration struct {
	Version   string `gorm:"primaryKey"`
	AppliedAt model.Time
}

// migrations lists the steps for this database in order: NNNN_name.sql is for
// both, NNNN_name.postgres.sql and NNNN_name.sqlite.sql for one.
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

// PendingMigrations lists the steps that this database has not seen. A database
// that has seen steps unknown to this program is refused: it belongs to a newer one.
func (s *Store) PendingMigrations(ctx context.Context) ([]Migration, error) {
	return s.pending(s.across(ctx))
}

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

// migrationLock is the advisory lock that migrating processes queue on: an arbitrary constant.
const migrationLock = 0x726f6c6c63616c6c

// migrateTries is how often a process waits for SQLite's lock, five seconds each time: another one may
// be at a large table.
const migrateTries = 12

// migrate applies what is pending in one transaction, under a lock: of several
// processes that start at once one migrates and the others find nothing left.
func (s *Store) migrate(ctx context.Context) error {
	var err error
	for range migrateTries {
		if err = s.migrateAtOnce(ctx); s.dialect == PostgresDialect || model.KindOf(Translate(s, err)) != model.Busy {
			break
		}
	}
	return err
}

func (s *Store) migrateAtOnce(ctx context.Context) error {
	if pending, err := s.PendingMigrations(ctx); err != nil || len(pending) == 0 {
		return err
	}
	return s.across(ctx).Transaction(func(db *gorm.DB) error {
		if s.dialect == PostgresDialect {
			// A large table may take longer than a request may.
			for _, q := range []string{"SET LOCAL statement_timeout = 0", "SET LOCAL lock_timeout = 0"} {
				if err := db.Exec(q).Error; err != nil {
					return err
				}
			}
			if err := db.Exec("SELECT pg_advisory_xact_lock(?)", int64(migrationLock)).Error; err != nil {
				return err
			}
		}
		if err := db.Exec("CREATE TABLE IF NOT EXISTS schema_migrations (version text NOT NULL PRIMARY KEY, applied_at bigint NOT NULL)").Error; err != nil {
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
				if err := complete(db); err != nil {
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

// statements splits a migration at the semicolons that end a line, which is how
// the files are written.
func statements(text string) []string {
	var out []string
	for part := range strings.SplitSeq(text, ";\n") {
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

// RestoreNumber is the row that counts on which clusters this database has lived.
type RestoreNumber struct {
	Restore          int64 `gorm:"primaryKey;autoIncrement:false"`
	SystemIdentifier string
}

// TableName is the table of RestoreNumber.
func (RestoreNumber) TableName() string { return "restores" }

// numberRestore finds the restore number of the events written from now on: it
// grows when the database was restored into another PostgreSQL cluster, where
// transaction ids start anew.
func (s *Store) numberRestore(ctx context.Context) error {
	db := s.across(ctx)
	var identifier string
	if s.dialect == PostgresDialect {
		if err := db.Raw("SELECT system_identifier::text FROM pg_control_system()").Scan(&identifier).Error; err != nil {
			return err
		}
	}
	for {
		var last []RestoreNumber
		if err := db.Order("restore DESC").Limit(1).Find(&last).Error; err != nil {
			return err
		}
		next := RestoreNumber{Restore: 1, SystemIdentifier: identifier}
		if len(last) == 1 {
			if last[0].SystemIdentifier == identifier {
				s.restore = last[0].Restore
				return nil
			}
			next.Restore = last[0].Restore + 1
		}
		if err := db.Clauses(clause.OnConflict{DoNothing: true}).Create(&next).Error; err != nil {
			return err
		}
	}
}

// Secret is one sealed key of the installation.
type Secret struct {
	Name   string `gorm:"primaryKey"`
	Sealed []byte
}

// installationKey returns the named random key of this installation, making it
// at first use. Unlike ROLLCALL_SECRET_KEY, under which it is sealed, it never changes.
func (s *Store) installationKey(ctx context.Context, name string) ([]byte, error) {
	db := s.across(ctx)
	var rows []Secret
	if err := db.Where("name = ?", name).Find(&rows).Error; err != nil {
		return nil, Translate(s, fmt.Errorf("read installation key: %w", err))
	}
	if len(rows) == 0 {
		key := make([]byte, 32)
		rand.Read(key)
		row := Secret{name, s.seal.Seal(key, "secrets/"+name)}
		if err := db.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
			return nil, Translate(s, fmt.Errorf("write installation key: %w", err))
		}
		// Another process may have been first: what is stored counts.
		if err := db.Where("name = ?", name).Find(&rows).Error; err != nil || len(rows) == 0 {
			return nil, Translate(s, fmt.Errorf("read installation key: %w", errors.Join(err, gorm.ErrRecordNotFound)))
		}
	}
	key, err := s.seal.Open(rows[0].Sealed, "secrets/"+name)
	if err != nil {
		return nil, fmt.Errorf("ROLLCALL_SECRET_KEY is not the one that this database was set up with: %w", err)
	}
	return key, nil
}
