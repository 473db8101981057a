package entitle

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/internal/tenant"
	"rollcall/model/people"
)

// AffectsGroups tells the transaction that it changes something for all users in the directory
// groups, directly or by way of other groups. SettleEntitlements recomputes them.
func (o Inner) AffectsGroups(ctx context.Context, groupIDs ...string) error {
	if !tenant.AffectsAnything(o) {
		return nil
	}
	ids, err := o.usersBelow(ctx, recomputedInOneTx+1, groupIDs...)
	tenant.Affects(o, tenant.CauseDirectory, ids...)
	return err
}

// usersBelow returns the ids of at most limit users who are in one of the directory groups,
// directly or by way of other groups.
func (o Org) usersBelow(ctx context.Context, limit int, groupIDs ...string) ([]string, error) {
	condition, list, err := tenant.OneOfIDs(o, groupIDs)
	if err != nil || len(groupIDs) == 0 {
		return nil, err
	}
	var ids []string
	members := `WITH RECURSIVE below (id) AS (
			SELECT g.id FROM directory_groups g WHERE g.organization_id = ? AND g.id` + condition + `
			UNION SELECT n.member_id FROM directory_group_groups n
				JOIN below ON n.group_id = below.id WHERE n.organization_id = ?)
		SELECT m.user_id FROM directory_group_members m
			JOIN below ON m.group_id = below.id WHERE m.organization_id = ?`
	err = tenant.Read(ctx, o).Model(&people.User{}).Where("users.id IN ("+members+")", o.ID, list, o.ID, o.ID).
		Limit(limit).Pluck("users.id", &ids).Error
	if err != nil {
		return nil, tenant.Translate(o, fmt.Errorf("read users of groups: %w", err))
	}
	return ids, nil
}

// recomputedInOneTx is how many users a transaction recomputes at its end. More than that it leaves
// to the worker.
const recomputedInOneTx = 500

// SettleEntitlements is the last step of a transaction. It recomputes the users that the
// transaction affected, and requests the worker where it affected everybody.
func (o Inner) SettleEntitlements(ctx context.Context) error {
	due := tenant.Affected(o)
	if len(due.Users) > recomputedInOneTx {
		due.Everybody = true
	} else if len(due.Users) > 0 {
		of := map[tenant.Cause][]string{}
		for id, cause := range due.Users {
			of[cause] = append(of[cause], id)
		}
		for _, cause := range slices.Sorted(maps.Keys(of)) {
			if _, err := o.recompute(ctx, of[cause], recomputeMode{cause: cause}); err != nil {
				return err
			}
		}
	}
	if due.Reconfigured || due.Everybody {
		return o.requestRecompute(ctx)
	}
	return nil
}

// rulesKnownAfter is how long the worker waits after a change of the rules, in milliseconds. By
// then every replica knows that the organization has rules. A replica that does not know it yet
// changes users without recomputing them, and the worker finds these users too.
const rulesKnownAfter model.Time = 2000

// requestRecompute raises the version of the rules and requests the worker. It is a transaction's
// last write, because its row is the last one in the order of locks.
func (o Org) requestRecompute(ctx context.Context) error {
	now := tenant.Now(o)
	row := Recompute{Version: 1, State: RecomputePending, DueAt: now, RequestedAt: now, UpdatedAt: now}
	if tenant.Reconfigured(o) {
		row.DueAt += rulesKnownAfter
	}
	again := clause.Assignments(map[string]any{
		"version": gorm.Expr("recomputes.version + 1"), "state": row.State, "total": 0, "done": 0,
		"holder": "", "lease_until": 0,
		// A later moment stays: replicas may not know the rules before.
		"due_at": gorm.Expr("CASE WHEN recomputes.due_at > ? THEN recomputes.due_at ELSE ? END",
			row.DueAt, row.DueAt),
		"requested_at": now, "started_at": nil, "finished_at": nil, "updated_at": now,
	})
	err := tenant.DB(ctx, o).Clauses(
		clause.OnConflict{Columns: []clause.Column{{Name: "organization_id"}}, DoUpdates: again},
		clause.Returning{Columns: []clause.Column{{Name: "version"}}},
	).Create(&row).Error
	if err != nil {
		return fmt.Errorf("request recomputation: %w", err)
	}
	tenant.Committed(o, func() { tenant.RuledOf(o).Note(o.ID, row.Version) })
	return nil
}

// EntitleSignedIn writes which connection a user signs in by, and recomputes what the user has. It
// answers *refusal.Error when the user gets no seat in any account.
func (o Inner) EntitleSignedIn(ctx context.Context, c *connection.Connection, u *people.User) error {
	if u.ConnectionID == nil || *u.ConnectionID != c.ID {
		u.ConnectionID = &c.ID
		err := tenant.DB(ctx, o).Model(&people.User{}).Where("id = ?", u.ID).UpdateColumn("connection_id", c.ID).Error
		if err != nil {
			return fmt.Errorf("note connection: %w", err)
		}
	}
	if !tenant.HasRules(o) {
		return nil
	}
	changed, err := o.recompute(ctx, []string{u.ID}, recomputeMode{cause: tenant.CauseSignOn, signOn: true})
	if err != nil || changed == 0 {
		return err
	}
	after, err := people.Inside(tenant.Inside(o)).FindUser(ctx, u.ID, false)
	if err == nil {
		*u = *after // the session begins with this role and this epoch
	}
	return err
}
