package tenant

import (
	"context"
	"fmt"
)

// CustomPlans has PostgreSQL plan each statement of the transaction for itself. A plan that it kept
// from when a table was almost empty reads the table from end to end. It would use that plan for
// each batch of a table that the batches fill, until the next ANALYZE.
func CustomPlans(ctx context.Context, h Bound) error {
	o := h.org()
	if o.store.dialect != PostgresDialect {
		return nil
	}
	err := o.unbounded(ctx).Exec("SET LOCAL plan_cache_mode = force_custom_plan").Error
	if err != nil {
		return fmt.Errorf("custom plans: %w", err)
	}
	return nil
}

// ComparingTables runs fn while PostgreSQL plans for comparing whole tables. Its estimate of the
// rules' own tables is far too small, and a loop over an index for each of a hundred thousand users
// takes longer than reading both tables once. Without such loops the estimated cost is so high that
// it would JIT-compile every statement, so that JIT is off.
//
// Afterwards the transaction, which may have begun before, has its old settings again. When fn
// fails they remain, because nothing can follow in the transaction.
func ComparingTables(ctx context.Context, h Bound, fn func() error) error {
	db := h.org().unbounded(ctx)
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
