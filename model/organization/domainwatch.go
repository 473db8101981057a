package organization

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
	"rollcall/worker"
)

const (
	watchEvery  = 15 * time.Second // the pause where nothing is due
	watchPage   = 100              // domains that are checked in one round
	lookTime    = 10 * time.Second // for one look at DNS
	looksAtOnce = 8
	// leaseTime is how long a replica has for a domain that it has taken: one that ended meanwhile
	// must not keep it.
	leaseTime = 10 * time.Minute
	// staleContest is how long a notice is kept past its end while nobody claims the domain any more.
	staleContest = 2 * 24 * time.Hour
)

// DomainWatch checks the DNS records of domains: of the pending ones in growing
// pauses until they are proven or their time is over, of the proven ones weekly.
//
// Any number of replicas may run it: of those that see a domain due one takes it.
type DomainWatch struct {
	store  Store
	lookup LookupTXT
}

// NewDomainWatch makes the watch of a store.
func NewDomainWatch(s Store, lookup LookupTXT) *DomainWatch { return &DomainWatch{s, lookup} }

// Run checks until ctx ends. What fails is tried again later.
func (w *DomainWatch) Run(ctx context.Context) error {
	round := func(ctx context.Context) (more bool, err error) {
		n, err := w.RunOnce(ctx)
		return n == watchPage, err
	}
	return worker.Every(ctx, watchEvery, tenant.Log(w.store), "domains not watched", round)
}

// RunOnce checks the domains that are due and returns how many they were.
func (w *DomainWatch) RunOnce(ctx context.Context) (int, error) {
	if err := w.endStaleContests(ctx); err != nil {
		return 0, err
	}
	var due []Domain
	err := across.Read(ctx, w.store).Where("next_check_at <= ? AND state IN ?", model.TimeOf(w.store.Now()),
		[]DomainState{DomainStatePending, DomainStateVerified}).Order("next_check_at, id").Limit(watchPage).Find(&due).Error
	if err != nil {
		return 0, tenant.Translate(w.store, fmt.Errorf("read domains: %w", err))
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(looksAtOnce)
	for _, d := range due {
		g.Go(func() error {
			mine, err := w.take(ctx, &d)
			if err != nil || !mine {
				return err
			}
			_, err = w.check(ctx, In(w.store.Org(d.OrganizationID, model.System)), &d)
			if model.KindOf(err) == model.NotFound || model.KindOf(err) == model.Conflict { // deleted meanwhile, or somebody else was first: the next look tells
				return nil
			}
			return err
		})
	}
	return len(due), g.Wait()
}

// take keeps other replicas from a domain that is due, and tells whether none was first.
func (w *DomainWatch) take(ctx context.Context, d *Domain) (bool, error) {
	r := tenant.DB(w.store.Org(d.OrganizationID, model.System)).WithContext(ctx).Model(&Domain{}).Where("id = ? AND next_check_at = ?", d.ID, *d.NextCheckAt).
		UpdateColumn("next_check_at", model.TimeOf(w.store.Now()).Later(leaseTime))
	if r.Error != nil {
		return false, tenant.Translate(w.store, fmt.Errorf("take domain: %w", r.Error))
	}
	return r.RowsAffected == 1, nil
}

// Check looks at DNS now and changes the domain by what it finds. A domain that
// failed is claimed anew. It answers NotFound when there is no such domain.
func (w *DomainWatch) Check(ctx context.Context, org Org, id string) (*Domain, error) {
	d, err := org.Domain(ctx, id)
	if err != nil {
		return nil, err
	}
	return w.check(ctx, org, d)
}

// check asks DNS outside of any transaction: its answer may take long.
func (w *DomainWatch) check(ctx context.Context, org Org, d *Domain) (*Domain, error) {
	looking, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	found, err := d.look(looking, w.lookup)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		tenant.Log(w.store).InfoContext(ctx, "domain not checked", "domain", model.OrganizationDomainPrefix.ID(d.ID), "error", err)
	}
	return org.noteFinding(ctx, d.ID, found)
}

// endStaleContests ends the notices of those who claim a domain no more: their organization is gone.
func (w *DomainWatch) endStaleContests(ctx context.Context) error {
	var stale []Domain
	before := model.TimeOf(w.store.Now()) - model.Time(staleContest.Milliseconds())
	claims := across.Read(ctx, w.store).Model(&Domain{}).Select("id").Where("proven_at IS NOT NULL")
	err := across.Read(ctx, w.store).Where("contested_until < ? AND contested_by NOT IN (?)", before, claims).Limit(watchPage).Find(&stale).Error
	if err != nil {
		return tenant.Translate(w.store, fmt.Errorf("read notices: %w", err))
	}
	for _, s := range stale {
		err := In(w.store.Org(s.OrganizationID, model.System)).Tx(ctx, func(org Org) error {
			d, err := org.lockDomain(ctx, s.ID)
			if err != nil || d.ContestedBy != s.ContestedBy {
				return err
			}
			return org.clearContest(ctx, d)
		})
		if err != nil && model.KindOf(err) != model.NotFound {
			return err
		}
	}
	return nil
}
