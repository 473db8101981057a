package trust

import "rollcall/sso/oidc"

// forgedOpenID ends the advice for reasons that occur only where somebody forges messages, or where
// a provider is broken.
const forgedOpenID = " No OpenID provider is known to send that. If yours does, report it to its vendor; otherwise " +
	"somebody is trying to forge a sign-in."

// openIDAdvice has a text for each reason of package oidc.
var openIDAdvice = map[oidc.Reason]string{
	oidc.IssuerNotURL: "The issuer is not an https URL without query and fragment. Copy it from the " +
		"provider's discovery document, letter by letter: the field issuer.",
	oidc.IssuerMultiTenant: "The issuer stands for every tenant of Microsoft Entra ID. Take the one of your own " +
		"tenant: https://login.microsoftonline.com/{tenant id}/v2.0, with the Directory (tenant) ID of the app " +
		"registration's overview.",
	oidc.IssuerVersion1: "The issuer is not of version 2.0 of Microsoft Entra ID. Take " +
		"https://login.microsoftonline.com/{tenant id}/v2.0, with the Directory (tenant) ID of the app " +
		"registration's overview.",
	oidc.DiscoveryUnreachable: "The provider's discovery document cannot be fetched. Check the issuer; an internal " +
		"provider must be allowed by the operator of this server.",
	oidc.DiscoveryRedirects: "The provider redirects where its discovery document should be. Enter the issuer to " +
		"which it redirects, as the document there names it.",
	oidc.DiscoveryStatus: "There is no discovery document below the issuer. Open the issuer with " +
		"/.well-known/openid-configuration in a browser; its field issuer is what to enter.",
	oidc.DiscoveryTooLarge: "What stands where the discovery document should be is larger than 256 KiB. Check " +
		"the issuer.",
	oidc.NotDiscovery: "What stands where the discovery document should be is none. Check the issuer: with " +
		"/.well-known/openid-configuration it leads to a JSON document.",
	oidc.DiscoveryIssuer: "The discovery document is of another issuer. Enter the issuer exactly as the " +
		"document names it, with or without a slash at its end.",
	oidc.DiscoveryIncomplete: "The discovery document lacks an address that is needed. Use a provider that offers " +
		"authorization, token and key set endpoints.",
	oidc.DiscoveryBadAddress: "An address in the discovery document is no https URL. Correct the provider's public " +
		"address; behind a proxy, tell it that it is reached over https.",
	oidc.DiscoveryNoCode: "The provider does not offer the authorization code flow. Switch it on, or use " +
		"another authorization server of the provider.",
	oidc.DiscoveryNoAlgorithm: "The provider signs ID tokens with none of RS256, RS384, RS512, ES256, ES384, ES512, " +
		"PS256, PS384, PS512. Set RS256 at the provider.",

	oidc.Repeated: "A parameter of the answer is there twice." + forgedOpenID,
	oidc.NoCode: "The answer has neither a code nor an error. Begin again at the application; at the " +
		"provider, the client must use the authorization code flow with the response mode query.",
	oidc.ProviderError: "The provider reports that the sign-in failed. Look into its own log; often the person " +
		"is not assigned to the client, or the redirect URI is not registered for it.",
	oidc.WrongResponseIss: "The answer names another provider than the one that was asked. Begin again at the " +
		"application; if it happens again, somebody mixes up providers on purpose.",
	oidc.MissingResponseIss: "The answer does not name its provider, though the provider announces that it does. " +
		"Begin again at the application; if it happens to everybody, look for a proxy that cuts parameters.",

	oidc.TokenUnreachable: "The provider's token endpoint cannot be reached, or breaks off. Check that it answers, " +
		"and that a firewall lets this server through.",
	oidc.ClientRefused: "The provider does not accept the client. Copy client_id and client_secret again (Entra: " +
		"the secret's value and not its id; secrets there expire), and set the client's authentication to client " +
		"secret by basic or post.",
	oidc.CodeRefused: "The provider does not accept the code: it was used already, ran out of time, or belongs " +
		"to another login. Begin again at the application; if it happens to everybody, compare the redirect URI " +
		"letter by letter.",
	oidc.TokenError: "The provider's token endpoint answers with an error. Look into its own log.",
	oidc.NoIDToken:  "The provider sent no ID token. Allow the scope openid for the client.",

	oidc.TokenTooLarge: "The ID token is larger than 64 KiB. Send fewer claims, most often only the groups that " +
		"are assigned to this client.",
	oidc.TokenMalformed: "The ID token is no JSON Web Token." + forgedOpenID,
	oidc.TokenEncrypted: "The ID token is encrypted. Switch that off for this client at the provider: it comes " +
		"over TLS from the provider itself.",
	oidc.TokenUnsigned: "The ID token is not signed. Set the client's ID token signature algorithm at the " +
		"provider to RS256.",
	oidc.TokenSymmetric: "The ID token is signed with a shared secret. Set the client's ID token signature " +
		"algorithm at the provider to RS256.",
	oidc.TokenAlgorithm: "The ID token is signed by an algorithm that is not accepted. Set the client's ID token " +
		"signature algorithm at the provider to RS256.",
	oidc.TokenCritical: "The ID token has a header that must be understood and is not known here. Switch that " +
		"extension off at the provider.",
	oidc.KeysUnreachable: "The provider's key set cannot be fetched. Check that its jwks_uri answers, and that a " +
		"firewall lets this server through.",
	oidc.KeysTooLarge: "The provider's key set is larger than 256 KiB or has more than 100 keys. Remove old keys " +
		"at the provider.",
	oidc.KeysMalformed: "What stands at the provider's jwks_uri is no key set. Check the provider's discovery " +
		"document.",
	oidc.TokenUnknownKey: "The ID token is signed with a key that the provider does not publish. Wait a minute and " +
		"begin again if the provider has just changed its keys; else check its jwks_uri.",
	oidc.TokenWeakKey: "The ID token is signed with an RSA key of less than 2048 bits, or far too many. Make one " +
		"of 2048 to 8192 bits at the provider.",
	oidc.TokenWrongKey: "No key of the provider made the ID token's signature." + forgedOpenID,

	oidc.TokenWrongIssuer: "The ID token is of another issuer. Set the connection's issuer to that of the " +
		"authorization server which issues the client's tokens.",
	oidc.TokenAudience: "The ID token is meant for another client. Set the connection's client_id to the " +
		"client at the provider.",
	oidc.TokenMissingAZP: "The ID token is meant for several clients and does not say for which it was issued " +
		"(azp). Remove the additional audiences of the client at the provider.",
	oidc.TokenWrongAZP: "The ID token was issued to another client (azp). Set the connection's client_id to " +
		"the client at the provider.",
	oidc.TokenExpired: "The ID token has expired. Check the clocks of the provider and of this server, and " +
		"how long the client's ID tokens are valid.",
	oidc.TokenNotYet: "The ID token is not valid yet. Check the clocks of the provider and of this server.",
	oidc.TokenFuture: "The ID token was issued in the future. Check the clocks of the provider and of this " +
		"server.",
	oidc.TokenOld: "The ID token was issued before this login began. Begin again at the application; if " +
		"it happens to everybody, check the clocks of the provider and of this server.",
	oidc.TokenMissingClaim: "The ID token lacks a claim that every ID token has." + forgedOpenID,
	oidc.TokenBadSubject: "The ID token's sub is longer than 255 characters, or begins or ends with white space. " +
		"Choose another attribute as subject at the provider.",
	oidc.TokenMissingNonce: "The ID token lacks the nonce of this login. Use a provider that returns it, as OpenID " +
		"Connect demands.",
	oidc.TokenWrongNonce: "The ID token has the nonce of another login." + forgedOpenID,
	oidc.TokenWrongHash:  "The access token is not the one that belongs to the ID token (at_hash)." + forgedOpenID,
	oidc.TokenWrongTenant: "The ID token is of another tenant of Microsoft Entra ID. Set the connection's issuer " +
		"to your own tenant, and the app registration's supported account types to this organizational directory " +
		"only.",
	oidc.TokenMissingObject: "The ID token does not have the object id (oid) of the person. Allow the scope profile " +
		"for the app registration: API permissions, Microsoft Graph, profile.",
	oidc.UserInfoSubject: "The provider's userinfo is about somebody else than the ID token." + forgedOpenID,

	oidc.GroupsOverage: "The person has more groups than fit into the ID token, so it names none and those of " +
		"before were kept. In the app registration, Token configuration, groups claim: choose groups assigned to " +
		"the application.",
	oidc.UserInfoUnreachable: "The provider's userinfo could not be read, so only the ID token counted.",
	oidc.EmailNotVouched: "The e-mail address counts for nothing, since the provider does not say that it is " +
		"verified. Have it send email_verified (Entra: the optional claim xms_edov), or set the connection's " +
		"trust_email.",
}
