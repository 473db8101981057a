package trust

import (
	"strings"

	"rollcall/sso/oidc"
)

// explanation is what to change, and the setting at the identity provider that it is about. The
// setting may be empty.
type explanation struct {
	advice string
	about  setting
}

// reportedReasons are the reasons whose received text begins with an error code of OAuth 2.0.
var reportedReasons = map[oidc.Reason]bool{
	oidc.ProviderError: true, oidc.ClientRefused: true, oidc.CodeRefused: true, oidc.TokenError: true,
}

// errorCode returns the code of a received error: "code" or "code: description".
func errorCode(received string) string {
	code, _, _ := strings.Cut(received, ":")
	return code
}

// Ends of the advice about a code.
const (
	beginAgain  = " Begin again at the application."
	noSuchParts = " This server sends none. Switch the demand off for this client at the provider."
)

// openIDCodes explains each error code of OAuth 2.0 and OpenID Connect (oidc.Codes).
var openIDCodes = map[string]explanation{
	"access_denied": {"The provider let nobody in (access_denied): the person cancelled there, is not assigned to " +
		"the client, or a sign-on policy refuses them; the description says which. Assign the person to the client, " +
		"and check the policy.", settingAssignment},
	"unmet_authentication_requirements": {"The person did not authenticate at the provider in the way that is " +
		"demanded there (unmet_authentication_requirements), such as by a second factor. Have them set it up, or " +
		"change the client's sign-on policy.", settingAssignment},
	"insufficient_user_authentication": {"The provider wants a stronger or newer authentication of the person " +
		"(insufficient_user_authentication). Have them sign in there with it, or change the client's sign-on policy.",
		settingAssignment},
	"login_required": {"The person has no session at the provider, and it did not ask them to sign in " +
		"(login_required). Sign in at the provider, and begin again at the application. This server never sends " +
		"prompt=none: if it happens to everybody, look for a default prompt of the client at the provider.",
		settingLog},
	"interaction_required": {"The provider wanted to ask the person something and did not (interaction_required), " +
		"such as for a second factor or to accept terms. Sign in at the provider once, do what it asks, and begin " +
		"again at the application.", settingLog},
	"account_selection_required": {"The person has several accounts at the provider and chose none " +
		"(account_selection_required). Choose the account of this organization at the provider, or sign out of the " +
		"others there." + beginAgain, settingLog},
	"consent_required": {"Nobody has consented that the client may read the person's claims (consent_required). " +
		"Grant consent for the whole organization at the provider, to the scopes that the connection asks for " +
		"(oidc.scopes).", settingScopes},
	"invalid_scope": {"The provider does not know, or does not allow, a scope that the connection asks for " +
		"(invalid_scope). Allow the scopes for the client, or set oidc.scopes to those that it has; openid must be " +
		"among them.", settingScopes},
	"invalid_request": {"The provider calls the request invalid (invalid_request); the description says what of it. " +
		"Compare the redirect URI letter by letter, and the client_id.", settingRedirect},
	"unauthorized_client": {"The client may not do this at the provider (unauthorized_client). Allow it the " +
		"authorization code flow (grant type authorization code) with a client secret, and check that client_id is " +
		"the client of this connection.", settingFlow},
	"unsupported_response_type": {"The provider does not offer this client the response type code " +
		"(unsupported_response_type). Allow the authorization code flow for the client.", settingFlow},
	"unsupported_grant_type": {"The token endpoint does not take codes of this client (unsupported_grant_type). " +
		"Allow the grant type authorization code for the client.", settingFlow},
	"server_error": {"The provider failed by itself (server_error). Wait some minutes and begin again at the " +
		"application; if it stays, look into the provider's own log at this time.", settingLog},
	"temporarily_unavailable": {"The provider is overloaded or under maintenance (temporarily_unavailable). Wait " +
		"some minutes and begin again at the application; if it stays, look at the provider's status page.",
		settingLog},
	"invalid_request_uri": {"The provider wants the request at an address (invalid_request_uri): request_uri, or " +
		"pushed authorization requests." + noSuchParts, settingFlow},
	"request_uri_not_supported": {"The provider says that it takes no request_uri (request_uri_not_supported)." +
		" This server sends none. Check that nothing between browser and provider rewrites the request.",
		settingFlow},
	"invalid_request_object": {"The provider wants the request as a signed object (invalid_request_object)." +
		noSuchParts, settingFlow},
	"request_not_supported": {"The provider says that it takes no signed request objects (request_not_supported)." +
		" This server sends no parameter request. Check that nothing between browser and provider adds it.",
		settingFlow},
	"registration_not_supported": {"The provider does not know the client and takes no registration in the request " +
		"(registration_not_supported). Register the client there, and copy its client_id.", settingSecret},
	"invalid_client": {"The provider does not accept the client's id or secret (invalid_client). Copy client_id and " +
		"client_secret again (Entra: the secret's value and not its id; secrets there expire), and set the client's " +
		"authentication to client secret by basic or post.", settingSecret},
	"invalid_grant": {openIDAdvice[oidc.CodeRefused], settingRedirect},
	"invalid_target": {"The provider refuses the resource for which tokens are asked (invalid_target). This server " +
		"names none; set the client's default audience or resource at the provider to one that it may use.",
		settingAudience},
	"invalid_authorization_details": {"The provider wants authorization_details in the request " +
		"(invalid_authorization_details)." + noSuchParts, settingFlow},
	"invalid_dpop_proof": {"The provider demands tokens that are bound to a key by DPoP (invalid_dpop_proof)." +
		noSuchParts, settingFlow},
	"use_dpop_nonce": {"The provider demands a nonce in a DPoP proof (use_dpop_nonce), and with it tokens that are " +
		"bound to a key." + noSuchParts, settingFlow},
}
