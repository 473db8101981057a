package store_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm/schema"

	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/store"
)

func TestSchemaMatchesModels(t *testing.T) {
	t.Parallel()
	want := map[string][]string{}
	for _, m := range storetest.Models {
		parsed, err := schema.Parse(m, &sync.Map{}, schema.NamingStrategy{})
		storetest.Must(t, err)
		columns := slices.Clone(parsed.DBNames)
		slices.Sort(columns)
		if _, twice := want[parsed.Table]; twice {
			t.Fatalf("two models have the table %s", parsed.Table)
		}
		want[parsed.Table] = columns
	}
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		migrated := map[string][]string{}
		for _, of := range storetest.Tables(t, s) {
			slices.Sort(of.Columns)
			migrated[of.Name] = of.Columns
		}
		if diff := cmp.Diff(want, migrated); diff != "" {
			t.Errorf("-models +migrations:\n%s", diff)
		}
	})
}
