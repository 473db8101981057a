package store_test

import (
	"slices"
	"strings"
	"testing"

	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/store"
)

// work is what the database did.
type work struct{ Rows, Blocks int64 }

// worked returns what the database has done so far in all, on PostgreSQL.
func (c *crowd) worked(t *testing.T) (w work) {
	t.Helper()
	db := storetest.Across(c.S, t.Context())
	// The store has used one connection, which writes what it counted only now.
	storetest.Must(t, db.Exec("SELECT pg_stat_force_next_flush()").Error)
	storetest.Must(t, db.Raw(`SELECT
		(SELECT sum(seq_tup_read) FROM pg_stat_user_tables) +
			(SELECT sum(idx_tup_read) FROM pg_stat_user_indexes) AS rows,
		(SELECT sum(heap_blks_hit + heap_blks_read + COALESCE(idx_blks_hit + idx_blks_read, 0))
			FROM pg_statio_user_tables) AS blocks`).Scan(&w).Error)
	return w
}

// detail lists the tables and indexes of which much was read, for a test that fails.
func (c *crowd) detail(t *testing.T) string {
	var lines []string
	storetest.Must(t, storetest.Across(c.S, t.Context()).Raw(`SELECT relname || ' ' || seq_scan || ' scans, ' ||
		seq_tup_read || ' rows' FROM pg_stat_user_tables WHERE seq_tup_read > 500 UNION ALL
		SELECT indexrelname || ' ' || idx_scan || ' scans, ' || idx_tup_read || ' rows'
		FROM pg_stat_user_indexes WHERE idx_tup_read > 500 UNION ALL
		SELECT relname || ' ' || heap_blks_hit + heap_blks_read || ' blocks, of indexes ' ||
			idx_blks_hit + idx_blks_read
		FROM pg_statio_user_tables WHERE heap_blks_hit + idx_blks_hit > 3000`).Scan(&lines).Error)
	return strings.Join(lines, "\n")
}

// The most that one operation may read. None has more than a few rows to look at. The database is
// asked to read as much for one of a hundred thousand people as for one of ten.
const (
	mostRows   = 250
	mostBlocks = 350
)

// What an operation reads does not depend on what PostgreSQL believes about its tables. Its plans
// are kept per connection, so each operation has run often before the crowd comes.
func TestWorkDoesNotDependOnStatistics(t *testing.T) {
	t.Parallel()
	for state, prepare := range map[string]func(t *testing.T, c *crowd, analyze func()){
		"never analyzed":      func(t *testing.T, c *crowd, analyze func()) {},
		"analyzed when empty": func(t *testing.T, c *crowd, analyze func()) { analyze() },
		"analyzed with small organizations": func(t *testing.T, c *crowd, analyze func()) {
			c.surround(t)
			analyze()
		},
		"analyzed as it is": func(t *testing.T, c *crowd, analyze func()) {
			c.grow(t)
			analyze()
		},
	} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			c := newCrowd(t, modeltest.Postgres(t), store.Options{})
			db := storetest.Across(c.S, t.Context())
			storetest.Must(t, db.Exec("SET statement_timeout = 60000").Error) // of the one connection there is
			prepare(t, c, func() { storetest.Must(t, db.Exec("VACUUM ANALYZE").Error) })
			operations := c.operations(t)
			for name, run := range operations {
				for range 12 { // PostgreSQL decides on a plan that it keeps after the fifth time
					if err := run(); err != nil {
						t.Fatalf("%s: %v", name, err)
					}
				}
			}
			if state != "analyzed as it is" {
				c.grow(t)
			}
			for name, run := range operations {
				storetest.Must(t, db.Exec("SELECT pg_stat_reset()").Error)
				before := c.worked(t)
				const times = 10
				for range times {
					if err := run(); err != nil {
						t.Fatalf("%s: %v", name, err)
					}
				}
				after := c.worked(t)
				each := work{(after.Rows - before.Rows) / times, (after.Blocks - before.Blocks) / times}
				t.Logf("%s: %d rows, %d blocks", name, each.Rows, each.Blocks)
				rows, blocks := int64(mostRows), int64(mostBlocks)
				if name == everybody {
					rows, blocks = int64(3*crowdSize), int64(3*crowdSize)
				}
				if each.Rows > rows || each.Blocks > blocks {
					t.Errorf("%s: %d rows are read, %d blocks\n%s", name, each.Rows, each.Blocks, c.detail(t))
				}
			}
		})
	}
}

// SQLite has no statistics unless somebody runs ANALYZE, and then as they were at that time. Each
// statement of an operation has the same plan with any statistics as without them, and reads no
// table from end to end.
func TestPlansOfSQLiteDoNotDependOnStatistics(t *testing.T) {
	t.Parallel()
	plans := map[string]map[string]string{}
	for _, state := range []struct{ name, analyze string }{
		{"never analyzed", ""},
		{"analyzed when empty", "ANALYZE"},
		{"analyzed with small organizations", "ANALYZE; UPDATE sqlite_stat1 SET stat = '100000 1 1 1 1 1'"},
		{"analyzed with one large organization", "ANALYZE; UPDATE sqlite_stat1 SET stat = '100000 100000 1000 10 1 1'"},
	} {
		db := modeltest.SQLite(t)
		analyzed := modeltest.Open(t, db, store.Options{})
		for _, statement := range strings.Split(state.analyze, ";") {
			storetest.Must(t, storetest.Across(analyzed, t.Context()).Exec(statement).Error)
		}
		var sent modeltest.Statements
		c := newCrowd(t, db, sent.Options()) // another connection reads the statistics
		for name, run := range c.operations(t) {
			storetest.Must(t, run())
			queries := sent.During(func() { storetest.Must(t, run()) })
			for _, query := range queries {
				if word, _, _ := strings.Cut(strings.TrimSpace(query), " "); word == "INSERT" {
					continue
				}
				plan := planOfSQLite(t, c.S, query)
				inOrder := strings.Contains(query, "LIMIT") && !strings.Contains(plan, "TEMP B-TREE")
				if strings.Contains(plan, "SCAN ") && !(inOrder && plan == "SCAN events") {
					t.Errorf("%s, %s: a table is read from end to end:\n%s\n%s", state.name, name, query, plan)
				}
				if plans[name] == nil {
					plans[name] = map[string]string{}
				}
				if first, known := plans[name][query]; known && first != plan {
					t.Errorf("%s, %s: another plan\n%s\n%s\ninstead of\n%s", state.name, name, query, plan, first)
				} else if !known {
					plans[name][query] = plan
				}
			}
		}
	}
}

// planOfSQLite returns which tables a statement reads, and by which index.
func planOfSQLite(t *testing.T, s *store.Store, query string) string {
	t.Helper()
	var plan []struct{ Detail string }
	storetest.Must(t, storetest.Across(s, t.Context()).
		Raw("EXPLAIN QUERY PLAN "+query, make([]any, strings.Count(query, "?"))...).Scan(&plan).Error)
	var lines []string
	for _, step := range plan {
		ofRow := strings.Contains(step.Detail, "VIRTUAL TABLE") || strings.Contains(step.Detail, "CONSTANT ROW")
		// Pages of events that are merged, and parts of WITH.
		ofArms := slices.Contains([]string{"SCAN a", "SCAN m", "SCAN asked", "SCAN nested"}, step.Detail)
		if kind, _, _ := strings.Cut(step.Detail, " "); !ofRow && !ofArms &&
			(kind == "SCAN" || kind == "SEARCH" || len(plan) < 3 && kind == "USE") {
			lines = append(lines, step.Detail)
		}
	}
	return strings.Join(lines, "\n")
}
