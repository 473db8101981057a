package directory

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/people"
	"rollcall/worker"
)

// The bounds and the defaults of what counts as a mass change.
const (
	defaultMassChangePercent = 20
	defaultMassChangeWindow  = 3600
	leastMassChangeWindow    = 60
	MostMassChangeWindow     = 24 * 3600

	// fewestUsers and fewestDepartures are the floor below which nothing is a mass
	// change, whatever its share: of four people one who leaves is a quarter.
	fewestUsers      = 5
	fewestDepartures = 2
)

// MassChange is what a directory goes by that loses many users at once, and the
// last time that it did.
type MassChange struct {
	Percent       int64       `gorm:"column:mass_change_percent"` // of the users; more than that is an alert
	WindowSeconds int64       `gorm:"column:mass_change_window_seconds"`
	At            *model.Time `gorm:"column:mass_change_at"` // when it was found; nil for never
	Users         int64       `gorm:"column:mass_change_users"`
	Of            int64       `gorm:"column:mass_change_of"`
}

func (m MassChange) validate() error {
	if m.Percent < 1 || m.Percent > 100 {
		return model.Invalidf("mass_change_percent", "mass_change_percent is a whole number from 1 to 100")
	}
	if m.WindowSeconds < leastMassChangeWindow || m.WindowSeconds > MostMassChangeWindow {
		return model.Invalidf("mass_change_window_seconds", "mass_change_window_seconds is a whole number from %d to %d",
			leastMassChangeWindow, MostMassChangeWindow)
	}
	return nil
}

func (m MassChange) window() model.Time { return model.Time(1000 * m.WindowSeconds) }

// exceeded tells whether so many of so many users are too many to leave within a window.
func (m MassChange) exceeded(departed, of int64) bool {
	return of >= fewestUsers && departed >= fewestDepartures && 100*departed > m.Percent*of
}

// MassChangeObject tells of an alert.
type MassChangeObject struct {
	Users int64      `json:"users"` // deactivated or deleted within the window
	Of    int64      `json:"of"`    // the users there were
	At    model.Time `json:"at"`
	Until model.Time `json:"until"` // when the alert ends, unless there is another one
}

// alert is the alert that is on at a moment, or nil.
func (m MassChange) alert(now model.Time) *MassChangeObject {
	if m.At == nil || now >= *m.At+m.window() {
		return nil
	}
	return &MassChangeObject{m.Users, m.Of, *m.At, *m.At + m.window()}
}

// Departure is a user whom a directory deactivated or deleted.
type Departure struct {
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	DirectoryID    string               `gorm:"primaryKey"`
	UserID         string               `gorm:"primaryKey"`
	DepartedAt     model.Time
}

// massChangeReader is the guard's name among the readers of the feed.
const massChangeReader = "mass_change"

// MassChangeGuard reads the feed and raises directory.mass_change where more
// than a set share of a directory's users were deactivated or deleted within a
// set time, once in that time. It stops nothing: what a directory takes away is
// gone at once. Directories of fewer than five users raise no alert, and neither
// does a single user who leaves.
//
// Any number of replicas may run it: what it notes of an event is the same each
// time, and of those who find a mass change one raises the event.
type MassChangeGuard struct{ store Store }

// NewMassChangeGuard makes the guard of a store.
func NewMassChangeGuard(s Store) *MassChangeGuard { return &MassChangeGuard{s} }

const (
	guardEvery = time.Second // the pause where the feed has nothing new
	guardPage  = 1000        // events that are read at once
)

// Run reads the feed until ctx ends. What fails is tried again with the next round.
func (g *MassChangeGuard) Run(ctx context.Context) error {
	round := func(ctx context.Context) (more bool, err error) {
		n, err := g.RunOnce(ctx)
		return n == guardPage, err
	}
	return worker.Every(ctx, guardEvery, tenant.Log(g.store), "mass changes not watched", round)
}

// RunOnce reads the next events of the feed and returns how many they were.
func (g *MassChangeGuard) RunOnce(ctx context.Context) (n int, err error) {
	cursor, err := tenant.OpenCursor(ctx, g.store, massChangeReader)
	if err != nil {
		return 0, err
	}
	events, err := tenant.HeadersAfter(ctx, g.store, cursor.EventID, guardPage)
	if err != nil || len(events) == 0 {
		return 0, err
	}
	of := map[string][]Departure{}
	for i := range events {
		if d, ok := departure(&events[i]); ok {
			of[d.DirectoryID] = append(of[d.DirectoryID], d)
		}
	}
	for _, id := range tenant.SortedKeys(of) {
		org := In(g.store.Org(of[id][0].OrganizationID, model.System))
		if err := org.noteDepartures(ctx, id, of[id]); err != nil && model.KindOf(err) != model.NotFound { // or it was deleted since
			return 0, err
		}
	}
	return len(events), tenant.MoveFeedCursor(ctx, g.store, cursor, events[len(events)-1].ID)
}

// departure reads an event that tells of one: access that a directory ended.
func departure(e *model.Event) (Departure, bool) {
	kind, directory, _ := strings.Cut(string(e.Actor), ":")
	directoryID, ok := model.DirectoryPrefix.Parse(directory)
	userID, isUser := model.UserPrefix.Parse(e.Subject)
	return Departure{e.OrganizationID, directoryID, userID, e.CreatedAt}, e.Type == people.UserAccessEnded && kind == "directory" && ok && isUser
}

// noteDepartures notes users who left a directory, and raises the alert if they are too many.
func (o Org) noteDepartures(ctx context.Context, directoryID string, left []Departure) error {
	return o.Tx(ctx, func(org Org) error {
		d, err := org.lockDirectory(ctx, directoryID, tenant.ToChange)
		if err != nil {
			return err
		}
		last := map[string]Departure{} // one statement may not change a row twice
		var until model.Time
		for _, l := range left {
			last[l.UserID], until = l, max(until, l.DepartedAt)
		}
		rows := make([]Departure, 0, len(last))
		for _, id := range tenant.SortedKeys(last) {
			rows = append(rows, last[id])
		}
		err = tenant.DB(org).WithContext(ctx).Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "directory_id"}, {Name: "user_id"}},
			DoUpdates: clause.AssignmentColumns([]string{"departed_at"})}).CreateInBatches(rows, tenant.DialectOf(o).Batch(4)).Error
		if err != nil {
			return fmt.Errorf("note departures: %w", err)
		}
		mass := &d.MassChange
		if mass.At != nil && until < *mass.At+mass.window() {
			return nil // this window has had its alert
		}
		departed, of, err := org.departed(ctx, d.ID, until-mass.window())
		if err != nil || !mass.exceeded(departed, of) {
			return err
		}
		at := tenant.Now(org)
		mass.At, mass.Users, mass.Of = &at, departed, of
		err = tenant.DB(org).WithContext(ctx).Model(&Directory{}).Where("id = ?", d.ID).UpdateColumns(map[string]any{
			"mass_change_at": at, "mass_change_users": departed, "mass_change_of": of}).Error
		if err != nil {
			return fmt.Errorf("note mass change: %w", err)
		}
		return tenant.Record(org, DirectoryMassChange, model.DirectoryPrefix.ID(d.ID), massChangeEvent{d.PublicForm(at), fmt.Sprintf(
			"%d of %d users were deactivated or deleted within %d seconds", departed, of, mass.WindowSeconds)})
	})
}

// massChangeEvent is the data of directory.mass_change.
type massChangeEvent struct {
	DirectoryObject
	Cause string `json:"cause"`
}

// departed counts the users that a directory deactivated or deleted since a
// moment, and how many it had. Those whom it has activated again are still there.
func (o Org) departed(ctx context.Context, directoryID string, since model.Time) (departed, of int64, err error) {
	left := func() *gorm.DB {
		return tenant.DB(o).WithContext(ctx).Model(&Departure{}).Where("directory_id = ? AND departed_at > ?", directoryID, since)
	}
	users := func() *gorm.DB { return tenant.DB(o).WithContext(ctx).Model(&people.User{}).Where("active = ?", true) }
	var back, active int64
	if err = left().Count(&departed).Error; err == nil && departed >= fewestDepartures {
		err = users().Where("id IN (?)", left().Select("user_id")).Count(&back).Error
	}
	if err == nil && departed-back >= fewestDepartures {
		err = users().Where("directory_id = ?", directoryID).Count(&active).Error
	}
	if err != nil {
		return 0, 0, fmt.Errorf("count departures: %w", err)
	}
	return departed - back, active + departed - back, nil
}
