package patch

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// object is a JSON object that keeps the order of its members: the members of a PATCH without a
// path are applied in that order.
type object []member

type member struct {
	name  string
	value any // nil, bool, string, json.Number, []any, object
}

// get returns the value of the member of that name in any case, and whether there is one. Two such
// members are an error.
func (o object) get(name string) (v any, found bool, err error) {
	for _, m := range o {
		if strings.EqualFold(m.name, name) {
			if found {
				return nil, false, fail(InvalidSyntax, "%s is there twice; send it once", quote(name))
			}
			v, found = m.value, true
		}
	}
	return v, found, nil
}

// maxDigits is how many characters a number may have. A longer one has more digits than a double
// can hold, or an exponent that PostgreSQL refuses.
const maxDigits = 40

// decode reads a body that is one JSON object. It refuses input that encoding/json accepts or
// silently repairs: a repeated member, invalid UTF-8, half of a surrogate pair, deep nesting, and
// zero characters and numbers out of range, which PostgreSQL does not store.
func decode(body []byte) (object, error) { return decoder{left: maxNodes}.body(body) }

// decodeAny is decode for a body that was refused. Half of a surrogate pair becomes U+FFFD.
func decodeAny(body []byte) (object, error) { return decoder{left: maxNodes, halves: true}.body(body) }

// body reads a body.
func (d decoder) body(body []byte) (object, error) {
	if !utf8.Valid(body) {
		return nil, fail(InvalidSyntax, "the body is not valid UTF-8")
	}
	if !json.Valid(body) {
		at := int64(len(body))
		var raw json.RawMessage
		if e := (*json.SyntaxError)(nil); errors.As(json.Unmarshal(body, &raw), &e) {
			at = e.Offset
		}
		return nil, fail(InvalidSyntax, "the body is not valid JSON, near byte %d", at)
	}
	d.s = string(body)
	return d.whole("the body")
}

// whole reads the one object that the text is, which name stands for in an error.
func (d decoder) whole(name string) (object, error) {
	v, err := d.value(name, 0)
	if err != nil {
		return nil, err
	}
	o, ok := v.(object)
	if !ok {
		return nil, fail(InvalidSyntax, "%s must be a JSON object", name)
	}
	return o, nil
}

// decoder reads JSON that encoding/json has found valid, so that it need not check the syntax. The
// tokens of json.Decoder would keep the order of members as well, but take three times as long.
type decoder struct {
	s    string
	i    int // the next byte
	left int // how many more values are allowed

	halves bool // half of a surrogate pair is no error
}

// next skips white space, commas and colons, which have no meaning in JSON known to be valid, and
// returns the byte after them.
func (d *decoder) next() byte {
	for {
		switch c := d.s[d.i]; c {
		case ' ', '\t', '\r', '\n', ',', ':':
			d.i++
		default:
			return c
		}
	}
}

// value reads the value of the member called name. depth is the number of objects and lists around
// it.
func (d *decoder) value(name string, depth int) (any, error) {
	if d.left--; d.left < 0 {
		return nil, fail(TooMany, "the body has more than %d values; send less at once", maxNodes)
	}
	switch c := d.next(); c {
	case '{', '[':
		if depth++; depth > MaxDepth {
			return nil, fail(InvalidSyntax, "the body is nested deeper than %d", MaxDepth)
		}
		d.i++
		if c == '{' {
			return d.object(depth)
		}
		return d.list(name, depth)
	case '"':
		s, err := d.quoted()
		if err != nil {
			return nil, fail(InvalidValue, "%s must not contain %v", quote(name), err)
		}
		return s, nil
	case 't':
		d.i += len("true")
		return true, nil
	case 'f':
		d.i += len("false")
		return false, nil
	case 'n':
		d.i += len("null")
		return nil, nil
	}
	start := d.i
	for d.i < len(d.s) && strings.IndexByte("+-.0123456789Ee", d.s[d.i]) >= 0 {
		d.i++
	}
	n := json.Number(d.s[start:d.i])
	if !inRange(n) {
		return nil, fail(InvalidValue, "%s is a number out of range", quote(name))
	}
	return n, nil
}

// inRange reports whether both a double (RFC 8259 §6) and PostgreSQL's numeric can hold a number. A
// numeric has at most 16,383 digits after the point, where a double has long been 0.
func inRange(n json.Number) bool {
	const least = -400
	if _, exponent, ok := strings.Cut(strings.ToLower(n.String()), "e"); ok {
		if e, err := strconv.Atoi(exponent); err != nil || e < least {
			return false
		}
	}
	_, err := n.Float64()
	return err == nil && len(n) <= maxDigits
}

// The characters that a string must not contain: PostgreSQL does not store the first. The second is
// no character (RFC 8259 §8.2). encoding/json makes U+FFFD of it, so that two names become one.
var (
	errZero      = errors.New(`\u0000`)
	errSurrogate = errors.New("half of a surrogate pair, such as \\ud83d alone; send whole characters")
)

// quoted reads the string whose opening quote is the next byte. It returns one of the errors above,
// or none.
func (d *decoder) quoted() (string, error) {
	start := d.i
	escaped := false
	for d.i++; d.s[d.i] != '"'; d.i++ {
		if d.s[d.i] == '\\' {
			escaped = true
			d.i++
		}
	}
	d.i++
	if !escaped {
		return d.s[start+1 : d.i-1], nil
	}
	var s string
	_ = json.Unmarshal([]byte(d.s[start:d.i]), &s) // cannot fail, as the whole body is valid
	switch {
	case strings.IndexByte(s, 0) >= 0:
		return s, errZero
	case strings.ContainsRune(s, utf8.RuneError) && !d.halves && halved(d.s[start:d.i]):
		return s, errSurrogate
	}
	return s, nil
}

// halved reports whether a string in JSON escapes one half of a surrogate pair without the other.
func halved(s string) bool {
	const width = len(`\uffff`)
	unit := func() rune {
		if !strings.HasPrefix(s, `\u`) {
			return 0
		}
		n, _ := strconv.ParseUint(s[len(`\u`):width], 16, 16)
		return rune(n)
	}
	for s != "" {
		first := unit()
		switch {
		case first != 0:
			s = s[width:]
		case s[0] == '\\':
			s = s[len(`\n`):]
		default:
			s = s[1:]
		}
		if !utf16.IsSurrogate(first) {
			continue
		}
		if utf16.DecodeRune(first, unit()) == utf8.RuneError {
			return true
		}
		s = s[width:]
	}
	return false
}

// object reads an object. Its opening brace has just been read.
func (d *decoder) object(depth int) (any, error) {
	if d.next() == '}' {
		d.i++
		return object{}, nil
	}
	o := make(object, 0, 4)
	var seen map[string]bool
	for d.next() != '}' {
		name, err := d.quoted()
		if err != nil {
			return nil, fail(InvalidSyntax, "an attribute name must not contain %v", err)
		}
		v, err := d.value(name, depth)
		if err != nil {
			return nil, err
		}
		if len(o) == maxNames {
			return nil, fail(TooMany, "an object has more than %d attributes", maxNames)
		}
		o = append(o, member{name, v})
		if seen, err = o.checkLast(seen); err != nil {
			return nil, err
		}
	}
	d.i++
	return o, nil
}

// checkLast refuses the last member if an earlier one has the same name. For a large object, seen
// holds the names, so that the time stays linear; for a small one it is nil.
func (o object) checkLast(seen map[string]bool) (map[string]bool, error) {
	const small = 16
	last := o[len(o)-1].name
	twice := seen[last]
	if len(o) <= small {
		for _, m := range o[:len(o)-1] {
			twice = twice || m.name == last
		}
	}
	if twice {
		return seen, fail(InvalidSyntax, "%s is there twice; send it once", quote(last))
	}
	if len(o) == small {
		seen = make(map[string]bool, 4*small)
		for _, m := range o {
			seen[m.name] = true
		}
	} else if seen != nil {
		seen[last] = true
	}
	return seen, nil
}

// list reads a list. Its opening bracket has just been read.
func (d *decoder) list(name string, depth int) (any, error) {
	l := []any{}
	for d.next() != ']' {
		v, err := d.value(name, depth)
		if err != nil {
			return nil, err
		}
		l = append(l, v)
	}
	d.i++
	return l, nil
}

// plain converts the objects of a decoded value to maps, without the members that are null.
func plain(v any) any {
	switch x := v.(type) {
	case object:
		m := make(map[string]any, len(x))
		for _, e := range x {
			if e.value != nil {
				m[e.name] = plain(e.value)
			}
		}
		return m
	case []any:
		l := make([]any, 0, len(x))
		for _, e := range x {
			l = append(l, plain(e))
		}
		return l
	}
	return v
}
