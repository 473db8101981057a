package people

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
)

// PostgreSQL answers with the ids of a group's members in one text, in which each id is found.
func TestIDsThatFollowEachOther(t *testing.T) {
	t.Parallel()
	before := GroupMember{GroupID: "before", UserID: model.NewID()}
	for n := range 4 {
		text, want := "", []GroupMember{before}
		for range n {
			id := model.NewID()
			text += id
			want = append(want, GroupMember{GroupID: "g", UserID: id})
		}
		if diff := cmp.Diff(want, appendMembers([]GroupMember{before}, "g", text)); diff != "" {
			t.Errorf("%d members: %s", n, diff)
		}
	}
}
