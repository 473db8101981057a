package model

import (
	"context"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// accessEnded is the data of user.access_ended.
type accessEnded struct {
	UserID          string       `json:"user_id"`
	DirectoryUserID *string      `json:"directory_user_id"`
	ProfileIDs      []string     `json:"profile_ids"`
	OrganizationID  string       `json:"organization_id"`
	Reason          EndingReason `json:"reason"`
	Actor           Actor        `json:"actor"`
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

func (o *Org) recordAccessEnded(u *User, reason EndingReason) error {
	data := accessEnded{
		UserID: UserPrefix.ID(u.ID), ProfileIDs: []string{}, OrganizationID: OrganizationPrefix.ID(string(o.ID)),
		Reason: reason, Actor: o.by,
	}
	if u.DirectoryID != nil {
		id := DirectoryUserPrefix.ID(u.ID)
		data.DirectoryUserID = &id
	}
	for _, id := range u.ProfileIDs {
		data.ProfileIDs = append(data.ProfileIDs, ProfilePrefix.ID(id))
	}
	return o.record(UserAccessEnded, UserPrefix.ID(u.ID), data)
}

// endAccessOf ends the access of the users whom a sub-query of ids names, with
// an event for each. They stay active.
func (o *Org) endAccessOf(ctx context.Context, ids *gorm.DB, reason EndingReason) error {
	for after := ""; ; {
		var users []User
		err := o.db.WithContext(ctx).Clauses(clause.Locking{Strength: toRemove}).Where("id > ? AND id IN (?)", after, ids).
			Order("id").Limit(leaving).Find(&users).Error
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
		err = o.db.WithContext(ctx).Model(&User{}).Where("id IN ?", ended).UpdateColumn("epoch", increment("epoch")).Error
		if err != nil {
			return fmt.Errorf("end access: %w", err)
		}
		if err := o.spill(ctx); err != nil {
			return err
		}
		after = ended[len(ended)-1]
	}
}
