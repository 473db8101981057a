package scim

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/directory"
)

// tokenPath is where clients exchange their credentials for access tokens.
const tokenPath = "/scim/oauth2/token"

// maxTokenRequest is far more bytes than a form with two secrets has.
const maxTokenRequest = 64 << 10

// token answers with an access token for a directory's client credentials (RFC 6749 §4.4), by which
// Entra ID can authenticate. The credentials open all of the directory, so that a scope is ignored.
func (s *service) token(c echo.Context) error {
	r := c.Request()
	// RFC 6749 §5.1.
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	c.Response().Header().Set("Pragma", "no-cache")
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxTokenRequest)
	// Only the form of the body is read: a secret in a URL ends up in logs.
	if err := r.ParseForm(); err != nil {
		return tokenInvalid(c, "the body must be a form, application/x-www-form-urlencoded")
	}
	for name, values := range r.PostForm {
		if len(values) > 1 {
			return tokenInvalid(c, "a parameter is there more than once: "+name)
		}
	}
	switch r.PostForm.Get("grant_type") {
	case "client_credentials":
	case "":
		return tokenInvalid(c, "grant_type is missing; it is client_credentials")
	default:
		return tokenRefused(c, http.StatusBadRequest, "unsupported_grant_type", "grant_type is client_credentials")
	}
	id, secret := r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	basicID, basicSecret, basic := r.BasicAuth()
	if basic {
		if secret != "" {
			return tokenInvalid(c, "the client's secret is there twice; send it in one way")
		}
		id, secret = formDecoded(basicID), formDecoded(basicSecret)
	}
	token, lifetime, err := directory.Across(s.store).DirectoryAccessToken(r.Context(), id, secret)
	if model.KindOf(err) == model.Denied {
		if basic {
			c.Response().Header().Set(echo.HeaderWWWAuthenticate, `Basic realm="SCIM"`)
		}
		return tokenRefused(c, http.StatusUnauthorized, "invalid_client",
			"the client credentials are unknown, revoked or expired")
	}
	if err != nil {
		return fail(err)
	}
	return c.JSON(http.StatusOK, struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		ExpiresIn   int64  `json:"expires_in"`
	}{token, "Bearer", int64(lifetime.Seconds())})
}

// tokenInvalid answers a request that cannot be understood.
func tokenInvalid(c echo.Context, description string) error {
	return tokenRefused(c, http.StatusBadRequest, "invalid_request", description)
}

// tokenRefused answers an error in the form of RFC 6749 §5.2.
func tokenRefused(c echo.Context, status int, code, description string) error {
	return c.JSON(status, struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}{code, description})
}

// formDecoded undoes the encoding that RFC 6749 §2.3.1 has clients apply to both parts of Basic.
// Clients that leave it out are understood, too, since the encoding changes nothing in our secrets.
func formDecoded(s string) string {
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	return s
}
