package saml_test

import (
	"crypto/x509"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"rollcall/sso/saml"
)

// edit returns a response that is signed after the change of an element.
func edit(t *testing.T, path string, change func(el *etree.Element)) string {
	t.Helper()
	return signed(t, func(d *etree.Document) { change(find(t, d, path)) })
}

func set(t *testing.T, path, key, value string) string {
	t.Helper()
	return edit(t, path, func(el *etree.Element) { el.CreateAttr(key, value) })
}

func TestVerifyKeepsTheTimes(t *testing.T) {
	t.Parallel()
	const (
		conditions = "//Conditions"
		data       = "//SubjectConfirmationData"
	)
	tests := map[string]struct {
		path, key string
		from      time.Duration
		want      saml.Reason
	}{
		"issued just long enough ago": {"//Assertion", "IssueInstant", -7 * time.Minute, ""},
		"issued a second too long ago": {"//Assertion", "IssueInstant", -7*time.Minute - time.Second,
			saml.IssuedLongAgo},
		"issued by a clock that is ahead": {"//Assertion", "IssueInstant", 2 * time.Minute, ""},
		"issued a second too early": {"//Assertion", "IssueInstant", 2*time.Minute + time.Second,
			saml.IssuedInFuture},
		"valid for a second still":        {data, "NotOnOrAfter", -2*time.Minute + time.Second, ""},
		"no longer valid, to the second":  {data, "NotOnOrAfter", -2 * time.Minute, saml.Expired},
		"conditions that have just ended": {conditions, "NotOnOrAfter", -2 * time.Minute, saml.Expired},
		"conditions that begin soon":      {conditions, "NotBefore", 2 * time.Minute, ""},
		"conditions that begin later":     {conditions, "NotBefore", 2*time.Minute + time.Second, saml.NotYetValid},
		"valid for a day and an hour":     {conditions, "NotOnOrAfter", 25*time.Hour - time.Second, ""},
		"valid for a second longer":       {conditions, "NotOnOrAfter", 25 * time.Hour, saml.ValidTooLong},
		"authenticated weeks ago":         {"//AuthnStatement", "AuthnInstant", -40 * 24 * time.Hour, ""},
		"a session that has just ended": {"//AuthnStatement", "SessionNotOnOrAfter", -2 * time.Minute,
			saml.SessionExpired},
		"a session that ends soon": {"//AuthnStatement", "SessionNotOnOrAfter", time.Minute, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := sp.Verify(idp(t), set(t, test.path, test.key, at(test.from)), expect)
			wantReason(t, err, test.want)
		})
	}
}

func TestVerifyReadsTimesWithoutZoneAndWithFractions(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"2026-03-14T09:26:50", "2026-03-14T09:26:50.123456789Z",
		"2026-03-14T10:26:50+01:00"} {
		a, err := sp.Verify(idp(t), set(t, "//Assertion", "IssueInstant", value), expect)
		if err != nil {
			t.Errorf("%s: %v", value, err)
		} else if got := a.IssueInstant.UTC().Truncate(time.Second); !got.Equal(now.Add(-3 * time.Second)) {
			t.Errorf("%s: got %s", value, got)
		}
	}
}

func TestVerifyUnsolicited(t *testing.T) {
	t.Parallel()
	unsolicited := saml.Expect{Now: now}
	withoutBoth := func(d *etree.Document) {
		d.Root().RemoveAttr("InResponseTo")
		find(t, d, "//SubjectConfirmationData").RemoveAttr("InResponseTo")
	}
	a, err := sp.Verify(idp(t), signed(t, withoutBoth), unsolicited)
	if err != nil {
		t.Fatal(err)
	}
	if a.InResponseTo != "" {
		t.Errorf("got InResponseTo %q", a.InResponseTo)
	}
	_, err = sp.Verify(idp(t), signed(t, nil), unsolicited)
	wantReason(t, err, saml.UnexpectedRequest)
	_, err = sp.Verify(idp(t), signed(t, func(d *etree.Document) { d.Root().RemoveAttr("InResponseTo") }), unsolicited)
	wantReason(t, err, saml.UnexpectedRequest)
}

func TestVerifyLeavesTheSubjectToTheCaller(t *testing.T) {
	t.Parallel()
	a, err := sp.Verify(idp(t), edit(t, "//NameID", func(el *etree.Element) { el.Parent().RemoveChild(el) }), expect)
	if err != nil || a.NameID != "" {
		t.Errorf("no NameID: got %+v, %v", a, err)
	}
	const transient = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
	a, err = sp.Verify(idp(t), set(t, "//NameID", "Format", transient), expect)
	if err != nil || a.NameID != "anna-1" || a.NameIDFormat != transient {
		t.Errorf("transient NameID: got %+v, %v", a, err)
	}
}

func TestVerifyTakesOneConfirmationOfSeveral(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		first, second string
		want          saml.Reason
	}{
		"holder-of-key, then bearer":  {"holder-of-key", "bearer", ""},
		"bearer, then holder-of-key":  {"bearer", "holder-of-key", ""},
		"holder-of-key twice":         {"holder-of-key", "holder-of-key", saml.WrongConfirmation},
		"holder-of-key, wrong bearer": {"holder-of-key", "wrong", saml.WrongRecipient},
		"wrong bearer, then bearer":   {"wrong", "bearer", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			value := edit(t, "//SubjectConfirmation", func(el *etree.Element) {
				second := el.Copy()
				el.Parent().AddChild(second)
				for i, method := range []string{test.first, test.second} {
					c := []*etree.Element{el, second}[i]
					if method == "wrong" {
						c.FindElement("./SubjectConfirmationData").CreateAttr("Recipient", "https://other.example/")
						method = "bearer"
					}
					c.CreateAttr("Method", "urn:oasis:names:tc:SAML:2.0:cm:"+method)
				}
			})
			_, err := sp.Verify(idp(t), value, expect)
			wantReason(t, err, test.want)
		})
	}
}

func TestVerifyTakesOneAudienceOfSeveral(t *testing.T) {
	t.Parallel()
	value := edit(t, "//AudienceRestriction", func(el *etree.Element) {
		el.CreateElement("saml:Audience").SetText("https://other.example/")
		el.Parent().AddChild(el.Copy())
		el.Parent().CreateElement("saml:OneTimeUse")
		el.Parent().CreateElement("saml:ProxyRestriction").CreateAttr("Count", "0")
	})
	if _, err := sp.Verify(idp(t), value, expect); err != nil {
		t.Error(err)
	}
}

func TestVerifyReadsAttributes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		xml  string
		want map[string][]string
	}{
		"two of one name": {
			`<saml:Attribute Name="a"><saml:AttributeValue>1</saml:AttributeValue></saml:Attribute><saml:Attribute ` +
				`Name="a"><saml:AttributeValue>2</saml:AttributeValue></saml:Attribute>`,
			map[string][]string{"a": {"1", "2"}}},
		"one without a value": {`<saml:Attribute Name="a"/>`, map[string][]string{"a": {}}},
		"an empty value": {`<saml:Attribute Name="a"><saml:AttributeValue/></saml:Attribute>`,
			map[string][]string{"a": {""}}},
		"a NameID as value": {
			`<saml:Attribute Name="a"><saml:AttributeValue> <saml:NameID>x</saml:NameID> ` +
				`</saml:AttributeValue></saml:Attribute>`, map[string][]string{"a": {"x"}}},
		"space kept": {
			`<saml:Attribute Name="a"><saml:AttributeValue> x </saml:AttributeValue></saml:Attribute>`,
			map[string][]string{"a": {" x "}}},
		"escaped text": {
			`<saml:Attribute ` +
				`Name="a"><saml:AttributeValue>&lt;!--&amp;&#x41;ö&#128512;</saml:AttributeValue></saml:Attribute>`,
			map[string][]string{"a": {"<!--&Aö😀"}}},
		"no statement in it": {``, map[string][]string{}},
		"in another namespace": {`<Attribute Name="a"><AttributeValue>x</AttributeValue></Attribute>`,
			map[string][]string{}},
		"prefixed name ignored": {
			`<saml:Attribute Name="a" saml:Name="b"><saml:AttributeValue>x</saml:AttributeValue></saml:Attribute>`,
			map[string][]string{"a": {"x"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			value := edit(t, "//AttributeStatement", func(el *etree.Element) {
				d := etree.NewDocument()
				if err := d.ReadFromString(`<x xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">` + test.xml +
					`</x>`); err != nil {
					t.Fatal(err)
				}
				el.Child = nil
				for _, c := range d.Root().ChildElements() {
					el.AddChild(c)
				}
			})
			a, err := sp.Verify(idp(t), value, expect)
			if err != nil {
				t.Fatal(err)
			}
			if !maps.EqualFunc(a.Attributes, test.want, slices.Equal) {
				t.Errorf("got %q, want %q", a.Attributes, test.want)
			}
		})
	}
}

func TestVerifyTellsOfCertificateDates(t *testing.T) {
	t.Parallel()
	key, err := rsaKeys()
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		from, to time.Duration
		want     saml.Reason
	}{
		"valid":         {-time.Hour, time.Hour, ""},
		"expired":       {-2 * time.Hour, -time.Hour, saml.CertificateExpired},
		"not yet valid": {time.Hour, 2 * time.Hour, saml.CertificateNotYet},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := certify(t, key, now.Add(test.from), now.Add(test.to))
			provider := saml.IDP{EntityID: idpID, Certificates: []*x509.Certificate{p.certificate}}
			d := response(t)
			signing{pair: p}.sign(t, find(t, d, "//Assertion"))
			signing{pair: p}.sign(t, d.Root())
			a, err := sp.Verify(provider, form(t, d), expect)
			if err != nil {
				t.Fatal(err)
			}
			var got []saml.Reason
			for _, w := range a.Warnings {
				got = append(got, w.Reason)
			}
			var want []saml.Reason
			if test.want != "" {
				want = append(want, test.want)
			}
			if !slices.Equal(got, want) {
				t.Errorf("warned of %q, want %q", got, want)
			}
			enforced := expect
			enforced.EnforceCertificateDates = true
			_, err = sp.Verify(provider, form(t, d), enforced)
			wantReason(t, err, test.want)
		})
	}
}

func TestVerifyWithoutCertificate(t *testing.T) {
	t.Parallel()
	_, err := sp.Verify(saml.IDP{EntityID: idpID}, signed(t, nil), expect)
	wantReason(t, err, saml.NoCertificate)
}

func TestRefusalTellsBothSides(t *testing.T) {
	t.Parallel()
	_, err := sp.Verify(idp(t), set(t, "//SubjectConfirmationData", "Recipient", "https://other.example/"), expect)
	refused, ok := errors.AsType[*saml.Refused](err)
	if !ok || refused.Expected != acsURL || refused.Received != "https://other.example/" {
		t.Errorf("got %v", err)
	}
}

func TestRefusalCanBeStored(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ received, want string }{
		"a control character":    {"a\nb\tc", "a b c"},
		"as long as is shown":    {strings.Repeat("x", 200), strings.Repeat("x", 200)},
		"one byte more":          {strings.Repeat("x", 201), strings.Repeat("x", 200) + "…"},
		"a character cut in two": {strings.Repeat("x", 199) + "ö", strings.Repeat("x", 199) + "…"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := sp.Verify(idp(t),
				edit(t, "/Response/Issuer", func(el *etree.Element) { el.SetText(test.received) }), expect)
			refused, ok := errors.AsType[*saml.Refused](err)
			if !ok || refused.Received != test.want {
				t.Errorf("got %#v", err)
			}
			if strings.Contains(err.Error(), test.want) {
				t.Errorf("the log would have the sender's text: %v", err)
			}
		})
	}
}
