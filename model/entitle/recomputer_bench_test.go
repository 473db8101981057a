package entitle_test

import (
	"testing"
	"time"

	"rollcall/model/entitle"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
)

// BenchmarkRecompute previews and carries out a mapping that changes 100,000 users:
//
//	go test ./model/entitle -run '^$' -bench Recompute -benchtime 1x
func BenchmarkRecompute(b *testing.B) {
	const people = 100_000
	var counter modeltest.Statements
	clock := modeltest.NewClock()
	options := counter.Options()
	options.Now = clock.Now
	for range b.N {
		s := modeltest.Open(b, modeltest.Postgres(b), options)
		h := storetest.Suite{House: storetest.Open(b, s, "contoso"), Clock: clock}
		storetest.Fill(b, s, h.Org, h.D, people)
		staff := storetest.CreateGroup(b, h.Org, h.D, "Staff")
		insert := func(query string, vars ...any) {
			b.Helper()
			storetest.Must(b, storetest.Across(s, b.Context()).Exec(query, vars...).Error)
		}
		insert(`INSERT INTO directory_group_members (organization_id, group_id, user_id)
			SELECT organization_id, ?, id FROM users WHERE directory_id = ?`, staff.ID, h.D.ID)
		h.Account = h.NewAccount(b, "Workspace", -1)
		storetest.Must(b, entitle.In(h.Org).SetConnectionAccounts(b.Context(), h.C.ID, []string{h.Account.ID}))
		insert("ANALYZE")
		carry := func(what string) {
			b.Helper()
			clock.Advance(3 * time.Second)
			start := time.Now()
			var n int
			statements := counter.During(func() {
				var err error
				n, err = entitle.NewRecomputer(entitle.Across(s)).RunOnce(b.Context())
				storetest.Must(b, err)
			})
			took := time.Since(start)
			b.ReportMetric(took.Seconds(), what+"-s")
			b.ReportMetric(float64(len(statements)), what+"-statements")
			b.ReportMetric(took.Seconds()*1000*200/float64(max(n, 1)), what+"-ms/batch")
			if n < people {
				b.Errorf("%s: %d changes", what, n)
			}
		}
		carry("licenses")
		g := h.NewGroup(b, "Editors", false)
		insert("ANALYZE")
		mappings := []entitle.DirectoryGroupRef{storetest.ByID(staff)}
		proposal := entitle.Proposal{Groups: map[string]entitle.ProposedGroup{g.ID: {Mappings: &mappings}}}
		start := time.Now()
		p, err := entitle.In(h.Org).Preview(b.Context(), proposal, "", 100)
		storetest.Must(b, err)
		b.ReportMetric(time.Since(start).Seconds(), "preview-s")
		if p.Users != people {
			b.Errorf("the preview is of %d users", p.Users)
		}
		_, err = entitle.In(h.Org).AddMapping(b.Context(), g.AccountID, g.ID, storetest.ByID(staff))
		storetest.Must(b, err)
		carry("mapping")
	}
}
