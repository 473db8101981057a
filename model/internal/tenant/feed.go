package tenant

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/model"
)

// EventQuery asks for events. Before and After are stored ids of events.
type EventQuery struct {
	Types          []model.EventType
	OrganizationID model.OrganizationID
	From, To       *model.Time // From is included, To is not
	model.Page
}

// Events reads the feed: every event of the scope once, with the events of each user in the order
// in which they happened. A reader that goes on after the last event that it has seen misses none,
// even when others write at the same time. The event of a cursor may be gone, see resume.
func (s *Store) Events(ctx context.Context, scope model.Scope, q EventQuery) ([]model.Event, model.PageInfo, error) {
	f := s.feed(eventRow)
	f.scope(scope)
	if q.OrganizationID != "" {
		f.where("organization_id = ?", q.OrganizationID)
		f.ofOrganization = true
	}
	if q.From != nil {
		f.where("created_at >= ?", *q.From)
	}
	if q.To != nil {
		f.where("created_at < ?", *q.To)
	}
	f.types(q.Types)
	resumed := false
	if q.Cursor() != "" {
		at, err := s.place(ctx, scope, q.Page)
		if err != nil {
			return nil, model.PageInfo{}, err
		}
		f.from(at, q.Page)
		resumed = at.resumed
	}
	events, info, err := f.page(ctx, q.Page)
	info.Resumed = resumed
	return events, info, Translate(s, err)
}

// The columns of an event, and those without its data.
const (
	eventHeader = "id, organization_id, type, actor, subject, restore, tx, created_at"
	eventRow    = eventHeader + ", data"
)

// A feedQuery is a statement that reads events in the order of the feed.
type feedQuery struct {
	store      *Store
	columns    string
	conditions []clause.Expr
	// ofOrganization says that the query is for one organization.
	ofOrganization bool
	arms           []clause.Expr // one scan each, merged; no arm is one scan without a further condition
}

// feed returns a query of the events that may be shown. On PostgreSQL these are the events of
// transactions that are older than every running one, because a running transaction may still
// commit events that come before newer ones.
func (s *Store) feed(columns string) *feedQuery {
	f := &feedQuery{store: s, columns: columns}
	if s.dialect == PostgresDialect {
		f.where("(restore < ? OR tx < "+oldestRunning+")", s.restore)
	}
	return f
}

// oldestRunning is the id of the oldest running transaction that may write an event. The snapshot
// of the statement has the transactions of all databases of the cluster. One that a process of
// another database has cannot write here: otherwise any job next door would stop the feed. A
// transaction that no process has, such as a prepared one, counts. A standby does not know all that
// run.
const oldestRunning = `(SELECT CASE WHEN pg_is_in_recovery() THEN pg_snapshot_xmin(s)::text::bigint
	ELSE COALESCE((SELECT min(x::text::bigint) FROM pg_snapshot_xip(s) x
		WHERE (x::text::bigint & 4294967295) NOT IN (SELECT backend_xid::text::bigint FROM pg_stat_activity
			WHERE backend_xid IS NOT NULL
				AND datid <> (SELECT oid FROM pg_database WHERE datname = current_database()))),
		pg_snapshot_xmax(s)::text::bigint) END FROM pg_current_snapshot() s)`

// where adds a condition.
func (f *feedQuery) where(sql string, vars ...any) {
	f.conditions = append(f.conditions, clause.Expr{SQL: sql, Vars: vars})
}

// scope limits the query to the events of a scope. The index of organizations has another order.
func (f *feedQuery) scope(scope model.Scope) {
	if !scope.All() {
		f.where(f.store.dialect.In(Beside("organization_id"), served), scope.Application())
	}
}

// types limits the query to types of events. A rare type must not cost reading the whole feed, so
// that each type is a scan of its own index. In one organization its index is good enough.
func (f *feedQuery) types(types []model.EventType) {
	types = slices.Clone(types)
	slices.Sort(types)
	types = slices.Compact(types)
	if len(types) == 0 {
		return
	}
	if f.ofOrganization || len(types) > mostArms {
		f.where(Beside("type")+" IN ?", types)
		return
	}
	for _, t := range types {
		f.arms = append(f.arms, clause.Expr{SQL: "type = ?", Vars: []any{t}})
	}
}

// mostArms is up to how many types are looked for by their index: the statement grows with them,
// and so many types are not rare.
const mostArms = 20

// order are the columns that the feed is ordered by. SQLite has one writer, which numbers rows in
// the order of the feed.
func (f *feedQuery) order() []string {
	if f.store.dialect == SqliteDialect {
		return []string{"tx"}
	}
	return []string{"restore", "tx", "id"}
}

// from begins the query after a place, or before it.
func (f *feedQuery) from(at feedPlace, p model.Page) {
	comparison, _ := ordering(p)
	if f.store.dialect == SqliteDialect {
		f.where("tx"+comparison+"?", at.tx)
		return
	}
	f.where("(restore, tx, id)"+comparison+"(?, ?, ?)", at.restore, at.tx, at.id)
}

// inOrder reads by an index that has the order of the feed. While PostgreSQL believes that an
// organization has few events it might read and sort all of them.
func (f *feedQuery) inOrder(db *gorm.DB, read func(*gorm.DB) error) error {
	if !f.ofOrganization || f.store.dialect != PostgresDialect {
		return read(db)
	}
	return db.Transaction(func(db *gorm.DB) error {
		const settings = "SELECT set_config('enable_bitmapscan', 'off', true), set_config('enable_sort', 'off', true)"
		if err := db.Exec(settings).Error; err != nil {
			return err
		}
		return read(db)
	})
}

// page reads a page.
func (f *feedQuery) page(ctx context.Context, p model.Page) ([]model.Event, model.PageInfo, error) {
	_, direction := ordering(p)
	end := fmt.Sprint(" ORDER BY ", strings.Join(f.order(), direction+", "), direction, " LIMIT ", p.Limit+1)
	arm := func(condition ...clause.Expr) clause.Expr {
		conditions := append(condition, f.conditions...)
		if len(conditions) == 0 {
			conditions = []clause.Expr{SQLTrue()}
		}
		e := clause.Expr{SQL: "SELECT " + f.columns + " FROM events WHERE "}
		for i, c := range conditions {
			if i > 0 {
				e.SQL += " AND "
			}
			e = Join(e, c)
		}
		return Join(e, end)
	}
	query := arm()
	if len(f.arms) > 0 {
		query = clause.Expr{SQL: "SELECT " + f.columns + " FROM ("}
		for i, of := range f.arms {
			if i > 0 {
				query.SQL += " UNION ALL "
			}
			query = Join(query, "SELECT "+f.columns+" FROM (", arm(of), ") a")
		}
		query = Join(query, ") e"+end)
	}
	var events []model.Event
	read := func(db *gorm.DB) error { return db.Raw(query.SQL, query.Vars...).Scan(&events).Error }
	if err := f.inOrder(f.store.readAcross(ctx), read); err != nil {
		return nil, model.PageInfo{}, fmt.Errorf("read events: %w", err)
	}
	events, info := cut(events, p, func(e model.Event) string { return e.ID })
	return events, info, nil
}
