package saml_test

import (
	"strings"
	"testing"

	"rollcall/sso/saml"
)

// What is checked before the parser reads a document must see the same markup as the parser: limits
// and forbidden markup are hidden behind whatever only one of the two takes for a comment, a value
// or the end of a tag.
func TestMarkupThatIsReadBeforeTheParser(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		document string
		want     saml.Reason
	}{
		"an element":                      {"<a/>", ""},
		"a declaration":                   {`<?xml version="1.0"?><a/>`, ""},
		"as large as may be":              {"<a/>" + strings.Repeat("\n", 508), ""},
		"one byte more":                   {"<a/>" + strings.Repeat("\n", 509), saml.TooLarge},
		"as many elements as may be":      {"<a><b/><b/><b/><b/></a>", ""},
		"one element more":                {"<a><b/><b/><b/><b/><b/></a>", saml.TooManyElements},
		"as deep as may be":               {"<a><a><a/></a></a>", ""},
		"one level more":                  {"<a><a><a><a/></a></a></a>", saml.TooDeep},
		"as many attributes as may be":    {`<a b="" c="" d=""/>`, ""},
		"one attribute more":              {`<a b="" c="" d="" e=""/>`, saml.TooManyAttributes},
		"an attribute twice":              {`<a b="" b=""/>`, saml.DuplicateAttribute},
		"no space between attributes":     {`<a b=""c=""/>`, saml.NotXML},
		"an end in a tag's space":         {"<a ", saml.NotXML},
		"an end in a value":               {`<a b="`, saml.NotXML},
		"an end in a value's reference":   {`<a b="&#1`, saml.NotXML},
		"less-than in a value":            {`<a b="<"/>`, saml.NotXML},
		"a value without quotes":          {`<a b=c/>`, saml.NotXML},
		"text before":                     {"x<a/>", saml.TextOutsideRoot},
		"text behind":                     {"<a/>x", saml.TextOutsideRoot},
		"space around":                    {"\r\n\t <a/> ", ""},
		"no markup at all":                {"text", saml.NotXML},
		"an end of CDATA in text":         {"<a>]]></a>", saml.NotXML},
		"brackets in text":                {"<a>]]]> ]</a>", saml.NotXML},
		"brackets that end nothing":       {"<a>]] ></a>", ""},
		"a control character":             {"<a>\x1f</a>", saml.NotXML},
		"white space":                     {"<a>\t\r\n </a>", ""},
		"a control character in a value":  {"<a b='\x01'/>", saml.NotXML},
		"a character that XML has not":    {"<a>\uffff</a>", saml.NotXML},
		"a character beyond ASCII":        {"<\u00e4>\u0080</\u00e4>", ""},
		"an entity of the document's own": {"<a>&e;</a>", saml.Entity},
		"an entity in a value":            {`<a b="&e;"/>`, saml.Entity},
		"entities of XML":                 {"<a b='&amp;&lt;'>&gt;&quot;&apos;</a>", ""},
		"a document type":                 {"<!DOCTYPE a><a/>", saml.Doctype},
		"a comment":                       {"<a><!-- --></a>", saml.Comment},
		"an instruction":                  {"<a><?b?></a>", saml.ProcessingInstruction},
		"a CDATA section":                 {"<a><![CDATA[]]></a>", saml.CDATA},
		"a second element":                {"<a/><a/>", saml.SecondRoot},
		"another end tag":                 {"<a></b>", saml.NotXML},
		"no end tag":                      {"<a>", saml.NotXML},
		"an end tag with space":           {"<a></a >", ""},
		"an end tag with more":            {"<a></a b=''>", saml.NotXML},
		"an end tag alone":                {"</a>", saml.NotXML},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantReason(t, saml.Precheck(c.document, false), c.want)
		})
	}
}

// Parsers differ about names with an empty part and about numbers with leading zeros, and a
// signature may be made over what one of them reads.
func TestNamesAndNumbersOfCharacters(t *testing.T) {
	t.Parallel()
	for want, documents := range map[saml.Reason][]string{
		"": {
			"<a/>", "<_/>", "<Z/>", "<z/>", "<A/>", "<a:b/>", "<a1-.9/>", "<a0:b1/>",
			"<a>&#60;</a>", "<a>&#x3c;</a>", "<a>&#x3C;</a>", "<a>&#xaf;</a>", "<a>&#x0;</a>", "<a>&#1114111;</a>",
			"<a>&#x10FFFF;</a>", "<a>&#9;</a>",
		},
		saml.NotXML: {
			"< a/>", "<1/>", "<-/>", "<./>", "<a:1/>", "<a:-b/>", "<a:/>", "<:a/>", "<a:b:c/>", "<:/>", "<a::b/>",
			"<@/>", "<[/>",
			"<a>&#;</a>", "<a>&#", "<a>&#6", "<a>&#60</a>", "<a>&#xg0;</a>", "<a>&#x`;</a>",
			"<a>&#0x3c;</a>",
			"<a>&#x@;</a>", "<a>&#G;</a>", "<a>&#:;</a>", "<a>&#/;</a>",
			"<a>&#X3c;</a>", "<a>&#x010FFFF;</a>", "<a>&#-1;</a>",
		},
	} {
		for _, document := range documents {
			if got := reasonOf(saml.Precheck(document, false)); got != want {
				t.Errorf("%s: got %q, want %q", document, got, want)
			}
		}
	}
}

// Metadata may have comments and instructions. One ends where the parser ends it: what the check
// passes over and the parser reads would have no limits.
func TestCommentsOfMetadataEndWhereTheParserEndsThem(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("<d>", 3) + strings.Repeat("</d>", 3)
	for name, c := range map[string]struct {
		document string
		want     saml.Reason
	}{
		"a comment":                      {"<!-- - > --><a><!----></a><!---->", ""},
		"an instruction":                 {"<?b c?><a><??></a>", ""},
		"a CDATA section":                {"<a><![CDATA[<]]></a>", ""},
		"a comment without an end":       {"<a><!-- -></a>", saml.NotXML},
		"an instruction without an end":  {"<a><?b ></a>", saml.NotXML},
		"a CDATA section without an end": {"<a><![CDATA[ ]]</a>", saml.NotXML},
		"a CDATA section outside":        {"<![CDATA[]]><a/>", saml.CDATA},
		"a document type":                {"<!DOCTYPE a><a/>", saml.Doctype},
		"an end that is the beginning":   {"<a><!--><?b -->" + deep + "?></a>", saml.TooDeep},
		"nearly an end":                  {"<a><!---><?b -->" + deep + "?></a>", saml.TooDeep},
		"an instruction that is its end": {"<a><?></a>", saml.NotXML},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantReason(t, saml.Precheck(c.document, true), c.want)
		})
	}
}
