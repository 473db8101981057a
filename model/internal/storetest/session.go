package storetest

import (
	"errors"
	"slices"
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
	Out         *signon.SignInResult
	Code        string // not exchanged yet
	Token       string // an access token
}

// Callback is the redirect URI of the application.
const Callback = "https://app.example/callback"

// SignOn signs a user of the directory in to an application, which exchanges one code and keeps
// another.
func (h House) SignOn(t testing.TB, name string) Opened {
	t.Helper()
	u := h.Owned(t, h.D, name, "id-of-"+name, h.Mail(name))
	o := Opened{House: h, Application: Application(t, h.S), User: u}
	o.Out, o.Code, o.Token = o.Again(t)
	return o
}

// Again signs the user in once more.
func (o Opened) Again(t testing.TB) (out *signon.SignInResult, code, token string) {
	t.Helper()
	l := Begin(t, o.Org, o.C)
	l.ApplicationID = &o.Application.ID
	in := Response(o.C, l, ClaimsOf("id-of-"+o.User.UserName, o.User.Email))
	out, err := signon.In(o.Org).SignIn(t.Context(), in)
	Must(t, err)
	_, token, err = signon.Across(o.S).RedeemCode(t.Context(), o.redemption(out.Code))
	Must(t, err)
	return out, o.HandOver(t, out), token
}

// HandOver returns a code for the session of a sign-in.
func (o Opened) HandOver(t testing.TB, out *signon.SignInResult) (code string) {
	t.Helper()
	in, err := signon.Across(o.S).SessionByToken(t.Context(), out.SessionToken)
	Must(t, err)
	code, err = signon.In(o.Org).HandOver(t.Context(), in,
		signon.CodeRequest{ApplicationID: o.Application.ID, RedirectURI: Callback})
	Must(t, err)
	return code
}

// Opens checks whether a store still opens something for the session, the code and the token. The
// code is used up when it does.
func (o Opened) Opens(t testing.TB, s *store.Store, want bool) {
	t.Helper()
	_, bySession := signon.Across(s).SessionByToken(t.Context(), o.Out.SessionToken)
	_, byToken := signon.Across(s).SessionByAccessToken(t.Context(), o.Token)
	_, _, byCode := signon.Across(s).RedeemCode(t.Context(), o.redemption(o.Code))
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

// Dead checks that a store opens nothing for the session and the code.
func (o Opened) Dead(t testing.TB, s *store.Store) {
	t.Helper()
	in, err := signon.Across(s).SessionByToken(t.Context(), o.Out.SessionToken)
	if model.KindOf(err) != model.Denied {
		t.Errorf("the session opens %+v: %v", in, err)
	}
	_, _, err = signon.Across(s).RedeemCode(t.Context(), o.redemption(o.Out.Code))
	if model.KindOf(err) != model.Invalid {
		t.Errorf("the code opens something: %v", err)
	}
}

func (o Opened) redemption(code string) signon.Redemption {
	return signon.Redemption{ApplicationID: o.Application.ID, Code: code}
}
