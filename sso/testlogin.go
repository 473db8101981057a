package sso

import (
	"cmp"
	"net/http"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/setup"
	"rollcall/model/signon"
	"rollcall/model/testlogin"
	"rollcall/sso/saml"
	"rollcall/trust"
	"rollcall/web"
)

// A test login goes to the identity provider and back like a real one, and ends on a page that
// shows what came and what would have happened. It signs nobody in (docs/design/signon.md, "Test
// logins"). Which of the two a login is stands in the login that the browser keeps, sealed.

// errNotInvited is for a browser that may not begin a test.
var errNotInvited = model.Deniedf("This connection can be tested by whoever holds a set-up link of the " +
	"organization. Open that link first.")

// errSentByOther is for a browser that another site sent to begin a test: a connection has a number
// of tests an hour, which others must not use up.
var errSentByOther = model.Deniedf("Another site sent you here. Open your set-up link and begin the test there.")

// mountTests adds the routes of tests.
func (s *Server) mountTests(e *echo.Echo) {
	web.OnlyGET(e.GET("/sso/saml/:connection/test", s.testConnection(false)))
	web.OnlyGET(e.GET("/sso/oidc/:connection/test", s.testConnection(true)))
	e.GET("/setup/tests/:test", s.showTest)
}

// invited returns as whom the browser tests the connections of an organization: the set-up link by
// which it is in the portal, and nobody where there is none.
func (s *Server) invited(c echo.Context, organizationID model.OrganizationID) (model.Actor, error) {
	v, err := setup.Across(s.Store).Visitor(c.Request().Context(), s.cookies().Read(c, web.SetupCookie))
	switch {
	case model.KindOf(err) == model.Denied:
		return "", nil
	case err != nil:
		return "", err
	}
	may := v.May(setup.ScopeSSO) || v.May(setup.ScopeCertificate) || v.May(setup.ScopeEnforce)
	if v.Link.OrganizationID != organizationID || !may {
		return "", nil
	}
	return v.Actor(), nil
}

// testConnection begins a test for somebody with a set-up link.
func (s *Server) testConnection(overOIDC bool) echo.HandlerFunc {
	return func(c echo.Context) error {
		conn, err := s.connectionOver(c, overOIDC)
		if err != nil {
			return err
		}
		by, err := s.invited(c, conn.OrganizationID)
		switch {
		case err != nil:
			return err
		case by == "":
			return errNotInvited
		case c.Request().Header.Get("Sec-Fetch-Site") != "" && !ownNavigation(c.Request()):
			return errSentByOther
		case !conn.HasProvider():
			return begins(conn)
		}
		t, err := testlogin.In(s.Store.Org(conn.OrganizationID, by)).Begin(c.Request().Context(), conn.ID)
		if err != nil {
			return tooManyTests(err)
		}
		return s.begin(c, conn, nil, loginWish{login: signon.Login{TestID: t.ID}})
	}
}

// testDraft begins a test at the login address of a draft that no login activates. Anybody can open
// that address, so that nothing is written yet.
func (s *Server) testDraft(c echo.Context, conn *connection.Connection, hint string) error {
	if err := testlogin.In(s.org(conn)).MayBegin(c.Request().Context(), conn.ID); err != nil {
		return tooManyTests(err)
	}
	return s.begin(c, conn, nil, loginWish{login: signon.Login{TestID: model.NewID()}, hint: hint})
}

// tooManyTests gives the error for a test too many its status.
func tooManyTests(err error) error {
	if model.KindOf(err) != model.Full {
		return err
	}
	return echo.NewHTTPError(http.StatusTooManyRequests).SetInternal(err)
}

// endSAMLTest ends a test over SAML.
func (s *Server) endSAMLTest(c echo.Context, conn *connection.Connection, l *signon.Login, response string) error {
	return s.endTest(c, conn, l, func() (*signon.SignIn, *saml.Sighting, error) {
		in, err := s.verify(c, conn, l, response)
		return in, saml.See(response), err
	})
}

// endTest reads the answer to a test and notes what it shows. A second answer changes nothing.
func (s *Server) endTest(
	c echo.Context, conn *connection.Connection, l *signon.Login,
	read func() (*signon.SignIn, *saml.Sighting, error),
) error {
	ctx, org := c.Request().Context(), s.org(conn)
	if used, err := signon.In(org).Used(ctx, l); err != nil || used {
		return cmp.Or(err, redirect(c, s.testPage(l.TestID)))
	}
	f := finding{server: s, conn: conn, login: l}
	var err error
	if l.ExpiresAt <= model.TimeOf(s.Store.Now()) {
		err = errLoginUsed
	} else if f.in, f.seen, err = read(); err == nil {
		f.rehearsed, err = signon.In(org).Rehearse(ctx, *f.in)
	}
	return s.noteTest(c, &f, err)
}

// noteTest notes what a test found, and sends the browser to the page that shows it. err is why a
// login would be refused, or nil.
func (s *Server) noteTest(c echo.Context, f *finding, err error) error {
	answer, err := f.answer(c.Request().Context(), err)
	if err != nil {
		return err
	}
	t, err := testlogin.In(s.org(f.conn)).Finish(c.Request().Context(), *answer)
	if err != nil {
		return tooManyTests(err)
	}
	return redirect(c, s.testPage(t.ID))
}

// testPage is the address of the page that shows a test.
func (s *Server) testPage(id string) string {
	return s.public("/setup/tests/" + testlogin.Prefix.ID(id))
}

// testView is the view of sso_test.html.
type testView struct {
	Result  trust.TestResult
	Invited bool // the browser came by a set-up link
}

// showTest shows a test to whoever may test the connections of its organization. A test at the
// login address of a draft is shown to the browser in which it was made.
func (s *Server) showTest(c echo.Context) error {
	ctx, unknown := c.Request().Context(), model.NotFoundf("There is no such test here. Tests are kept for seven "+
		"days, and shown to whoever made them.")
	id, ok := testlogin.Prefix.Parse(c.Param("test"))
	if !ok {
		return unknown
	}
	t, err := testlogin.Across(s.Store).Test(ctx, id)
	switch {
	case model.KindOf(err) == model.NotFound:
		return unknown
	case err != nil:
		return err
	}
	by, err := s.invited(c, t.OrganizationID)
	if err != nil {
		return err
	}
	if by == "" && (t.Actor != "" || !s.fromBrowser(c, t.BrowserHash)) {
		return unknown
	}
	org := s.Store.Org(t.OrganizationID, model.System)
	if t, err = testlogin.In(org).Test(ctx, id); err != nil {
		return err
	}
	conn, err := connection.In(org).Connection(ctx, t.ConnectionID)
	if err != nil {
		return err
	}
	return s.Pages.Render(c, http.StatusOK, "sso_test", testView{trust.ExplainTest(t, conn), by != ""})
}
