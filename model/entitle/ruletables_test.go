package entitle_test

import (
	"fmt"
	"testing"

	"rollcall/model/entitle"
	"rollcall/model/internal/storetest"
)

// A database takes no more than 65,535 parameters of a statement, or half of that. The rules are not
// among them: a proposal of many mappings is computed like one of a few.
func TestManyMappings(t *testing.T) {
	t.Parallel()
	eachSuite(t, -1, func(t *testing.T, h storetest.Suite) {
		g := h.NewGroup(t, "Editors", false)
		ada := h.Owned(t, h.D, "ada", "", h.Mail("ada"))
		storetest.CreateGroup(t, h.Org, h.D, "Group 21999", ada)
		for i, name := range []string{`quote " and \ backslash`, "{braces, and a comma}", "null", "'), ('"} {
			storetest.CreateGroup(t, h.Org, h.D, name, h.Owned(t, h.D, fmt.Sprint("user-", i), "", h.Mail(fmt.Sprint(i))))
			refs := []entitle.DirectoryGroupRef{storetest.ByName(name)}
			p, err := entitle.In(h.Org).Preview(t.Context(), entitle.Proposal{Groups: map[string]entitle.ProposedGroup{g.ID: {Mappings: &refs}}}, "", 10)
			storetest.Must(t, err)
			if len(p.Groups) != 1 || p.Groups[0].Gained != 1 {
				t.Errorf("the preview of %s is %+v", name, p)
			}
		}
		var refs []entitle.DirectoryGroupRef
		for i := range 22_000 {
			refs = append(refs, storetest.ByName(fmt.Sprintf("Group %d", i)))
		}
		p, err := entitle.In(h.Org).Preview(t.Context(), entitle.Proposal{Groups: map[string]entitle.ProposedGroup{g.ID: {Mappings: &refs}}}, "", 10)
		storetest.Must(t, err)
		if len(p.Groups) != 1 || p.Groups[0].Gained != 1 {
			t.Errorf("the preview is %+v", p)
		}
	})
}

// An account that a proposal names twice is given once.
func TestPreviewOfAnAccountNamedTwice(t *testing.T) {
	t.Parallel()
	eachSuite(t, -1, func(t *testing.T, h storetest.Suite) {
		h.Enter(t, "ada")
		other := h.NewAccount(t, "Other", 1)
		p, err := entitle.In(h.Org).Preview(t.Context(), entitle.Proposal{Connections: map[string][]string{h.C.ID: {h.Account.ID, other.ID, other.ID}}}, "", 10)
		storetest.Must(t, err)
		if len(p.Accounts) != 1 || p.Accounts[0].Gained != 1 || p.Accounts[0].Waiting != 0 || len(p.Changes[0].LicensesGained) != 1 {
			t.Errorf("the preview is %+v", p)
		}
	})
}
