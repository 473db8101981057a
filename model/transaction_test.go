package model_test

import (
	"errors"
	"slices"
	"testing"

	"rollcall/model"
	"rollcall/model/modeltest"
)

// TestLesserTransactionDropsNothing tells a transaction that ends with its events of more than events.
func TestLesserTransactionDropsNothing(t *testing.T) {
	notes := []struct {
		name    string
		note    func(org *model.Org)
		refused bool
	}{
		{"an event", func(org *model.Org) { _ = model.Record(org, "subject") }, false},
		{"a function to run once it is committed", func(org *model.Org) { model.Committed(org, func() {}) }, true},
		{"a user to recompute", func(org *model.Org) { model.Affects(org, model.NewID()) }, true},
		{"other rules", model.RulesChanged, true},
	}
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		org, _ := contoso(t, s)
		other, _ := organization(t, s, "Fabrikam", "fabrikam.example")
		for _, org := range []*model.Org{org, other} { // without rules there are no users to recompute
			must(t, org.CreateAccount(t.Context(), &model.Account{AccountFields: model.AccountFields{Name: "Workspace"}}))
		}
		lesser := map[string]func(note func(org *model.Org)) error{
			"in another organization": func(note func(org *model.Org)) error {
				return org.Tx(t.Context(), func(org *model.Org) error {
					return model.InOrganization(org, t.Context(), other.ID, func(theirs *model.Org) error { note(theirs); return nil })
				})
			},
			"of one statement": func(note func(org *model.Org)) error { return model.WriteRecorded(org, t.Context(), note) },
		}
		for where, end := range lesser {
			for _, n := range notes {
				if err := end(n.note); errors.Is(err, model.ErrDropped) != n.refused || err != nil && !n.refused {
					t.Errorf("%s, told of %s: %v", where, n.name, err)
				}
			}
		}
	})
}

// TestComparisonLeavesTheTransactionAsItWas compares in a transaction that goes on afterwards.
func TestComparisonLeavesTheTransactionAsItWas(t *testing.T) {
	s := modeltest.Open(t, modeltest.Postgres(t), model.Options{})
	org, _ := contoso(t, s)
	must(t, org.Tx(t.Context(), func(org *model.Org) error {
		settings := func() (now []string) {
			for _, name := range []string{"plan_cache_mode", "enable_nestloop", "work_mem", "jit"} {
				var value string
				db := model.Within(org, t.Context()).Model(&model.Organization{}).Limit(1)
				must(t, db.Pluck("current_setting('"+name+"')", &value).Error)
				now = append(now, value)
			}
			return now
		}
		before := settings()
		must(t, model.ComparingTables(org, t.Context(), func() error {
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
