package store_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/people"
	"rollcall/model/store"
)

// checkPages reads a list forward and backward, in both orders and by several limits. Its ids are
// all, oldest first.
func checkPages(t *testing.T, all []string, read func(model.Page) ([]string, model.PageInfo, error)) {
	t.Helper()
	newest := slices.Clone(all)
	slices.Reverse(newest)
	for order, want := range map[string][]string{"oldest first": all, "newest first": newest} {
		ascending := order == "oldest first"
		for _, limit := range []int{1, 2, 3, len(all) - 1, len(all), len(all) + 1, 100} {
			t.Run(order, func(t *testing.T) {
				var forward []string
				p := model.Page{Limit: limit, Ascending: ascending}
				var info model.PageInfo
				for pages := 0; ; pages++ {
					got, next, err := read(p)
					storetest.Must(t, err)
					if len(got) > limit || pages > len(all) {
						t.Fatalf("%d rows on page %d of %d", len(got), pages, limit)
					}
					if (next.Before == "") != (pages == 0) {
						t.Errorf("page %d: before is %q", pages, next.Before)
					}
					forward, info = append(forward, got...), next
					if next.After == "" {
						break
					}
					p.After = next.After
				}
				if diff := cmp.Diff(want, forward); diff != "" {
					t.Errorf("forward by %d:\n%s", limit, diff)
				}
				// And back from the last page.
				lastPage := len(all) - (len(all)-1)/limit*limit
				backward := slices.Clone(want[len(want)-lastPage:])
				for info.Before != "" {
					got, next, err := read(model.Page{Limit: limit, Ascending: ascending, Before: info.Before})
					storetest.Must(t, err)
					if next.After == "" {
						t.Error("there is nothing after a page that was read backward")
					}
					backward, info = append(got, backward...), next
				}
				if diff := cmp.Diff(want, backward); diff != "" {
					t.Errorf("backward by %d:\n%s", limit, diff)
				}
			})
		}
	}
}

func TestUsersArePaged(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		var all []string
		for _, name := range []string{"a", "b", "c", "d", "e", "f", "g"} {
			all = append(all, storetest.CreateUser(t, org, d, name).ID)
		}
		read := func(p model.Page) ([]string, model.PageInfo, error) {
			us, info, err := people.In(org).Users(t.Context(), people.UserQuery{Page: p})
			var got []string
			for _, u := range us {
				got = append(got, u.ID)
			}
			return got, info, err
		}
		checkPages(t, all, read)
		t.Run("a cursor that is no id is refused", func(t *testing.T) {
			for _, p := range []model.Page{{After: "x", Limit: 1}, {Before: "'", Limit: 1}, {After: "\x00", Limit: 1}} {
				_, _, err := read(p)
				storetest.WantKind(t, err, model.Invalid)
			}
		})
		t.Run("a cursor of a deleted row keeps its place", func(t *testing.T) {
			storetest.Must(t, directory.Of(org, d.ID).DeleteUser(t.Context(), all[2]))
			got, _, err := read(model.Page{After: all[2], Limit: 1, Ascending: true})
			if err != nil || len(got) != 1 || got[0] != all[3] {
				t.Error(got, err)
			}
		})
	})
}
