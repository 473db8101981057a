package organization

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
)

// CreateApplication adds an application with its first API key, and returns the key's token, which
// is not stored. Without AllOrganizations the application serves the given organizations. It
// answers NotFound when one of them does not exist.
func (s Store) CreateApplication(
	ctx context.Context, a *Application, organizations []model.OrganizationID,
) (token string, err error) {
	a.fillEmpty()
	if err := a.validate(); err != nil {
		return "", err
	}
	now := model.TimeOf(s.Now())
	a.ID, a.CreatedAt, a.UpdatedAt = model.NewID(), now, now
	k := APIKey{ID: model.NewID(), ApplicationID: a.ID, CreatedAt: now}
	token, k.Hash, k.Suffix = tenant.NewToken("sk_")
	err = across.DB(ctx, s).Transaction(func(db *gorm.DB) error {
		if err := db.Create(a).Error; err != nil {
			return fmt.Errorf("create application: %w", err)
		}
		for _, id := range organizations {
			if err := addOrganization(db, a.ID, id); err != nil {
				return err
			}
		}
		if err := db.Create(&k).Error; err != nil {
			return fmt.Errorf("create API key: %w", err)
		}
		return s.fillOrganizations(db, a)
	})
	if err != nil {
		return "", tenant.Translate(s, err)
	}
	return token, nil
}

// addOrganization lists an organization for an application.
func addOrganization(db *gorm.DB, application string, id model.OrganizationID) error {
	var n int64
	if err := db.Model(&Organization{}).Where("id = ?", id).Count(&n).Error; err != nil {
		return fmt.Errorf("read organization: %w", err)
	}
	if n == 0 {
		return model.NotFoundf("there is no %s", model.OrganizationPrefix.ID(string(id)))
	}
	row := ApplicationOrganization{application, id}
	if err := db.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
		return fmt.Errorf("join application: %w", err)
	}
	return nil
}

// Application returns one application with its organizations.
func (s Store) Application(ctx context.Context, id string) (*Application, error) {
	a, err := s.inner().ApplicationIn(across.Read(ctx, s), id)
	if err != nil {
		return nil, err
	}
	return a, s.fillOrganizations(across.Read(ctx, s), a)
}

// ApplicationIn reads an application, without its organizations, in the caller's transaction, which
// is db.
func (s InnerStore) ApplicationIn(db *gorm.DB, id string) (*Application, error) {
	var a Application
	if model.IsID(id) {
		r := db.Where("id = ?", id).Limit(1).Find(&a)
		if r.Error != nil {
			return nil, tenant.Translate(s, fmt.Errorf("read application: %w", r.Error))
		}
		if r.RowsAffected == 1 {
			return &a, nil
		}
	}
	return nil, model.NotFoundf("there is no %s", model.ApplicationPrefix.ID(id))
}

// fillOrganizations reads the organizations of applications in one statement.
func (s Store) fillOrganizations(db *gorm.DB, as ...*Application) error {
	byID := map[string]*Application{}
	for _, a := range as {
		a.Organizations, byID[a.ID] = []model.OrganizationID{}, a
	}
	var rows []ApplicationOrganization
	// The row of a deleted organization stays, so that the application can still read its events.
	existing := db.Model(&Organization{}).Select("id")
	err := db.Where("application_id IN ? AND organization_id IN (?)", tenant.SortedKeys(byID), existing).
		Order("application_id, organization_id").Find(&rows).Error
	if err != nil {
		return tenant.Translate(s, fmt.Errorf("read application's organizations: %w", err))
	}
	for _, r := range rows {
		a := byID[r.ApplicationID]
		a.Organizations = append(a.Organizations, r.OrganizationID)
	}
	return nil
}

// Applications lists the applications with their organizations.
func (s Store) Applications(ctx context.Context, p model.Page) ([]Application, model.PageInfo, error) {
	db := across.Read(ctx, s).Model(&Application{})
	as, info, err := tenant.ReadPage(db, p, func(a Application) string { return a.ID })
	if err != nil {
		return nil, info, tenant.Translate(s, err)
	}
	list := make([]*Application, len(as))
	for i := range as {
		list[i] = &as[i]
	}
	return as, info, s.fillOrganizations(across.Read(ctx, s), list...)
}

// UpdateApplication locks an application, lets change alter its fields, and stores them with the
// organizations that it serves. It answers NotFound when one of those does not exist.
func (s Store) UpdateApplication(
	ctx context.Context, id string, change func(*ApplicationFields) error,
) (*Application, error) {
	var after Application
	err := across.DB(ctx, s).Transaction(func(db *gorm.DB) error {
		before, err := s.inner().ApplicationIn(db.Clauses(clause.Locking{Strength: "UPDATE"}), id)
		if err != nil {
			return err
		}
		if err := s.fillOrganizations(db, before); err != nil {
			return err
		}
		after = *before
		after.Organizations = slices.Clone(before.Organizations)
		if err := change(&after.ApplicationFields); err != nil {
			return err
		}
		after.UpdatedAt = model.TimeOf(s.Now())
		after.fillEmpty()
		if err := after.validate(); err != nil {
			return err
		}
		if err := db.Model(&Application{}).Where("id = ?", id).Select("*").UpdateColumns(&after).Error; err != nil {
			return fmt.Errorf("update application: %w", err)
		}
		if slices.Equal(before.Organizations, after.Organizations) {
			return nil
		}
		err = db.Where("application_id = ? AND organization_id IN ?", id, before.Organizations).
			Delete(&ApplicationOrganization{}).Error
		if err != nil {
			return fmt.Errorf("leave application: %w", err)
		}
		for _, organization := range after.Organizations {
			if err := addOrganization(db, id, organization); err != nil {
				return err
			}
		}
		return s.fillOrganizations(db, &after)
	})
	if err != nil {
		return nil, tenant.Translate(s, err)
	}
	return &after, nil
}

// DeleteApplication removes an application with its API keys. The keys are refused from then on.
func (s Store) DeleteApplication(ctx context.Context, id string) error {
	r := across.DB(ctx, s).Where("id = ?", id).Delete(&Application{})
	if r.Error != nil {
		return tenant.Translate(s, fmt.Errorf("delete application: %w", r.Error))
	}
	if r.RowsAffected == 0 {
		return model.NotFoundf("there is no %s", model.ApplicationPrefix.ID(id))
	}
	return nil
}

// SetApplicationOrganization lists an organization for an application, or removes it from the list.
func (s Store) SetApplicationOrganization(
	ctx context.Context, application string, id model.OrganizationID, serve bool,
) error {
	if _, err := s.Application(ctx, application); err != nil {
		return err
	}
	if serve {
		return tenant.Translate(s, addOrganization(across.DB(ctx, s), application, id))
	}
	err := across.DB(ctx, s).Where("application_id = ? AND organization_id = ?", application, id).
		Delete(&ApplicationOrganization{}).Error
	if err != nil {
		return tenant.Translate(s, fmt.Errorf("leave application: %w", err))
	}
	return nil
}

// ServedBy tells whether an application serves the organization.
func (o Inner) ServedBy(ctx context.Context, application string) (bool, error) {
	return Across(o.Org).serves(across.ReadIn(ctx, o.Org), application, o.ID)
}

// serves tells whether an application serves an organization that exists.
func (s Store) serves(db *gorm.DB, application string, id model.OrganizationID) (bool, error) {
	a, err := s.inner().ApplicationIn(db, application)
	if err != nil {
		if model.KindOf(err) == model.NotFound {
			err = nil
		}
		return false, err
	}
	return s.inner().ReachesIn(db, a.Scope(), id)
}

// ApplicationsServing lists the applications that serve an organization, oldest first and at most
// limit of them.
func (s Store) ApplicationsServing(
	ctx context.Context, id model.OrganizationID, limit int,
) ([]Application, error) {
	listed := across.Read(ctx, s).Model(&ApplicationOrganization{}).Select("application_id").
		Where("organization_id = ?", id)
	var as []Application
	err := across.Read(ctx, s).Where("all_organizations = ? OR id IN (?)", true, listed).
		Order("id").Limit(limit).Find(&as).Error
	if err != nil {
		return nil, tenant.Translate(s, fmt.Errorf("read applications: %w", err))
	}
	return as, nil
}
