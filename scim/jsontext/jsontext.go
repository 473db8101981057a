// Package jsontext looks into JSON text without decoding it. The text was valid when it was stored,
// so the package only finds where values begin and end. Of text that is not JSON it yields less, or
// nonsense, but it always ends.
package jsontext

import (
	"encoding/json"
	"iter"
	"strings"
)

// Members yields the members of an object: the name with its quotes, and the value.
func Members(object string) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for i := skip(object, 1); i < len(object) && object[i] == '"'; i = skip(object, i) {
			end := valueEnd(object, i)
			name := object[i:end]
			i = skip(object, end)
			end = valueEnd(object, i)
			if i >= end || !yield(name, object[i:end]) {
				return
			}
			i = end
		}
	}
}

// Elements yields the elements of a list.
func Elements(list string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := skip(list, 1); i < len(list) && list[i] != ']'; i = skip(list, i) {
			end := valueEnd(list, i)
			if i >= end || !yield(list[i:end]) {
				return
			}
			i = end
		}
	}
}

// AppendReplacing appends text to b, but in place of each string, be it a name or a value, what
// replace appends. The string has its quotes; the last one is missing where the text ends early.
func AppendReplacing(b []byte, text string, replace func(b []byte, quoted string) []byte) []byte {
	for i := 0; i < len(text); {
		if text[i] != '"' { // mostly a few characters between two strings
			b = append(b, text[i])
			i++
			continue
		}
		end := min(stringEnd(text, i+1)+1, len(text))
		b = replace(b, text[i:end])
		i = end
	}
	return b
}

// skip passes over space, commas and colons.
func skip(text string, i int) int {
	for i < len(text) && strings.IndexByte(" \t\r\n,:", text[i]) >= 0 {
		i++
	}
	return i
}

// valueEnd returns where the value that begins at i ends.
func valueEnd(text string, i int) int {
	for depth := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			if i = stringEnd(text, i+1); depth == 0 {
				return min(i+1, len(text))
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth <= 0 {
				return i + 1 + min(depth, 0)
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
		}
	}
	return len(text)
}

// stringEnd returns where the string whose text begins at i has its closing quote. Most of a
// document is strings, and IndexByte reads several bytes at a time.
func stringEnd(text string, i int) int {
	for i < len(text) {
		n := strings.IndexByte(text[i:], '"')
		if n < 0 {
			break
		}
		end := i + n
		escapes := end
		for escapes > i && text[escapes-1] == '\\' {
			escapes--
		}
		if (end-escapes)%2 == 0 {
			return end
		}
		i = end + 1
	}
	return len(text)
}

// Unquote decodes a string of JSON.
func Unquote(quoted string) string {
	if strings.IndexByte(quoted, '\\') < 0 {
		return strings.Trim(quoted, `"`)
	}
	var s string
	_ = json.Unmarshal([]byte(quoted), &s) // what is no string is empty
	return s
}

// AppendString appends a string as JSON.
func AppendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) // a string never fails
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
