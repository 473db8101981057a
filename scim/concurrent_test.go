package scim_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/people"
	"rollcall/model/store"
)

// feed returns the events of some types about one object, in the order of the feed.
func (c *client) feed(subject string, types ...model.EventType) []model.Event {
	c.t.Helper()
	var list []model.Event
	page := model.Page{Ascending: true, Limit: 10_000}
	events, _, err := c.store.Events(c.t.Context(), model.Everywhere(),
		store.EventQuery{OrganizationID: c.org.ID, Types: types, Page: page})
	if err != nil {
		c.t.Fatal(err)
	}
	for _, e := range events {
		if e.Subject == subject {
			list = append(list, e)
		}
	}
	return list
}

// TestManyClients has 64 clients change one group and one user at the same time. The events of the
// feed must be a possible sequence of single changes that ends at what is stored.
func TestManyClients(t *testing.T) {
	t.Parallel()
	const clients, requests, people = 64, 6, 12
	each(t, func(t *testing.T, c *client) {
		var users []string
		for i := range people {
			users = append(users, c.user(fmt.Sprint("user-", i)))
		}
		group, target := c.group("Crew", users[:people/2]...), c.user("target")
		var mu sync.Mutex
		// titles of the accepted requests; number of requests that must come later
		titles, later := map[string]bool{}, 0
		var all sync.WaitGroup
		for i := range clients {
			random := rand.New(rand.NewPCG(uint64(i), 64))
			all.Go(func() {
				for n := range requests {
					title := fmt.Sprintf("title-%d-%d", i, n)
					var a reply
					if n%2 == 0 {
						a = c.do("PATCH", "/Users/"+target,
							patchOf(`[{"op":"replace","path":"title","value":"`+title+`"}]`))
					} else {
						a = c.do("PATCH", "/Groups/"+group, randomMembers(random, users))
					}
					mu.Lock()
					switch {
					case a.status == 503 && a.header.Get("Retry-After") != "":
						later++
					case a.status != 200 && a.status != 204:
						t.Errorf("%d %s", a.status, a.text)
					case n%2 == 0:
						titles[title] = true
					}
					mu.Unlock()
				}
			})
		}
		all.Wait()
		t.Logf("%d of %d requests were told to come later", later, clients*requests)

		in := map[string]bool{}
		for _, id := range users[:people/2] {
			in[id] = true
		}
		changes := c.feed(model.DirectoryGroupPrefix.ID(group), directory.DirectoryGroupUserAdded,
			directory.DirectoryGroupUserRemoved)[people/2:]
		for i, e := range changes {
			var data struct{ User struct{ Username string } }
			if err := json.Unmarshal([]byte(e.Data), &data); err != nil {
				t.Fatal(err)
			}
			id := users[slices.IndexFunc(users, func(id string) bool {
				return "user-"+fmt.Sprint(slices.Index(users, id)) == data.User.Username
			})]
			if added := e.Type == directory.DirectoryGroupUserAdded; added == in[id] {
				t.Fatalf("event %d: %s of %s, who is a member: %v", i, e.Type, data.User.Username, in[id])
			}
			in[id] = !in[id]
		}
		var want, got []string
		for id, is := range in {
			if is {
				want = append(want, id)
			}
		}
		a := c.want(200, "GET", "/Groups/"+group, "")
		for _, m := range a.path("members").([]any) {
			got = append(got, m.(map[string]any)["value"].(string))
		}
		if diff := cmp.Diff(sorted(want...), sorted(got...)); diff != "" || len(changes) < clients {
			t.Errorf("after %d changes: %s", len(changes), diff)
		}
		c.checkChain(t, target, titles)
	})
}

// randomMembers is a PATCH that adds some of the users and removes others.
func randomMembers(random *rand.Rand, users []string) string {
	var operations []string
	for _, i := range random.Perm(len(users))[:1+random.IntN(4)] {
		if random.IntN(2) == 0 {
			operations = append(operations, `{"op":"add","path":"members","value":[{"value":"`+users[i]+`"}]}`)
		} else {
			operations = append(operations, `{"op":"remove","path":"members[value eq \"`+users[i]+`\"]"}`)
		}
	}
	return patchOf("[" + strings.Join(operations, ",") + "]")
}

// checkChain checks that each update of a user begins with the value that the update before it set,
// that each accepted title was set once, and that the last title is stored.
func (c *client) checkChain(t *testing.T, user string, titles map[string]bool) {
	t.Helper()
	type state struct {
		JobTitle *string `json:"job_title"`
	}
	title := func(s state) string {
		if s.JobTitle == nil {
			return ""
		}
		return *s.JobTitle
	}
	last, seen := "", map[string]bool{}
	for i, e := range c.feed(model.DirectoryUserPrefix.ID(user), people.DirectoryUserUpdated) {
		var data struct {
			state
			PreviousAttributes state `json:"previous_attributes"`
		}
		if err := json.Unmarshal([]byte(e.Data), &data); err != nil {
			t.Fatal(err)
		}
		if before, now := title(data.PreviousAttributes), title(data.state); before != last || seen[now] {
			t.Fatalf("update %d: from %q, where the last one left %q, to %q, which was there before: %v", i, before,
				last, now, seen[now])
		}
		last = title(data.state)
		seen[last] = true
	}
	if diff := cmp.Diff(titles, seen); diff != "" {
		t.Errorf("accepted and told of: %s", diff)
	}
	a := c.want(200, "GET", "/Users/"+user, "")
	if a.body["title"] != last || a.path("meta", "version") != fmt.Sprintf(`W/"%d"`, len(titles)+1) {
		t.Errorf("after %q: %s", last, a.text)
	}
}

// TestCompareAndSwap counts with If-Match: only one of the clients that read a version may write.
func TestCompareAndSwap(t *testing.T) {
	t.Parallel()
	const clients, each1 = 16, 2
	each(t, func(t *testing.T, c *client) {
		for path, attribute := range map[string]string{"/Users/" + c.user("ada"): "nickName",
			"/Groups/" + c.group("Crew"): "externalId"} {
			var all sync.WaitGroup
			for range clients {
				all.Go(func() {
					for done := 0; done < each1; {
						a := c.do("GET", path, "")
						if a.status == 503 { // there is no version to go by
							continue
						}
						n := 0
						if text, ok := a.body[attribute].(string); ok {
							_, _ = fmt.Sscan(text, &n)
						}
						next := patchOf(fmt.Sprintf(`[{"op":"add","path":"%s","value":"%d"}]`, attribute, n+1))
						switch w := c.do("PATCH", path, next, "If-Match", a.header.Get("ETag")); w.status {
						case 200:
							done++
						case 412, 503:
						default:
							t.Errorf("%d %s", w.status, w.text)
							return
						}
					}
				})
			}
			all.Wait()
			if a := c.want(200, "GET", path, ""); a.body[attribute] != fmt.Sprint(clients*each1) {
				t.Errorf("%v after %d increments", a.body[attribute], clients*each1)
			}
		}
	})
}
