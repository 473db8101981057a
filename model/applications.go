package model

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// CreateApplication makes an application with its first API key, which is
// returned this once. Without AllOrganizations it serves the given ones, each of
// which must exist.
func (s *Store) CreateApplication(ctx context.Context, a *Application, organizations []OrganizationID) (token string, err error) {
	if err := a.validate(); err != nil {
		return "", err
	}
	now := TimeOf(s.now())
	a.ID, a.CreatedAt, a.UpdatedAt = newID(), now, now
	a.fillEmpty()
	k := APIKey{ID: newID(), ApplicationID: a.ID, CreatedAt: now}
	token, k.Hash, k.Suffix = newToken("sk_")
	err = s.across(ctx).Transaction(func(db *gorm.DB) error {
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
		return "", s.translate(err)
	}
	return token, nil
}

func addOrganization(db *gorm.DB, application string, id OrganizationID) error {
	var n int64
	if err := db.Model(&Organization{}).Where("id = ?", id).Count(&n).Error; err != nil {
		return fmt.Errorf("read organization: %w", err)
	}
	if n == 0 {
		return NotFoundf("there is no %s", OrganizationPrefix.ID(string(id)))
	}
	row := applicationOrganization{application, id}
	if err := db.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
		return fmt.Errorf("join application: %w", err)
	}
	return nil
}

// Application returns one application.
func (s *Store) Application(ctx context.Context, id string) (*Application, error) {
	a, err := s.application(s.readAcross(ctx), id)
	if err != nil {
		return nil, err
	}
	return a, s.fillOrganizations(s.readAcross(ctx), a)
}

func (s *Store) application(db *gorm.DB, id string) (*Application, error) {
	var a Application
	if isID(id) {
		r := db.Where("id = ?", id).Limit(1).Find(&a)
		if r.Error != nil {
			return nil, s.translate(fmt.Errorf("read application: %w", r.Error))
		}
		if r.RowsAffected == 1 {
			return &a, nil
		}
	}
	return nil, NotFoundf("there is no %s", ApplicationPrefix.ID(id))
}

// fillOrganizations reads the organizations of applications in one statement.
func (s *Store) fillOrganizations(db *gorm.DB, as ...*Application) error {
	byID := map[string]*Application{}
	for _, a := range as {
		a.Organizations, byID[a.ID] = []OrganizationID{}, a
	}
	var rows []applicationOrganization
	existing := db.Model(&Organization{}).Select("id") // a deleted one leaves its row behind, for its events
	err := db.Where("application_id IN ? AND organization_id IN (?)", sortedKeys(byID), existing).
		Order("application_id, organization_id").Find(&rows).Error
	if err != nil {
		return s.translate(fmt.Errorf("read application's organizations: %w", err))
	}
	for _, r := range rows {
		a := byID[r.ApplicationID]
		a.Organizations = append(a.Organizations, r.OrganizationID)
	}
	return nil
}

// Applications lists the applications.
func (s *Store) Applications(ctx context.Context, p Page) ([]Application, PageInfo, error) {
	as, info, err := readPage(s.readAcross(ctx).Model(&Application{}), p, func(a Application) string { return a.ID })
	if err != nil {
		return nil, info, s.translate(err)
	}
	list := make([]*Application, len(as))
	for i := range as {
		list[i] = &as[i]
	}
	return as, info, s.fillOrganizations(s.readAcross(ctx), list...)
}

// UpdateApplication lets change alter an application under a lock and stores
// it, with the organizations it serves; each of them must exist.
func (s *Store) UpdateApplication(
	ctx context.Context, id string, change func(*ApplicationFields) error,
) (*Application, error) {
	var after Application
	err := s.across(ctx).Transaction(func(db *gorm.DB) error {
		before, err := s.application(db.Clauses(clause.Locking{Strength: "UPDATE"}), id)
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
		after.UpdatedAt = TimeOf(s.now())
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
		err = db.Where("application_id = ? AND organization_id IN ?", id, before.Organizations).Delete(&applicationOrganization{}).Error
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
		return nil, s.translate(err)
	}
	return &after, nil
}

// DeleteApplication removes an application with its API keys, which are refused from then on.
func (s *Store) DeleteApplication(ctx context.Context, id string) error {
	r := s.across(ctx).Where("id = ?", id).Delete(&Application{})
	if r.Error != nil {
		return s.translate(fmt.Errorf("delete application: %w", r.Error))
	}
	if r.RowsAffected == 0 {
		return NotFoundf("there is no %s", ApplicationPrefix.ID(id))
	}
	return nil
}

// SetApplicationOrganization makes an application serve an organization, or not.
func (s *Store) SetApplicationOrganization(ctx context.Context, application string, id OrganizationID, serve bool) error {
	if _, err := s.Application(ctx, application); err != nil {
		return err
	}
	if serve {
		return s.translate(addOrganization(s.across(ctx), application, id))
	}
	err := s.across(ctx).Where("application_id = ? AND organization_id = ?", application, id).Delete(&applicationOrganization{}).Error
	if err != nil {
		return s.translate(fmt.Errorf("leave application: %w", err))
	}
	return nil
}

// serves tells whether an application serves an organization that exists.
func (s *Store) serves(db *gorm.DB, application string, id OrganizationID) (bool, error) {
	a, err := s.application(db, application)
	if err != nil {
		if KindOf(err) == NotFound {
			err = nil
		}
		return false, err
	}
	return s.reaches(db, a.Scope(), id)
}

// ApplicationsServing lists at most limit of the applications that serve an organization, oldest first.
func (s *Store) ApplicationsServing(ctx context.Context, id OrganizationID, limit int) ([]Application, error) {
	listed := s.readAcross(ctx).Model(&applicationOrganization{}).Select("application_id").Where("organization_id = ?", id)
	var as []Application
	err := s.readAcross(ctx).Where("all_organizations = ? OR id IN (?)", true, listed).Order("id").Limit(limit).Find(&as).Error
	if err != nil {
		return nil, s.translate(fmt.Errorf("read applications: %w", err))
	}
	return as, nil
}
