package saml

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// metadataText returns the text of a file of metadata. XML §2.2 demands that UTF-8 and UTF-16 are
// read; PowerShell writes the latter. Old tools name an encoding of one byte.
func metadataText(document []byte) (string, error) {
	document = bytes.TrimLeft(document, " \t\r\n")
	utf16 := func(order unicode.Endianness) (string, error) {
		return decodeText(document, unicode.UTF16(order, unicode.UseBOM), "UTF-16")
	}
	switch {
	case bytes.HasPrefix(document, []byte("\xef\xbb\xbf")):
		return decodeText(document[3:], encoding.Nop, "UTF-8")
	case bytes.HasPrefix(document, []byte("\xff\xfe")), bytes.HasPrefix(document, []byte("<\x00")):
		return utf16(unicode.LittleEndian)
	case bytes.HasPrefix(document, []byte("\xfe\xff")), bytes.HasPrefix(document, []byte("\x00<")):
		return utf16(unicode.BigEndian)
	}
	declared := declaredEncoding(document)
	if single := singleByte(declared); single != nil {
		return decodeText(document, single, declared)
	}
	// .NET writes encoding="utf-16" into texts that are then stored in UTF-8. What is UTF-8 is
	// hardly ever something else.
	return decodeText(document, encoding.Nop, declared)
}

// decodeText decodes a document, and refuses what is not of the encoding.
func decodeText(document []byte, from encoding.Encoding, name string) (string, error) {
	decoded, err := from.NewDecoder().Bytes(document)
	if err != nil || !utf8.Valid(decoded) {
		if name == "" {
			name = "UTF-8"
		}
		return "", &Refused{
			Reason: NotUTF8, Expected: "UTF-8 or UTF-16", Received: shorten("bytes that are not " + name), Err: err,
		}
	}
	return string(decoded), nil
}

// declaredEncoding returns the encoding that an XML declaration names, in lower case.
func declaredEncoding(document []byte) string {
	declaration, _, found := bytes.Cut(document, []byte("?>"))
	if !found || !bytes.HasPrefix(declaration, []byte("<?xml")) {
		return ""
	}
	_, after, _ := strings.Cut(strings.ToLower(string(declaration)), "encoding")
	name, _, _ := strings.Cut(strings.TrimLeft(after, "= \t\r\n\"'"), string(`"`))
	name, _, _ = strings.Cut(name, "'")
	return strings.TrimSpace(name)
}

// singleByte returns the encoding of one byte with a name such as iso-8859-1, or nil.
func singleByte(name string) encoding.Encoding {
	plain := strings.NewReplacer("-", "", "_", "", " ", "").Replace
	switch plain(name) {
	case "latin1":
		name = "iso88591"
	case "cp1252":
		name = "windows1252"
	}
	for _, known := range charmap.All {
		if plain(strings.ToLower(fmt.Sprint(known))) == plain(name) {
			return known
		}
	}
	return nil
}

// withoutDeclaration removes the XML declaration of a text, and what stands before it.
func withoutDeclaration(text string) string {
	text = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text), "\ufeff"))
	if strings.HasPrefix(text, "<?xml") && len(text) > 5 && isSpace(text[5]) {
		if _, after, found := strings.Cut(text, "?>"); found {
			return strings.TrimSpace(after)
		}
	}
	return text
}
