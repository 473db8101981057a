package sso_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/sso/saml"
)

// withKey is metadata with one more KeyDescriptor, with a text where the certificate is.
func withKey(document []byte, text string) string {
	return strings.Replace(string(document), "<md:SingleSignOnService",
		`<md:KeyDescriptor use="signing"><ds:KeyInfo `+
			`xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>`+text+
			`</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:SingleSignOnService`, 1)
}

func weakCertificate(w *world) string {
	_, weak := keyPair(w.t, 1024, w.clock.Now())
	return base64.StdEncoding.EncodeToString(weak.Raw)
}

// described has the tenant's connection described by metadata, and returns the answer.
func (w *world) described(document string) answer {
	w.t.Helper()
	body, err := json.Marshal(map[string]any{"saml": map[string]any{"idp_metadata_xml": document}})
	must(w.t, err)
	return w.send(nil, http.MethodPatch, "/connections/"+model.ConnectionPrefix.ID(w.connection.ID),
		"Authorization", "Bearer "+bootstrapKey, "Content-Type", "application/json", "", string(body))
}

// TestRolloverBesideAKeyThatCannotBeUsed: the identity provider announces a new key together with
// one that is too weak, and signs with the new one.
func TestRolloverBesideAKeyThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		p, watch := w.published()
		must(t, w.idp.PublishNextKey())
		must(t, w.idp.UseNextKey())
		document := withKey(w.idp.SAMLMetadata(), weakCertificate(w))
		p.answers(func(a http.ResponseWriter) { _, _ = io.WriteString(a, document) })
		w.refused(w.tenant, w.attempt(), string(saml.WrongKey))
		w.work(watch)
		w.attempt().code(t)
		got := w.saml()
		metadata := got["metadata"].(map[string]any)
		if n := len(got["idp_certificates"].([]any)); n != 2 || metadata["error"] != nil {
			t.Errorf("%d certificates are known: %v", n, metadata)
		}
		const want = "Signing certificate 3 was left out: an RSA key of 1024 bits, " +
			"where an RSA key of 2048 to 8192 bits is needed."
		if notes := fmt.Sprint(metadata["notes"]); notes != "["+want+"]" {
			t.Errorf("the notes are %s", notes)
		}
		w.clock.Advance(24 * time.Hour)
		w.work(watch)
		incomplete := slices.DeleteFunc(w.eventTypes(), func(e string) bool {
			return e != string(connection.MetadataIncomplete)
		})
		if len(incomplete) != 1 {
			t.Errorf("it is recorded %d times", len(incomplete))
		}
		if !strings.Contains(w.logged.String(), "metadata taken over in part") ||
			!strings.Contains(w.logged.String(), "weak_key") {
			t.Error("the server's log does not say so")
		}
		// What is whole again says nothing.
		p.answers(func(a http.ResponseWriter) { _, _ = a.Write(w.idp.SAMLMetadata()) })
		w.clock.Advance(24 * time.Hour)
		w.work(watch)
		if notes := w.saml()["metadata"].(map[string]any)["notes"].([]any); len(notes) != 0 {
			t.Errorf("the notes are %v", notes)
		}
	})
}

// TestWeakKeyOfMetadataIsNotTrusted: a key that was left out signs nobody in.
func TestWeakKeyOfMetadataIsNotTrusted(t *testing.T) {
	t.Parallel()
	x := newTarget(t)
	key, weak := keyPair(t, 1024, x.clock.Now())
	document := withKey(x.idp.SAMLMetadata(), base64.StdEncoding.EncodeToString(weak.Raw))
	if a := x.described(document); a.status != http.StatusOK || !strings.Contains(a.body, "was left out") {
		t.Fatalf("%d %s", a.status, a.body)
	}
	b := x.browser()
	_, id, relayState := request(t, b.get(x.sp(x.connection, "/login")))
	forged := newGenuine(t, x.clock.Now(), x.connection.IDPEntityID, x.sp(x.connection, "/acs"),
		x.sp(x.connection, "/metadata"), id)
	forged.key, forged.certificate = key, weak
	form := map[string][]string{"SAMLResponse": {posted(text(t, forged.signed(places[0])))},
		"RelayState": {relayState}}
	x.refused(x.tenant, b.post(x.sp(x.connection, "/acs"), form), string(saml.WrongKey))
}

// TestMetadataThatCannotBeUsedSaysWhy has what administrators send, and the sentence that they
// read.
func TestMetadataThatCannotBeUsedSaysWhy(t *testing.T) {
	t.Parallel()
	w := one(t)
	good := string(w.idp.SAMLMetadata())
	begin, end := strings.Index(good, "X509Certificate>")+16, strings.Index(good, "</ds:X509Certificate")
	if begin < 16 || end < begin {
		t.Fatalf("no certificate in %s", good)
	}
	instead := func(text string) string { return good[:begin] + text + good[end:] }
	for name, c := range map[string]struct {
		document, want string
	}{
		"only a weak key": {instead(weakCertificate(w)), "It has: an RSA key of 1024 bits"},
		"broken base64":   {instead("MII*"), "It has: text that is not base64"},
		"a declaration": {`<?xml version="1.0" encoding="ISO-8859-1"?>` + good[strings.Index(good,
			"<md:"):], ""},
		"something else": {`<a xmlns="urn:b"/>`, "Received: {urn:b}a."},
		"too many elements": {strings.Replace(good, "</md:EntityDescriptor>", strings.Repeat("<a/>",
			6000)+"</md:EntityDescriptor>", 1), "cut the one EntityDescriptor"},
		"an entity of HTML": {strings.Replace(good, "</md:EntityDescriptor>", "&nbsp;</md:EntityDescriptor>",
			1), "&nbsp;"},
		"a tree of a browser": {"This XML file does not appear to have any style information.\n" +
			good[strings.Index(good, "<md:"):], "Received: This XML file"},
		"a Location that is none": {strings.ReplaceAll(good, `Location="https`, `Location="ftp`), "It has: ftp://"},
	} {
		t.Run(name, func(t *testing.T) {
			a := w.described(c.document)
			if c.want == "" && a.status == http.StatusOK {
				return
			}
			message := fmt.Sprint(a.object(t))
			if a.status != http.StatusUnprocessableEntity || !strings.Contains(message, c.want) ||
				strings.Contains(message, "forge") || strings.Contains(message, "attribute values") {
				t.Errorf("%d %s, want %q", a.status, message, c.want)
			}
		})
	}
}
