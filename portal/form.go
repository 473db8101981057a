package portal

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/web"
)

// maxForm is the longest body of a form, in bytes: metadata is pasted or uploaded.
const maxForm = 2 << 20

// values are the fields of a form.
type values struct{ url.Values }

// text is a field without the white space around it.
func (v values) text(name string) string { return model.Trimmed(v.Get(name)) }

// given is a field, and nil where nothing was entered.
func (v values) given(name string) *string {
	text := v.text(name)
	if text == "" {
		return nil
	}
	return &text
}

// form reads a form of the portal. The content of an uploaded file is the field of its name.
func form(c echo.Context) (values, error) {
	kind, _, _ := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType))
	if kind != echo.MIMEMultipartForm {
		sent, err := web.LongForm(c, "Open the page again", model.TooLarge, maxForm)
		return values{sent}, err
	}
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxForm)
	if err := r.ParseMultipartForm(maxForm); err != nil {
		if _, long := errors.AsType[*http.MaxBytesError](err); long {
			return values{}, &model.Error{Kind: model.TooLarge, Err: err, Message: "The file is larger than 1 MB."}
		}
		return values{}, &model.Error{Kind: model.Invalid, Err: err,
			Message: "The form cannot be read. Open the page again and try once more."}
	}
	sent := url.Values(r.MultipartForm.Value)
	for name, files := range r.MultipartForm.File {
		opened, err := files[0].Open()
		if err != nil {
			return values{}, err
		}
		content, err := io.ReadAll(opened)
		if err := errors.Join(err, opened.Close()); err != nil {
			return values{}, err
		}
		sent.Set(name, string(content))
	}
	return values{sent}, nil
}

// refusal returns the error of the store or of a reader that a visitor can do something about. It
// is nil for an error that is not about what was sent.
func refusal(err error) *model.Error {
	known, ok := errors.AsType[*model.Error](err)
	if !ok {
		return nil
	}
	switch known.Kind {
	case model.Invalid, model.Conflict, model.Stale, model.Full, model.Denied, model.TooLarge:
		return known
	}
	return nil
}

// fieldsOf are the fields of the portal's forms by the names that the API has for them.
var fieldsOf = map[string]string{
	"saml": "metadata", "saml.idp_metadata_url": "metadata", "saml.idp_metadata_xml": "metadata",
	"saml.idp_entity_id": "entity_id", "saml.idp_sso_url": "sso_url", "saml.idp_slo_url": "sso_url",
	"saml.idp_certificates": "certificates",
	"oidc.issuer":           "issuer", "oidc.client_id": "client_id", "oidc.client_secret": "client_secret",
}

// wording replaces the names of the API in messages, which a visitor has never seen.
var wording = strings.NewReplacer(
	"You can send idp_metadata_xml instead.", "You can paste the metadata itself, or upload it as a file.",
	"send idp_metadata_xml", "paste the metadata itself, or upload it as a file",
	" (oidc.issuer)", "", "saml.idp_entity_id", "the entity ID", "saml.idp_sso_url", "the sign-on address",
	"saml.idp_certificates", "the certificates", "saml.idp_slo_url", "the logout address",
	"saml.idp_metadata_url", "the address", "saml.idp_metadata_xml", "the metadata", "idp_entity_id", "the entity ID",
	"oidc.issuer", "the issuer", "oidc.client_id", "the client ID", "oidc.client_secret", "the client secret",
)

// refuse puts a refusal beside its field, or above the page where it is about no field.
func (f *frame) refuse(problem *model.Error) {
	message := wording.Replace(problem.Message)
	field, ok := fieldsOf[problem.Field]
	if !ok {
		f.Problem = message
		return
	}
	f.Problems = web.Problems{field: message}
}
