package people

import (
	"rollcall/model"
)

// The events of users and their access.
const (
	DirectoryUserCreated     model.EventType = "dsync.user.created"
	DirectoryUserUpdated     model.EventType = "dsync.user.updated"
	DirectoryUserDeleted     model.EventType = "dsync.user.deleted"
	UserCreated              model.EventType = "user.created"
	UserUpdated              model.EventType = "user.updated"
	UserDeleted              model.EventType = "user.deleted"
	UserAdopted              model.EventType = "user.adopted"
	UserIdentityLinked       model.EventType = "user.identity_linked"
	UserRoleChanged          model.EventType = "user.role_changed"
	UserAccessEnded          model.EventType = "user.access_ended"
	UserPasswordSetup        model.EventType = "user.password_setup_created"
	UserPasswordSet          model.EventType = "user.password_set"
	UserPasswordRemoved      model.EventType = "user.password_removed"
	OrganizationWithoutAdmin model.EventType = "organization.without_admin"
)
