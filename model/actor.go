package model

// Actor is who did something: kind:id, such as directory:directory_01J…,
// application:app_01J…, operator:bootstrap, or system.
type Actor string

// System acts where nobody asked: sweeping, expiring, migrating.
const System Actor = "system"

// EventType names what happened, as the events feed and webhooks spell it.
type EventType string
