package entitle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	"gorm.io/gorm"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/worker"
)

// Recomputer carries out changes of the rules: for everybody whom a change
// reaches it makes what they have what the rules grant, first what goes and then
// what comes, so that seats are given back before they are taken.
//
// It finds them by one statement, and recomputes some at a time, each time in a
// transaction of its own, which locks these users and nobody else. Any number of
// replicas may run it: an organization is the work of one at a time, and when
// that one ends the next begins with what is left.
type Recomputer struct{ store Store }

// NewRecomputer makes the recomputer of a store.
func NewRecomputer(s Store) *Recomputer { return &Recomputer{s} }

const (
	recomputeEvery = 500 * time.Millisecond
	// recomputeBatch is how many users one transaction locks: their logins wait for it.
	recomputeBatch = 200
	recomputeLease = 30 * time.Second
	// recomputeRounds are how often what is left is looked for. One round does it, unless users change
	// in between.
	recomputeRounds = 5
	// clockSkew is how far the clocks of two replicas may be apart.
	clockSkew = time.Minute
)

// Run works until ctx ends. What fails is tried again with the next round.
//
// A round may take minutes. Meanwhile this replica must learn all the same which
// other organizations have got rules: until it does, whom it changes there keeps
// what they had.
func (r *Recomputer) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		round := func(ctx context.Context) (more bool, err error) {
			return false, r.store.LearnRules(ctx)
		}
		return worker.Every(ctx, recomputeEvery, tenant.Log(r.store), "rules not looked for", round)
	})
	g.Go(func() error {
		round := func(ctx context.Context) (more bool, err error) {
			_, err = r.carryOutDue(ctx)
			return false, err
		}
		return worker.Every(ctx, recomputeEvery, tenant.Log(r.store), "users not recomputed", round)
	})
	return g.Wait()
}

// RunOnce learns which organizations have got rules, carries out what is due, and
// tells how many changes of users that was.
func (r *Recomputer) RunOnce(ctx context.Context) (n int, err error) {
	if err := r.store.LearnRules(ctx); err != nil {
		return 0, err
	}
	return r.carryOutDue(ctx)
}

func (r *Recomputer) carryOutDue(ctx context.Context) (n int, err error) {
	due, err := r.store.dueRecomputes(ctx)
	if err != nil {
		return 0, err
	}
	for i := range due {
		org := In(r.store.Org(due[i].OrganizationID, model.System))
		mine, err := org.claim(ctx, &due[i])
		if err != nil {
			return n, err
		}
		if !mine {
			continue
		}
		done, err := org.carryOut(ctx, &due[i])
		n += done
		if err != nil && !errors.Is(err, errSuperseded) {
			return n, err
		}
	}
	return n, nil
}

// errSuperseded is what a worker gets whose work was begun anew: the rules were changed again.
var errSuperseded = errors.New("another recomputation was requested")

// claim takes an organization's recomputation, unless somebody else has.
func (o Org) claim(ctx context.Context, job *Recompute) (mine bool, err error) {
	job.Holder = model.NewID()
	now := tenant.Now(o)
	r := tenant.DB(o).WithContext(ctx).Model(&Recompute{}).
		Where("version = ? AND state <> ? AND due_at <= ? AND lease_until <= ?", job.Version, RecomputeDone, now, now).
		UpdateColumns(map[string]any{"holder": job.Holder, "lease_until": now + model.Time(recomputeLease.Milliseconds()),
			"started_at": gorm.Expr("COALESCE(started_at, ?)", now), "updated_at": now})
	if r.Error != nil {
		return false, tenant.Translate(o, fmt.Errorf("claim recomputation: %w", r.Error))
	}
	return r.RowsAffected == 1, nil
}

// carryOut recomputes everybody who has not what the rules grant, until there is nobody.
func (o Org) carryOut(ctx context.Context, job *Recompute) (n int, err error) {
	for range recomputeRounds {
		removing, granting, err := o.whomItReaches(ctx)
		if err != nil {
			return n, err
		}
		if len(removing)+len(granting) == 0 {
			break
		}
		job.Total = job.Done + int64(len(removing)+len(granting))
		for _, phase := range []struct {
			state RecomputeState
			users []string
		}{{RecomputeRemoving, removing}, {RecomputeGranting, granting}} {
			job.State = phase.state
			for len(phase.users) > 0 {
				some := phase.users[:min(recomputeBatch, len(phase.users))]
				phase.users = phase.users[len(some):]
				if err := o.recomputeSome(ctx, job, some); err != nil {
					return n, err
				}
				n += len(some)
			}
		}
	}
	finished := tenant.Now(o)
	job.State, job.FinishedAt, job.LeaseUntil = RecomputeDone, &finished, 0
	return n, tenant.Translate(o, o.noteProgress(ctx, job))
}

// whomItReaches are the users who have something that the rules do not grant, and
// those who have not all that they grant.
func (o Org) whomItReaches(ctx context.Context) (removing, granting []string, err error) {
	r, err := o.readRules(ctx)
	if err != nil {
		return nil, nil, err
	}
	add := func(to []string, id string) []string {
		if len(to) > 0 && to[len(to)-1] == id {
			return to
		}
		return append(to, id)
	}
	err = o.differences(ctx, r, func(d difference) {
		if d.gain {
			granting = add(granting, d.user)
		} else {
			removing = add(removing, d.user)
		}
	})
	return removing, granting, err
}

// recomputeSome recomputes some users in one transaction with the progress.
func (o Org) recomputeSome(ctx context.Context, job *Recompute, users []string) error {
	done := job.Done
	return o.change(ctx, func(org Org) error {
		if err := tenant.CustomPlans(ctx, org); err != nil {
			return err
		}
		if _, err := org.recompute(ctx, users, recomputing{cause: tenant.CauseConfiguration, removals: job.State == RecomputeRemoving}); err != nil {
			return err
		}
		job.Done = done + int64(len(users))
		job.LeaseUntil = tenant.Now(org) + model.Time(recomputeLease.Milliseconds())
		return org.noteProgress(ctx, job)
	})
}

// noteProgress writes how far a recomputation has come, unless the rules have changed since.
func (o Org) noteProgress(ctx context.Context, job *Recompute) error {
	r := tenant.DB(o).WithContext(ctx).Model(&Recompute{}).Where("version = ? AND holder = ?", job.Version, job.Holder).
		UpdateColumns(map[string]any{"state": job.State, "total": job.Total, "done": job.Done, "lease_until": job.LeaseUntil,
			"finished_at": job.FinishedAt, "updated_at": tenant.Now(o)})
	if r.Error != nil {
		return fmt.Errorf("note progress: %w", r.Error)
	}
	if r.RowsAffected == 0 {
		return errSuperseded
	}
	return nil
}

// RecomputeObject is the public form of a Recompute.
type RecomputeObject struct {
	Object         string         `json:"object"`
	OrganizationID string         `json:"organization_id"`
	State          RecomputeState `json:"state"`
	Total          int64          `json:"total"` // changes of users that are known to be due
	Done           int64          `json:"done"`
	RequestedAt    model.Time     `json:"requested_at"`
	StartedAt      *model.Time    `json:"started_at"`
	FinishedAt     *model.Time    `json:"finished_at"`
}

// PublicForm returns the object that the API shows.
func (r *Recompute) PublicForm() RecomputeObject {
	return RecomputeObject{"recompute", model.OrganizationPrefix.ID(string(r.OrganizationID)), r.State, r.Total, r.Done,
		r.RequestedAt, r.StartedAt, r.FinishedAt}
}
