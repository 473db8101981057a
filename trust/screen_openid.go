package trust

import "rollcall/sso/oidc"

// openIDSettings are the settings that a refused answer of an OpenID provider is most often about.
var openIDSettings = map[oidc.Reason]setting{
	oidc.IssuerNotURL: settingIssuer, oidc.IssuerMultiTenant: settingIssuer, oidc.IssuerVersion1: settingIssuer,
	oidc.DiscoveryIssuer: settingIssuer, oidc.DiscoveryStatus: settingIssuer, oidc.DiscoveryRedirects: settingIssuer,
	oidc.NotDiscovery: settingIssuer, oidc.DiscoveryTooLarge: settingIssuer, oidc.DiscoveryUnreachable: settingIssuer,
	oidc.TokenWrongIssuer: settingIssuer, oidc.WrongResponseIss: settingIssuer,
	oidc.NoCode: settingFlow, oidc.DiscoveryNoCode: settingFlow,
	oidc.NoIDToken: settingScopes, oidc.TokenAnswer: settingScopes,
	oidc.CodeRefused: settingRedirect, oidc.Repeated: settingRedirect,
	oidc.ClientRefused:  settingSecret,
	oidc.TokenEncrypted: settingAlgorithm, oidc.TokenUnsigned: settingAlgorithm,
	oidc.TokenSymmetric: settingAlgorithm, oidc.TokenAlgorithm: settingAlgorithm,
	oidc.TokenWeakKey: settingAlgorithm, oidc.TokenCritical: settingAlgorithm, oidc.TokenUnusable: settingAlgorithm,
	oidc.DiscoveryNoAlgorithm: settingAlgorithm,
	oidc.TokenAudience:        settingAudience, oidc.TokenMissingAZP: settingAudience,
	oidc.TokenWrongAZP:      settingAudience,
	oidc.TokenMissingObject: settingAttributes, oidc.TokenClaimType: settingAttributes,
	oidc.TokenBadSubject: settingAttributes, oidc.TokenMissingClaim: settingAttributes,
	oidc.TokenMalformed: settingAttributes, oidc.UserInfoSubject: settingAttributes,
	oidc.UserInfoBadSubject: settingAttributes, oidc.UserInfoUnreachable: settingAttributes,
	oidc.ClaimMissing: settingAttributes, oidc.EmailNotVouched: settingAttributes,
	oidc.TokenTooLarge: settingGroups, oidc.GroupsOverage: settingGroups,
	oidc.TokenWrongTenant: settingTenant,
	oidc.ProviderError:    settingLog, oidc.TokenError: settingLog, oidc.TokenWrongNonce: settingLog,
}

// openIDElsewhere is for the OpenID providers whose screens are not known here.
var openIDElsewhere = place{"At the OpenID provider, in the settings of this client: ", map[setting]string{
	settingIssuer:     "the issuer, as its discovery document names it.",
	settingRedirect:   "the redirect URI: the connection's, letter by letter.",
	settingSecret:     "the client id, the client secret, and client authentication by secret (basic or post).",
	settingFlow:       "the authorization code flow (standard flow), and the scope openid.",
	settingAlgorithm:  "the signature algorithm of ID tokens: RS256; their encryption: off.",
	settingAudience:   "the client id, and no additional audiences.",
	settingAttributes: "the claims of the ID token and of userinfo, the e-mail address with email_verified first.",
	settingGroups:     "the groups claim: only groups that are assigned to this client.",
	settingTenant:     "who may sign in: people of this organization only.",
	settingAssignment: "who is assigned to the client.",
	settingScopes:     "the scopes (permissions) of the client: openid, profile, email; and the consent to them.",
	settingStart:      "the initiate login URI (initiate_login_uri): the connection's login address.",
	settingLog:        "its own log of sign-ins, at the time of this attempt.",
}}

// openIDPlaces are the administration consoles of known OpenID providers, by connection type.
var openIDPlaces = map[string]place{
	"OktaOIDC": {"In the Okta Admin Console, Applications > Applications > this application: ", map[setting]string{
		settingIssuer:   "Sign On > OpenID Connect ID Token > Issuer.",
		settingRedirect: "General > Login > Sign-in redirect URIs.",
		settingSecret: "General > Client Credentials: Client ID, Client authentication: Client secret, and " +
			"CLIENT SECRETS.",
		settingFlow:      "General > General Settings > Grant type: Authorization Code.",
		settingAlgorithm: "General > Client Credentials > Signature Algorithm of the ID token: RS256.",
		settingAudience: "General > Client Credentials > Client ID, and Sign On > OpenID Connect ID Token > " +
			"Audience.",
		settingAttributes: "Sign On > OpenID Connect ID Token; the e-mail address is the user's Primary email, " +
			"verified by the user.",
		settingGroups:     "Sign On > OpenID Connect ID Token > Group claims: a narrower filter.",
		settingAssignment: "Assignments.",
		settingScopes:     "General > General Settings > User consent; at an own authorization server, its Scopes.",
		settingStart:      "General > Login > Initiate login URI: the connection's login address.",
		settingLog:        "Reports > System Log, at the time of this attempt.",
	}},
	"EntraIdOIDC": {"In the Microsoft Entra admin center, App registrations > this application: ", map[setting]string{
		settingIssuer:   "Overview > Directory (tenant) ID, which belongs into the issuer.",
		settingRedirect: "Authentication > Web > Redirect URIs.",
		settingSecret: "Overview > Application (client) ID, and Certificates & secrets > Client secrets: the " +
			"Value of one that has not expired.",
		settingFlow: "Authentication > Platform configurations: Web; and API permissions > Microsoft Graph > " +
			"openid.",
		settingAlgorithm: "Token encryption: none.",
		settingAudience:  "Overview > Application (client) ID.",
		settingAttributes: "Token configuration > Optional claims > ID: email and xms_edov; and API permissions " +
			"> Microsoft Graph > profile.",
		settingGroups:     "Token configuration > groups claim: Groups assigned to the application.",
		settingTenant:     "Authentication > Supported account types: Accounts in this organizational directory only.",
		settingScopes:     "API permissions > Microsoft Graph: openid, profile and email; and Grant admin consent.",
		settingStart:      "Branding & properties > Home page URL: the connection's login address.",
		settingAssignment: "(beside it) Enterprise apps > this application > Users and groups.",
		settingLog: "(beside it) Enterprise apps > this application > Sign-in logs, at the time of this " +
			"attempt.",
	}},
	"GoogleOIDC": {"In the Google Cloud console, APIs & Services: ", map[setting]string{
		settingIssuer:   "nothing to set: the issuer is https://accounts.google.com.",
		settingRedirect: "Credentials > this client > Authorized redirect URIs.",
		settingSecret:   "Credentials > this client > Client ID and Client secrets.",
		settingAudience: "Credentials > this client > Client ID.",
		settingAttributes: "OAuth consent screen > Scopes: email and profile; and sign in by the account of the " +
			"company.",
		settingTenant: "OAuth consent screen > User type: Internal.",
		settingScopes: "OAuth consent screen > Scopes: openid, email and profile.",
		settingAssignment: "OAuth consent screen > User type: Internal; and in the Google Admin console, that the " +
			"account is active.",
		settingLog: "(in the Google Admin console) Reporting > Audit and investigation > OAuth log events, " +
			"at the time of this attempt.",
	}},
}
