package connection

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
	"rollcall/model/people"
)

// connectionKey is what a connection's private key is sealed for.
func connectionKey(id string) string { return "connections/" + id + "/sp_key" }

// NewConnectionID makes the id of a connection that is about to be created: its
// key is sealed for it.
func NewConnectionID() string { return model.NewID() }

// ConnectionKey opens the private key with which a connection signs, in PKCS #8.
func (s Store) ConnectionKey(c *Connection) ([]byte, error) {
	return tenant.SealerOf(s).Open(c.SPKey, connectionKey(c.ID))
}

// Connection returns one connection of the organization.
func (o Org) Connection(ctx context.Context, id string) (*Connection, error) {
	var c Connection
	if err := tenant.ByID(o, tenant.Read(o).WithContext(ctx), &c, "connection", id); err != nil {
		return nil, err
	}
	return o.WithDomains(ctx, &c)
}

func (o Org) WithDomains(ctx context.Context, c *Connection) (*Connection, error) {
	var err error
	c.Domains, err = organization.In(o).Domains(ctx)
	return c, err
}

// ActiveConnections lists the connections at which people of the organization can sign in, oldest first.
func (o Org) ActiveConnections(ctx context.Context) ([]Connection, error) {
	var cs []Connection
	err := tenant.Read(o).WithContext(ctx).Where("state = ?", ConnectionActive).Order("id").Find(&cs).Error
	if err != nil {
		return nil, tenant.Translate(o, fmt.Errorf("read connections: %w", err))
	}
	return cs, nil
}

// CreateConnection adds a connection as a draft. key is the private key of its
// certificate in PKCS #8, of which only the sealed form is kept; OpenID Connect needs none.
func (o Org) CreateConnection(ctx context.Context, c *Connection, key []byte) error {
	c.fillDefaults()
	if err := c.validate(); err != nil {
		return err
	}
	if !model.IsID(c.ID) {
		c.ID = model.NewID()
	}
	c.State, c.SPKey = ConnectionDraft, []byte{}
	if len(key) > 0 {
		c.SPKey = tenant.SealerOf(o).Seal(key, connectionKey(c.ID))
	}
	return o.Tx(ctx, func(org Org) error {
		c.CreatedAt, c.UpdatedAt = tenant.Now(org), tenant.Now(org)
		c.schedule(nil)
		if _, err := organization.In(org).Organization(ctx); err != nil {
			return err
		}
		if err := org.checkConnectionApplication(ctx, c); err != nil {
			return err
		}
		if err := tenant.DB(org).WithContext(ctx).Create(c).Error; err != nil {
			return fmt.Errorf("create connection: %w", err)
		}
		_, err := org.WithDomains(ctx, c)
		return err
	})
}

// fillDefaults sets what a kind of identity provider begins with. Entra ID's
// NameID differs from application to application, its object id does not.
func (c *Connection) fillDefaults() {
	if c.Reauthentication == "" {
		c.Reauthentication = ReauthenticationEnforced
	}
	if c.Logout == "" {
		c.Logout = LogoutIDP
		if c.OIDC() {
			c.Logout = LogoutLocal
		}
	}
	if c.AllowEncrypted == "" {
		c.AllowEncrypted = EncryptedOff
	}
	if c.AttributeMapping == nil {
		c.AttributeMapping = map[string]string{}
	}
	if c.Type == AzureSAML && c.SubjectAttribute == "" {
		c.SubjectAttribute = EntraObjectID
	}
	if c.OIDC() {
		c.IDPCertificates = []string{}
	}
}

// checkConnectionApplication refuses an application that does not serve the organization.
func (o Org) checkConnectionApplication(ctx context.Context, c *Connection) error {
	if c.ApplicationID == nil {
		return nil
	}
	serves, err := organization.In(o).ServedBy(ctx, *c.ApplicationID)
	if err == nil && !serves {
		err = model.Invalidf("application_id", "there is no application %s that serves this organization", model.ApplicationPrefix.ID(*c.ApplicationID))
	}
	return err
}

// UpdateConnection lets change alter a connection under a lock and stores it.
// Another identity provider begins anew: with another entity ID the identities
// are unlinked, who is signed in by this connection is signed out, and it is a
// draft until one login has succeeded (docs/design/identity.md, "Leaving").
func (o Org) UpdateConnection(
	ctx context.Context, id string, change func(*ConnectionFields) error,
) (*Connection, error) {
	return o.updateConnection(ctx, id, ByAdministrator, change)
}

// updateConnection is UpdateConnection; cause is told with the certificates that come and go.
func (o Org) updateConnection(
	ctx context.Context, id string, cause CertificateCause, change func(*ConnectionFields) error,
) (*Connection, error) {
	var c *Connection
	err := o.Tx(ctx, func(org Org) error {
		before, err := org.LockConnection(ctx, id, tenant.ToChange)
		if err != nil {
			return err
		}
		after, err := before.altered(change)
		if err != nil {
			return err
		}
		if cause == ByAdministrator { // an application that serves it no more is no reason to leave metadata unread
			if err := org.checkConnectionApplication(ctx, after); err != nil {
				return err
			}
		}
		c = after
		if len(people.Changed(before, c)) == 0 {
			_, err := org.WithDomains(ctx, c)
			return err
		}
		return org.writeConnection(ctx, before, c, cause)
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// writeConnection writes what changed in a connection, with what follows from it.
func (o Org) writeConnection(ctx context.Context, before, after *Connection, cause CertificateCause) error {
	if !onlyKeptHouse(people.Changed(before, after)) {
		after.UpdatedAt = tenant.Now(o)
	}
	replaced := before.IDPEntityID != after.IDPEntityID
	if replaced {
		after.State = ConnectionDraft
	}
	row := tenant.DB(o).WithContext(ctx).Model(&Connection{}).Where("id = ?", after.ID)
	if err := row.Select(people.Changed(before, after)).UpdateColumns(after).Error; err != nil {
		return fmt.Errorf("update connection: %w", err)
	}
	if _, err := o.WithDomains(ctx, after); err != nil {
		return err
	}
	if !replaced {
		return o.recordCertificates(before, after, cause)
	}
	tenant.RuleInputChanged(o) // there may be another only active connection now
	if err := o.recordDeactivated(before, after); err != nil {
		return err
	}
	return o.leaveConnection(ctx, after.ID)
}

// altered is the connection as change makes it.
func (c *Connection) altered(change func(*ConnectionFields) error) (*Connection, error) {
	after := *c
	after.IDPCertificates, after.AttributeMapping = slices.Clone(c.IDPCertificates), maps.Clone(c.AttributeMapping)
	if err := change(&after.ConnectionFields); err != nil {
		return nil, err
	}
	if after.AttributeMapping == nil {
		after.AttributeMapping = map[string]string{}
	}
	after.schedule(c)
	return &after, after.validate()
}

// recordDeactivated notes that nobody can sign in at a connection any more, if somebody could.
func (o Org) recordDeactivated(before, after *Connection) error {
	if before.State != ConnectionActive {
		return nil
	}
	e := ConnectionEvent{after.PublicForm(), model.ConnectionPrefix.ID(after.ID)}
	if e.State == ConnectionActive { // on its way out
		e.State, e.Status = "inactive", "unlinked"
	}
	return tenant.Record(o, ConnectionDeactivated, e.ID, e)
}

// LockConnection reads a connection's row and locks it, to change, to remove or to use it.
func (o Org) LockConnection(ctx context.Context, id, strength string) (*Connection, error) {
	var c Connection
	err := tenant.ByID(o, tenant.DB(o).WithContext(ctx).Clauses(clause.Locking{Strength: strength}), &c, "connection", id)
	if err != nil {
		return nil, err
	}
	return &c, nil
}

// DeleteConnection removes a connection with its identities and its log. Who is
// signed in by it is signed out.
func (o Org) DeleteConnection(ctx context.Context, id string) error {
	return o.Tx(ctx, func(org Org) error {
		c, err := org.LockConnection(ctx, id, tenant.ToRemove)
		if err != nil {
			return err
		}
		if _, err := org.WithDomains(ctx, c); err != nil {
			return err
		}
		if err := org.recordDeactivated(c, c); err != nil {
			return err
		}
		if err := org.leaveConnection(ctx, id); err != nil {
			return err
		}
		if err := tenant.DB(org).WithContext(ctx).Where("id = ?", id).Delete(&Connection{}).Error; err != nil {
			return fmt.Errorf("delete connection: %w", err)
		}
		tenant.RuleInputChanged(org)
		err = tenant.DB(org).WithContext(ctx).Model(&people.User{}).Where("connection_id = ?", id).UpdateColumn("connection_id", nil).Error
		if err != nil {
			return fmt.Errorf("forget connection: %w", err)
		}
		gone := c.PublicForm()
		gone.State, gone.Status = "deleting", "unlinked"
		return tenant.Record(org, ConnectionDeleted, gone.ID, gone)
	})
}

// leaveConnection unlinks everybody from a connection: the identities and what
// the logins asserted go, and the access of those whom it signed in ends.
func (o Org) leaveConnection(ctx context.Context, id string) error {
	linked := tenant.DB(o).Model(&people.Identity{}).Select("user_id").Where("connection_id = ?", id)
	// All of them in one order, before some are signed out: another connection may link one of them meanwhile.
	var locked []string
	err := tenant.DB(o).WithContext(ctx).Model(&people.User{}).Clauses(clause.Locking{Strength: tenant.ToRemove}).Where("id IN (?)", linked).
		Order("id").Pluck("id", &locked).Error
	if err != nil {
		return fmt.Errorf("lock linked users: %w", err)
	}
	if err := people.In(o).SignOut(ctx, id); err != nil {
		return err
	}
	for after := ""; ; {
		var users []people.User
		err := tenant.DB(o).WithContext(ctx).Select("id", "profile_ids").Where("id > ? AND id IN (?)", after, linked).
			Order("id").Limit(people.Leaving).Find(&users).Error
		if err != nil {
			return fmt.Errorf("read linked users: %w", err)
		}
		if len(users) == 0 {
			break
		}
		if err := o.unlink(ctx, id, users); err != nil {
			return err
		}
		after = users[len(users)-1].ID
	}
	for _, rows := range []any{&people.AssertedGroup{}, &people.Identity{}} {
		if err := tenant.DB(o).WithContext(ctx).Where("connection_id = ?", id).Delete(rows).Error; err != nil {
			return fmt.Errorf("unlink users: %w", err)
		}
	}
	return nil
}

// unlink takes the identities of a connection out of their users' rows: by one
// write for those who have no others, which is almost everybody.
func (o Org) unlink(ctx context.Context, connection string, users []people.User) error {
	var ids []string
	for _, u := range users {
		ids = append(ids, u.ID)
	}
	var identities []people.Identity
	err := tenant.DB(o).WithContext(ctx).Select("id", "user_id").Where("connection_id = ? AND user_id IN ?", connection, ids).Find(&identities).Error
	if err != nil {
		return fmt.Errorf("read identities: %w", err)
	}
	gone := map[string]bool{}
	for _, i := range identities {
		gone[i.ID] = true
	}
	var only []string
	for _, u := range users {
		rest := slices.DeleteFunc(slices.Clone(u.ProfileIDs), func(id string) bool { return gone[id] })
		if len(rest) == 0 {
			only = append(only, u.ID)
			continue
		}
		u.ProfileIDs = rest
		if err := tenant.DB(o).WithContext(ctx).Model(&people.User{}).Where("id = ?", u.ID).Select("ProfileIDs").UpdateColumns(&u).Error; err != nil {
			return fmt.Errorf("unlink user: %w", err)
		}
	}
	if len(only) == 0 {
		return nil
	}
	err = tenant.DB(o).WithContext(ctx).Model(&people.User{}).Where("id IN ?", only).Select("ProfileIDs").UpdateColumns(&people.User{ProfileIDs: []string{}}).Error
	if err != nil {
		return fmt.Errorf("unlink users: %w", err)
	}
	return nil
}

// ErrConnectionGone is what a login gets whose connection was deleted meanwhile.
func ErrConnectionGone(err error) error {
	if errors.Is(err, gorm.ErrForeignKeyViolated) {
		return model.NotFoundf("the connection has just been deleted")
	}
	return err
}
