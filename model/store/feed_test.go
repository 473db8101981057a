package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/store"
)

// counted returns the number that storetest.Count wrote into the user of an event.
func counted(t testing.TB, e model.Event) int {
	t.Helper()
	var data struct {
		JobTitle string `json:"job_title"`
	}
	storetest.Must(t, json.Unmarshal([]byte(e.Data), &data))
	n, err := strconv.Atoi(data.JobTitle)
	storetest.Must(t, err)
	return n
}

func TestFeedSkipsNoEvent(t *testing.T) {
	t.Parallel()
	const writers, changes, population = 32, 6, 8
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		var users []*people.User
		for i := range population {
			users = append(users, storetest.CreateUser(t, org, d, fmt.Sprint("user-", i)))
		}
		all := storetest.Events(t, s, org)
		last := all[len(all)-1].ID

		var writing sync.WaitGroup
		for w := range writers {
			writing.Go(func() {
				for i := range changes {
					u := users[(w+i)%population]
					_, err := directory.Of(org, d.ID).UpdateUser(t.Context(), u.ID, storetest.Count)
					if err != nil {
						t.Errorf("writer %d: %v", w, err)
					}
				}
			})
		}
		seen, of := map[string]bool{}, map[string]int{}
		for deadline := time.Now().Add(time.Minute); len(seen) < writers*changes && time.Now().Before(deadline); {
			page := model.Page{After: last, Ascending: true, Limit: 7}
			es, _, err := s.Events(t.Context(), model.Everywhere(), store.EventQuery{Page: page})
			storetest.Must(t, err)
			for _, e := range es {
				if seen[e.ID] {
					t.Fatalf("event %s was seen twice", e.ID)
				}
				seen[e.ID], last = true, e.ID
				if n := counted(t, e); n != of[e.Subject]+1 {
					t.Fatalf("event %d of %s follows event %d", n, e.Subject, of[e.Subject])
				}
				of[e.Subject]++
			}
		}
		writing.Wait()
		if len(seen) != writers*changes {
			t.Errorf("%d events of %d were seen", len(seen), writers*changes)
		}
	})
}

func TestFeedWaitsForARunningTransaction(t *testing.T) {
	t.Parallel()
	s := modeltest.Open(t, modeltest.Postgres(t), store.Options{})
	org, d := storetest.Contoso(t, s)
	slow, fast := storetest.CreateUser(t, org, d, "slow"), storetest.CreateUser(t, org, d, "fast")
	before := len(storetest.Events(t, s, org))

	written, finish, finished := make(chan bool), make(chan bool), make(chan error)
	go func() {
		finished <- org.Tx(t.Context(), func(org *store.Org) error {
			_, err := directory.Of(org, d.ID).UpdateUser(t.Context(), slow.ID, storetest.Count)
			close(written)
			<-finish
			return err
		})
	}()
	<-written
	for range 3 {
		_, err := directory.Of(org, d.ID).UpdateUser(t.Context(), fast.ID, storetest.Count)
		storetest.Must(t, err)
	}
	if n := len(storetest.Events(t, s, org)); n != before {
		t.Errorf("%d events are shown, and the running transaction may precede them", n-before)
	}
	close(finish)
	storetest.Must(t, <-finished)
	var subjects []string
	for _, e := range storetest.Events(t, s, org)[before:] {
		subjects = append(subjects, e.Subject)
	}
	of := func(u *people.User) string { return model.DirectoryUserPrefix.ID(u.ID) }
	if diff := cmp.Diff([]string{of(slow), of(fast), of(fast), of(fast)}, subjects); diff != "" {
		t.Error(diff)
	}
}

func TestFeedPages(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		u := storetest.CreateUser(t, org, d, "ada@contoso.example")
		for range 8 {
			_, err := directory.Of(org, d.ID).UpdateUser(t.Context(), u.ID, storetest.Count)
			storetest.Must(t, err)
		}
		var all []string
		for _, e := range storetest.Events(t, s, org) {
			all = append(all, e.ID)
		}
		checkPages(t, all, func(p model.Page) ([]string, model.PageInfo, error) {
			es, info, err := s.Events(t.Context(), model.Everywhere(), store.EventQuery{Page: p})
			var got []string
			for _, e := range es {
				got = append(got, e.ID)
			}
			return got, info, err
		})

		t.Run("only the types asked for", func(t *testing.T) {
			created, updated := organization.OrganizationCreated, people.DirectoryUserUpdated
			es, _, err := s.Events(t.Context(), model.Everywhere(), store.EventQuery{
				Types: []model.EventType{updated, created}, Page: model.Page{Limit: 100, Ascending: true},
			})
			storetest.Must(t, err)
			if len(es) != 9 || es[0].Type != created || es[1].Type != updated {
				t.Error(es)
			}
		})
		t.Run("from is included, to is not", func(t *testing.T) {
			es := storetest.Events(t, s, org)
			from, to := es[0].CreatedAt, es[len(es)-1].CreatedAt+1
			for _, q := range []struct {
				from, to *model.Time
				want     int
			}{{&from, &to, len(es)}, {&from, &from, 0}, {&to, nil, 0}, {nil, &to, len(es)}} {
				query := store.EventQuery{From: q.from, To: q.to, Page: model.Page{Limit: 100}}
				got, _, err := s.Events(t.Context(), model.Everywhere(), query)
				if err != nil || len(got) != q.want {
					t.Errorf("%v to %v: %d events, want %d: %v", q.from, q.to, len(got), q.want, err)
				}
			}
		})
		t.Run("a cursor that is none is refused", func(t *testing.T) {
			other, _ := storetest.Organization(t, s, "Fabrikam", "fabrikam.example")
			scope := storetest.Serving(t, s, other.ID)
			for _, cursor := range []string{"x", "\x00"} {
				query := store.EventQuery{Page: model.Page{After: cursor, Limit: 10}}
				_, _, err := s.Events(t.Context(), scope, query)
				storetest.WantKind(t, err, model.Invalid, "after")
			}
			// An event that the scope does not reach is answered like one that never was.
			for _, cursor := range []string{all[0], storetest.NewID()} {
				query := store.EventQuery{Page: model.Page{After: cursor, Limit: 10, Ascending: true}}
				es, info, err := s.Events(t.Context(), scope, query)
				if err == nil && !info.Resumed || err != nil && !errors.Is(err, model.ErrCursorExpired) {
					t.Errorf("%s: %v %v %v", cursor, es, info, err)
				}
				for _, e := range es {
					if e.OrganizationID != other.ID {
						t.Error("an event of another organization is shown")
					}
				}
			}
		})
	})
}

func TestApplicationReadsTheDeletionOfItsOrganization(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, _ := storetest.Contoso(t, s)
		scope := storetest.Serving(t, s, org.ID)
		es, _, err := s.Events(t.Context(), scope, store.EventQuery{Page: model.Page{Limit: 1}})
		storetest.Must(t, err)
		storetest.Must(t, operator.In(org).DeleteOrganization(t.Context()))
		next := model.Page{After: es[0].ID, Ascending: true, Limit: 10}
		es, _, err = s.Events(t.Context(), scope, store.EventQuery{Page: next})
		storetest.Must(t, err)
		if len(es) != 1 || es[0].Type != organization.OrganizationDeleted {
			t.Errorf("after the deletion of the organization the application reads %v", es)
		}
	})
}

func TestRestoreIntoAnotherClusterKeepsTheOrderOfEvents(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, database modeltest.Database) {
		s := modeltest.Open(t, database, store.Options{})
		org, d := storetest.Contoso(t, s)
		storetest.CreateUser(t, org, d, "before")
		old := storetest.Events(t, s, org)
		// After a restore, the cluster has another identifier and smaller transaction ids.
		db := storetest.Across(s, t.Context())
		storetest.Must(t, db.Exec("UPDATE events SET tx = tx + 1000000000000").Error)
		storetest.Must(t, db.Exec("UPDATE restores SET system_identifier = 'another cluster'").Error)

		for range 2 { // the second time it is the same cluster
			s = modeltest.Open(t, database, store.Options{})
			org = s.Org(org.ID, "operator:test")
		}
		storetest.CreateUser(t, org, d, "after")
		all := storetest.Events(t, s, org)
		equal := func(a, b model.Event) bool { return a.ID == b.ID }
		if len(all) != len(old)+1 || !slices.EqualFunc(old, all[:len(old)], equal) {
			t.Fatalf("the feed is %v, want %v and one more", all, old)
		}
		if newest := all[len(old)]; newest.Restore != old[0].Restore+1 {
			t.Errorf("the restore number is %d after %d", newest.Restore, old[0].Restore)
		}
		es, _, err := s.Events(t.Context(), model.Everywhere(), store.EventQuery{
			OrganizationID: org.ID, Page: model.Page{After: old[len(old)-1].ID, Ascending: true, Limit: 10}})
		if err != nil || len(es) != 1 {
			t.Errorf("the page after the last old event is %v: %v", es, err)
		}
	})
}
