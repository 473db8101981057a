package scim_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/modeltest"
	"rollcall/model/store"
)

// guarded is a client whose directory is watched by several replicas.
type guarded struct {
	*client
	clock    *modeltest.Clock
	replicas []*directory.MassChangeGuard
}

// eachGuarded runs a test with two replicas on the same database.
func eachGuarded(t *testing.T, test func(t *testing.T, g *guarded)) {
	t.Helper()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		o := store.Options{Now: clock.Now}
		store, second := modeltest.Open(t, db, o), modeltest.Open(t, db, o)
		g := &guarded{newClient(t, store), clock, []*directory.MassChangeGuard{directory.NewMassChangeGuard(
			directory.Across(store)), directory.NewMassChangeGuard(directory.Across(second))}}
		g.watch()
		test(t, g)
	})
}

// watch makes all replicas read the feed to its end at the same time.
func (g *guarded) watch() {
	g.t.Helper()
	var reading sync.WaitGroup
	for _, r := range g.replicas {
		reading.Go(func() {
			for {
				n, err := r.RunOnce(g.t.Context())
				if err != nil {
					g.t.Errorf("watch: %v", err)
				}
				if n == 0 || err != nil {
					return
				}
			}
		})
	}
	reading.Wait()
}

// staff creates n users.
func (g *guarded) staff(n int) []string {
	g.t.Helper()
	var ids []string
	for i := range n {
		ids = append(ids, g.user(fmt.Sprintf("user-%d-%d", g.clock.Now().Unix(), i)))
	}
	return ids
}

func (g *guarded) deactivate(ids ...string) {
	g.t.Helper()
	for _, id := range ids {
		g.want(200, "PATCH", "/Users/"+id, patchOf(`[{"op":"replace","path":"active","value":false}]`))
	}
}

// alerts are the causes of the events so far.
func (g *guarded) alerts() []string {
	g.t.Helper()
	g.watch()
	events, _, err := g.store.Events(g.t.Context(), model.Everywhere(), store.EventQuery{
		Types: []model.EventType{"directory.mass_change"}, Page: model.Page{Ascending: true, Limit: 100}})
	if err != nil {
		g.t.Fatal(err)
	}
	causes := []string{}
	for _, e := range events {
		data := eventData(g.t, e)
		if data["object"] != "directory" || data["id"] != model.DirectoryPrefix.ID(g.directory.ID) ||
			e.Subject != data["id"] {
			g.t.Errorf("the event is about %v", data)
		}
		causes = append(causes, data["cause"].(string))
	}
	return causes
}

func (g *guarded) expect(causes ...string) {
	g.t.Helper()
	if diff := cmp.Diff(append([]string{}, causes...), g.alerts()); diff != "" {
		g.t.Errorf("alerts (-want +got):\n%s", diff)
	}
}

func TestMassChange(t *testing.T) {
	t.Parallel()
	cause := func(n, of int) string {
		return fmt.Sprintf("%d of %d users were deactivated or deleted within 3600 seconds", n, of)
	}
	for _, test := range []struct {
		name string
		run  func(g *guarded)
	}{
		{"more than a fifth: one alert, and everybody is gone at once", func(g *guarded) {
			ids := g.staff(10)
			g.deactivate(ids[0])
			g.want(204, "DELETE", "/Users/"+ids[1], "")
			g.expect()
			g.want(200, "PUT", "/Users/"+ids[2], `{"userName":"gone","active":false}`)
			g.expect(cause(3, 10))
			g.deactivate(ids[3:]...)
			g.expect(cause(3, 10))
			if a := g.want(200, "GET", filtered("/Users", "active eq true"), ""); a.body["totalResults"] != 0.0 {
				g.t.Errorf("still active: %s", a.text)
			}
		}},
		{"all at once: one alert", func(g *guarded) {
			g.deactivate(g.staff(10)...)
			g.expect(cause(10, 10))
		}},
		{"a slow change is none", func(g *guarded) {
			for _, id := range g.staff(20)[:5] {
				g.deactivate(id)
				g.expect()
				g.clock.Advance(31 * time.Minute)
			}
		}},
		{"the next window has an alert of its own", func(g *guarded) {
			ids := g.staff(20)
			g.deactivate(ids[:5]...)
			g.expect(cause(5, 20))
			g.clock.Advance(61 * time.Minute)
			g.deactivate(ids[5:10]...)
			g.expect(cause(5, 20), cause(5, 15))
		}},
		{"who is activated again has not left, and a user leaves once", func(g *guarded) {
			ids := g.staff(10)
			for range 3 {
				g.deactivate(ids[0], ids[1])
				g.expect()
				g.want(200, "PATCH", "/Users/"+ids[0], patchOf(`[{"op":"replace","path":"active","value":true}]`))
				g.want(200, "PATCH", "/Users/"+ids[1], patchOf(`[{"op":"replace","path":"active","value":true}]`))
			}
			g.deactivate(ids[2], ids[3])
			g.expect()
		}},
		{"a directory of four has none, whatever happens", func(g *guarded) {
			g.deactivate(g.staff(4)...)
			g.expect()
		}},
		{"what an operator does is none", func(g *guarded) {
			org := g.store.Org(g.directory.OrganizationID, operatorActor)
			for _, id := range g.staff(10) {
				if err := directory.In(org).DeleteUser(g.t.Context(), id); err != nil {
					g.t.Fatal(err)
				}
			}
			g.expect()
		}},
		{"the share and the window are the directory's own, and the directory shows its alert", func(g *guarded) {
			_, err := directory.In(g.org).UpdateDirectory(g.t.Context(), g.directory.ID,
				func(d *directory.DirectoryFields) error {
					d.MassChangePercent, d.MassChangeWindowSeconds = 50, 60
					return nil
				})
			if err != nil {
				g.t.Fatal(err)
			}
			ids := g.staff(10)
			g.deactivate(ids[:5]...)
			g.expect()
			g.deactivate(ids[5])
			g.expect("6 of 10 users were deactivated or deleted within 60 seconds")
			now := model.TimeOf(g.clock.Now())
			d, err := directory.In(g.org).Directory(g.t.Context(), g.directory.ID)
			if err != nil {
				g.t.Fatal(err)
			}
			want := &directory.MassChangeObject{Users: 6, Of: 10, At: now, Until: now + 60_000}
			if diff := cmp.Diff(want, d.PublicForm(now+59_999).Rollcall.MassChange); diff != "" {
				g.t.Error(diff)
			}
			if over := d.PublicForm(now + 60_000).Rollcall.MassChange; over != nil {
				g.t.Errorf("the alert is still on: %v", over)
			}
		}},
		{"a restart counts on", func(g *guarded) {
			ids := g.staff(10)
			g.deactivate(ids[0], ids[1])
			g.watch()
			g.replicas = []*directory.MassChangeGuard{directory.NewMassChangeGuard(directory.Across(g.store))}
			g.deactivate(ids[2])
			g.expect(cause(3, 10))
		}},
		{"a directory that is gone holds nobody up", func(g *guarded) {
			first := g.client
			g.deactivate(g.staff(10)...)
			if err := directory.In(g.org).DeleteDirectory(g.t.Context(), g.directory.ID); err != nil {
				g.t.Fatal(err)
			}
			g.client = g.clientOf(first.directory.OrganizationID, "okta scim v2.0")
			g.clock.Advance(time.Second)
			g.deactivate(g.staff(10)...)
			g.expect(cause(10, 10))
		}},
	} {
		t.Run(test.name, func(t *testing.T) { eachGuarded(t, func(_ *testing.T, g *guarded) { test.run(g) }) })
	}
}
