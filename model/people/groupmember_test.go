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

// People stand before groups whichever of the two is compared with the other.
func TestPeopleStandBeforeGroups(t *testing.T) {
	t.Parallel()
	person, later, group := MemberOf{ID: "2"}, MemberOf{ID: "3"}, MemberOf{ID: "1", IsGroup: true}
	for _, c := range []struct {
		a, b MemberOf
		want int
	}{{person, group, -1}, {group, person, 1}, {person, later, -1}, {later, person, 1}, {group, group, 0}} {
		if got := usersFirst(c.a, c.b); got != c.want {
			t.Errorf("%+v and %+v: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
