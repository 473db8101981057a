package store_test

import (
	"errors"
	"testing"

	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/internal/tenant"
	"rollcall/model/modeltest"
	"rollcall/model/organization"
	"rollcall/model/store"
)

// TestAColumnOfANewerProgram adds columns to every table while a store is open that has its
// statements prepared on every connection. PostgreSQL would refuse those with * for columns.
func TestAColumnOfANewerProgram(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		s := modeltest.Open(t, db, store.Options{})
		org, d := storetest.Contoso(t, s)
		ada := storetest.CreateUser(t, org, d, "ada@contoso.example")
		g := storetest.CreateGroup(t, org, d, "Engineers")
		work := func() {
			t.Helper()
			for _, op := range []directory.MembersOp{directory.AddMembers, directory.RemoveMembers} {
				members := directory.MembersChange{Op: op, UserIDs: storetest.Ids(ada)}
				_, err := directory.Of(org, d.ID).UpdateGroup(t.Context(), g.ID, storetest.Unaltered, members)
				storetest.Must(t, err)
			}
		}
		for range 3 {
			work()
		}
		for _, table := range []string{"users", "directory_groups", "directory_group_members", "directories",
			"events"} {
			alter := "ALTER TABLE " + table + " ADD COLUMN later text"
			storetest.Must(t, storetest.Across(s, t.Context()).Exec(alter).Error)
		}
		work()
	})
}

// TestAnAttributeOfAnotherType changes the type of a column while statements are prepared that
// return it. The transaction starts again, on whichever connection.
func TestAnAttributeOfAnotherType(t *testing.T) {
	t.Parallel()
	s := modeltest.Open(t, modeltest.Postgres(t), store.Options{})
	org, _ := storetest.Contoso(t, s)
	read := func(org *store.Org) error {
		var names []string
		err := tenant.DB(t.Context(), org).Model(&organization.Organization{}).
			Where("id = ?", org.ID).Pluck("name", &names).Error
		if err == nil && len(names) != 1 {
			err = errors.New("there is no name")
		}
		return err
	}
	storetest.Must(t, tenant.Change(t.Context(), org, read))
	storetest.Must(t, storetest.Across(s, t.Context()).Exec(
		"ALTER TABLE organizations ALTER COLUMN name TYPE varchar(200)").Error)
	tries := 0
	storetest.Must(t, tenant.Change(t.Context(), org, func(org *store.Org) error {
		tries++
		return read(org)
	}))
	if tries != 2 {
		t.Errorf("%d tries, want the one that fails and another", tries)
	}
}
