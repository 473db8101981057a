package people

import (
	"context"
	"fmt"
	"slices"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// Identity links a user to one subject of one issuer at one connection
// (docs/design/identity.md, "Identities").
type Identity struct {
	ID             string               `gorm:"primaryKey"`
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	ConnectionID   string
	Issuer         string
	Subject        string
	UserID         string
	RawAttributes  string     // JSON as the identity provider sent it
	CreatedAt      model.Time `gorm:"autoCreateTime:false"`
	UpdatedAt      model.Time `gorm:"autoUpdateTime:false"`
}

// LinkIdentity links an identity to the user id.UserID and returns it stored. It
// answers Conflict when the identity is linked already.
func (o Org) LinkIdentity(ctx context.Context, id Identity) (*Identity, error) {
	_, identity, err := o.inner().AddIdentity(ctx, id, func(*User) error { return nil })
	return identity, err
}

// AddIdentity is LinkIdentity on condition that fit accepts the user, whose row is locked by then.
func (o Inner) AddIdentity(ctx context.Context, id Identity, fit func(u *User) error) (*User, *Identity, error) {
	u, err := o.ChangeUser(ctx, id.UserID, func(org Org, u *User) error {
		if err := fit(u); err != nil {
			return err
		}
		id.ID, id.CreatedAt, id.UpdatedAt = model.NewID(), tenant.Now(org), tenant.Now(org)
		if id.RawAttributes == "" {
			id.RawAttributes = "{}"
		}
		if err := tenant.DB(ctx, org).Create(&id).Error; err != nil {
			return fmt.Errorf("link identity: %w", err)
		}
		u.ProfileIDs = append(slices.Clone(u.ProfileIDs), id.ID)
		return org.inner().RecordUser(ctx, UserIdentityLinked, u)
	})
	if err != nil {
		return nil, nil, err
	}
	return u, &id, nil
}

// Identities lists a user's identities, oldest first.
func (o Org) Identities(ctx context.Context, userID string) ([]Identity, error) {
	var ids []Identity
	err := tenant.Read(ctx, o).Where("user_id = ?", userID).Order("id").Find(&ids).Error
	if err != nil {
		return nil, tenant.Translate(o, fmt.Errorf("read identities: %w", err))
	}
	return ids, nil
}
