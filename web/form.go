package web

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"rollcall/model"
)

// maxForm is the longest body of a form, in bytes.
const maxForm = 16 << 10

// Form reads the body of a form. It ignores the query of the address, because browsers keep
// addresses in their history and servers in their logs.
//
// The kind of the error is tooLong for a form that is too long, and model.Invalid for any other
// form that cannot be read. again tells the user how to start over, such as "Open the page again".
func Form(c echo.Context, again string, tooLong model.Kind) (url.Values, error) {
	return LongForm(c, again, tooLong, maxForm)
}

// LongForm is Form with a limit of its own, in bytes.
func LongForm(c echo.Context, again string, tooLong model.Kind, limit int64) (url.Values, error) {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, limit)
	err := r.ParseForm()
	if err == nil {
		return r.PostForm, nil
	}
	if IsCrowded(err) {
		return nil, err
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok && tooLong == model.TooLarge {
		return nil, &model.Error{Kind: model.TooLarge, Message: "The form is too long. Shorten what you entered.",
			Err: err}
	}
	return nil, &model.Error{Kind: model.Invalid,
		Message: "The form cannot be read. " + again + " and try once more.", Err: err}
}

// OwnForms is middleware that refuses a form which another site makes the browser send. With the
// browser's cookies such a form could act for its user. A login form could sign the user in as
// somebody else (docs/design/signon.md, "One login, one browser"). Browsers name the site in the
// header Sec-Fetch-Site, older ones in Origin.
func OwnForms(next echo.HandlerFunc) echo.HandlerFunc {
	protection := http.NewCrossOriginProtection()
	return func(c echo.Context) error {
		if err := protection.Check(c.Request()); err != nil {
			return &model.Error{Kind: model.Denied, Err: err,
				Message: "Another site sent this form. Open the page yourself and try again."}
		}
		return next(c)
	}
}
