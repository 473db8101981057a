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
		UserID:         model.UserPrefix.ID(u.ID),
		ProfileIDs:     []string{},
		OrganizationID: model.OrganizationPrefix.ID(string(o.ID)),
		Reason:         reason,
		Actor:          tenant.By(o),
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

// RevokeSessions ends everything that the user is signed in to. The user stays
// active and may sign in again.
func (o Org) RevokeSessions(ctx context.Context, id string) (*User, error) {
	return o.inner().ChangeUser(ctx, id, func(org Org, u *User) error {
		return org.revokeAccess(ctx, u, EndedRevoked)
	})
}

// revokeAccess ends the access of a user who stays as they are. The caller has
// locked the row, and writes it.
func (o Org) revokeAccess(ctx context.Context, u *User, reason EndingReason) error {
	c := consequences{Row: u}
	c.endAccess(reason)
	return o.inner().CloseAccess(ctx, &c)
}

// leaving is how many users are signed out by one read and one write.
const leaving = 500

// endAccessOf ends the access of the users that a sub-query of ids selects, with an event for each.
// They stay active.
func (o Org) endAccessOf(ctx context.Context, ids *gorm.DB, reason EndingReason) error {
	for after := ""; ; {
		var users []User
		locked := tenant.DB(ctx, o).Clauses(clause.Locking{Strength: tenant.ToRemove})
		err := locked.Where("id > ? AND id IN (?)", after, ids).Order("id").Limit(leaving).Find(&users).Error
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
		rows := tenant.DB(ctx, o).Model(&User{}).Where("id IN ?", ended)
		err = rows.UpdateColumn("epoch", tenant.Increment("epoch")).Error
		if err != nil {
			return fmt.Errorf("end access: %w", err)
		}
		if err := tenant.Spill(ctx, o); err != nil {
			return err
		}
		after = ended[len(ended)-1]
	}
}

// SignOut ends the access of everybody who is signed in by a connection.
func (o Inner) SignOut(ctx context.Context, connection string) error {
	live := o.LiveSessions(tenant.DB(ctx, o).Model(&Session{}).Select("user_id")).Where("connection_id = ?", connection)
	return o.endAccessOf(ctx, live, EndedConnectionChanged)
}

// ReleaseUsers makes the users of a directory, which is being removed, unowned. The active ones
// become inactive, and their access ends. It returns an active administrator among them, nil
// without any.
func (o Inner) ReleaseUsers(ctx context.Context, directoryID string) (admin *User, err error) {
	db := tenant.DB(ctx, o)
	population := tenant.DB(ctx, o).Model(&User{}).Select("id").Where("directory_id = ?", directoryID)
	signedIn := tenant.DB(ctx, o).Model(&Session{}).Select("user_id")
	live := o.LiveSessions(signedIn).Where("user_id IN (?)", population)
	if err := o.endAccessOf(ctx, live, EndedDirectoryDeleted); err != nil {
		return nil, err
	}
	if _, err := o.removePasswordsOf(ctx, population, deactivated); err != nil {
		return nil, err
	}
	var admins []User
	err = db.Where("directory_id = ? AND role = ? AND active = ?", directoryID, Admin, true).
		Limit(1).Find(&admins).Error
	if err != nil {
		return nil, fmt.Errorf("read administrators: %w", err)
	}
	for _, active := range []bool{true, false} {
		users := db.Model(&User{}).Where("directory_id = ? AND active = ?", directoryID, active)
		if err := users.UpdateColumns(releasedColumns(active, tenant.Now(o))).Error; err != nil {
			return nil, fmt.Errorf("release users: %w", err)
		}
	}
	if len(admins) == 0 {
		return nil, nil
	}
	return &admins[0], nil
}

// endPasswordSessions ends the sessions of a user that began with a password; others stay.
func (o Org) endPasswordSessions(ctx context.Context, u *User) error {
	ended := tenant.DB(ctx, o).Model(&Session{}).
		Where("user_id = ? AND identity_id IS NULL AND ended_at IS NULL AND expires_at > ?", u.ID, tenant.Now(o)).
		UpdateColumn("ended_at", tenant.Now(o))
	if ended.Error != nil {
		return fmt.Errorf("end sessions: %w", ended.Error)
	}
	if ended.RowsAffected == 0 {
		return nil
	}
	return o.inner().CloseAccess(ctx, &consequences{Row: u, ended: EndedRevoked})
}
