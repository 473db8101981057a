package sso

import (
	"net/url"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/refusal"
	"rollcall/model/signon"
)

// A page that is loaded again, a button that is pressed twice and the way back in the browser bring
// an answer a second time. It signs nobody in. But the browser that it signed in before is led to
// where it is signed in, instead of to a page which says that it is not.

var errLoginUsed = &refusal.Error{Reason: refusal.LoginUsed, Expected: "a login that is used once, within ten minutes",
	Received: "one that was used or has expired"}

// sendAgain sends a browser that brings an answer to a login of its own a second time to a page
// that sees its session: the session's cookie does not come with a POST from another site.
func (s *Server) sendAgain(c echo.Context, conn *connection.Connection, l *signon.Login) error {
	protocol := "saml"
	if conn.OIDC() {
		protocol = "oidc"
	}
	handle := signon.In(s.org(conn)).Handle(l)
	return redirect(c, s.public("/sso/"+protocol+"/"+model.ConnectionPrefix.ID(conn.ID)+"/again?"+
		url.Values{"login": {handle}}.Encode()))
}

// broughtAgain returns whether a login was refused that has signed its browser in before, whatever
// the error is: the answer may have become too old meanwhile.
func (s *Server) broughtAgain(c echo.Context, conn *connection.Connection, l *signon.Login, err error) bool {
	if _, refused := refusalOf(err, conn); !refused {
		return false
	}
	used, err := signon.In(s.org(conn)).Used(c.Request().Context(), l)
	return err == nil && used
}

// broughtUnasked notes that an unsolicited response came again, and shows the browser, which has a
// session, who is signed in.
func (s *Server) broughtUnasked(c echo.Context, conn *connection.Connection, err error) error {
	r, _ := refusalOf(err, conn)
	s.note(c, conn, r)
	return redirect(c, s.public("/sso/signed-in"))
}

// again leads a browser that is signed in by a login to where the login ended, and refuses any
// other one.
func (s *Server) again(c echo.Context) error {
	conn, err := s.connection(c)
	if err != nil {
		return err
	}
	l, err := s.loginOf(c, conn, c.QueryParam("login"))
	switch {
	case model.KindOf(err) == model.NotFound:
		return s.refuse(c, conn, nil, errLoginUsed)
	case err != nil:
		return s.refuse(c, conn, nil, err)
	case !s.fromBrowser(c, l.BrowserHash):
		return s.refuse(c, conn, nil, errLoginForeign)
	}
	used, err := signon.In(s.org(conn)).Used(c.Request().Context(), l)
	if err != nil {
		return err
	}
	in, err := s.browserSession(c)
	switch {
	case err != nil && !ended(err):
		return err
	case err != nil, !used, in.Session.ConnectionID != conn.ID:
		return s.refuse(c, conn, l, errLoginUsed)
	}
	return s.leadOn(c, conn, l)
}

// leadOn sends a browser that is signed in to where a login ended.
func (s *Server) leadOn(c echo.Context, conn *connection.Connection, l *signon.Login) error {
	uri := ""
	if l.ApplicationID != nil {
		var err error
		if uri, err = s.startOf(c, conn, *l.ApplicationID); err != nil && model.KindOf(err) != model.NotFound {
			return err
		}
	}
	if uri == "" {
		return redirect(c, s.public("/sso/signed-in"))
	}
	return s.askToStart(c, conn, uri, "")
}
