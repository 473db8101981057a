package saml

import "unicode/utf8"

// character skips one character of text or of an attribute's value.
func (s *scanner) character() error {
	b := s.doc[s.pos]
	switch {
	case b == '&':
		return s.reference()
	case b < 0x20 && !isSpace(b):
		return s.malformed("no control character")
	case b < utf8.RuneSelf:
		s.pos++
		return nil
	}
	r, size := utf8.DecodeRune(s.doc[s.pos:])
	if r == '\uFFFE' || r == '\uFFFF' {
		return s.malformed("a character of XML")
	}
	s.pos += size
	return nil
}

// reference skips one of the five predefined entities (XML §4.6), or a character reference (§4.1).
func (s *scanner) reference() error {
	for _, known := range [...]string{"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"} {
		if s.at(known) {
			s.pos += len(known)
			return nil
		}
	}
	if !s.at("&#") {
		return refuse(Entity, "no entities", string(s.around()))
	}
	// Parsers differ about many leading zeros. The longest reference without them is &#x10FFFF;.
	const longest = 10
	for end := s.pos + 2; end < len(s.doc) && end < s.pos+longest; end++ {
		switch b := s.doc[end]; {
		case b == ';' && end > s.pos+2:
			s.pos = end + 1
			return nil
		case b == 'x' && end == s.pos+2, '0' <= b && b <= '9', 'a' <= b && b <= 'f', 'A' <= b && b <= 'F':
			continue
		}
		break
	}
	return s.malformed("a character's number")
}

// name reads a qualified name: at most one colon, with a name on both sides. It accepts every
// character beyond ASCII, and the parser checks those.
func (s *scanner) name() ([]byte, error) {
	start, colon := s.pos, -1
	for s.pos < len(s.doc) {
		b := s.doc[s.pos]
		switch {
		case b == ':':
			if colon >= 0 || s.pos == start {
				return nil, s.malformed("a qualified name")
			}
			colon = s.pos
		case isNameStart(b):
		case s.pos > start && s.pos != colon+1 && (b == '-' || b == '.' || '0' <= b && b <= '9'):
		default:
			return s.finishName(start, colon)
		}
		s.pos++
	}
	return s.finishName(start, colon)
}

// finishName returns the name from start to the current position, unless a part of it is empty.
func (s *scanner) finishName(start, colon int) ([]byte, error) {
	if s.pos == start || s.pos == colon+1 {
		return nil, s.malformed("a name")
	}
	return s.doc[start:s.pos], nil
}

// space skips white space and reports whether there was any.
func (s *scanner) space() bool {
	start := s.pos
	for s.pos < len(s.doc) && isSpace(s.doc[s.pos]) {
		s.pos++
	}
	return s.pos > start
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }

func isNameStart(b byte) bool {
	return b == '_' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || b >= utf8.RuneSelf
}
