package model_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/modeltest"
)

// count is one more in a user's title: what each of its events shows.
func count(u *model.UserDraft) error {
	d, err := u.DocumentMap()
	if err != nil {
		return err
	}
	n := 0
	if title, ok := d["title"].(string); ok {
		if n, err = strconv.Atoi(title); err != nil {
			return err
		}
	}
	d["title"] = strconv.Itoa(n + 1)
	return u.SetDocument(d)
}

func counted(t testing.TB, e model.Event) int {
	t.Helper()
	var data struct {
		JobTitle string `json:"job_title"`
	}
	must(t, json.Unmarshal([]byte(e.Data), &data))
	n, err := strconv.Atoi(data.JobTitle)
	must(t, err)
	return n
}

func TestFeedMissesNothing(t *testing.T) {
	t.Parallel()
	const writers, changes, people = 32, 6, 8
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		org, d := contoso(t, s)
		var users []*model.User
		for i := range people {
			users = append(users, createUser(t, org, d, fmt.Sprint("user-", i)))
		}
		all := events(t, s, org)
		last := all[len(all)-1].ID

		var writing sync.WaitGroup
		for w := range writers {
			writing.Go(func() {
				for i := range changes {
					u := users[(w+i)%people]
					if _, err := org.UpdateDirectoryUser(t.Context(), d.ID, u.ID, count); err != nil {
						t.Errorf("writer %d: %v", w, err)
					}
				}
			})
		}
		seen, of := map[string]bool{}, map[string]int{}
		for deadline := time.Now().Add(time.Minute); len(seen) < writers*changes && time.Now().Before(deadline); {
			es, _, err := s.Events(t.Context(), model.Everywhere(), model.EventQuery{Page: model.Page{After: last, Ascending: true, Limit: 7}})
			must(t, err)
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

func TestFeedDoesNotPassARunningTransaction(t *testing.T) {
	t.Parallel()
	s := modeltest.Open(t, modeltest.Postgres(t), model.Options{})
	org, d := contoso(t, s)
	slow, fast := createUser(t, org, d, "slow"), createUser(t, org, d, "fast")
	before := len(events(t, s, org))

	written, finish, finished := make(chan bool), make(chan bool), make(chan error)
	go func() {
		finished <- org.Tx(t.Context(), func(org *model.Org) error {
			_, err := org.UpdateDirectoryUser(t.Context(), d.ID, slow.ID, count)
			close(written)
			<-finish
			return err
		})
	}()
	<-written
	for range 3 {
		_, err := org.UpdateDirectoryUser(t.Context(), d.ID, fast.ID, count)
		must(t, err)
	}
	if n := len(events(t, s, org)); n != before {
		t.Errorf("%d events are shown that a running transaction may yet precede", n-before)
	}
	close(finish)
	must(t, <-finished)
	var subjects []string
	for _, e := range events(t, s, org)[before:] {
		subjects = append(subjects, e.Subject)
	}
	of := func(u *model.User) string { return model.DirectoryUserPrefix.ID(u.ID) }
	if diff := cmp.Diff([]string{of(slow), of(fast), of(fast), of(fast)}, subjects); diff != "" {
		t.Error(diff)
	}
}

func TestFeedPages(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		org, d := contoso(t, s)
		u := createUser(t, org, d, "ada@contoso.example")
		for range 8 {
			_, err := org.UpdateDirectoryUser(t.Context(), d.ID, u.ID, count)
			must(t, err)
		}
		var all []string
		for _, e := range events(t, s, org) {
			all = append(all, e.ID)
		}
		checkPages(t, all, func(p model.Page) ([]string, model.PageInfo, error) {
			es, info, err := s.Events(t.Context(), model.Everywhere(), model.EventQuery{Page: p})
			var got []string
			for _, e := range es {
				got = append(got, e.ID)
			}
			return got, info, err
		})

		t.Run("only the types asked for", func(t *testing.T) {
			es, _, err := s.Events(t.Context(), model.Everywhere(), model.EventQuery{
				Types: []model.EventType{model.DirectoryUserUpdated, model.OrganizationCreated}, Page: model.Page{Limit: 100, Ascending: true}})
			must(t, err)
			if len(es) != 9 || es[0].Type != model.OrganizationCreated || es[1].Type != model.DirectoryUserUpdated {
				t.Error(es)
			}
		})
		t.Run("from is included, to is not", func(t *testing.T) {
			es := events(t, s, org)
			from, to := es[0].CreatedAt, es[len(es)-1].CreatedAt+1
			for _, q := range []struct {
				from, to *model.Time
				want     int
			}{{&from, &to, len(es)}, {&from, &from, 0}, {&to, nil, 0}, {nil, &to, len(es)}} {
				got, _, err := s.Events(t.Context(), model.Everywhere(), model.EventQuery{From: q.from, To: q.to, Page: model.Page{Limit: 100}})
				if err != nil || len(got) != q.want {
					t.Errorf("%v to %v: %d events, want %d: %v", q.from, q.to, len(got), q.want, err)
				}
			}
		})
		t.Run("a cursor that the scope does not reach, or that is none, is refused", func(t *testing.T) {
			other, _ := organization(t, s, "Fabrikam", "fabrikam.example")
			scope := serving(t, s, other.ID)
			for _, cursor := range []string{all[0], model.NewID(), "x", "\x00"} {
				_, _, err := s.Events(t.Context(), scope, model.EventQuery{Page: model.Page{After: cursor, Limit: 10}})
				wantKind(t, err, model.Invalid, "after")
			}
		})
	})
}

func TestApplicationReadsTheEndOfItsOrganization(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		org, _ := contoso(t, s)
		scope := serving(t, s, org.ID)
		es, _, err := s.Events(t.Context(), scope, model.EventQuery{Page: model.Page{Limit: 1}})
		must(t, err)
		must(t, org.DeleteOrganization(t.Context()))
		es, _, err = s.Events(t.Context(), scope, model.EventQuery{Page: model.Page{After: es[0].ID, Ascending: true, Limit: 10}})
		must(t, err)
		if len(es) != 1 || es[0].Type != model.OrganizationDeleted {
			t.Errorf("after the organization's end the application reads %v", es)
		}
	})
}

func TestRestoreNumber(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		s := modeltest.Open(t, db, model.Options{})
		org, d := contoso(t, s)
		createUser(t, org, d, "before")
		old := events(t, s, org)
		// As after a restore into a cluster where transaction ids have only begun.
		must(t, model.Across(s, t.Context()).Exec("UPDATE events SET tx = tx + 1000000000000").Error)
		must(t, model.Across(s, t.Context()).Exec("UPDATE restores SET system_identifier = 'another cluster'").Error)

		for range 2 { // opening again in the same cluster counts nothing
			s = modeltest.Open(t, db, model.Options{})
			org = s.Org(org.ID, "operator:test")
		}
		createUser(t, org, d, "after")
		all := events(t, s, org)
		if len(all) != len(old)+1 || !slices.EqualFunc(old, all[:len(old)], func(a, b model.Event) bool { return a.ID == b.ID }) {
			t.Fatalf("the feed is %v, want %v and one more", all, old)
		}
		if newest := all[len(old)]; newest.Restore != old[0].Restore+1 {
			t.Errorf("the restore number is %d after %d", newest.Restore, old[0].Restore)
		}
		es, _, err := s.Events(t.Context(), model.Everywhere(), model.EventQuery{
			OrganizationID: org.ID, Page: model.Page{After: old[len(old)-1].ID, Ascending: true, Limit: 10}})
		if err != nil || len(es) != 1 {
			t.Errorf("a reader who goes on reads %v: %v", es, err)
		}
	})
}
