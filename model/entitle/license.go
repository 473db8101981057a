package entitle

import (
	"context"
	"fmt"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// LicenseState says whether a license has a seat.
type LicenseState string

// The states of a license. A waiting license gets the account's next free seat, unless another one
// has waited longer.
const (
	LicenseStateGranted LicenseState = "granted"
	LicenseStateWaiting LicenseState = "waiting"
)

// License is a user's seat in an account, or the user's place in the queue for one.
type License struct {
	ID             string               `gorm:"primaryKey"`
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	UserID         string
	AccountID      string
	State          LicenseState
	ByRule         bool // the rules grant it
	ByHand         bool // a person assigned it
	Cause          tenant.Cause
	Since          model.Time // in this state
}

// LicenseQuery asks for licenses. An empty field does not limit it.
type LicenseQuery struct {
	model.Page
	UserID    string
	AccountID string
	State     LicenseState
}

// License returns one license of the organization.
func (o Org) License(ctx context.Context, id string) (*License, error) {
	var l License
	return &l, tenant.ByID(o, tenant.Read(ctx, o), &l, "license", id)
}

// Licenses lists licenses of the organization.
func (o Org) Licenses(ctx context.Context, q LicenseQuery) ([]License, model.PageInfo, error) {
	db := tenant.Read(ctx, o).Model(&License{})
	limits := map[string]string{"user_id": q.UserID, "account_id": q.AccountID, "state": string(q.State)}
	for column, value := range limits {
		if value != "" {
			db = db.Where(column+" = ?", value)
		}
	}
	return tenant.Paged(o, db, q.Page, func(l License) string { return l.ID })
}

// LicenseObject is the public form of a License.
type LicenseObject struct {
	Object         string       `json:"object"`
	ID             string       `json:"id"`
	OrganizationID string       `json:"organization_id"`
	UserID         string       `json:"user_id"`
	AccountID      string       `json:"account_id"`
	State          LicenseState `json:"state"`
	Sources        []string     `json:"sources"` // "rule", "manual" or both
	Cause          tenant.Cause `json:"cause"`
	Since          model.Time   `json:"since"`
}

// PublicForm returns the object that the API and events show.
func (l *License) PublicForm() LicenseObject {
	return LicenseObject{"license", model.LicensePrefix.ID(l.ID), model.OrganizationPrefix.ID(string(l.OrganizationID)),
		model.UserPrefix.ID(l.UserID), model.AccountPrefix.ID(l.AccountID), l.State,
		sources(l.ByRule, l.ByHand), l.Cause, l.Since}
}

// sources names the reasons that a user has something for.
func sources(byRule, byHand bool) []string {
	out := []string{}
	if byRule {
		out = append(out, "rule")
	}
	if byHand {
		out = append(out, "manual")
	}
	return out
}

// GroupAssignment is a user's place in a group of an account. It has an effect only while the user
// has a granted license for the account.
type GroupAssignment struct {
	ID             string               `gorm:"primaryKey"`
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	UserID         string
	AccountID      string
	GroupID        string
	ByRule         bool // the rules grant it
	ByHand         bool // a person assigned it
	Cause          tenant.Cause
	Since          model.Time
}

// AssignmentQuery asks for assignments to groups. An empty field does not limit it.
type AssignmentQuery struct {
	model.Page
	UserID  string
	GroupID string
}

// GroupAssignments lists assignments to groups of accounts.
func (o Org) GroupAssignments(ctx context.Context, q AssignmentQuery) ([]GroupAssignment, model.PageInfo, error) {
	db := tenant.Read(ctx, o).Model(&GroupAssignment{})
	if q.UserID != "" {
		db = db.Where("user_id = ?", q.UserID)
	}
	if q.GroupID != "" {
		db = db.Where("group_id = ?", q.GroupID)
	}
	return tenant.Paged(o, db, q.Page, func(a GroupAssignment) string { return a.ID })
}

// assignment returns a user's place in a group, or nil.
func (o Org) assignment(ctx context.Context, groupID, userID string) (*GroupAssignment, error) {
	var held []GroupAssignment
	db := tenant.DB(ctx, o).Where("user_id = ?", userID).Where(tenant.IsBeside("group_id"), groupID)
	if err := db.Find(&held).Error; err != nil {
		return nil, fmt.Errorf("read assignment: %w", err)
	}
	if len(held) == 0 {
		return nil, nil
	}
	return &held[0], nil
}

// GroupAssignmentObject is the public form of a GroupAssignment.
type GroupAssignmentObject struct {
	Object         string       `json:"object"`
	ID             string       `json:"id"`
	OrganizationID string       `json:"organization_id"`
	UserID         string       `json:"user_id"`
	AccountID      string       `json:"account_id"`
	GroupID        string       `json:"group_id"`
	Sources        []string     `json:"sources"` // "rule", "manual" or both
	Cause          tenant.Cause `json:"cause"`
	Since          model.Time   `json:"since"`
}

// PublicForm returns the object that the API and events show.
func (a *GroupAssignment) PublicForm() GroupAssignmentObject {
	return GroupAssignmentObject{"group_assignment", model.GroupAssignmentPrefix.ID(a.ID),
		model.OrganizationPrefix.ID(string(a.OrganizationID)), model.UserPrefix.ID(a.UserID),
		model.AccountPrefix.ID(a.AccountID), model.GroupPrefix.ID(a.GroupID),
		sources(a.ByRule, a.ByHand), a.Cause, a.Since}
}

// The events of licenses and groups of accounts.
const (
	LicenseGranted  model.EventType = "license.granted"
	LicenseRevoked  model.EventType = "license.revoked"
	LicenseWaiting  model.EventType = "license.waiting"
	GroupAssigned   model.EventType = "group.assigned"
	GroupUnassigned model.EventType = "group.unassigned"
)

// recordLicense records an event about a license.
func (o Org) recordLicense(ctx context.Context, t model.EventType, l *License, cause tenant.Cause) error {
	data := l.PublicForm()
	data.OrganizationID, data.Cause = model.OrganizationPrefix.ID(string(o.ID)), cause
	if err := tenant.Record(o, t, data.ID, data); err != nil {
		return err
	}
	return tenant.Spill(ctx, o)
}

// recordAssignment records an event about a user's place in a group.
func (o Org) recordAssignment(ctx context.Context, t model.EventType, a *GroupAssignment, cause tenant.Cause) error {
	data := a.PublicForm()
	data.OrganizationID, data.Cause = model.OrganizationPrefix.ID(string(o.ID)), cause
	if err := tenant.Record(o, t, data.ID, data); err != nil {
		return err
	}
	return tenant.Spill(ctx, o)
}
