package sso

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"rollcall/model/signon"
)

// oauthError is an error that the browser takes to the application (RFC 6749, section 4.1.2.1).
type oauthError struct{ code, description string }

func (e *oauthError) Error() string { return e.code + ": " + e.description }

// reply is where and how an application reads an answer.
type reply struct {
	uri, state string
	mode       string // response_mode
	openID     bool
}

// formPost is the response_mode whose answer is a form (OAuth 2.0 Form Post Response Mode). Any
// other is the query of the address.
const formPost = "form_post"

// replyOf is how the application of a login reads the answer.
func replyOf(l *signon.Login) reply {
	return reply{uri: l.RedirectURI, state: l.State, mode: l.ResponseMode, openID: l.Scope != ""}
}

// reply is how the application reads the answer to its request.
func (a *authorization) reply() reply {
	return reply{uri: a.redirectURI, state: a.state, mode: a.responseMode(), openID: a.openID != nil}
}

// standard has the error codes of the reference in the words of the standard.
var standard = map[string]string{
	"connection_invalid":                       "invalid_request",
	"organization_invalid":                     "invalid_request",
	"connection_unlinked":                      "access_denied",
	"profile_not_allowed_outside_organization": "access_denied",
}

// answerWith sends the browser to the application with an error.
func (s *Server) answerWith(c echo.Context, to reply, e *oauthError) error {
	code := e.code
	if known := standard[code]; to.openID && known != "" {
		code = known
	}
	return s.sendBack(c, to, url.Values{"error": {code}, "error_description": {e.description}})
}

// takesForm tells whether the answer can be a form: a page posts to web addresses only, and another
// program reads the address by which it is started.
func (r reply) takesForm() bool {
	u, err := url.Parse(r.uri)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http")
}

// sendBack sends the browser to the application with an answer.
func (s *Server) sendBack(c echo.Context, to reply, answer url.Values) error {
	if to.mode == formPost && to.takesForm() {
		return s.postBack(c, to, answer)
	}
	location, err := s.answerURL(to, answer)
	if err != nil {
		return err
	}
	return redirect(c, location)
}

// postBack sends the browser to the application with an answer in a form.
func (s *Server) postBack(c echo.Context, to reply, answer url.Values) error {
	fields := map[string]string{}
	for name, values := range s.complete(to, answer) {
		fields[name] = values[0]
	}
	c.Response().Header().Set(echo.HeaderContentSecurityPolicy, postedOn)
	return s.Pages.Render(c, http.StatusOK, "sso_answer", postPage{URL: to.uri, Fields: fields})
}

// complete adds the state that the application sent, and says whose answer it is (RFC 9207): an
// application that knows several servers would otherwise send a code to the wrong one.
func (s *Server) complete(to reply, answer url.Values) url.Values {
	answer.Set("iss", s.PublicURL)
	if to.state != "" {
		answer.Set("state", to.state)
	}
	return answer
}

// answerURL is the address at which the application reads an answer.
func (s *Server) answerURL(to reply, answer url.Values) (string, error) {
	return withQuery(to.uri, s.complete(to, answer))
}
