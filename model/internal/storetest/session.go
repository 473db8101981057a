package storetest

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"rollcall/model"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/signon"
	"rollcall/model/store"
)

// Opened is everything that one sign-in to an application opens.
type Opened struct {
	House
	Application *organization.Application
	User        *people.User
	Out         *signon.SignedUp
	Code        string // not exchanged yet
	Token       string // an access token
}

const Callback = "https://app.example/callback"

// SignOn signs a directory's user in to an application, which exchanges one code and keeps another.
func (h House) SignOn(t testing.TB, name string) Opened {
	t.Helper()
	o := Opened{House: h, Application: Application(t, h.S), User: h.Owned(t, h.D, name, "id-of-"+name, h.Mail(name))}
	o.Out, o.Code, o.Token = o.Again(t)
	return o
}

func (o Opened) Again(t testing.TB) (out *signon.SignedUp, code, token string) {
	t.Helper()
	l := Begin(t, o.Org, o.C)
	l.ApplicationID = &o.Application.ID
	out, err := signon.In(o.Org).SignIn(t.Context(), Response(o.C, l, ClaimsOf("id-of-"+o.User.UserName, o.User.Email)))
	Must(t, err)
	_, token, err = signon.Across(o.S).RedeemCode(t.Context(), signon.Redemption{ApplicationID: o.Application.ID, Code: out.Code})
	Must(t, err)
	return out, o.HandOver(t, out), token
}

func (o Opened) HandOver(t testing.TB, out *signon.SignedUp) (code string) {
	t.Helper()
	in, err := signon.Across(o.S).SessionByToken(t.Context(), out.SessionToken)
	Must(t, err)
	code, err = signon.In(o.Org).HandOver(t.Context(), in, o.Application.ID, Callback, "")
	Must(t, err)
	return code
}

// Opens checks whether a store still opens something for the session, the code and the token. The
// code is used up when it does.
func (o Opened) Opens(t testing.TB, s *store.Store, want bool) {
	t.Helper()
	_, bySession := signon.Across(s).SessionByToken(t.Context(), o.Out.SessionToken)
	_, byToken := signon.Across(s).SessionByAccessToken(t.Context(), o.Token)
	_, _, byCode := signon.Across(s).RedeemCode(t.Context(), signon.Redemption{ApplicationID: o.Application.ID, Code: o.Code})
	live, _, err := signon.In(s.Org(o.Org.ID, model.System)).Sessions(t.Context(), o.User.ID, model.Page{Limit: 100})
	Must(t, err)
	listed := slices.ContainsFunc(live, func(l people.Session) bool { return l.ID == o.Out.Session.ID })
	if want {
		Must(t, errors.Join(bySession, byToken, byCode))
	} else {
		WantKind(t, bySession, model.Denied)
		WantKind(t, byToken, model.Denied)
		WantKind(t, byCode, model.Invalid, "code")
	}
	if listed != want {
		t.Errorf("the session is listed: %t", listed)
	}
}

// pause stops a store's next statement that contains a text until it is told to go on.
type pause struct {
	At      chan string // the text to stop at
	Stopped chan bool
	On      chan bool
}

func NewPause() pause { return pause{make(chan string, 1), make(chan bool), make(chan bool)} }

func (p pause) Options() store.Options {
	return store.Options{Statement: func(query string) {
		select {
		case text := <-p.At:
			if !strings.Contains(query, text) {
				p.At <- text
				return
			}
			p.Stopped <- true
			<-p.On
		default:
		}
	}}
}

func (o Opened) Dead(t testing.TB, s *store.Store) {
	t.Helper()
	in, err := signon.Across(s).SessionByToken(t.Context(), o.Out.SessionToken)
	if model.KindOf(err) != model.Denied {
		t.Errorf("the session opens %+v: %v", in, err)
	}
	_, _, err = signon.Across(s).RedeemCode(t.Context(), signon.Redemption{ApplicationID: o.Application.ID, Code: o.Out.Code})
	if model.KindOf(err) != model.Invalid {
		t.Errorf("the code opens something: %v", err)
	}
}
