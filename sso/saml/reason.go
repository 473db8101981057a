package saml

// Reason says why something was refused. Its text never changes: it is in the login log and in the
// API.
type Reason string

// Reasons to refuse the bytes of a message, before they are parsed.
const (
	NoResponse            Reason = "no_response"            // the form has no SAMLResponse
	NoMessage             Reason = "no_message"             // the query has no SAMLRequest and no SAMLResponse
	NotDeflated           Reason = "not_deflated"           // a message in a query that is not deflated
	NotBase64             Reason = "not_base64"             // the form value is no base64
	TooLarge              Reason = "too_large"              // more bytes than allowed
	Compressed            Reason = "compressed"             // deflated, which only HTTP-Redirect allows
	NotUTF8               Reason = "not_utf8"               // another character encoding, declared or real
	NotXML                Reason = "not_xml"                // not well-formed
	Doctype               Reason = "doctype"                // a document type declaration
	Entity                Reason = "entity"                 // an entity that XML does not predefine
	Comment               Reason = "comment"                // a comment, which can cut a name in two
	ProcessingInstruction Reason = "processing_instruction" // likewise
	CDATA                 Reason = "cdata"                  // a CDATA section, likewise
	DuplicateAttribute    Reason = "duplicate_attribute"    // an attribute twice on one element
	DuplicateID           Reason = "duplicate_id"           // two elements with one ID
	SecondRoot            Reason = "second_root"            // an element after the end of the document
	TextOutsideRoot       Reason = "text_outside_root"      // text before or after the document
	TooDeep               Reason = "too_deep"               // more nested elements than allowed
	TooManyElements       Reason = "too_many_elements"      // more elements than allowed
	TooManyAttributes     Reason = "too_many_attributes"    // more attributes on an element than allowed
	TooManyNamespaces     Reason = "too_many_namespaces"    // more prefixes in scope than allowed
	ParserFailed          Reason = "parser_failed"          // a library panicked
	RelativeNamespace     Reason = "relative_namespace"     // a namespace name on which canonicalizers differ
)

// Reasons to refuse a message of single logout only.
const (
	NotALogout Reason = "not_a_logout"         // no message of single logout, or in the wrong parameter
	Reordered  Reason = "parameters_reordered" // a query whose parameters are in another order than signed
)

// Reasons to refuse the structure of a message.
const (
	NotAResponse       Reason = "not_a_response"      // another message, or none of SAML 2.0
	WrongVersion       Reason = "wrong_version"       // Version is not 2.0
	MissingID          Reason = "missing_id"          // a Response or Assertion without ID
	NoAssertion        Reason = "no_assertion"        // a successful Response without Assertion
	SeveralAssertions  Reason = "several_assertions"  // more than one Assertion
	MisplacedAssertion Reason = "misplaced_assertion" // an Assertion that is no child of the Response
	EncryptedAssertion Reason = "encrypted_assertion" // encrypted, which the connection does not allow
	WeakEncryption     Reason = "weak_encryption"     // CBC, where the connection allows only GCM
	Undecryptable      Reason = "undecryptable"       // it cannot be decrypted; never says why
	SignatureObject    Reason = "signature_object"    // a Signature with an Object in it
	SeveralSignatures  Reason = "several_signatures"  // more than one Signature of an element
	MisplacedSignature Reason = "misplaced_signature" // a Signature on an element that is not read
	SignatureNamespace Reason = "signature_namespace" // a Signature that is not of XML Signature
	MissingStatus      Reason = "missing_status"      // no Status or StatusCode
	SeveralStatuses    Reason = "several_statuses"    // more than one Status or StatusCode
	BadStatus          Reason = "bad_status"          // the identity provider reports a failure
	MarkupInValue      Reason = "markup_in_value"     // elements where there may only be text
	AttributeLeftOut   Reason = "attribute_left_out"  // a warning: an attribute with other XML, or without a name
	EncryptedAttribute Reason = "encrypted_attribute" // a warning: it is not read
	BadTime            Reason = "bad_time"            // no xs:dateTime, or a required time is missing
)

// Reasons to refuse a signature.
const (
	Unsigned            Reason = "unsigned"             // neither Response nor Assertion is signed
	IncompleteSignature Reason = "incomplete_signature" // a part of the Signature is missing or empty
	AmbiguousSignature  Reason = "ambiguous_signature"  // a part of the Signature is there twice, or a foreign one
	NotOneReference     Reason = "not_one_reference"    // no Reference, or several
	EmptyReference      Reason = "empty_reference"      // a Reference without URI, or with an empty one
	ForeignReference    Reason = "foreign_reference"    // a Reference to another element than the parent
	WrongTransform      Reason = "wrong_transform"      // other transforms than enveloped and exclusive c14n
	WrongCanonicalizer  Reason = "wrong_canonicalizer"  // SignedInfo is not in exclusive c14n
	WeakAlgorithm       Reason = "weak_algorithm"       // SHA-1 or MD5, as digest or in the signature
	SymmetricAlgorithm  Reason = "symmetric_algorithm"  // an HMAC: the certificate is no secret
	UnknownAlgorithm    Reason = "unknown_algorithm"    // an algorithm that we do not accept
	WeakKey             Reason = "weak_key"             // RSA outside 2048 to 8192 bits, or an unusual curve
	NoCertificate       Reason = "no_certificate"       // the connection has no certificate
	WrongKey            Reason = "wrong_key"            // no key of a configured certificate signed this
	Altered             Reason = "altered"              // the signature is valid, the digest is not
	CertificateExpired  Reason = "certificate_expired"  // the certificate that signed is out of date
	CertificateNotYet   Reason = "certificate_not_yet"  // the certificate that signed is not valid yet
	BadCertificate      Reason = "bad_certificate"      // text that is no X.509 certificate
	UnsupportedKey      Reason = "unsupported_key"      // a certificate with neither RSA nor ECDSA
)

// Reasons to refuse the content of a message.
const (
	WrongIssuer           Reason = "wrong_issuer"              // another identity provider, or none
	WrongDestination      Reason = "wrong_destination"         // for another address, or signed without one
	WrongInResponseTo     Reason = "wrong_in_response_to"      // a response to another request
	MissingInResponseTo   Reason = "missing_in_response_to"    // no InResponseTo, although a request was sent
	UnexpectedRequest     Reason = "unexpected_request"        // InResponseTo, although no request was sent
	Unsolicited           Reason = "unsolicited"               // for the caller: IdP-initiated is not allowed
	IssuedLongAgo         Reason = "issued_long_ago"           // older than five minutes
	IssuedInFuture        Reason = "issued_in_future"          // the clocks differ
	NotYetValid           Reason = "not_yet_valid"             // NotBefore is in the future
	Expired               Reason = "expired"                   // NotOnOrAfter is past
	ValidTooLong          Reason = "valid_too_long"            // longer than a day and an hour
	SessionExpired        Reason = "session_expired"           // SessionNotOnOrAfter is past
	MissingSubject        Reason = "missing_subject"           // no Subject
	MissingConfirmation   Reason = "missing_confirmation"      // no SubjectConfirmation, or one without data
	WrongConfirmation     Reason = "wrong_confirmation"        // none with the method bearer
	ConfirmationNotBefore Reason = "confirmation_not_before"   // a bearer confirmation with NotBefore
	ConfirmationUnbounded Reason = "confirmation_unbounded"    // a bearer confirmation without NotOnOrAfter
	WrongRecipient        Reason = "wrong_recipient"           // Recipient is not our address
	MissingConditions     Reason = "missing_conditions"        // no Conditions
	UnknownCondition      Reason = "unknown_condition"         // a condition that we do not know
	MissingAudience       Reason = "missing_audience"          // no AudienceRestriction, or an empty one
	WrongAudience         Reason = "wrong_audience"            // meant for another service
	MissingAuthnStatement Reason = "missing_authn_statement"   // no AuthnStatement
	Repeated              Reason = "repeated_element"          // an element or parameter more often than allowed
	SeveralNameIDs        Reason = "several_name_ids"          // more than one NameID
	EmptyNameID           Reason = "empty_name_id"             // a NameID without text
	NameIDSpace           Reason = "name_id_surrounding_space" // a NameID that begins or ends with space
	EncryptedNameID       Reason = "encrypted_name_id"         // an EncryptedID
)

// Reasons to refuse an identity provider's metadata.
const (
	MetadataIsHTML        Reason = "metadata_is_html"        // a web page
	MetadataIsCertificate Reason = "metadata_is_certificate" // a certificate
	MetadataIsURL         Reason = "metadata_is_url"         // the address of the metadata
	NotMetadata           Reason = "not_metadata"            // XML of something else
	MetadataOfSP          Reason = "metadata_of_sp"          // a service provider's, most likely our own
	MetadataExpired       Reason = "metadata_expired"        // validUntil is past
	MetadataWithoutSSO    Reason = "metadata_without_sso"    // no sign-on endpoint for our bindings
	MetadataWithoutID     Reason = "metadata_without_id"     // no entityID
	MetadataOfSeveral     Reason = "metadata_of_several"     // several identity providers and none chosen
	MetadataWithoutChosen Reason = "metadata_without_chosen" // the chosen one is not among them
	MetadataWithoutKey    Reason = "metadata_without_key"    // no certificate for signing
	MetadataBadAddress    Reason = "metadata_bad_address"    // an address that is no https URL
)
