package connection

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
)

// Connection returns one connection of the organization.
func (o Org) Connection(ctx context.Context, id string) (*Connection, error) {
	var c Connection
	if err := tenant.ByID(o, tenant.Read(ctx, o), &c, "connection", id); err != nil {
		return nil, err
	}
	return o.inner().WithDomains(ctx, &c)
}

// ConnectionByExternalID returns the connection of the organization that an application calls so.
func (o Org) ConnectionByExternalID(ctx context.Context, externalID string) (*Connection, error) {
	var cs []Connection
	err := tenant.Read(ctx, o).Where("external_id = ? AND external_id <> ''", externalID).Limit(1).Find(&cs).Error
	if err != nil {
		return nil, tenant.Translate(o, fmt.Errorf("read connection: %w", err))
	}
	if len(cs) == 0 {
		return nil, model.NotFoundf("there is no connection with this external_id")
	}
	return o.inner().WithDomains(ctx, &cs[0])
}

// WithDomains fills the Domains of a connection with those of the organization, and returns it.
func (o Inner) WithDomains(ctx context.Context, c *Connection) (*Connection, error) {
	var err error
	c.Domains, err = organization.In(o).Domains(ctx)
	return c, err
}

// ActiveConnections lists the active connections of the organization, oldest first.
func (o Org) ActiveConnections(ctx context.Context) ([]Connection, error) {
	var cs []Connection
	err := tenant.Read(ctx, o).Where("state = ?", ConnectionActive).Order("id").Find(&cs).Error
	if err != nil {
		return nil, tenant.Translate(o, fmt.Errorf("read connections: %w", err))
	}
	return cs, nil
}

// LockConnection reads a connection's row and locks it until the transaction ends. strength is
// tenant.ToChange, tenant.ToRemove, or a weaker lock of PostgreSQL.
func (o Inner) LockConnection(ctx context.Context, id, strength string) (*Connection, error) {
	var c Connection
	locked := tenant.DB(ctx, o).Clauses(clause.Locking{Strength: strength})
	if err := tenant.ByID(o, locked, &c, "connection", id); err != nil {
		return nil, err
	}
	return &c, nil
}

// CheckDefaultConnection refuses a default connection that the organization does not have.
func (o Inner) CheckDefaultConnection(ctx context.Context, r organization.ConnectionRef) error {
	if r == "" {
		return nil
	}
	_, err := o.Connection(ctx, string(r))
	if model.KindOf(err) == model.NotFound {
		return organization.ErrDefaultConnection()
	}
	return err
}

// CheckEnforcement refuses settings that newly require single sign-on while the organization has no
// active connection by which somebody has signed in (docs/design/identity.md, "Administrators").
func (o Inner) CheckEnforcement(ctx context.Context, before, after organization.Settings) error {
	if before.SSORequired || !after.SSORequired {
		return nil
	}
	active, err := o.ActiveConnections(ctx)
	tested := func(c Connection) bool { return c.TestedAt != nil }
	if err == nil && !slices.ContainsFunc(active, tested) {
		err = organization.ErrUntestedSSO()
	}
	return err
}

// Connection returns a connection of any organization: the path of a browser's request has only
// its id.
func (s Store) Connection(ctx context.Context, id string) (*Connection, error) {
	var cs []Connection
	if model.IsID(id) {
		if err := across.Read(ctx, s).Where("id = ?", id).Find(&cs).Error; err != nil {
			return nil, tenant.Translate(s, fmt.Errorf("read connection: %w", err))
		}
	}
	if len(cs) == 0 {
		return nil, model.NotFoundf("there is no %s", model.ConnectionPrefix.ID(id))
	}
	return &cs[0], nil
}

// ConnectionQuery asks for one page of connections.
type ConnectionQuery struct {
	model.Page
	OrganizationID model.OrganizationID
	Type           string
	Domain         string // only those of organizations with this domain
	Search         string // only those whose name contains this text, in any case
}

// Connections lists the connections of a scope, with the domains of their organizations.
func (s Store) Connections(
	ctx context.Context, scope model.Scope, q ConnectionQuery,
) ([]Connection, model.PageInfo, error) {
	db := organization.InsideStore(tenant.InsideStore(s)).Narrowed(ctx, across.Read(ctx, s).Model(&Connection{}),
		scope, q.OrganizationID,
		q.Domain, q.Search)
	if q.Type != "" {
		db = db.Where("type = ?", q.Type)
	}
	cs, info, err := tenant.ReadPage(db, q.Page, func(c Connection) string { return c.ID })
	if err != nil {
		return nil, info, tenant.Translate(s, err)
	}
	ids := make([]model.OrganizationID, len(cs))
	for i := range cs {
		ids[i] = cs[i].OrganizationID
	}
	domains, err := organization.InsideStore(tenant.InsideStore(s)).DomainsOf(ctx, ids)
	if err != nil {
		return nil, info, err
	}
	for i := range cs {
		cs[i].Domains = domains[cs[i].OrganizationID]
	}
	return cs, info, nil
}
