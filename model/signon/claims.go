package signon

import (
	"context"
	"fmt"
	"slices"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/people"
)

const (
	// maxAttributes and attributesLimit bound what is kept of a login's attributes
	// (docs/design/identity.md, "Identities").
	maxAttributes   = 200
	attributesLimit = 64 << 10
)

// bound drops what is too much or too large to be kept, and says what.
func (c *Claims) bound() (notes []string) {
	for _, text := range []struct {
		what  string
		value *string
	}{
		{"the e-mail address", &c.Email}, {"the userName", &c.UserName}, {"the NameID", &c.NameID},
		{"the first name", &c.FirstName}, {"the last name", &c.LastName}, {"the display name", &c.DisplayName},
	} {
		if !tenant.Keepable(*text.value) {
			*text.value = ""
			notes = append(notes, fmt.Sprintf("%s was not kept: it is longer than %d bytes, or no text", text.what, tenant.MaxIndexed))
		}
	}
	return append(notes, c.boundLists()...)
}

func (c *Claims) boundLists() (notes []string) {
	kept, size := map[string][]string{}, 0
	dropped := 0
	for _, name := range tenant.SortedKeys(c.Attributes) {
		n := len(name)
		for _, v := range c.Attributes[name] {
			n += len(v)
		}
		if len(kept) == maxAttributes || size+n > attributesLimit || !model.Storable(name) || slices.ContainsFunc(c.Attributes[name], func(v string) bool { return !model.Storable(v) }) {
			dropped++
			continue
		}
		kept[name], size = c.Attributes[name], size+n
	}
	if dropped > 0 {
		notes = append(notes, fmt.Sprintf("%d attributes were not kept: a login keeps %d attributes of %d KiB together", dropped, maxAttributes, attributesLimit>>10))
	}
	c.Attributes = kept
	unfit := func(name string) bool { return name == "" || !tenant.Keepable(name) }
	if n := len(c.Groups); slices.ContainsFunc(c.Groups, unfit) {
		c.Groups = slices.DeleteFunc(slices.Clone(c.Groups), unfit)
		notes = append(notes, fmt.Sprintf("%d groups were not kept: their names are empty, or longer than %d bytes", n-len(c.Groups), tenant.MaxIndexed))
	}
	return notes
}

// raw are the attributes as the API shows them: one value as it is, several as a list.
func (c *Claims) raw() (string, error) {
	out := map[string]any{}
	for name, values := range c.Attributes {
		if len(values) == 1 {
			out[name] = values[0]
		} else {
			out[name] = append([]string{}, values...)
		}
	}
	return tenant.Encode(out)
}

// noteClaims keeps what a login asserted about somebody: the attributes, and the
// groups where the login speaks of them (docs/design/identity.md, "Identities" and "Groups").
func (o Org) noteClaims(ctx context.Context, identity *people.Identity, c *Claims) error {
	raw, err := c.raw()
	if err != nil {
		return err
	}
	if raw != identity.RawAttributes {
		identity.RawAttributes, identity.UpdatedAt = raw, tenant.Now(o)
		row := tenant.DB(o).WithContext(ctx).Model(&people.Identity{}).Where("id = ?", identity.ID)
		err := row.Select("RawAttributes", "UpdatedAt").UpdateColumns(identity).Error
		if err != nil {
			return fmt.Errorf("keep attributes: %w", err)
		}
	}
	if !c.GroupsSent {
		return nil
	}
	return o.noteGroups(ctx, identity, c.Groups)
}

// noteGroups keeps the names of the groups that a login asserted, in place of those of the last login.
func (o Org) noteGroups(ctx context.Context, identity *people.Identity, names []string) error {
	var before []people.AssertedGroup
	mine := tenant.DB(o).WithContext(ctx).Where("user_id = ? AND connection_id = ?", identity.UserID, identity.ConnectionID)
	if err := mine.Find(&before).Error; err != nil {
		return fmt.Errorf("read asserted groups: %w", err)
	}
	had, has := map[string]string{}, map[string]string{}
	for _, g := range before {
		had[g.NameFolded] = g.Name
	}
	var missing []people.AssertedGroup
	for _, name := range names {
		folded := model.Fold(name)
		if _, doubled := has[folded]; doubled {
			continue
		}
		has[folded] = name
		if had[folded] != name {
			missing = append(missing, people.AssertedGroup{UserID: identity.UserID, ConnectionID: identity.ConnectionID, Name: name, NameFolded: folded})
		}
	}
	var gone []string
	for folded, name := range had {
		if has[folded] != name {
			gone = append(gone, folded)
		}
	}
	for batch := range slices.Chunk(gone, tenant.DialectOf(o).Batch(1)) {
		err := tenant.DB(o).WithContext(ctx).Where("user_id = ? AND connection_id = ? AND name_folded IN ?", identity.UserID, identity.ConnectionID, batch).
			Delete(&people.AssertedGroup{}).Error
		if err != nil {
			return fmt.Errorf("strip asserted groups: %w", err)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if err := tenant.DB(o).WithContext(ctx).CreateInBatches(&missing, tenant.DialectOf(o).Batch(5)).Error; err != nil {
		return fmt.Errorf("keep asserted groups: %w", err)
	}
	return nil
}

// describeEmail is an asserted address for the login log.
func describeEmail(address string) string {
	if address == "" {
		return "no e-mail address"
	}
	return tenant.Clipped(address)
}
