package model

import (
	"context"
	"fmt"

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
	if a.RedirectURIs == nil {
		a.RedirectURIs = []string{}
	}
	if a.PostLogoutRedirectURIs == nil {
		a.PostLogoutRedirectURIs = []string{}
	}
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
		return nil
	})
	return token, s.translate(err)
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
	var a Application
	r := s.readAcross(ctx).Where("id = ?", id).Limit(1).Find(&a)
	if r.Error != nil {
		return nil, s.translate(fmt.Errorf("read application: %w", r.Error))
	}
	if r.RowsAffected == 0 {
		return nil, NotFoundf("there is no %s", ApplicationPrefix.ID(id))
	}
	return &a, nil
}

// Applications lists the applications.
func (s *Store) Applications(ctx context.Context, p Page) ([]Application, PageInfo, error) {
	as, info, err := readPage(s.readAcross(ctx).Model(&Application{}), p, func(a Application) string { return a.ID })
	return as, info, s.translate(err)
}

// UpdateApplication lets change alter an application and stores it.
func (s *Store) UpdateApplication(ctx context.Context, id string, change func(*Application) error) (*Application, error) {
	var a Application
	err := s.across(ctx).Transaction(func(db *gorm.DB) error {
		r := db.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", id).Limit(1).Find(&a)
		if r.Error != nil {
			return fmt.Errorf("read application: %w", r.Error)
		}
		if r.RowsAffected == 0 {
			return NotFoundf("there is no %s", ApplicationPrefix.ID(id))
		}
		created := a.CreatedAt
		if err := change(&a); err != nil {
			return err
		}
		a.ID, a.CreatedAt, a.UpdatedAt = id, created, TimeOf(s.now())
		if err := a.validate(); err != nil {
			return err
		}
		if err := db.Model(&Application{}).Where("id = ?", id).Select("*").UpdateColumns(&a).Error; err != nil {
			return fmt.Errorf("update application: %w", err)
		}
		return nil
	})
	if err != nil {
		return nil, s.translate(err)
	}
	return &a, nil
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

// ApplicationOrganizations lists the organizations that an application without
// AllOrganizations serves, oldest first.
func (s *Store) ApplicationOrganizations(ctx context.Context, id string) ([]OrganizationID, error) {
	ids := []OrganizationID{}
	err := s.readAcross(ctx).Model(&applicationOrganization{}).Where("application_id = ?", id).
		Order("organization_id").Pluck("organization_id", &ids).Error
	if err != nil {
		return nil, s.translate(fmt.Errorf("read application's organizations: %w", err))
	}
	return ids, nil
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
