package oidc

// setting is something that is set for a client at an OpenID provider.
type setting string

const (
	settingIssuer     setting = "issuer"
	settingRedirect   setting = "redirect"
	settingSecret     setting = "secret"
	settingFlow       setting = "flow"
	settingAlgorithm  setting = "algorithm"
	settingAudience   setting = "audience"
	settingClaims     setting = "claims"
	settingGroups     setting = "groups"
	settingTenant     setting = "tenant"
	settingAssignment setting = "assignment"
	settingLog        setting = "log"
)

// settings are what a refused login is most often about. Those reasons that are not of this package
// are of model: who the person is.
var settings = map[string]setting{
	string(IssuerMultiTenant): settingIssuer, string(IssuerVersion1): settingIssuer, string(DiscoveryIssuer): settingIssuer,
	string(DiscoveryStatus): settingIssuer, string(NotDiscovery): settingIssuer, string(TokenWrongIssuer): settingIssuer,
	string(NoCode): settingFlow, string(DiscoveryNoCode): settingFlow, string(NoIDToken): settingFlow,
	string(CodeRefused): settingRedirect, string(ClientRefused): settingSecret,
	string(TokenEncrypted): settingAlgorithm, string(TokenUnsigned): settingAlgorithm, string(TokenSymmetric): settingAlgorithm,
	string(TokenAlgorithm): settingAlgorithm, string(DiscoveryNoAlgorithm): settingAlgorithm,
	string(TokenAudience): settingAudience, string(TokenMissingAZP): settingAudience, string(TokenWrongAZP): settingAudience,
	string(TokenMissingObject): settingClaims, string(TokenTooLarge): settingGroups, string(TokenWrongTenant): settingTenant,
	string(ProviderError): settingLog, string(TokenError): settingLog,

	"not_provisioned": settingAssignment, "deprovisioned": settingAssignment, "deactivated": settingAssignment,
	"profile_outside_organization": settingClaims, "admin_link_required": settingClaims, "ambiguous": settingClaims,
}

// place is where a provider's administrators find the settings of a client.
type place struct {
	base    string
	screens map[setting]string
}

// Screen names the screen at the OpenID provider, and the field in it, that the reason of a refused
// login is most often about. It is empty where nothing there helps. connectionType is the connection's,
// such as OktaOIDC.
func Screen(reason, connectionType string) string {
	what, ok := settings[reason]
	if !ok {
		return ""
	}
	if p := places[connectionType]; p.screens[what] != "" {
		return p.base + p.screens[what]
	}
	return elsewhere.base + elsewhere.screens[what]
}

// elsewhere is for the providers whose screens are not known here.
var elsewhere = place{"At the OpenID provider, in the settings of this client: ", map[setting]string{
	settingIssuer:     "the issuer, as its discovery document names it.",
	settingRedirect:   "the redirect URI: the connection's, letter by letter.",
	settingSecret:     "the client id, the client secret, and client authentication by secret (basic or post).",
	settingFlow:       "the authorization code flow (standard flow), and the scope openid.",
	settingAlgorithm:  "the signature algorithm of ID tokens: RS256; their encryption: off.",
	settingAudience:   "the client id, and no additional audiences.",
	settingClaims:     "the claims of the ID token and of userinfo, the e-mail address with email_verified first.",
	settingGroups:     "the groups claim: only groups that are assigned to this client.",
	settingTenant:     "who may sign in: people of this organization only.",
	settingAssignment: "who is assigned to the client.",
	settingLog:        "its own log of sign-ins, at the time of this attempt.",
}}

var places = map[string]place{
	"OktaOIDC": {"In the Okta Admin Console, Applications > Applications > this application: ", map[setting]string{
		settingIssuer:     "Sign On > OpenID Connect ID Token > Issuer.",
		settingRedirect:   "General > Login > Sign-in redirect URIs.",
		settingSecret:     "General > Client Credentials: Client ID, Client authentication: Client secret, and CLIENT SECRETS.",
		settingFlow:       "General > General Settings > Grant type: Authorization Code.",
		settingAlgorithm:  "General > Client Credentials > Signature Algorithm of the ID token: RS256.",
		settingAudience:   "General > Client Credentials > Client ID, and Sign On > OpenID Connect ID Token > Audience.",
		settingClaims:     "Sign On > OpenID Connect ID Token; the e-mail address is the user's Primary email, verified by the user.",
		settingGroups:     "Sign On > OpenID Connect ID Token > Group claims: a narrower filter.",
		settingAssignment: "Assignments.",
		settingLog:        "Reports > System Log, at the time of this attempt.",
	}},
	"EntraIdOIDC": {"In the Microsoft Entra admin center, App registrations > this application: ", map[setting]string{
		settingIssuer:     "Overview > Directory (tenant) ID, which belongs into the issuer.",
		settingRedirect:   "Authentication > Web > Redirect URIs.",
		settingSecret:     "Overview > Application (client) ID, and Certificates & secrets > Client secrets: the Value of one that has not expired.",
		settingFlow:       "Authentication > Platform configurations: Web; and API permissions > Microsoft Graph > openid.",
		settingAlgorithm:  "Token encryption: none.",
		settingAudience:   "Overview > Application (client) ID.",
		settingClaims:     "Token configuration > Optional claims > ID: email and xms_edov; and API permissions > Microsoft Graph > profile.",
		settingGroups:     "Token configuration > groups claim: Groups assigned to the application.",
		settingTenant:     "Authentication > Supported account types: Accounts in this organizational directory only.",
		settingAssignment: "(beside it) Enterprise apps > this application > Users and groups.",
		settingLog:        "(beside it) Enterprise apps > this application > Sign-in logs, at the time of this attempt.",
	}},
	"GoogleOIDC": {"In the Google Cloud console, APIs & Services: ", map[setting]string{
		settingIssuer:     "nothing to set: the issuer is https://accounts.google.com.",
		settingRedirect:   "Credentials > this client > Authorized redirect URIs.",
		settingSecret:     "Credentials > this client > Client ID and Client secrets.",
		settingAudience:   "Credentials > this client > Client ID.",
		settingClaims:     "OAuth consent screen > Scopes: email and profile; and sign in by the account of the company.",
		settingTenant:     "OAuth consent screen > User type: Internal.",
		settingAssignment: "OAuth consent screen > User type: Internal; and in the Google Admin console, that the account is active.",
		settingLog:        "(in the Google Admin console) Reporting > Audit and investigation > OAuth log events, at the time of this attempt.",
	}},
}
