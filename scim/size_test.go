package scim_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/model/directory"
	"rollcall/model/modeltest"
	"rollcall/model/store"
)

// Identity providers read with dozens of requests at once. Those for which there is no room at the
// moment wait for the others, and are not refused.
func TestReadersAtOnceAreAnswered(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, store *store.Store) {
		c := newClient(t, store)
		group := "/Groups/" + c.group("Crew", c.user("ada"))
		var all sync.WaitGroup
		for i := range 32 {
			path := []string{group, "/Users?count=200", "/Groups?count=200", "/?count=200"}[i%4]
			all.Go(func() {
				if a := c.do("GET", path, ""); a.status != http.StatusOK {
					t.Errorf("GET %s: %d %s", path, a.status, a.text)
				}
			})
		}
		all.Wait()
	})
}

// TestPagesEndByTheirSize has 110 groups of the same 200 users, so that the groups have 22,000
// memberships, and so have the users. A client that goes on behind the last resource of each page
// gets each resource once, with all its memberships.
func TestPagesEndByTheirSize(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, store *store.Store) {
		c := newClient(t, store)
		const users, groups = 200, 110
		var ids []string
		for i := range users {
			ids = append(ids, c.user(fmt.Sprintf("user-%03d", i)))
		}
		for i := range groups {
			if _, err := directory.Of(c.org, c.directory.ID).CreateGroup(t.Context(),
				map[string]any{"displayName": fmt.Sprintf("group-%03d", i)}, ids); err != nil {
				t.Fatal(err)
			}
		}
		for path, want := range map[string]struct{ resources, memberships int }{
			"/Users?": {users, groups}, "/Groups?": {groups, users}, "/?": {users + groups, 0},
			"/Users?sortBy=userName&sortOrder=descending&": {users, groups},
		} {
			for _, cursor := range []bool{false, true} {
				seen, pages := map[string]bool{}, 0
				for place := "startIndex=1"; place != ""; pages++ {
					if cursor && pages == 0 {
						place = "cursor="
					}
					a := c.want(200, "GET", path+"count=200&"+place, "")
					list, place2 := a.body["Resources"].([]any), ""
					for _, r := range list {
						seen[r.(map[string]any)["id"].(string)] = true
						of, _ := r.(map[string]any)["groups"].([]any)
						members, _ := r.(map[string]any)["members"].([]any)
						if n := len(of) + len(members); want.memberships > 0 && n != want.memberships {
							t.Fatalf("%s: %d memberships", path, n)
						}
					}
					total := float64(want.resources)
					n := a.body["itemsPerPage"]
					if len(list) == 0 || n != float64(len(list)) || a.body["totalResults"] != total {
						t.Fatalf("%s: %.200s", path, a.text)
					}
					if next, ok := a.body["nextCursor"].(string); ok {
						place2 = "cursor=" + url.QueryEscape(next)
					} else if len(seen) < want.resources && !cursor {
						place2 = fmt.Sprint("startIndex=", len(seen)+1)
					}
					place = place2
				}
				if len(seen) != want.resources || pages < 2 {
					t.Errorf("%s: %d resources on %d pages, by cursor %t", path, len(seen), pages, cursor)
				}
			}
		}
		a := c.want(200, "GET", "/Groups?count=200&excludedAttributes=members", "")
		if n := a.body["itemsPerPage"]; n != float64(groups) {
			t.Errorf("%v groups without members on a page", n)
		}
	})
}

// TestBodiesInFlight has one directory send more at once than it may. Its small requests and the
// other directories are not touched, and it may go on when the first body has been answered.
func TestBodiesInFlight(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, store *store.Store) {
		c := newClient(t, store)
		other := c.client(c.organization("Contoso"))
		large := `{"userName":"large","title":"` + strings.Repeat("x", 5<<20) + `"}`
		body, rest := io.Pipe()
		answered := make(chan int)
		waiting := &http.Transport{ExpectContinueTimeout: time.Hour}
		defer waiting.CloseIdleConnections()
		go func() { // the server asks for the body once it has taken room for it
			r, err := http.NewRequestWithContext(t.Context(), "POST", c.url+c.base+"/Users", body)
			if err == nil {
				r.ContentLength = int64(len(large))
				r.Header = http.Header{"Authorization": {"Bearer " + c.token}, "Expect": {"100-continue"}}
				var w *http.Response
				if w, err = waiting.RoundTrip(r); err == nil {
					_ = w.Body.Close()
					answered <- w.StatusCode
					return
				}
			}
			t.Error(err)
			close(answered)
		}()
		_, _ = io.WriteString(rest, large[:1<<20]) // returns once it is read
		a := c.do("POST", "/Users", large)
		refused(t, a, 429, "", "Retry-After")
		if a.header.Get("Retry-After") != "1" {
			t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
		}
		c.user("small")
		if a := other.do("POST", "/Users", large); a.status == 429 {
			t.Errorf("another directory: %s", a.text)
		}
		_, _ = io.WriteString(rest, large[1<<20:])
		_ = rest.Close()
		if status := <-answered; status == 429 || status == 0 {
			t.Errorf("the first body: %d", status)
		}
		if a := c.do("POST", "/Users", large); a.status == 429 {
			t.Errorf("afterwards: %s", a.text)
		}
	})
}
