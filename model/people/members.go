package people

import (
	"rollcall/model"
)

// The SQL in this file spans tables that GORM's predicate does not reach:
// every statement names the organization for each table itself.

// GroupMember is a user's membership in a directory group.
type GroupMember struct {
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	GroupID        string               `gorm:"primaryKey"`
	UserID         string               `gorm:"primaryKey"`
}

// TableName is the table of GroupMember.
func (GroupMember) TableName() string { return "directory_group_members" }

// MemberOf is one membership, seen from either side: the id and display name of
// the other side.
type MemberOf struct {
	ID          string
	DisplayName string
	IsGroup     bool // of a member: it is a group
	Indirect    bool // of a group: the user is in it by way of another
}
