package model_test

import (
	"errors"
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
			must(t, org.CreateAccount(t.Context(), &model.Account{Name: "Workspace"}))
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
