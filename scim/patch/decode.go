package patch

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// object is a JSON object whose members keep their order, which decides what a PATCH without a
// path does.
type object []member

type member struct {
	name  string
	value any // nil, bool, string, json.Number, []any, object
}

// get returns the member of that name in any case, and whether there is exactly one.
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

// maxDigits is how long a number may be. A longer one has digits that no reader of a double sees,
// or an exponent that PostgreSQL refuses.
const maxDigits = 40

// decode reads a body that is one JSON object. It refuses what encoding/json lets pass or mends in
// silence: a member twice, invalid UTF-8, deep nesting, and zero characters and numbers out of
// range, which PostgreSQL does not store.
func decode(body []byte) (object, error) {
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
	d := decoder{s: string(body), left: maxNodes}
	v, err := d.value("the body", 0)
	if err != nil {
		return nil, err
	}
	o, ok := v.(object)
	if !ok {
		return nil, fail(InvalidSyntax, "the body must be a JSON object")
	}
	return o, nil
}

// decoder reads JSON that encoding/json found valid, and so has nothing to check. The tokens of
// json.Decoder would keep the order of members as well, but take three times as long.
type decoder struct {
	s    string
	i    int // the next byte
	left int // how many more values there may be
}

// next skips what has no meaning in valid JSON (white space, commas, colons) and returns the byte
// after it.
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

// value reads the value of the member called name, which stands in depth objects and lists.
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
		s := d.str()
		if strings.IndexByte(s, 0) >= 0 {
			return nil, fail(InvalidValue, `%s must not contain \u0000`, quote(name))
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

// inRange tells whether a number is one that a double holds (RFC 8259 §6), and PostgreSQL's numeric too,
// which ends 16,383 digits after the point where a double has long been 0.
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

// str reads a string, of which the quote is the next byte.
func (d *decoder) str() string {
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
		return d.s[start+1 : d.i-1]
	}
	var s string
	_ = json.Unmarshal([]byte(d.s[start:d.i]), &s) // cannot fail, as the whole body is valid
	return s
}

func (d *decoder) object(depth int) (any, error) {
	if d.next() == '}' {
		d.i++
		return object{}, nil
	}
	o := make(object, 0, 4)
	var seen map[string]bool
	for d.next() != '}' {
		name := d.str()
		if strings.IndexByte(name, 0) >= 0 {
			return nil, fail(InvalidSyntax, `an attribute name must not contain \u0000`)
		}
		v, err := d.value(name, depth)
		if err != nil {
			return nil, err
		}
		if len(o) == maxNames {
			return nil, fail(TooMany, "an object has more than %d attributes", maxNames)
		}
		o = append(o, member{name, v})
		if seen, err = o.unique(seen); err != nil {
			return nil, err
		}
	}
	d.i++
	return o, nil
}

// unique refuses a last member that is there already. seen holds the names of large objects, so
// that time stays linear; it is nil for small ones.
func (o object) unique(seen map[string]bool) (map[string]bool, error) {
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

// plain is a decoded value with maps for objects, without the members that are null.
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
