package tenant

import (
	"context"
	"fmt"

	"rollcall/model"
)

// MigrationState is a migration of this program and when a database saw it.
type MigrationState struct {
	Version   string
	AppliedAt *model.Time // nil while pending
}

// MigrationStatus lists the migrations of the database at url, which it leaves
// as it is. For an empty url, a database that is not there yet, all are pending.
func MigrationStatus(ctx context.Context, url string) ([]MigrationState, error) {
	d, applied := SqliteDialect, []SchemaMigration(nil)
	if url != "" {
		s := &Store{}
		if err := s.connect(url, nil); err != nil {
			return nil, err
		}
		defer s.Close()
		d = s.dialect
		pending, err := s.PendingMigrations(ctx)
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
