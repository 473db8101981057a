package signon_test

import (
	"errors"
	"slices"
	"testing"

	"rollcall/model/connection"
	"rollcall/model/directory"
	"rollcall/model/entitle"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/refusal"
	"rollcall/model/signon"
	"rollcall/model/store"
)

// TestRehearse goes through the table of matching, writes nothing, and says of each person what the
// login of the same person then does.
func TestRehearse(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		h := storetest.Open(t, s, "contoso")
		h.Owned(t, h.D, "owned", "id-of-owned", "")
		h.Unowned(t, "member", h.Mail("member"))
		h.Admin(t, h.Unowned(t, "admin", h.Mail("admin")))
		h.Unowned(t, "twin-1", h.Mail("twin"))
		h.Unowned(t, "twin-2", h.Mail("twin"))
		off := h.Owned(t, h.D, "off", "id-of-off", "")
		_, err := directory.Of(h.Org, h.D.ID).UpdateUser(t.Context(), off.ID, storetest.SetActive(false))
		storetest.Must(t, err)
		gone := h.Owned(t, h.D, "gone", "", h.Mail("gone"))
		storetest.Must(t, directory.Of(h.Org, h.D.ID).DeleteUser(t.Context(), gone.ID))
		for _, c := range []struct {
			subject, email string
			how            signon.Match
			refused        refusal.Reason
		}{
			{"first", h.Mail("first"), signon.Known, ""},
			{"id-of-owned", "elsewhere@other.example", signon.Linked, ""},
			{"m", h.Mail("member"), signon.Linked, ""},
			{"n", h.Mail("new"), signon.Created, ""},
			{"t", h.Mail("twin"), "", refusal.Ambiguous},
			{"a", h.Mail("admin"), "", refusal.AdminLinkRequired},
			{"g", h.Mail("gone"), "", refusal.PersonDeprovisioned},
			{"id-of-off", "", "", refusal.UserDeactivated},
			{"o", "ada@other.example", "", refusal.NotProvisioned},
		} {
			in := storetest.Response(h.C, storetest.Begin(t, h.Org, h.C), storetest.ClaimsOf(c.subject, c.email))
			var got *signon.Rehearsal
			var err error
			storetest.Unchanged(t, s, func() { got, err = signon.In(h.Org).Rehearse(t.Context(), in) })
			refused, _ := errors.AsType[*refusal.Error](err)
			switch {
			case c.refused != "" && (refused == nil || refused.Reason != c.refused || got.User != nil || got.How != ""):
				t.Errorf("%s: %+v %v, want %s", c.subject, got, err, c.refused)
			case c.refused == "" && (err != nil || got.How != c.how):
				t.Errorf("%s: %+v %v, want %s", c.subject, got, err, c.how)
			}
			out, real := signon.In(h.Org).SignIn(t.Context(), in)
			if (real == nil) != (err == nil) || err == nil && out.User.Email != got.User.Email {
				t.Errorf("%s: the login does %+v %v, rehearsed %+v %v", c.subject, out, real, got, err)
			}
		}
	})
}

// TestRehearseShowsWhatFollows: the seats and groups that the login gives, although the connection
// is off, and the refusal for want of a seat.
func TestRehearseShowsWhatFollows(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		h := storetest.Open(t, s, "contoso")
		account := func(name string, seats *int64) *entitle.Account {
			a := &entitle.Account{AccountFields: entitle.AccountFields{Name: name, Seats: seats}}
			storetest.Must(t, entitle.In(h.Org).CreateAccount(t.Context(), a))
			return a
		}
		one := int64(1)
		workspace, small := account("Workspace", nil), account("Small", &one)
		group := &entitle.AccountGroup{AccountID: workspace.ID,
			AccountGroupFields: entitle.AccountGroupFields{Name: "Editors", AssignByDefault: true}}
		storetest.Must(t, entitle.In(h.Org).CreateAccountGroup(t.Context(), group))
		configured := func(accounts ...string) {
			storetest.Must(t, entitle.In(h.Org).SetConnectionAccounts(t.Context(), h.C.ID, accounts))
		}
		configured(workspace.ID, small.ID)
		_, err := storetest.SignIn(t, h.Org, h.C, storetest.ClaimsOf("first", h.Mail("first")))
		storetest.Must(t, err)
		_, err = connection.In(h.Org).SwitchConnection(t.Context(), h.C.ID, connection.ConnectionInactive)
		storetest.Must(t, err)
		rehearse := func() (got *signon.Rehearsal, err error) {
			in := storetest.Response(h.C, storetest.Begin(t, h.Org, h.C), storetest.ClaimsOf("new", h.Mail("new")))
			storetest.Unchanged(t, s, func() { got, err = signon.In(h.Org).Rehearse(t.Context(), in) })
			return got, err
		}
		got, err := rehearse()
		if err != nil || !slices.Equal(got.Licenses, []string{"Workspace"}) ||
			!slices.Equal(got.Waiting, []string{"Small"}) || !slices.Equal(got.Groups, []string{"Editors"}) ||
			got.User.Role != people.Member {
			t.Errorf("%+v %v", got, err)
		}
		configured(small.ID)
		_, err = rehearse()
		if r, ok := errors.AsType[*refusal.Error](err); !ok || r.Reason != refusal.NoSeat {
			t.Errorf("without a seat: %v", err)
		}
		h.Settings(t, func(g *organization.Settings) { g.JIT = false })
		_, err = rehearse()
		if r, ok := errors.AsType[*refusal.Error](err); !ok || r.Reason != refusal.NotProvisioned {
			t.Errorf("without jit: %v", err)
		}
	})
}
