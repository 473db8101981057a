package sso

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/organization"
	"rollcall/model/refusal"
	"rollcall/model/signon"
	"rollcall/web"
)

// The login page asks for an e-mail address first. Its verified domain identifies the organization,
// and leads to the organization's identity provider, or to a password for those who have one
// (docs/design/identity.md, "Login page"). No page and no action depends on whether somebody has
// the address.

// knownCookie begins the name of the cookie by which a browser is known to an account with a
// password.
const knownCookie = "rollcall-known-"

// maxEmail is the length of the longest address (RFC 5321, section 4.5.3.1.3).
const maxEmail = 254

// loginForm is what the login page sends and is rendered with.
type loginForm struct {
	Email        string
	Organization string // the slug in the page's address
	Pending      string // the application's request that waits, sealed
	Request      string // a request at the OpenID provider that waits, see waitingRequest

	pending *signon.PendingAuthorization
	meant   *organization.Organization // from Organization, pending, or the browser's cookie
}

// loginView is the view of sso_login.html and sso_password.html.
type loginView struct {
	loginForm
	Name        string // of the organization in the page's address
	Application string // with the pending request
	Problem     string
}

// readLogin reads the fields of the login page through value, which returns a field by its name.
func (s *Server) readLogin(c echo.Context, value func(string) string) (*loginForm, error) {
	ctx := c.Request().Context()
	f := &loginForm{Email: model.Trimmed(value("email")), Organization: model.Trimmed(value("organization"))}
	if len(f.Email) > maxEmail {
		f.Email = ""
	}
	if text := value(requestParameter); waitingRequest(text) != nil {
		f.Request = text
	}
	if sealed := value("pending"); sealed != "" {
		pending, err := signon.Across(s.Store).PendingAuthorization(ctx, sealed,
			browserHash(s.cookies().Read(c, loginCookie)))
		if err == nil {
			f.Pending, f.pending = sealed, pending
			f.meant, err = organization.In(s.Store.Org(pending.OrganizationID, model.System)).Organization(ctx)
			return f, err
		}
		if model.KindOf(err) != model.NotFound {
			return nil, err
		}
	}
	slug := f.Organization
	if slug == "" {
		slug = s.cookies().Read(c, organizationCookie)
	}
	if slug == "" {
		return f, nil
	}
	g, err := organization.Across(s.Store).OrganizationBySlug(ctx, slug)
	switch {
	case model.KindOf(err) == model.NotFound:
		f.Organization = ""
	case err != nil:
		return nil, err
	default:
		f.meant = g
	}
	return f, nil
}

// readLoginForm reads a form of the login page.
func (s *Server) readLoginForm(c echo.Context) (*loginForm, error) {
	sent, err := web.Form(c, "Open the page again", model.Invalid)
	if err != nil {
		return nil, err
	}
	return s.readLogin(c, sent.Get)
}

// renderLogin shows one of the two steps of the login page.
func (s *Server) renderLogin(c echo.Context, status int, page string, f *loginForm, problem string) error {
	v := loginView{loginForm: *f, Problem: problem}
	if f.pending != nil {
		a, err := organization.Across(s.Store).Application(c.Request().Context(), f.pending.ApplicationID)
		if err != nil {
			return err
		}
		v.Application = a.Name
	}
	if f.meant != nil && (f.Organization != "" || f.pending != nil) {
		v.Organization, v.Name = f.meant.Slug, f.meant.Name
	}
	// The form leads to an identity provider or to an application.
	c.Response().Header().Set(echo.HeaderContentSecurityPolicy, postedOn)
	return s.Pages.Render(c, status, page, v)
}

// login shows the login page.
func (s *Server) login(c echo.Context) error {
	query := c.QueryParams()
	f, err := s.readLogin(c, func(name string) string {
		if name == "email" {
			name = "login_hint"
		}
		return query.Get(name)
	})
	if err != nil {
		return err
	}
	if f.pending != nil {
		// The pending request names the organization, so that no e-mail address is needed to find
		// it.
		return s.renderLogin(c, http.StatusOK, "sso_password", f, "")
	}
	return s.renderLogin(c, http.StatusOK, "sso_login", f, "")
}

// enterEmail leads to the identity provider of the address's domain. It leads to a password if the
// domain belongs to no organization, if the organization has no active connection, or if the form
// asks for it.
func (s *Server) enterEmail(c echo.Context) error {
	f, err := s.readLoginForm(c)
	if err != nil {
		return err
	}
	at := strings.LastIndexByte(f.Email, '@')
	if at < 1 || at == len(f.Email)-1 {
		return s.renderLogin(c, http.StatusBadRequest, "sso_login", f,
			"Enter your whole e-mail address, such as ada@example.com.")
	}
	g, err := organization.Across(s.Store).OrganizationByDomain(c.Request().Context(), f.Email[at+1:])
	if model.KindOf(err) == model.NotFound {
		return s.renderLogin(c, http.StatusOK, "sso_password", f, "")
	}
	if err != nil {
		return err
	}
	if c.Request().PostForm.Get("with") == "password" && g.Settings.AllowAdminPasswords {
		return s.renderLogin(c, http.StatusOK, "sso_password", f, "")
	}
	if request := waitingRequest(f.Request); request != nil {
		request.Set("login_hint", f.Email)
		return s.goOnWith(c, request, g.ID)
	}
	connection, _, err := s.choose(c, s.Store.Org(g.ID, model.System), g)
	switch {
	case errors.Is(err, errNoConnection):
		return s.renderLogin(c, http.StatusOK, "sso_password", f, "")
	case err != nil:
		return err
	case connection == nil:
		return redirect(c, s.public("/login/"+g.Slug)) // where the person chooses a connection
	}
	return s.startFor(c, connection, f.Email)
}

// passwordPage is the login page of an organization that has no active connection.
func (s *Server) passwordPage(c echo.Context, g *organization.Organization) error {
	f := &loginForm{Organization: g.Slug, meant: g, Email: c.QueryParam("login_hint")}
	return s.renderLogin(c, http.StatusOK, "sso_password", f, "")
}

// enterPassword signs an administrator in.
func (s *Server) enterPassword(c echo.Context) error {
	ctx := c.Request().Context()
	f, err := s.readLoginForm(c)
	if err != nil {
		return err
	}
	in, err := s.browserSession(c)
	if err != nil && !ended(err) {
		return err
	}
	ask := signon.PasswordSignIn{Email: f.Email, Password: c.Request().PostForm.Get("password"), Organization: f.meant,
		Pending: f.pending, UserAgent: c.Request().UserAgent()}
	if in != nil {
		ask.Present = in.Session.ID
	}
	ask.Known = func(name string) string { return s.cookies().Read(c, knownCookie+name) }
	if address := web.ClientAddress(ctx); address.IsValid() {
		ask.IPAddress = address.String()
	}
	out, err := signon.Across(s.Store).SignInByPassword(ctx, ask)
	if refused, ok := errors.AsType[*refusal.Error](err); ok {
		return s.refusePassword(c, f.pending, refused)
	}
	switch known, _ := errors.AsType[*model.Error](err); model.KindOf(err) {
	case model.Denied:
		return s.renderLogin(c, http.StatusForbidden, "sso_password", f, known.Message)
	case model.Busy:
		c.Response().Header().Set(echo.HeaderRetryAfter, "1")
		return s.renderLogin(c, http.StatusTooManyRequests, "sso_password", f, sentence(known.Message))
	}
	if err != nil {
		return err
	}
	s.setSession(c, out.SessionToken, out.Session.ID)
	s.cookies().Remember(c, knownCookie+out.KnownName, out.Known)
	if out.Code != "" {
		return s.sendBack(c, replyOf(loginOfPending(f.pending)), url.Values{"code": {out.Code}})
	}
	if request := waitingRequest(f.Request); request != nil {
		request.Del("prompt") // which is fulfilled
		return s.goOnWith(c, request, out.Session.OrganizationID)
	}
	return s.afterPassword(c, out.Session.OrganizationID)
}

// sentence returns a message of the store in the form that pages show.
func sentence(message string) string {
	return strings.ToUpper(message[:1]) + message[1:] + "."
}

// loginOfPending is a login that waits for the same answer.
func loginOfPending(p *signon.PendingAuthorization) *signon.Login {
	return &signon.Login{ApplicationID: &p.ApplicationID, RedirectURI: p.RedirectURI, State: p.State, Scope: p.Scope,
		ResponseMode: p.ResponseMode}
}

// refusePassword sends the reason to the application with the pending request, which gets no code.
func (s *Server) refusePassword(c echo.Context, p *signon.PendingAuthorization, refused *refusal.Error) error {
	ctx := c.Request().Context()
	s.Log.InfoContext(ctx, "login refused", "request", web.RequestID(ctx), "reason", refused.Reason)
	if shown := applicationError(refused.Reason); shown != nil {
		return s.answerWith(c, replyOf(loginOfPending(p)), shown)
	}
	page := refusedPage{Reference: web.RequestID(ctx)}
	if err := s.backTo(c, &page, loginOfPending(p)); err != nil {
		return err
	}
	return s.Pages.Render(c, http.StatusForbidden, "sso_refused", page)
}

// afterPassword sends the browser on after a sign-in by password without a pending request. It goes
// to the only application that serves the organization, which then begins a login, or else to one
// of our pages.
func (s *Server) afterPassword(c echo.Context, id model.OrganizationID) error {
	all, err := organization.Across(s.Store).ApplicationsServing(c.Request().Context(), id, 2)
	if err != nil {
		return err
	}
	if len(all) != 1 || all[0].InitiateLoginURI == "" {
		return redirect(c, s.public("/sso/signed-in"))
	}
	location, err := withQuery(all[0].InitiateLoginURI,
		url.Values{"iss": {s.PublicURL}, "organization": {model.OrganizationPrefix.ID(string(id))}})
	if err != nil {
		return err
	}
	return redirect(c, location)
}
