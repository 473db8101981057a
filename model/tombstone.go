package model

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
)

// Tombstone is what is left of a deleted user. It keeps no personal data, only
// keyed hashes of the folded userName, the e-mail addresses and the identities,
// by which a sign-on of the same person is recognized (docs/design/identity.md, "Leaving").
type Tombstone struct {
	ID             string         `gorm:"primaryKey"`
	OrganizationID OrganizationID `gorm:"<-:create"`
	UserID         string         // who it was
	CreatedAt      Time           `gorm:"autoCreateTime:false"`
}

// tombstoneKey is one hash by which a tombstone is found.
type tombstoneKey struct {
	OrganizationID OrganizationID `gorm:"<-:create"`
	TombstoneID    string         `gorm:"primaryKey"`
	Hash           []byte         `gorm:"primaryKey"`
}

// Traces are what a person can be recognized by.
type Traces struct {
	UserName   string
	Emails     []string
	Identities []Identity
}

// hashes are the traces under the installation's key, bound to the organization
// so that the same person's hashes in two organizations cannot be compared.
func (o *Org) hashes(t Traces) [][]byte {
	var out [][]byte
	add := func(kind string, parts ...string) {
		mac := hmac.New(sha256.New, o.store.hashKey)
		fmt.Fprintf(mac, "%s\x00%s", o.ID, kind)
		for _, p := range parts {
			fmt.Fprintf(mac, "\x00%d\x00%s", len(p), p)
		}
		out = append(out, mac.Sum(nil))
	}
	if t.UserName != "" {
		add("userName", Fold(t.UserName))
	}
	seen := map[string]bool{"": true}
	for _, address := range t.Emails {
		if folded, _ := foldEmail(address); !seen[folded] {
			seen[folded] = true
			add("email", folded)
		}
	}
	for _, id := range t.Identities {
		add("identity", id.ConnectionID, id.Issuer, id.Subject)
	}
	return out
}

// traces are what the user could be recognized by later.
func (u *User) traces(identities []Identity) (Traces, error) {
	d, err := u.parse()
	if err != nil {
		return Traces{}, err
	}
	t := Traces{UserName: u.UserName, Emails: []string{u.Email}, Identities: identities}
	for _, e := range d.Emails {
		t.Emails = append(t.Emails, e.Value)
	}
	return t, nil
}

// bury leaves a tombstone for a user who is being deleted.
func (o *Org) bury(ctx context.Context, u *User) error {
	var identities []Identity
	if len(u.ProfileIDs) > 0 {
		var err error
		if identities, err = o.Identities(ctx, u.ID); err != nil {
			return err
		}
	}
	traces, err := u.traces(identities)
	if err != nil {
		return err
	}
	stone := Tombstone{ID: newID(), UserID: u.ID, CreatedAt: o.now()}
	if err := o.db.WithContext(ctx).Create(&stone).Error; err != nil {
		return fmt.Errorf("create tombstone: %w", err)
	}
	var keys []tombstoneKey
	for _, h := range o.hashes(traces) {
		keys = append(keys, tombstoneKey{TombstoneID: stone.ID, Hash: h})
	}
	if err := o.db.WithContext(ctx).CreateInBatches(&keys, o.store.dialect.batch(3)).Error; err != nil {
		return fmt.Errorf("create tombstone keys: %w", err)
	}
	return nil
}

// Departed tells whether a tombstone forbids a login to create the person who
// left one of these traces. None does once the organization has no directory
// left, since nothing could then bring the person back.
func (o *Org) Departed(ctx context.Context, of ...Traces) (bool, error) {
	var directories, stones int64
	if err := o.read.WithContext(ctx).Model(&Directory{}).Count(&directories).Error; err != nil {
		return false, o.store.translate(fmt.Errorf("count directories: %w", err))
	}
	var hashes [][]byte
	for _, t := range of {
		hashes = append(hashes, o.hashes(t)...)
	}
	if directories == 0 || len(hashes) == 0 {
		return false, nil
	}
	err := o.read.WithContext(ctx).Model(&tombstoneKey{}).Where("hash IN ?", hashes).Count(&stones).Error
	if err != nil {
		return false, o.store.translate(fmt.Errorf("count tombstones: %w", err))
	}
	return stones > 0, nil
}

// Tombstones lists the organization's tombstones.
func (o *Org) Tombstones(ctx context.Context, p Page) ([]Tombstone, PageInfo, error) {
	return paged(o, o.read.WithContext(ctx).Model(&Tombstone{}), p, func(t Tombstone) string { return t.ID })
}

// DeleteTombstone lets a login create the person again.
func (o *Org) DeleteTombstone(ctx context.Context, id string) error {
	if !isID(id) {
		return NotFoundf("there is no tombstone %.64q here", id)
	}
	return o.Tx(ctx, func(org *Org) error {
		r := org.db.WithContext(ctx).Where("id = ?", id).Delete(&Tombstone{})
		if r.Error != nil {
			return fmt.Errorf("delete tombstone: %w", r.Error)
		}
		if r.RowsAffected == 0 {
			return NotFoundf("there is no tombstone %.64q here", id)
		}
		return nil
	})
}

// clearTombstones removes those whom a directory has created again.
func (o *Org) clearTombstones(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	if err := o.db.WithContext(ctx).Where("id IN ?", ids).Delete(&Tombstone{}).Error; err != nil {
		return fmt.Errorf("delete tombstones: %w", err)
	}
	return nil
}
