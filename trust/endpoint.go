package trust

import (
	"strings"

	"rollcall/model"
	"rollcall/model/connection"
)

// SAMLEndpoints are the addresses of this server that a SAML identity provider is set up with
// (docs/design/signon.md, "Addresses"). The entity ID is also the address of our metadata.
type SAMLEndpoints struct{ EntityID, ACS, SLO string }

// SAMLEndpointsOf returns the endpoints of a connection at a server with the public URL.
func SAMLEndpointsOf(publicURL string, c *connection.Connection) SAMLEndpoints {
	base := endpoint(publicURL, "/sso/saml/", c)
	return SAMLEndpoints{EntityID: base + "/metadata", ACS: base + "/acs", SLO: base + "/slo"}
}

// OpenIDEndpoints are the addresses of this server that an OpenID provider is set up with.
type OpenIDEndpoints struct{ Redirect, PostLogout, InitiateLogin string }

// OpenIDEndpointsOf returns the endpoints of a connection at a server with the public URL.
func OpenIDEndpointsOf(publicURL string, c *connection.Connection) OpenIDEndpoints {
	base := endpoint(publicURL, "/sso/oidc/", c)
	return OpenIDEndpoints{Redirect: base + "/callback", PostLogout: base + "/logout", InitiateLogin: base + "/login"}
}

func endpoint(publicURL, path string, c *connection.Connection) string {
	return strings.TrimSuffix(publicURL, "/") + path + model.ConnectionPrefix.ID(c.ID)
}
