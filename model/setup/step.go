package setup

import (
	"context"
	"fmt"

	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
)

// StepName names a step of the set-up.
type StepName string

// The steps of the set-up, in the order in which the portal shows them.
const (
	StepProvider  StepName = "provider"
	StepDomains   StepName = "domains"
	StepSSO       StepName = "sso"
	StepTest      StepName = "test"
	StepDirectory StepName = "directory"
	StepGroups    StepName = "groups"
	StepEnforce   StepName = "enforce"
	StepSummary   StepName = "summary"
)

// Step is what was chosen and done in a step of an organization's set-up.
type Step struct {
	OrganizationID model.OrganizationID `gorm:"primaryKey;<-:create"`
	Step           StepName             `gorm:"primaryKey"`
	Choice         string               // the provider, the connection or the directory, by step
	Skipped        bool                 // by the visitor, who does not want it
	DoneBy         model.Actor          // who was first seen with the step done
	DoneAt         *model.Time
	Version        int64
	UpdatedAt      model.Time `gorm:"autoUpdateTime:false"`
}

// TableName is the table of Step.
func (Step) TableName() string { return "setup_steps" }

// StepObject is the public form of a Step that is done.
type StepObject struct {
	Object         string      `json:"object"`
	OrganizationID string      `json:"organization_id"`
	Step           StepName    `json:"step"`
	DoneBy         model.Actor `json:"done_by"`
	DoneAt         *model.Time `json:"done_at"`
}

// PublicForm returns the object that events show.
func (s *Step) PublicForm() StepObject {
	return StepObject{"setup_step", model.OrganizationPrefix.ID(string(s.OrganizationID)), s.Step, s.DoneBy, s.DoneAt}
}

// Steps returns the organization's steps by their names. A step in which nothing was done yet is
// not among them.
func (o Org) Steps(ctx context.Context) (map[StepName]Step, error) {
	var rows []Step
	if err := tenant.Read(ctx, o).Find(&rows).Error; err != nil {
		return nil, tenant.Translate(o, fmt.Errorf("read steps: %w", err))
	}
	steps := map[StepName]Step{}
	for _, s := range rows {
		steps[s.Step] = s
	}
	return steps, nil
}

// Choose stores what was chosen in a step, or that it is skipped.
func (o Org) Choose(ctx context.Context, name StepName, choice string, skipped bool) error {
	return o.changeStep(ctx, name, func(s *Step) (bool, error) {
		changed := s.Choice != choice || s.Skipped != skipped
		s.Choice, s.Skipped = choice, skipped
		return changed, nil
	})
}

// Complete notes that a step is done, with an event at the first time.
func (o Org) Complete(ctx context.Context, name StepName) error {
	return o.Tx(ctx, func(org Org) error {
		return org.changeStep(ctx, name, func(s *Step) (bool, error) {
			if s.DoneAt != nil {
				return false, nil
			}
			now := tenant.Now(org)
			s.DoneAt, s.DoneBy = &now, tenant.By(org)
			return true, tenant.Record(org, StepCompleted, model.OrganizationPrefix.ID(string(org.ID)), s.PublicForm())
		})
	})
}

// changeStep locks a step, creates it where it is not there, and stores what change makes of it.
func (o Org) changeStep(ctx context.Context, name StepName, change func(*Step) (changed bool, err error)) error {
	return o.Tx(ctx, func(org Org) error {
		if _, err := organization.In(org).Organization(ctx); err != nil {
			return err
		}
		fresh := &Step{OrganizationID: org.ID, Step: name, UpdatedAt: tenant.Now(org)}
		db := tenant.DB(ctx, org)
		if err := db.Clauses(clause.OnConflict{DoNothing: true}).Create(fresh).Error; err != nil {
			return fmt.Errorf("begin step: %w", err)
		}
		var s Step
		locked := db.Clauses(clause.Locking{Strength: tenant.ToChange}).Where("step = ?", name)
		if err := locked.Take(&s).Error; err != nil {
			return fmt.Errorf("read step: %w", err)
		}
		changed, err := change(&s)
		if err != nil || !changed {
			return err
		}
		s.Version, s.UpdatedAt = s.Version+1, tenant.Now(org)
		row := db.Model(&Step{}).Where("step = ?", name).
			Select("Choice", "Skipped", "DoneBy", "DoneAt", "Version", "UpdatedAt")
		if err := row.UpdateColumns(&s).Error; err != nil {
			return fmt.Errorf("change step: %w", err)
		}
		return nil
	})
}
