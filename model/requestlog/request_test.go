package requestlog_test

import (
	"fmt"
	"strings"
	"testing"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/requestlog"
	"rollcall/model/store"
)

// requests reads a directory's request log, newest first.
func requests(t testing.TB, org *store.Org, d *directory.Directory) (out []requestlog.Request) {
	t.Helper()
	p := model.Page{Limit: 500}
	for {
		list, info, err := requestlog.In(org).Requests(t.Context(), d.ID, p)
		storetest.Must(t, err)
		out = append(out, list...)
		if info.After == "" {
			return out
		}
		p.After = info.After
	}
}

func TestRequestLog(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		t.Run("a line is stored as it was added, cut where it is long", func(t *testing.T) {
			log := requestlog.New(requestlog.Across(s))
			want := storetest.Noted(d)
			want.ResourceID, want.Filter, want.ScimType, want.Detail = "ada", strings.Repeat("ä", 400), "tooMany",
				"no \x00 'quote' \"here\""
			want.Duration, want.TokenID, want.TokenName, want.TokenSuffix, want.RequestID = 1234, "t",
				"<first>", "abcd", "r"
			log.Add(want)
			_, err := log.RunOnce(t.Context())
			storetest.Must(t, err)
			got := requests(t, org, d)
			if len(got) != 1 {
				t.Fatalf("%d lines", len(got))
			}
			want.ID, want.CreatedAt, want.ResourceID = got[0].ID, got[0].CreatedAt, requestlog.Redacted
			want.Filter, want.Detail = strings.Repeat("ä", 250)+requestlog.Redacted, "no … 'quote' \"here\""
			if got[0] != want {
				t.Errorf("got  %+v\nwant %+v", got[0], want)
			}
		})
		t.Run("a deleted directory loses its lines, and other lines are written", func(t *testing.T) {
			gone, _, err := directory.In(org).CreateDirectory(t.Context(), "Gone", "okta scim v2.0")
			storetest.Must(t, err)
			storetest.Note(t, s, gone, 1)
			log := requestlog.New(requestlog.Across(s))
			log.Add(storetest.Noted(gone))
			log.Add(storetest.Noted(d))
			storetest.Must(t, directory.In(org).DeleteDirectory(t.Context(), gone.ID))
			_, err = log.RunOnce(t.Context())
			storetest.Must(t, err)
			var n int64
			storetest.Must(t, storetest.Across(s, t.Context()).Model(&requestlog.Request{}).
				Where("directory_id = ?", gone.ID).Count(&n).Error)
			if all := requests(t, org, d); n != 0 || len(all) != 2 {
				t.Errorf("%d lines of the directory that has gone, %d of the other", n, len(all))
			}
		})
	})
}

// TestRequestLogIsBounded has a database that takes no lines for a while.
func TestRequestLogIsBounded(t *testing.T) {
	t.Parallel()
	s := modeltest.Open(t, modeltest.SQLite(t), store.Options{})
	org, d := storetest.Contoso(t, s)
	log := requestlog.New(requestlog.Across(s))
	add := func(from, to int) {
		for i := from; i < to; i++ {
			r := storetest.Noted(d)
			r.RequestID = fmt.Sprint(i)
			log.Add(r)
		}
	}
	add(0, 8000)
	storetest.Must(t, storetest.Across(s, t.Context()).Exec("ALTER TABLE directory_requests RENAME TO away").Error)
	if _, err := log.RunOnce(t.Context()); err == nil {
		t.Fatal("the lines were written without a table")
	}
	add(8000, 9000)
	storetest.Must(t, storetest.Across(s, t.Context()).Exec("ALTER TABLE away RENAME TO directory_requests").Error)
	n, err := log.RunOnce(t.Context())
	storetest.Must(t, err)
	all := requests(t, org, d)
	if n > 8192 || n < 7000 || len(all) != n || all[0].RequestID != "8999" || all[n-1].RequestID != fmt.Sprint(9000-n) {
		t.Errorf("%d lines, the first %s", n, all[len(all)-1].RequestID)
	}
	if n, err := log.RunOnce(t.Context()); n != 0 || err != nil {
		t.Errorf("%d lines are left: %v", n, err)
	}
}
