package model

// Event is something that happened in an organization. Events are never changed.
type Event struct {
	ID             string         `gorm:"primaryKey"`
	OrganizationID OrganizationID `gorm:"<-:create"`
	Type           EventType
	Actor          Actor
	Subject        string // what it happened to, as an API id
	Data           string // the JSON that the API and webhooks show, without secrets
	Restore        int64
	Tx             int64 `gorm:"->"` // given by the database; with Restore and ID the feed's order
	CreatedAt      Time  `gorm:"autoCreateTime:false"`
}

// EventType names what happened, in the spelling of the events feed and of webhooks.
type EventType string

// Actor is who did something, as kind:id, such as directory:directory_01J…, application:app_01J…,
// operator:bootstrap, or system.
type Actor string

// System is the actor of what nobody asked for: sweeping, expiring, migrating.
const System Actor = "system"
