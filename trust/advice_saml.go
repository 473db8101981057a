package trust

import "rollcall/sso/saml"

// unusualSAML ends the advice for what no identity provider is known to send. A message comes
// through the browser, so that somebody can have altered it; but a template, a plug-in or a proxy
// can have made it, too.
const unusualSAML = " No identity provider is known to send that by itself. Look at the stored response: where every " +
	"login has it, report it to the vendor of the identity provider; where it came once, the message was altered " +
	"on the way."

// webSSO ends the advice where the application at the identity provider is of another kind.
const webSSO = " Set the application at the identity provider to SAML 2.0 Web Browser SSO, with our ACS address."

// samlAdvice has a text for each reason of package saml.
var samlAdvice = map[saml.Reason]string{
	saml.NoResponse: "The form has no field SAMLResponse. Set the identity provider to answer by HTTP-POST to the " +
		"ACS address.",
	saml.NoMessage: "The address was called without a message. Set the identity provider to send it by " +
		"HTTP-Redirect or HTTP-POST.",
	saml.NotDeflated: "The message is not deflated, as HTTP-Redirect demands. Set the identity provider to the " +
		"DEFLATE encoding.",
	saml.NotBase64: "The field SAMLResponse is not base64. Send the response unchanged by HTTP-POST; if it happens " +
		"to everybody, look for a proxy in between that rewrites forms.",
	saml.TooLarge: "The message is larger than 512 KiB. Send fewer attributes, at first only the groups that are " +
		"assigned to this application.",
	saml.Compressed: "The response is deflated, as for HTTP-Redirect. Set the binding of the ACS address to " +
		"HTTP-POST.",
	saml.NotUTF8: "The message is not in UTF-8: either its XML declaration names another encoding, or its bytes are " +
		"of another one. Set the encoding of the identity provider's templates and attribute values to UTF-8.",
	saml.NotXML: "The message is not well-formed XML, or uses a namespace prefix that it does not declare. Check " +
		"templates and plug-ins of the identity provider, and that no proxy rewrites the message.",
	saml.Doctype: "The message has a document type declaration (DOCTYPE), which may not be in a SAML message. " +
		"Remove it from the templates of the identity provider.",
	saml.Entity: "The message uses an entity that XML does not predefine, such as &nbsp;. Write the character " +
		"itself in the templates and attribute values of the identity provider.",
	saml.Comment: "The message has an XML comment in it. Remove comments from the identity provider's templates.",
	saml.ProcessingInstruction: "The message has a processing instruction in it. Remove it from the identity " +
		"provider's templates.",
	saml.CDATA: "The message has a CDATA section in it. Write values as escaped text in the templates of the " +
		"identity provider.",
	saml.DuplicateAttribute: "An XML element of the message has the same XML attribute twice." + unusualSAML,
	saml.DuplicateID:        "Two elements of the message have the same ID." + unusualSAML,
	saml.SecondRoot:         "There is a second XML document behind the message." + unusualSAML,
	saml.TextOutsideRoot: "There is text before or after the XML of the message. Send the XML document alone: check " +
		"templates and plug-ins of the identity provider.",
	saml.TooDeep: "Elements of the message are nested deeper than 32 levels. Leave out attributes whose values are " +
		"structured XML.",
	saml.TooManyElements: "The message has more than 5,000 elements. Send fewer attribute values, at first only the " +
		"groups that are assigned to this application.",
	saml.TooManyAttributes: "An XML element of the message has more than 32 XML attributes, namespace declarations " +
		"among them. Remove those that are not used from the template of the identity provider.",
	saml.TooManyNamespaces: "More than 64 namespace prefixes are declared at one place of the message. Remove those " +
		"that are not used from the templates of the identity provider.",
	saml.ParserFailed: "The message could not be read, which is a fault of this server. Report it to the operator " +
		"with the reference and the stored response.",
	saml.RelativeNamespace: "A namespace name in the message is not an absolute URI, so that its signature has no " +
		"defined meaning. Correct the xmlns in the templates or attribute values of the identity provider.",

	saml.NotALogout: "The message is neither a LogoutRequest nor a LogoutResponse of SAML 2.0, or stands in the " +
		"other's parameter. Set the identity provider to send logout messages, and only those, to the single logout " +
		"address.",
	saml.Reordered: "The parameters of the address are not in the order in which they are signed. Send the address " +
		"on unchanged: look for a proxy in between that sorts parameters.",

	saml.NotAResponse: "The message is not a SAML 2.0 Response. Check that the identity provider speaks SAML 2.0 " +
		"and sends sign-on responses, and only those, to the ACS address.",
	saml.WrongVersion: "The Version of the message is not 2.0. Set the application at the identity provider to SAML " +
		"2.0.",
	saml.MissingID: "The Response, the Assertion or the logout message has no ID, without which it cannot be " +
		"signed. Correct the template of the identity provider.",
	saml.NoAssertion: "The response has no assertion, although its status is Success. Check that the application at " +
		"the identity provider sends one, directly in the response.",
	saml.SeveralAssertions: "The response has more than one assertion. Set the identity provider to send one.",
	saml.MisplacedAssertion: "An assertion stands inside another element, such as Advice, an extension or an " +
		"attribute value. Set the identity provider to send one assertion, directly in the response, and none in it.",
	saml.EncryptedAssertion: "The assertion is encrypted, and this connection does not allow that. Switch " +
		"encryption off for this application at the identity provider, or set the connection's allow_encrypted to " +
		"gcm.",
	saml.WeakEncryption: "The assertion is encrypted by AES in CBC, and this connection takes only GCM. Choose " +
		"AES-GCM at the identity provider; where it has no such choice, set the connection's allow_encrypted to cbc.",
	saml.Undecryptable: "The encrypted assertion could not be opened, or what is in it is not signed by a key that " +
		"the connection knows. Sign it before it is encrypted, give the identity provider our current metadata " +
		"(sp_metadata_url), and use AES-GCM or AES-CBC with RSA-OAEP.",
	saml.SignatureObject: "The signature has an Object in it, as XAdES signatures have, and such are not taken. Set " +
		"the identity provider to a plain enveloped XML signature.",
	saml.SeveralSignatures: "There is more than one signature on one element. Set the identity provider, or the " +
		"proxy that adds a signature, to one.",
	saml.MisplacedSignature: "A signature stands inside another element than the response or its assertion, such as " +
		"an attribute value. Set the identity provider to sign these two and to leave out signed values.",
	saml.SignatureNamespace: "An element with the name Signature is not one of XML Signature " +
		"(http://www.w3.org/2000/09/xmldsig#). Set the identity provider to sign by XML Signature, and to leave the " +
		"other element out.",
	saml.MissingStatus: "The response has no Status with a StatusCode. Correct the template of the identity " +
		"provider: a sign-in that succeeded has the StatusCode Success.",
	saml.SeveralStatuses: "The response has more than one Status or StatusCode. Correct the template of the " +
		"identity provider: a response has one.",
	saml.BadStatus: "The identity provider answered with a status that is not Success, and with no status code that " +
		"SAML defines. Look for the status in its documentation, and in its own log.",
	saml.MarkupInValue: "There are XML elements where only text may be: an identifier, or a value of an attribute " +
		"that is read here. Send a plain value there.",
	saml.AttributeLeftOut: "An attribute was left out, because it has no name or its value is more than a text. " +
		"Nothing here reads it. Send a plain value if it should be kept.",
	saml.EncryptedAttribute: "The assertion has attributes that are encrypted one by one (EncryptedAttribute). " +
		"These are not read: send the attributes unencrypted, or encrypt the whole assertion.",
	saml.BadTime: "A time of the message is missing or is not an xs:dateTime, such as 2026-03-14T09:26:53Z. Correct " +
		"the template of the identity provider that writes it.",

	saml.Unsigned: "Neither the response nor the assertion is signed, or a logout message is not. Switch signing on " +
		"for this application at the identity provider.",
	saml.IncompleteSignature: "A part of the signature is missing, empty or not base64. Send the message unchanged: " +
		"look for a proxy or a script in between, and at the signing settings of the identity provider.",
	saml.AmbiguousSignature: "A part of the signature is there twice, or there is more in it than a plain signature " +
		"has. Set the identity provider to a plain enveloped XML signature, without properties or extensions.",
	saml.NotOneReference: "The signature does not cover exactly one element. Set the identity provider to sign the " +
		"assertion, or the response and the assertion, each by a signature of its own.",
	saml.EmptyReference: "The signature does not name what it covers. Set the identity provider to sign by the ID " +
		"of the element.",
	saml.ForeignReference: "The signature covers another element than the one in which it stands. Set the identity " +
		"provider to put the assertion's signature into the assertion, and the response's into the response.",
	saml.WrongTransform: "The signature uses other transforms than enveloped-signature and exclusive " +
		"canonicalization without comments. Set the identity provider to these two.",
	saml.WrongCanonicalizer: "The signature is not in exclusive canonicalization without comments. Set the identity " +
		"provider to http://www.w3.org/2001/10/xml-exc-c14n#.",
	saml.WeakAlgorithm: "The signature uses SHA-1 or MD5. Set both the signature and the digest algorithm to " +
		"SHA-256 at the identity provider.",
	saml.SymmetricAlgorithm: "The signature is made with a shared secret (HMAC), and SAML has none. Set the " +
		"signature algorithm to RSA with SHA-256 at the identity provider.",
	saml.UnknownAlgorithm: "The signature algorithm is not supported. Set RSA with SHA-256 at the identity provider.",
	saml.WeakKey: "The key of the certificate is too weak or far too long, so that its signatures count for " +
		"nothing. Renew the signing certificate with RSA of 2048 to 8192 bits or ECDSA on P-256, P-384 or P-521.",
	saml.NoCertificate: "The connection has no signing certificate. Add the one of the identity provider.",
	saml.WrongKey: "The signature was made with a key that is not among the connection's certificates. Compare the " +
		"fingerprints below with the signing certificate that is in use at the identity provider, and give the " +
		"connection the metadata of this application with it.",
	saml.Altered: "The signature is genuine, but what it covers was changed afterwards, or the identity provider " +
		"calculated its digest of something else. Look for a proxy, a browser extension or a script in between that " +
		"rewrites the message, and compare the stored response with the identity provider's own copy.",
	saml.CertificateExpired: "The identity provider's signing certificate has expired. Renew it there and update " +
		"the metadata of the connection.",
	saml.CertificateNotYet: "The identity provider's signing certificate is not valid yet. Check the clocks of both " +
		"servers, or wait with the change of certificates.",
	saml.BadCertificate: "That is not an X.509 certificate that can be read. Paste the whole signing certificate as " +
		"PEM or base64, with or without the lines BEGIN CERTIFICATE and END CERTIFICATE.",
	saml.UnsupportedKey: "The certificate holds a key by which signatures are not verified here. Choose RSA, or " +
		"ECDSA on the curve P-256, P-384 or P-521, for the signing certificate of the identity provider.",

	saml.WrongIssuer: "The message comes from another entity ID than the connection's. Compare the identity " +
		"provider's entity ID (issuer) with the connection, letter by letter, or give the connection the metadata " +
		"of this application.",
	saml.WrongDestination: "The message was sent to another address, or is signed without a Destination. Set the " +
		"ACS address (reply URL, destination) at the identity provider to the connection's.",
	saml.WrongInResponseTo: "The message answers another request than the one that this browser began with. Begin " +
		"again at the application; an old tab or a bookmark of the identity provider's sign-in page does that.",
	saml.MissingInResponseTo: "The message does not name the request that it answers (InResponseTo). Set the " +
		"identity provider to send it, or begin at the application instead of the identity provider.",
	saml.UnexpectedRequest: "The message answers a request (InResponseTo) that was not sent from here. Begin again " +
		"at the application.",
	saml.Unsolicited: "The sign-in began at the identity provider, and this connection does not allow that. Begin " +
		"at the application, or set the connection's allow_idp_initiated.",
	saml.IssuedLongAgo: "The message was issued more than five minutes before it came (IssueInstant). Begin again; " +
		"if it happens to everybody, set the clock of the identity provider's server.",
	saml.IssuedInFuture: "The message was issued in the future (IssueInstant), by the clock of this server. Compare " +
		"both clocks, and set the one that is wrong.",
	saml.NotYetValid: "The message is not valid yet (NotBefore), by the clock of this server. Compare both clocks, " +
		"and set the one that is wrong.",
	saml.Expired: "The message is no longer valid (NotOnOrAfter). Begin again; if it happens to everybody, compare " +
		"the clocks of both servers, and look how long assertions are valid.",
	saml.ValidTooLong: "The assertion is valid for more than 25 hours (NotOnOrAfter). Set a shorter lifetime at the " +
		"identity provider; five minutes are enough.",
	saml.SessionExpired: "The session at the identity provider has ended (SessionNotOnOrAfter). Sign in there again.",
	saml.MissingSubject: "The assertion has no Subject, or the LogoutRequest no NameID. Set the identity provider " +
		"to send a NameID.",
	saml.MissingConfirmation: "The assertion's Subject has no SubjectConfirmation with SubjectConfirmationData." +
		webSSO,
	saml.WrongConfirmation: "The assertion's Subject is not confirmed by the method bearer." + webSSO,
	saml.ConfirmationNotBefore: "The SubjectConfirmationData has a NotBefore, which the Web Browser SSO profile " +
		"forbids. Remove it from the template of the identity provider.",
	saml.ConfirmationUnbounded: "The SubjectConfirmationData has no NotOnOrAfter, which the Web Browser SSO profile " +
		"demands. Add it to the template of the identity provider.",
	saml.WrongRecipient: "The assertion is meant for another address (Recipient). Set the recipient (ACS address, " +
		"reply URL) at the identity provider to the connection's.",
	saml.MissingConditions: "The assertion has no Conditions. Set the identity provider to send an audience: the " +
		"connection's SP entity ID.",
	saml.UnknownCondition: "The assertion has a condition that is not known here, so that nobody can say whether it " +
		"is met. Remove it from the settings of the application.",
	saml.MissingAudience: "The assertion does not say for whom it is. Set the audience at the identity provider to " +
		"the connection's SP entity ID.",
	saml.WrongAudience: "The assertion is meant for another service. Set the audience (SP entity ID, identifier) at " +
		"the identity provider to the connection's, letter by letter.",
	saml.MissingAuthnStatement: "The assertion does not say that the person signed in: it has no AuthnStatement." +
		webSSO,
	saml.Repeated: "An element, a form field or a parameter is there more times than it may be. Look at the " +
		"expected and the received value for which one, and correct the template, plug-in or proxy that adds it.",
	saml.SeveralNameIDs: "The Subject has more than one NameID. Set the identity provider to send one: a rule, " +
		"mapper or claim adds the other.",
	saml.EmptyNameID: "The NameID is empty. Choose an attribute as NameID that every person has at the identity " +
		"provider, or fill it in for this person.",
	saml.NameIDSpace: "The NameID begins or ends with white space. Correct the person's value at the identity " +
		"provider.",
	saml.EncryptedNameID: "The NameID is encrypted by itself (EncryptedID), which is not read. Switch that off at " +
		"the identity provider, or encrypt the whole assertion and set the connection's allow_encrypted.",

	saml.MetadataIsHTML: "That is a web page. Download the metadata from it and paste the XML, which begins with " +
		"EntityDescriptor.",
	saml.MetadataIsCertificate: "That is a certificate. Paste the metadata XML here, or enter the certificate " +
		"together with entity ID and sign-on address by hand.",
	saml.MetadataIsURL: "That is an address. Enter it as metadata URL, or open it and paste the XML that it shows.",
	saml.NotMetadata: "The XML is no SAML metadata. Paste the one that begins with EntityDescriptor or " +
		"EntitiesDescriptor, unchanged.",
	saml.MetadataOfSP: "That is a service provider's metadata, perhaps our own. Paste the identity provider's, " +
		"which has an IDPSSODescriptor.",
	saml.MetadataExpired: "The metadata, or the identity provider's role in it, is past its validUntil. Download it " +
		"from the identity provider again.",
	saml.MetadataWithoutSSO: "The metadata has no sign-on address by HTTP-Redirect or HTTP-POST. Paste the metadata " +
		"of a SAML 2.0 identity provider.",
	saml.MetadataWithoutID: "The metadata has no entityID. Download it from the identity provider again.",
	saml.MetadataOfSeveral: "The metadata is of several identity providers. Choose one by its entity ID.",
	saml.MetadataWithoutChosen: "The chosen entity ID is not in the metadata, or is no identity provider. Choose " +
		"one that is.",
	saml.MetadataWithoutKey: "The metadata has no signing certificate: no KeyDescriptor for signing with an " +
		"X509Certificate. Download it from the identity provider again, or enter its certificate by hand.",
	saml.MetadataBadAddress: "A sign-on address in the metadata is not an https address. Correct it at the identity " +
		"provider.",
}
