package sso

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/grant"
	"rollcall/model/organization"
	"rollcall/model/signon"
)

// openIDLogout signs out at the wish of an application (OpenID Connect RP-Initiated Logout). It
// does so at once if an ID token of ours shows that the application means the session of this
// browser. Otherwise a page asks: a link of another site must not sign anybody out.
func (s *Server) openIDLogout(c echo.Context) error {
	query, err := url.ParseQuery(c.Request().URL.RawQuery)
	if err != nil {
		return model.Invalidf("", "The address of this page is damaged. Go back to the application and try again.")
	}
	for name, values := range query {
		if len(values) > 1 {
			return model.Invalidf(name, "The application sent %.40s twice. Its developers must send it once.", name)
		}
	}
	hint, err := s.logoutHint(c, query)
	if err != nil {
		return err
	}
	next, err := s.afterLogout(c, query, hint)
	if err != nil {
		return err
	}
	in, err := s.browserSession(c)
	if err != nil && !ended(err) {
		return err
	}
	if in == nil || hint != nil && hint.Session == model.SessionPrefix.ID(in.Session.ID) {
		return s.endOwn(c, in, next)
	}
	page := logoutPage{}
	if next != "" {
		page.Next = signon.Across(s.Store).SealNext(next)
	}
	c.Response().Header().Set(echo.HeaderContentSecurityPolicy, postedOn)
	return s.Pages.Render(c, http.StatusOK, "sso_logout", page)
}

// logoutHint reads the ID token of a request. It is nil without one that is ours, and where the
// client_id is another one than the token's.
func (s *Server) logoutHint(c echo.Context, query url.Values) (*grant.Hint, error) {
	hint, err := s.openID.ReadHint(c.Request().Context(), query.Get(hintField))
	if model.KindOf(err) == model.Invalid {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if id := query.Get("client_id"); id != "" && id != hint.Application {
		return nil, nil
	}
	return hint, nil
}

// afterLogout is the address at which the application wants the browser back, if it is registered
// for it, and nothing otherwise.
func (s *Server) afterLogout(c echo.Context, query url.Values, hint *grant.Hint) (string, error) {
	uri, client := query.Get("post_logout_redirect_uri"), query.Get("client_id")
	if hint != nil {
		client = hint.Application
	}
	id, ok := model.ApplicationPrefix.Parse(client)
	if uri == "" || !ok {
		return "", nil
	}
	a, err := organization.Across(s.Store).Application(c.Request().Context(), id)
	if model.KindOf(err) == model.NotFound {
		return "", nil
	}
	if err != nil || !slices.Contains(a.PostLogoutRedirectURIs, uri) {
		return "", err
	}
	answer := url.Values{}
	if state := query.Get("state"); state != "" && storable(state, maxState) {
		answer.Set("state", state)
	}
	return withQuery(uri, answer)
}
