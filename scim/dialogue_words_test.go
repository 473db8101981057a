package scim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// values are the values of the words that begin with $.
type values struct {
	texts map[string]string
	times map[string]string
}

// variable matches a word with a value. $ref is an attribute of SCIM.
var variable = regexp.MustCompile(`\$[a-z][a-z0-9_]*`)

var (
	wholeVariable = regexp.MustCompile(`^\$([a-z][a-z0-9_]*)$`)
	timeVariable  = regexp.MustCompile(`^\$time(?::([a-z][a-z0-9_]*))?$`)
	textVariable  = regexp.MustCompile(`^\$text(?:\((.*)\))?$`)
	momentForm    = "2006-01-02T15:04:05.000Z"
)

func asIs(s string) string { return s }

// inJSON is a value as it is written between the quotes of a JSON string.
func inJSON(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(bytes.Trim(text, `"`))
}

// expand replaces the words whose values are known.
func (v *values) expand(text string, as func(string) string) string {
	return variable.ReplaceAllStringFunc(text, func(word string) string {
		name := word[1:]
		if value, ok := v.texts[name]; ok {
			return as(value)
		}
		if value, ok := v.times[name]; ok {
			return as(value)
		}
		return word
	})
}

// bind sets the values of the names that an answer has for the first time.
func (v *values) bind(want, got any) {
	switch w := want.(type) {
	case map[string]any:
		g, _ := got.(map[string]any)
		for name := range w {
			v.bind(w[name], g[name])
		}
	case []any:
		g, _ := got.([]any)
		for i := range min(len(w), len(g)) {
			v.bind(w[i], g[i])
		}
	case string:
		g, _ := got.(string)
		if timeVariable.MatchString(w) || textVariable.MatchString(w) || g == "" {
			return
		}
		if m := wholeVariable.FindStringSubmatch(w); m != nil && v.texts[m[1]] == "" && v.times[m[1]] == "" {
			if !has(v.texts, g) {
				v.texts[m[1]] = g
			}
		}
	}
}

// has reports whether some name has that value.
func has(names map[string]string, value string) bool {
	return slices.Contains(slices.Collect(maps.Values(names)), value)
}

// resolve returns want with each word replaced by the value in got, if they agree.
func (v *values) resolve(want, got any) any {
	switch w := want.(type) {
	case map[string]any:
		g, _ := got.(map[string]any)
		out := map[string]any{}
		for name := range w {
			out[name] = v.resolve(w[name], g[name])
		}
		return out
	case []any:
		g, _ := got.([]any)
		out := make([]any, len(w))
		for i := range w {
			out[i] = w[i]
			if i < len(g) {
				out[i] = v.resolve(w[i], g[i])
			}
		}
		return out
	case string:
		g, _ := got.(string)
		return v.resolveText(w, g)
	}
	return want
}

func (v *values) resolveText(want, got string) string {
	if m := timeVariable.FindStringSubmatch(want); m != nil {
		at, err := time.Parse(momentForm, got)
		if err != nil || at.Format(momentForm) != got {
			return want
		}
		if m[1] == "" {
			return got
		}
		if v.times[m[1]] == "" && !has(v.times, got) {
			v.times[m[1]] = got
		}
		if v.times[m[1]] != got {
			return want
		}
		return got
	}
	if m := textVariable.FindStringSubmatch(want); m != nil {
		for _, part := range strings.Split(m[1], ", ") {
			if got == "" || !strings.Contains(got, v.expand(part, asIs)) {
				return want
			}
		}
		return got
	}
	return v.expand(want, asIs)
}

// sortSchemas sorts the schemas in a body, except the first.
func sortSchemas(body any) {
	switch b := body.(type) {
	case map[string]any:
		for name, value := range b {
			list, ok := value.([]any)
			if name == "schemas" && ok && len(list) > 1 {
				slices.SortFunc(list[1:], func(x, y any) int { return strings.Compare(fmt.Sprint(x), fmt.Sprint(y)) })
			}
			sortSchemas(value)
		}
	case []any:
		for _, e := range b {
			sortSchemas(e)
		}
	}
}

// escapeURL escapes the characters that a URL must not contain. It keeps its delimiters.
func escapeURL(target string) string {
	var b strings.Builder
	for _, c := range []byte(target) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}[]", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// compare calls failed with each difference of the body and the headers from those in the file.
func (v *values) compare(e turn, got reply, failed func(line int, format string, args ...any)) {
	var want any
	if e.wantBody != "" {
		if err := json.Unmarshal([]byte(e.wantBody), &want); err != nil {
			failed(e.wantLine, "the answer in the file is not JSON: %v", err)
			return
		}
	}
	var body any
	if got.text != "" {
		body = got.body
	}
	if diff := v.diff(want, body); diff != "" {
		failed(e.wantLine, "body (-want +got):\n%s", diff)
	}
	for name := range e.wantHeader {
		have := got.header.Get(name)
		if want := v.resolve(e.wantHeader.Get(name), have); want != have {
			failed(e.wantLine, "header %s is %q, want %q", name, have, want)
		}
	}
}

// diff is the difference between two JSON values, or empty.
func (v *values) diff(want, got any) string {
	sortSchemas(want)
	sortSchemas(got)
	v.bind(want, got) // first, because a location may come before the id that it contains
	return cmp.Diff(v.resolve(want, got), got)
}

func TestDialogueWords(t *testing.T) {
	t.Parallel()
	id, other := "0190", "0191"
	for _, test := range []struct {
		name      string
		want, got any
		differs   bool
	}{
		{"a name takes a value", "$user", id, false},
		{"a name keeps its value", []any{"$user", "$user"}, []any{id, id}, false},
		{"a name has one value", []any{"$user", "$user"}, []any{id, other}, true},
		{"a value has one name", []any{"$user", "$again"}, []any{id, id}, true},
		{"a name takes no empty text", "$user", "", true},
		{"a name takes no number", "$user", 5.0, true},
		{"a name within text", []any{"/Users/$user", "$user"}, []any{"/Users/0190", id}, false},
		{"another text around a name", []any{"/Users/$user", "$user"}, []any{"/Groups/0190", id}, true},
		{"a moment", "$time", "2026-01-02T03:04:05.678Z", false},
		{"a moment without milliseconds", "$time", "2026-01-02T03:04:05Z", true},
		{"a moment in another zone", "$time", "2026-01-02T03:04:05.678+01:00", true},
		{"the same moment", []any{"$time:at", "$time:at"},
			[]any{"2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.678Z"}, false},
		{"another moment", []any{"$time:at", "$time:at"}, []any{"2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.679Z"},
			true},
		{"a moment has one name", []any{"$time:at", "$time:then"},
			[]any{"2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.678Z"}, true},
		{"a text with what it must have", "$text(userName, taken)", "the userName is taken", false},
		{"a text without it", "$text(userName)", "this is taken", true},
		{"no text", "$text", "", true},
		{"an attribute too many", map[string]any{"a": 1.0}, map[string]any{"a": 1.0, "b": nil}, true},
		{"an attribute too few", map[string]any{"a": "$time"}, map[string]any{}, true},
		{"an element too many", []any{"a"}, []any{"a", "b"}, true},
		{"extensions in another order", map[string]any{"schemas": []any{"core", "x", "y"}},
			map[string]any{"schemas": []any{"core", "y", "x"}}, false},
		{"the core schema elsewhere", map[string]any{"schemas": []any{"core", "x"}},
			map[string]any{"schemas": []any{"x", "core"}}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := &values{texts: map[string]string{}, times: map[string]string{}}
			if diff := v.diff(test.want, test.got); (diff != "") != test.differs {
				t.Errorf("difference %q", diff)
			}
		})
	}
}
