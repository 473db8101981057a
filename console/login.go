package console

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/operator"
	"rollcall/web"
)

// loginPage is the view of console_login.html. Email is the address that was entered.
type loginPage struct {
	page
	Email   string
	Problem string // why the sign-in was refused; often empty
}

func (s *Server) loginPage(c echo.Context) error {
	_, err := operator.Across(s.Store).OperatorByToken(c.Request().Context(), s.readSession(c))
	if err == nil {
		return c.Redirect(http.StatusSeeOther, "/console")
	}
	if model.KindOf(err) != model.Denied {
		return err
	}
	return s.Pages.Render(c, http.StatusOK, "console_login", loginPage{})
}

func form(c echo.Context) (url.Values, error) {
	return web.Form(c, "Open the page again", model.TooLarge)
}

// knownCookie begins the name of the cookie by which a browser is known to an operator's account.
const knownCookie = sessionCookie + "-known-"

// browser is who sends a password, by which the store counts wrong ones.
func (s *Server) browser(c echo.Context) operator.Browser {
	return operator.Browser{Address: web.ClientAddress(c.Request().Context()).String(),
		Known: func(name string) string { return s.cookies().Read(c, knownCookie+name) }}
}

// remember has the browser keep that the operator signed in in it.
func (s *Server) remember(c echo.Context, op *operator.Operator) {
	name, known := operator.Across(s.Store).KnownOperator(op)
	s.cookies().Remember(c, knownCookie+name, known)
}

func (s *Server) login(c echo.Context) error {
	ctx := c.Request().Context()
	sent, err := form(c)
	if err != nil {
		return err
	}
	email := model.Trimmed(sent.Get("email"))
	op, token, err := operator.Across(s.Store).SignInOperator(ctx, email, sent.Get("password"), s.browser(c))
	refused, ok := errors.AsType[*model.Error](err)
	if ok && (refused.Kind == model.Denied || refused.Kind == model.Busy) {
		return s.Pages.Render(c, statusOf(refused), "console_login", loginPage{Email: email, Problem: refused.Message})
	}
	if err != nil {
		return err
	}
	// The new session replaces the one that this browser had before.
	if err := operator.Across(s.Store).EndOperatorSession(ctx, s.readSession(c)); err != nil {
		return err
	}
	s.setSession(c, token)
	s.remember(c, op)
	if op.OneTime {
		return c.Redirect(http.StatusSeeOther, "/console/password")
	}
	return c.Redirect(http.StatusSeeOther, "/console")
}

func (s *Server) logout(c echo.Context) error {
	if err := operator.Across(s.Store).EndOperatorSession(c.Request().Context(), s.readSession(c)); err != nil {
		return err
	}
	s.setSession(c, "")
	return c.Redirect(http.StatusSeeOther, "/console/login")
}

// passwordPage is the view of console_password.html. Old and New are what was entered and is not
// what the problem is about, so that nobody types a one-time password twice. No cache keeps a page.
type passwordPage struct {
	page
	Old, New string
	Problem  string // why the password was refused, when that is about none of the fields
	Problems web.Problems
}

func (s *Server) passwordPage(c echo.Context, op *operator.Operator) error {
	return s.Pages.Render(c, http.StatusOK, "console_password", passwordPage{page: pageOf(op, "/console/password")})
}

func (s *Server) setPassword(c echo.Context, op *operator.Operator) error {
	sent, err := form(c)
	if err != nil {
		return err
	}
	refuse := func(status int, field, problem string) error {
		view := passwordPage{page: pageOf(op, "/console/password"), Problems: web.Problems{}}
		if field == "" {
			view.Problem = problem
		} else {
			view.Problems[field] = problem
		}
		if field != "old" {
			view.Old = sent.Get("old")
		}
		if field != "password" && field != "again" {
			view.New = sent.Get("password")
		}
		return s.Pages.Render(c, status, "console_password", view)
	}
	password := sent.Get("password")
	if password != sent.Get("again") {
		return refuse(http.StatusBadRequest, "again", "the two new passwords differ")
	}
	token, err := operator.Across(s.Store).SetOperatorPassword(c.Request().Context(), op,
		sent.Get("old"), password, s.browser(c))
	refused, ok := errors.AsType[*model.Error](err)
	if ok && refused.Kind != model.Internal && refused.Kind != model.Unavailable {
		return refuse(statusOf(refused), refused.Field, refused.Message)
	}
	if err != nil {
		return err
	}
	s.setSession(c, token)
	return c.Redirect(http.StatusSeeOther, "/console")
}

// statusOf is the status of a page that shows a refused form again.
func statusOf(refused *model.Error) int {
	if refused.Kind == model.Busy {
		return http.StatusTooManyRequests
	}
	return web.Status(refused.Kind)
}
