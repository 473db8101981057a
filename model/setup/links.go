package setup

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
	"rollcall/worker"
)

// CreateLink makes a link and returns its token this once. A link without an end gets LinkTime.
func (o Org) CreateLink(ctx context.Context, f LinkFields) (l *Link, token string, err error) {
	if f.ExpiresAt == 0 {
		f.ExpiresAt = *tenant.Now(o).Later(LinkTime)
	}
	err = o.Tx(ctx, func(org Org) error {
		if _, err := organization.In(org).Organization(ctx); err != nil {
			return err
		}
		l, token, err = org.insertLink(ctx, nil, f)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	return l, token, nil
}

// HandOn makes a child of a link, for some of its scopes, and returns its token this once. It ends
// after a week, or with its parent. A child has no children.
func (o Org) HandOn(
	ctx context.Context, parentID string, scopes []Scope, note string,
) (l *Link, token string, err error) {
	err = o.Tx(ctx, func(org Org) error {
		parent, err := org.lockLink(ctx, parentID)
		if err != nil {
			return err
		}
		now := tenant.Now(org)
		switch {
		case parent.State(now) != LinkOpen:
			return errEnded()
		case parent.ParentID != nil:
			return model.Deniedf("this link was made for one step, and cannot be handed on")
		}
		for _, s := range scopes {
			if !slices.Contains(parent.Scopes, s) {
				return model.Deniedf("this link does not have the scope %.100q to hand on", string(s))
			}
		}
		if err := org.roomForChild(ctx, parent.ID); err != nil {
			return err
		}
		l, token, err = org.insertLink(ctx, &parent.ID, LinkFields{Scopes: scopes, Note: note,
			ExpiresAt: min(*now.Later(childTime), parent.ExpiresAt)})
		return err
	})
	if err != nil {
		return nil, "", err
	}
	return l, token, nil
}

const (
	mostChildren  = 20 // of a link that are open at once
	shownChildren = 40 // of a link that Children lists
)

// roomForChild refuses more open children than a link may have. The link's row is locked.
func (o Org) roomForChild(ctx context.Context, parentID string) error {
	var n int64
	err := tenant.DB(ctx, o).Model(&Link{}).Where("parent_id = ? AND revoked_at IS NULL AND finished_at IS NULL "+
		"AND expires_at > ?", parentID, tenant.Now(o)).Count(&n).Error
	if err != nil {
		return fmt.Errorf("count children of set-up link: %w", err)
	}
	if n >= mostChildren {
		return &model.Error{Kind: model.Full, Message: fmt.Sprintf("There are %d open links already that were made "+
			"of this one, and that is the limit. Revoke one that is not needed any more, and try again.", n)}
	}
	return nil
}

// insertLink stores a new link with its event.
func (o Org) insertLink(ctx context.Context, parent *string, f LinkFields) (*Link, string, error) {
	if err := f.validate(tenant.Now(o)); err != nil {
		return nil, "", err
	}
	token, hash, _ := tenant.NewToken("")
	l := &Link{ID: model.NewID(), OrganizationID: o.ID, ParentID: parent, TokenHash: hash, CreatedBy: tenant.By(o),
		LinkFields: f, CreatedAt: tenant.Now(o)}
	if err := tenant.DB(ctx, o).Create(l).Error; err != nil {
		return nil, "", fmt.Errorf("create set-up link: %w", err)
	}
	return l, token, o.record(LinkCreated, l)
}

// record records an event about a link.
func (o Org) record(what model.EventType, l *Link) error {
	return tenant.Record(o, what, LinkPrefix.ID(l.ID), l.PublicForm(tenant.Now(o)))
}

// Links lists the organization's links with their visits.
func (o Org) Links(ctx context.Context, p model.Page) ([]Link, model.PageInfo, error) {
	links, info, err := tenant.Paged(o, tenant.Read(ctx, o), p, func(l Link) string { return l.ID })
	if err != nil || len(links) == 0 {
		return links, info, err
	}
	return links, info, o.fillVisits(ctx, links)
}

// Children lists the links that were made of a link, newest first: all that are open, and some that
// have ended.
func (o Org) Children(ctx context.Context, parentID string) ([]Link, error) {
	var links []Link
	openFirst := "CASE WHEN revoked_at IS NULL AND finished_at IS NULL THEN expires_at ELSE 0 END DESC, id DESC"
	err := tenant.Read(ctx, o).Where("parent_id = ?", parentID).Order(openFirst).Limit(shownChildren).
		Find(&links).Error
	if err != nil {
		return nil, tenant.Translate(o, fmt.Errorf("read children of set-up link: %w", err))
	}
	slices.SortFunc(links, func(a, b Link) int { return strings.Compare(b.ID, a.ID) })
	return links, o.fillVisits(ctx, links)
}

// fillVisits reads the visits of links, newest first.
func (o Org) fillVisits(ctx context.Context, links []Link) error {
	of := map[string]*Link{}
	var ids []string
	for i := range links {
		of[links[i].ID], ids = &links[i], append(ids, links[i].ID)
	}
	var visits []Visit
	if err := tenant.Read(ctx, o).Where("link_id IN ?", ids).Order("id DESC").Find(&visits).Error; err != nil {
		return tenant.Translate(o, fmt.Errorf("read visits: %w", err))
	}
	for _, v := range visits {
		of[v.LinkID].Visits = append(of[v.LinkID].Visits, v)
	}
	return nil
}

// Link returns one link of the organization.
func (o Org) Link(ctx context.Context, id string) (*Link, error) {
	var l Link
	return &l, tenant.ByID(o, tenant.Read(ctx, o), &l, "set-up link", id)
}

// lockLink reads a link and locks its row.
func (o Org) lockLink(ctx context.Context, id string) (*Link, error) {
	var l Link
	if err := tenant.ByID(o, tenant.ForChange(o, tenant.DB(ctx, o), id), &l, "set-up link", id); err != nil {
		return nil, err
	}
	return &l, nil
}

// RevokeLink ends a link at once, with its children and for the browsers that have used it. A link
// that has ended stays as it is.
func (o Org) RevokeLink(ctx context.Context, id string) (*Link, error) {
	return o.endLink(ctx, id, LinkRevoked)
}

// FinishLink ends a link because its visitor said that all is done.
func (o Org) FinishLink(ctx context.Context, id string) (*Link, error) {
	return o.endLink(ctx, id, LinkFinished)
}

func (o Org) endLink(ctx context.Context, id string, as LinkState) (l *Link, err error) {
	err = o.Tx(ctx, func(org Org) error {
		if l, err = org.lockLink(ctx, id); err != nil {
			return err
		}
		now := tenant.Now(org)
		if l.State(now) != LinkOpen {
			return nil
		}
		column := "revoked_at"
		if l.RevokedAt = &now; as == LinkFinished {
			l.RevokedAt, l.FinishedAt, column = nil, &now, "finished_at"
		}
		row := tenant.DB(ctx, org).Model(&Link{}).Where("id = ?", id)
		if err := row.UpdateColumn(column, now).Error; err != nil {
			return fmt.Errorf("end set-up link: %w", err)
		}
		return org.record(LinkWithdrawn, l)
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

// LinkByToken returns the link of a token, whatever its state, with its parent where it has one. It
// answers NotFound for a token that is not known. It writes nothing.
func (s Store) LinkByToken(ctx context.Context, token string) (l, parent *Link, err error) {
	var found Link
	r := across.Read(ctx, s).Where("token_hash = ?", tenant.HashToken(token)).Limit(1).Find(&found)
	if r.Error != nil {
		return nil, nil, tenant.Translate(s, fmt.Errorf("read set-up link: %w", r.Error))
	}
	if r.RowsAffected == 0 {
		return nil, nil, model.NotFoundf(
			"This set-up link is not known: it may be cut off, or its organization is gone.")
	}
	parent, err = s.parentOf(ctx, &found)
	return &found, parent, err
}

// parentOf returns the parent of a link, nil for one that has none.
func (s Store) parentOf(ctx context.Context, l *Link) (*Link, error) {
	if l.ParentID == nil {
		return nil, nil
	}
	return In(s.Org(l.OrganizationID, model.System)).Link(ctx, *l.ParentID)
}

// StateOf returns the state of a link that has a parent or nil: a child ends with its parent.
func StateOf(l, parent *Link, now model.Time) LinkState {
	if state := l.State(now); state != LinkOpen || parent == nil {
		return state
	}
	return parent.State(now)
}

func errEnded() error { return model.Deniedf("this set-up link has ended") }

const (
	expiryEvery = time.Minute // the pause between two looks for links that have expired
	expiryPage  = 100
)

// ExpiryWatch records the end of links that have expired.
type ExpiryWatch struct{ store Store }

// NewExpiryWatch returns the ExpiryWatch of a store.
func NewExpiryWatch(s Store) *ExpiryWatch { return &ExpiryWatch{s} }

// Run records ends until ctx ends. It logs an error and tries again later.
func (w *ExpiryWatch) Run(ctx context.Context) error {
	round := func(ctx context.Context) (more bool, err error) {
		n, err := w.RunOnce(ctx)
		return n == expiryPage, err
	}
	log := tenant.Log(w.store)
	return worker.Every(ctx, expiryEvery, log, "ends of set-up links not recorded", round)
}

// RunOnce records the end of one page of links, and returns how many it found. Any number of
// replicas may run it.
func (w *ExpiryWatch) RunOnce(ctx context.Context) (int, error) {
	var ended []Link
	err := across.Read(ctx, w.store).Where("expires_at <= ? AND expired_at IS NULL", model.TimeOf(w.store.Now())).
		Order("expires_at, id").Limit(expiryPage).Find(&ended).Error
	if err != nil {
		return 0, tenant.Translate(w.store, fmt.Errorf("read set-up links: %w", err))
	}
	for i := range ended {
		err := In(w.store.Org(ended[i].OrganizationID, model.System)).expire(ctx, ended[i].ID)
		if err != nil && model.KindOf(err) != model.NotFound {
			return 0, err
		}
	}
	return len(ended), nil
}

// expire notes that a link has expired. There is no event for a link that had ended before, by
// itself or with its parent.
func (o Org) expire(ctx context.Context, id string) error {
	return o.Tx(ctx, func(org Org) error {
		l, err := org.lockLink(ctx, id)
		if err != nil || l.ExpiredAt != nil {
			return err
		}
		now := tenant.Now(org)
		row := tenant.DB(ctx, org).Model(&Link{}).Where("id = ?", id)
		if err := row.UpdateColumn("expired_at", now).Error; err != nil {
			return fmt.Errorf("expire set-up link: %w", err)
		}
		parent := &Link{}
		if l.ParentID != nil {
			if parent, err = org.Link(ctx, *l.ParentID); err != nil {
				return err
			}
		}
		if l.State(now) != LinkExpired || parent.RevokedAt != nil || parent.FinishedAt != nil {
			return nil
		}
		return org.record(LinkEnded, l)
	})
}
