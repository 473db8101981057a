package tenant

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"rollcall/model"
	"rollcall/model/internal/guard"
	"rollcall/model/internal/internal/unbounded"
)

// The questions that are asked before the organization is known, or for an
// operator who reaches them all. Nothing outside this file and migrate.go may
// look across organizations; each statement here names what bounds it.

// across returns the database without an organization.
func (s *Store) across(ctx context.Context) *gorm.DB {
	return guard.ForEveryone(s.db.WithContext(ctx), unbounded.Key{})
}

func (s *Store) readAcross(ctx context.Context) *gorm.DB {
	return guard.ForEveryone(s.read.WithContext(ctx), unbounded.Key{})
}

// unbounded is the organization's database without its predicate, for statements that name the
// organization themselves. In a transaction it is the transaction's.
func (o *Org) unbounded(ctx context.Context) *gorm.DB {
	return guard.ForEveryone(o.db.WithContext(ctx), unbounded.Key{})
}

// Across is for package across, which has the key.
func Across(ctx context.Context, h Base, _ unbounded.Key) *gorm.DB { return h.base().across(ctx) }

// ReadAcross is for package across, which has the key.
func ReadAcross(ctx context.Context, h Base, _ unbounded.Key) *gorm.DB {
	return h.base().readAcross(ctx)
}

// Unbounded is for package across, which has the key.
func Unbounded(ctx context.Context, h Bound, _ unbounded.Key) *gorm.DB {
	return h.org().unbounded(ctx)
}

// ReadUnbounded is for package across, which has the key.
func ReadUnbounded(ctx context.Context, h Bound, _ unbounded.Key) *gorm.DB {
	return guard.ForEveryone(h.org().read.WithContext(ctx), unbounded.Key{})
}

// Within limits a query to the organizations of a scope; column holds their ids.
func Within(h Base, db *gorm.DB, scope model.Scope, column string) *gorm.DB {
	if scope.All() {
		return db
	}
	return db.Where(column+" IN (SELECT organization_id FROM application_organizations WHERE application_id = ?)", scope.Application())
}

// PlanAnew has PostgreSQL plan each statement of the transaction for itself. A
// plan that was kept from when a table was all but empty reads it from end to end,
// and would, until the next ANALYZE, for each batch of a table that the batches fill.
func PlanAnew(ctx context.Context, h Bound) error {
	o := h.org()
	if o.store.dialect != PostgresDialect {
		return nil
	}
	err := o.unbounded(ctx).Exec("SET LOCAL plan_cache_mode = force_custom_plan").Error
	if err != nil {
		return fmt.Errorf("plan anew: %w", err)
	}
	return nil
}

// ComparingTables runs fn while PostgreSQL plans for comparing whole tables. Its estimate of the rules'
// own tables is far too small, and a loop over an index for each of a hundred thousand users takes longer
// than reading both tables once. Its cost estimate is then so high that it would JIT-compile every statement.
// Afterwards the transaction, which may have begun before, has the settings that it had. Where fn fails
// they stay, as nothing can follow in the transaction.
func ComparingTables(ctx context.Context, h Bound, fn func() error) error {
	o := h.org()
	db := o.unbounded(ctx)
	var before struct{ Plans, Loops, Memory, JIT string }
	err := db.Raw("SELECT current_setting('plan_cache_mode') AS plans, current_setting('enable_nestloop') AS loops, " +
		"current_setting('work_mem') AS memory, current_setting('jit') AS jit").Scan(&before).Error
	set := func(plans, loops, memory, jit string) error {
		return db.Exec("SELECT set_config('plan_cache_mode', ?, true), set_config('enable_nestloop', ?, true), "+
			"set_config('work_mem', ?, true), set_config('jit', ?, true)", plans, loops, memory, jit).Error
	}
	if err == nil {
		err = set("force_custom_plan", "off", "32MB", "off")
	}
	if err != nil {
		return fmt.Errorf("plan comparison: %w", err)
	}
	if err := fn(); err != nil {
		return err
	}
	if err := set(before.Plans, before.Loops, before.Memory, before.JIT); err != nil {
		return fmt.Errorf("end comparison: %w", err)
	}
	return nil
}
