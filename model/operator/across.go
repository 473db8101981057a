package operator

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/directory"
	"rollcall/model/entitle"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/signon"
)

// ownedBy holds the tables whose rows an API id can name without its organization.
var ownedBy = map[model.Prefix]any{
	model.OrganizationDomainPrefix: &organization.Domain{},
	model.DirectoryPrefix:          &directory.Directory{},
	model.DirectoryUserPrefix:      &people.User{},
	model.UserPrefix:               &people.User{},
	model.DirectoryGroupPrefix:     &people.DirectoryGroup{},
	model.ConnectionPrefix:         &connection.Connection{},
	model.AccountPrefix:            &entitle.Account{},
	model.LicensePrefix:            &entitle.License{},
	model.SessionPrefix:            &people.Session{},
	model.ProfilePrefix:            &people.Identity{},
	model.LoginAttemptPrefix:       &signon.LoginAttempt{},
}

// OrganizationOf returns the organization of a thing that an API call names
// only by its id. It answers NotFound where there is none in the scope.
func (s Store) OrganizationOf(ctx context.Context, scope model.Scope, kind model.Prefix, id string) (model.OrganizationID, error) {
	var ids []model.OrganizationID
	rows, ok := ownedBy[kind]
	if !ok || !model.IsID(id) {
		return "", model.NotFoundf("there is no %.100s", kind.ID(id))
	}
	db := across.Read(ctx, s).Model(rows).Where("id = ?", id)
	if err := across.Within(db, scope, "organization_id").Pluck("organization_id", &ids).Error; err != nil {
		return "", tenant.Translate(s, fmt.Errorf("find organization: %w", err))
	}
	if len(ids) == 0 && kind == model.ProfilePrefix { // of somebody who signs in by a password only: see SignedIn
		return s.OrganizationOf(ctx, scope, model.UserPrefix, id)
	}
	if len(ids) == 0 {
		return "", model.NotFoundf("there is no %s", kind.ID(id))
	}
	return ids[0], nil
}

// slugTries are how many numbered slugs are tried before a name must bring its own.
const slugTries = 50

// slugRaces are how often a free slug may be lost to someone who creates an organization meanwhile.
const slugRaces = 5

// CreateOrganization makes an organization, with a slug made from its name when
// it has none, and with the given domains. With an application's scope it joins
// that application's list. It answers Conflict for a slug, external id or
// verified domain that another organization has.
func (s Store) CreateOrganization(ctx context.Context, by model.Actor, scope model.Scope, g *organization.Organization, domains map[string]organization.DomainState) error {
	if g.Metadata == nil {
		g.Metadata = map[string]string{}
	}
	if g.Slug != "" {
		return s.createOrganization(ctx, by, scope, g, domains)
	}
	for try := 1; ; try++ {
		slug, err := s.freeSlug(ctx, organization.SlugOf(g.Name))
		if err != nil {
			return err
		}
		g.Slug = slug
		err = s.createOrganization(ctx, by, scope, g, domains)
		// Someone else may have taken the slug meanwhile: nobody asked for just this one.
		if try == slugRaces || !errors.Is(err, gorm.ErrDuplicatedKey) {
			return err
		}
	}
}

func (s Store) createOrganization(ctx context.Context, by model.Actor, scope model.Scope, g *organization.Organization, domains map[string]organization.DomainState) error {
	if err := g.Validate(); err != nil {
		return err
	}
	if g.Settings.SSORequired {
		return organization.ErrUntestedSSO()
	}
	g.ID = model.OrganizationID(model.NewID())
	return In(s.Org(g.ID, by)).Tx(ctx, func(org Org) error {
		g.CreatedAt, g.UpdatedAt, g.Domains = tenant.Now(org), tenant.Now(org), nil
		if err := tenant.DB(org).WithContext(ctx).Create(g).Error; err != nil {
			return organization.OrganizationTaken(fmt.Errorf("create organization: %w", err))
		}
		if scope.Application() != "" {
			row := organization.ApplicationOrganization{ApplicationID: scope.Application(), OrganizationID: g.ID}
			if err := tenant.DB(org).WithContext(ctx).Create(&row).Error; err != nil {
				return fmt.Errorf("join application: %w", err)
			}
		}
		for _, name := range tenant.SortedKeys(domains) {
			d, err := organization.In(org).InsertDomain(ctx, name, domains[name])
			if err != nil {
				return err
			}
			g.Domains = append(g.Domains, *d)
		}
		if err := connection.In(org).CheckDefaultConnection(ctx, g.Settings.DefaultConnection); err != nil {
			return err
		}
		if err := tenant.Record(org, organization.OrganizationCreated, model.OrganizationPrefix.ID(string(g.ID)), g.PublicForm()); err != nil {
			return err
		}
		for i := range g.Domains {
			if err := organization.In(org).RecordDomain(&g.Domains[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// freeSlug numbers a slug that is taken.
func (s Store) freeSlug(ctx context.Context, slug string) (string, error) {
	var taken []string
	tries := []string{slug}
	for i := 2; i <= slugTries; i++ {
		tries = append(tries, fmt.Sprintf("%s-%d", slug, i))
	}
	if err := across.Read(ctx, s).Model(&organization.Organization{}).Where("slug IN ?", tries).Pluck("slug", &taken).Error; err != nil {
		return "", tenant.Translate(s, fmt.Errorf("read slugs: %w", err))
	}
	for _, t := range tries {
		if !slices.Contains(taken, t) {
			return t, nil
		}
	}
	return slug, nil // the unique index will say so
}
