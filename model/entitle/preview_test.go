package entitle_test

import (
	"testing"

	"rollcall/model/entitle"
	"rollcall/model/internal/storetest"
)

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
