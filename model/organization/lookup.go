package organization

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
)

// OrganizationBySlug returns the organization whose login page has this name.
func (s Store) OrganizationBySlug(ctx context.Context, slug string) (*Organization, error) {
	if !SlugForm.MatchString(slug) { // one database would refuse some text, the other look for it
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
	owner := across.Read(ctx, s).Model(&Domain{}).Select("organization_id").Where("domain = ? AND state = ?", ascii, DomainStateVerified)
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
