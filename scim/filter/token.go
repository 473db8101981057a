package filter

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// space skips spaces, the only white space of the grammar.
func (p *parser) space() {
	for p.i < len(p.s) && p.s[p.i] == ' ' {
		p.i++
	}
}

// take skips spaces and the byte c after them. If another byte is there, it skips nothing.
func (p *parser) take(c byte) bool {
	i := p.i
	for i < len(p.s) && p.s[i] == ' ' {
		i++
	}
	if i == len(p.s) || p.s[i] != c {
		return false
	}
	p.i = i + 1
	return true
}

// keyword skips spaces, and the word w in any case after them. If another word is there, it skips
// the spaces only.
func (p *parser) keyword(w string) bool {
	p.space()
	if found := p.word(); len(found) != len(w) || !strings.EqualFold(found, w) {
		return false
	}
	p.i += len(w)
	return true
}

// word returns the name or keyword at p.i without skipping it.
func (p *parser) word() string {
	i := p.i
	for i < len(p.s) && isPathByte(p.s[i]) {
		i++
	}
	return p.s[p.i:i]
}

// value reads the value of a comparison: a JSON string, number, boolean or null. RFC 7644 §3.4.2.2
// spells the words in lower case only; clients write True as well.
func (p *parser) value() (any, error) {
	at := p.i
	p.space()
	if p.i == len(p.s) || p.i == at {
		return nil, p.expected(aValue)
	}
	if p.s[p.i] == '"' {
		return p.quoted()
	}
	start, word := p.i, ""
	if p.loose {
		word = p.bare()
	}
	v, err := p.unquoted()
	whole := err == nil && p.i == start+len(word) // the RFC's value is all of the word
	switch {
	case word == "" || whole && v == nil:
		return v, err
	case !whole:
		v = nil
	}
	p.i = start + len(word)
	return Word{Text: word, Value: v}, nil
}

// aValue is what a comparison lacks that has none.
const aValue = `a value: text in double quotes, a number, true, false or null`

// unquoted reads a value that has no quotes by the RFC.
func (p *parser) unquoted() (any, error) {
	switch c := p.s[p.i]; {
	case c == '-' || isDigit(c):
		return p.number()
	case p.keyword("true"):
		return true, nil
	case p.keyword("false"):
		return false, nil
	case p.keyword("null"):
		return nil, nil
	}
	return nil, p.expected(aValue)
}

// bare returns the text at p.i up to the next space, parenthesis or bracket. It is empty where the
// text begins with a quotation mark of another kind or has one in it: to take that mark for a part
// of the value would find nobody, and the client would create the person again.
func (p *parser) bare() string {
	word := p.s[p.i:]
	if end := strings.IndexAny(word, " ()[]"); end >= 0 {
		word = word[:end]
	}
	first, _ := utf8.DecodeRuneInString(word)
	mark := func(r rune) bool { return r < ' ' || r == '"' }
	if strings.ContainsRune("'`´‘’‚“”„«»‹›", first) || strings.ContainsFunc(word, mark) {
		return ""
	}
	return word
}

// quoted reads the string whose opening quote is the next byte.
func (p *parser) quoted() (any, error) {
	start := p.i
	escaped := false
	for i := start + 1; i < len(p.s); i++ {
		switch c := p.s[i]; {
		case c == '\\':
			escaped = true
			i++
		case c < ' ':
			return nil, &Error{Offset: i, Message: "a control character must be escaped"}
		case c == '"':
			p.i = i + 1
			if !escaped {
				return p.s[start+1 : i], nil
			}
			return unescape(p.s[start:p.i], start)
		}
	}
	return nil, &Error{Offset: start, Message: "the string has no closing quote"}
}

// unescape decodes a quoted string. start is its offset in the input, for errors.
func unescape(quoted string, start int) (any, error) {
	var s string
	if json.Unmarshal([]byte(quoted), &s) != nil {
		const unknown = `the string has an escape that JSON does not know; write a backslash as \\`
		return nil, &Error{Offset: start, Message: unknown}
	}
	if strings.IndexByte(s, 0) >= 0 {
		return nil, &Error{Offset: start, Message: `the string must not contain \u0000`}
	}
	return s, nil
}

// number reads a number: an int if it is whole and fits, else a float64.
func (p *parser) number() (any, error) {
	start, word := p.i, p.word()
	p.i += len(word)
	// JSON has no leading zero or plus sign, and no period without digits on both sides.
	if !json.Valid([]byte(word)) {
		p.i = start
		return nil, p.expected("a number, or text in double quotes")
	}
	if n, err := strconv.Atoi(word); err == nil {
		return n, nil
	}
	f, err := strconv.ParseFloat(word, 64)
	if err != nil {
		return nil, &Error{Offset: start, Message: "the number is out of range"}
	}
	return f, nil
}

// expected returns the error for an input that lacks what at p.i. It names what was found there. It
// does not show the content of a string, which may be personal data.
func (p *parser) expected(what string) error {
	p.space()
	found := "the end"
	if p.i < len(p.s) {
		switch word := p.word(); {
		case word == "" && p.s[p.i] == '"':
			found = "a string"
		case word == "":
			r, _ := utf8.DecodeRuneInString(p.s[p.i:])
			found = strconv.Quote(string(r))
		case len(word) > 20:
			found = strconv.Quote(word[:20] + "…")
		default:
			found = strconv.Quote(word)
		}
	}
	return &Error{Offset: p.i, Message: fmt.Sprintf("expected %s, found %s", what, found)}
}

// isName reports whether s is an ATTRNAME of RFC 7643 §2.1, or one that starts with "$", as $ref
// does.
func isName(s string) bool {
	if s != "" && s[0] == '$' {
		s = s[1:]
	}
	if s == "" || !isLetter(s[0]) {
		return false
	}
	for i := range len(s) {
		if !isNameByte(s[i]) {
			return false
		}
	}
	return true
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }

func isNameByte(c byte) bool {
	return isLetter(c) || isDigit(c) || c == '-' || c == '_' || c == '$'
}

// isPathByte reports whether c may occur in an attribute path. The URN in it may have any character
// of RFC 8141 except parentheses: Okta names custom schemas like urn:okta:an_app:1.0:user:custom.
func isPathByte(c byte) bool {
	return isNameByte(c) || strings.IndexByte(":.~%/+@=!*&;,'", c) >= 0
}
