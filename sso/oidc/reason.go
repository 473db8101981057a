package oidc

// Reason says why something was refused. Its text never changes: it is in the login log and in the
// API. It differs from all reasons of packages sso/saml and model.
type Reason string

// Reasons to refuse an issuer or its discovery document.
const (
	IssuerNotURL         Reason = "issuer_not_url"         // no https URL without query and fragment
	IssuerMultiTenant    Reason = "issuer_multi_tenant"    // Entra's common, organizations or consumers
	IssuerVersion1       Reason = "issuer_version_1"       // Entra's endpoints of version 1
	DiscoveryUnreachable Reason = "discovery_unreachable"  // no answer from the address
	DiscoveryRedirects   Reason = "discovery_redirects"    // the answer is a redirect
	DiscoveryStatus      Reason = "discovery_status"       // the answer is an error
	DiscoveryTooLarge    Reason = "discovery_too_large"    // more than 256 KiB
	NotDiscovery         Reason = "not_discovery"          // not a discovery document
	DiscoveryIssuer      Reason = "discovery_wrong_issuer" // a document of another issuer
	DiscoveryIncomplete  Reason = "discovery_incomplete"   // without an endpoint that is needed
	DiscoveryBadAddress  Reason = "discovery_bad_address"  // an endpoint that is no https URL
	DiscoveryNoCode      Reason = "discovery_no_code_flow" // without the code flow
	DiscoveryNoAlgorithm Reason = "discovery_no_algorithm" // without a signature algorithm that we accept
)

// Reasons to refuse the answer that the browser brings back.
const (
	Repeated           Reason = "repeated_parameter"      // a parameter twice
	NoCode             Reason = "no_code"                 // neither code nor error
	ProviderError      Reason = "provider_error"          // the provider reports a failure
	WrongResponseIss   Reason = "response_wrong_issuer"   // the parameter iss is another provider's
	MissingResponseIss Reason = "response_without_issuer" // no parameter iss, which this provider sends
)

// Failures of the exchange of the code for tokens.
const (
	TokenUnreachable Reason = "token_endpoint_unreachable" // no answer from the token endpoint
	TokenAnswer      Reason = "token_endpoint_answer"      // an answer without an error and without tokens
	ClientRefused    Reason = "client_refused"             // the provider refuses the client's id or secret
	CodeRefused      Reason = "code_refused"               // the code is unknown, used or too old
	TokenError       Reason = "token_endpoint_error"       // any other error of the token endpoint
	NoIDToken        Reason = "no_id_token"                // an answer without an ID token
)

// Reasons to refuse the form or the signature of an ID token.
const (
	TokenTooLarge   Reason = "token_too_large"    // more than 64 KiB
	TokenMalformed  Reason = "token_malformed"    // no JSON Web Token in compact form
	TokenEncrypted  Reason = "token_encrypted"    // an encrypted token
	TokenUnsigned   Reason = "token_unsigned"     // alg none
	TokenSymmetric  Reason = "token_symmetric"    // an HMAC
	TokenAlgorithm  Reason = "token_algorithm"    // an algorithm that we do not accept
	TokenCritical   Reason = "token_critical"     // a header crit, of which we know no extension
	KeysUnreachable Reason = "keys_unreachable"   // the key set cannot be fetched
	KeysTooLarge    Reason = "keys_too_large"     // more than 256 KiB or 100 keys
	KeysMalformed   Reason = "keys_malformed"     // no JSON Web Key Set
	TokenUnknownKey Reason = "token_unknown_key"  // a key id that is not in the set
	TokenUnusable   Reason = "token_unusable_key" // a key of the set that cannot be used for this token
	TokenWeakKey    Reason = "token_weak_key"     // RSA with less than 2048 bits, or more than 8192
	TokenWrongKey   Reason = "token_wrong_key"    // no key of the set made the signature
)

// Reasons to refuse the claims of an ID token.
const (
	TokenWrongIssuer   Reason = "token_wrong_issuer"      // another provider
	TokenAudience      Reason = "token_wrong_audience"    // meant for another client
	TokenMissingAZP    Reason = "token_missing_azp"       // several audiences without azp
	TokenWrongAZP      Reason = "token_wrong_azp"         // issued to another client
	TokenExpired       Reason = "token_expired"           // exp is past
	TokenNotYet        Reason = "token_not_yet_valid"     // nbf is in the future
	TokenFuture        Reason = "token_issued_in_future"  // iat is in the future: the clocks differ
	TokenOld           Reason = "token_issued_long_ago"   // issued long before the login began
	TokenMissingClaim  Reason = "token_missing_claim"     // without iss, sub, aud, exp or iat
	TokenClaimType     Reason = "token_claim_type"        // a claim of another JSON type
	TokenBadSubject    Reason = "token_bad_subject"       // a sub that is too long or surrounded by space
	TokenMissingNonce  Reason = "token_missing_nonce"     // no nonce
	TokenWrongNonce    Reason = "token_wrong_nonce"       // another login's nonce
	TokenWrongHash     Reason = "token_wrong_at_hash"     // another access token's hash
	TokenWrongTenant   Reason = "token_wrong_tenant"      // Entra: of another tenant
	TokenMissingObject Reason = "token_missing_object_id" // Entra: no oid
	UserInfoSubject    Reason = "userinfo_wrong_subject"  // userinfo of another user
	UserInfoBadSubject Reason = "userinfo_bad_subject"    // userinfo without sub, or with one that is no text
)

// Warnings: faults with which a login succeeds, and which the login log records.
const (
	GroupsOverage       Reason = "groups_overage"       // too many groups for the token
	UserInfoUnreachable Reason = "userinfo_unreachable" // userinfo could not be read
	ClaimMissing        Reason = "claim_missing"        // a claim that the connection names was not sent
	EmailNotVouched     Reason = "email_not_vouched"    // the provider does not confirm the e-mail address
)
