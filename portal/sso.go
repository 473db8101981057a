package portal

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/labstack/echo/v4"

	"rollcall/guide"
	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/setup"
	"rollcall/trust"
)

func ssoState(f *facts) (state, note string) {
	c := f.connection()
	if c == nil || !c.HasProvider() {
		return stateOpen, ""
	}
	now := f.now.Time()
	for _, one := range c.Certificates(now) {
		if one.Use == connection.ResponseSigning && one.State != connection.CertificateExpired {
			return stateDone, hostOf(c.IDPEntityID)
		}
	}
	if c.OIDC() {
		return stateDone, hostOf(c.IDPEntityID)
	}
	return stateBroken, "the certificate has ended"
}

// hostOf is the host of an identity provider's name, which is mostly an address.
func hostOf(name string) string {
	if u, err := url.Parse(name); err == nil && u.Host != "" {
		return u.Host
	}
	return name
}

// ssoPage is the view of setup_sso.html.
type ssoPage struct {
	frame
	Present  []present // to choose one of, when none is
	Provider *guide.Provider
	Guide    *guide.SignOn
	Steps    []guideStep
	Checked  string
	SAML     bool
	On       bool // it signs people in now
	// Only tells that the link renews certificates and changes nothing else.
	Only bool
	// Guarded tells that certificates are added, if the metadata address serves them, and nothing
	// else is changed.
	Guarded    bool
	Connection *connection.Connection
	Signing    []connection.Certificate
	Entered    values
	Version    string
}

// guideStep is a step of a guide with the values of one connection.
type guideStep struct {
	Do    string
	Copy  []filled
	Table []guide.Row
}

// filled is a value of ours with what the identity provider's screen calls it.
type filled struct{ Label, Value string }

// valuesOf are our values that an identity provider asks for.
func (s *Server) valuesOf(c *connection.Connection) map[guide.Value]string {
	our, their := trust.SAMLEndpointsOf(s.PublicURL, c), trust.OpenIDEndpointsOf(s.PublicURL, c)
	base := strings.TrimSuffix(our.EntityID, "/metadata")
	return map[guide.Value]string{
		guide.ACSURL: our.ACS, guide.EntityID: our.EntityID, guide.MetadataURL: our.EntityID, guide.LogoutURL: our.SLO,
		guide.LoginURL: base + "/login", guide.ACSPattern: "^" + regexp.QuoteMeta(our.ACS) + "$",
		guide.RedirectURI: their.Redirect, guide.SignedOutURI: their.PostLogout,
		guide.InitiateLogin: their.InitiateLogin,
	}
}

// fill fills the values of ours into the steps of a guide.
func fill(steps []guide.Step, of map[guide.Value]string) (out []guideStep) {
	for _, step := range steps {
		filledIn := guideStep{Do: step.Do, Table: step.Table}
		for _, copied := range step.Copy {
			filledIn.Copy = append(filledIn.Copy, filled{copied.Label, of[copied.Value]})
		}
		out = append(out, filledIn)
	}
	return out
}

// version is a short text that changes with the settings of a connection, by which a form knows
// whether somebody else has changed them meanwhile.
func version(f *connection.ConnectionFields) string {
	text, _ := json.Marshal(f)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:12])
}

func (s *Server) sso(c echo.Context, v *visit) error {
	return s.showSSO(c, v, http.StatusOK, func(*ssoPage) {})
}

// showSSO renders the page of the connection after change.
func (s *Server) showSSO(c echo.Context, v *visit, status int, change func(*ssoPage)) error {
	ctx := c.Request().Context()
	fresh, err := s.gather(ctx, v.org)
	if err != nil {
		return err
	}
	v.facts = fresh
	f, err := s.frame(ctx, v, setup.StepSSO)
	if err != nil {
		return err
	}
	page := ssoPage{frame: f, Only: !v.May(setup.ScopeSSO), Connection: v.facts.connection(),
		Entered: values{url.Values{}}}
	if page.Connection == nil {
		page.Present = presentOf(v.facts)
		return s.Pages.Render(c, status, "setup_sso", &page)
	}
	one := page.Connection
	page.Provider, page.Guide = v.facts.guide(one)
	page.Steps = fill(page.Guide.Steps, s.valuesOf(one))
	page.Checked = monthOf(page.Provider.Checked)
	page.SAML, page.Version = !one.OIDC(), version(&one.ConnectionFields)
	page.Guarded = guarded(v, one)
	page.On = one.State == connection.ConnectionActive
	if one.OIDC() {
		page.Entered.Set("issuer", one.IDPEntityID)
		page.Entered.Set("client_id", one.OIDCClientID)
	} else {
		page.Entered.Set("metadata", one.IDPMetadataURL)
	}
	for _, certificate := range one.Certificates(v.facts.now.Time()) {
		if certificate.Use == connection.ResponseSigning {
			page.Signing = append(page.Signing, certificate)
		}
	}
	change(&page)
	return s.Pages.Render(c, status, "setup_sso", &page)
}

// monthOf writes a date as the month that a guide was checked in.
func monthOf(date string) string {
	at, err := parseDate(date)
	if err != nil {
		return date
	}
	return at.Format("January 2006")
}

// removeCertificate removes one of several certificates that are accepted.
func (s *Server) removeCertificate(c echo.Context, v *visit) error {
	one := v.facts.connection()
	if one == nil {
		return c.Redirect(http.StatusSeeOther, "/setup/sso")
	}
	if guarded(v, one) {
		return s.showSSO(c, v, http.StatusConflict, func(p *ssoPage) {
			p.Problem = because(v) + ". Its certificates are removed by the organization's administrator or by the " +
				"application's operator: ask them."
		})
	}
	_, err := connection.In(v.org).UpdateConnectionIn(c.Request().Context(), one.ID, one.State,
		func(f *connection.ConnectionFields) error {
			var kept []string
			for _, text := range f.IDPCertificates {
				read, err := connection.ReadCertificate(text, connection.ResponseSigning, s.Store.Now())
				if err != nil || read.Fingerprint != c.Param("fingerprint") {
					kept = append(kept, text)
				}
			}
			if len(kept) == 0 {
				return model.Invalidf("", "this is the only certificate; without one nobody can sign in")
			}
			f.IDPCertificates = kept
			return nil
		})
	if problem := refusal(err); problem != nil {
		return s.showSSO(c, v, http.StatusConflict, func(p *ssoPage) { p.refuse(problem) })
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/setup/sso")
}
