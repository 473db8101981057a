package setup

import (
	"context"
	"fmt"
	"slices"
	"time"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
)

// Visit is somebody who opened a link. With a token it is a browser that may use the portal. One
// without only looked, as programs do that scan mail.
type Visit struct {
	ID             string               `gorm:"primaryKey"`
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	LinkID         string
	TokenHash      []byte
	Address        string
	Browser        string     // its family, such as Firefox
	CreatedAt      model.Time `gorm:"autoCreateTime:false"`
	UsedAt         model.Time
}

// TableName is the table of Visit.
func (Visit) TableName() string { return "setup_visits" }

const (
	// A browser's use of the portal ends after visitIdle without a request, and after visitTime in
	// any case. The link can be opened again until it ends.
	visitIdle = 2 * time.Hour
	visitTime = 12 * time.Hour
	// usedEvery is how old the stored last use of a visit may be.
	usedEvery = time.Minute
	// lookedAgain is how long a look from the same address with the same browser is the same visit.
	lookedAgain = time.Hour
	// mostVisits is how many visits of a link are kept of each kind. Whoever has a link can open it
	// as often as they like, and must not fill the database.
	mostVisits = 50
)

// Sender is who opens a link.
type Sender struct{ Address, Browser string }

// VisitObject is the public form of a Visit.
type VisitObject struct {
	Object    string     `json:"object"`
	Redeemed  bool       `json:"redeemed"`
	Address   string     `json:"address"`
	Browser   string     `json:"browser"`
	CreatedAt model.Time `json:"created_at"`
	UsedAt    model.Time `json:"used_at"`
}

// PublicForm returns the object that the API shows.
func (v *Visit) PublicForm() VisitObject {
	return VisitObject{"setup_visit", v.Redeemed(), v.Address, v.Browser, v.CreatedAt, v.UsedAt}
}

// Redeemed tells whether the visitor began to use the portal.
func (v *Visit) Redeemed() bool { return v.TokenHash != nil }

// NoteLook keeps that somebody looked at a link without using it.
func (o Org) NoteLook(ctx context.Context, linkID string, from Sender) error {
	now := tenant.Now(o)
	var looks []Visit
	err := tenant.Read(ctx, o).Where("link_id = ? AND token_hash IS NULL", linkID).Order("id DESC").
		Limit(mostVisits).Find(&looks).Error
	if err != nil {
		return tenant.Translate(o, fmt.Errorf("read visits: %w", err))
	}
	same := func(v Visit) bool {
		recent := now-v.CreatedAt < model.Time(lookedAgain.Milliseconds())
		return v.Address == from.Address && v.Browser == from.Browser && recent
	}
	if len(looks) == mostVisits || slices.ContainsFunc(looks, same) {
		return nil
	}
	return o.insertVisit(ctx, &Visit{LinkID: linkID, Address: from.Address, Browser: from.Browser})
}

// insertVisit stores a new visit.
func (o Org) insertVisit(ctx context.Context, v *Visit) error {
	v.ID, v.CreatedAt, v.UsedAt = model.NewID(), tenant.Now(o), tenant.Now(o)
	if err := tenant.DB(ctx, o).Create(v).Error; err != nil {
		return tenant.Translate(o, fmt.Errorf("create visit: %w", err))
	}
	return nil
}

// Redeem begins the use of the portal by a browser, and returns the token by which the browser is
// known from then on. It answers NotFound for a token of no link, and Denied for one that has
// ended.
func (s Store) Redeem(ctx context.Context, token string, from Sender) (l *Link, visit string, err error) {
	l, parent, err := s.LinkByToken(ctx, token)
	if err != nil {
		return nil, "", err
	}
	err = In(s.Org(l.OrganizationID, l.Actor())).Tx(ctx, func(org Org) error {
		locked, err := org.lockLink(ctx, l.ID)
		if err != nil {
			return err
		}
		if StateOf(locked, parent, tenant.Now(org)) != LinkOpen {
			return errEnded()
		}
		var hash []byte
		visit, hash, _ = tenant.NewToken("rc_sv_")
		err = org.insertVisit(ctx, &Visit{LinkID: l.ID, TokenHash: hash, Address: from.Address, Browser: from.Browser})
		if err != nil {
			return err
		}
		if err := org.forgetVisits(ctx, l.ID); err != nil {
			return err
		}
		return org.record(LinkRedeemed, locked)
	})
	if err != nil {
		return nil, "", err
	}
	return l, visit, nil
}

// forgetVisits deletes the oldest redeemed visits of a link that are too many.
func (o Org) forgetVisits(ctx context.Context, linkID string) error {
	var some []string
	err := tenant.DB(ctx, o).Model(&Visit{}).Where("link_id = ? AND token_hash IS NOT NULL", linkID).Order("id DESC").
		Offset(mostVisits).Limit(mostVisits).Pluck("id", &some).Error
	if err == nil && len(some) > 0 {
		err = tenant.DB(ctx, o).Where("id IN ?", some).Delete(&Visit{}).Error
	}
	if err != nil {
		return fmt.Errorf("forget visits: %w", err)
	}
	return nil
}

// Visitor is a browser in the portal, with the link by which it came.
type Visitor struct {
	Visit  Visit
	Link   Link
	Parent *Link // of a child link
}

// Actor is the visitor's link as the actor of events.
func (v *Visitor) Actor() model.Actor { return v.Link.Actor() }

// May tells whether the link has a scope. A child's scopes are among its parent's.
func (v *Visitor) May(scope Scope) bool { return slices.Contains(v.Link.Scopes, scope) }

// Visitor returns the visitor with a token. It answers Denied for a token that is not known, that
// was not used for too long, or whose link or parent has ended: each request asks, so that revoking
// a link ends what began with it.
func (s Store) Visitor(ctx context.Context, token string) (*Visitor, error) {
	if token == "" {
		return nil, errVisit()
	}
	now, hash := model.TimeOf(s.Now()), tenant.HashToken(token)
	ago := func(d time.Duration) model.Time { return now - model.Time(d.Milliseconds()) }
	var v Visitor
	r := across.Read(ctx, s).Where("token_hash = ? AND created_at > ? AND used_at > ?", hash, ago(visitTime),
		ago(visitIdle)).Limit(1).Find(&v.Visit)
	if r.Error != nil {
		return nil, tenant.Translate(s, fmt.Errorf("read visit: %w", r.Error))
	}
	if r.RowsAffected == 0 {
		return nil, errVisit()
	}
	org := In(s.Org(v.Visit.OrganizationID, model.System))
	l, err := org.Link(ctx, v.Visit.LinkID)
	if err != nil {
		return nil, gone(err)
	}
	v.Link = *l
	if v.Parent, err = s.parentOf(ctx, l); err != nil {
		return nil, gone(err)
	}
	if StateOf(l, v.Parent, now) != LinkOpen {
		return nil, errEnded()
	}
	if v.Visit.UsedAt <= ago(usedEvery) {
		row := tenant.DB(ctx, org).Model(&Visit{}).Where("id = ?", v.Visit.ID)
		if err := row.UpdateColumn("used_at", now).Error; err != nil {
			return nil, tenant.Translate(s, fmt.Errorf("note use of visit: %w", err))
		}
	}
	return &v, nil
}

// EndVisit ends the use of the portal by a browser. An unknown token is no error.
func (s Store) EndVisit(ctx context.Context, token string) error {
	err := across.DB(ctx, s).Where("token_hash = ?", tenant.HashToken(token)).Delete(&Visit{}).Error
	if err != nil {
		return tenant.Translate(s, fmt.Errorf("end visit: %w", err))
	}
	return nil
}

func errVisit() error {
	return model.Deniedf("nobody is here with a set-up link, or not for the last two hours; open the link again")
}

// gone turns the error for a link that was deleted since its visit was read into that for no visit.
func gone(err error) error {
	if model.KindOf(err) == model.NotFound {
		return errVisit()
	}
	return err
}
