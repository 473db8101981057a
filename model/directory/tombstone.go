package directory

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/people"
)

// Tombstone is what a deleted user leaves. It has no personal data, only keyed hashes of the
// folded userName, the e-mail addresses and the identities. A sign-on of the same person is
// recognized by them (docs/design/identity.md, "Leaving").
type Tombstone struct {
	ID             string               `gorm:"primaryKey"`
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	UserID         string               // of the deleted user
	CreatedAt      model.Time           `gorm:"autoCreateTime:false"`
}

// TombstoneKey is one hash of a tombstone.
type TombstoneKey struct {
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	TombstoneID    string               `gorm:"primaryKey"`
	Hash           []byte               `gorm:"primaryKey"`
}

// TombstoneObject is the public form of a Tombstone.
type TombstoneObject struct {
	Object         string     `json:"object"`
	ID             string     `json:"id"`
	OrganizationID string     `json:"organization_id"`
	UserID         string     `json:"user_id"`
	CreatedAt      model.Time `json:"created_at"`
}

// PublicForm returns the object that the API shows.
func (t *Tombstone) PublicForm() TombstoneObject {
	return TombstoneObject{"tombstone", model.TombstonePrefix.ID(t.ID),
		model.OrganizationPrefix.ID(string(t.OrganizationID)),
		model.UserPrefix.ID(t.UserID), t.CreatedAt}
}

// hashes are the traces, hashed with the installation's key and the organization's id: the hashes
// of one person in two organizations differ.
func (o Org) hashes(t people.Traces) [][]byte {
	var out [][]byte
	add := func(kind string, parts ...string) {
		mac := hmac.New(sha256.New, tenant.HashKey(o))
		fmt.Fprintf(mac, "%s\x00%s", o.ID, kind)
		for _, p := range parts {
			fmt.Fprintf(mac, "\x00%d\x00%s", len(p), p)
		}
		out = append(out, mac.Sum(nil))
	}
	if t.UserName != "" {
		add("userName", tenant.FoldName(t.UserName))
	}
	seen := map[string]bool{"": true}
	for _, address := range t.Emails {
		if folded, _ := model.FoldEmail(address); !seen[folded] {
			seen[folded] = true
			add("email", folded)
		}
	}
	for _, id := range t.Identities {
		add("identity", id.ConnectionID, id.Issuer, id.Subject)
	}
	return out
}

// bury creates the tombstone of a user that is about to be deleted.
func (o Org) bury(ctx context.Context, u *people.User) error {
	var identities []people.Identity
	if len(u.ProfileIDs) > 0 {
		var err error
		if identities, err = people.In(o).Identities(ctx, u.ID); err != nil {
			return err
		}
	}
	traces, err := u.Traces(identities)
	if err != nil {
		return err
	}
	stone := Tombstone{ID: model.NewID(), UserID: u.ID, CreatedAt: tenant.Now(o)}
	if err := tenant.DB(ctx, o).Create(&stone).Error; err != nil {
		return fmt.Errorf("create tombstone: %w", err)
	}
	var keys []TombstoneKey
	for _, h := range o.hashes(traces) {
		keys = append(keys, TombstoneKey{TombstoneID: stone.ID, Hash: h})
	}
	if err := tenant.DB(ctx, o).CreateInBatches(&keys, tenant.DialectOf(o).Batch(3)).Error; err != nil {
		return fmt.Errorf("create tombstone keys: %w", err)
	}
	return nil
}

// Departed tells whether a tombstone matches one of the traces, so that a login may not create a
// user of this person. In an organization without a directory no tombstone counts, since no
// directory could create the user again.
func (o Org) Departed(ctx context.Context, of ...people.Traces) (bool, error) {
	var directories, stones int64
	if err := tenant.Read(ctx, o).Model(&Directory{}).Count(&directories).Error; err != nil {
		return false, tenant.Translate(o, fmt.Errorf("count directories: %w", err))
	}
	var hashes [][]byte
	for _, t := range of {
		hashes = append(hashes, o.hashes(t)...)
	}
	if directories == 0 || len(hashes) == 0 {
		return false, nil
	}
	err := tenant.Read(ctx, o).Model(&TombstoneKey{}).Where("hash IN ?", hashes).Count(&stones).Error
	if err != nil {
		return false, tenant.Translate(o, fmt.Errorf("count tombstones: %w", err))
	}
	return stones > 0, nil
}

// Tombstones lists the organization's tombstones.
func (o Org) Tombstones(ctx context.Context, p model.Page) ([]Tombstone, model.PageInfo, error) {
	return tenant.Paged(o, tenant.Read(ctx, o).Model(&Tombstone{}), p,
		func(t Tombstone) string { return t.ID })
}

// DeleteTombstone removes a tombstone: a login may create a user of the person again.
func (o Org) DeleteTombstone(ctx context.Context, id string) error {
	if !model.IsID(id) {
		return model.NotFoundf("there is no tombstone %.64q here", id)
	}
	return o.Tx(ctx, func(org Org) error {
		r := tenant.DB(ctx, org).Where("id = ?", id).Delete(&Tombstone{})
		if r.Error != nil {
			return fmt.Errorf("delete tombstone: %w", r.Error)
		}
		if r.RowsAffected == 0 {
			return model.NotFoundf("there is no tombstone %.64q here", id)
		}
		return nil
	})
}

// clearTombstones removes the tombstones of a user that a directory creates again.
func (o Org) clearTombstones(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	if err := tenant.DB(ctx, o).Where("id IN ?", ids).Delete(&Tombstone{}).Error; err != nil {
		return fmt.Errorf("delete tombstones: %w", err)
	}
	return nil
}
