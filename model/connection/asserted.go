package connection

import "rollcall/model"

// AssertedGroup is a group that an identity provider named at the last login of a user.
type AssertedGroup struct {
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	UserID         string               `gorm:"primaryKey"`
	ConnectionID   string               `gorm:"primaryKey"`
	Name           string
	NameFolded     string `gorm:"primaryKey"`
}
