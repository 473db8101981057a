package sso_test

import (
	"time"

	"github.com/beevik/etree"

	"rollcall/sso/saml"
)

// set is a response that the identity provider sent with another value of an attribute; an empty
// path is the response, and a missing value takes the attribute away.
func set(path, attribute string, value ...string) func(g genuine) string {
	return func(g genuine) string {
		return g.resigned(func(d *etree.Document) {
			el := find(g.t, d, path)
			if len(value) == 0 {
				el.RemoveAttr(attribute)
				return
			}
			el.CreateAttr(attribute, value[0])
		})
	}
}

// timed is the same with a time, counted from now.
func timed(path, attribute string, from time.Duration) func(g genuine) string {
	return func(g genuine) string {
		return set(path, attribute, g.now.Add(from).UTC().Format(time.RFC3339))(g)
	}
}

func changed(path string, change func(el *etree.Element)) func(g genuine) string {
	return func(g genuine) string {
		return g.resigned(func(d *etree.Document) { change(find(g.t, d, path)) })
	}
}

func removed(path string) func(g genuine) string {
	return changed(path, func(el *etree.Element) { el.Parent().RemoveChild(el) })
}

func doubled(path string) func(g genuine) string {
	return changed(path, func(el *etree.Element) {
		again := el.Copy()
		again.RemoveAttr("ID")
		el.Parent().InsertChildAt(el.Index(), again)
	})
}

func said(path, value string) func(g genuine) string {
	return changed(path, func(el *etree.Element) { el.SetText(value) })
}

func added(path, tag string) func(g genuine) string {
	return changed(path, func(el *etree.Element) { el.CreateElement(tag) })
}

const (
	response     = "/Response"
	assertion    = "/Response/Assertion"
	subject      = assertion + "/Subject"
	confirmation = subject + "/SubjectConfirmation"
	data         = confirmation + "/SubjectConfirmationData"
	conditions   = assertion + "/Conditions"
	restriction  = conditions + "/AudienceRestriction"
	statement    = assertion + "/AuthnStatement"
	status       = response + "/Status"
	code         = status + "/StatusCode"
	methods      = "urn:oasis:names:tc:SAML:2.0:cm:"
)

// withSuccessInside is an error whose detail holds a success, and one whose code does.
func withSuccessInside(place string) func(g genuine) string {
	return func(g genuine) string {
		d := g.document.Copy()
		outer := find(g.t, d, code)
		inner := outer.Copy()
		outer.CreateAttr("Value", "urn:oasis:names:tc:SAML:2.0:status:Responder")
		if place == "" {
			outer.AddChild(inner)
		} else {
			within(outer.Parent(), -1, place).AddChild(inner)
		}
		g.signature().sign(g.t, d.Root())
		return posted(text(g.t, d))
	}
}

// audiences are the restrictions of an assertion, each a list of audiences; "" is our own.
func audiences(restrictions ...[]string) func(g genuine) string {
	return changed(conditions, func(el *etree.Element) {
		own := el.FindElement(".//Audience").Text()
		el.RemoveChild(el.FindElement("./AudienceRestriction"))
		for _, list := range restrictions {
			r := el.CreateElement("saml:AudienceRestriction")
			for _, a := range list {
				if a == "" {
					a = own
				}
				r.CreateElement("saml:Audience").SetText(a)
			}
		}
	})
}

const other = "https://other.example/"

var meanings = []attack{
	{"request", "foreign InResponseTo", set(response, "InResponseTo", "_foreign"), saml.WrongInResponseTo},
	{"request", "foreign InResponseTo in the confirmation", set(data, "InResponseTo", "_foreign"),
		saml.WrongInResponseTo},
	{"request", "no InResponseTo", set(response, "InResponseTo"), saml.MissingInResponseTo},
	{"request", "no InResponseTo in the confirmation", set(data, "InResponseTo"), saml.MissingInResponseTo},
	{"request", "empty InResponseTo", set(response, "InResponseTo", ""), saml.WrongInResponseTo},
	{"address", "another audience", said(restriction+"/Audience", other), saml.WrongAudience},
	{"address", "an audience that ours begins", changed(restriction+"/Audience", func(el *etree.Element) {
		el.SetText(el.Text() + "/more")
	}), saml.WrongAudience},
	{"address", "no audience", removed(restriction + "/Audience"), saml.MissingAudience},
	{"address", "no AudienceRestriction", removed(restriction), saml.MissingAudience},
	{"address", "two AudienceRestrictions, ours and another", audiences([]string{""}, []string{other}),
		saml.WrongAudience},
	{"address", "two AudienceRestrictions, another and ours", audiences([]string{other}, []string{""}),
		saml.WrongAudience},
	{"address", "two AudienceRestrictions, ours and none", audiences([]string{""}, nil), saml.MissingAudience},
	{"address", "another recipient", set(data, "Recipient", other), saml.WrongRecipient},
	{"address", "no recipient", set(data, "Recipient"), saml.WrongRecipient},
	{"address", "another destination", set(response, "Destination", other), saml.WrongDestination},
	{"address", "no destination where the response is signed", func(g genuine) string {
		d := g.document.Copy()
		d.Root().RemoveAttr("Destination")
		g.signature().sign(g.t, d.Root())
		return posted(text(g.t, d))
	}, saml.WrongDestination},
	{"address", "another issuer of the response", said(response+"/Issuer", other), saml.WrongIssuer},
	{"address", "another issuer of the assertion", said(assertion+"/Issuer", other), saml.WrongIssuer},
	{"address", "no issuer of the assertion", removed(assertion + "/Issuer"), saml.WrongIssuer},
	{"address", "two issuers of the assertion", doubled(assertion + "/Issuer"), saml.Repeated},
	{"address", "markup in the issuer", added(assertion+"/Issuer", "x"), saml.MarkupInValue},
	{"address", "markup in the audience", added(restriction+"/Audience", "x"), saml.MarkupInValue},

	{"time", "expired confirmation", timed(data, "NotOnOrAfter", -3*time.Minute), saml.Expired},
	{"time", "expired conditions", timed(conditions, "NotOnOrAfter", -3*time.Minute), saml.Expired},
	{"time", "not yet valid", timed(conditions, "NotBefore", 3*time.Minute), saml.NotYetValid},
	{"time", "response issued in the future", timed(response, "IssueInstant", 3*time.Minute), saml.IssuedInFuture},
	{"time", "assertion issued in the future", timed(assertion, "IssueInstant", 3*time.Minute), saml.IssuedInFuture},
	{"time", "response issued long ago", timed(response, "IssueInstant", -8*time.Minute), saml.IssuedLongAgo},
	{"time", "assertion issued long ago", timed(assertion, "IssueInstant", -8*time.Minute), saml.IssuedLongAgo},
	{"time", "confirmation valid for ten years", timed(data, "NotOnOrAfter", 10*365*24*time.Hour), saml.ValidTooLong},
	{"time", "conditions valid for ten years", timed(conditions, "NotOnOrAfter", 10*365*24*time.Hour),
		saml.ValidTooLong},
	{"time", "session past", timed(statement, "SessionNotOnOrAfter", -3*time.Minute), saml.SessionExpired},
	{"time", "no IssueInstant", set(assertion, "IssueInstant"), saml.BadTime},
	{"time", "no time", set(assertion, "IssueInstant", "yesterday"), saml.BadTime},
	{"time", "NotOnOrAfter that is no time", set(data, "NotOnOrAfter", ""), saml.BadTime},
	{"time", "SessionNotOnOrAfter that is no time", set(statement, "SessionNotOnOrAfter", "never"), saml.BadTime},
	{"time", "no AuthnInstant", set(statement, "AuthnInstant"), saml.BadTime},

	{"shape", "no assertion", func(g genuine) string {
		d := g.document.Copy()
		d.Root().RemoveChild(find(g.t, d, assertion))
		g.signature().sign(g.t, d.Root())
		return posted(text(g.t, d))
	}, saml.NoAssertion},
	{"shape", "an assertion alone", func(g genuine) string {
		d := g.signed(places[0])
		el := find(g.t, d, assertion)
		el.CreateAttr("xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion")
		d.SetRoot(el.Copy())
		return posted(text(g.t, d))
	}, saml.NotAResponse},
	{"shape", "a LogoutResponse", func(g genuine) string {
		d := g.document.Copy()
		d.Root().Tag = "LogoutResponse"
		g.signature().sign(g.t, d.Root())
		return posted(text(g.t, d))
	}, saml.NotAResponse},
	{"shape", "SAML 1.1", func(g genuine) string {
		d := g.document.Copy()
		d.Root().CreateAttr("xmlns:samlp", "urn:oasis:names:tc:SAML:1.0:protocol")
		return posted(text(g.t, d))
	}, saml.NotAResponse},
	{"shape", "an encrypted assertion where none is allowed", changed(assertion, func(el *etree.Element) {
		el.Tag = "EncryptedAssertion"
	}), saml.EncryptedAssertion},
	{"shape", "response of version 1.1", set(response, "Version", "1.1"), saml.WrongVersion},
	{"shape", "assertion of version 1.1", set(assertion, "Version", "1.1"), saml.WrongVersion},
	{"shape", "response without version", set(response, "Version"), saml.WrongVersion},
	{"shape", "response without ID", set(response, "ID"), saml.MissingID},
	{"shape", "assertion without ID", set(assertion, "ID"), saml.MissingID},
	{"shape", "no Subject", removed(subject), saml.MissingSubject},
	{"shape", "two Subjects", doubled(subject), saml.Repeated},
	{"shape", "no Conditions", removed(conditions), saml.MissingConditions},
	{"shape", "two Conditions", doubled(conditions), saml.Repeated},
	{"shape", "unknown Condition", added(conditions, "saml:Condition"), saml.UnknownCondition},
	{"shape", "foreign condition", added(conditions, "samlp:Condition"), saml.UnknownCondition},
	{"shape", "no SubjectConfirmation", removed(confirmation), saml.MissingConfirmation},
	{"shape", "no SubjectConfirmationData", removed(data), saml.MissingConfirmation},
	{"shape", "two SubjectConfirmationData", doubled(data), saml.Repeated},
	{"shape", "holder-of-key", set(confirmation, "Method", methods+"holder-of-key"), saml.WrongConfirmation},
	{"shape", "sender-vouches", set(confirmation, "Method", methods+"sender-vouches"), saml.WrongConfirmation},
	{"shape", "no method of confirmation", set(confirmation, "Method"), saml.WrongConfirmation},
	{"shape", "confirmation with NotBefore", timed(data, "NotBefore", -time.Minute), saml.ConfirmationNotBefore},
	{"shape", "confirmation without NotOnOrAfter", set(data, "NotOnOrAfter"), saml.ConfirmationUnbounded},
	{"shape", "no AuthnStatement", removed(statement), saml.MissingAuthnStatement},
	{"shape", "two NameIDs", doubled(subject + "/NameID"), saml.SeveralNameIDs},
	{"shape", "empty NameID", said(subject+"/NameID", ""), saml.EmptyNameID},
	{"shape", "NameID of space", said(subject+"/NameID", " \n"), saml.EmptyNameID},
	{"shape", "NameID with space before", said(subject+"/NameID", " anna@contoso.example"), saml.NameIDSpace},
	{"shape", "NameID with space behind", said(subject+"/NameID", "anna@contoso.example\n"), saml.NameIDSpace},
	{"shape", "NameID with a no-break space behind", said(subject+"/NameID", "anna@contoso.example\u00a0"),
		saml.NameIDSpace},
	{"shape", "markup in the NameID", added(subject+"/NameID", "x"), saml.MarkupInValue},
	{"shape", "encrypted NameID", changed(subject+"/NameID", func(el *etree.Element) {
		el.Tag = "EncryptedID"
	}), saml.EncryptedNameID},
	{"shape", "markup in an attribute's value", changed("//AttributeValue", func(el *etree.Element) {
		el.CreateElement("x")
	}), saml.MarkupInValue},
	{"shape", "two Statuses", doubled(status), saml.SeveralStatuses},
	{"shape", "two StatusCodes", doubled(code), saml.SeveralStatuses},
	{"shape", "no Status", removed(status), saml.MissingStatus},
	{"shape", "no StatusCode", removed(code), saml.MissingStatus},
	{"shape", "a failure", set(code, "Value", "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"), saml.BadStatus},
	{"shape", "no value of the status", set(code, "Value"), saml.BadStatus},
	{"shape", "a signed failure with a success in its code", withSuccessInside(""), saml.BadStatus},
	{"shape", "a signed failure with a success in its detail", withSuccessInside("samlp:StatusDetail"), saml.BadStatus},
}
