package scim

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"rollcall/model/directory"
	"rollcall/model/people"
	"rollcall/web"
)

// TestRelatedFitsAPage reads the members of groups from a list instead of a database.
func TestRelatedFitsAPage(t *testing.T) {
	t.Parallel()
	const small = 256 << 10
	tests := []struct {
		name    string
		members []int // of each group
		fit     int   // 0 for refused
	}{
		{"few", []int{1, 2, 3}, 3},
		{"exactly a page", []int{pageRelated - 1, 1}, 2},
		{"one too many", []int{pageRelated, 1}, 1},
		{"the last does not fit", []int{5000, 5000, 5000, 4999, 2}, 4},
		{"many alike", repeated(300, 200), 100},
		{"a large one alone", []int{pageRelated + 1, 1}, 1},
		{"as many as can be shown", []int{mostRelated, 1}, 1},
		{"more than can be shown", []int{mostRelated + 1, 1}, 0},
		{"more than can be shown, on the next page", []int{1, mostRelated + 1}, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := &service{answers: web.NewBudget(allAnswers, eachAnswers), lane: newLane()}
			s.limit = newLimiter(0, time.Now)
			s.answers.Take("d", small) // by other requests of the directory
			x := &exchange{service: s, directory: &directory.Directory{ID: "d"}, held: &holding{}}
			reads := 0
			read := func(_ context.Context, most int, ids ...string) (map[string][]people.MemberOf, bool, error) {
				reads++
				of, n := map[string][]people.MemberOf{}, 0
				for _, id := range ids {
					var i int
					_, _ = fmt.Sscan(id, &i)
					of[id] = make([]people.MemberOf, test.members[i])
					n += test.members[i]
				}
				return of, n <= most, nil
			}
			var ids []string
			for i := range test.members {
				ids = append(ids, fmt.Sprint(i))
			}
			of, fit, err := x.related(t.Context(), "members", ids, read)
			if test.fit == 0 {
				r := refused(err)
				if r.Status != http.StatusRequestEntityTooLarge || r.ScimType != "tooMany" ||
					!strings.Contains(r.Detail, "excludedAttributes=members") {
					t.Errorf("%+v", r)
				}
				return
			}
			if err != nil || fit != test.fit {
				t.Fatalf("%d fit, %v", fit, err)
			}
			for i := range fit {
				if len(of[ids[i]]) != test.members[i] {
					t.Errorf("group %d has %d members", i, len(of[ids[i]]))
				}
			}
			if reads > 25 {
				t.Errorf("%d statements", reads)
			}
			x.release()
			s.answers.Give("d", small)
			if !s.answers.Take("d", eachAnswers) || x.held.gate != nil {
				t.Error("something is still held")
			}
		})
	}
}

// repeated is n times the same number.
func repeated(n, of int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = of
	}
	return list
}
