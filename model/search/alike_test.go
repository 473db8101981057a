package search_test

import (
	"fmt"
	"slices"
	"testing"

	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/store"
)

// A filter that should match one user may match several. They are in the order of their creation
// all the same, and pages of them hold each once.
func TestUsersAlike(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		var want []string
		for i := range 7 {
			document := storetest.WithEmail(fmt.Sprint("u", i), "one@contoso.example")
			u, err := directory.Of(org, d.ID).CreateUser(t.Context(), document)
			storetest.Must(t, err)
			want = append(want, u.ID)
		}
		// The first ones are created last, so that the order is not that of the ids.
		for i, id := range want[:3] {
			const later = "UPDATE users SET created_at = created_at + ? WHERE id = ?"
			storetest.Must(t, storetest.Across(s, t.Context()).Exec(later, 100_000+i, id).Error)
		}
		want = slices.Concat(want[3:], want[:3])
		for _, limit := range []int{1, 3, 6, 7, 20} {
			var got []string
			for len(got) < len(want) {
				q := storetest.Query(t, `emails eq "one@contoso.example"`)
				q.Offset, q.Limit = len(got), limit
				us, extent, err := directory.Of(org, d.ID).Users(t.Context(), q)
				storetest.Must(t, err)
				if len(us) == 0 || extent.Total != len(want) {
					t.Fatalf("%d of %d users at %d", len(us), extent.Total, len(got))
				}
				for _, u := range us {
					got = append(got, u.ID)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("pages of %d: %q, want %q", limit, got, want)
			}
		}
	})
}
