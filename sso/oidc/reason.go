package oidc

// Reason says why something was refused. Its text is stable: it stands in the login log and in the
// API, where it differs from every reason of sso/saml and of model.
type Reason string

// What can be wrong with an issuer and its discovery document.
const (
	IssuerNotURL         Reason = "issuer_not_url"         // no https URL without query and fragment
	IssuerMultiTenant    Reason = "issuer_multi_tenant"    // Entra's common, organizations or consumers
	IssuerVersion1       Reason = "issuer_version_1"       // Entra's endpoints of version 1
	DiscoveryUnreachable Reason = "discovery_unreachable"  // nobody answers there
	DiscoveryRedirects   Reason = "discovery_redirects"    // the answer is another address
	DiscoveryStatus      Reason = "discovery_status"       // the answer is an error
	DiscoveryTooLarge    Reason = "discovery_too_large"    // more bytes than are read
	NotDiscovery         Reason = "not_discovery"          // something else than a discovery document
	DiscoveryIssuer      Reason = "discovery_wrong_issuer" // a document of another issuer
	DiscoveryIncomplete  Reason = "discovery_incomplete"   // an address that is needed is missing
	DiscoveryBadAddress  Reason = "discovery_bad_address"  // an address that is no https URL
	DiscoveryNoCode      Reason = "discovery_no_code_flow" // the code flow is not offered
	DiscoveryNoAlgorithm Reason = "discovery_no_algorithm" // no signature algorithm of ours
)

// What can be wrong with what the browser brings back.
const (
	Repeated           Reason = "repeated_parameter"      // a parameter twice
	NoCode             Reason = "no_code"                 // neither code nor error
	ProviderError      Reason = "provider_error"          // the provider reports a failure
	WrongResponseIss   Reason = "response_wrong_issuer"   // the parameter iss is another provider's
	MissingResponseIss Reason = "response_without_issuer" // no parameter iss, which this provider sends
)

// What can be wrong when the code is exchanged.
const (
	TokenUnreachable Reason = "token_endpoint_unreachable" // nobody answers there
	ClientRefused    Reason = "client_refused"             // the client's id or secret is not accepted
	CodeRefused      Reason = "code_refused"               // the code is unknown, used or too old
	TokenError       Reason = "token_endpoint_error"       // any other failure there
	NoIDToken        Reason = "no_id_token"                // an answer without an ID token
)

// What can be wrong with an ID token's signature.
const (
	TokenTooLarge   Reason = "token_too_large"   // more bytes than are read
	TokenMalformed  Reason = "token_malformed"   // no JSON Web Token in compact form
	TokenEncrypted  Reason = "token_encrypted"   // a token that is encrypted
	TokenUnsigned   Reason = "token_unsigned"    // alg none
	TokenSymmetric  Reason = "token_symmetric"   // an HMAC
	TokenAlgorithm  Reason = "token_algorithm"   // none of ours
	TokenCritical   Reason = "token_critical"    // a header that must be understood, and is not
	KeysUnreachable Reason = "keys_unreachable"  // the key set cannot be fetched
	KeysTooLarge    Reason = "keys_too_large"    // more bytes or keys than are read
	KeysMalformed   Reason = "keys_malformed"    // no JSON Web Key Set
	TokenUnknownKey Reason = "token_unknown_key" // a key id that is not in the set
	TokenWeakKey    Reason = "token_weak_key"    // RSA with less than 2048 bits, or more than 8192
	TokenWrongKey   Reason = "token_wrong_key"   // no key of the set made the signature
)

// What can be wrong with what an ID token says.
const (
	TokenWrongIssuer   Reason = "token_wrong_issuer"      // another provider
	TokenAudience      Reason = "token_wrong_audience"    // meant for another client
	TokenMissingAZP    Reason = "token_missing_azp"       // several audiences, and nobody it was issued to
	TokenWrongAZP      Reason = "token_wrong_azp"         // issued to another client
	TokenExpired       Reason = "token_expired"           // exp is past
	TokenNotYet        Reason = "token_not_yet_valid"     // nbf is to come
	TokenFuture        Reason = "token_issued_in_future"  // the clocks differ
	TokenOld           Reason = "token_issued_long_ago"   // issued before it was asked for
	TokenMissingClaim  Reason = "token_missing_claim"     // without iss, sub, aud, exp or iat
	TokenBadSubject    Reason = "token_bad_subject"       // a sub that is too long or surrounded by space
	TokenMissingNonce  Reason = "token_missing_nonce"     // no nonce
	TokenWrongNonce    Reason = "token_wrong_nonce"       // another login's nonce
	TokenWrongHash     Reason = "token_wrong_at_hash"     // another access token's hash
	TokenWrongTenant   Reason = "token_wrong_tenant"      // Entra: another tenant's
	TokenMissingObject Reason = "token_missing_object_id" // Entra: no oid
	UserInfoSubject    Reason = "userinfo_wrong_subject"  // userinfo of somebody else
)

// What is put up with, and noted in the login log.
const (
	GroupsOverage       Reason = "groups_overage"       // too many groups for the token
	UserInfoUnreachable Reason = "userinfo_unreachable" // userinfo could not be read
	EmailNotVouched     Reason = "email_not_vouched"    // an e-mail address that counts for nothing
)
