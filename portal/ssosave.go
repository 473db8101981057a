package portal

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/trust"
	"rollcall/web"
)

func parseDate(text string) (time.Time, error) { return time.Parse(time.DateOnly, text) }

// saveSSO stores what the visitor says about the identity provider. What was refused is shown
// beside its field, and everything that was entered stays.
func (s *Server) saveSSO(c echo.Context, v *visit) error {
	ctx := c.Request().Context()
	sent, err := form(c)
	if err != nil {
		return err
	}
	one := v.facts.connection()
	if one == nil {
		return c.Redirect(http.StatusSeeOther, "/setup/sso")
	}
	change, err := s.change(ctx, v, sent, one)
	if err == nil {
		_, err = connection.In(v.org).UpdateConnectionIn(ctx, one.ID, one.State, change)
	}
	if problem := refusal(err); problem != nil {
		return s.showSSO(c, v, web.Status(problem.Kind), func(p *ssoPage) {
			p.Entered = sent
			p.refuse(problem)
		})
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/setup/sso#known")
}

// change reads what was entered into a change of the connection that the visitor may make. It
// changes nothing that the visitor has not seen.
func (s *Server) change(
	ctx context.Context, v *visit, sent values, one *connection.Connection,
) (trust.Change, error) {
	seen := func(f *connection.ConnectionFields) error {
		if version(f) == sent.Get("version") {
			return nil
		}
		return &model.Error{Kind: model.Stale, Message: "Somebody else has changed these settings since you opened " +
			"this page. What is stored now is shown below; what you entered is still in the form. Save again to " +
			"replace it"}
	}
	change, err := s.described(ctx, sent, one)
	if err == nil && guarded(v, one) {
		if err := seen(&one.ConnectionFields); err != nil {
			return nil, err
		}
		change, err = s.addition(ctx, v, one, change)
		problem := refusal(err)
		if byHand := sent.text("metadata")+sent.text("file") == ""; problem != nil && !byHand && !one.OIDC() {
			problem.Field = "saml" // all of it was in the metadata
		}
	}
	if err != nil {
		return nil, err
	}
	return func(f *connection.ConnectionFields) error {
		if err := seen(f); err != nil {
			return err
		}
		return change(f)
	}, nil
}

// described reads what was entered into a change of the connection.
func (s *Server) described(ctx context.Context, sent values, one *connection.Connection) (trust.Change, error) {
	reader := &trust.Reader{Store: s.Store, Outbound: s.Outbound}
	if one.OIDC() {
		return s.describedOpenID(ctx, reader, sent, one)
	}
	said := trust.SAML{EntityID: sent.given("entity_id")}
	metadata, file := sent.text("metadata"), sent.text("file")
	switch {
	case file != "":
		said.MetadataXML = &file
	case strings.HasPrefix(metadata, "http://") || strings.HasPrefix(metadata, "https://"):
		said.MetadataURL = &metadata
	case metadata != "":
		said.MetadataXML = &metadata
	case sent.text("sso_url") == "" && sent.text("certificates") == "" && sent.text("entity_id") == "":
		return nil, model.Invalidf("saml", "enter the address of the metadata, or paste or upload the metadata itself")
	default:
		said.SSOURL = sent.given("sso_url")
		if certificates := sent.given("certificates"); certificates != nil {
			list := certificatesIn(*certificates)
			said.Certificates = &list
		}
	}
	return reader.SAML(ctx, said)
}

// certificatesIn splits a text with several certificates one after the other.
func certificatesIn(text string) (out []string) {
	const end = "-----END CERTIFICATE-----"
	for part := range strings.SplitAfterSeq(text, end) {
		if part = model.Trimmed(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// discoveryPath is what the address of a discovery document ends with.
const discoveryPath = "/.well-known/openid-configuration"

// describedOpenID reads what was entered about an OpenID provider. A final slash of the issuer that
// is too many or too few is mended: the discovery document demands the very text.
func (s *Server) describedOpenID(
	ctx context.Context, reader *trust.Reader, sent values, one *connection.Connection,
) (trust.Change, error) {
	said := trust.OpenID{ClientID: sent.given("client_id"), ClientSecret: sent.given("client_secret")}
	issuer := sent.text("issuer")
	switch {
	case issuer == "":
		return nil, model.Invalidf("oidc.issuer", "enter the issuer, such as https://login.example.com")
	case said.ClientID == nil:
		return nil, model.Invalidf("oidc.client_id", "enter the client ID")
	case said.ClientSecret == nil && len(one.OIDCClientSecret) == 0:
		return nil, model.Invalidf("oidc.client_secret", "enter the client secret")
	case strings.HasSuffix(issuer, discoveryPath):
		said.Discovery = &issuer
		return reader.OpenID(ctx, said, one)
	}
	said.Issuer = &issuer
	change, err := reader.OpenID(ctx, said, one)
	if model.KindOf(err) != model.Invalid {
		return change, err
	}
	other, cut := strings.CutSuffix(issuer, "/")
	if !cut {
		other = issuer + "/"
	}
	said.Issuer = &other
	if mended, problem := reader.OpenID(ctx, said, one); problem == nil {
		return mended, nil
	}
	return nil, err
}
