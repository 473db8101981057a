package connection

import (
	"context"
	"fmt"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
)

// How a browser's request names what it is about: by the id of a connection, by
// the slug of an organization, or by an e-mail domain that one has verified.

// Connection returns a connection by its id alone: the path of a browser's
// request names it.
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

// ConnectionQuery asks for connections.
type ConnectionQuery struct {
	model.Page
	OrganizationID model.OrganizationID
	Type           string
	Domain         string // only those of organizations with this domain
	Search         string // only those whose name contains this, in any case
}

// Connections lists the connections of a scope, with the domains of their organizations.
func (s Store) Connections(ctx context.Context, scope model.Scope, q ConnectionQuery) ([]Connection, model.PageInfo, error) {
	db := organization.Across(s).Narrowed(ctx, across.Read(ctx, s).Model(&Connection{}), scope, q.OrganizationID, q.Domain, q.Search)
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
	domains, err := organization.Across(s).DomainsOf(ctx, ids)
	if err != nil {
		return nil, info, err
	}
	for i := range cs {
		cs[i].Domains = domains[cs[i].OrganizationID]
	}
	return cs, info, nil
}
