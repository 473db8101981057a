package filter

import (
	"fmt"
	"strings"

	fp "github.com/scim2/filter-parser/v2"
)

// parser reads s from left to right, and each byte a fixed number of times. It recurses only for a
// parenthesis or bracket, at most MaxDepth deep.
type parser struct {
	s     string
	i     int // the next byte
	depth int
	terms int
	loose bool // a value without quotes is a Word
}

// or reads terms joined by "or", which binds weaker than "and" (RFC 7644 §3.4.2.2). inside is set
// within the brackets of a value path.
func (p *parser) or(inside bool) (fp.Expression, error) {
	left, err := p.and(inside)
	if err != nil {
		return nil, err
	}
	for p.keyword("or") {
		right, err := p.and(inside)
		if err != nil {
			return nil, err
		}
		left = &fp.LogicalExpression{Left: left, Right: right, Operator: fp.OR}
	}
	return left, nil
}

// and reads terms joined by "and".
func (p *parser) and(inside bool) (fp.Expression, error) {
	left, err := p.term(inside)
	if err != nil {
		return nil, err
	}
	for p.keyword("and") {
		right, err := p.term(inside)
		if err != nil {
			return nil, err
		}
		left = &fp.LogicalExpression{Left: left, Right: right, Operator: fp.AND}
	}
	return left, nil
}

// term reads a comparison or a value path, or a filter that is negated or in parentheses.
func (p *parser) term(inside bool) (fp.Expression, error) {
	p.space()
	start := p.i
	negated := p.keyword("not")
	if p.take('(') {
		e, err := p.enclosed(')', inside)
		if err != nil {
			return nil, err
		}
		if negated {
			return &fp.NotExpression{Expression: e}, nil
		}
		return e, nil
	}
	p.i = start // "not" without a parenthesis is an attribute of that name
	return p.comparison(inside)
}

// enclosed reads a filter and the closing parenthesis or bracket after it. The opening one has just
// been read.
func (p *parser) enclosed(closing byte, inside bool) (fp.Expression, error) {
	if p.depth++; p.depth > MaxDepth {
		return nil, &Error{Offset: p.i - 1, Message: fmt.Sprintf("nested deeper than %d", MaxDepth)}
	}
	e, err := p.or(inside)
	if err != nil {
		return nil, err
	}
	if !p.take(closing) {
		return nil, p.expected(fmt.Sprintf("\"and\", \"or\" or %q", string(closing)))
	}
	p.depth--
	return e, nil
}

// comparison reads an attribute with its operator and value, or a value path.
func (p *parser) comparison(inside bool) (fp.Expression, error) {
	attr, err := p.attribute()
	if err != nil {
		return nil, err
	}
	if at := p.i; p.take('[') {
		if inside {
			return nil, &Error{Offset: at, Message: "brackets within brackets are not allowed"}
		}
		e, err := p.bracketed(&attr)
		if err != nil {
			return nil, err
		}
		sub, err := p.sub()
		if err != nil {
			return nil, err
		}
		if sub != nil {
			// Entra matches users by emails[type eq "work"].value eq "x", which is not in Figure 1.
			compared, err := p.operator(fp.AttributePath{AttributeName: *sub})
			if err != nil {
				return nil, err
			}
			e = &fp.LogicalExpression{Left: e, Right: compared, Operator: fp.AND}
		}
		return &fp.ValuePath{AttributePath: attr, ValueFilter: e}, nil
	}
	return p.operator(attr)
}

// bracketed reads the filter of a value path on attr. The opening bracket has just been read.
func (p *parser) bracketed(attr *fp.AttributePath) (fp.Expression, error) {
	if attr.SubAttribute != nil {
		const misplaced = "only an attribute can be filtered by brackets, not a sub-attribute"
		return nil, &Error{Offset: p.i - 1, Message: misplaced}
	}
	if p.space(); p.i < len(p.s) && isDigit(p.s[p.i]) {
		const indexed = `elements have no index; select them by a filter such as [type eq "work"]`
		return nil, &Error{Offset: p.i, Message: indexed}
	}
	return p.enclosed(']', true)
}

// sub reads the sub-attribute right after a value path. It returns nil if there is none.
func (p *parser) sub() (*string, error) {
	if p.i == len(p.s) || p.s[p.i] != '.' {
		return nil, nil
	}
	p.i++
	start := p.i
	for p.i < len(p.s) && isNameByte(p.s[p.i]) {
		p.i++
	}
	name := p.s[start:p.i]
	if !isName(name) {
		p.i = start
		return nil, p.expected("a sub-attribute")
	}
	return &name, nil
}

// attribute reads an attribute path: an attribute with an optional URN before it and an optional
// sub-attribute after it.
func (p *parser) attribute() (fp.AttributePath, error) {
	p.space()
	start := p.i
	colon := -1
	for p.i < len(p.s) && isPathByte(p.s[p.i]) {
		if p.s[p.i] == ':' {
			colon = p.i
		}
		p.i++
	}
	var attr fp.AttributePath
	if colon >= 0 {
		urn := p.s[start:colon]
		if urn == "" || urn[0] == ':' || urn[len(urn)-1] == ':' || strings.Contains(urn, "::") {
			return attr, &Error{Offset: start, Message: "a URN must not have an empty part"}
		}
		attr.URIPrefix = &urn
		start = colon + 1
	}
	name, sub, dotted := strings.Cut(p.s[start:p.i], ".")
	if first, rest, more := strings.Cut(sub, "."); more && name != "" && attr.URIPrefix != nil {
		// Neither an attribute nor a sub-attribute has a period, so the first is the URN's end.
		urn := p.s[start-len(*attr.URIPrefix)-1 : start+len(name)]
		attr.URIPrefix, name, sub = &urn, first, rest
	}
	if !isName(name) {
		p.i = start
		return attr, p.expected("an attribute name")
	}
	if dotted {
		if !isName(sub) {
			p.i = start
			return attr, p.expected("an attribute name with at most one sub-attribute after a period")
		}
		attr.SubAttribute = &sub
	}
	attr.AttributeName = name
	return attr, nil
}

// operator reads the operator and the value that follow an attribute in a comparison.
func (p *parser) operator(attr fp.AttributePath) (fp.Expression, error) {
	at := p.i
	p.space()
	if p.terms++; p.terms > MaxTerms {
		return nil, &Error{Offset: at, Message: fmt.Sprintf("more than %d comparisons", MaxTerms)}
	}
	word := p.word()
	if at < p.i && len(word) == 2 {
		if op := operators[[2]byte{word[0] | 0x20, word[1] | 0x20}]; op != "" {
			p.i += len(word)
			if op == fp.PR {
				return &fp.AttributeExpression{AttributePath: attr, Operator: op}, nil
			}
			v, err := p.value()
			if err != nil {
				return nil, err
			}
			return &fp.AttributeExpression{AttributePath: attr, Operator: op, CompareValue: v}, nil
		}
	}
	return nil, p.expected("an operator (eq, ne, co, sw, ew, gt, ge, lt, le, pr)")
}

var operators = map[[2]byte]fp.CompareOperator{
	{'e', 'q'}: fp.EQ, {'n', 'e'}: fp.NE, {'c', 'o'}: fp.CO, {'s', 'w'}: fp.SW, {'e', 'w'}: fp.EW,
	{'g', 't'}: fp.GT, {'g', 'e'}: fp.GE, {'l', 't'}: fp.LT, {'l', 'e'}: fp.LE, {'p', 'r'}: fp.PR,
}
