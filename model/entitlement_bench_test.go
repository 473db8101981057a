package model_test

import (
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/modeltest"
)

// BenchmarkRecompute carries out one mapping that reaches each of 100,000 users, and previews it:
// go test ./model -run '^$' -bench Recompute -benchtime 1x
func BenchmarkRecompute(b *testing.B) {
	const people = 100_000
	var counter modeltest.Statements
	clock := modeltest.NewClock()
	options := counter.Options()
	options.Now = clock.Now
	for range b.N {
		s := modeltest.Open(b, modeltest.Postgres(b), options)
		h := suite{house: open(b, s, "contoso"), clock: clock}
		fill(b, s, h.org, h.d, people)
		staff := createGroup(b, h.org, h.d, "Staff")
		insert := func(query string, vars ...any) {
			b.Helper()
			must(b, model.Across(s, b.Context()).Exec(query, vars...).Error)
		}
		insert("INSERT INTO directory_group_members (organization_id, group_id, user_id) SELECT organization_id, ?, id FROM users WHERE directory_id = ?", staff.ID, h.d.ID)
		h.account = h.newAccount(b, "Workspace", -1)
		must(b, h.org.SetConnectionAccounts(b.Context(), h.c.ID, []string{h.account.ID}))
		insert("ANALYZE")
		carry := func(what string) {
			b.Helper()
			clock.Advance(3 * time.Second)
			start := time.Now()
			var n int
			statements := counter.During(func() {
				var err error
				n, err = model.NewRecomputer(s).RunOnce(b.Context())
				must(b, err)
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
		g := h.newGroup(b, "Editors", false)
		insert("ANALYZE")
		mappings := []model.DirectoryGroupRef{byID(staff)}
		start := time.Now()
		p, err := h.org.Preview(b.Context(), model.Proposal{Groups: map[string]model.ProposedGroup{g.ID: {Mappings: &mappings}}}, "", 100)
		must(b, err)
		b.ReportMetric(time.Since(start).Seconds(), "preview-s")
		if p.Users != people {
			b.Errorf("the preview is of %d users", p.Users)
		}
		_, err = h.org.AddMapping(b.Context(), g.AccountID, g.ID, byID(staff))
		must(b, err)
		carry("mapping")
	}
}
