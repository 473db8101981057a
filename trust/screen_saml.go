package trust

import "rollcall/sso/saml"

// samlSettings are the settings that a refused SAML response is most often about.
var samlSettings = map[saml.Reason]setting{
	saml.NoResponse: settingACS, saml.Compressed: settingACS, saml.WrongDestination: settingACS,
	saml.WrongRecipient: settingACS, saml.NotAResponse: settingACS, saml.WrongVersion: settingACS,
	saml.MissingConfirmation: settingACS, saml.WrongConfirmation: settingACS,
	saml.WrongAudience: settingAudience, saml.MissingAudience: settingAudience,
	saml.MissingConditions: settingAudience,
	saml.Unsigned:          settingSigning, saml.NoAssertion: settingSigning, saml.EmptyReference: settingSigning,
	saml.ForeignReference: settingSigning, saml.NotOneReference: settingSigning,
	saml.MissingAuthnStatement: settingACS, saml.SymmetricAlgorithm: settingAlgorithm,
	saml.WeakEncryption: settingEncryption, saml.AttributeLeftOut: settingAttributes,
	saml.EncryptedAttribute: settingAttributes, saml.TooDeep: settingAttributes,
	saml.WeakAlgorithm: settingAlgorithm, saml.UnknownAlgorithm: settingAlgorithm,
	saml.WrongTransform: settingAlgorithm, saml.WrongCanonicalizer: settingAlgorithm,
	saml.WrongKey: settingKey, saml.WeakKey: settingKey, saml.CertificateExpired: settingKey,
	saml.CertificateNotYet: settingKey, saml.NoCertificate: settingKey, saml.UnsupportedKey: settingKey,
	saml.BadCertificate: settingKey,
	saml.WrongIssuer:    settingIssuer,
	saml.MissingSubject: settingNameID, saml.EmptyNameID: settingNameID, saml.NameIDSpace: settingNameID,
	saml.SeveralNameIDs: settingNameID,
	saml.MarkupInValue:  settingAttributes,
	saml.TooLarge:       settingGroups, saml.TooManyElements: settingGroups,
	saml.EncryptedAssertion: settingEncryption, saml.EncryptedNameID: settingEncryption,
	saml.Undecryptable: settingEncryption,
	saml.BadStatus:     settingLog,
	saml.Unsolicited:   settingStart, saml.MissingInResponseTo: settingStart,
	saml.UnexpectedRequest: settingStart,
	saml.ValidTooLong:      settingLifetime, saml.Expired: settingLifetime, saml.NotYetValid: settingLifetime,
	saml.IssuedInFuture: settingLifetime, saml.IssuedLongAgo: settingLifetime,
}

// samlElsewhere is for the SAML identity providers whose screens are not known here.
var samlElsewhere = place{"At the identity provider, in the settings of this application: ", map[setting]string{
	settingACS:       "the ACS address (reply URL, consumer URL, recipient, destination), with the binding HTTP-POST.",
	settingAudience:  "the SP entity ID (audience, identifier).",
	settingSigning:   "sign the assertion, or the response and the assertion.",
	settingAlgorithm: "the signature algorithm RSA-SHA256, the digest SHA-256, exclusive canonicalization.",
	settingKey:       "the signing certificate that is in use. Give the connection the metadata with it.",
	settingIssuer: "the identity provider's entity ID (issuer). Give the connection the metadata of this " +
		"application.",
	settingNameID: "the NameID: format persistent or emailAddress, and an attribute that everybody has and that " +
		"stays.",
	settingAttributes: "the attributes (claims) that are sent, the e-mail address first.",
	settingGroups:     "the groups attribute: only groups that are assigned to this application.",
	settingEncryption: "the encryption of assertions: off.",
	settingAssignment: "who is assigned to the application.",
	settingStart:      "the sign-on URL, so that a click on its tile begins at the application.",
	settingRequests: "the certificate by which our requests are verified: the one of the connection's metadata " +
		"(sp_metadata_url); or that check: off.",
	settingLifetime: "the lifetime of assertions, and the clock of the identity provider's server.",
	settingLog:      "its own log of sign-ins, at the time of this attempt.",
}}

// samlPlaces are the administration consoles of known identity providers, by connection type.
var samlPlaces = map[string]place{
	"OktaSAML": {"In the Okta Admin Console, Applications > Applications > this application: ", map[setting]string{
		settingACS: "General > SAML Settings > Edit > Configure SAML > Single sign-on URL, with \"Use this " +
			"for Recipient URL and Destination URL\" ticked.",
		settingAudience: "General > SAML Settings > Edit > Configure SAML > Audience URI (SP Entity ID).",
		settingSigning: "General > SAML Settings > Edit > Configure SAML > Show Advanced Settings > Response and " +
			"Assertion Signature: Signed.",
		settingAlgorithm: "General > SAML Settings > Edit > Configure SAML > Show Advanced Settings > Signature " +
			"Algorithm: RSA-SHA256, Digest Algorithm: SHA256.",
		settingKey: "Sign On > SAML Signing Certificates: the one that is Active; Actions > View IdP " +
			"metadata is what the connection needs.",
		settingIssuer:     "Sign On > SAML Signing Certificates > Actions > View IdP metadata: its entityID.",
		settingNameID:     "General > SAML Settings > Edit > Configure SAML > Name ID format and Application username.",
		settingAttributes: "General > SAML Settings > Edit > Configure SAML > Attribute Statements.",
		settingGroups: "General > SAML Settings > Edit > Configure SAML > Group Attribute Statements: a " +
			"narrower filter.",
		settingEncryption: "General > SAML Settings > Edit > Configure SAML > Show Advanced Settings > Assertion " +
			"Encryption: Unencrypted.",
		settingAssignment: "Assignments.",
		settingRequests: "General > SAML Settings > Edit > Configure SAML > Show Advanced Settings > Signature " +
			"Certificate, and Signed Requests.",
		settingStart: "hide its icon (General > App Settings > App visibility), and add a Bookmark App with " +
			"the connection's login address.",
		settingLog: "Reports > System Log, at the time of this attempt.",
	}},
	"AzureSAML": {"In the Microsoft Entra admin center, Enterprise apps > this application: ", map[setting]string{
		settingACS:      "Single sign-on > Basic SAML Configuration > Reply URL (Assertion Consumer Service URL).",
		settingAudience: "Single sign-on > Basic SAML Configuration > Identifier (Entity ID).",
		settingSigning: "Single sign-on > SAML Certificates > Edit > Signing Option: Sign SAML response and " +
			"assertion.",
		settingAlgorithm: "Single sign-on > SAML Certificates > Edit > Signing Algorithm: SHA-256.",
		settingKey: "Single sign-on > SAML Certificates: the one that is Active; App Federation Metadata Url " +
			"is what the connection needs.",
		settingIssuer:     "Single sign-on > Set up > Microsoft Entra Identifier.",
		settingNameID:     "Single sign-on > Attributes & Claims > Unique User Identifier (Name ID).",
		settingAttributes: "Single sign-on > Attributes & Claims.",
		settingGroups:     "Single sign-on > Attributes & Claims > Groups: Groups assigned to the application.",
		settingEncryption: "Token encryption: deactivate the certificate.",
		settingAssignment: "Users and groups.",
		settingRequests:   "Single sign-on > SAML Certificates > Verification certificates > Edit.",
		settingStart:      "Single sign-on > Basic SAML Configuration > Sign on URL: the connection's login address.",
		settingLog:        "Sign-in logs, at the time of this attempt.",
	}},
	"GoogleSAML": {"In the Google Admin console, Apps > Web and mobile apps > this application: ", map[setting]string{
		settingACS:      "Service provider details > ACS URL.",
		settingAudience: "Service provider details > Entity ID.",
		settingSigning: "Service provider details > Signed response: leave it off or on; the assertion is always " +
			"signed.",
		settingKey:        "Service provider details > Certificate; Download metadata is what the connection needs.",
		settingIssuer:     "Download metadata: its entityID.",
		settingNameID:     "Service provider details > Name ID format and Name ID: Basic Information > Primary email.",
		settingAttributes: "SAML attribute mapping.",
		settingGroups:     "SAML attribute mapping > Group membership: fewer groups.",
		settingAssignment: "User access: ON for the organizational unit or group.",
		settingStart:      "Service provider details > Start URL: the connection's login address.",
		settingLog:        "Reporting > Audit and investigation > SAML log events, at the time of this attempt.",
	}},
	"ADFSSAML": {"In AD FS Management, Relying Party Trusts > this trust: ", map[setting]string{
		settingACS:       "Properties > Endpoints > SAML Assertion Consumer Endpoints, binding POST.",
		settingAudience:  "Properties > Identifiers > Relying party identifiers.",
		settingSigning:   "by PowerShell: Set-AdfsRelyingPartyTrust -SamlResponseSignature MessageAndAssertion.",
		settingAlgorithm: "Properties > Advanced > Secure hash algorithm: SHA-256.",
		settingKey: "(beside it) Service > Certificates > Token-signing: the primary one; " +
			"/FederationMetadata/2007-06/FederationMetadata.xml is what the connection needs.",
		settingIssuer: "(beside it) Service > Edit Federation Service Properties > Federation Service identifier.",
		settingNameID: "Edit Claim Issuance Policy: a rule that makes the outgoing claim Name ID of one that " +
			"everybody has.",
		settingAttributes: "Edit Claim Issuance Policy: a rule Send LDAP Attributes as Claims.",
		settingGroups:     "Edit Claim Issuance Policy: send only the groups that the application needs.",
		settingEncryption: "Properties > Encryption > Remove.",
		settingAssignment: "Edit Access Control Policy.",
		settingRequests:   "Properties > Signature: the certificate of the connection's metadata.",
		settingLifetime: "by PowerShell: Set-AdfsRelyingPartyTrust -TokenLifetime and -NotBeforeSkew; and the " +
			"clock of the server.",
		settingLog: "(beside it) the Event Viewer, Applications and Services Logs > AD FS > Admin, at the " +
			"time of this attempt.",
	}},
	"OneLoginSAML": {"In the OneLogin administration, Applications > this application: ", map[setting]string{
		settingACS:        "Configuration > ACS (Consumer) URL, its validator, and Recipient.",
		settingAudience:   "Configuration > Audience (EntityID).",
		settingSigning:    "Configuration > SAML signature element: Both.",
		settingAlgorithm:  "SSO > SAML Signature Algorithm: SHA-256.",
		settingKey:        "SSO > X.509 Certificate; More Actions > SAML Metadata is what the connection needs.",
		settingIssuer:     "SSO > Issuer URL.",
		settingNameID:     "Configuration > SAML nameID format, and Parameters > NameID value.",
		settingAttributes: "Parameters, each with Include in SAML assertion.",
		settingGroups:     "Parameters: fewer roles or groups.",
		settingEncryption: "Configuration > Encrypt assertion: off.",
		settingAssignment: "Users, and Access > Roles.",
		settingStart: "Configuration > SAML initiator: Service Provider, and Login URL: the connection's login " +
			"address.",
		settingLifetime: "Configuration > SAML notOnOrAfter and SAML notBefore.",
		settingLog:      "Activity > Events, at the time of this attempt.",
	}},
	"KeycloakSAML": {"In the Keycloak admin console, Clients > this client: ", map[setting]string{
		settingACS: "Advanced > Fine grain SAML endpoint configuration > Assertion Consumer Service POST " +
			"Binding URL, and Settings > Force POST binding.",
		settingAudience: "Settings > Client ID: the connection's SP entity ID.",
		settingSigning:  "Settings > Signature and Encryption > Sign assertions.",
		settingAlgorithm: "Settings > Signature and Encryption > Signature algorithm: RSA_SHA256, Canonicalization " +
			"method: EXCLUSIVE.",
		settingKey: "(beside it) Realm settings > Keys; Realm settings > General > SAML 2.0 Identity " +
			"Provider Metadata is what the connection needs.",
		settingIssuer: "(beside it) Realm settings > General > SAML 2.0 Identity Provider Metadata: its entityID.",
		settingNameID: "Settings > SAML capabilities > Name ID format: persistent, username or email, with " +
			"Force name ID format.",
		settingAttributes: "Client scopes > the dedicated scope > Mappers.",
		settingGroups:     "Client scopes > the dedicated scope > Mappers > Group list: fewer groups.",
		settingEncryption: "Keys > Encrypt assertions: off.",
		settingRequests:   "Keys > Signing keys config > Client signature required, and its certificate.",
		settingAssignment: "(beside it) Users > this user: Enabled, and the roles that its authentication flow asks " +
			"for.",
		settingStart:    "Settings > Home URL: the connection's login address, without IDP-Initiated SSO URL name.",
		settingLifetime: "Advanced > Advanced settings > Assertion Lifespan.",
		settingLog:      "(beside it) Events > User events, at the time of this attempt.",
	}},
}
