// Package removed remembers which users and groups a directory had and lost. An identity provider
// whose list of members is older than a deletion still names them, and must be able to take the
// access of others away (docs/design/scim.md, "Members that are gone").
package removed

import (
	"context"
	"encoding/json"
	"fmt"

	"gorm.io/gorm"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// Resource is the id of a user or group that a directory had and that was deleted. The row stays as
// long as the directory.
type Resource struct {
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	DirectoryID    string               `gorm:"primaryKey"`
	ID             string               `gorm:"primaryKey"`
}

// TableName is the table of Resource.
func (Resource) TableName() string { return "removed_resources" }

// Remember notes the id of a user or group of a directory that is being deleted.
func Remember(ctx context.Context, org tenant.Bound, directoryID, id string) error {
	if err := tenant.DB(ctx, org).Create(&Resource{DirectoryID: directoryID, ID: id}).Error; err != nil {
		return fmt.Errorf("remember removed resource: %w", err)
	}
	return nil
}

// Forget deletes what a directory that is removed remembers. The caller has locked its users and
// groups, so that none is deleted meanwhile.
func Forget(ctx context.Context, org tenant.Bound, directoryID string) error {
	err := tenant.DB(ctx, org).Where("directory_id = ?", directoryID).Delete(&Resource{}).Error
	if err != nil {
		return fmt.Errorf("forget removed resources: %w", err)
	}
	return nil
}

// Among returns which of the ids the directory had.
func Among(ctx context.Context, org tenant.Bound, directoryID string, ids []string) (map[string]bool, error) {
	list, err := tenant.Encode(ids)
	if err != nil {
		return nil, err
	}
	var found []string
	err = tenant.DB(ctx, org).Model(&Resource{}).Where("directory_id = ?", directoryID).
		Where(tenant.DialectOf(org).OneOf("id"), list).Pluck("id", &found).Error
	if err != nil {
		return nil, fmt.Errorf("read removed resources: %w", err)
	}
	removed := make(map[string]bool, len(found))
	for _, id := range found {
		removed[id] = true
	}
	return removed, nil
}

// FromEvents remembers the users and groups whose deletion is in the events, of directories that
// still exist. It completes the migration that adds the table.
func FromEvents(db *gorm.DB) error {
	const batch = 500
	for last := ""; ; {
		var events []model.Event
		page := db.WithContext(db.Statement.Context).Where("type LIKE ? AND id > ?", "%.deleted", last)
		if err := page.Order("id").Limit(batch).Find(&events).Error; err != nil || len(events) == 0 {
			return err
		}
		last = events[len(events)-1].ID
		for i := range events {
			r, ok := by(&events[i])
			if !ok {
				continue
			}
			err := db.Exec("INSERT INTO removed_resources (organization_id, directory_id, id) "+
				"SELECT organization_id, id, ? FROM directories WHERE organization_id = ? AND id = ? "+
				"ON CONFLICT DO NOTHING", r.ID, r.OrganizationID, r.DirectoryID).Error
			if err != nil {
				return err
			}
		}
	}
}

// by returns the resource whose deletion an event tells of. ok is false where the event tells of
// another one, or no directory had it.
func by(e *model.Event) (r Resource, ok bool) {
	var data struct {
		DirectoryID string `json:"directory_id"`
	}
	if json.Unmarshal([]byte(e.Data), &data) != nil {
		return r, false
	}
	r.OrganizationID = e.OrganizationID
	if r.DirectoryID, ok = model.DirectoryPrefix.Parse(data.DirectoryID); !ok {
		return r, false
	}
	for _, prefix := range []model.Prefix{
		model.DirectoryUserPrefix, model.UserPrefix, model.DirectoryGroupPrefix} {
		if r.ID, ok = prefix.Parse(e.Subject); ok {
			return r, true
		}
	}
	return r, false
}
