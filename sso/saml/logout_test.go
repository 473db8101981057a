package saml_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall/sso/saml"
)

const (
	sloURL    = "https://rollcall.example/sso/saml/con_1/slo"
	idpSLOURL = "https://idp.example/slo?tenant=1"
)

// mirrored returns two service providers, each of which treats the other as its identity provider.
// Each must understand the other's messages.
func mirrored(t testing.TB, redirect bool) (from, to saml.SP, idpOfFrom, idpOfTo saml.IDP) {
	t.Helper()
	own := saml.LogoutService{PostURL: idpSLOURL, PostResponseURL: idpSLOURL}
	if redirect {
		own.RedirectURL, own.RedirectResponseURL = idpSLOURL, idpSLOURL
	}
	pair := rsaPair(t)
	from = saml.SP{EntityID: spID, SLOURL: sloURL, Key: pair.key, Certificate: pair.certificate}
	to = saml.SP{EntityID: idpID, SLOURL: idpSLOURL, Key: pair.key, Certificate: pair.certificate}
	return from, to, saml.IDP{EntityID: idpID, SLO: own, Certificates: []*x509.Certificate{pair.certificate}},
		saml.IDP{EntityID: spID, Certificates: []*x509.Certificate{pair.certificate}}
}

// readLogout reads a message as its receiver gets it.
func readLogout(sp saml.SP, idp saml.IDP, m saml.Request) (*saml.LogoutMessage, error) {
	if m.Fields == nil {
		_, query, _ := strings.Cut(m.URL, "?tenant=1&")
		return sp.ReadLogoutQuery(idp, query, saml.Expect{Now: now})
	}
	for _, parameter := range []string{saml.RequestParameter, saml.ResponseParameter} {
		if value, ok := m.Fields[parameter]; ok {
			return sp.ReadLogoutForm(idp, parameter, value, saml.Expect{Now: now})
		}
	}
	return nil, nil
}

// TestLogoutMessages: messages are read as they were written, by both bindings.
func TestLogoutMessages(t *testing.T) {
	t.Parallel()
	for _, redirect := range []bool{true, false} {
		from, to, idp, back := mirrored(t, redirect)
		name := saml.NameID{Value: "anna-1", Format: "f", NameQualifier: "q", SPNameQualifier: "s"}
		request, err := from.LogoutRequest(idp,
			saml.LogoutRequestOptions{ID: "_1", RelayState: "state", NameID: name, SessionIndex: "i", Now: now})
		if err != nil {
			t.Fatal(err)
		}
		m, err := readLogout(to, back, request)
		if err != nil {
			t.Fatal(err)
		}
		if r := m.Request; r == nil || r.ID != "_1" || r.NameID != name || len(r.SessionIndexes) != 1 ||
			r.SessionIndexes[0] != "i" || !r.ReplayUntil.After(now.Add(5*time.Minute)) {
			t.Errorf("got %+v", m.Request)
		}
		for _, unknown := range []bool{false, true} {
			answer, err := from.LogoutResponse(idp,
				saml.LogoutResponseOptions{ID: "_2", InResponseTo: "_1", RelayState: strings.Repeat("long ", 40),
					UnknownPrincipal: unknown, Now: now})
			if err != nil {
				t.Fatal(err)
			}
			m, err := readLogout(to, back, answer)
			if err != nil {
				t.Fatal(err)
			}
			if r := m.Response; r == nil || !r.Signed || r.Answers("_1") != nil || r.Answers("_3") == nil ||
				(r.Status != "") != unknown {
				t.Errorf("got %+v", m.Response)
			}
		}
	}
}

func TestLogoutMessagesThatCannotBeMade(t *testing.T) {
	t.Parallel()
	from, _, idp, _ := mirrored(t, true)
	good := saml.LogoutRequestOptions{ID: "_1", NameID: saml.NameID{Value: "anna-1"}, Now: now}
	for name, c := range map[string]struct {
		idp    saml.IDP
		change func(o *saml.LogoutRequestOptions)
	}{
		"no address":        {saml.IDP{EntityID: idpID}, func(*saml.LogoutRequestOptions) {}},
		"no ID":             {idp, func(o *saml.LogoutRequestOptions) { o.ID = "" }},
		"no name":           {idp, func(o *saml.LogoutRequestOptions) { o.NameID.Value = "" }},
		"a long RelayState": {idp, func(o *saml.LogoutRequestOptions) { o.RelayState = strings.Repeat("x", 81) }},
	} {
		o := good
		c.change(&o)
		if _, err := from.LogoutRequest(c.idp, o); err == nil {
			t.Errorf("%s: it is made", name)
		}
	}
}

// FuzzLogout edits a signed LogoutRequest, in its XML by HTTP-POST and in its query by
// HTTP-Redirect: if it is still accepted, its content must be the same.
func FuzzLogout(f *testing.F) {
	var queries, documents []string
	var to saml.SP
	var back saml.IDP
	for _, redirect := range []bool{true, false} {
		from, other, idp, known := mirrored(f, redirect)
		to, back = other, known
		request, err := from.LogoutRequest(idp,
			saml.LogoutRequestOptions{ID: "_1", RelayState: "state", NameID: saml.NameID{Value: "anna-1", Format: "f"},
				SessionIndex: "i", Now: now})
		if err != nil {
			f.Fatal(err)
		}
		if redirect {
			_, query, _ := strings.Cut(request.URL, "?tenant=1&")
			queries = append(queries, query)
			continue
		}
		document, err := base64.StdEncoding.DecodeString(request.Fields[saml.RequestParameter])
		if err != nil {
			f.Fatal(err)
		}
		documents = append(documents, string(document))
	}
	f.Add(true, uint16(0), uint16(0), "", uint16(0), uint16(0), "")
	f.Add(true, uint16(12), uint16(3), "%2b", uint16(300), uint16(0), "&RelayState=x")
	f.Add(false, uint16(300), uint16(4), "<!-- -->", uint16(1), uint16(65535), "")
	f.Add(false, uint16(200), uint16(9), "\r\n", uint16(500), uint16(3), "&amp;")
	f.Fuzz(func(t *testing.T, redirect bool, at, drop uint16, insert string, at2, drop2 uint16, insert2 string) {
		text := documents[0]
		if redirect {
			text = queries[0]
		}
		edit := string(edited(edited([]byte(text), at, drop, insert), at2, drop2, insert2))
		var m *saml.LogoutMessage
		var err error
		if redirect {
			m, err = to.ReadLogoutQuery(back, edit, saml.Expect{Now: now})
		} else {
			m, err = to.ReadLogoutForm(back, saml.RequestParameter, base64.StdEncoding.EncodeToString([]byte(edit)),
				saml.Expect{Now: now})
		}
		if err != nil {
			if reasonOf(err) == saml.ParserFailed {
				t.Error(err)
			}
			return
		}
		if r := m.Request; r == nil || r.ID != "_1" || r.NameID.Value != "anna-1" || len(r.SessionIndexes) != 1 ||
			r.SessionIndexes[0] != "i" || redirect && m.RelayState != "state" {
			t.Errorf("accepted %+v", m)
		}
	})
}

// FuzzLogoutDocument reads any document that the identity provider itself signed.
func FuzzLogoutDocument(f *testing.F) {
	_, to, _, back := mirrored(f, true)
	key, ok := rsaPair(f).key.(*rsa.PrivateKey)
	if !ok {
		f.Fatal("no RSA key")
	}
	f.Add(`<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_1" Version="2.0"/>`)
	f.Add(`<LogoutResponse xmlns="urn:oasis:names:tc:SAML:2.0:protocol" ID="_1" Version="2.0" ` +
		`InResponseTo="_2"><Status/></LogoutResponse>`)
	f.Fuzz(func(t *testing.T, document string) {
		for _, parameter := range []string{saml.RequestParameter, saml.ResponseParameter} {
			location, err := saml.SP{EntityID: spID, Key: key,
				Certificate: rsaPair(t).certificate}.RedirectURL("https://idp.example", parameter, []byte(document), "")
			if err != nil {
				t.Skip()
			}
			u, err := url.Parse(location)
			if err != nil {
				t.Fatal(err)
			}
			m, err := to.ReadLogoutQuery(back, u.RawQuery, saml.Expect{Now: now})
			if _, refused := err.(*saml.Refused); err != nil && !refused || reasonOf(err) == saml.ParserFailed {
				t.Errorf("%v is not a refusal", err)
			}
			if err == nil && (m.Request == nil) == (m.Response == nil) {
				t.Errorf("got %+v", m)
			}
		}
	})
}
