package tenant_test

import (
	"errors"
	"slices"
	"testing"

	"rollcall/model/entitle"
	"rollcall/model/internal/storetest"
	"rollcall/model/internal/tenant"
	"rollcall/model/modeltest"
	"rollcall/model/organization"
	"rollcall/model/store"
)

// TestLesserTransactionDropsNothing tells a transaction that ends with its events of more than
// events.
func TestLesserTransactionDropsNothing(t *testing.T) {
	notes := []struct {
		name    string
		note    func(org *store.Org)
		refused bool
	}{
		{"an event", func(org *store.Org) { _ = storetest.Record(org, "subject") }, false},
		{"a function to run once it is committed", func(org *store.Org) { storetest.Committed(org, func() {}) }, true},
		{"a user to recompute", func(org *store.Org) { storetest.Affects(org, storetest.NewID()) }, true},
		{"other rules", storetest.RulesChanged, true},
	}
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, _ := storetest.Contoso(t, s)
		other, _ := storetest.Organization(t, s, "Fabrikam", "fabrikam.example")
		for _, org := range []*store.Org{org, other} { // without rules there are no users to recompute
			account := &entitle.Account{AccountFields: entitle.AccountFields{Name: "Workspace"}}
			storetest.Must(t, entitle.In(org).CreateAccount(t.Context(), account))
		}
		lesser := map[string]func(note func(org *store.Org)) error{
			"in another organization": func(note func(org *store.Org)) error {
				return org.Tx(t.Context(), func(org *store.Org) error {
					return storetest.InOrganization(org, t.Context(), other.ID, func(theirs *store.Org) error {
						note(theirs)
						return nil
					})
				})
			},
			"of one statement": func(note func(org *store.Org)) error {
				return storetest.WriteRecorded(org, t.Context(), note)
			},
		}
		for where, end := range lesser {
			for _, n := range notes {
				if err := end(n.note); errors.Is(err, storetest.ErrDropped) != n.refused || err != nil && !n.refused {
					t.Errorf("%s, told of %s: %v", where, n.name, err)
				}
			}
		}
	})
}

// TestComparisonLeavesTheTransactionAsItWas compares in a transaction that goes on afterwards.
func TestComparisonLeavesTheTransactionAsItWas(t *testing.T) {
	s := modeltest.Open(t, modeltest.Postgres(t), tenant.Options{})
	org, _ := storetest.Contoso(t, s)
	storetest.Must(t, org.Tx(t.Context(), func(org *store.Org) error {
		settings := func() (now []string) {
			for _, name := range []string{"plan_cache_mode", "enable_nestloop", "work_mem", "jit"} {
				var value string
				db := storetest.Within(org, t.Context()).Model(&organization.Organization{}).Limit(1)
				storetest.Must(t, db.Pluck("current_setting('"+name+"')", &value).Error)
				now = append(now, value)
			}
			return now
		}
		before := settings()
		storetest.Must(t, storetest.ComparingTables(org, t.Context(), func() error {
			if during := settings(); slices.Equal(before, during) {
				t.Errorf("compared with %q", during)
			}
			return nil
		}))
		if after := settings(); !slices.Equal(before, after) {
			t.Errorf("%q before, %q after", before, after)
		}
		return nil
	}))
}
