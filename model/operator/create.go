package operator

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
)

const (
	slugNumbers = 50 // how many slugs are tried for one name
	slugRaces   = 5  // how often another transaction may take the free slug first
)

// CreateOrganization adds an organization with the given domains, and with a slug made from its
// name when it has none. The application of the scope, if any, serves it from then on. It answers
// Conflict for a slug, external id or verified domain that another organization has.
func (s Store) CreateOrganization(
	ctx context.Context, by model.Actor, scope model.Scope,
	g *organization.Organization, domains map[string]organization.DomainState,
) error {
	if g.Metadata == nil {
		g.Metadata = map[string]string{}
	}
	switch {
	case g.Slug != "":
		return s.createOrganization(ctx, by, scope, g, domains)
	case !scope.All():
		g.Slug = unguessable(organization.SlugOf(g.Name))
		return s.createOrganization(ctx, by, scope, g, domains)
	}
	for try := 1; ; try++ {
		slug, err := s.freeSlug(ctx, organization.SlugOf(g.Name))
		if err != nil {
			return err
		}
		g.Slug = slug
		err = s.createOrganization(ctx, by, scope, g, domains)
		// Another transaction may have taken the slug. The caller asked for none: another one will
		// do.
		if try == slugRaces || !errors.Is(err, gorm.ErrDuplicatedKey) {
			return err
		}
	}
}

// createOrganization is CreateOrganization for an organization with a slug.
func (s Store) createOrganization(
	ctx context.Context, by model.Actor, scope model.Scope,
	g *organization.Organization, domains map[string]organization.DomainState,
) error {
	if err := g.Validate(); err != nil {
		return err
	}
	if g.Settings.SSORequired {
		return organization.ErrUntestedSSO()
	}
	g.ID = model.OrganizationID(model.NewID())
	return In(s.Org(g.ID, by)).Tx(ctx, func(org Org) error {
		if err := org.insertOrganization(ctx, scope, g); err != nil {
			return err
		}
		for _, name := range tenant.SortedKeys(domains) {
			d, err := organization.Inside(tenant.Inside(org)).InsertDomain(ctx, name, domains[name])
			if err != nil {
				return err
			}
			g.Domains = append(g.Domains, *d)
		}
		if err := connection.Inside(tenant.Inside(org)).CheckDefaultConnection(ctx,
			g.Settings.DefaultConnection); err != nil {
			return err
		}
		// The event shows the domains, and comes before theirs.
		id := model.OrganizationPrefix.ID(string(g.ID))
		if err := tenant.Record(org, organization.OrganizationCreated, id, g.PublicForm()); err != nil {
			return err
		}
		for i := range g.Domains {
			if err := organization.Inside(tenant.Inside(org)).RecordDomain(&g.Domains[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// insertOrganization writes the row of an organization, and lists it for the application of the
// scope.
func (o Org) insertOrganization(ctx context.Context, scope model.Scope, g *organization.Organization) error {
	g.CreatedAt, g.UpdatedAt, g.Domains = tenant.Now(o), tenant.Now(o), nil
	if err := tenant.DB(ctx, o).Create(g).Error; err != nil {
		return organization.OrganizationTaken(fmt.Errorf("create organization: %w", err))
	}
	if scope.Application() == "" {
		return nil
	}
	row := organization.ApplicationOrganization{ApplicationID: scope.Application(), OrganizationID: g.ID}
	if err := tenant.DB(ctx, o).Create(&row).Error; err != nil {
		return fmt.Errorf("join application: %w", err)
	}
	return nil
}

// slugRandom is how many random characters a slug gets that nobody may guess from.
const slugRandom = 8

// unguessable appends random characters to a slug. A number would tell an application of some
// organizations that another organization has the slug without it.
func unguessable(slug string) string {
	const most = 40 - 1 - slugRandom
	slug = strings.TrimSuffix(slug[:min(most, len(slug))], "-")
	return slug + "-" + strings.ToLower(rand.Text()[:slugRandom])
}

// freeSlug appends a number to a slug that is taken.
func (s Store) freeSlug(ctx context.Context, slug string) (string, error) {
	var taken []string
	tries := []string{slug}
	for i := 2; i <= slugNumbers; i++ {
		tries = append(tries, fmt.Sprintf("%s-%d", slug, i))
	}
	err := across.Read(ctx, s).Model(&organization.Organization{}).Where("slug IN ?", tries).Pluck("slug", &taken).Error
	if err != nil {
		return "", tenant.Translate(s, fmt.Errorf("read slugs: %w", err))
	}
	for _, t := range tries {
		if !slices.Contains(taken, t) {
			return t, nil
		}
	}
	return slug, nil // the unique index refuses it
}
