package tenant

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// RestoreNumber is the row of a PostgreSQL cluster that this database has been in.
type RestoreNumber struct {
	Restore          int64 `gorm:"primaryKey;autoIncrement:false"`
	SystemIdentifier string
}

// TableName returns the table of RestoreNumber.
func (RestoreNumber) TableName() string { return "restores" }

// numberRestore finds the restore number of the events that are written from now on. It grows when
// the database was restored into another PostgreSQL cluster, which has its own transaction ids.
func (s *Store) numberRestore(ctx context.Context) error {
	db := s.across(ctx)
	var identifier string
	if s.dialect == PostgresDialect {
		err := db.Raw("SELECT system_identifier::text FROM pg_control_system()").Scan(&identifier).Error
		if err != nil {
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

// HasSecrets tells whether the database at url has secrets, which the secret key opens.
func HasSecrets(ctx context.Context, url string) (bool, error) {
	s := &Store{}
	if err := s.connect(url, nil); err != nil {
		return false, err
	}
	defer s.Close()
	pending, err := s.pendingMigrations(ctx)
	if err != nil {
		return false, err
	}
	if all, err := s.dialect.migrations(); err != nil || len(pending) == len(all) { // there is no table yet
		return false, err
	}
	var n int64
	err = s.across(ctx).Model(&Secret{}).Count(&n).Error
	return n > 0, Translate(s, err)
}

// installationKey returns a random key of this installation, and makes it at its first use.
// ROLLCALL_SECRET_KEY, under which it is sealed, may change. This key never does.
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
		// Another process may have been first, and only one key is stored.
		if err := db.Where("name = ?", name).Find(&rows).Error; err != nil || len(rows) == 0 {
			err = errors.Join(err, gorm.ErrRecordNotFound)
			return nil, Translate(s, fmt.Errorf("read installation key: %w", err))
		}
	}
	key, err := s.seal.Open(rows[0].Sealed, "secrets/"+name)
	if err != nil {
		return nil, fmt.Errorf("the secret key is not the one that this database was set up with; it is in "+
			"ROLLCALL_SECRET_KEY, or without that in the file beside a SQLite database: %w", err)
	}
	return key, nil
}
