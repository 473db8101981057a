package store_test

import (
	"database/sql"
	"errors"
	"slices"
	"strings"
	"testing"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/internal/tenant"
	"rollcall/model/modeltest"
	"rollcall/model/store"
)

// after reads the feed of everybody after a cursor.
func after(t *testing.T, s *store.Store, cursor string) ([]string, bool, error) {
	t.Helper()
	es, info, err := s.Events(t.Context(), model.Everywhere(),
		store.EventQuery{Page: model.Page{After: cursor, Ascending: true, Limit: 100}})
	var ids []string
	for _, e := range es {
		ids = append(ids, e.ID)
	}
	return ids, info.Resumed, err
}

// An event that a reader has seen may be gone: a failover has lost it, or the database was restored
// to a moment before it.
func TestReaderWhoseEventIsGoneGoesOn(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		u := storetest.CreateUser(t, org, d, "ada")
		change := func() string {
			_, err := directory.Of(org, d.ID).UpdateUser(t.Context(), u.ID, storetest.Count)
			storetest.Must(t, err)
			es := storetest.Events(t, s, org)
			return es[len(es)-1].ID
		}
		forget := func(condition string, values ...any) {
			db := storetest.Across(s, t.Context())
			storetest.Must(t, db.Exec("DELETE FROM events WHERE "+condition, values...).Error)
		}
		lost := change()
		forget("id = ?", lost)
		kept := change()
		ids, resumed, err := after(t, s, lost)
		if err != nil || !resumed || !slices.Contains(ids, kept) {
			t.Fatalf("after a lost event: %v %v %v, without %s", ids, resumed, err, kept)
		}
		ids, resumed, err = after(t, s, kept)
		if err != nil || resumed || len(ids) != 0 {
			t.Errorf("after the newest event: %v %v %v", ids, resumed, err)
		}
		t.Run("also backwards", func(t *testing.T) {
			for _, p := range []model.Page{{After: lost, Limit: 100}, {Before: lost, Limit: 100, Ascending: true}} {
				es, info, err := s.Events(t.Context(), model.Everywhere(), store.EventQuery{Page: p})
				if err != nil || !info.Resumed || len(es) == 0 {
					t.Errorf("%v: %d events, %v, %v", p, len(es), info, err)
				}
			}
		})
		t.Run("a worker goes on as well", func(t *testing.T) {
			worker := &tenant.FeedCursor{Name: "test", EventID: lost}
			storetest.Must(t, storetest.Across(s, t.Context()).Create(worker).Error)
			es, err := tenant.HeadersAfter(t.Context(), s, worker, 100)
			if err != nil || !slices.ContainsFunc(es, func(e model.Event) bool { return e.ID == kept }) {
				t.Errorf("%v %v", es, err)
			}
		})
		t.Run("a cursor older than all events has expired", func(t *testing.T) {
			old := storetest.Events(t, s, org)[0].ID
			forget("id <= ?", old)
			forget("id < ?", kept)
			_, _, err := after(t, s, old)
			if !errors.Is(err, model.ErrCursorExpired) || !strings.Contains(err.Error(), model.EventPrefix.ID(kept)) {
				t.Errorf("%v", err)
			}
			worker := &tenant.FeedCursor{Name: "test", EventID: old}
			es, err := tenant.HeadersAfter(t.Context(), s, worker, 100)
			if err != nil || len(es) != 1 || es[0].ID != kept {
				t.Errorf("a worker reads %v %v", es, err)
			}
		})
	})
}

// Another product's job in the same PostgreSQL does not stop the feed, but a transaction of this
// database does.
func TestFeedWaitsForItsOwnDatabaseOnly(t *testing.T) {
	t.Parallel()
	db := modeltest.Postgres(t)
	s := modeltest.Open(t, db, store.Options{})
	org, d := storetest.Contoso(t, s)
	hold := func(url string) *sql.Tx {
		pool, err := sql.Open("pgx", url)
		storetest.Must(t, err)
		t.Cleanup(func() { _ = pool.Close() })
		tx, err := pool.Begin()
		storetest.Must(t, err)
		var id string
		storetest.Must(t, tx.QueryRow("SELECT pg_current_xact_id()::text").Scan(&id))
		return tx
	}
	name := strings.TrimPrefix(db.URL[strings.Index(db.URL, "dbname="):], "dbname=")
	name, _, _ = strings.Cut(name, "&")
	elsewhere := hold(strings.Replace(db.URL, "dbname="+name, "dbname=postgres", 1))
	before := len(storetest.Events(t, s, org))
	storetest.CreateUser(t, org, d, "ada")
	if n := len(storetest.Events(t, s, org)); n <= before {
		t.Errorf("%d events are shown as before, while another database has a transaction", n)
	}
	before = len(storetest.Events(t, s, org))
	here := hold(db.URL)
	storetest.CreateUser(t, org, d, "alan")
	if n := len(storetest.Events(t, s, org)); n != before {
		t.Errorf("%d events are shown, %d before, and the running transaction may precede them", n, before)
	}
	storetest.Must(t, errors.Join(here.Rollback(), elsewhere.Rollback()))
	if n := len(storetest.Events(t, s, org)); n <= before {
		t.Errorf("%d events are shown in the end", n)
	}
}
