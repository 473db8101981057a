package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Stringified returns valid JSON as JSON.stringify(JSON.parse(text)) writes it in ECMAScript:
// compact, with numbers as doubles, with keys that are array indices before the others, with the
// last of several members of one name, and with no escapes but those that JSON.stringify makes. The
// reference's SDKs verify the signature of an event over such a text.
func Stringified(text []byte) []byte {
	s := stringifier{in: text, out: make([]byte, 0, len(text))}
	s.value()
	return s.out
}

// Stringify writes an object as JSON, as Stringified does.
func Stringify(object any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(object); err != nil {
		return nil, fmt.Errorf("encode %T: %w", object, err)
	}
	return Stringified(b.Bytes()), nil
}

// stringifier copies JSON from in to out.
type stringifier struct {
	in  []byte
	at  int // of the next byte of in
	out []byte
}

// next skips space and returns the next byte, or 0 at the end.
func (s *stringifier) next() byte {
	for s.at < len(s.in) && bytes.IndexByte([]byte(" \t\r\n"), s.in[s.at]) >= 0 {
		s.at++
	}
	if s.at == len(s.in) {
		return 0
	}
	return s.in[s.at]
}

func (s *stringifier) value() {
	switch s.next() {
	case '{':
		s.object()
	case '[':
		s.array()
	case '"':
		s.text()
	default:
		s.word()
	}
}

// list calls element for each element up to the closing byte.
func (s *stringifier) list(closing byte, element func()) {
	s.out = append(s.out, s.in[s.at])
	s.at++
	for first := true; ; first = false {
		b := s.next()
		if b == ',' {
			s.at++
			b = s.next()
		}
		if b == closing || b == 0 {
			break
		}
		if !first {
			s.out = append(s.out, ',')
		}
		element()
	}
	s.at = min(s.at+1, len(s.in))
	s.out = append(s.out, closing)
}

func (s *stringifier) array() { s.list(']', s.value) }

// member is where a member of an object is in out, and where its name ends.
type member struct{ start, colon, end int }

func (s *stringifier) object() {
	var members []member
	start := len(s.out) + 1
	s.list('}', func() {
		m := member{start: len(s.out)}
		s.text()
		m.colon = len(s.out)
		if s.next() == ':' {
			s.at++
		}
		s.out = append(s.out, ':')
		s.value()
		m.end = len(s.out)
		members = append(members, m)
	})
	if s.isOrdered(members) {
		return
	}
	ordered := s.ordered(members)
	written := slices.Clone(s.out[start:])
	s.out = s.out[:start]
	for i, m := range ordered {
		if i > 0 {
			s.out = append(s.out, ',')
		}
		s.out = append(s.out, written[m.start-start:m.end-start]...)
	}
	s.out = append(s.out, '}')
}

// name returns the name of a member with its quotes.
func (s *stringifier) name(m member) []byte { return s.out[m.start:m.colon] }

// isOrdered returns whether it is plain that ordered would return the same. Most objects have few
// members, and none of their names begins with a digit.
func (s *stringifier) isOrdered(members []member) bool {
	const few = 16
	if len(members) > few {
		return false
	}
	for i, m := range members {
		name := s.name(m)
		if name[1] >= '0' && name[1] <= '9' {
			return false
		}
		if slices.ContainsFunc(members[:i], func(b member) bool { return bytes.Equal(s.name(b), name) }) {
			return false
		}
	}
	return true
}

// ordered returns the members as an object of ECMAScript enumerates them: one of each name, the
// array indices first and ascending, the others in the order in which their names came.
func (s *stringifier) ordered(members []member) []member {
	name := func(m member) string { return string(s.name(m)) }
	place := make(map[string]int, len(members))
	var indices, others []member
	for _, m := range members {
		list := &others
		if _, ok := arrayIndex(name(m)); ok {
			list = &indices
		}
		if i, again := place[name(m)]; again {
			(*list)[i] = m
			continue
		}
		place[name(m)] = len(*list)
		*list = append(*list, m)
	}
	slices.SortFunc(indices, func(a, b member) int {
		i, _ := arrayIndex(name(a))
		j, _ := arrayIndex(name(b))
		return int(i - j)
	})
	return append(indices, others...)
}

// arrayIndex reads a name that is an array index (ECMA-262, section 6.1.7), with its quotes.
func arrayIndex(quoted string) (int64, bool) {
	digits := quoted[1 : len(quoted)-1]
	if digits == "" || len(digits) > 10 || digits[0] == '0' && digits != "0" || digits[0] < '0' || digits[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil && n < math.MaxUint32
}

// word copies a number, true, false or null.
func (s *stringifier) word() {
	start := s.at
	for s.at < len(s.in) && bytes.IndexByte([]byte(" \t\r\n,:]}"), s.in[s.at]) < 0 {
		s.at++
	}
	word := s.in[start:s.at]
	if len(word) == 0 || word[0] != '-' && (word[0] < '0' || word[0] > '9') {
		s.out = append(s.out, word...)
		if len(word) == 0 {
			s.at = min(s.at+1, len(s.in)) // no JSON
		}
		return
	}
	n, _ := strconv.ParseFloat(string(word), 64) // beyond the range it is infinite
	s.out = appendNumber(s.out, n)
}

// appendNumber writes a number as Number::toString does (ECMA-262, section 6.1.6.1.20).
func appendNumber(b []byte, n float64) []byte {
	switch size := math.Abs(n); {
	case math.IsInf(n, 0):
		return append(b, "null"...)
	case size == 0:
		return append(b, '0') // of -0, too
	case size >= 1e-6 && size < 1e21:
		return strconv.AppendFloat(b, n, 'f', -1, 64)
	}
	b = strconv.AppendFloat(b, n, 'e', -1, 64)
	// Go writes e-07 where ECMAScript writes e-7.
	if n := len(b); b[n-2] == '0' && b[n-4] == 'e' {
		b[n-2] = b[n-1]
		b = b[:n-1]
	}
	return b
}

// text copies a string with the escapes of QuoteJSONString (ECMA-262, section 25.5.2.2).
func (s *stringifier) text() {
	s.out = append(s.out, '"')
	for s.at++; s.at < len(s.in) && s.in[s.at] != '"'; {
		if s.in[s.at] != '\\' || s.at+1 == len(s.in) {
			s.out = append(s.out, s.in[s.at])
			s.at++
			continue
		}
		switch c := s.in[s.at+1]; c {
		case 'u':
			s.unit()
			continue
		case '/':
			s.out = append(s.out, '/')
		default:
			s.out = append(s.out, '\\', c)
		}
		s.at += 2
	}
	s.at = min(s.at+1, len(s.in))
	s.out = append(s.out, '"')
}

// unit copies an escaped UTF-16 code unit, or two of them that are one character.
func (s *stringifier) unit() {
	r, ok := escaped(s.in[s.at:])
	s.at = min(s.at+6, len(s.in))
	if second, pair := escaped(s.in[s.at:]); ok && pair && utf16.DecodeRune(r, second) != utf8.RuneError {
		s.out = utf8.AppendRune(s.out, utf16.DecodeRune(r, second))
		s.at += 6
		return
	}
	const hex = "0123456789abcdef"
	switch i := bytes.IndexRune([]byte("\"\\\b\f\n\r\t"), r); {
	case utf16.IsSurrogate(r):
		s.out = append(s.out, '\\', 'u', 'd', hex[r>>8&15], hex[r>>4&15], hex[r&15])
	case i >= 0:
		s.out = append(s.out, '\\', `"\bfnrt`[i])
	case r < ' ':
		s.out = append(s.out, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
	default:
		s.out = utf8.AppendRune(s.out, r)
	}
}

// escaped reads \uXXXX at the beginning of a text.
func escaped(text []byte) (rune, bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	return rune(n), err == nil
}
