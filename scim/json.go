package scim

import (
	"encoding/json"
	"iter"
	"strings"
)

// The functions here read JSON that the model stored. It was valid when it was written, so they
// only look where values begin and end; of text that is no JSON they yield less, or nonsense.

// members yields the members of an object: the name with its quotes, and the value.
func members(object string) iter.Seq2[string, string] {
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

// elements yields the elements of a list.
func elements(list string) iter.Seq[string] {
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

// stringEnd returns where the string whose text begins at i has its closing quote. Most of a document is
// strings, and this finds the quote a machine word at a time.
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

// unquote decodes a string of JSON.
func unquote(quoted string) string {
	if strings.IndexByte(quoted, '\\') < 0 {
		return strings.Trim(quoted, `"`)
	}
	var s string
	_ = json.Unmarshal([]byte(quoted), &s) // what is no string is empty
	return s
}

// appendString appends a string as JSON.
func appendString(b []byte, s string) []byte {
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
