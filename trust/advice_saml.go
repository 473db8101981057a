package trust

import "rollcall/sso/saml"

// forgedSAML ends the advice for reasons that occur only where somebody forges messages, or where
// an identity provider is broken.
const forgedSAML = " No identity provider is known to send that. If yours does, report it to its vendor; otherwise " +
	"somebody is trying to forge a sign-in."

// samlAdvice has a text for each reason of package saml.
var samlAdvice = map[saml.Reason]string{
	saml.NoResponse: "The form has no field SAMLResponse. Set the identity provider to answer by " +
		"HTTP-POST to the ACS address.",
	saml.NoMessage: "The address was called without a message. Set the identity provider to send it by " +
		"HTTP-Redirect or HTTP-POST.",
	saml.NotDeflated: "The message is not deflated, as HTTP-Redirect demands. Set the identity provider " +
		"to the DEFLATE encoding.",
	saml.NotBase64: "The SAMLResponse is not base64. Send the response unchanged by HTTP-POST; a proxy " +
		"in between may have altered it.",
	saml.TooLarge: "The message is larger than 512 KiB (metadata: 1 MiB). Send fewer attributes, at " +
		"first only the groups that are assigned to this application.",
	saml.Compressed: "The response is deflated, as for HTTP-Redirect. Set the binding of the ACS address " +
		"to HTTP-POST.",
	saml.NotUTF8: "The message is not in UTF-8. Set the identity provider to write UTF-8.",
	saml.NotXML:  "The message is not well-formed XML. Send or paste it unchanged and whole.",
	saml.Doctype: "The message has a document type declaration." + forgedSAML,
	saml.Entity:  "The message uses an entity that XML does not predefine." + forgedSAML,
	saml.Comment: "The message has an XML comment in it. Remove comments from the identity provider's " +
		"templates.",
	saml.ProcessingInstruction: "The message has a processing instruction in it. Remove it from the identity " +
		"provider's templates.",
	saml.CDATA:              "The message has a CDATA section in it. Write values as escaped text.",
	saml.DuplicateAttribute: "An element has the same XML attribute twice." + forgedSAML,
	saml.DuplicateID:        "Two elements have the same ID." + forgedSAML,
	saml.SecondRoot:         "There is something after the end of the message." + forgedSAML,
	saml.TextOutsideRoot:    "There is text before or after the message. Send or paste the XML document alone.",
	saml.TooDeep:            "Elements are nested deeper than any SAML message has them." + forgedSAML,
	saml.TooManyElements: "The message has more than 5,000 elements. Send fewer attribute values, at first " +
		"only the groups that are assigned to this application.",
	saml.TooManyAttributes: "An element has more than 32 XML attributes." + forgedSAML,
	saml.TooManyNamespaces: "More than 64 namespace prefixes are declared at one place." + forgedSAML,
	saml.ParserFailed:      "The message could not be read. Report it with the reference number.",
	saml.RelativeNamespace: "A namespace name in the message is not an absolute URI." + forgedSAML,

	saml.NotALogout: "The message is neither a LogoutRequest nor a LogoutResponse of SAML 2.0, or stands in the " +
		"other's parameter. Set the identity provider to send logout messages, and only those, to the single logout " +
		"address.",
	saml.Reordered: "The parameters of the address are not in the order in which they are signed. A proxy in " +
		"between may have sorted them; send them on unchanged.",

	saml.NotAResponse: "The message is not a SAML 2.0 Response. Check that the identity provider speaks SAML " +
		"2.0 and sends sign-on responses to the ACS address.",
	saml.WrongVersion: "The version of the message is not 2.0. Set the identity provider to SAML 2.0.",
	saml.MissingID:    "The signed element has no ID." + forgedSAML,
	saml.NoAssertion: "The response has no assertion. Check that the application at the identity provider " +
		"sends one.",
	saml.SeveralAssertions:  "The response has more than one assertion. Set the identity provider to send one.",
	saml.MisplacedAssertion: "An assertion stands somewhere else than directly in the response." + forgedSAML,
	saml.EncryptedAssertion: "The assertion is encrypted, and this connection does not allow that. Switch " +
		"encryption off for this application at the identity provider, or allow it for the connection.",
	saml.WeakEncryption: "The assertion is encrypted by AES in CBC, and this connection takes only GCM. Choose " +
		"AES-GCM at the identity provider; where it has no such choice, allow cbc for the connection.",
	saml.Undecryptable: "The encrypted assertion could not be opened, or what is in it is not signed by a key " +
		"that the connection knows. Sign it before it is encrypted, give the identity provider our current " +
		"metadata, and use AES-GCM or AES-CBC with RSA-OAEP.",
	saml.SignatureObject:    "The signature carries content of its own." + forgedSAML,
	saml.SeveralSignatures:  "There is more than one signature on one element." + forgedSAML,
	saml.MisplacedSignature: "A signature stands somewhere else than on the response or its assertion." + forgedSAML,
	saml.SignatureNamespace: "A signature is not one of XML Signature." + forgedSAML,
	saml.MissingStatus:      "The response has no status." + forgedSAML,
	saml.SeveralStatuses:    "The response has more than one status." + forgedSAML,
	saml.BadStatus: "The identity provider answered with a status that is not Success, and with no status code that " +
		"SAML defines. Look for the status in its documentation, and in its own log.",
	saml.MarkupInValue: "There are XML elements where only text may be: an identifier, or a value of an attribute " +
		"that is read here. Send a plain value there.",
	saml.AttributeLeftOut: "An attribute was left out, because it has no name or its value is more than a text. " +
		"Nothing here reads it. Send a plain value if it should be kept.",
	saml.EncryptedAttribute: "The assertion has attributes that are encrypted one by one (EncryptedAttribute). These " +
		"are not read: send the attributes unencrypted, or encrypt the whole assertion.",
	saml.BadTime: "A time is missing or is not an xs:dateTime in UTC. Check the identity provider's " +
		"templates.",

	saml.Unsigned: "Neither the response nor the assertion is signed, or a logout message is not. Switch " +
		"signing on for this application at the identity provider.",
	saml.IncompleteSignature: "A part of the signature is missing." + forgedSAML,
	saml.AmbiguousSignature: "A part of the signature is there twice, or there is more in it than belongs " +
		"there." + forgedSAML,
	saml.NotOneReference: "The signature does not cover exactly one element." + forgedSAML,
	saml.EmptyReference: "The signature does not name what it covers. Set the identity provider to sign by the " +
		"ID of the element.",
	saml.ForeignReference: "The signature covers another element than the one it stands on." + forgedSAML,
	saml.WrongTransform: "The signature uses other transforms than enveloped-signature and exclusive " +
		"canonicalization without comments. Set the identity provider to these two.",
	saml.WrongCanonicalizer: "The signature is not in exclusive canonicalization without comments. Set the " +
		"identity provider to http://www.w3.org/2001/10/xml-exc-c14n#.",
	saml.WeakAlgorithm: "The signature uses SHA-1 or MD5. Set both the signature and the digest algorithm to " +
		"SHA-256 at the identity provider.",
	saml.SymmetricAlgorithm: "The signature is made with a shared secret, and there is none." + forgedSAML,
	saml.UnknownAlgorithm: "The signature algorithm is not supported. Set RSA with SHA-256 at the identity " +
		"provider.",
	saml.WeakKey: "The identity provider's key is too weak (or far too long). Renew its signing " +
		"certificate with RSA of 2048 to 8192 bits or ECDSA on P-256, P-384 or P-521.",
	saml.NoCertificate: "The connection has no signing certificate. Add the one of the identity provider.",
	saml.WrongKey: "The signature was made with a key that the connection does not know. If the identity " +
		"provider has renewed its signing certificate, update the metadata of the connection.",
	saml.Altered: "The message was changed after it was signed. A proxy or a script in between may " +
		"rewrite it; otherwise somebody is trying to forge a sign-in.",
	saml.CertificateExpired: "The identity provider's signing certificate has expired. Renew it there and update " +
		"the metadata of the connection.",
	saml.CertificateNotYet: "The identity provider's signing certificate is not valid yet. Check the clocks, or " +
		"wait with the change of certificates.",
	saml.BadCertificate: "That is not an X.509 certificate. Paste the signing certificate as PEM or base64.",
	saml.UnsupportedKey: "The certificate holds a key that is neither RSA nor ECDSA. Choose one of these at " +
		"the identity provider.",

	saml.WrongIssuer: "The message comes from another entity ID than the connection's. Compare the " +
		"identity provider's entity ID (issuer) with the connection.",
	saml.WrongDestination: "The message was sent to another address. Set the ACS address (reply URL, " +
		"destination) at the identity provider to the connection's.",
	saml.WrongInResponseTo: "The message answers another sign-in than the one that this browser began. Begin " +
		"again; do not use old tabs or bookmarks of the sign-in page.",
	saml.MissingInResponseTo: "The message does not name the request that it answers. Set the identity provider " +
		"to send InResponseTo, or begin at the application instead of the identity provider.",
	saml.UnexpectedRequest: "The message answers a request that was not sent. Begin again at the application.",
	saml.Unsolicited: "The sign-in began at the identity provider, and this connection does not allow " +
		"that. Begin at the application, or allow it for the connection.",
	saml.IssuedLongAgo: "The message was issued more than five minutes ago. Check the clock of the identity " +
		"provider; otherwise begin again.",
	saml.IssuedInFuture: "The message was issued in the future. Check the clock of the identity provider.",
	saml.NotYetValid:    "The message is not valid yet. Check the clock of the identity provider.",
	saml.Expired: "The message is no longer valid. Check the clock of the identity provider, and how " +
		"long its assertions are valid.",
	saml.ValidTooLong: "The assertion is valid for more than 25 hours. Set a shorter lifetime at the " +
		"identity provider; five minutes are enough.",
	saml.SessionExpired: "The session at the identity provider has ended. Sign in there again.",
	saml.MissingSubject: "The assertion has no subject. Set the identity provider to send a NameID or a " +
		"subject.",
	saml.MissingConfirmation: "The assertion's subject has no confirmation. Set the identity provider to the Web " +
		"Browser SSO profile.",
	saml.WrongConfirmation: "The assertion's subject is not confirmed by the method bearer. Set the identity " +
		"provider to the Web Browser SSO profile.",
	saml.ConfirmationNotBefore: "The subject's confirmation has a NotBefore, which the Web Browser SSO profile " +
		"forbids. Remove it at the identity provider.",
	saml.ConfirmationUnbounded: "The subject's confirmation has no NotOnOrAfter. Set the identity provider to the " +
		"Web Browser SSO profile.",
	saml.WrongRecipient: "The assertion is meant for another address. Set the recipient (ACS address, reply " +
		"URL) at the identity provider to the connection's.",
	saml.MissingConditions: "The assertion has no conditions. Set the identity provider to send an audience.",
	saml.UnknownCondition: "The assertion has a condition that is not known here. Remove it at the identity " +
		"provider.",
	saml.MissingAudience: "The assertion does not say for whom it is. Set the audience at the identity " +
		"provider to the connection's SP entity ID.",
	saml.WrongAudience: "The assertion is meant for another service. Set the audience (SP entity ID, " +
		"identifier) at the identity provider to the connection's.",
	saml.MissingAuthnStatement: "The assertion does not say that the person signed in. Set the identity provider to " +
		"the Web Browser SSO profile.",
	saml.Repeated:       "Something is there twice that may be there once." + forgedSAML,
	saml.SeveralNameIDs: "The subject has more than one NameID." + forgedSAML,
	saml.EmptyNameID: "The NameID is empty. Choose an attribute as NameID that every person has at the " +
		"identity provider.",
	saml.NameIDSpace: "The NameID begins or ends with white space. Correct the person's value at the " +
		"identity provider.",
	saml.EncryptedNameID: "The NameID is encrypted. Switch that off at the identity provider.",

	saml.MetadataIsHTML: "That is a web page. Download the metadata from it and paste the XML, which begins " +
		"with EntityDescriptor.",
	saml.MetadataIsCertificate: "That is a certificate. Paste the metadata XML here, or enter the certificate " +
		"together with entity ID and sign-on address by hand.",
	saml.MetadataIsURL: "That is an address. Enter it as metadata URL, or open it and paste the XML that it " +
		"shows.",
	saml.NotMetadata: "That is not SAML metadata, or a value in it is not what it must be. Paste the XML " +
		"that begins with EntityDescriptor, unchanged.",
	saml.MetadataOfSP: "That is a service provider's metadata, perhaps our own. Paste the identity " +
		"provider's, which has an IDPSSODescriptor.",
	saml.MetadataExpired: "The metadata is past its validUntil. Download it from the identity provider again.",
	saml.MetadataWithoutSSO: "The metadata has no sign-on address by HTTP-Redirect or HTTP-POST. Paste the " +
		"metadata of a SAML 2.0 identity provider.",
	saml.MetadataWithoutID: "The metadata has no entityID. Download it from the identity provider again.",
	saml.MetadataOfSeveral: "The metadata is of several identity providers. Choose one by its entity ID.",
	saml.MetadataWithoutChosen: "The chosen entity ID is not in the metadata, or is no identity provider. Choose " +
		"one that is.",
	saml.MetadataWithoutKey: "The metadata has no signing certificate, or more than sixteen. Download it from " +
		"the identity provider again.",
	saml.MetadataBadAddress: "A sign-on address in the metadata is not an https address. Correct it at the " +
		"identity provider.",
}
