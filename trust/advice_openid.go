package trust

import "rollcall/sso/oidc"

// openIDAdvice has a text for each reason of package oidc. None says that somebody is forging: an
// ID token comes from the provider itself over TLS, so that a fault in it is most likely a setting.
var openIDAdvice = map[oidc.Reason]string{
	oidc.IssuerNotURL: "The issuer (oidc.issuer) is not an https URL without query and fragment. Copy it from the " +
		"provider's discovery document, letter by letter: the field issuer.",
	oidc.IssuerMultiTenant: "The issuer (oidc.issuer) stands for every tenant of Microsoft Entra ID. Take the one of " +
		"your own tenant: https://login.microsoftonline.com/{tenant id}/v2.0, with the Directory (tenant) ID of the " +
		"app registration's overview.",
	oidc.IssuerVersion1: "The issuer (oidc.issuer) is not of version 2.0 of Microsoft Entra ID. Take " +
		"https://login.microsoftonline.com/{tenant id}/v2.0, with the Directory (tenant) ID of the app " +
		"registration's overview.",
	oidc.DiscoveryUnreachable: "The provider's discovery document cannot be fetched. Check oidc.issuer and that its " +
		"host answers over https; an internal provider must be allowed by the operator of this server " +
		"(ROLLCALL_OUTBOUND_ALLOW).",
	oidc.DiscoveryRedirects: "The provider redirects where its discovery document should be. Set oidc.issuer to " +
		"the issuer to which it redirects, as the document there names it.",
	oidc.DiscoveryStatus: "There is no discovery document below the issuer. Open oidc.issuer with " +
		"/.well-known/openid-configuration in a browser; its field issuer is what to enter.",
	oidc.DiscoveryTooLarge: "What stands where the discovery document should be is larger than 256 KiB. Check " +
		"oidc.issuer: with /.well-known/openid-configuration it leads to a JSON document.",
	oidc.NotDiscovery: "What stands where the discovery document should be is not a JSON object with the field " +
		"issuer. Check oidc.issuer: with /.well-known/openid-configuration it leads to one.",
	oidc.DiscoveryIssuer: "The discovery document is of another issuer. Enter oidc.issuer exactly as the " +
		"document names it, with or without a slash at its end.",
	oidc.DiscoveryIncomplete: "The discovery document lacks an address that is needed, or has something else than a " +
		"text there. Use a provider whose document has authorization_endpoint, token_endpoint and jwks_uri.",
	oidc.DiscoveryBadAddress: "An address in the discovery document is no https URL. Correct the provider's public " +
		"address; behind a proxy, tell it that it is reached over https (X-Forwarded-Proto).",
	oidc.DiscoveryNoCode: "The provider does not offer the authorization code flow: code is not among its " +
		"response_types_supported. Switch it on, or use another authorization server of the provider.",
	oidc.DiscoveryNoAlgorithm: "The provider signs ID tokens with none of RS256, RS384, RS512, ES256, ES384, ES512, " +
		"PS256, PS384, PS512. Set RS256 at the provider.",

	oidc.Repeated: "A parameter of the answer at the redirect URI is there twice, so that it cannot be told which " +
		"one counts. Register the redirect URI without a query of its own, and check that no proxy in between adds " +
		"parameters.",
	oidc.NoCode: "The answer at the redirect URI has neither the parameter code nor error. Set the client at the " +
		"provider to the authorization code flow (response type code) with the response mode query or form_post; " +
		"whoever opened the redirect URI by hand begins at the application.",
	oidc.ProviderError: "The provider answered with an error instead of a code. Look for the error and its " +
		"description in the provider's documentation, and in its own log.",
	oidc.WrongResponseIss: "The parameter iss of the answer names another provider than the connection's issuer. " +
		"Set oidc.issuer to the authorization server that answers at this redirect URI; if it is the right one, the " +
		"answer belongs to another provider, and the person begins again at the application.",
	oidc.MissingResponseIss: "The answer lacks the parameter iss, though the discovery document announces it " +
		"(authorization_response_iss_parameter_supported). Check that no proxy in between cuts parameters off, or " +
		"have the provider stop to announce it.",

	oidc.TokenUnreachable: "The provider's token_endpoint gave no whole answer. Check that its host answers over " +
		"https, that its certificate is complete and in date, and that a firewall lets this server through.",
	oidc.TokenAnswer: "The provider's token_endpoint answered, but without an error and without an id_token in a " +
		"JSON object. Check that token_endpoint in the discovery document is the one of this authorization server, " +
		"that no login page, proxy or firewall answers in its place, and that the client has the scope openid.",
	oidc.ClientRefused: "The provider does not accept the client. Copy client_id and client_secret again (Entra: " +
		"the secret's value and not its id; secrets there expire), and set the client's authentication to client " +
		"secret by basic or post.",
	oidc.CodeRefused: "The provider does not accept the code: it was used already, ran out of time, or was issued " +
		"for another redirect URI or client. Begin again at the application; if it happens to everybody, compare " +
		"the redirect URI letter by letter.",
	oidc.TokenError: "The provider's token_endpoint answered with an error status and without an error code of " +
		"OAuth. Check that token_endpoint in the discovery document is the one of this authorization server and " +
		"that no proxy or firewall answers in its place, and look into the provider's own log.",
	oidc.NoIDToken: "The answer of the token_endpoint has an access_token and no id_token. Allow the scope openid " +
		"for the client, and have it among oidc.scopes where these are set.",

	oidc.TokenTooLarge: "The ID token is larger than 64 KiB. Have it carry fewer claims: at first only the groups " +
		"that are assigned to this client.",
	oidc.TokenMalformed: "The id_token that the token_endpoint sent is no JSON Web Token with a JSON object of " +
		"claims. Check which service answers at token_endpoint, and that a script or mapper at the provider which " +
		"makes claims writes JSON.",
	oidc.TokenEncrypted: "The ID token is encrypted. Switch that off for this client at the provider " +
		"(id_token_encrypted_response_alg): it comes over TLS from the provider itself.",
	oidc.TokenUnsigned: "The ID token is not signed. Set the client's ID token signature algorithm at the " +
		"provider to RS256.",
	oidc.TokenSymmetric: "The ID token is signed with a shared secret. Set the client's ID token signature " +
		"algorithm at the provider to RS256.",
	oidc.TokenAlgorithm: "The ID token is signed by an algorithm that is not accepted. Set the client's ID token " +
		"signature algorithm at the provider to RS256.",
	oidc.TokenCritical: "The ID token has the header crit with an extension that is not known here. Switch that " +
		"extension off at the provider.",
	oidc.KeysUnreachable: "The provider's key set cannot be fetched. Check that its jwks_uri answers with JSON, and " +
		"that a firewall lets this server through.",
	oidc.KeysTooLarge: "The provider's key set (jwks_uri) is larger than 256 KiB or has more than 100 keys. Have " +
		"the provider publish only the keys that are in use.",
	oidc.KeysMalformed: "What stands at the provider's jwks_uri is no key set. Check jwks_uri in the provider's " +
		"discovery document, and that no login page answers there.",
	oidc.TokenUnknownKey: "The key that the ID token names (kid) is not in the provider's key set. If the provider " +
		"has just changed its keys, wait a minute and begin again; else check that jwks_uri and token_endpoint are " +
		"of the same authorization server and that no cache keeps an old key set.",
	oidc.TokenUnusable: "The key that the ID token names (kid) is in the provider's key set (jwks_uri), but cannot " +
		"verify it. Set the client's ID token signature algorithm at the provider to RS256, with an RSA key for " +
		"signatures (use sig) that is published.",
	oidc.TokenWeakKey: "The ID token is signed with an RSA key of less than 2048 bits, or more than 8192. Make a " +
		"signing key of 2048 to 8192 bits at the provider.",
	oidc.TokenWrongKey: "No key of the provider's key set made the ID token's signature. Check that jwks_uri and " +
		"token_endpoint are of the same authorization server (realm, tenant), that no cache keeps an old key set, " +
		"and that nothing changes the ID token on the way.",

	oidc.TokenWrongIssuer: "The ID token is of another issuer (iss). Set the connection's oidc.issuer to that of " +
		"the authorization server which issues the client's tokens, letter by letter.",
	oidc.TokenAudience: "The ID token is meant for another client (aud). Set the connection's client_id to the " +
		"client at the provider, letter by letter and without a space at its end.",
	oidc.TokenMissingAZP: "The ID token is meant for several clients (aud) and does not say for which it was issued " +
		"(azp). Remove the additional audiences of the client at the provider.",
	oidc.TokenWrongAZP: "The ID token was issued to another client (azp). Set the connection's client_id to " +
		"the client at the provider.",
	oidc.TokenExpired: "The ID token has expired (exp). Check the clocks of the provider and of this server, and " +
		"how long the client's ID tokens are valid.",
	oidc.TokenNotYet: "The ID token is not valid yet (nbf). Check the clocks of the provider and of this server.",
	oidc.TokenFuture: "The ID token was issued in the future (iat). Check the clocks of the provider and of this " +
		"server.",
	oidc.TokenOld: "The ID token was issued (iat) before this login began. Begin again at the application; if " +
		"it happens to everybody, check the clocks of the provider and of this server, and that no cache answers in " +
		"the place of token_endpoint.",
	oidc.TokenMissingClaim: "The ID token lacks one of the claims sub, exp and iat, which OpenID Connect demands. " +
		"Remove the mapper or script at the provider that takes it away; without one, tell the provider's vendor.",
	oidc.TokenClaimType: "A claim of the ID token has another JSON type than OpenID Connect Core, section 2, " +
		"demands. Change the mapper or attribute at the provider that makes the claim: sub is a text, also where it " +
		"is a number.",
	oidc.TokenBadSubject: "The ID token's sub is longer than 255 characters, or begins or ends with white space. " +
		"Choose another attribute as subject at the provider, or correct the person's value.",
	oidc.TokenMissingNonce: "The ID token lacks the nonce of this login. Use a provider that returns it, as OpenID " +
		"Connect demands; one that speaks only OAuth 2.0 does not.",
	oidc.TokenWrongNonce: "The ID token has the nonce of another login. Begin again at the application; if it " +
		"happens to everybody, the provider returns an old nonce, which its vendor must correct. If it happens once, " +
		"the code may be one of somebody else's login: look for this attempt in the provider's log.",
	oidc.TokenWrongHash: "The access_token is not the one that belongs to the ID token (at_hash). Check that nothing " +
		"between the token_endpoint and this server exchanges the access token, and tell the provider's vendor if " +
		"nothing does.",
	oidc.TokenWrongTenant: "The ID token is of another tenant of Microsoft Entra ID (tid). Set the connection's " +
		"oidc.issuer to your own tenant, and the app registration's supported account types to this organizational " +
		"directory only.",
	oidc.TokenMissingObject: "The ID token does not have the object id (oid) of the person. Allow the scope profile " +
		"for the app registration: API permissions, Microsoft Graph, profile; and have profile among oidc.scopes.",
	oidc.UserInfoSubject: "The provider's userinfo names another sub than its ID token. Have both send the same " +
		"identifier of the person: check the subject type (pairwise or public) and the mappers for sub of the client " +
		"at the provider.",
	oidc.UserInfoBadSubject: "The provider's userinfo has no sub that is a text, so that nobody can tell whether it " +
		"is about the person of the ID token. Have userinfo send sub as a text, the same as in the ID token.",

	oidc.GroupsOverage: "The person has more groups than fit into the ID token, so it names none and those of " +
		"before were kept. In the app registration, Token configuration, groups claim: choose groups assigned to " +
		"the application.",
	oidc.UserInfoUnreachable: "The provider's userinfo_endpoint could not be read, so only the ID token counted. " +
		"Check that it answers this client's access token with plain JSON, or put the claims email, email_verified, " +
		"given_name, family_name and groups into the ID token.",
	oidc.ClaimMissing: "A claim that the connection names was not sent. Have the provider send it, or correct its " +
		"name in attribute_mapping or oidc.groups_claim.",
	oidc.EmailNotVouched: "The e-mail address counts for nothing, since the provider does not say that it is " +
		"verified. Have it send email_verified (Entra: the optional claim xms_edov), or set the connection's " +
		"trust_email.",
}
