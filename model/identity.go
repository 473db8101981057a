package model

import (
	"context"
	"fmt"
	"slices"
)

// Identity links a user to whom an identity provider vouches for: one subject
// of one issuer at one connection (docs/design/identity.md, "Identities").
type Identity struct {
	ID             string         `gorm:"primaryKey"`
	OrganizationID OrganizationID `gorm:"<-:create"`
	ConnectionID   string
	Issuer         string
	Subject        string
	UserID         string
	RawAttributes  string // JSON as the identity provider sent it
	CreatedAt      Time   `gorm:"autoCreateTime:false"`
	UpdatedAt      Time   `gorm:"autoUpdateTime:false"`
}

// LinkIdentity links an identity to the user id.UserID and returns it stored. It
// answers Conflict when the identity is linked already.
func (o *Org) LinkIdentity(ctx context.Context, id Identity) (*Identity, error) {
	_, identity, err := o.linkIdentity(ctx, id, func(*User) error { return nil })
	return identity, err
}

// linkIdentity is LinkIdentity, unless the user, who is locked by then, is not fit for it.
func (o *Org) linkIdentity(ctx context.Context, id Identity, fit func(u *User) error) (*User, *Identity, error) {
	u, err := o.changeUser(ctx, id.UserID, func(org *Org, u *User) error {
		if err := fit(u); err != nil {
			return err
		}
		id.ID, id.CreatedAt, id.UpdatedAt = newID(), org.now(), org.now()
		if id.RawAttributes == "" {
			id.RawAttributes = "{}"
		}
		if err := org.db.WithContext(ctx).Create(&id).Error; err != nil {
			return fmt.Errorf("link identity: %w", err)
		}
		u.ProfileIDs = append(slices.Clone(u.ProfileIDs), id.ID)
		return org.recordUser(ctx, UserIdentityLinked, u)
	})
	if err != nil {
		return nil, nil, err
	}
	return u, &id, nil
}

// Identities lists a user's identities, oldest first.
func (o *Org) Identities(ctx context.Context, userID string) ([]Identity, error) {
	var ids []Identity
	err := o.read.WithContext(ctx).Where("user_id = ?", userID).Order("id").Find(&ids).Error
	if err != nil {
		return nil, o.store.translate(fmt.Errorf("read identities: %w", err))
	}
	return ids, nil
}
