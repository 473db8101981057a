package tenant

import (
	"context"
	"fmt"
	"strings"
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

// comparison are the settings under which PostgreSQL plans for comparing whole tables.
var comparison = [][2]string{
	{"plan_cache_mode", "force_custom_plan"},
	{"enable_seqscan", "on"},
	{"enable_hashjoin", "on"},
	{"enable_mergejoin", "on"},
	{"enable_nestloop", "off"},
	{"work_mem", "32MB"},
}

// ComparingTables runs fn while PostgreSQL plans for comparing whole tables, and not for a request,
// see sessionSettings. Its estimate of the rules' own tables is far too small, and a loop over an
// index for each of a hundred thousand users takes longer than reading both tables once.
//
// Afterwards the transaction, which may have begun before, has its old settings again. When fn
// fails they remain, because nothing can follow in the transaction.
func ComparingTables(ctx context.Context, h Bound, fn func() error) error {
	db := h.org().unbounded(ctx)
	read, set := make([]string, len(comparison)), make([]string, len(comparison))
	for i, c := range comparison {
		read[i] = "current_setting('" + c[0] + "')"
		set[i] = "set_config('" + c[0] + "', ?, true)"
	}
	before := make([]any, len(comparison))
	err := db.Raw("SELECT " + strings.Join(read, ", ")).Row().Scan(pointersTo(before)...)
	apply := func(values []any) error { return db.Exec("SELECT "+strings.Join(set, ", "), values...).Error }
	if err == nil {
		values := make([]any, len(comparison))
		for i, c := range comparison {
			values[i] = c[1]
		}
		err = apply(values)
	}
	if err != nil {
		return fmt.Errorf("plan comparison: %w", err)
	}
	if err := fn(); err != nil {
		return err
	}
	if err := apply(before); err != nil {
		return fmt.Errorf("end comparison: %w", err)
	}
	return nil
}

func pointersTo(values []any) []any {
	to := make([]any, len(values))
	for i := range values {
		to[i] = &values[i]
	}
	return to
}
