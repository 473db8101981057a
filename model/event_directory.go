package model

// The events of directories and their groups.
const (
	DirectoryActivated        EventType = "dsync.activated"
	DirectoryDeleted          EventType = "dsync.deleted"
	DirectoryTokenCreated     EventType = "dsync.token.created"
	DirectoryTokenRevoked     EventType = "dsync.token.revoked"
	DirectoryGroupCreated     EventType = "dsync.group.created"
	DirectoryGroupUpdated     EventType = "dsync.group.updated"
	DirectoryGroupDeleted     EventType = "dsync.group.deleted"
	DirectoryGroupUserAdded   EventType = "dsync.group.user_added"
	DirectoryGroupUserRemoved EventType = "dsync.group.user_removed"
	DirectoryMassChange       EventType = "directory.mass_change"
)
