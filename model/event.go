package model

// Event is something that happened in an organization. Events are never
// changed. Data is the JSON that the API and webhooks show, without secrets.
type Event struct {
	ID             string         `gorm:"primaryKey"`
	OrganizationID OrganizationID `gorm:"<-:create"`
	Type           EventType
	Actor          Actor
	Subject        string // what it happened to, as an API id
	Data           string
	Restore        int64
	Tx             int64 `gorm:"->"` // given by the database; with Restore and ID the feed's order
	CreatedAt      Time  `gorm:"autoCreateTime:false"`
}
