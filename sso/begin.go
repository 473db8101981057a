package sso

import (
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/organization"
	"rollcall/model/signon"
	"rollcall/model/store"
	"rollcall/sso/saml"
)

// errUnknownConnection is the error for a path that names no connection, or one that speaks the
// other protocol.
var errUnknownConnection = model.NotFoundf(
	"There is no such connection. Check the address with whoever gave it to you.")

// connection returns the connection that the path names.
func (s *Server) connection(c echo.Context) (*connection.Connection, error) {
	id, ok := model.ConnectionPrefix.Parse(model.Trimmed(c.Param("connection")))
	if !ok {
		return nil, errUnknownConnection
	}
	connection, err := connection.Across(s.Store).Connection(c.Request().Context(), id)
	if model.KindOf(err) == model.NotFound {
		err = errUnknownConnection
	}
	return connection, err
}

// org returns the connection's organization, with the connection as the actor.
func (s *Server) org(c *connection.Connection) *store.Org {
	return s.Store.Org(c.OrganizationID, model.Actor("connection:"+model.ConnectionPrefix.ID(c.ID)))
}

// metadata answers with our metadata, which an identity provider is set up with.
func (s *Server) metadata(c echo.Context) error {
	connection, err := s.connectionOver(c, false)
	if err != nil {
		return err
	}
	p, err := s.providers.Of(connection)
	if err != nil {
		return err
	}
	document, err := p.SP.Metadata()
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, "application/samlmetadata+xml", document)
}

// loginWish is what the caller of begin demands of a login.
type loginWish struct {
	login signon.Login // the fields that an application sets
	hint  string       // the user name that the identity provider may suggest
}

// begin starts a login and sends the browser to the identity provider. in is the session that the
// browser already has, or nil. The login must remember it: the response comes by a cross-site POST,
// without the session's cookie.
func (s *Server) begin(c echo.Context, connection *connection.Connection, in *signon.SignedIn, w loginWish) error {
	if connection.OIDC() {
		return s.beginOIDC(c, connection, in, w)
	}
	p, err := s.providers.Of(connection)
	if err != nil {
		return err
	}
	l := w.login
	l.ConnectionID = connection.ID
	handle, err := s.startLogin(c, connection, in, &l)
	if err != nil {
		return err
	}
	request, err := p.SP.AuthnRequest(p.IDP, saml.RequestOptions{
		ID: l.RequestID, RelayState: handle, ForceAuthn: l.ForceAuthn || l.MaxAge != nil, Now: s.Store.Now(),
		NameIDFormat: connection.NameIDFormat,
	})
	if err != nil {
		return err
	}
	if request.Fields == nil {
		request.URL = withLoginHint(request.URL, connection, w.hint)
	}
	return s.sendBrowser(c, request, "Signing in")
}

// startLogin has the browser keep a login, and returns the login's handle. A page that embeds ours
// could make the browser begin any number of logins at once, and drown its own cookies in theirs.
func (s *Server) startLogin(
	c echo.Context, connection *connection.Connection, in *signon.SignedIn, l *signon.Login,
) (handle string, err error) {
	if to := c.Request().Header.Get("Sec-Fetch-Dest"); to != "" && to != "document" {
		return "", model.Deniedf("A sign-in needs a window of its own. Open this page in one.")
	}
	l.BrowserHash = s.bindBrowser(c)
	if in != nil {
		l.SessionID = in.Session.ID
	}
	handle, kept := signon.In(s.org(connection)).StartLogin(l)
	s.keepLogin(c, l.ID, kept)
	return handle, nil
}

// postPage is the view of sso_post.html.
type postPage struct {
	Title  string
	URL    string
	Fields map[string]string
}

// withLoginHint adds the expected user name to a request, for the identity providers that read it.
// The signature does not cover it (SAML Bindings, section 3.4.4.1), and nothing depends on it.
func withLoginHint(location string, conn *connection.Connection, hint string) string {
	if hint == "" || !slices.Contains([]string{"OktaSAML", connection.AzureSAML}, conn.Type) {
		return location
	}
	return location + "&login_hint=" + url.QueryEscape(hint)
}

// connectionLogin starts a login that ends on one of our pages.
func (s *Server) connectionLogin(c echo.Context) error {
	connection, err := s.connectionOver(c, false)
	if err != nil {
		return err
	}
	return s.beginHere(c, connection)
}

// beginHere begins a login that no application asked for.
func (s *Server) beginHere(c echo.Context, connection *connection.Connection) error {
	return s.beginHereFor(c, connection, "")
}

// beginHereFor is beginHere with a user name that the identity provider may suggest.
func (s *Server) beginHereFor(c echo.Context, connection *connection.Connection, hint string) error {
	if err := begins(connection); err != nil {
		return err
	}
	if r := c.Request(); r.Method == http.MethodPost && !ownNavigation(r) {
		// The form of another site comes without the session's cookie, which decides whether to
		// ask first.
		location, err := withQuery(s.public(loginPath(connection)), hinted(hint))
		if err != nil {
			return err
		}
		return redirect(c, location)
	}
	if testsOnly(connection) {
		return s.testDraft(c, connection, hint)
	}
	in, asked, err := s.entering(c, connection.OrganizationID, "")
	if asked || err != nil {
		return err
	}
	return s.begin(c, connection, in, loginWish{hint: hint})
}

// hinted is a user name that the identity provider may suggest, as a parameter.
func hinted(hint string) url.Values {
	if hint == "" {
		return url.Values{}
	}
	return url.Values{"login_hint": {hint}}
}

// organizationLogin is an organization's own login address.
func (s *Server) organizationLogin(c echo.Context) error {
	ctx := c.Request().Context()
	g, err := organization.Across(s.Store).OrganizationBySlug(ctx, model.Trimmed(c.Param("slug")))
	if model.KindOf(err) == model.NotFound {
		return model.NotFoundf("There is no organization with this login address. Check how it is spelled, or ask " +
			"your administrator.")
	}
	if err != nil {
		return err
	}
	org := s.Store.Org(g.ID, model.System)
	s.rememberOrganization(c, g.Slug)
	connection, all, err := s.choose(c, org, g)
	if errors.Is(err, errNoConnection) && g.Settings.AllowAdminPasswords {
		return s.passwordPage(c, g)
	}
	if err != nil {
		return err
	}
	if connection != nil {
		return s.start(c, connection)
	}
	if _, asked, err := s.entering(c, g.ID, ""); asked || err != nil {
		return err
	}
	return s.Pages.Render(c, http.StatusOK, "sso_choose", choosePage(all, loginPath))
}

// errNoConnection is the error for an organization without an active connection.
var errNoConnection = model.NotFoundf("Single sign-on is not set up for this organization yet. Ask your administrator.")

// choose returns the connection of an organization: its default one, or its only active one. It
// returns all active ones if a person must choose.
func (s *Server) choose(
	c echo.Context, org *store.Org, g *organization.Organization,
) (*connection.Connection, []connection.Connection, error) {
	all, err := connection.In(org).ActiveConnections(c.Request().Context())
	if err != nil {
		return nil, nil, err
	}
	for i := range all {
		if len(all) == 1 || string(g.Settings.DefaultConnection) == all[i].ID {
			return &all[i], all, nil
		}
	}
	if len(all) == 0 {
		return nil, nil, errNoConnection
	}
	return nil, all, nil
}

// choice is a connection that a person may choose.
type choice struct{ Name, URL string }

func choosePage(all []connection.Connection, link func(c *connection.Connection) string) []choice {
	var out []choice
	for i := range all {
		out = append(out, choice{all[i].Name, link(&all[i])})
	}
	return out
}

// loginPath is the path where a login over a connection begins without an application.
func loginPath(c *connection.Connection) string {
	if c.OIDC() {
		return "/sso/oidc/" + model.ConnectionPrefix.ID(c.ID) + "/login"
	}
	return "/sso/saml/" + model.ConnectionPrefix.ID(c.ID) + "/login"
}

// start begins a login that no application asked for. If there is an application to end at, the
// browser goes there, and the application begins the login (OpenID Connect Core, section 4).
// Otherwise the login ends on one of our pages.
func (s *Server) start(c echo.Context, connection *connection.Connection) error {
	return s.startFor(c, connection, "")
}

// startFor is start with a user name that the identity provider may suggest.
func (s *Server) startFor(c echo.Context, connection *connection.Connection, hint string) error {
	uri, err := s.initiateURI(c, connection)
	if err != nil {
		return err
	}
	if uri == "" {
		return s.beginHereFor(c, connection, hint)
	}
	return s.askToStart(c, connection, uri, hint)
}

// askToStart sends the browser to an application's initiate_login_uri.
func (s *Server) askToStart(c echo.Context, connection *connection.Connection, uri, hint string) error {
	asks := hinted(hint)
	asks.Set("iss", s.PublicURL)
	asks.Set("connection", model.ConnectionPrefix.ID(connection.ID))
	asks.Set("organization", model.OrganizationPrefix.ID(string(connection.OrganizationID)))
	location, err := withQuery(uri, asks)
	if err != nil {
		return err
	}
	return redirect(c, location)
}

// initiateURI returns the initiate_login_uri of the connection's application, or of the only
// application that serves the organization. It is empty if there is none.
func (s *Server) initiateURI(c echo.Context, connection *connection.Connection) (string, error) {
	ctx := c.Request().Context()
	if connection.ApplicationID != nil {
		uri, err := s.startOf(c, connection, *connection.ApplicationID)
		if model.KindOf(err) != model.NotFound {
			return uri, err
		}
	}
	all, err := organization.Across(s.Store).ApplicationsServing(ctx, connection.OrganizationID, 2)
	if err != nil || len(all) != 1 {
		return "", err
	}
	return all[0].InitiateLoginURI, nil
}

// startOf returns the initiate_login_uri of an application. It is empty if there is none, or if the
// application does not serve the connection's organization.
func (s *Server) startOf(c echo.Context, connection *connection.Connection, applicationID string) (string, error) {
	ctx := c.Request().Context()
	a, err := organization.Across(s.Store).Application(ctx, applicationID)
	if err != nil {
		return "", err
	}
	reached, err := organization.Across(s.Store).Reaches(ctx, a.Scope(), connection.OrganizationID)
	if err != nil || !reached {
		return "", err
	}
	return a.InitiateLoginURI, nil
}

// browserSession returns the browser's live session. It returns nil and an error of the kind Denied
// if there is none.
func (s *Server) browserSession(c echo.Context) (*signon.SignedIn, error) {
	token := s.cookies().Read(c, sessionCookie)
	if token == "" {
		return nil, errNoSession
	}
	return signon.Across(s.Store).SessionByToken(c.Request().Context(), token)
}

var errNoSession error = model.Deniedf("nobody is signed in here")

// ended tells whether an error means that there is no session, or that it has ended.
func ended(err error) bool { return model.KindOf(err) == model.Denied }
