package trust

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"rollcall/model"
	"rollcall/sso/saml"
	"rollcall/web"
)

// cutOut is the way out of every limit of metadata.
const cutOut = " If it is of a whole federation, cut the one EntityDescriptor of your identity provider out of it, " +
	"with the declarations of namespaces from the top, and paste that."

// metadataAdvice has a text for the reasons of package saml that are about metadata, where the text
// for a sign-in would be wrong: nobody signs in, and what is there is a file.
var metadataAdvice = map[saml.Reason]string{
	saml.TooLarge:          "The metadata is larger than 1 MiB." + cutOut,
	saml.TooManyElements:   "The metadata has more than 5,000 elements." + cutOut,
	saml.TooDeep:           "Elements of the metadata are nested deeper than 32 levels." + cutOut,
	saml.TooManyAttributes: "An element of the metadata has more than 32 XML attributes." + cutOut,
	saml.NotUTF8: "The file is in an encoding that is not read here. Open it in an editor and save it as UTF-8, or " +
		"paste its text.",
	saml.NotXML: "The metadata is not well-formed XML. Copy or download it again, unchanged and whole: a browser " +
		"that shows XML as a tree adds signs of its own, so save the page's source.",
	saml.Doctype: "The metadata has a document type declaration (DOCTYPE), which is not read. Remove that line.",
	saml.Entity: "The metadata uses an entity that XML does not predefine, such as &nbsp;. Replace it by the " +
		"character itself.",
	saml.CDATA:              "There is a CDATA section outside of the metadata's elements. Remove it.",
	saml.DuplicateAttribute: "An element of the metadata has the same XML attribute twice. Remove one of them.",
	saml.SecondRoot: "There is something after the end of the metadata, perhaps a second document. Paste one " +
		"EntityDescriptor alone.",
	saml.TextOutsideRoot: "There is text before or after the metadata. Paste the XML document alone.",
	saml.ParserFailed:    "The metadata could not be read. Report it with the document.",
	saml.NotMetadata: "That is not SAML metadata. Paste the XML that begins with EntityDescriptor or " +
		"EntitiesDescriptor, unchanged.",
	saml.WeakKey: "The metadata has no signing certificate that can be trusted: the key is too weak or far too long. " +
		"Renew it at the identity provider with RSA of 2048 to 8192 bits or ECDSA on P-256, P-384 or P-521.",
	saml.UnsupportedKey: "The metadata has no signing certificate that can be used: its kind of key is not " +
		"understood. Choose RSA, or ECDSA on P-256, P-384 or P-521, at the identity provider.",
	saml.BadCertificate: "The metadata has no signing certificate that can be read. Download it from the identity " +
		"provider again.",
}

// adviceMetadata says what to do about metadata that was refused.
func adviceMetadata(reason saml.Reason) string {
	return cmp.Or(metadataAdvice[reason], adviceSAML(reason))
}

// explainMetadata is the advice for the administrator who named the refused metadata. It quotes
// what was received only where that is a part of SAML metadata: the answer of any other address is
// not for the administrator to read.
func explainMetadata(r *saml.Refused) string {
	advice, received := adviceMetadata(r.Reason), strings.ToValidUTF8(r.Received, "")
	switch r.Reason {
	case saml.MetadataOfSeveral, saml.MetadataWithoutChosen:
		return advice + " There are: " + received
	case saml.MetadataExpired, saml.MetadataBadAddress, saml.WeakKey, saml.UnsupportedKey, saml.BadCertificate:
		return advice + " It has: " + received
	}
	return advice
}

// explainPasted is explainMetadata for a document that the administrator has: all of it may be
// quoted.
func explainPasted(r *saml.Refused) string {
	text := explainMetadata(r)
	switch r.Reason {
	case saml.NotXML, saml.Doctype, saml.Entity, saml.DuplicateAttribute, saml.SecondRoot, saml.TextOutsideRoot,
		saml.NotMetadata, saml.NotUTF8:
		if r.Received != "" {
			text += fmt.Sprintf(" Received: %s.", strings.ToValidUTF8(r.Received, ""))
		}
		if r.Reason == saml.NotXML && r.Expected != "" {
			text += fmt.Sprintf(" Expected: %s.", r.Expected)
		}
	}
	return text
}

// maxNotes is how many parts that were left out a connection remembers.
const maxNotes = 10

// leftOut says which parts of metadata were left out, and why.
func leftOut(parts []saml.LeftOut) []string {
	notes := []string{}
	for i, p := range parts {
		if i == maxNotes {
			return append(notes, fmt.Sprintf("%d more parts were left out.", len(parts)-i))
		}
		notes = append(notes, fmt.Sprintf("%s was left out: %s, where %s is needed.",
			p.Part, cmp.Or(p.Refused.Received, "nothing"), p.Refused.Expected))
	}
	return notes
}

// fetchMetadata fetches metadata. Its error says what to do about a document that is too large.
func fetchMetadata(ctx context.Context, from *web.Outbound, address string) ([]byte, error) {
	document, err := from.Fetch(ctx, address, saml.MetadataAccept)
	refused, ok := errors.AsType[*model.Error](err)
	if !ok {
		return document, err
	}
	if cause, ok := errors.AsType[*model.Error](refused.Err); ok && cause.Kind == model.TooLarge {
		return nil, &model.Error{Kind: model.Invalid, Message: refused.Message + cutOut, Err: err}
	}
	return nil, err
}
