package organization

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
)

// APIKey returns the key that a bearer token is, with the organizations it
// reaches. It answers Denied for an unknown one.
func (s Store) APIKey(ctx context.Context, token string) (*APIKey, model.Scope, error) {
	var k APIKey
	r := across.Read(ctx, s).Where("hash = ?", tenant.HashToken(token)).Limit(1).Find(&k)
	if r.Error != nil {
		return nil, model.Scope{}, tenant.Translate(s, fmt.Errorf("read API key: %w", r.Error))
	}
	if r.RowsAffected == 0 {
		return nil, model.Scope{}, errAPIKey()
	}
	a, err := s.ApplicationIn(across.Read(ctx, s), k.ApplicationID)
	if model.KindOf(err) == model.NotFound { // deleted since the key was read
		return nil, model.Scope{}, errAPIKey()
	}
	if err != nil {
		return nil, model.Scope{}, err
	}
	return &k, a.Scope(), nil
}

func errAPIKey() error { return model.Deniedf("the API key is missing or unknown") }

// Reaches tells whether a scope contains an organization that exists.
func (s Store) Reaches(ctx context.Context, scope model.Scope, id model.OrganizationID) (bool, error) {
	return s.ReachesIn(across.Read(ctx, s), scope, id)
}

func (s Store) ReachesIn(db *gorm.DB, scope model.Scope, id model.OrganizationID) (bool, error) {
	var n int64
	err := across.Within(db.Model(&Organization{}).Where("id = ?", id), scope, "id").Count(&n).Error
	if err != nil {
		return false, tenant.Translate(s, fmt.Errorf("read scope: %w", err))
	}
	return n == 1, nil
}

// OrganizationQuery asks for organizations.
type OrganizationQuery struct {
	model.Page
	Domains []string // only those that have one of these domains, in any state
	Search  string   // only those whose name contains this, in any case
}

// Organizations lists the organizations of a scope with their domains.
func (s Store) Organizations(ctx context.Context, scope model.Scope, q OrganizationQuery) ([]Organization, model.PageInfo, error) {
	db := across.Within(across.Read(ctx, s).Model(&Organization{}), scope, "id")
	if len(q.Domains) > 0 {
		var folded []string
		for _, d := range q.Domains {
			if ascii, err := model.FoldDomain(d); err == nil {
				folded = append(folded, ascii)
			}
		}
		db = db.Where("id IN (?)", across.Read(ctx, s).Model(&Domain{}).Select("organization_id").Where("domain IN ?", folded))
	}
	if q.Search != "" {
		db = tenant.DialectOf(s).Containing(db, "name", q.Search)
	}
	gs, info, err := tenant.ReadPage(db, q.Page, func(g Organization) string { return string(g.ID) })
	if err != nil {
		return nil, info, tenant.Translate(s, err)
	}
	ids := make([]model.OrganizationID, len(gs))
	for i := range gs {
		ids[i] = gs[i].ID
	}
	domains, err := s.DomainsOf(ctx, ids)
	if err != nil {
		return nil, info, err
	}
	for i := range gs {
		gs[i].Domains = domains[gs[i].ID]
	}
	return gs, info, nil
}

// OrganizationByExternalID returns the id of the organization that the
// application calls so. It answers NotFound where there is none in the scope.
func (s Store) OrganizationByExternalID(ctx context.Context, scope model.Scope, externalID string) (model.OrganizationID, error) {
	var ids []model.OrganizationID
	db := across.Read(ctx, s).Model(&Organization{}).Where("external_id = ?", externalID)
	if err := across.Within(db, scope, "id").Pluck("id", &ids).Error; err != nil {
		return "", tenant.Translate(s, fmt.Errorf("find organization: %w", err))
	}
	if len(ids) == 0 {
		return "", model.NotFoundf("there is no organization with this external_id")
	}
	return ids[0], nil
}

// Narrowed limits a query for what organizations own to a scope, and to what is
// asked for: each limit that is not empty counts.
func (s Store) Narrowed(ctx context.Context, db *gorm.DB, scope model.Scope, organization model.OrganizationID, domain, search string) *gorm.DB {
	db = across.Within(db, scope, "organization_id")
	if organization != "" {
		db = db.Where("organization_id = ?", organization)
	}
	if domain != "" {
		ascii, _ := model.FoldDomain(domain)
		db = db.Where("organization_id IN (?)", across.Read(ctx, s).Model(&Domain{}).Select("organization_id").Where("domain = ?", ascii))
	}
	if search != "" {
		db = tenant.DialectOf(s).Containing(db, "name", search)
	}
	return db
}

// DomainsOf reads the domains of several organizations in one statement.
func (s Store) DomainsOf(ctx context.Context, ids []model.OrganizationID) (map[model.OrganizationID][]Domain, error) {
	var domains []Domain
	if err := across.Read(ctx, s).Where("organization_id IN ?", ids).Order("id").Find(&domains).Error; err != nil {
		return nil, tenant.Translate(s, fmt.Errorf("read domains: %w", err))
	}
	of := map[model.OrganizationID][]Domain{}
	for _, d := range domains {
		of[d.OrganizationID] = append(of[d.OrganizationID], d)
	}
	return of, nil
}
