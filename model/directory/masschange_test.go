package directory_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/people"
	"rollcall/model/store"
)

// An identity provider that is set up wrongly takes away everybody's access. The alert is for that:
// for more than the set share of a directory's users within the set window, and once in a window.
func TestMassChangeIsMoreThanTheShareWithinTheWindow(t *testing.T) {
	t.Parallel()
	const window = time.Minute
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		s, clock := clocked(t, db)
		org, _ := storetest.Contoso(t, s)
		guard := directory.NewMassChangeGuard(directory.Across(s))
		watch := func() {
			for n := 1; n > 0; {
				var err error
				n, err = guard.RunOnce(t.Context())
				storetest.Must(t, err)
			}
		}
		watch() // from here on
		leave := func(n int) func(*crowd) { return func(c *crowd) { c.leave(t, n) } }
		wait := func(d time.Duration) func(*crowd) { return func(*crowd) { clock.Advance(d) } }
		for i, c := range []struct {
			name    string
			users   int
			percent int64
			steps   []func(*crowd)
			want    []string // users of all, for each alert
		}{
			{"the share", 10, 20, []func(*crowd){leave(2)}, nil},
			{"more than the share", 10, 20, []func(*crowd){leave(3)}, []string{"3 of 10"}},
			{"one of many", 10, 1, []func(*crowd){leave(1)}, nil},
			{"two of many", 10, 1, []func(*crowd){leave(2)}, []string{"2 of 10"}},
			{"few users", 4, 1, []func(*crowd){leave(4)}, nil},
			{"the fewest users", 5, 1, []func(*crowd){leave(2)}, []string{"2 of 5"}},
			{"everybody", 5, 100, []func(*crowd){leave(5)}, nil},
			{"within the window", 10, 20, []func(*crowd){leave(2), wait(window - time.Millisecond), leave(1)},
				[]string{"3 of 10"}},
			{"over the window", 10, 20, []func(*crowd){leave(2), wait(window), leave(1)}, nil},
			{"again within the window", 20, 20, []func(*crowd){leave(5), wait(window - time.Millisecond), leave(5)},
				[]string{"5 of 20"}},
			{"again in the next window", 20, 20, []func(*crowd){leave(5), wait(window), leave(5)},
				[]string{"5 of 20", "5 of 15"}},
			{"who is back has not left", 10, 20,
				[]func(*crowd){leave(2), func(c *crowd) { c.comeBack(t, 1) }, leave(2)},
				[]string{"3 of 10"}},
			{"all are back but one", 10, 1, []func(*crowd){leave(3), func(c *crowd) { c.comeBack(t, 2) }},
				[]string{"3 of 10"}},
		} {
			t.Run(c.name, func(t *testing.T) {
				crowd := gather(t, s, org, fmt.Sprint("d", i), c.users, c.percent, int64(window.Seconds()))
				before := len(alertsOf(t, s, org))
				for _, step := range c.steps {
					step(crowd)
					watch()
				}
				want := []string{}
				for _, users := range c.want {
					want = append(want, fmt.Sprintf("%s users were deactivated or deleted within 60 seconds", users))
				}
				if diff := cmp.Diff(want, alertsOf(t, s, org)[before:]); diff != "" {
					t.Error(diff)
				}
				d, err := directory.In(org).Directory(t.Context(), crowd.d.ID)
				storetest.Must(t, err)
				now := model.TimeOf(clock.Now())
				if alert := d.PublicForm(now).Rollcall.MassChange; (alert != nil) != (len(want) > 0) ||
					alert != nil && alert.Until != alert.At+60_000 {
					t.Errorf("the directory shows %+v", alert)
				}
				if over := d.PublicForm(now + 60_000).Rollcall.MassChange; over != nil {
					t.Errorf("a window later, the directory shows %+v", over)
				}
			})
		}
	})
}

// crowd is a directory with users, those first who are in it.
type crowd struct {
	org *store.Org
	d   *directory.Directory
	in  []*people.User
	out []*people.User
}

// gather makes a directory with n users.
func gather(t *testing.T, s *store.Store, org *store.Org, name string, n int, percent, window int64) *crowd {
	t.Helper()
	c := &crowd{org: org, d: storetest.Directory(t, org)}
	_, err := directory.In(org).UpdateDirectory(t.Context(), c.d.ID, func(d *directory.DirectoryFields) error {
		d.MassChangePercent, d.MassChangeWindowSeconds = percent, window
		return nil
	})
	storetest.Must(t, err)
	c.org = s.Org(org.ID, c.d.Actor())
	for i := range n {
		c.in = append(c.in, storetest.CreateUser(t, org, c.d, fmt.Sprintf("%s-%d@contoso.example", name, i)))
	}
	return c
}

func (c *crowd) leave(t *testing.T, n int) {
	t.Helper()
	for _, u := range c.in[:n] {
		_, err := directory.Of(c.org, c.d.ID).UpdateUser(t.Context(), u.ID, storetest.SetActive(false))
		storetest.Must(t, err)
	}
	c.in, c.out = c.in[n:], append(c.out, c.in[:n]...)
}

func (c *crowd) comeBack(t *testing.T, n int) {
	t.Helper()
	for _, u := range c.out[:n] {
		_, err := directory.Of(c.org, c.d.ID).UpdateUser(t.Context(), u.ID, storetest.SetActive(true))
		storetest.Must(t, err)
	}
}

// alertsOf returns the causes of all alerts.
func alertsOf(t *testing.T, s *store.Store, org *store.Org) []string {
	t.Helper()
	causes := []string{}
	for _, e := range storetest.Events(t, s, org) {
		if e.Type == directory.DirectoryMassChange {
			var data struct{ Cause string }
			storetest.Must(t, json.Unmarshal([]byte(e.Data), &data))
			causes = append(causes, data.Cause)
		}
	}
	return causes
}

// The share and the window have bounds, within which an alert can come and end.
func TestBoundsOfAMassChange(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		for _, c := range []struct {
			percent, window int64
			field           string
		}{
			{1, 60, ""}, {100, 86400, ""},
			{0, 60, "mass_change_percent"}, {101, 60, "mass_change_percent"},
			{20, 59, "mass_change_window_seconds"}, {20, 86401, "mass_change_window_seconds"},
		} {
			_, err := directory.In(org).UpdateDirectory(t.Context(), d.ID, func(d *directory.DirectoryFields) error {
				d.MassChangePercent, d.MassChangeWindowSeconds = c.percent, c.window
				return nil
			})
			if c.field == "" {
				storetest.Must(t, err)
			} else {
				storetest.WantKind(t, err, model.Invalid, c.field)
			}
		}
	})
}

// An access token opens the directory for an hour, and never for longer than its credentials are
// good. Whatever this installation did not sign is looked up as a bearer token, and opens nothing.
func TestAccessTokensAreBoughtWithCredentials(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		s, clock := clocked(t, db)
		org, d := storetest.Contoso(t, s)
		end := model.TimeOf(clock.Now().Add(90 * time.Minute))
		client, secret, err := directory.Of(org, d.ID).CreateClient(t.Context(), "client", &end)
		storetest.Must(t, err)
		other, _, err := directory.Of(org, storetest.Directory(t, org).ID).CreateClient(t.Context(), "other", nil)
		storetest.Must(t, err)
		buy := func(id, secret string) (string, time.Duration, error) {
			return directory.Across(s).DirectoryAccessToken(t.Context(), id, secret)
		}
		token, lifetime, err := buy(client.ClientID(), secret)
		if err != nil || lifetime != time.Hour {
			t.Fatalf("%s: %v", lifetime, err)
		}
		for name, c := range map[string][2]string{
			"another client's id": {other.ClientID(), secret}, "no id": {"", secret},
			"another secret": {client.ClientID(), secret + "x"}, "no secret": {client.ClientID(), ""},
			"the access token": {client.ClientID(), token},
		} {
			if _, _, err := buy(c[0], c[1]); model.KindOf(err) != model.Denied {
				t.Errorf("%s: %v", name, err)
			}
		}
		opens := func(token string) bool {
			opened, err := directoryByToken(t, s, token)
			if err != nil {
				storetest.WantKind(t, err, model.Denied)
				return false
			}
			return opened.ID == d.ID
		}
		if !opens(token) || opens(secret) || opens(token+"x") || opens(token[:len(token)-4]) || opens("rc_da_") ||
			opens("rc_da_!") || opens(strings.TrimPrefix(token, "rc_da_")) {
			t.Error("the token does not open the directory, or another text does")
		}
		// A text with another end is not signed.
		raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(token, "rc_da_"))
		storetest.Must(t, err)
		for i := range raw {
			changed := slices.Clone(raw)
			changed[i] ^= 1
			if opens("rc_da_" + base64.RawURLEncoding.EncodeToString(changed)) {
				t.Errorf("with another byte %d it opens the directory", i)
			}
		}
		clock.Advance(time.Hour - time.Millisecond)
		late, lifetime, err := buy(client.ClientID(), secret)
		if err != nil || lifetime != 30*time.Minute+time.Millisecond {
			t.Errorf("at the end of its credentials, a token is good for %s: %v", lifetime, err)
		}
		if !opens(token) {
			t.Error("the token ends before its time")
		}
		clock.Advance(time.Millisecond)
		if opens(token) || !opens(late) {
			t.Error("the token opens the directory after its hour, or the next one does not")
		}
		clock.Advance(30 * time.Minute)
		if opens(late) {
			t.Error("a token outlives its credentials")
		}
		_, _, err = buy(client.ClientID(), secret)
		storetest.WantKind(t, err, model.Denied)
	})
}

// An administrator sees how many users and groups the directory has, those of no other one.
func TestCountsAreOfOneDirectory(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		other := storetest.Directory(t, org)
		storetest.CreateUser(t, org, other, "else@contoso.example")
		storetest.CreateGroup(t, org, other, "Else")
		for i := range 3 {
			u := storetest.CreateUser(t, org, d, fmt.Sprintf("user-%d@contoso.example", i))
			if i == 0 {
				storetest.Deactivate(t, org, d, u)
			}
		}
		for i := range 4 {
			storetest.CreateGroup(t, org, d, fmt.Sprint("Group ", i))
		}
		got, err := directory.Of(org, d.ID).Counts(t.Context())
		if err != nil || got != (directory.DirectoryCounts{ActiveUsers: 2, InactiveUsers: 1, Groups: 4}) {
			t.Errorf("%+v: %v", got, err)
		}
	})
}
