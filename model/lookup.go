package model

import (
	"context"
	"fmt"

	"gorm.io/gorm"
)

// How a browser's request names what it is about: by the id of a connection, by
// the slug of an organization, or by an e-mail domain that one has verified.

// Connection returns a connection by its id alone: the path of a browser's
// request names it.
func (s *Store) Connection(ctx context.Context, id string) (*Connection, error) {
	var cs []Connection
	if isID(id) {
		if err := s.readAcross(ctx).Where("id = ?", id).Find(&cs).Error; err != nil {
			return nil, s.translate(fmt.Errorf("read connection: %w", err))
		}
	}
	if len(cs) == 0 {
		return nil, NotFoundf("there is no %s", ConnectionPrefix.ID(id))
	}
	return &cs[0], nil
}

// OrganizationBySlug returns the organization whose login page has this name.
func (s *Store) OrganizationBySlug(ctx context.Context, slug string) (*Organization, error) {
	if !slugForm.MatchString(slug) { // one database would refuse some text, the other look for it
		return nil, NotFoundf("there is no organization %.100q", slug)
	}
	return s.oneOrganization(s.readAcross(ctx).Where("slug = ?", slug), slug)
}

// OrganizationByDomain returns the organization that has a domain verified.
func (s *Store) OrganizationByDomain(ctx context.Context, domain string) (*Organization, error) {
	ascii, err := foldDomain(domain)
	if err != nil {
		return nil, NotFoundf("no organization has verified this domain")
	}
	owner := s.readAcross(ctx).Model(&Domain{}).Select("organization_id").Where("domain = ? AND state = ?", ascii, DomainStateVerified)
	return s.oneOrganization(s.readAcross(ctx).Where("id IN (?)", owner), ascii)
}

func (s *Store) oneOrganization(db *gorm.DB, name string) (*Organization, error) {
	var gs []Organization
	if err := db.Limit(1).Find(&gs).Error; err != nil {
		return nil, s.translate(fmt.Errorf("find organization: %w", err))
	}
	if len(gs) == 0 {
		return nil, NotFoundf("there is no organization %.100q", name)
	}
	return &gs[0], nil
}

// ConnectionQuery asks for connections.
type ConnectionQuery struct {
	Page
	OrganizationID OrganizationID
	Type           string
	Domain         string // only those of organizations with this domain
	Search         string // only those whose name contains this, in any case
}

// Connections lists the connections of a scope, with the domains of their organizations.
func (s *Store) Connections(ctx context.Context, scope Scope, q ConnectionQuery) ([]Connection, PageInfo, error) {
	db := s.narrowed(ctx, s.readAcross(ctx).Model(&Connection{}), scope, q.OrganizationID, q.Domain, q.Search)
	if q.Type != "" {
		db = db.Where("type = ?", q.Type)
	}
	cs, info, err := readPage(db, q.Page, func(c Connection) string { return c.ID })
	if err != nil {
		return nil, info, s.translate(err)
	}
	ids := make([]OrganizationID, len(cs))
	for i := range cs {
		ids[i] = cs[i].OrganizationID
	}
	domains, err := s.domainsOf(ctx, ids)
	if err != nil {
		return nil, info, err
	}
	for i := range cs {
		cs[i].Domains = domains[cs[i].OrganizationID]
	}
	return cs, info, nil
}

// AccountsOfConnections returns the ids of the accounts that each of the
// connections is configured for.
func (s *Store) AccountsOfConnections(ctx context.Context, connectionIDs ...string) (map[string][]string, error) {
	var rows []connectionAccount
	err := s.readAcross(ctx).Where("connection_id IN ?", connectionIDs).Order("account_id").Find(&rows).Error
	if err != nil {
		return nil, s.translate(fmt.Errorf("read accounts of connections: %w", err))
	}
	out := map[string][]string{}
	for _, r := range rows {
		out[r.ConnectionID] = append(out[r.ConnectionID], r.AccountID)
	}
	return out, nil
}
