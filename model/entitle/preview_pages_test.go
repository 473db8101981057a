package entitle_test

import (
	"fmt"
	"testing"

	"rollcall/model/entitle"
	"rollcall/model/internal/storetest"
)

// A preview is read before access is taken away from many. Its counts are of all users, whichever
// page is shown, and each user stands on one page, with the address by which people know them.
func TestPreviewCountsEveryoneOnEachPage(t *testing.T) {
	t.Parallel()
	eachSuite(t, -1, func(t *testing.T, h storetest.Suite) {
		const people = 5
		ids := []string{}
		for i := range people {
			ids = append(ids, h.Enter(t, fmt.Sprint("person-", i)).ID)
		}
		other := h.NewAccount(t, "Other", 2)
		moved := entitle.Proposal{Connections: map[string][]string{h.C.ID: {other.ID}}}
		for _, c := range []struct {
			after string
			limit int
			want  []string
			next  string
		}{
			{"", people, ids, ""},
			{"", people + 1, ids, ""},
			{"", people - 1, ids[:4], ids[3]},
			{"", 2, ids[:2], ids[1]},
			{ids[1], 2, ids[2:4], ids[3]},
			{ids[3], 2, ids[4:], ""},
			{ids[4], 2, nil, ""},
		} {
			p, err := entitle.In(h.Org).Preview(t.Context(), moved, c.after, c.limit)
			storetest.Must(t, err)
			got := []string{}
			for _, change := range p.Changes {
				got = append(got, change.UserID)
				if len(change.LicensesGained) != 1 || change.LicensesGained[0] != other.ID ||
					len(change.LicensesLost) != 1 || change.LicensesLost[0] != h.Account.ID {
					t.Errorf("%+v", change)
				}
				if want := h.Mail(fmt.Sprint("person-", len(got)-1+position(ids, c.after))); change.Email != want {
					t.Errorf("the address is %q, want %q", change.Email, want)
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(append([]string{}, c.want...)) || p.Next != c.next || p.Users != people {
				t.Errorf("%d after %q: %v of %d, next %q", c.limit, c.after, got, p.Users, p.Next)
			}
			for _, a := range p.Accounts {
				if a.ID == other.ID && (a.Gained != people || a.Lost != 0 || a.Waiting != people-2) ||
					a.ID == h.Account.ID && (a.Gained != 0 || a.Lost != people || a.Waiting != 0) {
					t.Errorf("%+v", a)
				}
			}
		}
	})
}

// position returns how many ids stand before those after one.
func position(ids []string, after string) int {
	for i, id := range ids {
		if id == after {
			return i + 1
		}
	}
	return 0
}

// The users who would wait are those for whom no seat is left, after those who leave have freed
// theirs.
func TestPreviewOfSeats(t *testing.T) {
	t.Parallel()
	eachSuite(t, 3, func(t *testing.T, h storetest.Suite) {
		second := storetest.Connect(t, h.Org)
		for i := range 3 {
			h.Enter(t, fmt.Sprint("first-", i))
			_, err := storetest.SignIn(t, h.Org, second,
				storetest.ClaimsOf(fmt.Sprint("s", i), h.Mail(fmt.Sprint("second-", i))))
			storetest.Must(t, err)
		}
		h.Work(t)
		for name, c := range map[string]struct {
			connections        map[string][]string
			gained, lost, wait int64
		}{
			"others come beside":  {map[string][]string{second.ID: {h.Account.ID}}, 3, 0, 3},
			"others come instead": {map[string][]string{second.ID: {h.Account.ID}, h.C.ID: {}}, 3, 3, 0},
			"everybody leaves":    {map[string][]string{h.C.ID: {}}, 0, 3, 0},
		} {
			p := preview(t, h, entitle.Proposal{Connections: c.connections})
			if len(p.Accounts) != 1 {
				t.Fatalf("%s: %+v", name, p)
			}
			if a := p.Accounts[0]; a.Gained != c.gained || a.Lost != c.lost || a.Waiting != c.wait || a.SeatsUsed != 3 {
				t.Errorf("%s: %+v", name, a)
			}
		}
	})
}
