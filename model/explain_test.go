package model_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"rollcall/model"
	"rollcall/model/modeltest"
)

// Every look-up of an identity provider is answered from an index, also beside
// other organizations' rows.
func TestPlansUseIndexes(t *testing.T) {
	const people = 20_000
	db := modeltest.Postgres(t)
	var last struct {
		sync.Mutex
		query string
	}
	s := modeltest.Open(t, db, model.Options{Statement: func(q string) {
		last.Lock()
		defer last.Unlock()
		last.query = q
	}})
	org, d := contoso(t, s)
	all := fill(t, s, org, d, people)
	other, otherDirectory := organization(t, s, "Fabrikam", "fabrikam.example")
	fill(t, s, other, otherDirectory, 2_000)
	groups, members := make([]model.DirectoryGroup, people/10), make([]model.GroupMember, 0, people)
	for i := range groups {
		g := &groups[i]
		*g = model.DirectoryGroup{ID: model.NewID(), DirectoryID: d.ID, Version: 1, CreatedAt: model.Time(i), UpdatedAt: model.Time(i)}
		must(t, g.SetDocument(map[string]any{"displayName": fmt.Sprint("Group ", i), "externalId": fmt.Sprint("g-", i)}))
		for _, id := range all[i*10 : i*10+10] {
			members = append(members, model.GroupMember{GroupID: g.ID, UserID: id})
		}
	}
	must(t, model.Within(org, t.Context()).CreateInBatches(&groups, 500).Error)
	must(t, model.Within(org, t.Context()).CreateInBatches(&members, 2000).Error)
	var nested []model.GroupGroup // chains of ten groups, each in the one before; none of the first ones
	for i := range groups {
		if i > 100 && i%10 > 0 {
			nested = append(nested, model.GroupGroup{GroupID: groups[i-1].ID, MemberID: groups[i].ID})
		}
	}
	must(t, model.Within(org, t.Context()).CreateInBatches(&nested, 2000).Error)
	must(t, model.Across(s, t.Context()).Exec("ANALYZE").Error)

	// What the store sends is explained as it is, with its parameters as PostgreSQL guesses them for any value.
	explain := func(t *testing.T, run func(), without ...string) {
		t.Helper()
		run()
		last.Lock()
		query := last.query
		last.Unlock()
		conn := model.Across(s, t.Context()).Begin()
		defer conn.Rollback()
		must(t, conn.Exec("SET LOCAL plan_cache_mode = force_generic_plan").Error)
		must(t, conn.Exec("PREPARE looked_up AS "+query).Error)
		defer conn.Exec("DEALLOCATE looked_up")
		nulls := strings.TrimSuffix(strings.Repeat("NULL,", parameters(query)), ",")
		var plan []string
		must(t, conn.Raw("EXPLAIN EXECUTE looked_up("+nulls+")").Scan(&plan).Error)
		text := strings.Join(plan, "\n")
		without = append(without, "Seq Scan on users", "Seq Scan on user_values", "Seq Scan on directory_group")
		for _, whole := range without {
			if strings.Contains(text, whole) {
				t.Errorf("there is a %q:\n%s\n%s", whole, query, text)
			}
		}
		if !strings.Contains(text, "Index") {
			t.Errorf("no index is used:\n%s", text)
		}
	}
	const someone = "filler-7@contoso.example"
	for _, text := range []string{
		`userName eq "` + someone + `"`, `externalId eq "x-` + someone + `"`, `emails eq "` + someone + `"`, `displayName eq "Person ` + someone + `"`,
		`emails[type eq "work" and value eq "` + someone + `"]`, `userName eq "` + someone + `" and active eq true`,
		`userName eq "` + someone + `" or emails eq "` + someone + `"`, `id eq "` + all[7] + `"`, `manager eq "x"`,
	} {
		t.Run("users "+text, func(t *testing.T) {
			// The index of the directory's users would be read from end to end.
			explain(t, func() { filtered(t, org, d.ID, text, false) }, "users_directory")
		})
	}
	for _, text := range []string{`displayName eq "group 7"`, `externalId eq "x"`, `members eq "` + all[7] + `"`, `id eq "` + all[7] + `" and members eq "` + all[7] + `"`} {
		t.Run("groups "+text, func(t *testing.T) { explain(t, func() { filtered(t, org, d.ID, text, true) }) })
	}
	run := map[string]func() error{
		"a user by id": func() error { _, err := org.DirectoryUser(t.Context(), d.ID, all[7]); return err },
		"the last page": func() error {
			_, _, err := org.DirectoryUsers(t.Context(), d.ID, model.ResourceQuery{Offset: people - 100, Limit: 100})
			return err
		},
		"the groups of a page":   func() error { _, err := org.GroupsOf(t.Context(), all[:100]...); return err },
		"the groups of a user":   func() error { _, err := org.GroupsOf(t.Context(), all[7]); return err },
		"the members of a group": func() error { _, err := org.GroupMembers(t.Context(), groups[7].ID); return err },
	}
	for name, read := range run {
		t.Run(name, func(t *testing.T) { explain(t, func() { must(t, read()) }) })
	}
}

// parameters is how many a statement has.
func parameters(query string) int {
	n := 0
	for strings.Contains(query, fmt.Sprint("$", n+1)) {
		n++
	}
	return n
}
