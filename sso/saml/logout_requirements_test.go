package saml_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"rollcall/sso/saml"
)

// logoutSP is the service provider that reads the messages of these tests.
var logoutSP = saml.SP{EntityID: spID, SLOURL: sloURL}

// logoutDocument is a genuine logout message before it is signed: a request or a response.
func logoutDocument(t testing.TB, request bool) *etree.Document {
	t.Helper()
	tag, more, content := "LogoutResponse", ` InResponseTo="_request-1"`,
		`<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>`
	if request {
		tag, more = "LogoutRequest", ` NotOnOrAfter="`+at(time.Minute)+`"`
		content = `<saml:NameID Format="f">anna-1</saml:NameID><samlp:SessionIndex> i </samlp:SessionIndex>`
	}
	d := etree.NewDocument()
	err := d.ReadFromString(fmt.Sprintf(`<samlp:%[1]s xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" `+
		`xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_logout-1" Version="2.0" IssueInstant="%[2]s" `+
		`Destination="%[3]s"%[4]s><saml:Issuer>%[5]s</saml:Issuer>%[6]s</samlp:%[1]s>`,
		tag, at(-time.Second), sloURL, more, idpID, content))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// A logout message ends somebody's sessions, or says that they have ended. What it lacks would let
// somebody else's message do so.
func TestLogoutMessageRequires(t *testing.T) {
	t.Parallel()
	const root = "/*"
	for name, c := range map[string]struct {
		path   string
		change func(*etree.Element)
		both   bool // of a response as well
		reply  bool // of a response only
		want   saml.Reason
	}{
		"nothing more": {path: root, change: func(*etree.Element) {}, both: true},
		"another version": {
			path: root, change: having("Version", "1.1"), both: true, want: saml.WrongVersion,
		},
		"no ID":   {path: root, change: having("ID", ""), both: true, want: saml.MissingID},
		"no time": {path: root, change: without("IssueInstant"), both: true, want: saml.BadTime},
		"a time to come": {
			path: root, change: having("IssueInstant", at(3*time.Minute)), both: true, want: saml.IssuedInFuture,
		},
		"a time of long ago": {
			path: root, change: having("IssueInstant", at(-8*time.Minute)), both: true, want: saml.IssuedLongAgo,
		},
		"another destination": {
			path: root, change: having("Destination", acsURL), both: true, want: saml.WrongDestination,
		},
		"no destination": {
			path: root, change: without("Destination"), both: true, want: saml.WrongDestination,
		},
		"no issuer": {path: "/*/Issuer", change: gone, both: true, want: saml.WrongIssuer},
		"another issuer": {
			path: "/*/Issuer", change: saying("https://other.example"), both: true, want: saml.WrongIssuer,
		},
		"no name":       {path: "//NameID", change: gone, want: saml.MissingSubject},
		"an empty name": {path: "//NameID", change: saying(""), want: saml.EmptyNameID},
		"two names":     {path: "//NameID", change: twice, want: saml.SeveralNameIDs},
		"an end that is past": {
			path: root, change: having("NotOnOrAfter", at(-2*time.Minute)), want: saml.Expired,
		},
		"the last moment":            {path: root, change: having("NotOnOrAfter", at(-2*time.Minute+time.Second))},
		"an end that is none":        {path: root, change: having("NotOnOrAfter", "soon"), want: saml.BadTime},
		"no end":                     {path: root, change: without("NotOnOrAfter")},
		"a session with markup":      {path: "//SessionIndex", change: around, want: saml.MarkupInValue},
		"as many sessions as may be": {path: "//SessionIndex", change: repeat(99)},
		"too many sessions":          {path: "//SessionIndex", change: repeat(100), want: saml.Repeated},
		"no request": {
			path: root, change: without("InResponseTo"), reply: true, want: saml.MissingInResponseTo,
		},
		"an empty request": {
			path: root, change: having("InResponseTo", ""), reply: true, want: saml.MissingInResponseTo,
		},
		"no status":    {path: "//Status", change: gone, reply: true, want: saml.MissingStatus},
		"two statuses": {path: "//Status", change: twice, reply: true, want: saml.SeveralStatuses},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, request := range []bool{true, false} {
				if request == c.reply || !request && !c.reply && !c.both {
					continue
				}
				d := logoutDocument(t, request)
				c.change(find(t, d, c.path))
				if d.Root().SelectAttrValue("ID", "") == "" {
					d.Root().CreateAttr("ID", "_logout-1")
					signing{pair: rsaPair(t)}.sign(t, d.Root())
					d.Root().RemoveAttr("ID")
				} else {
					signing{pair: rsaPair(t)}.sign(t, d.Root())
				}
				m, err := logoutSP.ReadLogoutForm(idp(t), parameterOf(request), form(t, d), saml.Expect{Now: now})
				wantReason(t, err, c.want)
				if err == nil && (m.Request != nil) != request {
					t.Errorf("%+v", m)
				}
			}
		})
	}
}

// repeat adds n copies of an element.
func repeat(n int) func(*etree.Element) {
	return func(el *etree.Element) {
		for range n {
			twice(el)
		}
	}
}

// parameterOf returns the name of the form field with a message.
func parameterOf(request bool) string {
	if request {
		return saml.RequestParameter
	}
	return saml.ResponseParameter
}

// Only who has the identity provider's key may end a session. A response that is not signed says
// so, and that somebody was not signed out is no refusal.
func TestLogoutByForm(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		request   bool
		parameter string
		change    func(d *etree.Document)
		key       *pair
		want      saml.Reason
		check     func(m *saml.LogoutMessage) bool
	}{
		"a request without a signature": {request: true, parameter: saml.RequestParameter, want: saml.Unsigned},
		"a request in the other field": {request: true, parameter: saml.ResponseParameter, key: new(rsaPair(t)),
			want: saml.NotALogout},
		"a response in the other field": {parameter: saml.RequestParameter, want: saml.NotALogout},
		"another message": {parameter: saml.ResponseParameter,
			change: func(d *etree.Document) { d.Root().Tag = "Response" }, want: saml.NotALogout},
		"a message of another namespace": {parameter: saml.ResponseParameter,
			change: func(d *etree.Document) { d.Root().Space = "saml" }, want: saml.NotALogout},
		"a response without a signature": {parameter: saml.ResponseParameter,
			check: func(m *saml.LogoutMessage) bool {
				return !m.Response.Signed && m.Response.InResponseTo == requestID && m.Response.Status == ""
			}},
		"an unsigned one without a destination": {parameter: saml.ResponseParameter,
			change: func(d *etree.Document) { d.Root().RemoveAttr("Destination") },
			check:  func(m *saml.LogoutMessage) bool { return !m.Response.Signed }},
		"a failure": {parameter: saml.ResponseParameter, key: new(rsaPair(t)),
			change: func(d *etree.Document) { d.FindElement("//StatusCode").CreateAttr("Value", "no") },
			check:  func(m *saml.LogoutMessage) bool { return m.Response.Signed && m.Response.Status == "no" }},
		"a request": {request: true, parameter: saml.RequestParameter, key: new(rsaPair(t)),
			check: func(m *saml.LogoutMessage) bool {
				return m.Request.ID == "_logout-1" && m.Request.NameID == saml.NameID{Value: "anna-1", Format: "f"} &&
					m.Request.SessionIndexes[0] == "i" &&
					m.Request.ReplayUntil.Equal(now.Add(9*time.Minute-time.Second))
			}},
		"an object in its signature": {parameter: saml.ResponseParameter, change: func(d *etree.Document) {
			d.Root().CreateElement("ds:Object").CreateAttr("xmlns:ds", "http://www.w3.org/2000/09/xmldsig#")
		}, want: saml.SignatureObject},
		"an ID twice": {parameter: saml.ResponseParameter, change: func(d *etree.Document) {
			d.FindElement("//Status").CreateAttr("ID", "_logout-1")
		}, want: saml.DuplicateID},
		"a signature at another place": {parameter: saml.ResponseParameter, change: func(d *etree.Document) {
			el := d.FindElement("//Status").CreateElement("ds:Signature")
			el.CreateAttr("xmlns:ds", "http://www.w3.org/2000/09/xmldsig#")
		}, want: saml.MisplacedSignature},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := logoutDocument(t, c.request)
			if c.change != nil {
				c.change(d)
			}
			if c.key != nil {
				signing{pair: *c.key}.sign(t, d.Root())
			}
			m, err := logoutSP.ReadLogoutForm(idp(t), c.parameter, form(t, d), saml.Expect{Now: now})
			wantReason(t, err, c.want)
			if err == nil && !c.check(m) {
				t.Errorf("%+v %+v", m.Request, m.Response)
			}
		})
	}
	_, err := logoutSP.ReadLogoutForm(idp(t), saml.RequestParameter, "!", saml.Expect{Now: now})
	wantReason(t, err, saml.NotBase64)
}

// A certificate outside its dates is a warning, or refuses where the organization wants that.
func TestLogoutTellsOfCertificateDates(t *testing.T) {
	t.Parallel()
	d := logoutDocument(t, true)
	signing{pair: rsaPair(t)}.sign(t, d.Root())
	later := saml.Expect{Now: now}
	old := certify(t, rsaPair(t).key, now.AddDate(-2, 0, 0), now.AddDate(-1, 0, 0))
	provider := idp(t)
	provider.Certificates[0] = old.certificate
	m, err := logoutSP.ReadLogoutForm(provider, saml.RequestParameter, form(t, d), later)
	if err != nil || len(m.Warnings) != 1 {
		t.Errorf("%+v %v", m, err)
	}
	later.EnforceCertificateDates = true
	_, err = logoutSP.ReadLogoutForm(provider, saml.RequestParameter, form(t, d), later)
	wantReason(t, err, saml.CertificateExpired)
}

// logoutQuery returns a logout message as a query, signed or not.
func logoutQuery(t *testing.T, request, signed bool, relayState string) string {
	t.Helper()
	text, err := logoutDocument(t, request).WriteToBytes()
	if err != nil {
		t.Fatal(err)
	}
	location, err := saml.SP{Key: rsaPair(t).key, Certificate: rsaPair(t).certificate}.
		RedirectURL("https://rollcall.example/slo", parameterOf(request), text, relayState)
	if err != nil {
		t.Fatal(err)
	}
	_, query, _ := strings.Cut(location, "?")
	if !signed {
		query, _, _ = strings.Cut(query, "&SigAlg=")
	}
	return query
}

// A query is signed as it was sent. Its parameters stand once, as the binding spells them and in
// its order, so that no two readers take it for two messages.
func TestLogoutByQuery(t *testing.T) {
	t.Parallel()
	request, response := logoutQuery(t, true, true, "state"), logoutQuery(t, false, false, "state")
	moved := func(query string) string {
		message, rest, _ := strings.Cut(query, "&")
		return rest + "&" + message
	}
	for name, c := range map[string]struct {
		query string
		want  saml.Reason
	}{
		"a request":                             {query: request},
		"a response without signature":          {query: response},
		"a request without signature":           {query: logoutQuery(t, true, false, ""), want: saml.Unsigned},
		"a response with half of one":           {query: response + "&SigAlg=x", want: saml.Unsigned},
		"with a signature and nothing about it": {query: response + "&Signature=x", want: saml.Unsigned},
		"nothing":                               {query: "RelayState=state", want: saml.NoMessage},
		"both":                                  {query: request + "&SAMLResponse=x", want: saml.Repeated},
		"a parameter twice":                     {query: request + "&RelayState=other", want: saml.Repeated},
		"a name that is escaped":                {query: request + "&%52elayState=other", want: saml.Repeated},
		"something else":                        {query: request + "&tenant=1&tenant=2"},
		"another order":                         {query: moved(request), want: saml.Reordered},
		"another order, unsigned":               {query: moved(response), want: saml.Reordered},
		"another encoding":                      {query: request + "&SAMLEncoding=other", want: saml.NotDeflated},
		"the encoding": {
			query: request + "&SAMLEncoding=" +
				url.QueryEscape("urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE"),
		},
		"another state": {
			query: strings.Replace(request, "RelayState=state", "RelayState=other", 1), want: saml.WrongKey,
		},
		"as long as may be": {query: request + "&x=" + strings.Repeat("x", 64<<10-3-len(request))},
		"too long": {
			query: request + "&x=" + strings.Repeat("x", 64<<10-2-len(request)), want: saml.TooLarge,
		},
		"a bad escape": {
			query: strings.Replace(response, "RelayState=state", "RelayState=%zz", 1), want: saml.NotBase64,
		},
		"a bad escape, signed": {
			query: strings.Replace(request, "RelayState=state", "RelayState=%zz", 1), want: saml.NotBase64,
		},
		"no base64": {query: "SAMLResponse=!", want: saml.NotBase64},
		"not deflated": {
			query: "SAMLResponse=" + base64.StdEncoding.EncodeToString([]byte("<a/>")), want: saml.NotDeflated,
		},
		"a signature of nothing": {
			query: request[:strings.Index(request, "&Signature=")] + "&Signature=%21", want: saml.IncompleteSignature,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := logoutSP.ReadLogoutQuery(idp(t), c.query, saml.Expect{Now: now})
			wantReason(t, err, c.want)
			if err == nil && m.RelayState != "state" {
				t.Errorf("%+v", m)
			}
		})
	}
}

// The error names both sides of the order.
func TestOrderIsTold(t *testing.T) {
	t.Parallel()
	query := logoutQuery(t, false, false, "state")
	message, rest, _ := strings.Cut(query, "&")
	_, err := logoutSP.ReadLogoutQuery(idp(t), rest+"&"+message, saml.Expect{Now: now})
	refused, ok := errors.AsType[*saml.Refused](err)
	if !ok || refused.Expected != "RelayState, SigAlg, Signature behind the message" ||
		refused.Received != "SAMLResponse behind RelayState" {
		t.Errorf("%+v", refused)
	}
}
