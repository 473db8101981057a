package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/web"
)

// maxBody is the largest body that is read, in bytes. No call needs a tenth of it.
const maxBody = 1 << 20

// nul matches U+0000 in JSON, which PostgreSQL does not store. After an escaped backslash, \u0000
// is plain text.
var nul = regexp.MustCompile(`(^|[^\\])(\\\\)*\\u0000`)

// decode reads the JSON body of a call. It refuses members of the wrong type, and members that T
// does not have, by their names, and takes the white space around texts away.
func decode[T any](c *call) (body T, err error) {
	kind, _, err := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType))
	if err != nil || kind != echo.MIMEApplicationJSON {
		return body, &coded{http.StatusUnsupportedMediaType, "unsupported_media_type",
			model.Invalidf("", "send the body as JSON with Content-Type: application/json")}
	}
	text, err := c.body()
	if err != nil {
		return body, err
	}
	if err := unmarshal(text, &body, ""); err != nil {
		return body, err
	}
	trimmed(&body)
	return body, nil
}

// body reads the body of a call, and then looks for the key again: somebody who sends a body slowly
// does not act with a key that was deleted meanwhile.
func (c *call) body() ([]byte, error) {
	if err := web.KnownSender(c.Request(), "key:"+string(c.key.actor)); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(c.Request().Body, maxBody+1))
	if model.KindOf(err) == model.Invalid {
		return nil, unreadable(err)
	}
	if err != nil {
		return nil, fmt.Errorf("read body: %w", err)
	}
	if len(text) > maxBody {
		return nil, &model.Error{Kind: model.TooLarge,
			Message: fmt.Sprintf("the body is larger than %d bytes; send less at once", maxBody)}
	}
	if len(text) > 0 {
		if err := c.again(); err != nil {
			return nil, err
		}
	}
	if !utf8.Valid(text) || nul.Match(text) {
		return nil, unreadable(model.Invalidf("", "the body is not UTF-8 text without U+0000"))
	}
	return text, nil
}

func unreadable(err error) error { return &coded{http.StatusBadRequest, "invalid_request", err} }

// unmarshal reads JSON that was found at the given path of the body. Its errors describe the body,
// and do not quote the errors of the Go decoder.
func unmarshal(text []byte, into any, path string) error {
	err := json.Unmarshal(text, into)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		field := fieldPath(path, wrong.Field)
		got, _, _ := strings.Cut(wrong.Value, " ")
		if field == "" {
			return unreadable(model.Invalidf("", "the body is a JSON %s; send an object", got))
		}
		return invalidf(field, "%s has the wrong type: it cannot be a JSON %s", field, got)
	}
	if wrong, ok := errors.AsType[*json.SyntaxError](err); ok {
		return unreadable(&model.Error{Kind: model.Invalid, Err: err,
			Message: fmt.Sprintf("the body is not JSON: it breaks off or has an error at byte %d", wrong.Offset)})
	}
	if err != nil {
		return err
	}
	if problems := unsettable(text, reflect.TypeOf(into), path); len(problems) > 0 {
		return &invalid{problems}
	}
	return nil
}

// fieldPath joins the path of the input and the path that the decoder reports. The decoder includes
// the Go names of embedded structs. They are dropped: the names of all members of the API are in
// lower case.
func fieldPath(path, decoded string) string {
	parts := strings.Split(path+"."+decoded, ".")
	kept := parts[:0]
	for _, p := range parts {
		if p != "" && p == strings.ToLower(p) {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, ".")
}

// optional is a member of a body that may be missing, null, or given.
type optional[T any] struct {
	given bool
	value *T // nil for null
}

// UnmarshalJSON is called for null, too, but not for a missing member.
func (o *optional[T]) UnmarshalJSON(text []byte) error {
	o.given = true
	return json.Unmarshal(text, &o.value)
}

// part is the value, for trim.
func (o *optional[T]) part() reflect.Value { return reflect.ValueOf(&o.value).Elem() }

// into sets a value that was given. null sets the zero value.
func (o optional[T]) into(to *T) {
	if o.given {
		var none T
		*to = none
		set(to, o.value)
	}
}

// orZero returns the value that was given, the zero value for null, and nil for a missing member.
func (o optional[T]) orZero() *T {
	if o.given && o.value == nil {
		return new(T)
	}
	return o.value
}

// params reads a query and collects all its problems. An empty parameter counts as a missing one.
type params struct {
	call     *call
	problems []problem
}

func (c *call) params() *params { return &params{call: c} }

func (p *params) err() error {
	if len(p.problems) > 0 {
		return &invalid{p.problems}
	}
	return nil
}

func (p *params) fail(field, format string, args ...any) {
	p.problems = append(p.problems, problem{field, codeInvalid(field), fmt.Sprintf(format, args...)})
}

// require records that a parameter is missing.
func (p *params) require(field, message string) {
	p.problems = append(p.problems, problem{field, codeRequired, message})
}

func (p *params) text(name string) string { return p.call.text(name) }

// text is a parameter of the query, without white space around it.
func (c *call) text(name string) string { return model.Trimmed(c.query.Get(name)) }

// list reads name=a,b as the reference writes it, and name=a&name=b or name[]=a&name[]=b as HTTP
// libraries write it.
func (p *params) list(name string) []string {
	var out []string
	for _, values := range [][]string{p.call.query[name], p.call.query[name+"[]"]} {
		for _, v := range values {
			for item := range strings.SplitSeq(v, ",") {
				if item = model.Trimmed(item); item != "" {
					out = append(out, item)
				}
			}
		}
	}
	return out
}

// moment reads a time; nil when there is none.
func (p *params) moment(name string) *model.Time {
	text := p.text(name)
	if text == "" {
		return nil
	}
	t, err := parseMoment(name, text)
	if err != nil {
		p.problems = append(p.problems, err.problems...)
	}
	return t
}

// parseMoment reads a time of RFC 3339, or a date, which means midnight UTC.
func parseMoment(field, text string) (*model.Time, *invalid) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			t := model.TimeOf(at)
			return &t, nil
		}
	}
	return nil, invalidf(field, "%s is not a time such as 2026-01-15T12:00:00Z", field)
}

// The reference's limits of a page.
const (
	defaultLimit = 10
	maxLimit     = 100
)

// page reads which page of a list was asked for. The cursors are ids of the given kind.
func (p *params) page(kind model.Prefix, order string) page {
	out := page{Page: model.Page{Limit: defaultLimit}, kind: kind}
	if text := p.text("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxLimit {
			p.fail("limit", "limit is a number from 1 to %d", maxLimit)
		}
		out.Limit = n
	}
	before, after := p.cursor("before", kind), p.cursor("after", kind)
	if before != "" && after != "" {
		p.fail("before", "send before or after, not both")
	}
	if text := p.text("order"); text != "" {
		order = text
	}
	switch order {
	case "asc":
		out.Ascending = true
	case "desc":
	case "normal":
		// The order is the same as in desc, but before asks for older rows and after for newer
		// ones.
		out.reversed = true
		before, after = after, before
	default:
		p.fail("order", `order is "asc", "desc" or "normal"`)
	}
	out.Before, out.After = before, after
	return out
}

func (p *params) cursor(name string, kind model.Prefix) string {
	text := p.text(name)
	if text == "" {
		return ""
	}
	id, ok := kind.Parse(text)
	if !ok {
		p.fail(name, "%s is not an id of this list; its ids begin with %s_", name, kind)
	}
	return id
}

// required refuses an empty member that the call needs.
func required(field, value string) error {
	if value == "" {
		return &invalid{[]problem{{field, codeRequired, field + " is required"}}}
	}
	return nil
}
