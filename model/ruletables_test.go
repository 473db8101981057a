package model_test

import (
	"fmt"
	"testing"

	"rollcall/model"
)

// A database takes no more than 65,535 parameters of a statement, or half of that. The rules are not
// among them: a proposal of many mappings is computed like one of a few.
func TestManyMappings(t *testing.T) {
	t.Parallel()
	eachSuite(t, -1, func(t *testing.T, h suite) {
		g := h.newGroup(t, "Editors", false)
		ada := h.owned(t, h.d, "ada", "", h.mail("ada"))
		createGroup(t, h.org, h.d, "Group 21999", ada)
		for i, name := range []string{`quote " and \ backslash`, "{braces, and a comma}", "null", "'), ('"} {
			createGroup(t, h.org, h.d, name, h.owned(t, h.d, fmt.Sprint("user-", i), "", h.mail(fmt.Sprint(i))))
			refs := []model.DirectoryGroupRef{byName(name)}
			p, err := h.org.Preview(t.Context(), model.Proposal{Groups: map[string]model.ProposedGroup{g.ID: {Mappings: &refs}}}, "", 10)
			must(t, err)
			if len(p.Groups) != 1 || p.Groups[0].Gained != 1 {
				t.Errorf("the preview of %s is %+v", name, p)
			}
		}
		var refs []model.DirectoryGroupRef
		for i := range 22_000 {
			refs = append(refs, byName(fmt.Sprintf("Group %d", i)))
		}
		p, err := h.org.Preview(t.Context(), model.Proposal{Groups: map[string]model.ProposedGroup{g.ID: {Mappings: &refs}}}, "", 10)
		must(t, err)
		if len(p.Groups) != 1 || p.Groups[0].Gained != 1 {
			t.Errorf("the preview is %+v", p)
		}
	})
}

// An account that a proposal names twice is given once.
func TestPreviewOfAnAccountNamedTwice(t *testing.T) {
	t.Parallel()
	eachSuite(t, -1, func(t *testing.T, h suite) {
		h.enter(t, "ada")
		other := h.newAccount(t, "Other", 1)
		p, err := h.org.Preview(t.Context(), model.Proposal{Connections: map[string][]string{h.c.ID: {h.account.ID, other.ID, other.ID}}}, "", 10)
		must(t, err)
		if len(p.Accounts) != 1 || p.Accounts[0].Gained != 1 || p.Accounts[0].Waiting != 0 || len(p.Changes[0].LicensesGained) != 1 {
			t.Errorf("the preview is %+v", p)
		}
	})
}
