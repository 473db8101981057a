package grant

import (
	"context"
	"fmt"
	"time"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
)

// SessionApplication is the row of an application that had a token of a session. Triggers of the
// database write it, and the rows of LogoutDelivery.
type SessionApplication struct {
	SessionID      string               `gorm:"primaryKey"`
	ApplicationID  string               `gorm:"primaryKey"`
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	ExpiresAt      model.Time
}

// LogoutDelivery is the row of an application that is to be told that a session has ended.
type LogoutDelivery struct {
	ID             string               `gorm:"primaryKey"`
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	ApplicationID  string
	SessionID      string
	UserID         string
	Attempts       int64
	NextAt         model.Time
}

// TableName returns the table of LogoutDelivery.
func (LogoutDelivery) TableName() string { return "logout_deliveries" }

// DueLogout is a delivery that this process has claimed, with its application.
type DueLogout struct {
	LogoutDelivery
	Application organization.Application
}

// LogoutUndeliverable is the event of an application that could not be told of a logout.
const LogoutUndeliverable model.EventType = "application.logout_undeliverable"

// logoutUndeliverable is its data.
type logoutUndeliverable struct {
	ApplicationID string `json:"application_id"`
	UserID        string `json:"user_id"`
	SessionID     string `json:"session_id"`
	Attempts      int64  `json:"attempts"`
	Reason        string `json:"reason"`
}

const (
	// logoutLease is how long a process has for a delivery that it claimed.
	logoutLease = 30 * time.Second
	// logoutAttempts is how often a delivery is tried, for a day in all.
	logoutAttempts = 100
)

// logoutPauses are the pauses after the first attempts. After those it is the last one.
var logoutPauses = []time.Duration{time.Second, 5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute,
	15 * time.Minute}

// ClaimLogouts claims deliveries that are due. Of several processes one gets each.
func (s Store) ClaimLogouts(ctx context.Context, limit int) ([]DueLogout, error) {
	now := model.TimeOf(s.Now())
	var rows []LogoutDelivery
	err := across.DB(ctx, s).Where("next_at <= ?", now).Order("next_at, id").Limit(limit).Find(&rows).Error
	if err != nil {
		return nil, tenant.Translate(s, fmt.Errorf("read logouts: %w", err))
	}
	var out []DueLogout
	for _, row := range rows {
		before := row.Attempts
		row.Attempts, row.NextAt = before+1, now+model.Time(logoutLease.Milliseconds())
		r := across.DB(ctx, s).Model(&LogoutDelivery{}).
			Where("id = ? AND attempts = ? AND next_at <= ?", row.ID, before, now).
			Select("Attempts", "NextAt").UpdateColumns(&row)
		if r.Error != nil {
			return nil, tenant.Translate(s, fmt.Errorf("claim logout: %w", r.Error))
		}
		if r.RowsAffected == 0 {
			continue
		}
		a, err := organization.Across(s).Application(ctx, row.ApplicationID)
		if model.KindOf(err) == model.NotFound {
			continue // deleted, and its deliveries with it
		}
		if err != nil {
			return nil, err
		}
		out = append(out, DueLogout{row, *a})
	}
	return out, nil
}

// FinishLogout ends a delivery that was made.
func (s Store) FinishLogout(ctx context.Context, d *DueLogout) error {
	if err := across.DB(ctx, s).Where("id = ?", d.ID).Delete(&LogoutDelivery{}).Error; err != nil {
		return tenant.Translate(s, fmt.Errorf("finish logout: %w", err))
	}
	return nil
}

// FailLogout notes that a delivery failed. It is tried again, unless it is final or was tried for a
// day. The other deliveries of the application wait as long, without an attempt.
func (s Store) FailLogout(ctx context.Context, d *DueLogout, reason string, final bool) error {
	if final || d.Attempts >= logoutAttempts {
		return s.giveUpLogout(ctx, d, reason)
	}
	pause := logoutPauses[min(int(d.Attempts), len(logoutPauses))-1]
	next := model.TimeOf(s.Now().Add(pause))
	err := across.DB(ctx, s).Model(&LogoutDelivery{}).
		Where("id = ? OR application_id = ? AND next_at < ?", d.ID, d.ApplicationID, next).
		UpdateColumn("next_at", next).Error
	if err != nil {
		return tenant.Translate(s, fmt.Errorf("postpone logout: %w", err))
	}
	return nil
}

// giveUpLogout removes a delivery and records that.
func (s Store) giveUpLogout(ctx context.Context, d *DueLogout, reason string) error {
	org := s.Org(d.OrganizationID, model.System)
	return org.Tx(ctx, func(org *tenant.Org) error {
		r := tenant.DB(ctx, org).Where("id = ?", d.ID).Delete(&LogoutDelivery{})
		if r.Error != nil || r.RowsAffected == 0 {
			return r.Error
		}
		id := model.ApplicationPrefix.ID(d.ApplicationID)
		return tenant.Record(org, LogoutUndeliverable, id, logoutUndeliverable{id, model.UserPrefix.ID(d.UserID),
			model.SessionPrefix.ID(d.SessionID), d.Attempts, reason})
	})
}
