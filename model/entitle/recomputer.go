package entitle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	"gorm.io/gorm"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
	"rollcall/worker"
)

// RecomputeState says how far the last change of an organization's rules has been carried out.
type RecomputeState string

// The states of a Recompute, in their order.
const (
	RecomputePending  RecomputeState = "pending"
	RecomputeRemoving RecomputeState = "removing"
	RecomputeGranting RecomputeState = "granting"
	RecomputeDone     RecomputeState = "done"
)

// Recompute is the worker's task of carrying out the last change of an organization's rules, and
// its progress.
type Recompute struct {
	OrganizationID model.OrganizationID `gorm:"primaryKey;<-:create"`
	Version        int64                // grows with each change
	State          RecomputeState
	Total          int64 // how many changes of users are known to be due
	Done           int64
	Holder         string // the worker that has claimed it, until LeaseUntil
	LeaseUntil     model.Time
	DueAt          model.Time
	RequestedAt    model.Time
	StartedAt      *model.Time
	FinishedAt     *model.Time
	UpdatedAt      model.Time `gorm:"autoUpdateTime:false"`
}

// Recompute returns how far the last change of the rules has been carried out. It answers NotFound
// for an organization that never had rules.
func (o Org) Recompute(ctx context.Context) (*Recompute, error) {
	var rows []Recompute
	if err := tenant.Read(ctx, o).Limit(1).Find(&rows).Error; err != nil {
		return nil, tenant.Translate(o, fmt.Errorf("read recomputation: %w", err))
	}
	if len(rows) == 0 {
		return nil, model.NotFoundf("the organization has no accounts and no mappings, " +
			"so that nothing was ever recomputed")
	}
	return &rows[0], nil
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

// Recomputer is the worker that carries out changes of the rules. It gives the users exactly what
// the new rules grant. It takes away first and grants afterwards, so that seats are given back
// before they are taken.
//
// It finds the users to change by one statement, and recomputes some of them at a time. Each time
// is a transaction of its own, which locks only these users. Any number of replicas may run it:
// only one at a time works on an organization, and when that one ends, another goes on with the
// rest.
type Recomputer struct{ store Store }

// NewRecomputer returns the recomputer of a store.
func NewRecomputer(s Store) *Recomputer { return &Recomputer{s} }

const (
	recomputeEvery = 500 * time.Millisecond
	// recomputeBatch is how many users one transaction locks. Their logins wait for it.
	recomputeBatch = 200
	// recomputeLease is how long a worker has for one step: after it, another worker takes over. So
	// no step may take longer, and a round of many steps has no limit of its own.
	recomputeLease = 30 * time.Second
	// recomputeRounds is how often the worker looks for users to change. One round is enough,
	// unless users change meanwhile.
	recomputeRounds = 5
	// clockSkew is how far the clocks of two replicas may be apart.
	clockSkew = time.Minute
)

// dueAtOnce is how many organizations one round of the worker reads.
const dueAtOnce = 20

// Run works until ctx ends. The next round tries again what failed.
//
// A round may take minutes. Meanwhile the replica still learns, in a loop of its own, which other
// organizations have got rules: until it knows that, it does not recompute the users that it
// changes there.
func (r *Recomputer) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		round := func(ctx context.Context) (more bool, err error) {
			return false, r.store.inner().LearnRules(ctx)
		}
		return worker.Every(ctx, recomputeEvery, tenant.Log(r.store), "rules not looked for", round)
	})
	g.Go(func() error {
		round := func(ctx context.Context) (more bool, err error) {
			_, err = r.carryOutDue(ctx)
			return false, err
		}
		log := tenant.Log(r.store)
		return worker.EveryWithin(ctx, recomputeEvery, worker.NoLimit, log, "users not recomputed", round)
	})
	return g.Wait()
}

// RunOnce learns which organizations have got rules, carries out what is due, and returns how many
// changes of users that was.
func (r *Recomputer) RunOnce(ctx context.Context) (n int, err error) {
	if err := r.store.inner().LearnRules(ctx); err != nil {
		return 0, err
	}
	return r.carryOutDue(ctx)
}

// carryOutDue carries out what is due, for the organizations that no other replica works on.
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

// LearnRules reads which organizations have got rules since the last call. Transactions recompute
// users only in organizations that are known to have rules.
func (s InnerStore) LearnRules(ctx context.Context) error {
	since := tenant.RuledOf(s).Since()
	var recent []Recompute
	err := across.Read(ctx, s.Store).Select("organization_id", "version", "updated_at").
		Where("updated_at >= ?", since-model.Time(clockSkew.Milliseconds())).Find(&recent).Error
	if err != nil {
		return tenant.Translate(s, fmt.Errorf("read recomputations: %w", err))
	}
	for _, r := range recent {
		tenant.RuledOf(s).Note(r.OrganizationID, r.Version)
		since = max(since, r.UpdatedAt)
	}
	tenant.RuledOf(s).Saw(since)
	return nil
}

// dueRecomputes returns tasks that are due and that no worker has claimed.
func (s Store) dueRecomputes(ctx context.Context) (due []Recompute, err error) {
	ctx, cancel := recomputeStep(ctx)
	defer cancel()
	now := model.TimeOf(s.Now())
	// The state is no parameter, so that the partial index can be used.
	err = across.Read(ctx, s).Where("state <> 'done' AND due_at <= ? AND lease_until <= ?", now, now).
		Order("due_at, organization_id").Limit(dueAtOnce).Find(&due).Error
	if err != nil {
		return nil, tenant.Translate(s, fmt.Errorf("read due recomputations: %w", err))
	}
	return due, nil
}

// recomputeStep is the context of one step.
func recomputeStep(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, recomputeLease)
}

// errSuperseded ends the work on a task when the rules were changed again.
var errSuperseded = errors.New("another recomputation was requested")

// claim takes an organization's task for this worker, unless another worker has it.
func (o Org) claim(ctx context.Context, job *Recompute) (mine bool, err error) {
	ctx, cancel := recomputeStep(ctx)
	defer cancel()
	job.Holder = model.NewID()
	now := tenant.Now(o)
	r := tenant.DB(ctx, o).Model(&Recompute{}).
		Where("version = ? AND state <> ? AND due_at <= ? AND lease_until <= ?", job.Version, RecomputeDone, now, now).
		UpdateColumns(map[string]any{
			"holder": job.Holder, "lease_until": now + model.Time(recomputeLease.Milliseconds()),
			"started_at": gorm.Expr("COALESCE(started_at, ?)", now), "updated_at": now,
		})
	if r.Error != nil {
		return false, tenant.Translate(o, fmt.Errorf("claim recomputation: %w", r.Error))
	}
	return r.RowsAffected == 1, nil
}

// carryOut recomputes the users who do not have what the rules grant, until there are none.
func (o Org) carryOut(ctx context.Context, job *Recompute) (n int, err error) {
	for range recomputeRounds {
		removing, granting, err := o.usersToChange(ctx)
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
	return n, tenant.Translate(o, o.writeProgress(ctx, job))
}

// usersToChange returns the users who have something that the rules do not grant, and those who do
// not have all that the rules grant.
func (o Org) usersToChange(ctx context.Context) (removing, granting []string, err error) {
	ctx, cancel := recomputeStep(ctx)
	defer cancel()
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
	err = o.eachDifference(ctx, r, func(d difference) {
		if d.gain {
			granting = add(granting, d.user)
		} else {
			removing = add(removing, d.user)
		}
	})
	return removing, granting, err
}

// recomputeSome recomputes some users and writes the progress, in one transaction.
func (o Org) recomputeSome(ctx context.Context, job *Recompute, users []string) error {
	ctx, cancel := recomputeStep(ctx)
	defer cancel()
	done := job.Done
	return o.change(ctx, func(org Org) error {
		if err := tenant.CustomPlans(ctx, org); err != nil {
			return err
		}
		how := recomputeMode{cause: tenant.CauseConfiguration, removals: job.State == RecomputeRemoving}
		if _, err := org.recompute(ctx, users, how); err != nil {
			return err
		}
		job.Done = done + int64(len(users))
		job.LeaseUntil = tenant.Now(org) + model.Time(recomputeLease.Milliseconds())
		return org.writeProgress(ctx, job)
	})
}

// writeProgress writes how far a task is done. It answers errSuperseded where the rules were
// changed since.
func (o Org) writeProgress(ctx context.Context, job *Recompute) error {
	ctx, cancel := recomputeStep(ctx)
	defer cancel()
	r := tenant.DB(ctx, o).Model(&Recompute{}).Where("version = ? AND holder = ?", job.Version, job.Holder).
		UpdateColumns(map[string]any{
			"state": job.State, "total": job.Total, "done": job.Done, "lease_until": job.LeaseUntil,
			"finished_at": job.FinishedAt, "updated_at": tenant.Now(o),
		})
	if r.Error != nil {
		return fmt.Errorf("note progress: %w", r.Error)
	}
	if r.RowsAffected == 0 {
		return errSuperseded
	}
	return nil
}
