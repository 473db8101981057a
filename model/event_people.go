package model

// The events of users and their access.
const (
	DirectoryUserCreated     EventType = "dsync.user.created"
	DirectoryUserUpdated     EventType = "dsync.user.updated"
	DirectoryUserDeleted     EventType = "dsync.user.deleted"
	UserCreated              EventType = "user.created"
	UserUpdated              EventType = "user.updated"
	UserDeleted              EventType = "user.deleted"
	UserAdopted              EventType = "user.adopted"
	UserIdentityLinked       EventType = "user.identity_linked"
	UserRoleChanged          EventType = "user.role_changed"
	UserAccessEnded          EventType = "user.access_ended"
	UserPasswordSetup        EventType = "user.password_setup_created"
	UserPasswordSet          EventType = "user.password_set"
	UserPasswordRemoved      EventType = "user.password_removed"
	OrganizationWithoutAdmin EventType = "organization.without_admin"
)
