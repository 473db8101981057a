package organization

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
)

// OrganizationQuery asks for organizations.
type OrganizationQuery struct {
	model.Page
	Domains []string // only organizations that have one of these domains, in any state
	Search  string   // only organizations whose name contains this, in any case
}

// Organizations lists the organizations of a scope with their domains.
func (s Store) Organizations(
	ctx context.Context, scope model.Scope, q OrganizationQuery,
) ([]Organization, model.PageInfo, error) {
	db := tenant.Within(across.Read(ctx, s).Model(&Organization{}), scope, "id")
	if len(q.Domains) > 0 {
		var folded []string
		for _, d := range q.Domains {
			if ascii, err := model.FoldDomain(d); err == nil {
				folded = append(folded, ascii)
			}
		}
		owners := across.Read(ctx, s).Model(&Domain{}).Select("organization_id").Where("domain IN ?", folded)
		db = db.Where("id IN (?)", owners)
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
	domains, err := s.inner().DomainsOf(ctx, ids)
	if err != nil {
		return nil, info, err
	}
	for i := range gs {
		gs[i].Domains = domains[gs[i].ID]
	}
	return gs, info, nil
}

// DomainsOf reads the domains of several organizations in one statement.
func (s InnerStore) DomainsOf(
	ctx context.Context, ids []model.OrganizationID,
) (map[model.OrganizationID][]Domain, error) {
	var domains []Domain
	if err := across.Read(ctx, s.Store).Where("organization_id IN ?", ids).Order("id").Find(&domains).
		Error; err != nil {
		return nil, tenant.Translate(s, fmt.Errorf("read domains: %w", err))
	}
	of := map[model.OrganizationID][]Domain{}
	for _, d := range domains {
		of[d.OrganizationID] = append(of[d.OrganizationID], d)
	}
	return of, nil
}

// OrganizationByExternalID returns the id of the organization that has an external id. Of several,
// that counts to which the scope's own application gave it, then one that has it from an operator.
// It answers NotFound where the scope has none.
func (s Store) OrganizationByExternalID(
	ctx context.Context, scope model.Scope, externalID string,
) (model.OrganizationID, error) {
	var found []Organization
	given := across.Read(ctx, s).Model(&Application{}).Select("id || ?", externalIDMark+externalID)
	db := across.Read(ctx, s).Model(&Organization{}).Select("id", "external_id").
		Where("external_id = ? OR external_id IN (?)", externalID, given)
	if err := tenant.Within(db, scope, "id").Order("id").Find(&found).Error; err != nil {
		return "", tenant.Translate(s, fmt.Errorf("find organization: %w", err))
	}
	if len(found) == 0 {
		return "", model.NotFoundf("there is no organization with this external_id")
	}
	for _, first := range []string{ExternalIDOf(scope, externalID), externalID} {
		for _, g := range found {
			if *g.ExternalID == first {
				return g.ID, nil
			}
		}
	}
	return found[0].ID, nil
}

// OrganizationBySlug returns the organization whose login page has this slug.
func (s Store) OrganizationBySlug(ctx context.Context, slug string) (*Organization, error) {
	if !SlugForm.MatchString(slug) { // PostgreSQL refuses some text that SQLite searches for
		return nil, model.NotFoundf("there is no organization %.100q", slug)
	}
	return s.oneOrganization(across.Read(ctx, s).Where("slug = ?", slug), slug)
}

// OrganizationByDomain returns the organization that has a domain verified.
func (s Store) OrganizationByDomain(ctx context.Context, domain string) (*Organization, error) {
	ascii, err := model.FoldDomain(domain)
	if err != nil {
		return nil, model.NotFoundf("no organization has verified this domain")
	}
	owner := across.Read(ctx, s).Model(&Domain{}).Select("organization_id").
		Where("domain = ? AND state = ?", ascii, DomainStateVerified)
	return s.oneOrganization(across.Read(ctx, s).Where("id IN (?)", owner), ascii)
}

func (s Store) oneOrganization(db *gorm.DB, name string) (*Organization, error) {
	var gs []Organization
	if err := db.Limit(1).Find(&gs).Error; err != nil {
		return nil, tenant.Translate(s, fmt.Errorf("find organization: %w", err))
	}
	if len(gs) == 0 {
		return nil, model.NotFoundf("there is no organization %.100q", name)
	}
	return &gs[0], nil
}

// Reaches tells whether an organization exists and is in a scope.
func (s Store) Reaches(ctx context.Context, scope model.Scope, id model.OrganizationID) (bool, error) {
	return s.inner().ReachesIn(across.Read(ctx, s), scope, id)
}

// ReachesIn is Reaches in the caller's transaction, which is db.
func (s InnerStore) ReachesIn(db *gorm.DB, scope model.Scope, id model.OrganizationID) (bool, error) {
	var n int64
	err := tenant.Within(db.Model(&Organization{}).Where("id = ?", id), scope, "id").Count(&n).Error
	if err != nil {
		return false, tenant.Translate(s, fmt.Errorf("read scope: %w", err))
	}
	return n == 1, nil
}

// Narrowed limits a query for rows with an organization_id and a name to a scope, to one
// organization, to the organization that has a domain, and to names that contain a text. An empty
// limit does not count; the scope always does.
func (s InnerStore) Narrowed(
	ctx context.Context, db *gorm.DB, scope model.Scope, organization model.OrganizationID, domain, search string,
) *gorm.DB {
	db = tenant.Within(db, scope, "organization_id")
	if organization != "" {
		db = db.Where("organization_id = ?", organization)
	}
	if domain != "" {
		ascii, _ := model.FoldDomain(domain)
		owner := across.Read(ctx, s.Store).Model(&Domain{}).Select("organization_id").Where("domain = ?", ascii)
		db = db.Where("organization_id IN (?)", owner)
	}
	if search != "" {
		db = tenant.DialectOf(s).Containing(db, "name", search)
	}
	return db
}
