package entitle

import (
	"context"
	"fmt"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// LicenseState says whether a license has a seat.
type LicenseState string

// The states of a license. Who waits gets the account's next free seat when
// nobody has waited longer.
const (
	LicenseStateGranted LicenseState = "granted"
	LicenseStateWaiting LicenseState = "waiting"
)

// License is a user's seat in an account, or their place in the queue for one.
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

// GroupAssignment is a user's place in a group of an account. It counts while the
// user has a granted license for the account.
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

// LicenseQuery asks for licenses. What is empty does not narrow it.
type LicenseQuery struct {
	model.Page
	UserID    string
	AccountID string
	State     LicenseState
}

// License returns one license of the organization.
func (o Org) License(ctx context.Context, id string) (*License, error) {
	var l License
	return &l, tenant.ByID(o, tenant.Read(o).WithContext(ctx), &l, "license", id)
}

// Licenses lists licenses of the organization.
func (o Org) Licenses(ctx context.Context, q LicenseQuery) ([]License, model.PageInfo, error) {
	db := tenant.Read(o).WithContext(ctx).Model(&License{})
	for column, value := range map[string]string{"user_id": q.UserID, "account_id": q.AccountID, "state": string(q.State)} {
		if value != "" {
			db = db.Where(column+" = ?", value)
		}
	}
	return tenant.Paged(o, db, q.Page, func(l License) string { return l.ID })
}

// AssignmentQuery asks for assignments to groups. What is empty does not narrow it.
type AssignmentQuery struct {
	model.Page
	UserID  string
	GroupID string
}

// GroupAssignments lists who is in which groups of accounts.
func (o Org) GroupAssignments(ctx context.Context, q AssignmentQuery) ([]GroupAssignment, model.PageInfo, error) {
	db := tenant.Read(o).WithContext(ctx).Model(&GroupAssignment{})
	if q.UserID != "" {
		db = db.Where("user_id = ?", q.UserID)
	}
	if q.GroupID != "" {
		db = db.Where("group_id = ?", q.GroupID)
	}
	return tenant.Paged(o, db, q.Page, func(a GroupAssignment) string { return a.ID })
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
	return LicenseObject{"license", model.LicensePrefix.ID(l.ID), model.OrganizationPrefix.ID(string(l.OrganizationID)), model.UserPrefix.ID(l.UserID),
		model.AccountPrefix.ID(l.AccountID), l.State, sources(l.ByRule, l.ByHand), l.Cause, l.Since}
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
	return GroupAssignmentObject{"group_assignment", model.GroupAssignmentPrefix.ID(a.ID), model.OrganizationPrefix.ID(string(a.OrganizationID)),
		model.UserPrefix.ID(a.UserID), model.AccountPrefix.ID(a.AccountID), model.GroupPrefix.ID(a.GroupID), sources(a.ByRule, a.ByHand), a.Cause, a.Since}
}

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

// recordLicense notes an event about a license.
func (o Org) recordLicense(ctx context.Context, t model.EventType, l *License, cause tenant.Cause) error {
	data := l.PublicForm()
	data.OrganizationID, data.Cause = model.OrganizationPrefix.ID(string(o.ID)), cause
	if err := tenant.Record(o, t, data.ID, data); err != nil {
		return err
	}
	return tenant.Spill(ctx, o)
}

// recordAssignment notes an event about a user's place in a group.
func (o Org) recordAssignment(ctx context.Context, t model.EventType, a *GroupAssignment, cause tenant.Cause) error {
	data := a.PublicForm()
	data.OrganizationID, data.Cause = model.OrganizationPrefix.ID(string(o.ID)), cause
	if err := tenant.Record(o, t, data.ID, data); err != nil {
		return err
	}
	return tenant.Spill(ctx, o)
}

// Seats of several accounts are taken and given back under the locks of the
// accounts' rows, taken in the order of their ids.

// promote gives the free seats of an account, whose row the caller has locked, to
// those who wait, longest first.
func (o Org) promote(ctx context.Context, a *Account) error {
	most := int64(maxSeats)
	if a.Seats != nil {
		most = *a.Seats - a.SeatsUsed
	}
	if most <= 0 {
		return nil
	}
	var waiting []License
	// Whoever holds one of these rows is about to delete it, and must not be waited for.
	db := tenant.DB(o).WithContext(ctx).Clauses(skipLocked).Where("account_id = ? AND state = 'waiting'", a.ID)
	if err := db.Order("since, id").Limit(int(most)).Find(&waiting).Error; err != nil {
		return fmt.Errorf("read who waits: %w", err)
	}
	if len(waiting) == 0 {
		return nil
	}
	for i := range waiting {
		l := &waiting[i]
		l.State, l.Cause, l.Since = LicenseStateGranted, tenant.CauseSeat, tenant.Now(o)
		if err := o.recordLicense(ctx, LicenseGranted, l, tenant.CauseSeat); err != nil {
			return err
		}
	}
	ids, err := tenant.Encode(idsOf(waiting, func(l *License) string { return l.ID }))
	if err != nil {
		return err
	}
	err = tenant.DB(o).WithContext(ctx).Model(&License{}).Where(tenant.DialectOf(o).OneOf("id"), ids).Select("State", "Cause", "Since").UpdateColumns(&waiting[0]).Error
	if err != nil {
		return fmt.Errorf("give seats: %w", err)
	}
	a.SeatsUsed += int64(len(waiting))
	return o.writeSeats(ctx, a)
}

func (o Org) writeSeats(ctx context.Context, a *Account) error {
	if err := tenant.DB(o).WithContext(ctx).Model(&Account{}).Where("id = ?", a.ID).UpdateColumn("seats_used", a.SeatsUsed).Error; err != nil {
		return fmt.Errorf("count seats: %w", err)
	}
	return nil
}

// idsOf are what id says of each row.
func idsOf[T any](rows []T, id func(*T) string) []string {
	out := make([]string, len(rows))
	for i := range rows {
		out[i] = id(&rows[i])
	}
	return out
}
