package scim

import (
	"context"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"rollcall/model"
)

// authenticate returns what the request's bearer token gives access to, which must be the directory
// that the path names. The path of another directory answers as one that does not exist, so that no
// client learns which directories do.
func (s *service) authenticate(ctx context.Context, c echo.Context) (*model.Access, error) {
	token := bearer(c.Request().Header)
	if token == "" {
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, `Bearer realm="SCIM"`)
		return nil, refuse(http.StatusUnauthorized,
			"there is no bearer token; send the directory's token as Authorization: Bearer")
	}
	access, err := s.store.Authenticate(ctx, token)
	if model.KindOf(err) == model.Denied {
		// RFC 6750 §3.1.
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, `Bearer realm="SCIM", error="invalid_token"`)
		return nil, refuse(http.StatusUnauthorized,
			"the bearer token is unknown, revoked or expired; create another one for the directory")
	}
	if err != nil {
		return nil, err
	}
	if id, ok := model.DirectoryPrefix.Parse(c.Param("directory")); !ok || id != access.Directory.ID {
		return nil, refuse(http.StatusNotFound,
			"the bearer token opens no directory with this id; compare the base URL with the directory's own")
	}
	return access, nil
}

// bearer returns the token of the Authorization header, or nothing. RFC 9110 §11.1: the name of the
// scheme is in any case. Two such headers count as none.
func bearer(h http.Header) string {
	values := h.Values(echo.HeaderAuthorization)
	if len(values) != 1 {
		return ""
	}
	scheme, token, _ := strings.Cut(strings.TrimSpace(values[0]), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
