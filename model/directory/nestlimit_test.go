package directory_test

import (
	"fmt"
	"testing"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/store"
)

// TestNestingHasLimits checks both limits from above and from below, and that what was stored
// before there were limits stays, can be taken apart, and cannot grow.
func TestNestingHasLimits(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		ada := storetest.CreateUser(t, org, d, "ada")
		create := func(name string, members ...string) (string, error) {
			g, err := directory.Of(org, d.ID).CreateGroup(t.Context(), map[string]any{"displayName": name}, members)
			if err != nil {
				return "", err
			}
			return g.ID, nil
		}
		made := func(name string, members ...string) string {
			id, err := create(name, members...)
			storetest.Must(t, err)
			return id
		}
		change := func(op directory.MembersOp, group string, members ...string) error {
			_, err := directory.Of(org, d.ID).UpdateGroup(t.Context(), group, storetest.Unaltered,
				directory.MembersChange{Op: op, UserIDs: members})
			return err
		}
		refused := func(t *testing.T, err error) {
			t.Helper()
			storetest.WantKind(t, err, model.Invalid, "members")
		}
		t.Run("ten levels", func(t *testing.T) {
			chain := []string{made("level 0", ada.ID)}
			for i := range 10 {
				chain = append(chain, made(fmt.Sprint("level ", i+1), chain[i]))
			}
			_, err := create("level 11", chain[10])
			refused(t, err)
			below := made("below")
			refused(t, change(directory.AddMembers, chain[0], below))
			refused(t, change(directory.ReplaceMembers, chain[0], ada.ID, below))
			storetest.Must(t, change(directory.AddMembers, chain[1], below))
			half := made("half", made("quarter"))
			storetest.Must(t, change(directory.AddMembers, chain[2], half))
			refused(t, change(directory.AddMembers, chain[1], half))
			storetest.Must(t, change(directory.RemoveMembers, chain[5], chain[4]))
			storetest.Must(t, change(directory.AddMembers, chain[0], made("one more")))
		})
		t.Run("a thousand groups above one", func(t *testing.T) {
			bottom := made("bottom", ada.ID)
			var many []string
			storetest.Must(t, directory.In(org).Tx(t.Context(), func(org directory.Org) error {
				for i := range 999 {
					g, err := directory.Of(org, d.ID).CreateGroup(t.Context(),
						map[string]any{"displayName": fmt.Sprint("above ", i)}, []string{bottom})
					if err != nil {
						return err
					}
					many = append(many, g.ID)
				}
				return nil
			}))
			top := made("top", many[0]) // the thousandth
			refused(t, change(directory.AddMembers, made("another"), bottom))
			refused(t, change(directory.AddMembers, made("a third"), many[1]))
			refused(t, change(directory.AddMembers, bottom, made("under", made("under it"))))
			storetest.Must(t, change(directory.AddMembers, top, many[1:]...)) // it is above the bottom already
			storetest.Must(t, change(directory.RemoveMembers, top, many...))
			storetest.Must(t, change(directory.AddMembers, made("instead"), bottom))
		})
		t.Run("what is stored already", func(t *testing.T) {
			chain := []string{made("old 0")}
			for i := range 14 {
				chain = append(chain, made(fmt.Sprint("old ", i+1)))
				storetest.Must(t, storetest.Across(s, t.Context()).Create(&directory.GroupGroup{
					OrganizationID: org.ID, GroupID: chain[i+1], MemberID: chain[i]}).Error)
			}
			storetest.Must(t, change(directory.AddMembers, chain[0], ada.ID))
			storetest.Must(t, change(directory.ReplaceMembers, chain[7], chain[6], ada.ID))
			storetest.Must(t, change(directory.AddMembers, chain[14], chain[0])) // adds no level
			refused(t, change(directory.AddMembers, chain[0], made("new")))
			refused(t, change(directory.AddMembers, made("above all"), chain[14]))
			storetest.Must(t, change(directory.RemoveMembers, chain[9], chain[8]))
			storetest.Must(t, directory.Of(org, d.ID).DeleteGroup(t.Context(), chain[12]))
			storetest.Must(t, change(directory.AddMembers, chain[0], made("now")))
		})
	})
}

// Whoever nests groups waits while the memberships around them are read: there may be a hundred
// thousand, and not one more.
func TestMembershipsAroundAGroupAreLimited(t *testing.T) {
	t.Parallel()
	s := modeltest.Open(t, modeltest.SQLite(t), store.Options{})
	org, d := storetest.Contoso(t, s)
	const below, above = 400, 249 // each of those below is in whole, and in all that are above
	whole := storetest.Nested(t, org, d, "Whole")
	storetest.Must(t, directory.In(org).Tx(t.Context(), func(tx directory.Org) error {
		for i := range below + above {
			name := fmt.Sprint("below ", i)
			if i >= below {
				name = fmt.Sprint("above ", i)
			}
			document := map[string]any{"displayName": name}
			if _, err := directory.Of(tx, d.ID).CreateGroup(t.Context(), document, nil); err != nil {
				return err
			}
		}
		return nil
	}))
	storetest.Must(t, storetest.Across(s, t.Context()).Exec("INSERT INTO directory_group_groups "+
		"(organization_id, group_id, member_id) SELECT g.organization_id, g.id, m.id "+
		"FROM directory_groups g, directory_groups m WHERE m.display_name LIKE 'below %' "+
		"AND (g.display_name LIKE 'above %' OR g.id = ?)", whole.ID).Error)
	add := func(to string) error {
		_, err := directory.Of(org, d.ID).UpdateGroup(t.Context(), to, storetest.Unaltered,
			directory.MembersChange{Op: directory.AddMembers, UserIDs: []string{whole.ID}})
		return err
	}
	storetest.Must(t, add(storetest.Nested(t, org, d, "the hundred thousand are read").ID))
	storetest.WantKind(t, add(storetest.Nested(t, org, d, "one more is").ID), model.Invalid, "members")
}
