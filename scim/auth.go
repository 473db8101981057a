package scim

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/web"
)

// invalidToken is the challenge to a token that opens nothing (RFC 6750 §3.1).
const invalidToken = `Bearer realm="SCIM", error="invalid_token"`

// authenticate returns what the request's bearer token gives access to, which must be the directory
// that the path names. The path of another directory answers as one that does not exist, so that no
// client learns which directories do.
func (s *service) authenticate(ctx context.Context, c echo.Context) (*directory.Access, error) {
	var token string
	if header := c.Request().Header; len(header.Values(echo.HeaderAuthorization)) == 1 {
		token = web.Bearer(header) // of two headers, neither counts
	}
	if token == "" {
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, `Bearer realm="SCIM"`)
		return nil, refuse(http.StatusUnauthorized,
			"there is no bearer token; send the directory's token as Authorization: Bearer")
	}
	access, err := directory.Across(s.store).Authenticate(ctx, token)
	if model.KindOf(err) == model.Denied {
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, invalidToken)
	}
	if err != nil {
		return nil, err
	}
	if named, _ := directoryPath(c.Request()); !names(named, &access.Directory) {
		return nil, refuse(http.StatusNotFound,
			"the bearer token opens no directory with this id; compare the base URL with the directory's own")
	}
	return access, nil
}
