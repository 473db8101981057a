package web

import (
	"embed"
	"fmt"
	"html"
	"html/template"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"rollcall/model"
)

//go:embed icons/*.svg
var ownIcons embed.FS

// markup are the template functions that write a piece of a page.
type markup struct {
	icons map[string]template.HTML
}

// functions are the template functions of all pages besides asset.
func (m *markup) functions() template.FuncMap {
	return template.FuncMap{
		"icon": m.icon, "chip": m.chip, "copy": m.copyField, "chart": chart, "when": when, "moment": moment, "day": day,
		"number": number, "sentence": sentence, "invalid": invalid, "beside": m.beside,
	}
}

// drawing is what stands in an icon's file between its svg tags.
var drawing = regexp.MustCompile(`(?s)<svg\b[^>]*>(.*)</svg>`)

// newMarkup reads the icons.
func newMarkup() (*markup, error) {
	m := &markup{icons: map[string]template.HTML{}}
	files, err := fs.Glob(ownIcons, "icons/*.svg")
	if err != nil {
		return nil, fmt.Errorf("list icons: %w", err)
	}
	for _, file := range files {
		text, err := fs.ReadFile(ownIcons, file)
		if err != nil {
			return nil, fmt.Errorf("read icon: %w", err)
		}
		found := drawing.FindSubmatch(text)
		if found == nil {
			return nil, fmt.Errorf("icon %s has no drawing", file)
		}
		name := strings.TrimSuffix(strings.TrimPrefix(file, "icons/"), ".svg")
		shapes := strings.Join(strings.Fields(string(found[1])), " ")
		m.icons[name] = template.HTML(`<svg class="icon" viewBox="0 0 24 24" width="18" height="18" ` +
			`aria-hidden="true">` + shapes + `</svg>`)
	}
	return m, nil
}

// icon is the template function icon: it draws a small picture, which screen readers pass over. The
// words beside it must say the same.
func (m *markup) icon(name string) (template.HTML, error) {
	drawn, ok := m.icons[name]
	if !ok {
		return "", fmt.Errorf("there is no icon %s", name)
	}
	return drawn, nil
}

// chipIcons are the states of chips, each with its icon: the color alone says nothing.
var chipIcons = map[string]string{
	"ok": "check", "wait": "clock", "warn": "triangle-alert", "bad": "x", "off": "minus", "info": "info",
}

// chip is the template function chip: it shows a state as an icon and a word.
func (m *markup) chip(state, word string) (template.HTML, error) {
	name, ok := chipIcons[state]
	if !ok {
		return "", fmt.Errorf("there is no state %s of a chip", state)
	}
	drawn, err := m.icon(name)
	if err != nil {
		return "", err
	}
	return piece(`<span class="chip %s">%s %s</span>`, state, drawn, word), nil
}

// copyField is the template function copy: it shows a value with what it is called and a button
// that copies it. Without JavaScript there is no button, and one click selects the whole value.
func (m *markup) copyField(label, value string) (template.HTML, error) {
	drawn, err := m.icon("copy")
	if err != nil {
		return "", err
	}
	return piece(`<div class="copy"><span class="label">%s</span><code data-value translate="no">%s</code>`+
		`<button type="button" class="plain" data-copy="%s" aria-label="Copy %s" hidden>%s <span>Copy</span></button>`+
		`</div>`,
		label, value, label, label, drawn), nil
}

// Problems are the problems with a form, by the name of the field. The template functions invalid
// and beside show each where it is.
type Problems map[string]string

// invalid is the template function invalid: the attributes of a field that has a problem.
func invalid(problems Problems, field string) template.HTMLAttr {
	if problems[field] == "" {
		return ""
	}
	return template.HTMLAttr(`aria-invalid="true" aria-describedby="` + html.EscapeString(field) + `-problem"`)
}

// beside is the template function beside: what is wrong with a field, to stand after it.
func (m *markup) beside(problems Problems, field string) (template.HTML, error) {
	problem := problems[field]
	if problem == "" {
		return "", nil
	}
	drawn, err := m.icon("circle-x")
	if err != nil {
		return "", err
	}
	return piece(`<p class="wrong" id="%s-problem">%s <span>%s</span></p>`, field, drawn, sentence(problem)), nil
}

// sentence is the template function sentence: an error's message as a sentence, with a capital and
// a full stop.
func sentence(text string) string {
	text = strings.TrimSpace(text)
	first, size := utf8.DecodeRuneInString(text)
	if text == "" || first == utf8.RuneError {
		return text
	}
	if last := text[len(text)-1]; last != '.' && last != '?' && last != '!' {
		text += "."
	}
	return string(unicode.ToUpper(first)) + text[size:]
}

// The layouts of times on pages.
const (
	longTime   = "2 January 2006, 15:04 UTC"
	exactTime  = "2 January 2006, 15:04:05 UTC"
	dayOfATime = "2 January 2006"
)

// when is the template function when: a time to the minute, in UTC, which the pages' script writes
// again in the reader's zone. at is a model.Time, a *model.Time or a time.Time; "never" is what it
// shows for nil.
func when(at any) (template.HTML, error) { return clock(at, longTime, "minutes") }

// moment is the template function moment: when with seconds, for logs.
func moment(at any) (template.HTML, error) { return clock(at, exactTime, "seconds") }

// day is the template function day: the date of a time.
func day(at any) (template.HTML, error) { return clock(at, dayOfATime, "") }

func clock(at any, layout, precision string) (template.HTML, error) {
	var t time.Time
	switch at := at.(type) {
	case model.Time:
		t = at.Time()
	case *model.Time:
		if at == nil {
			return "never", nil
		}
		t = at.Time()
	case time.Time:
		t = at.UTC()
	default:
		return "", fmt.Errorf("a %T is not a time", at)
	}
	if precision == "" {
		return piece(`<time datetime="%s">%s</time>`, t.Format(time.DateOnly), t.Format(layout)), nil
	}
	return piece(`<time datetime="%s" data-clock="%s">%s</time>`, t.Format(time.RFC3339), precision,
		t.Format(layout)), nil
}

// number is the template function number: a count with separators of thousands.
func number(n any) (string, error) {
	var count int64
	switch n := n.(type) {
	case int:
		count = int64(n)
	case int64:
		count = n
	default:
		return "", fmt.Errorf("a %T is not a count", n)
	}
	digits := strconv.FormatInt(count, 10)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits, nil
}

// piece is a piece of a page: the texts among the values are escaped, and pieces are not.
func piece(format string, values ...any) template.HTML {
	for i, value := range values {
		if text, ok := value.(string); ok {
			values[i] = html.EscapeString(text)
		}
	}
	return template.HTML(fmt.Sprintf(format, values...))
}

// Link is a line of the navigation at the side of a page, which the shell "with_side" shows. One
// without a URL is a heading.
type Link struct {
	Name, URL, Icon string
	Current         bool
}

// Step is a step of the rail, which the shell "with_rail" shows.
type Step struct {
	Name, URL string
	State     string // open, waiting, done, skipped or broken
	Note      string // what was set up; often empty
	Current   bool
}
