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
