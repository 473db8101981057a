package sso

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/organization"
	"rollcall/model/refusal"
	"rollcall/model/signon"
)

// authorization is an application's request to sign somebody in, as far as it has been read.
type authorization struct {
	application *organization.Application
	redirectURI string
	state       string
	challenge   string
	force       bool           // prompt=login
	silent      bool           // prompt=none: no page may be shown
	openID      *openIDRequest // nil at /sso/authorize
	maxAge      *int64         // seconds
	hint        string
	query       url.Values

	organization *organization.Organization // set if the request names no connection
}

const maxState = 4096

// authorize begins a sign-in for an application (docs/design/signon.md, "Addresses").
func (s *Server) authorize(c echo.Context) error {
	a, err := s.authorization(c)
	if err == nil {
		err = a.read()
	}
	return s.serveReadAuthorization(c, a, err)
}

// serveReadAuthorization answers a request that was read, or could not be.
func (s *Server) serveReadAuthorization(c echo.Context, a *authorization, err error) error {
	if a == nil {
		return err // there is no address to send the browser to: show a page
	}
	if err == nil {
		err = s.serveAuthorization(c, a)
	}
	if refused, ok := errors.AsType[*oauthError](err); ok {
		return s.answerWith(c, a.reply(), refused)
	}
	return err
}

// authorization reads the request. It fails unless the client and the redirect URI are known,
// because the browser must not be sent to an address that a stranger chose (RFC 9700, section
// 4.11).
func (s *Server) authorization(c echo.Context) (*authorization, error) {
	query, err := url.ParseQuery(c.Request().URL.RawQuery)
	if err != nil {
		return nil, model.Invalidf("", "The address of this page is damaged. Go back to the application and try again.")
	}
	for _, name := range []string{"client_id", "connection", "organization", "domain", "login_hint"} {
		for i, text := range query[name] {
			query[name][i] = model.Trimmed(text)
		}
	}
	id, ok := model.ApplicationPrefix.Parse(query.Get("client_id"))
	if !ok || len(query["client_id"]) > 1 {
		return nil, errClient
	}
	application, err := organization.Across(s.Store).Application(c.Request().Context(), id)
	if model.KindOf(err) == model.NotFound {
		return nil, errClient
	}
	if err != nil {
		return nil, err
	}
	uri := query.Get("redirect_uri")
	if !application.Redirects(uri) || len(query["redirect_uri"]) > 1 {
		return nil, model.Invalidf("redirect_uri",
			"The application asked to be answered at an address that is not registered for it. "+
				"Its developers must add the redirect_uri, letter by letter.")
	}
	a := &authorization{application: application, redirectURI: uri, query: query}
	a.readState()
	return a, nil
}

var errClient error = model.Invalidf("client_id",
	"The application that sent you here is not known to this server. Its developers must check the client_id.")

// readState keeps the state, which goes back with errors, too.
func (a *authorization) readState() {
	if state := a.query["state"]; len(state) == 1 && storable(state[0], maxState) {
		a.state = state[0]
	}
}

// storable tells whether a text can be kept and given back as it is.
func storable(text string, most int) bool {
	return len(text) <= most && utf8.ValidString(text) && !strings.Contains(text, "\x00")
}

// read checks the other parameters of a known application's request.
func (a *authorization) read() error {
	q := a.query
	for name, values := range q {
		if len(values) > 1 {
			return &oauthError{"invalid_request", name + " is sent twice"}
		}
	}
	switch {
	case !storable(q.Get("state"), maxState):
		return &oauthError{"invalid_request",
			"state is text of at most " + strconv.Itoa(maxState) + " bytes, without NUL"}
	case q.Get("response_type") != "code":
		return &oauthError{"unsupported_response_type", "response_type must be code"}
	case q.Has("provider"):
		return &oauthError{"unsupported_provider",
			"sign-in is by a connection of an organization; send connection, organization or domain instead of " +
				"provider"}
	case q.Has("code_challenge_method") && q.Get("code_challenge_method") != "S256",
		q.Has("code_challenge") && !q.Has("code_challenge_method"):
		return &oauthError{"invalid_request", "code_challenge_method must be S256"}
	case q.Has("code_challenge_method") && !q.Has("code_challenge"):
		return &oauthError{"invalid_request", "code_challenge is missing"}
	}
	if q.Has("code_challenge") {
		a.challenge = q.Get("code_challenge")
		if raw, err := base64.RawURLEncoding.DecodeString(a.challenge); err != nil || len(raw) != 32 {
			return &oauthError{"invalid_request",
				"code_challenge must be the SHA-256 of the code_verifier in base64url"}
		}
	}
	prompts := strings.Fields(q.Get("prompt")) // OpenID Connect Core, section 3.1.2.1
	a.force, a.silent, a.hint = slices.Contains(prompts, "login"), slices.Contains(prompts, "none"), q.Get("login_hint")
	a.force = a.force || a.openID != nil && a.openID.pick
	if a.silent && len(prompts) > 1 {
		return &oauthError{"invalid_request", "prompt=none stands alone"}
	}
	if text := q.Get("max_age"); text != "" {
		age, err := strconv.ParseInt(text, 10, 32)
		if err != nil || age < 0 {
			return &oauthError{"invalid_request", "max_age is a number of seconds"}
		}
		a.maxAge = &age
	}
	return nil
}

// serveAuthorization uses a session that the browser has with the same connection, or else begins a
// login.
func (s *Server) serveAuthorization(c echo.Context, a *authorization) error {
	conn, all, err := s.asked(c, a)
	unconnected := errors.Is(err, errNoConnection)
	if err != nil && !unconnected {
		return err
	}
	in, asked, err := s.enteringFor(c, a, conn)
	if asked || err != nil {
		return err
	}
	if a.enteredByPassword(in, model.TimeOf(s.Store.Now())) {
		return s.handOverByPassword(c, a, in)
	}
	if unconnected {
		return s.askForPassword(c, a)
	}
	if conn == nil && a.silent {
		return &oauthError{"interaction_required",
			"the organization has several connections, and prompt=none forbids asking which"}
	}
	if conn == nil {
		return s.Pages.Render(c, http.StatusOK, "sso_choose", choosePage(all, a.choiceURL))
	}
	if err := unlinked(conn); err != nil {
		return err
	}
	if in != nil && in.Session.ConnectionID == conn.ID && a.satisfied(in, conn, s) && a.isOf(in) {
		return s.handOver(c, a, conn, in)
	}
	if a.silent {
		return &oauthError{"login_required", "nobody is signed in, and prompt=none forbids asking"}
	}
	return s.begin(c, conn, in, loginWish{hint: a.hint, login: signon.Login{
		ApplicationID: &a.application.ID, RedirectURI: a.redirectURI, State: a.state, CodeChallenge: a.challenge,
		Scope: a.scope(), Nonce: a.nonce(), ResponseMode: a.responseMode(), ForceAuthn: a.force, MaxAge: a.maxAge,
	}})
}

// enteringFor is entering for an application's request. With prompt=none it asks nothing.
func (s *Server) enteringFor(
	c echo.Context, a *authorization, conn *connection.Connection,
) (in *signon.SignedIn, asked bool, err error) {
	if a.silent {
		in, err = s.browserSession(c)
		if err != nil && !ended(err) {
			return nil, false, err
		}
		return in, false, nil
	}
	no, err := s.answerURL(a.reply(), accessDenied())
	if err != nil {
		return nil, false, err
	}
	if a.organization != nil {
		return s.entering(c, a.organization.ID, no)
	}
	return s.entering(c, conn.OrganizationID, no)
}

// satisfied tells whether a session is as fresh as the application demands. It measures from the
// same time of authentication as a login.
func (a *authorization) satisfied(in *signon.SignedIn, conn *connection.Connection, s *Server) bool {
	if a.force || a.maxAge == nil {
		return !a.force
	}
	since := in.Session.CreatedAt
	if conn.Reauthentication == connection.ReauthenticationEnforced {
		since = min(since, in.Session.AuthenticatedAt)
	}
	return since+model.Time(*a.maxAge*1000) > model.TimeOf(s.Store.Now())
}

// choiceURL returns the address of the same request for one of several connections.
func (a *authorization) choiceURL(c *connection.Connection) string {
	q := url.Values{}
	for name, values := range a.query {
		q[name] = values
	}
	q.Del("organization")
	q.Del("domain")
	q.Set("connection", model.ConnectionPrefix.ID(c.ID))
	return a.path() + "?" + q.Encode()
}

// asked returns the connection that the request names, or several from which a person must choose.
// Organizations and connections that the application does not serve are answered like ones that do
// not exist.
func (s *Server) asked(c echo.Context, a *authorization) (*connection.Connection, []connection.Connection, error) {
	if named := a.named(); len(named) != 1 {
		return nil, nil, &oauthError{"invalid_request", "send one of connection, organization and domain"}
	}
	if apiID := a.query.Get("connection"); apiID != "" {
		connection, err := s.askedConnection(c, a, apiID)
		return connection, nil, err
	}
	g, err := s.askedOrganization(c, a)
	if err != nil {
		return nil, nil, err
	}
	a.organization = g
	return s.choose(c, s.Store.Org(g.ID, model.System), g)
}

func (s *Server) askedConnection(c echo.Context, a *authorization, apiID string) (*connection.Connection, error) {
	refused := &oauthError{"connection_invalid", "there is no such connection that this application can use"}
	id, ok := model.ConnectionPrefix.Parse(apiID)
	if !ok {
		return nil, refused
	}
	connection, err := connection.Across(s.Store).Connection(c.Request().Context(), id)
	if model.KindOf(err) == model.NotFound {
		return nil, refused
	}
	if err != nil {
		return nil, err
	}
	reached, err := organization.Across(s.Store).
		Reaches(c.Request().Context(), a.application.Scope(), connection.OrganizationID)
	if err == nil && !reached {
		return nil, refused
	}
	return connection, err
}

func (s *Server) askedOrganization(c echo.Context, a *authorization) (*organization.Organization, error) {
	ctx := c.Request().Context()
	refused := &oauthError{"organization_invalid", "there is no such organization that this application serves"}
	var g *organization.Organization
	var err error
	if domain := a.query.Get("domain"); domain != "" && a.openID == nil {
		refused = &oauthError{"domain_invalid", "no organization that this application serves has verified this domain"}
		g, err = organization.Across(s.Store).OrganizationByDomain(ctx, domain)
	} else {
		id, ok := model.OrganizationPrefix.Parse(a.query.Get("organization"))
		if !ok {
			return nil, refused
		}
		g, err = organization.In(s.Store.Org(model.OrganizationID(id), model.System)).Organization(ctx)
	}
	if model.KindOf(err) == model.NotFound {
		return nil, refused
	}
	if err != nil {
		return nil, err
	}
	reached, err := organization.Across(s.Store).Reaches(ctx, a.application.Scope(), g.ID)
	if err == nil && !reached {
		return nil, refused
	}
	return g, err
}

// handOver gives the application a code for a live session.
func (s *Server) handOver(
	c echo.Context, a *authorization, connection *connection.Connection, in *signon.SignedIn,
) error {
	code, err := signon.In(s.org(connection)).
		HandOver(c.Request().Context(), in, a.codeRequest())
	if err != nil {
		return s.refuse(c, connection, &signon.Login{ApplicationID: &a.application.ID, RedirectURI: a.redirectURI,
			State: a.state, Scope: a.scope(), ResponseMode: a.responseMode()}, err)
	}
	return s.sendBack(c, a.reply(), url.Values{"code": {code}})
}

// applicationError returns the error for an application, in the reference's words where it has
// some, and nil for all reasons that only concern the person and their organization.
func applicationError(reason refusal.Reason) *oauthError {
	switch reason {
	case refusal.ProfileOutside:
		return &oauthError{"profile_not_allowed_outside_organization",
			"the person's e-mail address is outside the organization's verified domains"}
	case refusal.ApplicationWithdrawn:
		return &oauthError{"organization_invalid", "there is no such organization that this application serves"}
	}
	return nil
}
