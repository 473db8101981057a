package sso

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/organization"
	"rollcall/model/signon"
	"rollcall/web"
)

// This file asks before somebody is signed in over the living session of somebody else
// (docs/design/signon.md, "One login, one browser").

// askPage is the view of sso_ask.html.
type askPage struct {
	Present signon.Person // who is signed in
	Next    signon.Person // who would be; without an address before the login
	Action  string
	Sealed  string // what the form sends
	Stay    string // the address that answers no
}

// agreedParameter is the parameter with which a login begins whose person was asked.
const agreedParameter = "agreed"

// entering returns the browser's session before a login at an organization begins, or nil. If
// another site began the login, and the session is one of another organization, it shows a question
// instead, and asked is true. Older browsers do not say who began it, so that they are asked.
//
// no is the address that answers the question with no. It is empty without an application.
func (s *Server) entering(
	c echo.Context, organizationID model.OrganizationID, no string,
) (in *signon.SignedIn, asked bool, err error) {
	in, err = s.browserSession(c)
	if err != nil && !ended(err) {
		return nil, false, err
	}
	if in == nil || in.Session.OrganizationID == organizationID || ownNavigation(c.Request()) {
		return in, false, nil
	}
	org := signon.In(s.Store.Org(organizationID, model.System))
	if org.Agreed(c.QueryParam(agreedParameter), in.Session.ID) {
		return in, false, nil
	}
	present, err := s.person(c, in)
	if err != nil {
		return nil, false, err
	}
	g, err := organization.In(org).Organization(c.Request().Context())
	if err != nil {
		return nil, false, err
	}
	page := askPage{Present: present, Next: signon.Person{Organization: g.Name}, Action: "/sso/go-on",
		Sealed: org.Ask(in.Session.ID, withoutAgreed(c.Request().URL))}
	return in, true, s.ask(c, page, no)
}

// ownNavigation tells whether a page of ours or the person began a request, by typing the address
// or by a bookmark.
func ownNavigation(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "same-origin" || site == "none"
}

// withoutAgreed is the path and the query of an address, without an earlier answer.
func withoutAgreed(u *url.URL) string {
	q := u.Query()
	if !q.Has(agreedParameter) {
		return u.RequestURI()
	}
	q.Del(agreedParameter)
	return u.Path + "?" + q.Encode()
}

// person is who has a session, for a question.
func (s *Server) person(c echo.Context, in *signon.SignedIn) (signon.Person, error) {
	g, err := organization.In(s.Store.Org(in.Session.OrganizationID, model.System)).Organization(c.Request().Context())
	if err != nil {
		return signon.Person{}, err
	}
	return signon.Person{Email: in.User.Email, Organization: g.Name}, nil
}

// ask shows a question. Its form leads to an identity provider or to an application.
func (s *Server) ask(c echo.Context, page askPage, no string) error {
	if page.Stay = no; no == "" {
		page.Stay = "/sso/signed-in"
	}
	c.Response().Header().Set(echo.HeaderContentSecurityPolicy, postedOn)
	return s.Pages.Render(c, http.StatusOK, "sso_ask", page)
}

// goOn begins a login whose person has agreed to it.
func (s *Server) goOn(c echo.Context) error {
	sent, err := web.Form(c, "Go back", model.Invalid)
	if err != nil {
		return err
	}
	address, agreed, err := signon.Across(s.Store).Agree(sent.Get("sealed"))
	if err != nil {
		return err
	}
	location, err := withQuery(address, url.Values{agreedParameter: {agreed}})
	if err != nil {
		return err
	}
	return redirect(c, s.public(location))
}

// askOther asks who is signed in whether somebody else is to be, whom a verified response names.
func (s *Server) askOther(c echo.Context, in signon.SignIn, other *signon.OtherPerson) error {
	no, err := s.cancelURL(c, in.Login)
	if err != nil {
		return err
	}
	return s.ask(c, askPage{Present: other.Present, Next: other.Next, Action: "/sso/replace",
		Sealed: signon.Across(s.Store).Hold(in, other.SessionID)}, no)
}

// replace signs in the person whom askOther asked about.
func (s *Server) replace(c echo.Context) error {
	sent, err := web.LongForm(c, "Go back", model.Invalid, maxResponse)
	if err != nil {
		return err
	}
	in, err := signon.Across(s.Store).Held(sent.Get("sealed"))
	if err != nil {
		return err
	}
	if !s.fromBrowser(c, in.Login.BrowserHash) {
		return s.refuse(c, in.Connection, nil, errLoginForeign)
	}
	notes := in.Attempt.Notes
	in.Attempt = s.attempt(c, in.Connection)
	in.Attempt.Notes = notes
	if session, err := s.browserSession(c); err == nil {
		in.Present = session.Session.ID
	} else if !ended(err) {
		return err
	}
	return s.finish(c, in.Connection, in.Login, in, "")
}

// present is the session that the browser has, in a request without its cookie, or empty.
func (s *Server) present(c echo.Context) string {
	return signon.Across(s.Store).Marked(s.cookies().Read(c, markerCookie))
}

// otherPerson finds the question in an error.
func otherPerson(err error) *signon.OtherPerson {
	other, _ := errors.AsType[*signon.OtherPerson](err)
	return other
}

// cancelURL is the address that tells the application of a login that the person does not sign in.
// It is empty if none waits, and if the application does not have the address any more, which may
// belong to somebody else by now.
func (s *Server) cancelURL(c echo.Context, l *signon.Login) (string, error) {
	var page refusedPage
	err := s.backTo(c, &page, l)
	return page.Back, err
}

// waiting is the application that waits for a login, or nil.
func (s *Server) waiting(c echo.Context, l *signon.Login) (*organization.Application, error) {
	if l == nil || l.ApplicationID == nil {
		return nil, nil
	}
	a, err := organization.Across(s.Store).Application(c.Request().Context(), *l.ApplicationID)
	if model.KindOf(err) == model.NotFound {
		return nil, nil
	}
	if err != nil || !a.Redirects(l.RedirectURI) {
		return nil, err
	}
	return a, nil
}

// accessDenied is the answer for a person who did not sign in (RFC 6749, section 4.1.2.1).
func accessDenied() url.Values {
	return url.Values{"error": {"access_denied"}, "error_description": {"the person was not signed in"}}
}
