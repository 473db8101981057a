package sso

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"rollcall/model"
)

// ownForm refuses a form that another site has the browser send: by its cookies it could act for
// the person, and without any sign them in as somebody else (docs/design/signon.md,
// "One login, one browser"). Browsers say where a request comes from in Sec-Fetch-Site, and older
// ones in Origin.
func ownForm(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := http.NewCrossOriginProtection().Check(c.Request()); err != nil {
			return &model.Error{Kind: model.Denied, Message: "Another site sent this form. Open the page yourself and try again.", Err: err}
		}
		return next(c)
	}
}
