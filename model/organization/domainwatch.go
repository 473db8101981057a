package organization

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
	"rollcall/worker"
)

const (
	watchEvery    = 15 * time.Second // the pause when no domain is due
	watchPage     = 100              // how many domains one round checks
	queryTime     = 10 * time.Second // for one DNS query
	queriesAtOnce = 8
	// watchTime is how long a round may take. Where DNS does not answer, the queries of a page do
	// take two minutes.
	watchTime = 3 * time.Minute
	// leaseTime is how long a replica has for a domain that it took. After it another replica takes
	// the domain, for the case that the first one has ended.
	leaseTime = 10 * time.Minute
	// staleContest is how long a contest is kept after its end when nobody claims the domain any
	// more.
	staleContest = 2 * 24 * time.Hour
)

// TXTRecords are the TXT records that DNS answers for a name. Those of an alias (CNAME) are under
// the control of whoever owns the name that it leads to.
type TXTRecords struct {
	Own   []string // of the name itself
	Alias []string // of the name that it is an alias of
}

// LookupTXT reads the TXT records of a name. It answers NotFound where DNS says that there are
// none, and another error where DNS does not answer.
type LookupTXT func(ctx context.Context, name string) (TXTRecords, error)

// DomainWatch checks the DNS records of domains: of pending ones in growing pauses until they are
// proven or fail, of proven ones each week. Any number of replicas may run it: one of them takes
// each domain that is due.
type DomainWatch struct {
	store  Store
	lookup LookupTXT
}

// NewDomainWatch returns the DomainWatch of a store.
func NewDomainWatch(s Store, lookup LookupTXT) *DomainWatch { return &DomainWatch{s, lookup} }

// Run checks domains until ctx ends. It logs an error and tries again later.
func (w *DomainWatch) Run(ctx context.Context) error {
	round := func(ctx context.Context) (more bool, err error) {
		n, err := w.RunOnce(ctx)
		return n == watchPage, err
	}
	return worker.EveryWithin(ctx, watchEvery, watchTime, tenant.Log(w.store), "domains not watched", round)
}

// RunOnce checks one page of the domains that are due, and returns how many it found.
func (w *DomainWatch) RunOnce(ctx context.Context) (int, error) {
	if err := w.endStaleContests(ctx); err != nil {
		return 0, err
	}
	var due []Domain
	checked := []DomainState{DomainStatePending, DomainStateVerified}
	err := across.Read(ctx, w.store).
		Where("next_check_at <= ? AND state IN ?", model.TimeOf(w.store.Now()), checked).
		Order("next_check_at, id").Limit(watchPage).Find(&due).Error
	if err != nil {
		return 0, tenant.Translate(w.store, fmt.Errorf("read domains: %w", err))
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(queriesAtOnce)
	for _, d := range due {
		g.Go(func() error {
			mine, err := w.take(ctx, &d)
			if err != nil || !mine {
				return err
			}
			_, err = w.check(ctx, In(w.store.Org(d.OrganizationID, model.System)), &d)
			if kind := model.KindOf(err); kind == model.NotFound || kind == model.Conflict {
				return nil // it was deleted, or another organization was first: the next check finds that
			}
			return err
		})
	}
	return len(due), g.Wait()
}

// take postpones a domain that is due by leaseTime, and tells whether this replica was the first.
func (w *DomainWatch) take(ctx context.Context, d *Domain) (bool, error) {
	r := tenant.DB(ctx, w.store.Org(d.OrganizationID, model.System)).Model(&Domain{}).
		Where("id = ? AND next_check_at = ?", d.ID, *d.NextCheckAt).
		UpdateColumn("next_check_at", model.TimeOf(w.store.Now()).Later(leaseTime))
	if r.Error != nil {
		return false, tenant.Translate(w.store, fmt.Errorf("take domain: %w", r.Error))
	}
	return r.RowsAffected == 1, nil
}

// Check queries DNS now and changes the domain by the finding. A failed domain is pending again
// first. It answers NotFound when there is no such domain.
func (w *DomainWatch) Check(ctx context.Context, org Org, id string) (*Domain, error) {
	d, err := org.Domain(ctx, id)
	if err != nil {
		return nil, err
	}
	return w.check(ctx, org, d)
}

// check queries DNS outside of any transaction, because the answer may take long.
func (w *DomainWatch) check(ctx context.Context, org Org, d *Domain) (*Domain, error) {
	limited, cancel := context.WithTimeout(ctx, queryTime)
	defer cancel()
	found, err := d.find(limited, w.lookup)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		tenant.Log(w.store).InfoContext(ctx, "domain not checked",
			"domain", model.OrganizationDomainPrefix.ID(d.ID), "error", err)
	}
	return org.noteFinding(ctx, d.ID, found)
}

// find queries a domain's DNS record. A text must equal the token: one that only contains the token
// may be a remark about it.
func (d *Domain) find(ctx context.Context, lookup LookupTXT) (DomainFinding, error) {
	texts, err := lookup(ctx, verificationPrefix+"."+d.Domain)
	switch {
	case err != nil && model.KindOf(err) != model.NotFound:
		return DomainRecordUnknown, err
	case slices.Contains(texts.Own, d.VerificationToken):
		return DomainRecordFound, nil
	case slices.Contains(texts.Alias, d.VerificationToken):
		return DomainRecordAlias, nil
	}
	return DomainRecordMissing, nil
}

// endStaleContests ends the contests whose claim is gone because its organization was deleted.
func (w *DomainWatch) endStaleContests(ctx context.Context) error {
	var stale []Domain
	before := model.TimeOf(w.store.Now()) - model.Time(staleContest.Milliseconds())
	claims := across.Read(ctx, w.store).Model(&Domain{}).Select("id").Where("proven_at IS NOT NULL")
	err := across.Read(ctx, w.store).Where("contested_until < ? AND contested_by NOT IN (?)", before, claims).
		Limit(watchPage).Find(&stale).Error
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
