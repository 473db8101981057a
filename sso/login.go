package sso

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/web"
)

// The login page: an e-mail address first, whose verified domain names the organization and leads to
// its identity provider; a password for those who have one (docs/design/identity.md, "Login page").
// What is shown and what is done never depends on whether somebody has the address.

// maxLoginForm bounds the forms of the login page, in bytes.
const maxLoginForm = 16 << 10

// maxEmail is RFC 5321's longest address, section 4.5.3.1.3.
const maxEmail = 254

// loginForm is what the login page sends and is shown with.
type loginForm struct {
	Email        string
	Organization string // slug, as the page's address named it
	Pending      string // id of what an application asked for

	pending *model.PendingAuthorization
	meant   *model.Organization // by Organization, by pending, or because the browser remembers it
}

// loginView is the view of sso_login.html and sso_password.html.
type loginView struct {
	loginForm
	Name        string // of the organization that the page's address named
	Application string // that waits
	Problem     string
}

// readLogin reads what a request of the login page says, by a reader of its values.
func (s *Server) readLogin(c echo.Context, value func(string) string) (*loginForm, error) {
	ctx := c.Request().Context()
	f := &loginForm{Email: strings.TrimSpace(value("email")), Organization: value("organization")}
	if len(f.Email) > maxEmail {
		f.Email = ""
	}
	if id := value("pending"); id != "" {
		pending, err := s.Store.PendingAuthorization(ctx, id, browserHash(s.readCookie(c, loginCookie)))
		if err == nil {
			f.Pending, f.pending = id, pending
			f.meant, err = s.Store.Org(pending.OrganizationID, model.System).Organization(ctx)
			return f, err
		}
		if model.KindOf(err) != model.NotFound {
			return nil, err
		}
	}
	slug := f.Organization
	if slug == "" {
		slug = s.readCookie(c, organizationCookie)
	}
	if slug == "" {
		return f, nil
	}
	g, err := s.Store.OrganizationBySlug(ctx, slug)
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
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxLoginForm)
	if err := r.ParseForm(); err != nil {
		return nil, &model.Error{Kind: model.Invalid, Message: "The form cannot be read. Open the page again and try once more.", Err: err}
	}
	return s.readLogin(c, r.PostForm.Get)
}

// renderLogin shows one of the two steps of the login page.
func (s *Server) renderLogin(c echo.Context, status int, page string, f *loginForm, problem string) error {
	v := loginView{loginForm: *f, Problem: problem}
	if f.pending != nil {
		a, err := s.Store.Application(c.Request().Context(), f.pending.ApplicationID)
		if err != nil {
			return err
		}
		v.Application = a.Name
	}
	if f.meant != nil && (f.Organization != "" || f.pending != nil) {
		v.Organization, v.Name = f.meant.Slug, f.meant.Name
	}
	c.Response().Header().Set(echo.HeaderContentSecurityPolicy, postedOn) // to an identity provider, or an application
	return s.Pages.Render(c, status, page, v)
}

// login is the login page.
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
		// An application waits: nobody else is to be found by the address first.
		return s.renderLogin(c, http.StatusOK, "sso_password", f, "")
	}
	return s.renderLogin(c, http.StatusOK, "sso_login", f, "")
}

// enterEmail leads to the identity provider of the address's domain, and to a password where the
// domain is nobody's, nobody has connected its organization, or one is asked for.
func (s *Server) enterEmail(c echo.Context) error {
	f, err := s.readLoginForm(c)
	if err != nil {
		return err
	}
	at := strings.LastIndexByte(f.Email, '@')
	if at < 1 || at == len(f.Email)-1 {
		return s.renderLogin(c, http.StatusBadRequest, "sso_login", f, "Enter your whole e-mail address, such as ada@example.com.")
	}
	g, err := s.Store.OrganizationByDomain(c.Request().Context(), f.Email[at+1:])
	if model.KindOf(err) == model.NotFound {
		return s.renderLogin(c, http.StatusOK, "sso_password", f, "")
	}
	if err != nil {
		return err
	}
	if c.Request().PostForm.Get("with") == "password" && g.Settings.AllowAdminPasswords {
		return s.renderLogin(c, http.StatusOK, "sso_password", f, "")
	}
	connection, _, err := s.choose(c, s.Store.Org(g.ID, model.System), g)
	switch {
	case errors.Is(err, errNoConnection):
		return s.renderLogin(c, http.StatusOK, "sso_password", f, "")
	case err != nil:
		return err
	case connection == nil:
		return redirect(c, s.public("/login/"+g.Slug)) // where one is chosen
	}
	return s.startFor(c, connection, f.Email)
}

// passwordPage is the login page for an organization that has no connection.
func (s *Server) passwordPage(c echo.Context, g *model.Organization) error {
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
	ask := model.PasswordSignIn{Email: f.Email, Password: c.Request().PostForm.Get("password"), Organization: f.meant,
		Pending: f.pending, UserAgent: c.Request().UserAgent()}
	if in != nil {
		ask.ReplacesSessionID = &in.Session.ID
	}
	if address := web.ClientAddress(ctx); address.IsValid() {
		ask.IPAddress = address.String()
	}
	out, err := s.Store.SignInByPassword(ctx, ask)
	if refused, ok := errors.AsType[*model.SignInRefused](err); ok {
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
	s.setSession(c, out.SessionToken)
	if out.Code != "" {
		return sendBack(c, f.pending.RedirectURI, f.pending.State, url.Values{"code": {out.Code}})
	}
	return s.arrive(c, out.Session.OrganizationID)
}

// sentence is a message of the store as a page shows it.
func sentence(message string) string {
	return strings.ToUpper(message[:1]) + message[1:] + "."
}

// refusePassword tells the application that waits why it gets no code.
func (s *Server) refusePassword(c echo.Context, p *model.PendingAuthorization, refused *model.SignInRefused) error {
	ctx := c.Request().Context()
	s.Log.InfoContext(ctx, "login refused", "request", web.RequestID(ctx), "reason", refused.Reason)
	if told := outward(refused.Reason); told != nil {
		return (&authorization{redirectURI: p.RedirectURI, state: p.State}).refuse(c, told)
	}
	return s.Pages.Render(c, http.StatusForbidden, "sso_refused", refusedPage{Reference: web.RequestID(ctx)})
}

// arrive sends a browser on that signed in by a password and that no application sent: to the
// organization's only application, which then asks for it, else to a page of ours.
func (s *Server) arrive(c echo.Context, id model.OrganizationID) error {
	all, err := s.Store.ApplicationsServing(c.Request().Context(), id, 2)
	if err != nil {
		return err
	}
	if len(all) != 1 || all[0].InitiateLoginURI == "" {
		return redirect(c, s.public("/sso/signed-in"))
	}
	location, err := withQuery(all[0].InitiateLoginURI, url.Values{"iss": {s.PublicURL}, "organization": {model.OrganizationPrefix.ID(string(id))}})
	if err != nil {
		return err
	}
	return redirect(c, location)
}
