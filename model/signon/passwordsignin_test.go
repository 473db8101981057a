package signon_test

import (
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/signon"
	"rollcall/model/store"
)

// administrator makes an administrator with a password, where the organization allows one.
func administrator(t *testing.T, h storetest.House, name string) *people.User {
	t.Helper()
	h.Settings(t, func(g *organization.Settings) { g.AllowAdminPasswords = true })
	u := h.Admin(t, h.Owned(t, h.D, name, "id-of-"+name, h.Mail(name)))
	storetest.SetPassword(t, h.S, h.Org, u, storetest.GoodPassword)
	return u
}

// A password is for an administrator who may have one at this moment. Whatever else is wrong, the
// answer is the same: another would tell strangers which accounts exist.
func TestWhoSignsInByAPassword(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change   func(t *testing.T, h storetest.House, u *people.User)
		email    string
		password string
		want     bool
	}{
		"an administrator":               {want: true},
		"an address in other spelling":   {email: "ADA@Contoso.example", want: true},
		"another password":               {password: storetest.OtherPassword},
		"no password":                    {password: " "},
		"an address of nobody":           {email: "nobody@contoso.example"},
		"an address of somebody without": {email: "first@contoso.example"},
		"no address":                     {email: "ada"},
		"an address of no organization":  {email: "ada@elsewhere.example"},
		"an administrator who is no more": {change: func(t *testing.T, h storetest.House, u *people.User) {
			h.Admin(t, h.Owned(t, h.D, "stand-in", "id-of-stand-in", h.Mail("stand-in")))
			_, err := people.In(h.Org).SetRole(t.Context(), u.ID, people.Member)
			storetest.Must(t, err)
		}},
		"an administrator who left": {change: func(t *testing.T, h storetest.House, u *people.User) {
			storetest.Deactivate(t, h.Org, h.D, u)
		}},
		"passwords are not allowed": {change: func(t *testing.T, h storetest.House, _ *people.User) {
			h.Settings(t, func(g *organization.Settings) { g.AllowAdminPasswords = false })
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			modeltest.Each(t, func(t *testing.T, s *store.Store) {
				h := storetest.Open(t, s, "contoso")
				u := administrator(t, h, "ada")
				if c.change != nil {
					c.change(t, h, u)
				}
				email, password := c.email, c.password
				if email == "" {
					email = h.Mail("ada")
				}
				if password == "" {
					password = storetest.GoodPassword
				}
				out, err := storetest.Enter(t, s, email, password)
				if !c.want {
					storetest.WantKind(t, err, model.Denied)
					if err != nil && err.Error() != "The e-mail address or the password is wrong." {
						t.Errorf("the error says more: %v", err)
					}
					return
				}
				storetest.Must(t, err)
				in, err := signon.Across(s).SessionByToken(t.Context(), out.SessionToken)
				if err != nil || in.User.ID != u.ID || in.Session.ConnectionID != "" {
					t.Errorf("%+v: %v", in, err)
				}
			})
		})
	}
}

// Whoever enters a password wants to be signed in as that person, here: a session of a colleague in
// the same browser ends, and one of another organization, of which we know nothing, does not.
func TestPasswordReplacesTheSessionOfTheBrowser(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		s := modeltest.Open(t, db, store.Options{Now: clock.Now})
		h, other := storetest.Open(t, s, "contoso"), storetest.Open(t, s, "fabrikam")
		administrator(t, h, "ada")
		h.Settings(t, func(g *organization.Settings) { g.SessionLifetimeSeconds, g.SessionIdleSeconds = 7200, 600 })
		a := storetest.Application(t, s)
		sealed := ""
		wait := func(org *store.Org) *signon.PendingAuthorization {
			p := &signon.PendingAuthorization{ApplicationID: a.ID, RedirectURI: storetest.Callback}
			sealed = signon.In(org).StartAuthorization(p)
			return p
		}
		enter := func(present string, p *signon.PendingAuthorization) *signon.SignInResult {
			out, err := signon.Across(s).SignInByPassword(t.Context(), signon.PasswordSignIn{Email: h.Mail("ada"),
				Password: storetest.GoodPassword, IPAddress: "192.0.2.1", Present: present, Pending: p})
			storetest.Must(t, err)
			return out
		}
		lives := func(out *signon.SignInResult) bool {
			_, err := signon.Across(s).SessionByToken(t.Context(), out.SessionToken)
			return err == nil
		}
		colleague, err := storetest.SignIn(t, h.Org, h.C, storetest.ClaimsOf("grace", h.Mail("grace")))
		storetest.Must(t, err)
		stranger, err := storetest.SignIn(t, other.Org, other.C, storetest.ClaimsOf("alan", other.Mail("alan")))
		storetest.Must(t, err)
		pending := wait(h.Org)
		first := enter(colleague.Session.ID, pending)
		if lives(colleague) || !lives(first) {
			t.Error("the colleague is signed in still, or the administrator is not")
		}
		if at := model.TimeOf(clock.Now().Add(2 * time.Hour)); first.Session.ExpiresAt != at {
			t.Errorf("it ends at %s, want %s", first.Session.ExpiresAt, at)
		}
		if first.Code == "" {
			t.Error("the application that waits gets no code")
		}
		_, err = signon.Across(s).PendingAuthorization(t.Context(), sealed, nil)
		storetest.WantKind(t, err, model.NotFound) // as it was answered
		if second := enter(stranger.Session.ID, pending); second.Code != "" || !lives(second) || !lives(stranger) {
			t.Error("an application is answered twice, or the session of another organization ends")
		}
		if third := enter("x", wait(other.Org)); third.Code != "" || !lives(third) || !lives(first) {
			t.Error("the application of another organization is answered, or a session of another browser ends")
		}
		late := wait(h.Org)
		clock.Advance(10 * time.Minute)
		if fourth := enter("", late); fourth.Code != "" || !lives(fourth) || lives(first) {
			t.Error("a request is answered after its time, or an unused session lives")
		}
	})
}

// A hash of before is made anew where its costs were raised since: the password is known only now.
func TestOutdatedHashIsReplaced(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		cheap := modeltest.Open(t, db, store.Options{PasswordMemory: 32})
		administrator(t, storetest.Open(t, cheap, "contoso"), "ada")
		s := modeltest.Open(t, db, store.Options{PasswordMemory: 64})
		hash := func() string {
			var rows []people.UserPassword
			storetest.Must(t, storetest.Across(s, t.Context()).Find(&rows).Error)
			return rows[0].Hash
		}
		before := hash()
		for range 2 {
			_, err := storetest.Enter(t, s, "ada@contoso.example", storetest.GoodPassword)
			storetest.Must(t, err)
		}
		after := hash()
		if after == before {
			t.Error("the hash of before is kept")
		}
		_, err := storetest.Enter(t, s, "ada@contoso.example", storetest.GoodPassword)
		storetest.Must(t, err)
		if hash() != after {
			t.Error("a hash that is good is replaced")
		}
	})
}

// Where sign-on is required, a password is the way in for an emergency, and an alert.
func TestPasswordWhereSignOnIsRequired(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		h := storetest.Open(t, s, "contoso")
		administrator(t, h, "ada")
		for _, required := range []bool{false, true} {
			h.Settings(t, func(g *organization.Settings) { g.SSORequired = required })
			want := []model.EventType{signon.PasswordSucceeded}
			if required {
				want = append(want, signon.BreakGlassUsed)
			}
			got := storetest.NewEvents(t, s, h.Org, func() {
				_, err := storetest.Enter(t, s, h.Mail("ada"), storetest.GoodPassword)
				storetest.Must(t, err)
			})
			if len(got) < len(want) || got[0] != want[0] || len(got) != len(want)+1 && len(got) != len(want) ||
				required != (got[len(got)-1] == signon.BreakGlassUsed) {
				t.Errorf("required %t: %v", required, got)
			}
		}
	})
}

// A profile after a password names a connection, since clients of the reference take none for an
// error: that of the person's identity, else the default, else an active one, else the oldest.
func TestConnectionOfAProfileAfterAPassword(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		h := storetest.Open(t, s, "contoso")
		ada := administrator(t, h, "ada")
		older := storetest.Connect(t, h.Org).ID
		out, err := storetest.Enter(t, s, h.Mail("ada"), storetest.GoodPassword)
		storetest.Must(t, err)
		named := func(want, kind string) {
			t.Helper()
			in, err := signon.Across(s).SessionByToken(t.Context(), out.SessionToken)
			storetest.Must(t, err)
			p, err := signon.In(h.Org).Profile(t.Context(), in)
			storetest.Must(t, err)
			if p.ConnectionID != model.ConnectionPrefix.ID(want) || p.ConnectionType != kind {
				t.Errorf("%s %s, want %s", p.ConnectionType, p.ConnectionID, want)
			}
		}
		named(h.C.ID, "OktaSAML") // the only one that is active
		second := storetest.Connect(t, h.Org)
		_, err = storetest.SignIn(t, h.Org, second, storetest.ClaimsOf("second", h.Mail("second"))) // activates it
		storetest.Must(t, err)
		h.Settings(t, func(g *organization.Settings) { g.DefaultConnection = organization.ConnectionRef(h.C.ID) })
		named(h.C.ID, "OktaSAML")
		h.Settings(t, func(g *organization.Settings) { g.DefaultConnection = organization.ConnectionRef(second.ID) })
		named(second.ID, "OktaSAML")
		storetest.Must(t, connection.In(h.Org).DeleteConnection(t.Context(), second.ID))
		out, err = storetest.Enter(t, s, h.Mail("ada"), storetest.GoodPassword)
		storetest.Must(t, err)
		h.Settings(t, func(g *organization.Settings) { g.DefaultConnection = organization.ConnectionRef(older) })
		named(older, "OktaSAML")
		h.Linked(t, ada) // at the connection of the house
		named(h.C.ID, "OktaSAML")
		storetest.Must(t, connection.In(h.Org).DeleteConnection(t.Context(), h.C.ID))
		out, err = storetest.Enter(t, s, h.Mail("ada"), storetest.GoodPassword)
		storetest.Must(t, err)
		named(older, "OktaSAML")
		third := storetest.Connect(t, h.Org)
		_, err = storetest.SignIn(t, h.Org, third, storetest.ClaimsOf("third", h.Mail("third"))) // activates it
		storetest.Must(t, err)
		named(older, "OktaSAML") // the default, although it is the oldest and only the other is active
		storetest.Must(t, connection.In(h.Org).DeleteConnection(t.Context(), third.ID))
		out, err = storetest.Enter(t, s, h.Mail("ada"), storetest.GoodPassword)
		storetest.Must(t, err)
		h.Settings(t, func(g *organization.Settings) { g.DefaultConnection = "" })
		youngest := storetest.Connect(t, h.Org).ID
		if youngest < older {
			t.Fatal("ids do not sort by time")
		}
		named(older, "OktaSAML") // the oldest, as none is active
		for _, id := range []string{older, youngest} {
			storetest.Must(t, connection.In(h.Org).DeleteConnection(t.Context(), id))
		}
		named(string(h.Org.ID), "Pending")
	})
}
