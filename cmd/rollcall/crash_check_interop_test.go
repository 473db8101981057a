//go:build interop

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// crashRow is a user as the server answers it.
type crashRow struct {
	User    crashUser
	Version int
}

// check compares the users on the server with the events of the feed and with the answers that the
// writers got.
func (c *crash) check(t *testing.T) {
	t.Helper()
	var rows map[string]crashRow
	var difference string
	// The feed may come later than a commit, because it waits for older transactions of PostgreSQL.
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		c.feed.read(t, c)
		var ids map[string]string
		rows, ids = c.rows(t)
		for _, w := range c.writers {
			w.ids = maps.Clone(ids)
		}
		if difference = cmp.Diff(c.feed.rows(), rows); difference == "" || time.Now().After(deadline) {
			break
		}
	}
	if difference != "" {
		t.Errorf("what the feed tells and what is there (-feed +there):\n%s", difference)
	}
	for name, n := range c.feed.ended {
		if n != 0 {
			t.Errorf("%s: %d more losses of access than events of that", name, n)
		}
	}
	for _, w := range c.writers {
		w.check(t, rows)
	}
}

// check compares the writer's users on the server with its acknowledged steps, followed by some of
// its steps without an answer. It sets the writer's users to those on the server.
func (w *crashWriter) check(t *testing.T, rows map[string]crashRow) {
	t.Helper()
	there := crashPeople{}
	prefix := fmt.Sprintf("w%d-", w.number)
	for name, row := range rows {
		if strings.HasPrefix(name, prefix) {
			there[name] = row.User
		}
	}
	expected := maps.Clone(w.people)
	var differences []string
	for i := 0; ; i++ {
		difference := cmp.Diff(expected, there)
		if difference == "" {
			w.crash.unsure, w.done, w.notDone = w.crash.unsure+len(w.unsure), w.done+i, w.notDone+len(w.unsure)-i
			w.people, w.unsure = there, nil
			break
		}
		differences = append(differences,
			fmt.Sprintf("with %d of the steps without an answer (-told +there):\n%s", i, difference))
		if i == len(w.unsure) {
			t.Errorf("writer %d: %s", w.number, strings.Join(differences, "\n"))
			return
		}
		w.unsure[i].do(expected)
	}
	// The values for filters are written in the transaction of the row.
	for _, name := range slices.Sorted(maps.Keys(there)) {
		var list struct{ Resources []struct{ UserName string } }
		request(t, http.MethodGet, w.url+"/Users?filter="+url.QueryEscape(`emails.value eq "`+name+`"`), w.token,
			"").decode(t, &list)
		if len(list.Resources) != 1 || list.Resources[0].UserName != name {
			t.Errorf("by the address %s are found %v", name, list.Resources)
		}
	}
}

// rows reads all users and their memberships, and the ids of the users.
func (c *crash) rows(t *testing.T) (rows map[string]crashRow, ids map[string]string) {
	t.Helper()
	var users, groups struct {
		TotalResults int
		Resources    []struct {
			ID, UserName, Title, DisplayName string
			Active                           bool
			Meta                             struct{ Version string }
			Members                          []struct{ Value string }
			Groups                           []struct{ Display string }
		}
	}
	request(t, http.MethodGet, c.url+"/Users?count=1000", c.token, "").decode(t, &users)
	request(t, http.MethodGet, c.url+"/Groups?count=1000", c.token, "").decode(t, &groups)
	if len(users.Resources) != users.TotalResults || len(groups.Resources) != crashWriters+1 {
		t.Fatalf("%d of %d users, %d groups", len(users.Resources), users.TotalResults, len(groups.Resources))
	}
	of := map[string][]string{}
	for _, g := range groups.Resources {
		for _, m := range g.Members {
			of[m.Value] = append(of[m.Value], g.DisplayName)
		}
	}
	rows, ids = map[string]crashRow{}, map[string]string{}
	for _, u := range users.Resources {
		var version int
		if _, err := fmt.Sscanf(u.Meta.Version, `W/"%d`, &version); err != nil {
			t.Fatalf("the version of %s is %s: %v", u.UserName, u.Meta.Version, err)
		}
		slices.Sort(of[u.ID])
		var told []string
		for _, g := range u.Groups {
			told = append(told, g.Display)
		}
		if slices.Sort(told); !slices.Equal(told, of[u.ID]) {
			t.Errorf("%s is a member of %v, and the user has the groups %v", u.UserName, of[u.ID], told)
		}
		rows[u.UserName] = crashRow{crashUser{u.Title, u.Active, strings.Join(of[u.ID], " ")}, version}
		ids[u.UserName] = u.ID
	}
	return rows, ids
}

// crashFeed is the state that follows from the events read so far.
type crashFeed struct {
	after string // the last event that was read
	seen  map[string]bool
	count int
	users map[string]crashRow // by the feed's ids of users
	names map[string]string   // user names, by the same ids
	ended map[string]int      // by name, how often access ended without its event so far
}

func newCrashFeed() crashFeed {
	return crashFeed{seen: map[string]bool{}, users: map[string]crashRow{}, names: map[string]string{},
		ended: map[string]int{}}
}

func (f *crashFeed) rows() map[string]crashRow {
	rows := map[string]crashRow{}
	for id, row := range f.users {
		rows[f.names[id]] = row
	}
	return rows
}

// crashEvent is an event. Its Data has the members of all types of events.
type crashEvent struct {
	ID, Event string
	Data      struct {
		crashEventUser
		User               *crashEventUser
		Group              struct{ Name string }
		PreviousAttributes map[string]json.RawMessage `json:"previous_attributes"`
		DirectoryUserID    string                     `json:"directory_user_id"`
		Reason             string
	}
}

type crashEventUser struct {
	ID, Username, State string
	JobTitle            string `json:"job_title"`
}

// read reads the new events of the feed, page by page.
func (f *crashFeed) read(t *testing.T, c *crash) {
	t.Helper()
	for {
		var page struct{ Data []crashEvent }
		query := url.Values{"limit": {"100"}, "organization_id": {c.organization}}
		if f.after != "" {
			query.Set("after", f.after)
		}
		a := request(t, http.MethodGet, c.server.url+"/events?"+query.Encode(), testKey, "")
		if a.status != http.StatusOK {
			t.Fatalf("events: %d %s", a.status, a.body)
		}
		a.decode(t, &page)
		for _, e := range page.Data {
			if f.seen[e.ID] {
				t.Fatalf("event %s came twice", e.ID)
			}
			f.seen[e.ID], f.after, f.count = true, e.ID, f.count+1
			if problem := f.replay(e); problem != "" {
				t.Fatalf("event %d, %s: %s: %+v", f.count, e.Event, problem, e.Data)
			}
		}
		if len(page.Data) == 0 {
			return
		}
	}
}

// replay applies an event to the state. It returns what is wrong when the event does not fit.
func (f *crashFeed) replay(e crashEvent) string {
	id := e.Data.ID
	if e.Data.User != nil {
		id = e.Data.User.ID
	}
	row, there := f.users[id]
	name := f.names[id]
	switch e.Event {
	case "dsync.user.created":
		if there || name != "" {
			return "there is such a user already"
		}
		f.names[id] = e.Data.Username
		f.users[id] = crashRow{crashUser{e.Data.JobTitle, e.Data.State == "active", ""}, 1}
	case "dsync.user.updated":
		return f.update(id, e)
	case "dsync.user.deleted":
		if !there || row.User.Title != e.Data.JobTitle {
			return fmt.Sprintf("it was %+v", row)
		}
		delete(f.users, id)
		f.ended[name]++
	case "dsync.group.user_added", "dsync.group.user_removed":
		in, adds := slices.Contains(strings.Fields(row.User.Groups), e.Data.Group.Name),
			e.Event == "dsync.group.user_added"
		if !there || in == adds {
			return fmt.Sprintf("it was %+v", row)
		}
		people := crashPeople{name: row.User}
		people.join(name, e.Data.Group.Name, adds)
		row.User = people[name]
		f.users[id] = row
	case "user.access_ended":
		f.ended[f.names[e.Data.DirectoryUserID]]--
	}
	return ""
}

// update applies an event about a changed user. It checks the previous values in the event.
func (f *crashFeed) update(id string, e crashEvent) string {
	row, there := f.users[id]
	state := map[bool]string{true: "active", false: "inactive"}[row.User.Active]
	for attribute, was := range map[string]string{"job_title": row.User.Title, "state": state} {
		if told, changed := e.Data.PreviousAttributes[attribute]; changed && string(told) != `"`+was+`"` {
			return fmt.Sprintf("it was %+v", row)
		}
	}
	active := e.Data.State == "active"
	if !there || row.User.Title == e.Data.JobTitle ||
		(row.User.Active != active) != (e.Data.PreviousAttributes["state"] != nil) {
		return fmt.Sprintf("it was %+v", row)
	}
	if row.User.Active && !active {
		f.ended[f.names[id]]++
	}
	row.User.Title, row.User.Active, row.Version = e.Data.JobTitle, active, row.Version+1
	f.users[id] = row
	return ""
}
