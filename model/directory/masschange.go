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

// MostMassChangeWindow is the longest window of a mass change, in seconds.
const MostMassChangeWindow = 24 * 3600

// The other bounds of a mass change, and the defaults of new directories.
const (
	defaultMassChangePercent = 20
	defaultMassChangeWindow  = 3600
	leastMassChangeWindow    = 60

	// Below fewestUsers or fewestDepartures nothing is a mass change, whatever its share: one of
	// four users is a quarter of them.
	fewestUsers      = 5
	fewestDepartures = 2
)

// MassChange says how many users a directory may lose within a window before there is an alert, and
// when the last alert was.
type MassChange struct {
	Percent       int64       `gorm:"column:mass_change_percent"` // of the users; more than this is an alert
	WindowSeconds int64       `gorm:"column:mass_change_window_seconds"`
	At            *model.Time `gorm:"column:mass_change_at"`    // of the last alert; nil for none
	Users         int64       `gorm:"column:mass_change_users"` // that left before it
	Of            int64       `gorm:"column:mass_change_of"`    // all users before it
}

// validate checks the fields that a request sets.
func (m MassChange) validate() error {
	if m.Percent < 1 || m.Percent > 100 {
		return model.Invalidf("mass_change_percent", "mass_change_percent is a whole number from 1 to 100")
	}
	if m.WindowSeconds < leastMassChangeWindow || m.WindowSeconds > MostMassChangeWindow {
		const field = "mass_change_window_seconds"
		return model.Invalidf(field, "%s is a whole number from %d to %d", field, leastMassChangeWindow,
			MostMassChangeWindow)
	}
	return nil
}

// window is the window in the unit of model.Time.
func (m MassChange) window() model.Time { return model.Time(1000 * m.WindowSeconds) }

// exceeded tells whether departed users out of all users are enough for an alert.
func (m MassChange) exceeded(departed, of int64) bool {
	return of >= fewestUsers && departed >= fewestDepartures && 100*departed > m.Percent*of
}

// MassChangeObject is the public form of an alert.
type MassChangeObject struct {
	Users int64      `json:"users"` // deactivated or deleted within the window
	Of    int64      `json:"of"`    // all users before that
	At    model.Time `json:"at"`
	Until model.Time `json:"until"` // when the alert ends, unless there is another
}

// alert returns the alert that is current at the time now, or nil.
func (m MassChange) alert(now model.Time) *MassChangeObject {
	if m.At == nil || now >= *m.At+m.window() {
		return nil
	}
	return &MassChangeObject{m.Users, m.Of, *m.At, *m.At + m.window()}
}

// Departure is a user that a directory deactivated or deleted.
type Departure struct {
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	DirectoryID    string               `gorm:"primaryKey"`
	UserID         string               `gorm:"primaryKey"`
	DepartedAt     model.Time
}

// massChangeReader is the guard's name among the readers of the feed.
const massChangeReader = "mass_change"

// MassChangeGuard reads the feed and records the event directory.mass_change where a directory
// deactivates or deletes more than its set share of users within its set window. There is at most
// one such event in a window. The guard only reports: it neither delays nor undoes a change. A
// directory of fewer than five users has no alert, nor has a single user that leaves.
//
// Any number of replicas may run the guard. To process an event twice changes nothing, and the lock
// of the directory's row lets one replica record a mass change.
type MassChangeGuard struct{ store Store }

// NewMassChangeGuard returns the guard of a store.
func NewMassChangeGuard(s Store) *MassChangeGuard { return &MassChangeGuard{s} }

const (
	guardEvery = time.Second // the pause where the feed has nothing new
	guardPage  = 1000        // events in one read
	// guardTime is how long a round may take, which has a transaction for each directory of a page.
	guardTime = 2 * time.Minute
)

// Run reads the feed until ctx ends. After an error it tries again in the next round.
func (g *MassChangeGuard) Run(ctx context.Context) error {
	round := func(ctx context.Context) (more bool, err error) {
		n, err := g.RunOnce(ctx)
		return n == guardPage, err
	}
	return worker.EveryWithin(ctx, guardEvery, guardTime, tenant.Log(g.store), "mass changes not watched", round)
}

// RunOnce reads the next events of the feed and returns how many they were.
func (g *MassChangeGuard) RunOnce(ctx context.Context) (n int, err error) {
	cursor, err := tenant.OpenCursor(ctx, g.store, massChangeReader)
	if err != nil {
		return 0, err
	}
	events, err := tenant.HeadersAfter(ctx, g.store, cursor, guardPage)
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
		c := Of(g.store.Org(of[id][0].OrganizationID, model.System), id)
		err := c.noteDepartures(ctx, of[id])
		if err != nil && model.KindOf(err) != model.NotFound { // the directory was deleted since
			return 0, err
		}
	}
	return len(events), tenant.MoveFeedCursor(ctx, g.store, cursor, events[len(events)-1].ID)
}

// departure returns the departure that an event reports; ok is false for any other event.
func departure(e *model.Event) (d Departure, ok bool) {
	kind, directory, _ := strings.Cut(string(e.Actor), ":")
	directoryID, isDirectory := model.DirectoryPrefix.Parse(directory)
	userID, isUser := model.UserPrefix.Parse(e.Subject)
	ok = e.Type == people.UserAccessEnded && kind == "directory" && isDirectory && isUser
	return Departure{e.OrganizationID, directoryID, userID, e.CreatedAt}, ok
}

// noteDepartures stores the users that left the directory, and records a mass change where they are
// too many.
func (c Contents) noteDepartures(ctx context.Context, left []Departure) error {
	return c.tx(ctx, func(c Contents) error {
		d, err := c.org.lockDirectory(ctx, c.id, tenant.ToChange)
		if err != nil {
			return err
		}
		last := map[string]Departure{} // by user: one statement may not change a row twice
		var until model.Time
		for _, l := range left {
			last[l.UserID], until = l, max(until, l.DepartedAt)
		}
		rows := make([]Departure, 0, len(last))
		for _, id := range tenant.SortedKeys(last) {
			rows = append(rows, last[id])
		}
		again := clause.OnConflict{Columns: []clause.Column{{Name: "directory_id"}, {Name: "user_id"}},
			DoUpdates: clause.AssignmentColumns([]string{"departed_at"})}
		err = tenant.DB(ctx, c.org).Clauses(again).
			CreateInBatches(rows, tenant.DialectOf(c.org).Batch(4)).Error
		if err != nil {
			return fmt.Errorf("note departures: %w", err)
		}
		mass := &d.MassChange
		if mass.At != nil && until < *mass.At+mass.window() {
			return nil // there was an alert in this window
		}
		departed, of, err := c.departed(ctx, until-mass.window())
		if err != nil || !mass.exceeded(departed, of) {
			return err
		}
		at := tenant.Now(c.org)
		mass.At, mass.Users, mass.Of = &at, departed, of
		err = tenant.DB(ctx, c.org).Model(&Directory{}).Where("id = ?", d.ID).UpdateColumns(map[string]any{
			"mass_change_at": at, "mass_change_users": departed, "mass_change_of": of}).Error
		if err != nil {
			return fmt.Errorf("note mass change: %w", err)
		}
		cause := fmt.Sprintf(
			"%d of %d users were deactivated or deleted within %d seconds", departed, of, mass.WindowSeconds)
		e := massChangeEvent{d.PublicForm(at), cause}
		return tenant.Record(c.org, DirectoryMassChange, e.ID, e)
	})
}

// massChangeEvent is the data of directory.mass_change.
type massChangeEvent struct {
	DirectoryObject
	Cause string `json:"cause"`
}

// departed counts the users that the directory deactivated or deleted since a time, without those
// that it has activated again, and all users that it had before.
func (c Contents) departed(ctx context.Context, since model.Time) (departed, of int64, err error) {
	left := func() *gorm.DB {
		return tenant.DB(ctx, c.org).Model(&Departure{}).
			Where("directory_id = ? AND departed_at > ?", c.id, since)
	}
	users := func() *gorm.DB {
		return tenant.DB(ctx, c.org).Model(&people.User{}).Where("active = ?", true)
	}
	var back, active int64
	if err = left().Count(&departed).Error; err == nil && departed >= fewestDepartures {
		err = users().Where("id IN (?)", left().Select("user_id")).Count(&back).Error
	}
	if err == nil && departed-back >= fewestDepartures {
		err = users().Where("directory_id = ?", c.id).Count(&active).Error
	}
	if err != nil {
		return 0, 0, fmt.Errorf("count departures: %w", err)
	}
	return departed - back, active + departed - back, nil
}
