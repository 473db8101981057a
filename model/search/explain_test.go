package search_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/people"
	"rollcall/model/search"
	"rollcall/model/store"
)

// Each statement by which an identity provider looks something up is answered from an index, also
// among the rows of other organizations.
func TestPlansUseIndexes(t *testing.T) {
	t.Parallel()
	const population = 20_000
	db := modeltest.Postgres(t)
	var last struct {
		sync.Mutex
		query string
	}
	s := modeltest.Open(t, db, store.Options{Statement: func(q string) {
		last.Lock()
		defer last.Unlock()
		last.query = q
	}})
	org, d := storetest.Contoso(t, s)
	all := storetest.Fill(t, s, org, d, population)
	other, otherDirectory := storetest.Organization(t, s, "Fabrikam", "fabrikam.example")
	storetest.Fill(t, s, other, otherDirectory, 2_000)
	groups, members := make([]people.DirectoryGroup, population/10), make([]storetest.GroupMember, 0, population)
	for i := range groups {
		g := &groups[i]
		*g = people.DirectoryGroup{
			ID: storetest.NewID(), DirectoryID: d.ID, Version: 1, CreatedAt: model.Time(i), UpdatedAt: model.Time(i),
		}
		storetest.Must(t,
			g.SetDocument(map[string]any{"displayName": fmt.Sprint("Group ", i), "externalId": fmt.Sprint("g-", i)}))
		for _, id := range all[i*10 : i*10+10] {
			members = append(members, storetest.GroupMember{GroupID: g.ID, UserID: id})
		}
	}
	storetest.Must(t, storetest.Within(org, t.Context()).CreateInBatches(&groups, 500).Error)
	storetest.Must(t, storetest.Within(org, t.Context()).CreateInBatches(&members, 2000).Error)
	// Chains of ten groups, each a member of the one before it. The first 100 groups are in no
	// chain.
	var nested []storetest.GroupGroup
	for i := range groups {
		if i > 100 && i%10 > 0 {
			nested = append(nested, storetest.GroupGroup{GroupID: groups[i-1].ID, MemberID: groups[i].ID})
		}
	}
	storetest.Must(t, storetest.Within(org, t.Context()).CreateInBatches(&nested, 2000).Error)
	storetest.Must(t, storetest.Across(s, t.Context()).Exec("ANALYZE").Error)

	// The plan is that of the statement that the store sent, for parameters of any value.
	explain := func(t *testing.T, run func(), without ...string) {
		t.Helper()
		run()
		last.Lock()
		query := last.query
		last.Unlock()
		conn := storetest.Across(s, t.Context()).Begin()
		defer conn.Rollback()
		storetest.Must(t, conn.Exec("SET LOCAL plan_cache_mode = force_generic_plan").Error)
		storetest.Must(t, conn.Exec("PREPARE looked_up AS "+query).Error)
		defer conn.Exec("DEALLOCATE looked_up")
		nulls := strings.TrimSuffix(strings.Repeat("NULL,", storetest.Parameters(query)), ",")
		var plan []string
		storetest.Must(t, conn.Raw("EXPLAIN EXECUTE looked_up("+nulls+")").Scan(&plan).Error)
		text := strings.Join(plan, "\n")
		without = append(without, "Seq Scan on users", "Seq Scan on user_values", "Seq Scan on directory_group")
		for _, scan := range without {
			if strings.Contains(text, scan) {
				t.Errorf("there is a %q:\n%s\n%s", scan, query, text)
			}
		}
		if !strings.Contains(text, "Index") {
			t.Errorf("no index is used:\n%s", text)
		}
	}
	const someone = "filler-7@contoso.example"
	const urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	for _, text := range []string{
		`userName eq "` + someone + `"`, `externalId eq "x-` + someone + `"`,
		`emails eq "` + someone + `"`, `displayName eq "Person ` + someone + `"`,
		`emails[type eq "work" and value eq "` + someone + `"]`, `userName eq "` + someone + `" and active eq true`,
		`userName eq "` + someone + `" or emails eq "` + someone + `"`, `id eq "` + all[7] + `"`, `manager eq "x"`,
		`userName sw "filler-7777"`, `displayName sw "Person filler-7777"`, `emails sw "filler-7777"`,
		`emails[type eq "work" and value sw "filler-7777"]`,
		urn + `:employeeNumber eq "x"`,
		`title co "x" and userName eq "` + someone + `"`, `urn:x:y.z eq 5 and emails eq "` + someone + `"`,
	} {
		t.Run("users "+text, func(t *testing.T) {
			// The index on the users of a directory would be read as a whole.
			explain(t, func() { storetest.Filtered(t, org, d.ID, text, false) }, "users_directory")
		})
	}
	for _, text := range []string{
		`displayName eq "group 7"`, `displayName sw "Group 777"`, `members.display eq "Person ` + someone + `"`,
		`externalId eq "x"`, `members eq "` + all[7] + `"`, `id eq "` + all[7] + `" and members eq "` + all[7] + `"`,
	} {
		t.Run("groups "+text, func(t *testing.T) {
			explain(t, func() { storetest.Filtered(t, org, d.ID, text, true) })
		})
	}
	run := map[string]func() error{
		"a user by id": func() error { _, err := directory.Of(org, d.ID).User(t.Context(), all[7]); return err },
		"the last page": func() error {
			us, _, err := directory.Of(org, d.ID).Users(t.Context(), search.Query{Offset: population - 100, Limit: 100})
			if err == nil && (len(us) != 100 || us[0].ID != all[population-100] || us[99].ID != all[population-1]) {
				err = fmt.Errorf("%d users from %s", len(us), us[0].ID)
			}
			return err
		},
		"a page by cursor": func() error {
			place := fmt.Sprintf("[%d, %q]", int64(population), all[population/2])
			_, _, err := directory.Of(org, d.ID).Users(t.Context(),
				search.Query{Limit: 100, Cursor: &search.Cursor{Place: place}})
			return err
		},
		"a page by userName": func() error {
			q := search.Query{
				Limit: 100, Sort: &search.Sort{By: storetest.Attribute("userName"), Descending: true},
				Cursor: new(search.Cursor),
			}
			q.Cursor.Place, q.Cursor.Total = `["m", "x"]`, population
			_, _, err := directory.Of(org, d.ID).Users(t.Context(), q)
			return err
		},
		"the groups of a page": func() error {
			_, err := people.In(org).GroupsOf(t.Context(), all[:100]...)
			return err
		},
		"the groups of a user": func() error { _, err := people.In(org).GroupsOf(t.Context(), all[7]); return err },
		"the members of a group": func() error {
			_, err := people.In(org).GroupMembers(t.Context(), groups[7].ID)
			return err
		},
	}
	for name, read := range run {
		t.Run(name, func(t *testing.T) { explain(t, func() { storetest.Must(t, read()) }) })
	}
}

// The plans of SQLite do not depend on how many rows there are.
func TestPlansOfSQLiteUseIndexes(t *testing.T) {
	t.Parallel()
	var last struct {
		sync.Mutex
		query string
	}
	s := modeltest.Open(t, modeltest.SQLite(t), store.Options{Statement: func(q string) {
		last.Lock()
		defer last.Unlock()
		last.query = q
	}})
	explain := func(t *testing.T, run func(), without string) {
		t.Helper()
		run()
		last.Lock()
		query := last.query
		last.Unlock()
		var plan []struct{ Detail string }
		storetest.Must(t, storetest.Across(s, t.Context()).
			Raw("EXPLAIN QUERY PLAN "+query, make([]any, strings.Count(query, "?"))...).Scan(&plan).Error)
		for _, step := range plan {
			// These scan the elements of one document, and the groups below one group.
			ofRow := strings.Contains(step.Detail, "VIRTUAL TABLE") || step.Detail == "SCAN below"
			if strings.HasPrefix(step.Detail, "SCAN") && !ofRow || strings.Contains(step.Detail, without) {
				t.Errorf("%s\n%v", query, plan)
			}
		}
		if len(plan) == 0 {
			t.Error("there is no plan")
		}
	}
	org, d := storetest.Contoso(t, s)
	id := storetest.CreateUser(t, org, d, "ada@contoso.example").ID
	for _, text := range []string{
		`displayName eq "x"`, `externalId eq "x"`, `members eq "` + id + `"`,
		`id eq "` + id + `" and members eq "` + id + `"`,
	} {
		t.Run("groups "+text, func(t *testing.T) {
			explain(t, func() { storetest.Filtered(t, org, d.ID, text, true) }, "directory_groups_created")
		})
	}
	for _, text := range []string{
		`userName eq "x"`, `externalId eq "x"`, `emails eq "x"`, `displayName eq "x"`,
		`emails[type eq "work" and value eq "x"]`, `userName eq "x" and active eq true`,
		`userName eq "x" or emails eq "x"`, `id eq "` + id + `"`, `manager eq "x"`,
		`userName sw "x"`, `displayName sw "x"`, `emails sw "x"`,
		`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber eq "x"`,
		`groups eq "` + id + `"`, `userName eq "x" and title co "x"`,
	} {
		t.Run(text, func(t *testing.T) {
			explain(t, func() { storetest.Filtered(t, org, d.ID, text, false) }, "users_directory")
		})
	}
}
