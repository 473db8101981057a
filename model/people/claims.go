package people

import (
	"rollcall/model"
)

// AssertedGroup is a group that a login named.
type AssertedGroup struct {
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	UserID         string               `gorm:"primaryKey"`
	ConnectionID   string               `gorm:"primaryKey"`
	Name           string
	NameFolded     string `gorm:"primaryKey"`
}
