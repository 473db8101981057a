package provider

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// configuration is what this provider tells of itself (OpenID Connect Discovery, section 3, and RFC
// 8414, section 2).
type configuration struct {
	Issuer                string   `json:"issuer"`
	AuthorizationEndpoint string   `json:"authorization_endpoint"`
	TokenEndpoint         string   `json:"token_endpoint"`
	UserinfoEndpoint      string   `json:"userinfo_endpoint"`
	IntrospectionEndpoint string   `json:"introspection_endpoint"`
	RevocationEndpoint    string   `json:"revocation_endpoint"`
	EndSessionEndpoint    string   `json:"end_session_endpoint"`
	JWKSURI               string   `json:"jwks_uri"`
	Scopes                []string `json:"scopes_supported"`
	ResponseTypes         []string `json:"response_types_supported"`
	ResponseModes         []string `json:"response_modes_supported"`
	GrantTypes            []string `json:"grant_types_supported"`
	SubjectTypes          []string `json:"subject_types_supported"`
	IDTokenAlgorithms     []string `json:"id_token_signing_alg_values_supported"`
	AuthMethods           []string `json:"token_endpoint_auth_methods_supported"`
	IntrospectionMethods  []string `json:"introspection_endpoint_auth_methods_supported"`
	RevocationMethods     []string `json:"revocation_endpoint_auth_methods_supported"`
	ChallengeMethods      []string `json:"code_challenge_methods_supported"`
	Prompts               []string `json:"prompt_values_supported"`
	Claims                []string `json:"claims_supported"`
	ClaimTypes            []string `json:"claim_types_supported"`

	BackchannelLogout  bool `json:"backchannel_logout_supported"`
	BackchannelSession bool `json:"backchannel_logout_session_supported"`

	NamesIssuer     bool `json:"authorization_response_iss_parameter_supported"` // RFC 9207
	ClaimsParameter bool `json:"claims_parameter_supported"`
	RequestObjects  bool `json:"request_parameter_supported"`
	RequestURIs     bool `json:"request_uri_parameter_supported"` // true where it is left out
}

// publicMaxAge lets caches keep what is the same for everybody for five minutes.
const publicMaxAge = "public, max-age=300"

// discovery answers with the configuration.
func (s *Server) discovery(c echo.Context) error {
	c.Response().Header().Set(echo.HeaderAccessControlAllowOrigin, "*")
	c.Response().Header().Set(echo.HeaderCacheControl, publicMaxAge)
	issuer := s.Issuer()
	return c.JSON(http.StatusOK, configuration{
		Issuer: issuer, AuthorizationEndpoint: issuer + "/oauth2/authorize", TokenEndpoint: issuer + "/oauth2/token",
		UserinfoEndpoint: issuer + "/oauth2/userinfo", IntrospectionEndpoint: issuer + "/oauth2/introspect",
		RevocationEndpoint: issuer + "/oauth2/revoke", EndSessionEndpoint: issuer + "/oauth2/logout",
		JWKSURI:           issuer + "/oauth2/jwks",
		Scopes:            scopesSupported(),
		ResponseTypes:     []string{"code"},
		ResponseModes:     []string{"query", "form_post"},
		GrantTypes:        []string{grantCode, grantRefresh},
		SubjectTypes:      []string{"public"},
		IDTokenAlgorithms: []string{"RS256", "ES256"},
		AuthMethods:       append(secretMethods(), "none"),
		RevocationMethods: append(secretMethods(), "none"), IntrospectionMethods: secretMethods(),
		ChallengeMethods:  []string{"S256"},
		Prompts:           []string{"none", "login", "consent", "select_account"},
		Claims:            claimNames(),
		ClaimTypes:        []string{"normal"},
		BackchannelLogout: true, BackchannelSession: true,
		NamesIssuer: true,
	})
}

// secretMethods are the ways in which a client sends its secret.
func secretMethods() []string { return []string{"client_secret_basic", "client_secret_post"} }
