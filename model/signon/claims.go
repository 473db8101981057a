package signon

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
	"rollcall/model/people"
)

// Claims is what an identity provider says of a person in a response.
type Claims struct {
	Issuer, Subject string // name the person; see people.Identity
	NameID          string // as sent; empty when it was transient or missing
	NameIDFormat    string // as sent; empty without one, and over OpenID Connect
	UserName        string // by the connection's UsernameAttribute; empty without it
	Email           string
	Emails          []string // all that were sent, Email among them; nil for Email alone
	EmailVerified   bool     // by the identity provider, or by the connection's trust_email
	FirstName       string
	LastName        string
	DisplayName     string
	Groups          []string
	GroupsSent      bool                // without the claim the groups stay; an empty claim removes them
	Attributes      map[string][]string // all, as sent
}

const (
	// maxAttributes and attributesLimit (bytes) bound the stored attributes of a login
	// (docs/design/identity.md, "Identities").
	maxAttributes   = 200
	attributesLimit = 64 << 10
)

// limit drops the claims that cannot be stored, and returns a note for each.
func (c *Claims) limit() (notes []string) {
	for _, text := range []struct {
		what  string
		value *string
	}{
		{"the e-mail address", &c.Email}, {"the userName", &c.UserName}, {"the NameID", &c.NameID},
		{"the first name", &c.FirstName}, {"the last name", &c.LastName}, {"the display name", &c.DisplayName},
	} {
		if !tenant.Keepable(*text.value) {
			*text.value = ""
			notes = append(notes, fmt.Sprintf("%s was not kept: it is longer than %d bytes, or no text",
				text.what, tenant.MaxIndexed))
		}
	}
	return append(notes, c.limitLists()...)
}

// limitLists is limit for the attributes and the groups.
func (c *Claims) limitLists() (notes []string) {
	kept, size := map[string][]string{}, 0
	dropped := 0
	unstorable := func(text string) bool { return !model.Storable(text) }
	for _, name := range tenant.SortedKeys(c.Attributes) {
		n := len(name)
		for _, v := range c.Attributes[name] {
			n += len(v)
		}
		if len(kept) == maxAttributes || size+n > attributesLimit || unstorable(name) ||
			slices.ContainsFunc(c.Attributes[name], unstorable) {
			dropped++
			continue
		}
		kept[name], size = c.Attributes[name], size+n
	}
	if dropped > 0 {
		notes = append(notes,
			fmt.Sprintf("%d attributes were not kept: a login keeps %d attributes of %d KiB together",
				dropped, maxAttributes, attributesLimit>>10))
	}
	c.Attributes = kept
	unfit := func(name string) bool { return name == "" || !tenant.Keepable(name) }
	if n := len(c.Groups); slices.ContainsFunc(c.Groups, unfit) {
		c.Groups = slices.DeleteFunc(slices.Clone(c.Groups), unfit)
		notes = append(notes, fmt.Sprintf("%d groups were not kept: their names are empty, or longer than %d bytes",
			n-len(c.Groups), tenant.MaxIndexed))
	}
	return notes
}

// rawAttributes are the attributes as the API shows them: one value as a text, several as a list.
func (c *Claims) rawAttributes() (string, error) {
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

// storeClaims stores the attributes of a login with the identity, and its groups if it had a claim
// of groups (docs/design/identity.md, "Identities" and "Groups").
func (o Org) storeClaims(ctx context.Context, identity *people.Identity, c *Claims) error {
	raw, err := c.rawAttributes()
	if err != nil {
		return err
	}
	if raw != identity.RawAttributes {
		identity.RawAttributes, identity.UpdatedAt = raw, tenant.Now(o)
		row := tenant.DB(ctx, o).Model(&people.Identity{}).Where("id = ?", identity.ID)
		err := row.Select("RawAttributes", "UpdatedAt").UpdateColumns(identity).Error
		if err != nil {
			return fmt.Errorf("keep attributes: %w", err)
		}
	}
	if !c.GroupsSent {
		return nil
	}
	return o.storeGroups(ctx, identity, c.Groups)
}

// storeGroups replaces the groups of the last login by those of this one. It writes only what
// differs.
func (o Org) storeGroups(ctx context.Context, identity *people.Identity, names []string) error {
	var before []connection.AssertedGroup
	mine := tenant.DB(ctx, o).
		Where("user_id = ? AND "+tenant.IsBeside("connection_id"), identity.UserID, identity.ConnectionID)
	if err := mine.Find(&before).Error; err != nil {
		return fmt.Errorf("read asserted groups: %w", err)
	}
	had, has := map[string]string{}, map[string]string{}
	for _, g := range before {
		had[g.NameFolded] = g.Name
	}
	var missing []connection.AssertedGroup
	for _, name := range names {
		folded := model.Fold(name)
		if _, doubled := has[folded]; doubled {
			continue
		}
		has[folded] = name
		if had[folded] != name {
			missing = append(missing, connection.AssertedGroup{UserID: identity.UserID,
				ConnectionID: identity.ConnectionID, Name: name, NameFolded: folded})
		}
	}
	var gone []string
	for folded, name := range had {
		if has[folded] != name {
			gone = append(gone, folded)
		}
	}
	for batch := range slices.Chunk(gone, tenant.DialectOf(o).Batch(1)) {
		err := tenant.DB(ctx, o).
			Where("user_id = ? AND "+tenant.Beside("connection_id")+" = ? AND name_folded IN ?",
				identity.UserID, identity.ConnectionID, batch).
			Delete(&connection.AssertedGroup{}).Error
		if err != nil {
			return fmt.Errorf("strip asserted groups: %w", err)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if err := tenant.DB(ctx, o).CreateInBatches(&missing, tenant.DialectOf(o).Batch(5)).Error; err != nil {
		return fmt.Errorf("keep asserted groups: %w", err)
	}
	return nil
}

// describe says by what the person of the claims could be found: the address, or the names of what
// came instead.
func (c *Claims) describe() string {
	switch {
	case len(c.Emails) > 1:
		return describeEmail(strings.Join(c.Emails, ", "))
	case c.Email != "":
		return describeEmail(c.Email)
	case len(c.Attributes) == 0:
		return describeEmail("") + ", and no attributes" + c.describeNameID()
	}
	quoted := make([]string, 0, len(c.Attributes))
	for _, name := range tenant.SortedKeys(c.Attributes) {
		quoted = append(quoted, `"`+name+`"`)
	}
	return tenant.Clipped(describeEmail("") + c.describeNameID() + "; what came is " + strings.Join(quoted, ", "))
}

// describeNameID says of what format the NameID is. Only a NameID of some formats can be an e-mail
// address.
func (c *Claims) describeNameID() string {
	switch {
	case c.NameIDFormat != "":
		return ", a NameID of the format " + c.NameIDFormat
	case c.NameID != "":
		return ", a NameID without a format"
	}
	return ""
}

// chooseEmail chooses one of several e-mail addresses: mail is a set (RFC 4524 §2.16). The only one
// under a verified domain of the organization counts, and otherwise the first.
func (c *Claims) chooseEmail(domains []organization.Domain) {
	chosen := ""
	for _, email := range c.Emails {
		folded, domain := model.FoldEmail(email)
		if !organization.UnderVerified(domains, domain) {
			continue
		}
		if before, _ := model.FoldEmail(chosen); chosen != "" && before != folded {
			return
		}
		chosen = email
	}
	if chosen != "" {
		c.Email = chosen
	}
}

// describeEmail is an e-mail address as the login log shows it.
func describeEmail(address string) string {
	if address == "" {
		return "no e-mail address"
	}
	return tenant.Clipped(address)
}
