package saml_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"os"
	"path/filepath"
	"testing"

	"github.com/beevik/etree"

	"rollcall/sso/saml"
)

// TestCanonicalFormIsThatOfAnotherImplementation reads documents with the digests that xmlsec1,
// whose canonicalizer is libxml2's, calculated of the elements in them. TestInteropCanonicalForm
// makes such documents by the thousand; the recorded ones are its own.
func TestCanonicalFormIsThatOfAnotherImplementation(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/c14n/*.xml")
	if err != nil || len(files) == 0 {
		t.Fatalf("got the files %q, %v", files, err)
	}
	for _, file := range files {
		document, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if n := compareDigests(t, document); n < 50 {
			t.Errorf("%s has only %d digests", file, n)
		}
	}
}

// compareDigests compares the digests in the References of a document with those of our canonical
// form, and returns how many there are.
func compareDigests(t *testing.T, document []byte) (compared int) {
	t.Helper()
	d := etree.NewDocument()
	if err := d.ReadFromBytes(document); err != nil {
		t.Fatal(err)
	}
	canonicalize, err := saml.Canonicalizer(document)
	if err != nil {
		t.Fatal(err)
	}
	for _, reference := range d.FindElements("//Reference") {
		id, prefixes := reference.SelectAttrValue("URI", "#")[1:], ""
		if list := reference.FindElement("./Transforms/Transform/InclusiveNamespaces"); list != nil {
			prefixes = list.SelectAttrValue("PrefixList", "")
		}
		canonical, err := canonicalize(id, prefixes)
		if err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		sum := sha256.Sum256(canonical)
		got := base64.StdEncoding.EncodeToString(sum[:])
		if want := reference.FindElement("./DigestValue").Text(); got != want {
			_, source, _ := bytes.Cut(document, []byte(`<doc ID="`+id+`"`))
			source, _, _ = bytes.Cut(source, []byte("<doc ID="))
			t.Errorf("%s with the prefixes %q:\n%s\nbecame\n%s", id, prefixes, source, canonical)
		}
		compared++
	}
	return compared
}

// TestCanonicalFormOfWhatHasNone: two readers could differ about these, so that none is accepted.
func TestCanonicalFormOfWhatHasNone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		document string
		want     saml.Reason
	}{
		"a prefix of an element that nobody declares":   {`<a:b ID="d"/>`, saml.NotXML},
		"a prefix of an attribute that nobody declares": {`<b ID="d" a:c=""/>`, saml.NotXML},
		"a prefix that is undeclared": {
			`<a xmlns:p="urn:p"><b xmlns:p="" ID="d"/></a>`, saml.RelativeNamespace},
		"the prefix xmlns":                     {`<b xmlns:xmlns="urn:p" ID="d"/>`, saml.NotXML},
		"another namespace for the prefix xml": {`<b xmlns:xml="urn:p" ID="d"/>`, saml.NotXML},
		"another prefix for the namespace of xml": {
			`<b xmlns:p="http://www.w3.org/XML/1998/namespace" ID="d"/>`, saml.NotXML},
		"the namespace of xml for no prefix": {
			`<b xmlns="http://www.w3.org/XML/1998/namespace" ID="d"/>`, saml.NotXML},
		"a prefix for the namespace of xmlns": {`<b xmlns:p="http://www.w3.org/2000/xmlns/" ID="d"/>`, saml.NotXML},
		"one attribute by two prefixes": {
			`<b xmlns:p="urn:p" xmlns:q="urn:p" p:a="1" q:a="2" ID="d"/>`, saml.DuplicateAttribute},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := saml.Canonicalizer([]byte(c.document))
			wantReason(t, err, c.want)
		})
	}
}
