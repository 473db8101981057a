package saml_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"rollcall/sso/saml"
)

// without removes an attribute.
func without(key string) func(*etree.Element) { return func(el *etree.Element) { el.RemoveAttr(key) } }

// having sets an attribute.
func having(key, value string) func(*etree.Element) {
	return func(el *etree.Element) { el.CreateAttr(key, value) }
}

// gone removes the element.
func gone(el *etree.Element) { el.Parent().RemoveChild(el) }

// twice repeats the element behind itself.
func twice(el *etree.Element) { el.Parent().InsertChildAt(el.Index()+1, el.Copy()) }

// saying replaces the content of an element by text.
func saying(value string) func(*etree.Element) { return func(el *etree.Element) { el.SetText(value) } }

// around adds an element behind the text of one, so that two readers may see two values.
func around(el *etree.Element) { el.CreateElement("x") }

// SAML's profile says what a response must have. Each of these, left out or changed, would let a
// response be used where, when or by whom it was not meant for.
func TestVerifyRequires(t *testing.T) {
	t.Parallel()
	const (
		whole     = "/Response"
		assertion = "//Assertion"
		data      = "//SubjectConfirmationData"
		statement = "//AuthnStatement"
	)
	for name, c := range map[string]struct {
		path   string
		change func(*etree.Element)
		want   saml.Reason
	}{
		"version 1.1 of the response":  {whole, having("Version", "1.1"), saml.WrongVersion},
		"no version of the response":   {whole, without("Version"), saml.WrongVersion},
		"version 1.1 of the assertion": {assertion, having("Version", "1.1"), saml.WrongVersion},
		"a response without ID":        {whole, without("ID"), saml.MissingID},
		"a response without a time":    {whole, without("IssueInstant"), saml.BadTime},
		"a response with a bad time":   {whole, having("IssueInstant", "today"), saml.BadTime},
		"an assertion without a time":  {assertion, without("IssueInstant"), saml.BadTime},
		"a response to come":           {whole, having("IssueInstant", at(3*time.Minute)), saml.IssuedInFuture},
		"a response of long ago":       {whole, having("IssueInstant", at(-8*time.Minute)), saml.IssuedLongAgo},
		"another destination":          {whole, having("Destination", acsURL+"/"), saml.WrongDestination},
		"an empty destination":         {whole, having("Destination", ""), saml.WrongDestination},
		"no destination":               {whole, without("Destination"), ""},
		"no issuer of the response":    {"/Response/Issuer", gone, ""},
		"another issuer":               {"/Response/Issuer", saying("https://other.example"), saml.WrongIssuer},
		"two issuers":                  {"/Response/Issuer", twice, saml.Repeated},
		"an issuer with markup":        {"/Response/Issuer", around, saml.MarkupInValue},
		"space around the issuer":      {"/Response/Issuer", saying("\n " + idpID + " "), ""},
		"no issuer of the assertion":   {"//Assertion/Issuer", gone, saml.WrongIssuer},
		"an assertion of another":      {"//Assertion/Issuer", saying("https://other.example"), saml.WrongIssuer},
		"an answer to no request":      {whole, without("InResponseTo"), saml.MissingInResponseTo},
		"an answer to another":         {whole, having("InResponseTo", "_other"), saml.WrongInResponseTo},
		"no status":                    {"//Status", gone, saml.MissingStatus},
		"two statuses":                 {"//Status", twice, saml.SeveralStatuses},
		"no status code":               {"//StatusCode", gone, saml.MissingStatus},
		"two status codes":             {"//StatusCode", twice, saml.SeveralStatuses},
		"no conditions":                {"//Conditions", gone, saml.MissingConditions},
		"conditions twice":             {"//Conditions", twice, saml.Repeated},
		"conditions without an end":    {"//Conditions", without("NotOnOrAfter"), ""},
		"conditions with a bad end":    {"//Conditions", having("NotOnOrAfter", "soon"), saml.BadTime},
		"conditions with a bad begin":  {"//Conditions", having("NotBefore", "soon"), saml.BadTime},
		"an unknown condition": {
			"//Conditions", func(el *etree.Element) { el.CreateElement("saml:Condition") }, saml.UnknownCondition,
		},
		"no audiences at all":       {"//AudienceRestriction", gone, saml.MissingAudience},
		"an empty audience list":    {"//Audience", gone, saml.MissingAudience},
		"another audience":          {"//Audience", saying("https://other.example"), saml.WrongAudience},
		"space around the audience": {"//Audience", saying(" " + spID + "\n"), ""},
		"an audience with markup":   {"//Audience", around, saml.MarkupInValue},
		"one restriction of two": {"//AudienceRestriction", func(el *etree.Element) {
			twice(el)
			el.FindElement("./Audience").SetText("https://other.example")
		}, saml.WrongAudience},
		"no subject":            {"//Subject", gone, saml.MissingSubject},
		"two subjects":          {"//Subject", twice, saml.Repeated},
		"two names":             {"//NameID", twice, saml.SeveralNameIDs},
		"an empty name":         {"//NameID", saying(" "), saml.EmptyNameID},
		"space around the name": {"//NameID", saying("anna-1 "), saml.NameIDSpace},
		"a name with markup":    {"//NameID", around, saml.MarkupInValue},
		"an encrypted name": {
			"//Subject", func(el *etree.Element) { el.CreateElement("saml:EncryptedID") }, saml.EncryptedNameID,
		},
		"no confirmation":         {"//SubjectConfirmation", gone, saml.MissingConfirmation},
		"no confirmation data":    {data, gone, saml.MissingConfirmation},
		"confirmation data twice": {data, twice, saml.Repeated},
		"no recipient":            {data, without("Recipient"), saml.WrongRecipient},
		"a bearer from later on":  {data, having("NotBefore", at(-time.Hour)), saml.ConfirmationNotBefore},
		"a bearer without an end": {data, without("NotOnOrAfter"), saml.ConfirmationUnbounded},
		"a bearer with a bad end": {data, having("NotOnOrAfter", "soon"), saml.BadTime},
		"a bearer for no request": {data, without("InResponseTo"), saml.MissingInResponseTo},
		"a bearer for another":    {data, having("InResponseTo", "_other"), saml.WrongInResponseTo},
		"no authentication":       {statement, gone, saml.MissingAuthnStatement},
		"no time of it":           {statement, without("AuthnInstant"), saml.BadTime},
		"a bad time of it":        {statement, having("AuthnInstant", "now"), saml.BadTime},
		"a bad end of a session":  {statement, having("SessionNotOnOrAfter", "soon"), saml.BadTime},
		"the last moment of a session": {
			statement, having("SessionNotOnOrAfter", at(-2*time.Minute+time.Second)), "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := sp.Verify(idp(t), edit(t, c.path, c.change), expect)
			wantReason(t, err, c.want)
		})
	}
}

// SAML Bindings §3.5.5.2: what is signed as a whole names where it is sent, so that it cannot be
// sent elsewhere.
func TestSignedResponseHasADestination(t *testing.T) {
	t.Parallel()
	for destination, want := range map[string]saml.Reason{
		"": saml.WrongDestination, acsURL: "", "https://other.example/": saml.WrongDestination,
	} {
		d := response(t)
		d.Root().RemoveAttr("Destination")
		if destination != "" {
			d.Root().CreateAttr("Destination", destination)
		}
		signing{pair: rsaPair(t)}.sign(t, d.Root())
		_, err := sp.Verify(idp(t), form(t, d), expect)
		wantReason(t, err, want)
	}
}

// A failure is told with all that the identity provider says of it.
func TestStatusIsTold(t *testing.T) {
	t.Parallel()
	_, err := sp.Verify(idp(t), edit(t, "//Status", func(el *etree.Element) {
		code := el.FindElement("./StatusCode")
		code.CreateAttr("Value", "outer")
		code.CreateElement("samlp:StatusCode").CreateAttr("Value", "inner")
		el.CreateElement("samlp:StatusMessage").SetText("because")
	}), expect)
	refused, ok := errors.AsType[*saml.Refused](err)
	if !ok || refused.Reason != saml.BadStatus || refused.Received != "outer inner because" {
		t.Errorf("%+v", refused)
	}
}

// The session ends with the first of all ends that the identity provider names.
func TestSoonestEndCounts(t *testing.T) {
	t.Parallel()
	a, err := sp.Verify(idp(t), edit(t, "//AuthnStatement", func(el *etree.Element) {
		el.CreateAttr("SessionNotOnOrAfter", at(3*time.Hour))
		twice(el)
		second := el.Parent().SelectElements("saml:AuthnStatement")[1]
		second.CreateAttr("SessionNotOnOrAfter", at(time.Hour))
		second.CreateAttr("SessionIndex", "_other")
		twice(second)
		el.Parent().SelectElements("saml:AuthnStatement")[2].CreateAttr("SessionNotOnOrAfter", at(2*time.Hour))
	}), expect)
	if err != nil {
		t.Fatal(err)
	}
	if !a.SessionNotOnOrAfter.Equal(now.Add(time.Hour)) || a.SessionIndex != "_session-1" {
		t.Errorf("%+v", a)
	}
	for end, want := range map[time.Duration]time.Duration{
		time.Minute: time.Minute, 5 * time.Minute: 5 * time.Minute, time.Hour: 5 * time.Minute,
	} {
		a, err := sp.Verify(idp(t), set(t, "//Conditions", "NotOnOrAfter", at(end)), expect)
		if err != nil || !a.NotOnOrAfter.Equal(now.Add(want)) {
			t.Errorf("conditions for %s: %+v %v", end, a, err)
		}
	}
}

// A form value is base64 of XML within a limit. What it is instead is told: an identity provider
// that deflates what it posts is set up for the other binding.
func TestFormValueIsChecked(t *testing.T) {
	t.Parallel()
	good := signed(t, nil)
	encoded := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	for name, c := range map[string]struct {
		value string
		want  saml.Reason
	}{
		"nothing":            {"", saml.NoResponse},
		"no base64":          {"<xml/>", saml.NotBase64},
		"bits that are left": {"PHgvPl==", saml.NotBase64},
		"nothing but space":  {" ", saml.NotXML},
		"deflated":           {deflated(t, "<a/>"), saml.Compressed},
		"deflated text":      {deflated(t, "text"), saml.NotUTF8},
		"deflated nothing":   {deflated(t, ""), saml.NotUTF8},
		"text":               {encoded("text"), saml.NotXML},
		"a byte order mark":  {encoded("\ufeff<a/>"), saml.NotAResponse},
		"as long as may be":  {good + strings.Repeat("\n", 1<<20-len(good)), ""},
		"too long":           {good + strings.Repeat("\n", 1<<20+1-len(good)), saml.TooLarge},
	} {
		_, err := sp.Verify(idp(t), c.value, expect)
		if got := reasonOf(err); got != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
