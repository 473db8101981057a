package connection

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"gorm.io/gorm"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
	"rollcall/model/people"
)

// NewConnectionID makes the id of a connection before it is created: its secret is sealed for that
// id (see Store.SealClientSecret).
func NewConnectionID() string { return model.NewID() }

// CreateConnection adds a connection as a draft. key is the private key of its certificate in
// PKCS #8, and only its sealed form is stored. A connection over OpenID Connect has no key.
func (o Org) CreateConnection(ctx context.Context, c *Connection, key []byte) error {
	c.State, c.SPKey = ConnectionDraft, []byte{}
	c.trim()
	c.fillDefaults()
	if err := c.validate(); err != nil {
		return err
	}
	if !model.IsID(c.ID) {
		c.ID = model.NewID()
	}
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
		if err := tenant.DB(ctx, org).Create(c).Error; err != nil {
			return errTaken(fmt.Errorf("create connection: %w", err))
		}
		_, err := org.inner().WithDomains(ctx, c)
		return err
	})
}

// errTaken returns a conflict about the external_id if err says that another connection of the
// organization has it, and err otherwise.
func errTaken(err error) error {
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return model.Conflictf("external_id", "another connection of the organization has this external_id")
	}
	return err
}

// trim takes away the white space around what is compared exactly at a login: the identifiers, the
// addresses, and the names of attributes. It is copied along from tables and metadata.
func (c *ConnectionFields) trim() {
	for _, text := range []*string{
		&c.SubjectAttribute, &c.UsernameAttribute, &c.IDPEntityID, &c.IDPMetadataURL, &c.NameIDFormat,
		&c.IDPSSORedirectURL, &c.IDPSSOPostURL, &c.IDPSLORedirectURL, &c.IDPSLORedirectResponseURL,
		&c.IDPSLOPostURL, &c.IDPSLOPostResponseURL, &c.OIDCClientID, &c.OIDCGroupsClaim,
	} {
		*text = model.Trimmed(*text)
	}
	c.OIDCScopes = slices.Clone(c.OIDCScopes)
	for i, scope := range c.OIDCScopes {
		c.OIDCScopes[i] = model.Trimmed(scope)
	}
	for member, name := range c.AttributeMapping {
		c.AttributeMapping[member] = model.Trimmed(name)
	}
}

// fillDefaults sets what a new connection of its type begins with. At Entra ID a person has another
// NameID in each application, but the same object id in all.
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
	if c.OIDC() || c.IDPCertificates == nil {
		c.IDPCertificates = []string{}
	}
	if c.MetadataNotes == nil {
		c.MetadataNotes = []string{}
	}
}

// checkConnectionApplication refuses an application that does not serve the organization.
func (o Org) checkConnectionApplication(ctx context.Context, c *Connection) error {
	if c.ApplicationID == nil {
		return nil
	}
	serves, err := organization.Inside(tenant.Inside(o)).ServedBy(ctx, *c.ApplicationID)
	if err == nil && !serves {
		err = model.Invalidf("application_id", "there is no application %s that serves this organization",
			model.ApplicationPrefix.ID(*c.ApplicationID))
	}
	return err
}

// UpdateConnection calls change with the fields of a connection, whose row is locked, and stores
// what it made of them. Another entity ID means another identity provider: the identities of the
// connection are unlinked, the users that signed in by it are signed out, and it is a draft until
// one login has succeeded (docs/design/identity.md, "Leaving"). One that is switched off stays off.
// Any other change of what a login depends on only makes the connection untested.
func (o Org) UpdateConnection(
	ctx context.Context, id string, change func(*ConnectionFields) error,
) (*Connection, error) {
	return o.updateConnection(ctx, id, ByAdministrator, change)
}

// UpdateConnectionIn is UpdateConnection of a connection that was seen in a state. It answers Stale
// if that has changed meanwhile: what may be done to a draft may be too much for one that is in
// use.
func (o Org) UpdateConnectionIn(
	ctx context.Context, id string, state ConnectionState, change func(*ConnectionFields) error,
) (c *Connection, err error) {
	err = o.Tx(ctx, func(org Org) error {
		before, err := org.inner().LockConnection(ctx, id, tenant.ToChange)
		if err != nil {
			return err
		}
		if before.State != state {
			return &model.Error{Kind: model.Stale, Message: "Somebody else has turned this connection on or off " +
				"meanwhile. Look at what is stored now, and save again"}
		}
		c, err = org.UpdateConnection(ctx, id, change)
		return err
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// updateConnection is UpdateConnection. cause goes into the event about its certificates.
func (o Org) updateConnection(
	ctx context.Context, id string, cause CertificateCause, change func(*ConnectionFields) error,
) (*Connection, error) {
	var c *Connection
	err := o.Tx(ctx, func(org Org) error {
		before, err := org.inner().LockConnection(ctx, id, tenant.ToChange)
		if err != nil {
			return err
		}
		after, err := before.altered(change)
		if err != nil {
			return err
		}
		// New metadata is taken over even if the application no longer serves the organization.
		if cause == ByAdministrator {
			if err := org.checkConnectionApplication(ctx, after); err != nil {
				return err
			}
		}
		c = after
		if len(people.Changed(before, c)) == 0 {
			_, err := org.inner().WithDomains(ctx, c)
			return err
		}
		return org.writeConnection(ctx, before, c, cause)
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// writeConnection writes the changed fields of a connection and carries out what follows.
func (o Org) writeConnection(ctx context.Context, before, after *Connection, cause CertificateCause) error {
	if !onlySchedule(people.Changed(before, after)) {
		after.UpdatedAt = tenant.Now(o)
	}
	if !before.provenAs(after) {
		after.TestedAt = nil
		after.TrustVersion++
	}
	replaced := before.IDPEntityID != after.IDPEntityID
	if replaced && after.State == ConnectionActive {
		after.State = ConnectionDraft
	}
	row := tenant.DB(ctx, o).Model(&Connection{}).Where("id = ?", after.ID)
	if err := row.Select(people.Changed(before, after)).UpdateColumns(after).Error; err != nil {
		return errTaken(fmt.Errorf("update connection: %w", err))
	}
	if _, err := o.inner().WithDomains(ctx, after); err != nil {
		return err
	}
	if err := o.recordIncomplete(before, after); err != nil {
		return err
	}
	if !replaced {
		return o.recordCertificates(before, after, cause)
	}
	tenant.RuleInputChanged(o) // the connection is no longer active
	if err := o.recordDeactivated(before, after); err != nil {
		return err
	}
	return o.unlinkAll(ctx, after.ID)
}

// altered returns a copy of the connection that change was called with, after its validation.
func (c *Connection) altered(change func(*ConnectionFields) error) (*Connection, error) {
	after := *c
	after.IDPCertificates, after.AttributeMapping = slices.Clone(c.IDPCertificates), maps.Clone(c.AttributeMapping)
	if err := change(&after.ConnectionFields); err != nil {
		return nil, err
	}
	if after.AttributeMapping == nil {
		after.AttributeMapping = map[string]string{}
	}
	after.trim()
	after.schedule(c)
	return &after, after.validate()
}

// DeleteConnection deletes a connection with its identities and its log of logins. The users that
// signed in by it are signed out.
func (o Org) DeleteConnection(ctx context.Context, id string) error {
	return o.Tx(ctx, func(org Org) error {
		c, err := org.inner().LockConnection(ctx, id, tenant.ToRemove)
		if err != nil {
			return err
		}
		if _, err := org.inner().WithDomains(ctx, c); err != nil {
			return err
		}
		if err := org.recordDeactivated(c, c); err != nil {
			return err
		}
		if err := org.unlinkAll(ctx, id); err != nil {
			return err
		}
		if err := tenant.DB(ctx, org).Where("id = ?", id).Delete(&Connection{}).Error; err != nil {
			return fmt.Errorf("delete connection: %w", err)
		}
		tenant.RuleInputChanged(org)
		err = tenant.DB(ctx, org).Model(&people.User{}).Where("connection_id = ?", id).
			UpdateColumn("connection_id", nil).Error
		if err != nil {
			return fmt.Errorf("forget connection: %w", err)
		}
		gone := c.PublicForm()
		gone.State, gone.Status = "deleting", "unlinked"
		return tenant.Record(org, ConnectionDeleted, gone.ID, gone)
	})
}

// ErrConnectionGone returns NotFound instead of err if err says that the row of the connection no
// longer exists, and err otherwise.
func ErrConnectionGone(err error) error {
	if errors.Is(err, gorm.ErrForeignKeyViolated) {
		return model.NotFoundf("the connection has just been deleted")
	}
	return err
}
