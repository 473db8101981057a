package scim_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model/directory"
	"rollcall/model/modeltest"
	"rollcall/model/store"
)

func TestPaging(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		const total = 7
		names := make([]string, total)
		for i := range names {
			names[i] = fmt.Sprintf("user-%d", (i*5)%total) // lists are in the order of creation
			c.user(names[i])
		}
		sortedNames := sorted(slices.Clone(names)...)
		tests := []struct {
			query      string
			startIndex float64
			want       []string
		}{
			{"", 1, names},
			{"?startIndex=1&count=3", 1, names[:3]},
			{"?startIndex=4&count=3", 4, names[3:6]},
			{"?startIndex=7&count=3", 7, names[6:]},
			{"?startIndex=8&count=3", 8, nil},
			{"?startIndex=1000000&count=3", 1000000, nil},
			{"?startIndex=99999999999&count=3", 99999999999, nil},
			{"?startIndex=99999999999999999999&count=3", 1 << 53, nil}, // the largest that JSON can represent exactly
			{"?startIndex=-99999999999999999999&count=2", 1, names[:2]},
			{"?count=99999999999999999999", 1, names},
			{"?startIndex=0&count=2", 1, names[:2]},
			{"?startIndex=-5&count=2", 1, names[:2]},
			{"?startindex=2&COUNT=2", 2, names[1:3]},
			{"?startIndex=&count=&filter=", 1, names},
			{"?count=0", 1, nil},
			{"?startIndex=3&count=0", 3, nil},
			{"?count=-1", 1, nil},
			{"?count=1000000", 1, names},
			{"?sortOrder=descending", 1, names}, // without sortBy
			{"?sortBy=userName", 1, sortedNames},
			{"?SORTBY=UserName&SortOrder=Descending&startIndex=2&count=2", 2,
				[]string{sortedNames[total-2], sortedNames[total-3]}},
		}
		for _, test := range tests {
			t.Run(test.query, func(t *testing.T) {
				a := c.want(200, "GET", "/Users"+test.query, "")
				want := map[string]any{"schemas": []any{listURN}, "totalResults": float64(total),
					"startIndex": test.startIndex, "itemsPerPage": float64(len(test.want)),
					"Resources": a.body["Resources"]}
				if diff := cmp.Diff(want, a.body); diff != "" {
					t.Error(diff)
				}
				if _, ok := a.body["Resources"].([]any); !ok {
					t.Errorf("Resources is %v", a.body["Resources"])
				}
				if got := a.values("userName"); !slices.Equal(got, test.want) {
					t.Errorf("users %v, want %v", got, test.want)
				}
			})
		}
		t.Run("of groups, and with a filter", func(t *testing.T) {
			c.group("Drivers")
			c.group("Pickers")
			got := c.want(200, "GET", "/Groups?startIndex=2&count=5", "").values("displayName")
			if !slices.Equal(got, []string{"Pickers"}) {
				t.Errorf("groups %v", got)
			}
			a := c.want(200, "GET", filtered("/Users", "active eq true")+"&startIndex=6&count=1", "")
			if a.body["totalResults"] != float64(total) || !slices.Equal(a.values("userName"), names[5:6]) {
				t.Errorf("filtered %s", a.text)
			}
		})
	})
}

func TestPageSize(t *testing.T) {
	t.Parallel()
	s := modeltest.Open(t, modeltest.SQLite(t), store.Options{})
	c := newClient(t, s)
	err := c.org.Tx(t.Context(), func(org *store.Org) error {
		for i := range 201 {
			_, err := directory.Of(org, c.directory.ID).CreateUser(t.Context(),
				map[string]any{"userName": fmt.Sprint(i)})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]int{"": 100, "?count=150": 150, "?count=201": 200, "?count=5000": 200} {
		a := c.want(200, "GET", "/Users"+query, "")
		if got := len(a.values("id")); got != want || a.body["totalResults"] != 201.0 {
			t.Errorf("%s: %d of %v, want %d", query, got, a.body["totalResults"], want)
		}
	}
}
