package directory_test

import (
	"slices"
	"testing"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/people"
	"rollcall/model/store"
)

// An identity provider names members that it has deleted here. Access that it takes away at the
// same time must not stay because of them; an id that was never this directory's is a mistake, and
// so is the addition of nobody else.
func TestMembersThatTheDirectoryDeleted(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		other := storetest.Directory(t, org)
		user := func(d *directory.Directory, name string) string {
			return storetest.CreateUser(t, org, d, name+"@contoso.example").ID
		}
		bury := func(d *directory.Directory, id string) string {
			storetest.Must(t, directory.Of(org, d.ID).DeleteUser(t.Context(), id))
			return id
		}
		ada, grace, alan := user(d, "ada"), user(d, "grace"), user(d, "alan")
		gone, also := bury(d, user(d, "gone")), bury(d, user(d, "also"))
		group := storetest.CreateGroup(t, org, d, "Deleted").ID
		storetest.Must(t, directory.Of(org, d.ID).DeleteGroup(t.Context(), group))
		elsewhere := bury(other, user(other, "elsewhere"))
		type change = directory.MembersChange
		add := func(pass bool, ids ...string) directory.MembersChange {
			return directory.MembersChange{Op: directory.AddMembers, UserIDs: ids, PassOver: pass}
		}
		replace := func(pass bool, ids ...string) directory.MembersChange {
			return directory.MembersChange{Op: directory.ReplaceMembers, UserIDs: ids, PassOver: pass}
		}
		remove := directory.MembersChange{Op: directory.RemoveMembers, UserIDs: []string{ada}}
		for name, c := range map[string]struct {
			changes []change
			want    []string // the members afterwards; nil for a refusal
		}{
			"added beside others":             {[]change{add(true, grace, gone)}, []string{ada, grace}},
			"two added beside others":         {[]change{add(true, gone, also, grace)}, []string{ada, grace}},
			"a deleted group beside others":   {[]change{add(true, group, grace)}, []string{ada, grace}},
			"added alone":                     {[]change{add(true, gone)}, nil},
			"two added alone":                 {[]change{add(true, gone, also)}, nil},
			"added alone beside a removal":    {[]change{remove, add(true, gone)}, []string{}},
			"in the place of all":             {[]change{replace(true, gone)}, []string{}},
			"in the place of all but others":  {[]change{replace(true, gone, grace, alan)}, []string{grace, alan}},
			"where none may be passed over":   {[]change{replace(false, gone, grace)}, nil},
			"added where none may be":         {[]change{add(false, gone, grace)}, nil},
			"of another directory":            {[]change{replace(true, elsewhere, grace)}, nil},
			"an id that never was":            {[]change{replace(true, model.NewID(), grace)}, nil},
			"nobody is gone":                  {[]change{add(true, grace, ada)}, []string{ada, grace}},
			"nobody is added, nobody is gone": {[]change{add(true)}, []string{ada}},
		} {
			t.Run(name, func(t *testing.T) {
				g := storetest.Nested(t, org, d, name, ada)
				_, err := directory.Of(org, d.ID).UpdateGroup(t.Context(), g.ID, storetest.Unaltered, c.changes...)
				want := c.want
				if want == nil {
					storetest.WantKind(t, err, model.Invalid, "members")
					want = []string{ada}
				} else {
					storetest.Must(t, err)
				}
				for _, id := range []string{ada, grace, alan} {
					of, err := people.In(org).GroupsOf(t.Context(), id)
					storetest.Must(t, err)
					in := slices.ContainsFunc(of[id], func(m people.MemberOf) bool { return m.ID == g.ID })
					if in != slices.Contains(want, id) {
						t.Errorf("%s is a member: %t", id, in)
					}
				}
			})
		}
	})
}
