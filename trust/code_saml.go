package trust

import "strings"

// statusPrefix begins every status code that SAML Core, section 3.2.2.2, defines.
const statusPrefix = "urn:oasis:names:tc:SAML:2.0:status:"

// samlStatuses explains each status code of SAML Core, section 3.2.2.2.
var samlStatuses = map[string]explanation{
	"Requester": {"The identity provider refuses our request as wrong (Requester); its message, where it sent one, " +
		"says what of it. Compare SP entity ID, ACS address and name_id_format with the settings of the application " +
		"there.", settingAudience},
	"Responder": {"The identity provider failed on its own side (Responder). Look into its own log at the time of " +
		"this attempt; the request of this server is not the cause.", settingLog},
	"VersionMismatch": {"The identity provider does not take the version of the request (VersionMismatch). Set the " +
		"application there to SAML 2.0.", settingACS},
	"AuthnFailed": {"The person could not authenticate at the identity provider (AuthnFailed): a wrong password or " +
		"second factor, a locked account, or a cancelled sign-in. Have them sign in there, and look at their account.",
		settingLog},
	"InvalidAttrNameOrValue": {"The identity provider met an attribute that it does not know or whose value it does " +
		"not take (InvalidAttrNameOrValue). Check the attributes that are set for the application there.",
		settingAttributes},
	"InvalidNameIDPolicy": {"The identity provider cannot make a NameID of the requested format " +
		"(InvalidNameIDPolicy). Set the NameID format of the application there, or set the connection's " +
		"name_id_format to one that it has; null asks for none.", settingNameID},
	"NoAuthnContext": {"The identity provider cannot authenticate the person in the demanded way (NoAuthnContext). " +
		"This server demands none: check the authentication policy of the application there.", settingAssignment},
	"NoAvailableIDP": {"The identity provider passes the sign-in on to another one, and none of those answers " +
		"(NoAvailableIDP). Check the upstream identity providers (brokers, discovery) that are set there.",
		settingLog},
	"NoPassive": {"The person has no session at the identity provider, and it did not ask them to sign in " +
		"(NoPassive). Sign in there, and begin again at the application. This server never sends IsPassive: if it " +
		"happens to everybody, look for silent sign-in in the settings of the application there.", settingLog},
	"NoSupportedIDP": {"The identity provider passes the sign-in on to another one and supports none of those that " +
		"are asked for (NoSupportedIDP). Check the upstream identity providers that are set there.", settingLog},
	"PartialLogout": {"The identity provider could not end all sessions of the person (PartialLogout). The session " +
		"here has ended; sign out of the other applications one by one, or close the browser.", settingLog},
	"ProxyCountExceeded": {"The identity provider may not pass the sign-in on to another one (ProxyCountExceeded). " +
		"Connect the identity provider at which the person authenticates, or raise the limit of proxies there.",
		settingLog},
	"RequestDenied": {"The identity provider understood the request and refuses to act on it (RequestDenied). Assign " +
		"the person to the application there, and check its access policy; its log says which rule refused.",
		settingAssignment},
	"RequestUnsupported": {"The identity provider does not support this kind of request (RequestUnsupported). Switch " +
		"on sign-on that begins at the service provider for the application there; for a logout, single logout.",
		settingACS},
	"RequestVersionDeprecated": {"The identity provider does not take SAML 2.0 requests any more " +
		"(RequestVersionDeprecated). Check which versions are on for the application there.", settingACS},
	"RequestVersionTooHigh": {"The identity provider does not know SAML 2.0 (RequestVersionTooHigh). Set the " +
		"application there to SAML 2.0, or use its SAML 2.0 metadata.", settingACS},
	"RequestVersionTooLow": {"The identity provider wants a newer version than SAML 2.0 (RequestVersionTooLow). Set " +
		"the application there to SAML 2.0.", settingACS},
	"ResourceNotRecognized": {"The identity provider does not know what the request is about " +
		"(ResourceNotRecognized). Compare the SP entity ID of the application there with the connection's, letter " +
		"by letter.", settingAudience},
	"TooManyResponses": {"The identity provider has more answers than it can send (TooManyResponses). Limit the " +
		"attribute values of the application there, the groups at first.", settingGroups},
	"UnknownAttrProfile": {"The identity provider does not know the attribute profile that is asked for " +
		"(UnknownAttrProfile). This server asks for none: check the attributes of the application there.",
		settingAttributes},
	"UnknownPrincipal": {"The identity provider does not know the person (UnknownPrincipal). Check that they have an " +
		"account there and are assigned to the application, and that they signed in by the right one.",
		settingAssignment},
	"UnsupportedBinding": {"The identity provider cannot answer by the binding that is asked for " +
		"(UnsupportedBinding). Set the binding of the ACS address there to HTTP-POST.", settingACS},
}

// signatureRefused explains a status whose message is about the signature of our request.
var signatureRefused = explanation{"The identity provider did not accept the signature of our request. Give it the " +
	"connection's current metadata (sp_metadata_url), which has our signing certificate; or switch the check of " +
	"request signatures off there, and set the connection's sign_requests to what it expects.", settingRequests}

// ofStatus explains a received status: its codes from the outer to the inner, and a message. The
// innermost code that is known says the most.
func ofStatus(received string) (found explanation, ok bool) {
	rest := strings.Fields(strings.Trim(received, `"`))
	for len(rest) > 0 && strings.HasPrefix(rest[0], statusPrefix) {
		if e, known := samlStatuses[strings.Trim(strings.TrimPrefix(rest[0], statusPrefix), `",`)]; known {
			found, ok = e, true
		}
		rest = rest[1:]
	}
	message := strings.ToLower(strings.Join(rest, " "))
	about := strings.Contains(message, "signature") || strings.Contains(message, "certificate")
	if about && found.about == samlStatuses["Requester"].about {
		return signatureRefused, true
	}
	return found, ok
}
