package people

import (
	"context"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// accessEnded is the data of user.access_ended.
type accessEnded struct {
	UserID          string       `json:"user_id"`
	DirectoryUserID *string      `json:"directory_user_id"`
	ProfileIDs      []string     `json:"profile_ids"`
	OrganizationID  string       `json:"organization_id"`
	Reason          EndingReason `json:"reason"`
	Actor           model.Actor  `json:"actor"`
}

// EndingReason is why a user's access ended.
type EndingReason string

// The reasons of user.access_ended.
const (
	EndedDeprovisioned     EndingReason = "deprovisioned"
	EndedDeleted           EndingReason = "deleted"
	EndedDirectoryDeleted  EndingReason = "directory_deleted"
	EndedRevoked           EndingReason = "revoked"
	EndedRoleChanged       EndingReason = "role_changed"
	EndedConnectionChanged EndingReason = "connection_changed"
)

func (o Org) recordAccessEnded(u *User, reason EndingReason) error {
	data := accessEnded{
		UserID: model.UserPrefix.ID(u.ID), ProfileIDs: []string{}, OrganizationID: model.OrganizationPrefix.ID(string(o.ID)),
		Reason: reason, Actor: tenant.By(o),
	}
	if u.DirectoryID != nil {
		id := model.DirectoryUserPrefix.ID(u.ID)
		data.DirectoryUserID = &id
	}
	for _, id := range u.ProfileIDs {
		data.ProfileIDs = append(data.ProfileIDs, model.ProfilePrefix.ID(id))
	}
	return tenant.Record(o, UserAccessEnded, model.UserPrefix.ID(u.ID), data)
}

// EndAccessOf ends the access of the users whom a sub-query of ids names, with
// an event for each. They stay active.
func (o Org) EndAccessOf(ctx context.Context, ids *gorm.DB, reason EndingReason) error {
	for after := ""; ; {
		var users []User
		err := tenant.DB(o).WithContext(ctx).Clauses(clause.Locking{Strength: tenant.ToRemove}).Where("id > ? AND id IN (?)", after, ids).
			Order("id").Limit(Leaving).Find(&users).Error
		if err != nil {
			return fmt.Errorf("lock users: %w", err)
		}
		if len(users) == 0 {
			return nil
		}
		var ended []string
		for i := range users {
			ended = append(ended, users[i].ID)
			if err := o.revokeAccess(ctx, &users[i], reason); err != nil {
				return err
			}
		}
		err = tenant.DB(o).WithContext(ctx).Model(&User{}).Where("id IN ?", ended).UpdateColumn("epoch", tenant.Increment("epoch")).Error
		if err != nil {
			return fmt.Errorf("end access: %w", err)
		}
		if err := tenant.Spill(ctx, o); err != nil {
			return err
		}
		after = ended[len(ended)-1]
	}
}
