package sso

import (
	"rollcall/model/refusal"
	"rollcall/model/testlogin"
	"rollcall/sso/oidc"
	"rollcall/sso/saml"
)

// messageSubjects are what of a message is checked, in the order in which it is shown.
var messageSubjects = []testlogin.Subject{testlogin.Answered, testlogin.Signature, testlogin.Certificate,
	testlogin.Issuer, testlogin.Audience, testlogin.Recipient, testlogin.Timing}

// The orders in which the protocols check. What is before the fault was right. A SAML message shows
// the rest of itself.
var (
	samlOrder   = []testlogin.Subject{testlogin.Answered, testlogin.Signature, testlogin.Certificate}
	openIDOrder = []testlogin.Subject{testlogin.Answered, testlogin.Signature, testlogin.Certificate,
		testlogin.Issuer, testlogin.Person, testlogin.Audience, testlogin.Timing, testlogin.Recipient}
)

// lastFaults are those found when all of the message was right.
var lastFaults = []string{string(refusal.SubjectMissing), string(refusal.SubjectTransient),
	string(oidc.UserInfoSubject), string(oidc.UserInfoBadSubject), string(oidc.TokenMissingObject)}

// signedFaults are those of an answer as a whole that are found after its signature.
var signedFaults = texts(saml.WrongInResponseTo, saml.MissingInResponseTo, saml.UnexpectedRequest, saml.WrongVersion,
	saml.MissingID, saml.MissingAuthnStatement, saml.MarkupInValue)

// faults are what the reasons are about. A reason that is not here is about the answer as a whole.
var faults = faultsOf(map[testlogin.Subject][]string{
	testlogin.Signature: append(texts(saml.Unsigned, saml.IncompleteSignature, saml.AmbiguousSignature,
		saml.NotOneReference, saml.EmptyReference, saml.ForeignReference, saml.WrongTransform, saml.WrongCanonicalizer,
		saml.WeakAlgorithm, saml.SymmetricAlgorithm, saml.UnknownAlgorithm, saml.Altered, saml.SignatureObject,
		saml.SeveralSignatures, saml.MisplacedSignature, saml.SignatureNamespace, saml.Undecryptable),
		texts(oidc.TokenUnsigned, oidc.TokenSymmetric, oidc.TokenAlgorithm, oidc.TokenCritical,
			oidc.TokenMalformed, oidc.TokenEncrypted)...),
	testlogin.Certificate: append(texts(saml.NoCertificate, saml.WrongKey, saml.WeakKey, saml.UnsupportedKey,
		saml.BadCertificate, saml.CertificateExpired, saml.CertificateNotYet),
		texts(oidc.KeysUnreachable, oidc.KeysTooLarge, oidc.KeysMalformed, oidc.TokenUnknownKey, oidc.TokenUnusable,
			oidc.TokenWeakKey, oidc.TokenWrongKey)...),
	testlogin.Issuer: append(texts(saml.WrongIssuer),
		texts(oidc.TokenWrongIssuer, oidc.TokenWrongTenant)...),
	testlogin.Audience: append(texts(saml.MissingAudience, saml.WrongAudience, saml.MissingConditions,
		saml.UnknownCondition), texts(oidc.TokenAudience, oidc.TokenMissingAZP, oidc.TokenWrongAZP)...),
	testlogin.Recipient: append(texts(saml.WrongDestination, saml.WrongRecipient, saml.MissingConfirmation,
		saml.WrongConfirmation, saml.ConfirmationNotBefore, saml.ConfirmationUnbounded),
		texts(oidc.TokenMissingNonce, oidc.TokenWrongNonce, oidc.TokenWrongHash)...),
	testlogin.Timing: append(append(texts(saml.IssuedLongAgo, saml.IssuedInFuture, saml.NotYetValid, saml.Expired,
		saml.ValidTooLong, saml.SessionExpired, saml.BadTime),
		texts(oidc.TokenExpired, oidc.TokenNotYet, oidc.TokenFuture, oidc.TokenOld)...),
		string(refusal.LoginUsed)),
	testlogin.Person: append(append(texts(saml.MissingSubject, saml.SeveralNameIDs, saml.EmptyNameID, saml.NameIDSpace,
		saml.EncryptedNameID),
		texts(oidc.TokenBadSubject, oidc.TokenMissingClaim, oidc.TokenClaimType, oidc.TokenMissingObject,
			oidc.UserInfoSubject, oidc.UserInfoBadSubject)...),
		texts(refusal.SubjectMissing, refusal.SubjectTransient)...),
})

// texts are reasons as texts.
func texts[T ~string](reasons ...T) (out []string) {
	for _, r := range reasons {
		out = append(out, string(r))
	}
	return out
}

// faultsOf turns a table of reasons round.
func faultsOf(by map[testlogin.Subject][]string) map[string]testlogin.Subject {
	out := map[string]testlogin.Subject{}
	for subject, reasons := range by {
		for _, r := range reasons {
			out[r] = subject
		}
	}
	return out
}
