package sso

import (
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/organization"
	"rollcall/model/signon"
	"rollcall/sso/provider"
)

// This file reads the requests of applications at the OpenID provider (OpenID Connect Core, section
// 3.1.2). They lead to the same logins as those at /sso/authorize.

// openIDRequest is what such a request has besides.
type openIDRequest struct {
	scope string // what is granted of what was asked for
	nonce string
	mode  string // response_mode
	pick  bool   // prompt=select_account
	user  string // who is meant by id_token_hint; empty without one
}

const openIDPath = "/oauth2/authorize"

// maxNonce is the longest nonce, in bytes.
const maxNonce = 512

func (a *authorization) scope() string {
	if a.openID == nil {
		return ""
	}
	return a.openID.scope
}

func (a *authorization) nonce() string {
	if a.openID == nil {
		return ""
	}
	return a.openID.nonce
}

func (a *authorization) responseMode() string {
	if a.openID == nil {
		return ""
	}
	return a.openID.mode
}

// path is where the request was sent.
func (a *authorization) path() string {
	if a.openID == nil {
		return "/sso/authorize"
	}
	return openIDPath
}

// codeRequest is what the application wants a code for.
func (a *authorization) codeRequest() signon.CodeRequest {
	return signon.CodeRequest{ApplicationID: a.application.ID, RedirectURI: a.redirectURI, CodeChallenge: a.challenge,
		Scope: a.scope(), Nonce: a.nonce()}
}

// isOf tells whether a session is one of the person whom the application means.
func (a *authorization) isOf(in *signon.SignedIn) bool {
	return a.openID == nil || a.openID.user == "" || a.openID.user == model.UserPrefix.ID(in.User.ID)
}

// named are the parameters that say where the person signs in.
func (a *authorization) named() (names []string) {
	known := []string{"connection", "organization", "domain"}
	if a.openID != nil {
		known = known[:2]
	}
	for _, name := range known {
		if a.query.Get(name) != "" {
			names = append(names, name)
		}
	}
	return names
}

// authorizeOpenID begins a sign-in for an application of the OpenID provider.
func (s *Server) authorizeOpenID(c echo.Context) error {
	a, err := s.authorization(c)
	if err != nil {
		return s.serveReadAuthorization(c, a, err)
	}
	a.openID = &openIDRequest{}
	if mode := a.query["response_mode"]; len(mode) == 1 && mode[0] == formPost {
		a.openID.mode = formPost
	}
	if err = a.readOpenID(); err == nil {
		err = a.read()
	}
	if err == nil {
		err = s.readHint(c, a)
	}
	if err == nil && len(a.named()) == 0 {
		var asked bool
		if asked, err = s.findPlace(c, a); asked {
			return err
		}
	}
	return s.serveReadAuthorization(c, a, err)
}

// readOpenID checks the parameters that /sso/authorize does not have.
func (a *authorization) readOpenID() error {
	q, scopes := a.query, strings.Fields(a.query.Get("scope"))
	switch {
	case q.Has("request"):
		return &oauthError{"request_not_supported", "send the parameters themselves"}
	case q.Has("request_uri"):
		return &oauthError{"request_uri_not_supported", "send the parameters themselves"}
	case q.Get("response_type") == "":
		return &oauthError{"invalid_request", "response_type is missing"}
	case !slices.Contains([]string{"", "query", formPost}, q.Get("response_mode")):
		return &oauthError{"invalid_request", "response_mode is query or form_post"}
	case q.Get("response_mode") == formPost && !a.reply().takesForm():
		return &oauthError{"invalid_request", "response_mode form_post needs a redirect_uri of http or https"}
	case !slices.Contains(scopes, provider.ScopeOpenID):
		return &oauthError{"invalid_scope", "scope must have openid"}
	case !storable(q.Get("nonce"), maxNonce):
		return &oauthError{"invalid_request", "nonce is text of at most 512 bytes, without NUL"}
	case a.application.NeedsPKCE() && !q.Has("code_challenge"):
		return &oauthError{"invalid_request", "code_challenge is missing; this application must send one"}
	case len(a.named()) > 1:
		return &oauthError{"invalid_request", "send one of connection and organization, or none"}
	}
	a.openID.scope, a.openID.nonce = provider.Granted(scopes), q.Get("nonce")
	a.openID.pick = slices.Contains(strings.Fields(q.Get("prompt")), "select_account")
	q.Del("provider") // which only the reference has
	return nil
}

// readHint reads an ID token of ours, which says who the application believes is signed in.
func (s *Server) readHint(c echo.Context, a *authorization) error {
	text := a.query.Get(hintField)
	if text == "" {
		return nil
	}
	hint, err := s.openID.ReadHint(c.Request().Context(), text)
	if model.KindOf(err) == model.Invalid {
		return &oauthError{"invalid_request", "id_token_hint is no ID token of this server"}
	}
	if err == nil {
		a.openID.user = hint.User
	}
	return err
}

// findPlace finds where the person signs in whose application does not say it: where the person is
// signed in already, else by the e-mail address that the login page asks for. asked is true if an
// answer was sent.
func (s *Server) findPlace(c echo.Context, a *authorization) (asked bool, err error) {
	in, err := s.browserSession(c)
	if err != nil && !ended(err) {
		return false, err
	}
	if in != nil && !a.openID.pick && a.isOf(in) {
		reached, err := organization.Across(s.Store).
			Reaches(c.Request().Context(), a.application.Scope(), in.Session.OrganizationID)
		if err != nil {
			return false, err
		}
		if reached {
			a.setPlace(in)
			return false, nil
		}
	}
	if a.silent {
		return false, &oauthError{"login_required", "nobody is signed in, and prompt=none forbids asking"}
	}
	return true, redirect(c, s.public("/login?"+a.waiting().Encode()))
}

// setPlace names the connection of a session, or its organization where it began with a password.
func (a *authorization) setPlace(in *signon.SignedIn) {
	if in.Session.ConnectionID != "" {
		a.query.Set("connection", model.ConnectionPrefix.ID(in.Session.ConnectionID))
		return
	}
	a.query.Set("organization", model.OrganizationPrefix.ID(string(in.Session.OrganizationID)))
}

// waiting is the query of the login page on which the request waits. The page shows a hint of the
// application as the address to begin with.
func (a *authorization) waiting() url.Values {
	request, hint := url.Values{}, a.hint
	for name, values := range a.query {
		request[name] = values
	}
	request.Del(agreedParameter)
	if domain := a.query.Get("domain_hint"); hint == "" && domain != "" {
		hint = "@" + domain
	}
	if a.openID.pick { // the page is asked once, and the identity provider after it
		request.Set("prompt", "login")
	}
	q := url.Values{requestParameter: {request.Encode()}}
	if hint != "" {
		q.Set("login_hint", hint)
	}
	return q
}

// requestParameter is the parameter of the login page with a request that waits.
const requestParameter = "request"

// maxWaiting is the longest request that the login page keeps, in bytes.
const maxWaiting = 12 << 10

// waitingRequest reads a request that waits. It is read once more when it goes on, so that anybody
// may have written it.
func waitingRequest(text string) url.Values {
	q, err := url.ParseQuery(text)
	if err != nil || len(text) > maxWaiting || !q.Has("client_id") {
		return nil
	}
	return q
}

// goOnWith sends a browser with a request that waited to where its person signs in.
func (s *Server) goOnWith(c echo.Context, request url.Values, id model.OrganizationID) error {
	request.Set("organization", model.OrganizationPrefix.ID(string(id)))
	return redirect(c, s.public(openIDPath+"?"+request.Encode()))
}
