// Package filter parses the SCIM filters and paths of RFC 7644 §3.4.2.2 and §3.5.2.
//
// The trees are those of github.com/scim2/filter-parser, so that a reader needs one vocabulary
// only. The parser is our own, for three reasons. filter-parser recurses without a limit, so that
// one long filter overflows the stack and ends the process. It is slow. And it refuses filters that
// identity providers send, such as Entra's emails[type eq "work"].value eq "x".
//
// Names stay as the client spells them; package patch, which knows the schemas, makes them
// canonical. The trees hold more than filter-parser's in these points:
//   - a value path's filter may be any filter without another value path in it;
//   - a comparison after a value path joins its filter: emails[type eq "work"].value eq "x" is
//     emails[type eq "work" and value eq "x"], the same element in both terms;
//   - escapes in strings are decoded, as in JSON.
package filter

import (
	"fmt"
	"unicode/utf8"

	fp "github.com/scim2/filter-parser/v2"
)

// The limits of a filter or path. Input beyond them is refused before it costs CPU time or memory.
const (
	MaxLength = 8 << 10 // bytes
	MaxDepth  = 32      // nested parentheses and brackets
	MaxTerms  = 200     // comparisons
)

// Error is a filter or path that does not parse. Its text says what is wrong and where, and may be
// shown to the client. It never repeats a compared value, which may be personal data.
type Error struct {
	Offset  int    // position of the fault, in bytes from 0
	Message string // what is wrong there, or what was expected
}

// Error returns the message with the offset.
func (e *Error) Error() string { return fmt.Sprintf("%s (at offset %d)", e.Message, e.Offset) }

// Word is a value without quotes, up to the next space, parenthesis or bracket, as identity
// providers write it in userName eq ada. The RFC has only true, false and numbers without quotes.
type Word struct {
	Text  string
	Value any // what the RFC has the word mean, nil where it is no value
}

// Parse reads a filter of RFC 7644 §3.4.2.2. It accepts Figure 1 of the RFC with these additions:
// spaces may be left out or added next to a parenthesis, a bracket and a closing quote, and around
// the filter; true, false and null may be in any case. An attribute may be named like an operator.
// The URN before an attribute ends at the last colon. If two periods follow, the first belongs to
// the URN (urn:…:User.manager.value).
//
// Whole numbers are an int where they fit into one, all others a float64. The error is an [*Error].
func Parse(s string) (fp.Expression, error) { return parse(parser{s: s}) }

// ParseLoose is [Parse] for a client whose values may lack their quotes: each value without quotes
// is a [Word], except null.
func ParseLoose(s string) (fp.Expression, error) { return parse(parser{s: s, loose: true}) }

func parse(p parser) (fp.Expression, error) {
	if err := p.check("filter"); err != nil {
		return nil, err
	}
	e, err := p.or(false)
	if err != nil {
		return nil, err
	}
	if p.space(); p.i < len(p.s) {
		return nil, p.expected("\"and\", \"or\" or the end of the filter")
	}
	return e, nil
}

// ParsePath reads the path of a PATCH operation (RFC 7644 §3.5.2, Figure 7): an attribute, a
// sub-attribute, or a filtered attribute with or without a sub-attribute. The sub-attribute after a
// filter is the Path's own, otherwise it is the AttributePath's. Limits and additions are those of
// [Parse]. The error is an [*Error].
func ParsePath(s string) (fp.Path, error) { return parsePath(parser{s: s}) }

// ParsePathLoose is to [ParsePath] what [ParseLoose] is to [Parse].
func ParsePathLoose(s string) (fp.Path, error) { return parsePath(parser{s: s, loose: true}) }

func parsePath(p parser) (fp.Path, error) {
	if err := p.check("path"); err != nil {
		return fp.Path{}, err
	}
	attr, err := p.attribute()
	if err != nil {
		return fp.Path{}, err
	}
	path := fp.Path{AttributePath: attr}
	if p.take('[') {
		if path.ValueExpression, err = p.bracketed(&attr); err != nil {
			return fp.Path{}, err
		}
		if path.SubAttribute, err = p.sub(); err != nil {
			return fp.Path{}, err
		}
	}
	if p.space(); p.i < len(p.s) {
		return fp.Path{}, p.expected("the end of the path")
	}
	return path, nil
}

// check refuses an input that is too long or cannot be stored, before any of it is parsed.
// PostgreSQL accepts neither invalid UTF-8 nor a zero byte in text.
func (p *parser) check(what string) error {
	if len(p.s) > MaxLength {
		return &Error{Offset: MaxLength, Message: fmt.Sprintf("the %s is longer than %d bytes", what, MaxLength)}
	}
	if !utf8.ValidString(p.s) {
		i := 0
		for r, n := utf8.DecodeRuneInString(p.s); r != utf8.RuneError || n > 1; {
			i += n
			r, n = utf8.DecodeRuneInString(p.s[i:])
		}
		return &Error{Offset: i, Message: fmt.Sprintf("the %s is not valid UTF-8", what)}
	}
	if p.space(); p.i == len(p.s) {
		return &Error{Offset: p.i, Message: fmt.Sprintf("the %s is empty", what)}
	}
	return nil
}
