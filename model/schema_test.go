package model_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm/schema"

	"rollcall/model"
	"rollcall/model/modeltest"
)

func TestSchemaMatchesModels(t *testing.T) {
	t.Parallel()
	want := map[string][]string{}
	for _, m := range model.Models {
		parsed, err := schema.Parse(m, &sync.Map{}, schema.NamingStrategy{})
		must(t, err)
		columns := slices.Clone(parsed.DBNames)
		slices.Sort(columns)
		if _, twice := want[parsed.Table]; twice {
			t.Fatalf("two models have the table %s", parsed.Table)
		}
		want[parsed.Table] = columns
	}
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		migrated := map[string][]string{}
		for _, of := range tables(t, s) {
			slices.Sort(of.columns)
			migrated[of.name] = of.columns
		}
		if diff := cmp.Diff(want, migrated); diff != "" {
			t.Errorf("-models +migrations:\n%s", diff)
		}
	})
}
