package directory

import (
	"rollcall/model"
)

// The events of directories and their groups.
const (
	DirectoryActivated        model.EventType = "dsync.activated"
	DirectoryDeleted          model.EventType = "dsync.deleted"
	DirectoryTokenCreated     model.EventType = "dsync.token.created"
	DirectoryTokenRevoked     model.EventType = "dsync.token.revoked"
	DirectoryGroupCreated     model.EventType = "dsync.group.created"
	DirectoryGroupUpdated     model.EventType = "dsync.group.updated"
	DirectoryGroupDeleted     model.EventType = "dsync.group.deleted"
	DirectoryGroupUserAdded   model.EventType = "dsync.group.user_added"
	DirectoryGroupUserRemoved model.EventType = "dsync.group.user_removed"
	DirectoryMassChange       model.EventType = "directory.mass_change"
)
