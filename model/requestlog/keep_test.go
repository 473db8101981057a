package requestlog_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/operator"
	"rollcall/model/requestlog"
	"rollcall/model/store"
)

// several adds n lines of a method, path and status, which are numbered from 0.
func several(log *requestlog.Log, d *directory.Directory, method, path string, status int64, n int) {
	for i := range n {
		r := storetest.Noted(d)
		r.Method, r.Path, r.Status, r.RequestID = method, path, status, fmt.Sprint(i)
		log.Add(r)
	}
}

// left has the number of lines of each request, and the number of the oldest of them.
func left(rs []requestlog.Request) map[string]string {
	count, oldest := map[string]int{}, map[string]string{}
	for _, r := range rs {
		of := fmt.Sprint(r.Method, " ", r.Path, " ", r.Status)
		count[of]++
		oldest[of] = r.RequestID
	}
	out := map[string]string{}
	for of, n := range count {
		out[of] = fmt.Sprint(n, " from ", oldest[of])
	}
	return out
}

func written(t testing.TB, log *requestlog.Log) {
	t.Helper()
	_, err := log.RunOnce(t.Context())
	storetest.Must(t, err)
}

func swept(t testing.TB, s *store.Store, want int64) {
	t.Helper()
	n, err := operator.Across(s).Sweep(t.Context())
	storetest.Must(t, err)
	if n != want {
		t.Errorf("%d lines swept, want %d", n, want)
	}
}

// A token's holder can send any number of reads. They hide nothing that somebody would look for.
func TestReadsPushOutNeitherRefusalsNorWrites(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		s := modeltest.Open(t, db, store.Options{Now: clock.Now})
		org, d := storetest.Contoso(t, s)
		other, _, err := directory.In(org).CreateDirectory(t.Context(), "Other", "okta scim v2.0")
		storetest.Must(t, err)
		log := requestlog.New(requestlog.Across(s))
		several(log, other, "GET", "/Users", 200, 3)
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
			several(log, d, method, "/Users", 200, 1)
		}
		several(log, d, "GET", "/Users", 399, 1)
		several(log, d, "GET", "/Users", 400, 1)
		several(log, d, "POST", "/.search", 404, 1)
		several(log, d, "POST", "/Users/.search", 200, 600)
		several(log, d, "GET", "/Users", 200, 900)
		written(t, log)
		swept(t, s, 501)
		want := map[string]string{
			"POST /Users 200": "1 from 0", "PUT /Users 200": "1 from 0", "PATCH /Users 200": "1 from 0",
			"DELETE /Users 200": "1 from 0", "GET /Users 400": "1 from 0", "POST /.search 404": "1 from 0",
			"POST /Users/.search 200": "100 from 500", "GET /Users 200": "900 from 0",
		}
		if diff := cmp.Diff(want, left(requests(t, org, d))); diff != "" {
			t.Errorf("after reads (-want +got): %s", diff)
		}
		clock.Advance(30 * 24 * time.Hour)
		several(log, d, "PATCH", "/Users", 200, 1)
		written(t, log)
		swept(t, s, 0)
		clock.Advance(time.Millisecond)
		swept(t, s, 3+1006)
		want = map[string]string{"PATCH /Users 200": "1 from 0"}
		if diff := cmp.Diff(want, left(requests(t, org, d))); diff != "" {
			t.Errorf("after 30 days (-want +got): %s", diff)
		}
		if n := len(requests(t, org, other)); n != 0 {
			t.Errorf("%d lines of another directory are left after 30 days", n)
		}
	})
}

func TestWritesAndRefusalsPushOutTheirOwnKind(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		log := requestlog.New(requestlog.Across(s))
		several(log, d, "GET", "/Users", 200, 2)
		several(log, d, "DELETE", "/Users", 204, 1)
		for range 2 {
			several(log, d, "GET", "/Users", 403, 5250)
			written(t, log)
		}
		swept(t, s, 500)
		want := map[string]string{
			"GET /Users 200": "2 from 0", "DELETE /Users 204": "1 from 0", "GET /Users 403": "10000 from 500",
		}
		if diff := cmp.Diff(want, left(requests(t, org, d))); diff != "" {
			t.Errorf("after refusals (-want +got): %s", diff)
		}
		for range 2 {
			several(log, d, "POST", "/Users", 201, 5250)
			written(t, log)
		}
		swept(t, s, 501)
		delete(want, "DELETE /Users 204")
		want["POST /Users 201"] = "10000 from 500"
		if diff := cmp.Diff(want, left(requests(t, org, d))); diff != "" {
			t.Errorf("after writes (-want +got): %s", diff)
		}
	})
}

// What waits for a slow database keeps the same order.
func TestWaitingReadsPushOutNeitherRefusalsNorWrites(t *testing.T) {
	t.Parallel()
	s := modeltest.Open(t, modeltest.SQLite(t), store.Options{})
	org, _ := storetest.Contoso(t, s)
	for _, c := range []struct {
		name                    string
		writes, refusals, reads int // in this order
		want                    map[string]string
	}{
		{"many reads", 5, 5, 20000, map[string]string{
			"PATCH /Users 200": "5 from 0", "GET /Users 404": "5 from 0", "GET /Users 200": "7712 from 12288"}},
		{"reads when there is no room", 4000, 4192, 100, map[string]string{
			"PATCH /Users 200": "4000 from 0", "GET /Users 404": "4192 from 0"}},
		{"many refusals", 3000, 20000, 0, map[string]string{
			"PATCH /Users 200": "3000 from 0", "GET /Users 404": "4625 from 15375"}},
		{"many of both", 8000, 8000, 0, map[string]string{
			"PATCH /Users 200": "3584 from 4416", "GET /Users 404": "4216 from 3784"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, _, err := directory.In(org).CreateDirectory(t.Context(), c.name, "okta scim v2.0")
			storetest.Must(t, err)
			log := requestlog.New(requestlog.Across(s))
			several(log, d, "PATCH", "/Users", 200, c.writes)
			several(log, d, "GET", "/Users", 404, c.refusals)
			several(log, d, "GET", "/Users", 200, c.reads)
			written(t, log)
			if diff := cmp.Diff(c.want, left(requests(t, org, d))); diff != "" {
				t.Errorf("(-want +got): %s", diff)
			}
		})
	}
}
