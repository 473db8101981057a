package sso

import (
	"net/url"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/grant"
	"rollcall/web"
)

// The parameters that are read of requests at the OpenID provider.
var (
	authorizeFields = []string{"client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce",
		"code_challenge", "code_challenge_method", "connection", "organization", "prompt", "max_age", "login_hint",
		"domain_hint", hintField, "request", "request_uri"}
	logoutFields = []string{"client_id", "post_logout_redirect_uri", "state", hintField}
)

// hintField is the parameter with an ID token of ours.
const hintField = "id_token_hint"

// repeatAsGET sends the form of another site to the same request as an address: such a form comes
// without the session's cookie, which is Lax. Addresses are kept in logs and histories. So it sends
// what is read there only, and no ID token.
func (s *Server) repeatAsGET(read []string) echo.HandlerFunc {
	return func(c echo.Context) error {
		form, err := web.Form(c, "Go back to the application", model.Invalid)
		if err != nil {
			return err
		}
		query := url.Values{}
		for _, name := range read {
			if values, ok := form[name]; ok {
				query[name] = values
			}
		}
		for _, name := range []string{"request", "request_uri"} { // which are refused, whatever they are
			if query.Has(name) {
				query[name] = []string{""}
			}
		}
		if hints := query[hintField]; len(hints) > 1 { // which is refused, whatever they are
			query[hintField] = []string{"", ""}
		} else if len(hints) == 1 {
			hint, err := s.sealedHint(c, hints[0])
			if err != nil {
				return err
			}
			query.Set(hintField, hint)
		}
		return redirect(c, s.public(c.Request().URL.Path+"?"+query.Encode()))
	}
}

// sealedHint is an ID token as it may stand in an address. What is none stays wrong.
func (s *Server) sealedHint(c echo.Context, text string) (string, error) {
	if text == "" {
		return "", nil
	}
	hint, err := s.openID.ReadHint(c.Request().Context(), text)
	switch {
	case model.KindOf(err) == model.Invalid:
		return "damaged", nil
	case err != nil:
		return "", err
	}
	return grant.Across(s.Store).SealHint(hint), nil
}
