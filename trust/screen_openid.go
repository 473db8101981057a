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
