package signon_test

import (
	"errors"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/signon"
	"rollcall/model/store"
)

// A link of a stranger can begin a login, and a hostile identity provider answers it by itself. So
// a login replaces the session of the same person, or of somebody who was asked, and never ends one
// of another organization.
func TestWhoIsAskedBeforeALogin(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		s := modeltest.Open(t, db, store.Options{Now: clock.Now})
		contoso, fabrikam := storetest.Open(t, s, "contoso"), storetest.Open(t, s, "fabrikam")
		for name, c := range map[string]struct {
			present func(own, colleague, stranger string) string // the session in the browser
			knew    bool                                         // it was there when the login began
			agreed  bool                                         // its person was asked
			ended   bool                                         // its session, before the login
			asked   bool
			lives   bool // its session, after the login
		}{
			"nobody is signed in":           {present: func(string, string, string) string { return "" }},
			"what is no session":            {present: func(string, string, string) string { return "x" }},
			"a session that never was":      {present: func(string, string, string) string { return model.NewID() }},
			"the same person":               {present: own},
			"a colleague":                   {present: colleague, asked: true, lives: true},
			"a colleague since the begin":   {present: colleague, knew: true, asked: true, lives: true},
			"a colleague who agreed":        {present: colleague, agreed: true},
			"a colleague who is signed out": {present: colleague, ended: true},
			"a stranger":                    {present: stranger, asked: true, lives: true},
			"a stranger since the begin":    {present: stranger, knew: true, lives: true},
			"a stranger who agreed":         {present: stranger, agreed: true, lives: true},
			"a stranger who is signed out":  {present: stranger, ended: true},
		} {
			t.Run(name, func(t *testing.T) {
				sessions := map[string]*signon.SignInResult{}
				for who, h := range map[string]storetest.House{
					"own": contoso, "colleague": contoso, "stranger": fabrikam,
				} {
					out, err := storetest.SignIn(t, h.Org, h.C, storetest.ClaimsOf(who, h.Mail(who)))
					storetest.Must(t, err)
					sessions[who] = out
				}
				present := c.present(sessions["own"].Session.ID, sessions["colleague"].Session.ID,
					sessions["stranger"].Session.ID)
				if c.ended {
					storetest.Must(t, signon.In(contoso.Org).EndSession(t.Context(), sessions["colleague"].Session.ID))
					storetest.Must(t, signon.In(fabrikam.Org).EndSession(t.Context(), sessions["stranger"].Session.ID))
				}
				l := storetest.Begin(t, contoso.Org, contoso.C)
				in := storetest.Response(contoso.C, l, storetest.ClaimsOf("own", contoso.Mail("own")))
				if c.knew {
					l.SessionID = present
				} else {
					in.Present = present
				}
				if c.agreed {
					in.Agreed = present
				}
				_, err := signon.In(contoso.Org).SignIn(t.Context(), in)
				other, asked := errors.AsType[*signon.OtherPerson](err)
				if asked != c.asked || !asked && err != nil {
					t.Fatalf("asked: %v, %v", asked, err)
				}
				if asked && (other.SessionID != present || other.Next.Email != contoso.Mail("own") ||
					other.Present.Email != c.present("", contoso.Mail("colleague"), fabrikam.Mail("stranger"))) {
					t.Errorf("%+v", other)
				}
				for _, out := range sessions {
					_, err := signon.Across(s).SessionByToken(t.Context(), out.SessionToken)
					if out.Session.ID == present && (err == nil) != c.lives {
						t.Errorf("the session in the browser: %v", err)
					}
					if out.Session.ID != present && err != nil && !c.ended {
						t.Errorf("a session of another browser: %v", err)
					}
				}
			})
		}
	})
}

func own(own, _, _ string) string             { return own }
func colleague(_, colleague, _ string) string { return colleague }
func stranger(_, _, stranger string) string   { return stranger }

// An answer is good for the session and the organization that the question was about, and for as
// long as a login is: whoever finds it later, or in another browser, goes nowhere with it.
func TestConsentIsForOneSessionAndOneOrganization(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		s := modeltest.Open(t, db, store.Options{Now: clock.Now})
		contoso, fabrikam := storetest.Open(t, s, "contoso"), storetest.Open(t, s, "fabrikam")
		session, another := model.NewID(), model.NewID()
		asked := signon.In(contoso.Org).Ask(session, "/sso/start?x=1")
		address, agreed, err := signon.Across(s).Agree(asked)
		if err != nil || address != "/sso/start?x=1" {
			t.Fatal(address, err)
		}
		for name, c := range map[string]struct {
			org             *store.Org
			agreed, session string
			want            bool
		}{
			"what was asked":         {contoso.Org, agreed, session, true},
			"another session":        {contoso.Org, agreed, another, false},
			"another organization":   {fabrikam.Org, agreed, session, false},
			"the question itself":    {contoso.Org, asked, session, false},
			"nothing":                {contoso.Org, "", session, false},
			"nothing, of no session": {contoso.Org, "", "", false},
		} {
			if got := signon.In(c.org).Agreed(c.agreed, c.session); got != c.want {
				t.Errorf("%s: %t", name, got)
			}
		}
		for _, other := range []string{agreed, "", "x", signon.Across(s).Marker(session)} {
			_, _, err := signon.Across(s).Agree(other)
			storetest.WantKind(t, err, model.NotFound)
		}
		clock.Advance(10*time.Minute - time.Millisecond)
		if _, _, err := signon.Across(s).Agree(asked); err != nil || !signon.In(contoso.Org).Agreed(agreed, session) {
			t.Errorf("at the last moment: %v", err)
		}
		clock.Advance(time.Millisecond)
		_, _, err = signon.Across(s).Agree(asked)
		storetest.WantKind(t, err, model.NotFound)
		if signon.In(contoso.Org).Agreed(agreed, session) {
			t.Error("it is good for longer than ten minutes")
		}
		if got := signon.Across(s).Marked(signon.Across(s).Marker(session)); got != session {
			t.Errorf("the marker is of %q", got)
		}
		if got := signon.Across(s).Marked(asked); got != "" {
			t.Errorf("a question is a marker of %q", got)
		}
	})
}

// A request of an application waits in one browser, for ten minutes, for one answer.
func TestPendingAuthorizationIsOfOneBrowser(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		s := modeltest.Open(t, db, store.Options{Now: clock.Now})
		h := storetest.Open(t, s, "contoso")
		a := storetest.Application(t, s)
		p := signon.PendingAuthorization{ApplicationID: a.ID, BrowserHash: []byte("hash"),
			RedirectURI: storetest.Callback, State: "state"}
		sealed := signon.In(h.Org).StartAuthorization(&p)
		waits := func(sealed, browser string) bool {
			got, err := signon.Across(s).PendingAuthorization(t.Context(), sealed, []byte(browser))
			if err != nil {
				storetest.WantKind(t, err, model.NotFound)
				return false
			}
			if got.ID != p.ID || got.OrganizationID != h.Org.ID || got.State != "state" {
				t.Errorf("%+v", got)
			}
			return true
		}
		if !waits(sealed, "hash") || waits(sealed, "another") || waits(sealed, "") || waits("", "hash") {
			t.Error("it waits in another browser, or not in its own")
		}
		clock.Advance(10*time.Minute - time.Millisecond)
		if !waits(sealed, "hash") {
			t.Error("it ends before its time")
		}
		clock.Advance(time.Millisecond)
		if waits(sealed, "hash") {
			t.Error("it is there after its time")
		}
	})
}

// A link to sign out is good once, for ten minutes: whoever finds it in a history must not sign the
// person out again.
func TestLinkToSignOutIsUsedOnce(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		s := modeltest.Open(t, db, store.Options{Now: clock.Now})
		h := storetest.Open(t, s, "contoso")
		o := h.SignOn(t, "ada")
		link := func() string {
			return signon.Across(s).LogoutToken(signon.Logout{OrganizationID: h.Org.ID,
				IdentityID: o.Out.Session.IdentityID, ApplicationID: o.Application.ID})
		}
		lives := func(out *signon.SignInResult) bool {
			_, err := signon.Across(s).SessionByToken(t.Context(), out.SessionToken)
			return err == nil
		}
		first, late := link(), link()
		clock.Advance(time.Second)
		younger, _, _ := o.Again(t)
		l, err := signon.Across(s).OpenLogoutToken(first)
		storetest.Must(t, err)
		storetest.Must(t, signon.In(h.Org).FollowLogout(t.Context(), l, ""))
		if lives(o.Out) || !lives(younger) {
			t.Error("the link ends other sessions than those of before")
		}
		again, _, _ := o.Again(t)
		storetest.WantKind(t, signon.In(h.Org).FollowLogout(t.Context(), l, again.Session.ID), model.NotFound)
		if !lives(again) {
			t.Error("a link that was used ends a session")
		}
		second, err := signon.Across(s).OpenLogoutToken(link())
		storetest.Must(t, err)
		storetest.Must(t, signon.In(h.Org).FollowLogout(t.Context(), second, again.Session.ID))
		if lives(again) || !lives(younger) {
			t.Error("the link of one session ends another")
		}
		for _, other := range []string{"", "x", signon.Across(s).Marker("x")} {
			_, err := signon.Across(s).OpenLogoutToken(other)
			storetest.WantKind(t, err, model.NotFound)
		}
		clock.Advance(10*time.Minute - time.Second - time.Millisecond)
		l, err = signon.Across(s).OpenLogoutToken(late)
		storetest.Must(t, err)
		clock.Advance(time.Millisecond)
		_, err = signon.Across(s).OpenLogoutToken(late)
		storetest.WantKind(t, err, model.NotFound)
		storetest.WantKind(t, signon.In(h.Org).FollowLogout(t.Context(), l, younger.Session.ID), model.NotFound)
		if !lives(younger) {
			t.Error("a link that is too old ends a session")
		}
	})
}

// A response that begins at the identity provider and names a request of ours is of a login that
// somebody began here. Only while that login waits may it be taken from its browser.
func TestLoginsThatAreAwaited(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		s := modeltest.Open(t, db, store.Options{Now: clock.Now})
		h := storetest.Open(t, s, "contoso")
		begin := func() *signon.Login {
			l := &signon.Login{ConnectionID: h.C.ID, BrowserHash: []byte("hash")}
			signon.In(h.Org).StartLogin(l)
			return l
		}
		waits, used := begin(), begin()
		_, err := signon.In(h.Org).SignIn(t.Context(),
			storetest.Response(h.C, used, storetest.ClaimsOf("ada", h.Mail("ada"))))
		storetest.Must(t, err)
		other := storetest.Connect(t, h.Org)
		awaited := func(connectionID string, requests ...string) bool {
			ok, err := signon.In(h.Org).Awaited(t.Context(), connectionID, requests)
			storetest.Must(t, err)
			return ok
		}
		for name, c := range map[string]struct {
			connection string
			requests   []string
			want       bool
		}{
			"it waits":                    {h.C.ID, []string{waits.RequestID}, true},
			"it was used":                 {h.C.ID, []string{used.RequestID}, false},
			"one of several waits":        {h.C.ID, []string{"x", "_x", used.RequestID, waits.RequestID}, true},
			"none":                        {h.C.ID, nil, false},
			"of another connection":       {other.ID, []string{waits.RequestID}, false},
			"a handle that is no request": {h.C.ID, []string{waits.RequestID[1:]}, false},
		} {
			if got := awaited(c.connection, c.requests...); got != c.want {
				t.Errorf("%s: %t", name, got)
			}
		}
		storetest.Must(t, signon.In(h.Org).Unused(t.Context(), waits))
		wantRefused(t, signon.In(h.Org).Unused(t.Context(), used), "login_used")
		clock.Advance(10*time.Minute - time.Millisecond)
		storetest.Must(t, signon.In(h.Org).Unused(t.Context(), waits))
		if !awaited(h.C.ID, waits.RequestID) {
			t.Error("it ends before its time")
		}
		clock.Advance(time.Millisecond)
		wantRefused(t, signon.In(h.Org).Unused(t.Context(), waits), "login_used")
		if awaited(h.C.ID, waits.RequestID) {
			t.Error("it waits after its time")
		}
	})
}
