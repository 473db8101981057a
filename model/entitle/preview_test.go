package entitle_test

import (
	"testing"

	"rollcall/model/entitle"
	"rollcall/model/internal/storetest"
)

// preview returns the first page of a preview.
func preview(t *testing.T, h storetest.Suite, p entitle.Proposal) *entitle.Preview {
	t.Helper()
	out, err := entitle.In(h.Org).Preview(t.Context(), p, "", 10)
	storetest.Must(t, err)
	return out
}

// A user gets one license for an account that a proposal names twice.
func TestPreviewOfAnAccountNamedTwice(t *testing.T) {
	t.Parallel()
	eachSuite(t, -1, func(t *testing.T, h storetest.Suite) {
		h.Enter(t, "ada")
		other := h.NewAccount(t, "Other", 1)
		p := preview(t, h, entitle.Proposal{
			Connections: map[string][]string{h.C.ID: {h.Account.ID, other.ID, other.ID}},
		})
		if len(p.Accounts) != 1 || p.Accounts[0].Gained != 1 || p.Accounts[0].Waiting != 0 ||
			len(p.Changes[0].LicensesGained) != 1 {
			t.Errorf("the preview is %+v", p)
		}
	})
}
